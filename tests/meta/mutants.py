"""Headers that went wrong in every way that one can think of, and what STOA and astropy make of them."""

from __future__ import annotations

import bz2
import gzip
import io
import random
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from astropy.io import fits
from astropy.io.fits.card import Undefined

from stoa.meta.header import FitsFile, read

CARD, BLOCK = 80, 2880
MOST_AXES = 999
"""Of a FITS file; astropy looks for each axis that NAXIS promises, of a million million ones for ever."""

DATA = Path(__file__).resolve().parents[1] / "data" / "fits"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "archive"

VALUES = (
    b"T", b"F", b"TRUE", b"''", b"'", b"'''", b"'it''s'", b"'a / b' / c", b"'never", b"'x' 'y'", b"'&'", b"'long&'",
    b"007", b"+5", b"-0", b"1E5", b"1D5", b"1d-400", b"1D999", b"1E400", b"-1.5D+3", b".5", b"5.", b"1.E", b"1e",
    b"--1", b"1,5", b"1_000", b"0x1F", b"nan", b"inf", b"NaN", b"(1.0, 2.0)", b"(1,2", b"1.0 2.0", b"1 / 2 / 3",
    b"/ only a comment", b"", b"   ", b"#", b"\\", b"'\t'", b"'bell\x07'", b"\x00", b"'nul\x00'", b"caf\xe9",
    b"'caf\xc3\xa9'", b"99999999999999999999", b"123456789012345678901234567890", b"0.1234567890123456789",
    b"1.7976931348623157E+308", b"4.9E-324", b"- 1.5 E 2",
)  # fmt: skip
KEYWORDS = (
    b"OBJECT  ", b"object  ", b"Object  ", b" OBJECT ", b"BMAJ    ", b"A_B-C   ", b"TOOLONGKE", b"        ",
    b"COMMENT ", b"HISTORY ", b"END     ", b"CONTINUE", b"HIERARCH", b"=       ", b"KEY=WORD", b"\xc4\xd6\xdc     ",
    b"SIMPLE  ", b"DATE-OBS",
)  # fmt: skip
CARDS = (
    b"CONTINUE  'more&'", b"CONTINUE  'the end' / of it", b"CONTINUE", b"CONTINUE   no quote",
    b"HIERARCH ESO TEL = 'UT1' / unit", b"HIERARCH a b c=5", b"HIERARCH", b"HIERARCH = 3", b"COMMENT = 3",
    b"HISTORY = 'x'", b"END", b"END     = 3", b"END-OBS = 3", b"ENDLESS = 3", b"END/", b"XTENSION= 'IMAGE   '",
    b"DUPE    = 1", b"NOSIGN    1", b"BPA= 5.5", b"VOID    =", b"VOID2   = / x", b"        = 3", b"A       =5",
    b"A       ='x'", b"DP1     = 'a: 5.0'", b"LONGSTRN= '" + b"x" * 68 + b"'", b"LONGST2 = '" + b"y" * 69,
)  # fmt: skip


class Outcome(NamedTuple):
    """How both read one file."""

    verdict: str  # "agrees", "differs", or "doubtful" where astropy warns or fails
    differences: tuple[str, ...]


class HangError(Exception):
    """A second of processor time was not enough."""


