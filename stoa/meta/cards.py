r"""The text of FITS header cards (FITS Standard 4.0, section 4).

How a value becomes text, in metadata documents too:

- a string without its quotes, doubled quotes undone, trailing blanks gone, CONTINUE cards joined;
- an integer in decimal digits; a real number as the shortest decimals that name the same double
  (``1.510000000000E+02`` is ``151.0``), which is how Python and astropy print it; beyond the largest double ``inf``;
- anything else (logical ``T`` and ``F``, complex, what no rule covers) as it is in the card;
- a card without a value, and a card that is not there, as the empty text.

Bytes outside ASCII, which the standard forbids, become question marks, control characters ``\x07`` and the like.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

CARD = 80
BLOCK = 2880

_BLANK = b" " * 8
_END = b"END     "
_CONTINUE = b"CONTINUE"
_BLOCK_KEYWORDS = struct.Struct("8s72x" * (BLOCK // CARD))
_FULL_END = b"END".ljust(CARD)
_PRINTABLE = bytes(range(0x20, 0x7F))
_AROUND = b" \0\t\n\v\f\r\x1c\x1d\x1e\x1f"  # blanks, and what Python takes for them
_REAL = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EDed][+-]?\d+)?")
_LOOSE_REAL = re.compile(rb"[+-]? *(?:\d+\.?\d*|\.\d+) *(?:[EDed] *[+-]? *\d+)?")
_STRING = re.compile(rb"'((?:[^']|'')*)' *(?:/.*)?", re.DOTALL)
_LOOSE_STRING = re.compile(rb"'(.*?) *'(?= *(?:/|\Z))", re.DOTALL)
_COMMENTARY = frozenset({b"COMMENT ", b"HISTORY ", _BLANK, _END})


class Card(NamedTuple):
    """One logical card: keyword in capitals and the text of its value."""

    keyword: str
    text: str


def keywords(raw: bytes) -> list[bytes]:
    """The first eight bytes of each card of a header of whole blocks."""
    return list(chain.from_iterable(_BLOCK_KEYWORDS.iter_unpack(raw)))


def find_end(raw: bytes, *, is_all: bool = False) -> int:
    """Offset behind the END card, or -1 when there is none, or more has to be read to tell.

    END followed by anything that could not belong to a keyword has to do as END, as for astropy, where there is
    something else than text behind it before a real END comes; but not with a value indicator: such a card is one with
    a value.

    Parameters
    ----------
    is_all
        Nothing follows.
    """
    loose = 0
    letters = raw[::CARD]  # the first of each card
    number = letters.find(b"E")
    while number >= 0:
        start = CARD * number
        card = raw[start : start + CARD]
        if card == _FULL_END:
            return loose if loose and not _is_text(raw[loose:start]) else start + CARD
        if not loose and card.startswith(b"END") and _is_end(card):
            loose = start + CARD
        number = letters.find(b"E", number + 1)
    return loose if loose and (is_all or not _is_text(raw[loose:])) else -1


def _is_text(raw: bytes) -> bool:
    """Whether it can be in a header (FITS Standard 4.0, 3.3.1)."""
    return not raw.translate(None, _PRINTABLE)


def _is_end(card: bytes) -> bool:
    behind = card[3:4]
    return not (behind.isalnum() or behind in (b"-", b"_") or card[3:10] == b"     = ")


def texts(raw: bytes) -> defaultdict[str, str]:
    """Text by keyword of a header; of a keyword that comes twice, the first.

    Of a keyword that is not there the text is empty. CONTINUE cards are joined to what they continue.
    """
    found: defaultdict[str, str] = defaultdict(str)
    for offset in range(0, len(raw), CARD):
        key = raw[offset : offset + 8]
        if raw[offset : offset + 9] == b"HIERARCH ":
            for card in _hierarch(raw[offset : offset + CARD]):
                found.setdefault(card.keyword, card.text)
        elif key not in _COMMENTARY and key != _CONTINUE:
            found.setdefault(_plain(_keyword_field(raw, offset)), text_at(raw, offset))
    return found


def _keyword_field(raw: bytes, offset: int) -> bytes:
    """The keyword of a card whose writer did not mind the columns; ``= `` may come early."""
    sign = raw.find(b"= ", offset, offset + 10)
    end = sign if sign >= 0 else offset + 8
    return raw[offset:end].strip(_AROUND).upper()


def text_at(raw: bytes, offset: int) -> str:
    """Text of the value of the card at an offset, CONTINUE cards joined; empty if it has none."""
    sign = raw.find(b"= ", offset, offset + 10)
    if sign < 0 and raw[offset + 8 : offset + 9] == b"=":
        sign = offset + 8
    text = value_text(raw[sign + 1 : offset + CARD]) if sign >= 0 else ""
    if raw[offset + CARD : offset + CARD + 8] == _CONTINUE:
        return _continued(raw, offset + CARD, text)
    return text


def _continued(raw: bytes, offset: int, first: str) -> str:
    parts = [first]
    while raw[offset : offset + 8] == _CONTINUE:
        parts[-1] = parts[-1].removesuffix("&")
        parts.append(value_text(raw[offset + 8 : offset + CARD].removeprefix(b"= ")))
        offset += CARD
    parts[-1] = parts[-1].removesuffix("&")
    return "".join(parts)


def value_text(field: bytes) -> str:
    """Text of a value field: what is between the value indicator and the end of the card."""
    bare = field.strip(_AROUND)
    if bare.isdigit():
        return str(int(bare))
    if bare[:1] == b"'":
        return _string_text(bare)
    if b"/" in bare:
        bare = bare.partition(b"/")[0].rstrip()
    if _REAL.fullmatch(bare):
        return _number_text(bare)
    return _number_text(bare.replace(b" ", b"")) if _LOOSE_REAL.fullmatch(bare) else _plain(bare)


def _string_text(bare: bytes) -> str:
    if bare.find(b"'", 1) == len(bare) - 1 > 0:  # nothing but the string, no quote in it
        return _plain(bare[1:-1].rstrip(b" "))
    found = _STRING.fullmatch(bare) or _LOOSE_STRING.match(bare)
    inner = found[1] if found else bare[1:]
    return _plain(inner.replace(b"''", b"'").rstrip(b" "))


def _number_text(bare: bytes) -> str:
    if bare.lstrip(b"+-").isdigit():
        return str(int(bare))
    try:
        value = float(bare)
    except ValueError:  # Fortran's exponent
        value = float(bare.upper().replace(b"D", b"E"))
    return repr(value)


def _plain(text: bytes) -> str:
    found = text.decode("ascii", "replace")
    if found.isprintable() and text.isascii():
        return found
    found = found.replace("\ufffd", "?")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in found)


def cards(raw: bytes) -> Iterator[Card]:
    """All cards that carry a value, in their order, HIERARCH keywords without that word.

    COMMENT, HISTORY and blank cards, cards without a value indicator and what is behind END are left out.
    """
    for number, key in enumerate(keywords(raw)):
        offset = CARD * number
        if raw[offset : offset + 9] == b"HIERARCH ":
            yield from _hierarch(raw[offset : offset + CARD])
        elif key not in _COMMENTARY and key != _CONTINUE and b"=" in raw[offset : offset + 9]:
            keyword = _plain(_keyword_field(raw, offset))
            if keyword:
                yield Card(keyword, text_at(raw, offset))


def _hierarch(card: bytes) -> Iterator[Card]:
    name, sign, field = card[9:].partition(b"=")
    if sign and name.strip():
        yield Card(_plain(name.strip()).upper(), value_text(field))


def commentary(raw: bytes, keyword: str) -> Iterator[str]:
    """The texts of the COMMENT or HISTORY cards, trailing blanks gone."""
    wanted = keyword.encode("ascii").ljust(8)
    for number, key in enumerate(keywords(raw)):
        if key == wanted:
            yield _plain(raw[CARD * number + 8 : CARD * (number + 1)].rstrip(b" \0"))
