"""Files that STOA brings along: the template of a project, shipped definitions."""

from __future__ import annotations

from pathlib import Path

from stoa.errors import StoaError

_PACKAGE = Path(__file__).resolve().parents[1]


def template() -> Path:
    """The folder of the files that a new project gets: beside the package in a clone, in it in a wheel."""
    for folder in (_PACKAGE / "template", _PACKAGE.parent / ".stoa-template"):
        if folder.is_dir():
            return folder
    raise StoaError(
        "the template of STOA is missing from this installation", "`pip install --force-reinstall stoa-tracking`"
    )
