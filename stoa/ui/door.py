"""The dashboard's door to files: what a record names, and only where it really is below one of the project's roots.

It is narrower than that of the command line, because others look through it: a link below a root leads nowhere
else, and nothing about this machine's folders is shown.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from stoa.errors import StoaError
from stoa.project import PRODUCTS_ROOT, Project


def real_file(project: Project, ref: str) -> Path:
    """Where a file that a record names is on this machine, with every link followed.

    Parameters
    ----------
    ref
        ``root:path`` as in records.

    Raises
    ------
    StoaError
        If it is not here, is no regular file, or a link leads it out of the roots. A root itself may be a link.
    """
    try:
        named = project.file(ref)
    except StoaError:
        raise StoaError(f"{ref} is below no root of this machine, and is not shown") from None
    try:
        place = Path(os.path.realpath(named, strict=True))
    except (OSError, ValueError):
        raise StoaError(f"{ref} is not on this machine") from None
    if not any(place.is_relative_to(root) for root in _roots(project)) or _is_private(project, place):
        raise StoaError(f"{ref} leads out of the project's roots, and is not shown")
    if not stat.S_ISREG(place.stat().st_mode):
        raise StoaError(f"{ref} is no file")
    return place


def _roots(project: Project) -> list[Path]:
    """The roots that have a place here, with links followed."""
    found = []
    for name in {*project.local.roots, PRODUCTS_ROOT}:
        with suppress(StoaError):  # a link in the place of the products
            found.append(Path(os.path.realpath(project.root(name))))
    return found


def _is_private(project: Project, place: Path) -> bool:
    """Whether a file belongs to git or to the settings, which may lie below a root that is the project itself."""
    return ".git" in place.parts or place.is_relative_to(project.stoa.resolve())
