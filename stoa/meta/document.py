"""The description of one target folder as values."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, field

from stoa.errors import StoaError
from stoa.meta.rules import ROLE_ORDER

READER = 6
"""Raised when what is read from a file changes, so that nothing from an older cache is used."""


def _axis_keywords(axis: int) -> tuple[str, ...]:
    return tuple(f"{stem}{axis}" for stem in ("CTYPE", "CRVAL", "CDELT", "CRPIX", "CUNIT"))


KEYWORDS: tuple[str, ...] = (
    "NAXIS1", "NAXIS2", "NAXIS3", "BMAJ", "BMIN", "BPA", "BTYPE", "OBJECT",
    *_axis_keywords(1), *_axis_keywords(2), *_axis_keywords(3), "NAXIS4", *_axis_keywords(4),
    "BITPIX", "NAXIS", "BUNIT", "RESTFRQ", "SPECSYS", "EQUINOX", "RADESYS", "LONPOLE", "LATPOLE",
    "TELESCOP", "INSTRUME", "OBSERVER", "FIELD", "SPW", "INTENT", "SPECMODE", "TYPE", "ORIGIN", "DATE", "DATE-OBS",
)  # fmt: skip
"""Header keywords that a document has for every file, in their order; empty where the header has none."""


class FileEntry(Struct, frozen=True, kw_only=True):
    """A file of the target folder.

    Attributes
    ----------
    name
        Path relative to the folder, with ``/``.
    role
        See `stoa.meta.rules`.
    header
        Texts of `KEYWORDS` in that order; empty for a file without a FITS header.
    derived
        What follows from header, name and siblings, with an ``..._origin`` where that needs saying.
    problems
        Codes of `stoa.meta.defects.Defect`.
    """

    name: str
    role: str
    header: dict[str, str] = field(default_factory=dict)
    derived: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class ImageGroup(Struct, frozen=True):
    """The files of one image."""

    key: str
    files: tuple[FileEntry, ...]


class Document(Struct, frozen=True, kw_only=True):
    """Everything that is known of one target folder without its pixels."""

    groups: tuple[ImageGroup, ...] = ()
    others: tuple[FileEntry, ...] = ()  # what belongs to no image
    package: dict[str, str] = field(default_factory=dict)  # see stoa.meta.package.FACTS
    problems: tuple[str, ...] = ()  # of the folder as such


class MetadataError(StoaError):
    """A folder or document that cannot be described or read."""


def ordered(entries: Iterable[FileEntry]) -> tuple[FileEntry, ...]:
    """Entries by role, then name."""
    return tuple(sorted(entries, key=lambda e: (_RANK.get(e.role, len(_RANK)), e.name)))


_RANK = {role: rank for rank, role in enumerate(ROLE_ORDER)}
