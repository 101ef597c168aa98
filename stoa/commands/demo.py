"""The tutorial as a list of commands over a copy of the example archive."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from stoa.errors import StoaError

_PACKAGE = Path(__file__).resolve().parents[1]


class Step(msgspec.Struct, frozen=True):
    """One command of the tutorial and what it is for."""

    why: str
    command: tuple[str, ...]
    may_fail: bool = False  # a check that finds something exits with 1, a run with failures with 3


def steps() -> list[Step]:
    """The commands, in order, to be run in the demo's folder."""
    return [
        Step("A project is a git repository with a .stoa folder.", ("git", "init", "--quiet")),
        Step("", ("stoa", "init")),
        Step("The data stay where they are; only the name is shared.", ("stoa", "root", "add", "alma", "archive")),
        Step("Every product folder is a target.", ("stoa", "target", "add", "alma", "**/product")),
        Step("One XML document a folder, from the FITS headers.", ("stoa", "meta", "build")),
        Step("What the folders lack, before any script runs.", ("stoa", "meta", "check"), may_fail=True),
        Step("A source finder that comes with STOA; yours to change.", ("stoa", "process", "add", "sep")),
        Step("Run it over everything. Failures are recorded like successes.", ("stoa", "run", "sep"), may_fail=True),
        Step("The state of the project, failures by cause.", ("stoa", "status")),
        Step("What the script said about one that failed.", ("stoa", "log", "A001_X2a1e_X790")),
        Step(
            "Look, and flag what is not right. One commit an action.",
            ("stoa", "flag", "A001_X2ca9_Xf03", "--reason", "check", "-m", "faint companions? search deeper"),
        ),
        Step(
            "",
            ("stoa", "comment", "A001_X1917_X451", "-m", "the continuum image is cut off: ask for a new delivery"),
        ),
        Step(
            "Another parameter set: deeper, and a beam for the image whose header has none.",
            ("stoa", "params", "new", "deep", "--process", "sep", "--set", "snr=4", "--set", "beam_arcsec=0.46"),
        ),
        Step(
            "Run again what failed and what is flagged, with the new set.",
            ("stoa", "rerun", "--failed", "--flagged", "--params", "deep"),
            may_fail=True,
        ),
        Step("What differs?", ("stoa", "diff", "sep@default", "sep@deep")),
        Step(
            "The rest with the new set, too; what is done already is left alone.",
            ("stoa", "run", "sep", "-p", "deep"),
            True,
        ),
        Step("", ("stoa", "diff", "sep@default", "sep@deep")),
        Step(
            "One catalogue of all sources, one row per source.",
            ("stoa", "catalogue", "stack", "sep@deep", "--keep", "snr >= 5"),
        ),
        Step(
            "Which of them are known quasars?",
            ("stoa", "catalogue", "match", "catalogues/sep@deep.vot", "quasars.csv", "--radius", "5arcsec", "--unique"),
        ),
        Step("", ("stoa", "catalogue", "plot", "catalogues/sep@deep.vot", "--catalogue", "quasars.csv")),
        Step("", ("stoa", "catalogue", "plot", "catalogues/sep@deep.vot", "--kind", "flux")),
        Step("Everything is in git.", ("git", "log", "--oneline", "--no-decorate")),
    ]


def examples() -> Path:
    """The folder of the example archive: in the package of a wheel, beside it in a clone."""
    for folder in (_PACKAGE / "examples", _PACKAGE.parent / "examples"):
        if (folder / "archive").is_dir():
            return folder
    raise StoaError(
        "the example archive is missing from this installation", "`pip install --force-reinstall stoa-tracking`"
    )


def prepare(folder: Path) -> Path:
    """Copy the example archive and the quasar table into a new folder.

    Returns
    -------
    folder
        The one that was asked for, if it is new or empty; else the same with a number, or of the working directory
        and what it is in, `stoa-demo` below.
    """
    wanted = Path(os.path.abspath(folder))
    if not _is_free(wanted) and Path.cwd().is_relative_to(wanted):
        wanted /= "stoa-demo"
    place = next(p for p in (wanted.with_name(f"{wanted.name}{n}") for n in ("", *range(2, 1000))) if _is_free(p))
    place.mkdir(parents=True, exist_ok=True)
    source = examples()
    shutil.copytree(source / "archive", place / "archive")
    shutil.copy(source / "quasars.csv", place / "quasars.csv")
    for name in (source / "archive" / "empty_folders.txt").read_text(encoding="utf-8").splitlines():
        (place / "archive" / name).mkdir(parents=True, exist_ok=True)
    (place / ".gitignore").write_text("/archive/\n", encoding="utf-8")
    return place


def _is_free(place: Path) -> bool:
    return not place.exists() or (place.is_dir() and not any(place.iterdir()))
