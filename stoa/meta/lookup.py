"""Looking up keywords of a header; fast for those that every document has.

Headers by one version of CASA have the same keywords in the same order, and files of one folder share most of their
values. So the places of the wanted cards are worked out once for each such order, and what a value field means once.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from stoa.meta.cards import CARD, texts, value_text
from stoa.meta.document import KEYWORDS
from stoa.meta.sky import WORLD, WORLD_KEYWORDS

WANTED = frozenset({
    *KEYWORDS, *WORLD_KEYWORDS, "GROUPS", "XTENSION", "EXTNAME", "PCOUNT",
    "GCOUNT", "ZIMAGE", "ZBITPIX",
})  # fmt: skip
"""Keywords that are wanted of every file; other keywords are found as well, only slower."""

_NAME = re.compile(rb"([A-Z0-9_-]{1,8}) *")
_VALUE = re.compile(rb" *(?:'(|[ -&(-~]*?[!-&(-~]) *'|(-?[1-9]\d{0,17}|0|[TF]))? *(?:/.*)?")
_OF_REALS = b"0123456789.+-E"
_SILENT = frozenset({b"COMMENT ", b"HISTORY ", b"        ", b"END     "})
_MOST_LAYOUTS = 512
_MOST_VALUES = 16384
_NOTHING = dict.fromkeys(WANTED, "")


class _Layout(NamedTuple):
    """The places of the wanted cards in headers with the same keywords."""

    names: tuple[str, ...]
    world: tuple[str, ...]  # those of `names` that match `stoa.meta.sky.WORLD`
    fields: Callable[[bytes], tuple[bytes, ...]]


class Lookup(NamedTuple):
    """What a header says.

    Attributes
    ----------
    texts
        Text of a keyword's value, empty where the header has none.
    world
        Its keywords that match `stoa.meta.sky.WORLD`.
    """

    texts: Mapping[str, str]
    world: tuple[str, ...]


class _Values(dict[bytes, str]):
    """Texts by value field, the 70 bytes behind the value indicator."""

    def __missing__(self, field: bytes) -> str:
        if len(self) >= _MOST_VALUES:
            self.clear()
        text = self[field] = _real(field) or _other(field)
        return text


def _real(field: bytes) -> str:
    """The text of a value field with a real number, "" for another one."""
    bare = field.partition(b"/")[0].strip(b" ")
    if b"." not in bare or bare.translate(None, _OF_REALS):
        return ""
    try:
        return repr(float(bare))
    except ValueError:
        return ""


def _other(field: bytes) -> str:
    found = _VALUE.fullmatch(field)
    return (found[1] or found[2] or b"").decode() if found else value_text(field)


_VALUES = _Values()
_LAYOUTS: dict[tuple[bytes, ...], _Layout | None] = {}


class _Texts(dict[str, str]):
    """Texts of the wanted keywords; those of others when one is asked for."""

    __slots__ = ("_others", "_raw")

    def __init__(self, raw: bytes) -> None:
        super().__init__(_NOTHING)
        self._raw = raw
        self._others: dict[str, str] | None = None

    def __missing__(self, keyword: str) -> str:
        if self._others is None:
            self._others = texts(self._raw)
        return self._others.get(keyword, "")


def lookup(raw: bytes) -> Lookup:
    """The texts of a header of whole blocks."""
    keys = _keys(_count(raw))(raw)
    try:
        layout = _LAYOUTS[keys]
    except KeyError:
        layout = _remember(keys)
    if layout is None:
        every = texts(raw)
        return Lookup(every, tuple(name for name in every if WORLD.fullmatch(name)))
    found = _Texts(raw)
    found.update(zip(layout.names, map(_VALUES.__getitem__, layout.fields(raw)), strict=True))
    return Lookup(found, layout.world)


def _count(raw: bytes) -> int:
    """How many cards there are up to the last that may have a value; HISTORY by the hundred often comes behind it."""
    cards = -(-len(raw.rstrip()) // CARD)
    history = raw.find(b"HISTORY ") // CARD
    if history < 0:
        return cards
    starts = _starts(cards - history)(raw, CARD * history)
    return cards if b"=" in b"".join(starts) else history


@lru_cache(maxsize=512)
def _starts(count: int) -> Callable[[bytes, int], tuple[bytes, ...]]:
    return struct.Struct("9s71x" * count).unpack_from


@lru_cache(maxsize=512)
def _keys(count: int) -> Callable[[bytes], tuple[bytes, ...]]:
    return struct.Struct("10s70x" * count).unpack_from


def _remember(keys: tuple[bytes, ...]) -> _Layout | None:
    if len(_LAYOUTS) >= _MOST_LAYOUTS:
        _LAYOUTS.clear()
    layout = _LAYOUTS[keys] = _layout(keys)
    return layout


def _layout(keys: tuple[bytes, ...]) -> _Layout | None:
    """The layout of headers with these keywords; None if one of them is not written as the standard has it."""
    places: dict[str, int] = {}
    for place, key in enumerate(keys):
        if key[:9] == b"HIERARCH " or (key[:8] in _SILENT and b"=" not in key[:9]):
            continue
        name = _NAME.fullmatch(key[:8])
        if not name or name[1] == b"CONTINUE" or key[8:] != b"= ":
            return None
        places.setdefault(name[1].decode(), place)
    wanted = {name: place for name, place in places.items() if name in WANTED or WORLD.fullmatch(name)}
    form = ""
    behind = 0
    for place in wanted.values():
        form += f"{CARD * place + 10 - behind}x70s"
        behind = CARD * (place + 1)
    world = tuple(name for name in wanted if WORLD.fullmatch(name))
    return _Layout(tuple(wanted), world, struct.Struct(form).unpack_from)
