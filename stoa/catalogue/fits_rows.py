"""Many small FITS tables with the same columns read as one, which costs as much as one of them."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from msgspec import Struct

from stoa.catalogue.formats import MOST_BYTES
from stoa.opening import read_bounded

_BLOCK = 2880
_CARD = 80
_NULL_PRIMARY = b"NAXIS   =                    0"
_COUNT = b"NAXIS2  ="
_MEANING = (
    b"T", b"NAXIS1 ", b"BITPIX", b"PCOUNT", b"MJDREF", b"JDREF", b"DATEREF", b"OBSGEO", b"COMMENT", b"CONTINUE",
    b"RADE", b"EQUINOX", b"FRAME",
)  # fmt: skip
"""Beginnings of the cards that say what the columns are: for astropy, times and its own mixins included, and for the
frame of the positions."""


class FitsRows(Struct, frozen=True):
    """The first table of a FITS file as it is there."""

    meaning: bytes  # the cards that say what the columns are
    header: bytes  # all before the rows, the empty primary HDU included
    count: int
    rows: bytes


def read_rows(path: Path) -> FitsRows | None:
    """The rows of a FITS file whose only extension is a binary table without a heap; None of any other file."""
    if path.suffix.lower() not in (".fits", ".fit"):
        return None
    try:
        data = read_bounded(path, MOST_BYTES)
    except OSError:
        return None
    primary = _end(data, 0)
    start = _end(data, primary)
    cards = [data[place : place + _CARD] for place in range(primary, start, _CARD)]
    numbers = {card[:8].rstrip(): card[10:30].strip() for card in cards}
    if _NULL_PRIMARY not in data[:primary] or not cards or not cards[0].startswith(b"XTENSION= 'BINTABLE'"):
        return None
    try:
        width, count, heap = (int(numbers[key]) for key in (b"NAXIS1", b"NAXIS2", b"PCOUNT"))
    except (KeyError, ValueError):
        return None
    rows = data[start : start + width * count]
    after = start + -(-width * count // _BLOCK) * _BLOCK
    if heap or len(rows) != width * count or data[after : after + 8] == b"XTENSION":
        return None
    return FitsRows(b"".join(card for card in cards if card.startswith(_MEANING)), data[:start], count, rows)


def joined(header: bytes, parts: Iterable[bytes], count: int) -> BytesIO:
    """A FITS file with the rows of parts that have one `meaning`, and their number, below the header of one of them."""
    place = header.rindex(_COUNT)
    card = _COUNT + f"{count:>21}".encode().ljust(_CARD - len(_COUNT))
    rows = b"".join(parts)
    return BytesIO(b"".join((header[:place], card, header[place + _CARD :], rows, bytes(-len(rows) % _BLOCK))))


def _end(data: bytes, start: int) -> int:
    """Where a header that begins at a block ends; the end of the data where it does not."""
    for block in range(start, len(data), _BLOCK):
        if any(data[place : place + 8] == b"END     " for place in range(block, block + _BLOCK, _CARD)):
            return block + _BLOCK
    return len(data)
