"""What files the targets hold, by a look at some of them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from stoa.errors import StoaError
from stoa.meta.build import build, look
from stoa.meta.defects import UNUSABLE
from stoa.meta.document import Document, FileEntry
from stoa.meta.roles import is_fits_name
from stoa.meta.rules import IMAGE_ROLES
from stoa.workspace.open import Workspace
from stoa.workspace.roles import role_table

_MOST = 12
"""Folders that are looked at."""


class Held(Struct, frozen=True, kw_only=True):
    """FITS files in some targets' folders.

    Attributes
    ----------
    targets
        How many folders were looked at; 0 where there is no target, or none is on this machine.
    images
        How many files have the role of an image.
    known
        How many files have a role that any rule gives.
    others
        Names of readable FITS images that no rule takes.
    flat
        Whether any of those may have no celestial axes.
    """

    targets: int = 0
    images: int = 0
    known: int = 0
    others: tuple[str, ...] = ()
    flat: bool = False


def look_at_some(ws: Workspace) -> Held:
    """What some targets hold, evenly chosen from the list; nothing is recorded."""
    names = list(ws.targets)
    step = max(1, len(names) // _MOST)
    documents = [document for name in names[::step][:_MOST] for document in _described(ws, name)]
    files = [file for document in documents for group in document.groups for file in group.files]
    others = [file for document in documents for file in document.others if is_fits_name(file.name)]
    usable = [file for file in others if UNUSABLE.isdisjoint(file.problems) and _has_pixels(file)]
    return Held(
        targets=len(documents), images=sum(file.role in IMAGE_ROLES for file in files), known=len(files),
        others=tuple(file.name for file in usable),
        flat=any(not file.header.get("CTYPE1") for file in usable),
    )  # fmt: skip


def _described(ws: Workspace, name: str) -> Iterator[Document]:
    try:
        yield build(look(ws.project.folder(ws.targets[name])), {}, role_table(ws.project))
    except (StoaError, OSError):
        return


def _has_pixels(file: FileEntry) -> bool:
    return file.header.get("NAXIS", "") not in ("", "0", "1")