@contextmanager
def watchdog() -> Iterator[None]:
    """End what hangs: by processor time, which others on the machine do not lengthen."""

    def bite(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGPROF, bite)
    signal.setitimer(signal.ITIMER_PROF, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def originals() -> list[bytes]:
    """Whole files to begin with, by several versions of CASA and by others, cut down to 8 x 8 pixels."""
    paths = [*sorted(EXAMPLES.rglob("*.pbcor.fits"))[::4], DATA / "pypi-astropy" / "history_header.fits"]
    paths += [DATA / "tjgalvin-flint" / "SB39400.RACS_0635-31.beam0-MFS-subimage_rms.fits"]
    return [_small(path.read_bytes()) for path in paths]


def _small(data: bytes) -> bytes:
    header = fits.Header.fromstring(data[: header_length(data)])
    length = abs(header["BITPIX"]) // 8
    cards = [data[start : start + CARD] for start in range(0, header_length(data), CARD)]
    for axis in range(1, header["NAXIS"] + 1):
        pixels = min(header[f"NAXIS{axis}"], 8)
        place = next(n for n, card in enumerate(cards) if card[:8] == f"NAXIS{axis}".ljust(8).encode())
        cards[place] = f"NAXIS{axis}  = {pixels:>20}".ljust(CARD).encode()
        length *= pixels
    return b"".join(cards) + bytes(length + -length % BLOCK)


def mutants(count: int, seed: int) -> Iterator[bytes]:
    """Files with one to four changes in their headers; the same ones for the same seed."""
    chance = random.Random(seed)
    whole = originals()
    for _ in range(count):
        data = chance.choice(whole)
        end = header_length(data)
        cards = [data[start : start + CARD] for start in range(0, end, CARD)]
        for _ in range(chance.randint(1, 4)):
            chance.choice(CHANGES)(cards, chance)
        header = b"".join(cards)
        if chance.random() < 0.9:
            header += b" " * (-len(header) % BLOCK)
        yield header + data[end:]


def header_length(data: bytes) -> int:
    start = next(start for start in range(0, len(data), CARD) if data[start : start + 8] == b"END     ")
    return start + BLOCK - start % BLOCK


def _place(cards: list[bytes], chance: random.Random) -> int:
    return chance.randrange(len(cards))


def _new_value(cards: list[bytes], chance: random.Random) -> None:
    place = _place(cards, chance)
    gap = b" " * chance.choice((0, 1, 1, 1, 5, 20))
    cards[place] = (cards[place][:9] + gap + chance.choice(VALUES)).ljust(CARD)[:CARD]


def _new_keyword(cards: list[bytes], chance: random.Random) -> None:
    place = _place(cards, chance)
    cards[place] = (chance.choice(KEYWORDS) + cards[place][8:])[:CARD].ljust(CARD)


def _new_card(cards: list[bytes], chance: random.Random) -> None:
    cards.insert(_place(cards, chance), chance.choice(CARDS).ljust(CARD)[:CARD])


def _bytes(cards: list[bytes], chance: random.Random) -> None:
    place, column = _place(cards, chance), chance.randrange(CARD)
    new = bytes(chance.randrange(256) for _ in range(chance.randint(1, 4)))
    cards[place] = (cards[place][:column] + new + cards[place][column + len(new) :])[:CARD]


def _printable(cards: list[bytes], chance: random.Random) -> None:
    place, column = _place(cards, chance), chance.randrange(CARD)
    new = bytes(chance.randrange(32, 127) for _ in range(chance.randint(1, 4)))
    cards[place] = (cards[place][:column] + new + cards[place][column + len(new) :])[:CARD]


def _drop(cards: list[bytes], chance: random.Random) -> None:
    if len(cards) > 1:
        del cards[_place(cards, chance)]


def _double(cards: list[bytes], chance: random.Random) -> None:
    place = _place(cards, chance)
    cards.insert(chance.randint(0, len(cards)), cards[place])


def _swap(cards: list[bytes], chance: random.Random) -> None:
    one, two = _place(cards, chance), _place(cards, chance)
    cards[one], cards[two] = cards[two], cards[one]


def _shift(cards: list[bytes], chance: random.Random) -> None:
    place = _place(cards, chance)
    cards[place] = (b" " * chance.randint(1, 4) + cards[place])[:CARD]


def _shorten(cards: list[bytes], chance: random.Random) -> None:
    if chance.random() < 0.3:
        del cards[_place(cards, chance) + 1 :]


Change = Callable[[list[bytes], random.Random], None]
CHANGES: tuple[Change, ...] = (
    _new_value, _new_value, _new_value, _new_keyword, _new_card, _new_card, _bytes, _printable, _printable, _drop,
    _double, _swap, _shift, _shorten,
)  # fmt: skip


def packed_mutants(count: int, seed: int) -> Iterator[tuple[str, bytes, bytes | None]]:
    """Compressed files that went wrong: ending of the name, bytes, and what was packed if the packing itself is sound.

    Headers are damaged and then packed (gzip in one or two members, bzip2), or the packed bytes are; of tile-compressed
    files the headers or any bytes.
    """
    chance = random.Random(seed)
    tiled = [_tiled(data) for data in originals()]
    for data in mutants(count, seed):
        kind = chance.choice(("gz", "gz", "bz2", "fz"))
        if kind == "fz":
            yield "fits.fz", _damaged_tiles(chance.choice(tiled), chance), None
            continue
        packed = _packed(data, kind, chance)
        if chance.random() < 0.3:
            yield f"fits.{kind}", packed, data
        else:
            yield f"fits.{kind}", _hurt(packed, chance), None


def _packed(data: bytes, kind: str, chance: random.Random) -> bytes:
    if kind == "bz2":
        return bz2.compress(data)
    cut = chance.choice((0, 0, BLOCK // 2, BLOCK))
    return (gzip.compress(data[:cut], mtime=0) if cut else b"") + gzip.compress(data[cut:], mtime=0)


def _tiled(data: bytes) -> bytes:
    """The same image as fpack writes it: a table in the first extension."""
    header = fits.Header.fromstring(data[: header_length(data)])
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape = tuple(header[f"NAXIS{axis}"] for axis in range(header["NAXIS"], 0, -1))
        pixels = np.zeros(shape or (8, 8), dtype=np.float32)
        unit = fits.CompImageHDU(pixels, header, compression_type="RICE_1")
        fits.HDUList([fits.PrimaryHDU(), unit]).writeto(stream, output_verify="silentfix")
    return stream.getvalue()


def _damaged_tiles(data: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.5:
        return _hurt(data, chance)
    start = BLOCK  # of the extension, behind an empty primary header
    end = start + header_length(data[start:])
    cards = [data[place : place + CARD] for place in range(start, end, CARD)]
    for _ in range(chance.randint(1, 4)):
        chance.choice(CHANGES)(cards, chance)
    header = b"".join(cards)
    return data[:start] + header + b" " * (-len(header) % BLOCK) + data[end:]


def _hurt(data: bytes, chance: random.Random) -> bytes:
    """Some bytes changed, the end cut off, or something put behind it."""
    out = bytearray(data)
    for _ in range(chance.randint(0, 4)):
        out[chance.randrange(len(out))] = chance.randrange(256)
    what = chance.random()
    if what < 0.4:
        del out[chance.randrange(len(out)) :]
    elif what < 0.5:
        out += bytes(chance.randrange(256) for _ in range(chance.randint(1, 3000)))
    return bytes(out)


def compare(path: Path) -> Outcome:
    """Read a file both ways, card by card."""
    with watchdog():
        ours = read(path)
    if ours.header and (ours.header.integer("NAXIS") or 0) > MOST_AXES:
        return Outcome("doubtful", ())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with path.open("rb") as stream, fits.open(stream, memmap=False) as units:
                header = units[0].header
                theirs = [(shown(c.rawkeyword.upper()), text_of(c.rawvalue)) for c in header.cards if _has_value(c)]
    except Exception:  # noqa: BLE001 -- astropy fails in many ways, and warns of more
        return Outcome("doubtful", ())
    if ours.header and b"EXTEND" not in ours.header.raw:
        theirs = [pair for pair in theirs if pair != ("EXTEND", "T")]  # astropy adds it where something follows
    found = tuple(differences(ours, theirs))
    return Outcome("differs" if found else "agrees", found)


def _has_value(card: fits.Card) -> bool:
    """Whether it is no commentary; a blank keyword makes one, too (FITS Standard 4.0, 4.4.2.4)."""
    return bool(card.rawkeyword.strip()) and card.keyword not in ("COMMENT", "HISTORY", "", "END", "CONTINUE")


def text_of(value: object) -> str:
    """What STOA should make of a value as astropy gives it."""
    if isinstance(value, Undefined) or value is None:
        return ""
    if isinstance(value, bool):
        return "T" if value else "F"
    return repr(value) if isinstance(value, float | complex) else shown(str(value).rstrip(" "))


def shown(text: str) -> str:
    """Control characters as STOA writes them."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def complex_text(text: str) -> str:
    """A pair of numbers as the card has it, written as astropy's value is."""
    try:
        real, imaginary = text.strip("()").split(",")
        return repr(complex(float(real), float(imaginary)))
    except ValueError:
        return text


def differences(ours: FitsFile, theirs: list[tuple[str, str]]) -> Iterator[str]:
    """Cards of the primary header that differ, and keywords of which not the first card's text is found."""
    if ours.header is None:
        yield f"astropy reads it, STOA names {ours.defects}"
        return
    mine = [(card.keyword, card.text) for card in ours.header.cards()]
    if [keyword for keyword, _ in mine] != [keyword for keyword, _ in theirs]:
        yield f"keywords: {sorted(set(mine) ^ set(theirs))}"
        return
    for (keyword, text), (_, expected) in zip(mine, theirs, strict=True):
        if text != expected and complex_text(text) != expected:
            yield f"{keyword}: {text!r} is {expected!r}"
    for keyword, text in dict(reversed(mine)).items():
        if ours.header.text(keyword) != text:
            yield f"{keyword} is looked up as {ours.header.text(keyword)!r}, not {text!r}"
