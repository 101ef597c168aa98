"""Angles and numbers written as text: sexagesimal or decimal, with the minus signs and blanks of printed pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stoa.catalogue.formats import CatalogueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PRINTED = str.maketrans(
    dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-")
    | dict.fromkeys("\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f\u3000\t", " ")
    | dict.fromkeys("\u2032\u2019\u02b9", "'")
    | dict.fromkeys("\u2033\u201d\u02ba", '"')
    | {"\u02b0": "h", "\u1d48": "d", "\u1d50": "m", "\u02e2": "s", "\u00ba": "\u00b0", "\ufeff": None, "\u200b": None}
)
"""Characters of printed tables and what they stand for in a number or an angle."""

_DECIMAL = re.compile(r"([-+]?)\s*((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(h|d|deg|\u00b0)?")
_PARTS = re.compile(
    r"([-+]?)\s*(\d+)\s*(?:([hd\u00b0:])|\s)\s*(\d+(?:\.\d*)?)\s*(?:[m':]|\s|$)\s*(?:(\d+(?:[.,]\d*)?)\s*(?:s|\"|'')?)?"
)
NUMBER = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?|[nN][aA][nN]|[iI]nf)")
COMMA_NUMBER = re.compile(r"[-+]?(?:\d+|\d*,\d+|\d+,)(?:[eE][-+]?\d+)?")

HOURS, DEGREES = "h", "d"


def plain(text: str) -> str:
    """A text with ASCII in place of the signs, primes and blanks of print, without blanks round it."""
    return text.translate(_PRINTED).strip()


def angles(texts: Any, unit: str, *, is_ra: bool, where: str) -> NDArray[np.float64]:
    """Angles in degrees from texts, NaN where a text is empty.

    Parameters
    ----------
    texts
        Decimal numbers or ``12 34 56.7``, ``12:34:56.7``, ``12h34m56.7s``, ``-30d12m``; all of one kind.
    unit
        `HOURS` or `DEGREES` of the first part; "" where the column has none. Then letters say it; sexagesimal right
        ascensions without letters are in hours, as everybody writes them, and decimal ones in degrees.
    where
        Table and column, for messages.

    Raises
    ------
    CatalogueError
        If a text is not understood or contradicts the unit; the message has row and value.
    """
    import numpy as np

    values = np.full(len(texts), np.nan)
    kinds: dict[bool, int] = {}
    for row, text in enumerate(texts):
        written = plain(str(text))
        if not written or written.strip("-. ") == "":
            if written:
                raise _not_understood(where, row, text, "is not an angle")
            continue
        values[row], is_decimal = _angle(written, unit, where, row, text, is_ra=is_ra)
        kinds.setdefault(is_decimal, row)
    if len(kinds) == 2:
        row = max(kinds.values())
        raise _not_understood(where, row, texts[row], f"is not written like row {min(kinds.values()) + 1}")
    return values


def _angle(written: str, unit: str, where: str, row: int, text: Any, *, is_ra: bool) -> tuple[float, bool]:
    """One angle in degrees, and whether it is decimal."""
    if found := _DECIMAL.fullmatch(written):
        given = {"": "", "h": HOURS}.get(found[3] or "", DEGREES)
        value, is_decimal = float(found[2]), True
    elif found := _PARTS.fullmatch(written):
        given = {"h": HOURS, "d": DEGREES, "\u00b0": DEGREES}.get(found[3] or "", "")
        minutes, seconds = float(found[4]), float((found[5] or "0").replace(",", "."))
        if minutes > 60 or seconds > 60 or (found[5] and "." in found[4]):
            raise _not_understood(where, row, text, "has minutes or seconds that are not part of an angle")
        value, is_decimal = float(found[2]) + minutes / 60 + seconds / 3600, False
        given = given or unit or (HOURS if is_ra else DEGREES)
    else:
        raise _not_understood(where, row, text, "is not an angle")
    if given and unit and given != unit:
        raise _not_understood(
            where, row, text, f"is not in {'hours' if unit == HOURS else 'degrees'}, the column's unit"
        )
    in_hours = (given or unit) == HOURS
    if in_hours and not is_ra:
        raise _not_understood(where, row, text, "is in hours, which no declination is")
    return (-value if found[1] == "-" else value) * (15.0 if in_hours else 1.0), is_decimal


def _not_understood(where: str, row: int, text: Any, wrong: str) -> CatalogueError:
    table, _, column = where.rpartition(": ")
    return CatalogueError(f"{table}, row {row + 1}: {column} is {str(text)!r}, which {wrong}")


def number_texts(texts: list[str], *, decimal_comma: bool = False) -> list[str] | None:
    """A column of texts as numbers that `float` reads, "" where absent; None if one of them is not a number."""
    pattern = COMMA_NUMBER if decimal_comma else NUMBER
    made = []
    for text in texts:
        written = plain(text)
        if written and not pattern.fullmatch(written):
            return None
        made.append(written.replace(",", ".").replace("D", "e").replace("d", "e"))
    return made
