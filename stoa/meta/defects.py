"""The names of what can be wrong with a file, an image group or a folder."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Level = Literal["error", "warning", "info"]


class Defect(StrEnum):
    """Code of a problem; the value is in metadata documents and in ``problems`` columns."""

    # Of a file that cannot be read.
    EMPTY_FILE = "empty-file"
    NOT_FITS = "not-fits"
    HTML = "html"
    NO_END = "no-end"
    HEADER_TOO_LONG = "header-too-long"
    BAD_HEADER = "bad-header"
    BAD_STREAM = "bad-stream"
    NOT_A_FILE = "not-a-file"
    NO_PERMISSION = "no-permission"
    VANISHED = "vanished"
    LINK_OUTSIDE = "link-outside"
    BROKEN_LINK = "broken-link"
    READ_ERROR = "read-error"
    # Of a file whose header was read.
    TRUNCATED = "truncated"
    LENGTH_UNCHECKED = "length-unchecked"
    EXTENSIONS_UNREAD = "extensions-unread"
    BAD_EXTENSION = "bad-extension"
    ODD_NAME = "odd-name"
    TARBALL = "tarball"
    NO_CELESTIAL = "no-celestial"
    NO_POSITION = "no-position"
    ODD_SPECTRUM = "odd-spectrum"
    NO_UNIT = "no-unit"
    ODD_UNIT = "odd-unit"
    BLANK = "blank"
    NO_BEAM = "no-beam"
    BEAM_ELSEWHERE = "beam-elsewhere"
    BEAM_EXCHANGED = "beam-exchanged"
    NO_FREQUENCY = "no-frequency"
    NO_OBJECT = "no-object"
    NO_DATE_OBS = "no-date-obs"
    NO_TELESCOPE = "no-telescope"
    NO_REST_FREQUENCY = "no-rest-frequency"
    OTHER_GRID = "other-grid"
    DUPLICATE = "duplicate"
    # Of an image group.
    NO_PRIMARY_BEAM = "no-primary-beam"
    MIXED_AXES = "mixed-axes"
    # Of a folder.
    EMPTY = "empty"
    NO_FITS = "no-fits"
    MIXED_SET = "mixed-set"
    UNREADABLE_FOLDER = "unreadable-folder"
    TOO_MANY_FILES = "too-many-files"


UNREADABLE = frozenset(
    {
        Defect.EMPTY_FILE,
        Defect.NOT_FITS,
        Defect.HTML,
        Defect.NO_END,
        Defect.HEADER_TOO_LONG,
        Defect.BAD_HEADER,
        Defect.BAD_STREAM,
        Defect.NOT_A_FILE,
        Defect.NO_PERMISSION,
        Defect.VANISHED,
        Defect.LINK_OUTSIDE,
        Defect.BROKEN_LINK,
        Defect.READ_ERROR,
    }
)
"""Defects that leave nothing to use; such a file has the role ``unreadable``."""

UNUSABLE = UNREADABLE | {Defect.TARBALL, Defect.ODD_NAME, Defect.OTHER_GRID}
"""Defects of a file that is never handed to a process."""

DOUBTFUL = frozenset({Defect.TRUNCATED, Defect.NO_CELESTIAL})
"""Defects of a file that is handed to a process only by an input that accepts them."""

SECOND_CHOICE = DOUBTFUL | {Defect.BLANK}
"""Defects of a file that is handed to a process only where there is no better one."""

_MEANING: dict[Defect, tuple[Level, str]] = {
    Defect.EMPTY_FILE: ("error", "has zero bytes"),
    Defect.NOT_FITS: ("error", "does not begin as a FITS file"),
    Defect.HTML: ("error", "is a web page, perhaps the answer to a failed download"),
    Defect.NO_END: ("error", "ends before its header does (no END card)"),
    Defect.HEADER_TOO_LONG: ("error", "has a header of more than 4 MiB"),
    Defect.BAD_HEADER: ("error", "has no usable BITPIX and NAXIS cards"),
    Defect.BAD_STREAM: ("error", "is damaged: what is compressed in it cannot be inflated"),
    Defect.NOT_A_FILE: ("error", "is not a regular file"),
    Defect.NO_PERMISSION: ("error", "may not be read by this user"),
    Defect.VANISHED: ("error", "vanished while it was read"),
    Defect.LINK_OUTSIDE: ("error", "is a link that leaves the folder"),
    Defect.BROKEN_LINK: ("error", "is a link that leads nowhere, or to itself"),
    Defect.READ_ERROR: ("error", "could not be read by the operating system"),
    Defect.TRUNCATED: ("error", "is shorter than its header says"),
    Defect.LENGTH_UNCHECKED: ("info", "is compressed and too large to see cheaply whether it is whole"),
    Defect.EXTENSIONS_UNREAD: ("info", "has extensions too far inside a compressed file, or too many of them"),
    Defect.BAD_EXTENSION: ("warning", "has an extension that cannot be read"),
    Defect.ODD_NAME: ("error", "has a name that XML cannot hold"),
    Defect.TARBALL: ("warning", "is a tarball, not FITS: unpack it for a process to use it"),
    Defect.NO_CELESTIAL: ("error", "has no pair of celestial axes"),
    Defect.NO_POSITION: ("error", "has celestial axes, but no position follows from them"),
    Defect.ODD_SPECTRUM: ("warning", "has a spectral axis, but no frequency follows from it"),
    Defect.NO_UNIT: ("warning", "has no unit (BUNIT)"),
    Defect.ODD_UNIT: ("warning", "has a unit that does not convert to Jy/beam"),
    Defect.BLANK: ("warning", "has no pixel with a value: all that were looked at are NaN"),
    Defect.BEAM_ELSEWHERE: ("warning", "has no BMAJ; its beam comes from elsewhere"),
    Defect.BEAM_EXCHANGED: (
        "warning",
        "has a BMIN larger than BMAJ; BMIN is taken for the major axis, at BPA + 90",
    ),
    Defect.NO_BEAM: ("warning", "has no beam: neither BMAJ nor a BEAMS table nor a CLEAN line in its history"),
    Defect.NO_FREQUENCY: ("info", "has no frequency"),
    Defect.NO_OBJECT: ("warning", "has no OBJECT"),
    Defect.NO_DATE_OBS: ("warning", "has no DATE-OBS"),
    Defect.NO_TELESCOPE: (
        "warning",
        "has no TELESCOP, so that neither band nor primary beam follow from the frequency",
    ),
    Defect.NO_REST_FREQUENCY: ("info", "has no RESTFRQ"),
    Defect.OTHER_GRID: ("error", "is on another pixel grid than the image of its group"),
    Defect.DUPLICATE: ("info", "is there a second time"),
    Defect.NO_PRIMARY_BEAM: ("warning", "has no primary beam"),
    Defect.MIXED_AXES: ("info", "has files with different numbers of axes"),
    Defect.EMPTY: ("error", "holds no file at all"),
    Defect.NO_FITS: ("error", "holds no FITS file"),
    Defect.MIXED_SET: ("warning", "holds files of several member OUS"),
    Defect.UNREADABLE_FOLDER: ("error", "may not be read by this user, or a subfolder of it"),
    Defect.TOO_MANY_FILES: ("error", "holds too many files or too deep subfolders; the rest is left out"),
}


def level(code: str) -> Level:
    """How grave a problem is: ``error`` (cannot be used), ``warning`` (something lacks) or ``info``."""
    return _MEANING[Defect(code)][0] if code in _KNOWN else "warning"


def words(code: str) -> str:
    """What a code means, to be put behind the name of the file, group or folder."""
    return _MEANING[Defect(code)][1] if code in _KNOWN else f"has the problem {code!r}"


_KNOWN = frozenset(str(code) for code in Defect)
