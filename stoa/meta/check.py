"""What a target folder lacks, said before any script runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from msgspec import Struct

from stoa.meta import roles
from stoa.meta.beams import is_exchanged
from stoa.meta.defects import Defect, Level, level, words
from stoa.meta.document import Document, FileEntry, ImageGroup
from stoa.meta.grid import off_grid
from stoa.meta.package import member_uids
from stoa.meta.rules import IMAGE_ROLES

_ORDER: dict[Level, int] = {"error": 0, "warning": 1, "info": 2}
_LISTED = 5


class Problem(Struct, frozen=True, kw_only=True):
    """Something that is wrong or lacking.

    Attributes
    ----------
    code
        One of `stoa.meta.defects.Defect`, or a word of the caller.
    file, group
        What it concerns; "" for the folder or the group as a whole.
    level
        ``error``: cannot be used; ``warning``: something lacks; ``info``: informational.
    """

    code: str
    file: str = ""
    group: str = ""
    message: str
    level: Level = "warning"


def check(document: Document) -> tuple[Problem, ...]:
    """All problems of a document, the gravest first, then in the order of its groups and files."""
    found = [*_of_folder(document), *_of_others(document)]
    copies = duplicates(document)
    beams = [has_beam(group) for group in document.groups]
    odd = any(beams)
    for group, has_one in zip(document.groups, beams, strict=True):
        found += _of_group(group, copies)
        if not has_one:
            found += _without_beam(group, odd=odd)
    return tuple(sorted(found, key=lambda problem: _ORDER[problem.level]))


def _problem(code: str, subject: str, *, file: str = "", group: str = "", grade: Level | None = None) -> Problem:
    message = f"{subject} {words(code)}".strip()
    return Problem(code=code, file=file, group=group, message=message, level=grade or level(code))


def _of_folder(document: Document) -> Iterator[Problem]:
    for code in document.problems:
        yield _problem(code, "the folder")
    names = [entry.name for entry in document.others]
    unknown = Defect.UNREADABLE_FOLDER in document.problems
    if not document.groups and not names:
        if not unknown:
            yield _problem(Defect.EMPTY, "the folder")
    elif not unknown and not document.groups and not any(roles.is_fits_name(name) for name in names):
        held = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
        base = _problem(Defect.NO_FITS, "the folder")
        yield Problem(code=base.code, message=f"{base.message}, only {held}", level=base.level)
    uids = member_uids(file.name for group in document.groups for file in group.files)
    if len(uids) > 1:
        base = _problem(Defect.MIXED_SET, "the folder")
        yield Problem(code=base.code, message=f"{base.message}: {', '.join(uids)}", level=base.level)


def _of_others(document: Document) -> Iterator[Problem]:
    for entry in document.others:
        for code in entry.problems:
            yield _problem(code, entry.name, file=entry.name)


def _of_group(group: ImageGroup, copies: Mapping[str, str]) -> Iterator[Problem]:
    for file in group.files:
        for code in (*file.problems, *_lacks(file)):
            found = _problem(code, file.name, file=file.name, group=group.key)
            why = file.derived.get(_WHY.get(code, ""))
            yield msgspec.structs.replace(found, message=f"{found.message}: {why}") if why else found
    for file in off_grid(group.files):
        yield _problem(Defect.OTHER_GRID, file.name, file=file.name, group=group.key)
    for file in group.files:
        if file.name in copies:
            again = _problem(Defect.DUPLICATE, file.name, file=file.name, group=group.key)
            yield msgspec.structs.replace(again, message=f"{again.message}, as {copies[file.name]}")
    axes = {file.header["NAXIS"] for file in group.files if file.header.get("NAXIS")}
    if len(axes) > 1:
        yield _problem(Defect.MIXED_AXES, f"image {group.key}", group=group.key)


def _lacks(file: FileEntry) -> Iterator[str]:
    """What an image should have and has not, nor a sibling for it."""
    if file.role not in IMAGE_ROLES or not file.header:
        return
    if "beam_major_arcsec" not in file.derived:
        yield Defect.NO_BEAM
    elif file.derived.get("beam_origin", "").startswith(_NOT_BMAJ):
        yield Defect.BEAM_ELSEWHERE
    elif is_exchanged(file.header.get("BMAJ", ""), file.header.get("BMIN", "")):
        yield Defect.BEAM_EXCHANGED
    if "freq_ghz" not in file.derived and "no_frequency" not in file.derived:
        yield Defect.NO_FREQUENCY
    for keyword, fact, defect in _CARDS:
        if not (file.header.get(keyword) or file.derived.get(fact)):
            yield defect


_WHY: dict[str, str] = {
    Defect.BEAM_ELSEWHERE: "beam_origin", Defect.NO_BEAM: "no_beam", Defect.NO_POSITION: "no_position",
    Defect.ODD_SPECTRUM: "no_frequency", Defect.ODD_UNIT: "no_unit",
}  # fmt: skip
"""The derived attribute that says more of a problem."""

_NOT_BMAJ = ("BEAMS table", "HISTORY")
"""How the origin of a beam begins that a script does not find which looks for BMAJ."""

_CARDS = (
    ("OBJECT", "object", Defect.NO_OBJECT),
    ("DATE-OBS", "date_obs", Defect.NO_DATE_OBS),
    ("TELESCOP", "telescope", Defect.NO_TELESCOPE),
    ("RESTFRQ", "", Defect.NO_REST_FREQUENCY),
)
"""Cards of an image, the derived fact that can replace each, and what their lack is called."""


def duplicates(document: Document) -> dict[str, str]:
    """Files that are there a second time, each with the name of the one that counts.

    A compressed file beside the same one not compressed, and a file with the size, the role and every header byte of
    another one, as of a copy in a subfolder.
    """
    files = sorted((f for group in document.groups for f in group.files), key=lambda f: (f.name.count("/"), f.name))
    plain = {file.name for file in files if not roles.is_compressed_name(file.name)}
    first: dict[tuple[str, str, str], str] = {}
    found = {}
    for file in files:
        base = file.name.rpartition(".")[0]
        digest = file.derived.get("header_sha256")
        if roles.is_compressed_name(file.name) and base in plain:
            found[file.name] = base
        elif digest:
            other = first.setdefault((digest, file.role, file.derived.get("size", "")), file.name)
            if other != file.name:
                found[file.name] = other
    return found


def _without_beam(group: ImageGroup, *, odd: bool) -> Iterator[Problem]:
    """The lack of a primary beam: a warning where other images of the folder have one, else a fact of the delivery."""
    if any(file.role in ("correctedImage", "image") for file in group.files):
        yield _problem(
            Defect.NO_PRIMARY_BEAM, f"image {group.key}", group=group.key, grade="warning" if odd else "info"
        )


def has_beam(group: ImageGroup) -> bool:
    """Whether a group has a primary beam on the grid of its image."""
    off = off_grid(group.files)
    return any(file.role == "primaryBeam" and file not in off for file in group.files)
