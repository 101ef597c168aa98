"""Reading the headers of FITS files, and nothing but the headers.

A file costs one `open`, one `read` of its first 32 KiB and, seldom, a few more. Nothing is trusted:
every loop has a bound, and what is wrong with a file is a `Defect`, never an exception.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from stoa.meta import cards, tiled
from stoa.meta.beams import MAX_TABLE, Beam, median_beam, table_beams
from stoa.meta.blocks import FIRST_READ, Blocks, LimitReached, open_blocks
from stoa.meta.cards import BLOCK, CARD, Card
from stoa.meta.defects import Defect
from stoa.meta.lookup import lookup

MAX_HEADER = 4 * 1024 * 1024
MAX_EXTENSIONS = 100
MAX_INFLATED = 2 * 1024 * 1024
"""How far into a compressed file some pixels are worth going: ten milliseconds."""

_BITPIX = frozenset({8, 16, 32, 64, -32, -64})
_MAX_BYTES = 2**63


class Header:
    """Cards of one header, looked up by keyword; of a keyword that comes twice, the first.

    Attributes
    ----------
    raw
        The header's bytes, whole blocks.
    texts
        Text of a keyword's value (see `stoa.meta.cards`), empty where the header has none.
    text
        Gives one of them.
    world
        Its keywords that match `stoa.meta.sky.WORLD`.
    """

    __slots__ = ("raw", "text", "texts", "world")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.texts, self.world = lookup(raw)
        self.text: Callable[[str], str] = self.texts.__getitem__

    def integer(self, keyword: str) -> int | None:
        """A whole number, or None where there is none or something else."""
        return _whole(self.text(keyword))

    def cards(self) -> Iterator[Card]:
        """All cards that carry a value."""
        return cards.cards(self.raw)

    def history(self, containing: bytes = b"") -> Iterator[str]:
        """The HISTORY texts; none at all where the header has nowhere what they should contain."""
        return cards.commentary(self.raw, "HISTORY") if containing in self.raw else iter(())

    @property
    def is_tiled(self) -> bool:
        """Whether it is a table that holds a compressed image."""
        return bool(self.text("ZIMAGE") and self.text("ZBITPIX"))


@lru_cache(maxsize=1024)  # most headers have the same few
def _whole(text: str) -> int | None:
    return int(text) if text.isdigit() or (text[:1] == "-" and text[1:].isdigit()) else None


class Extension(Struct, frozen=True):
    """A header and data unit behind the primary one."""

    kind: str  # IMAGE, BINTABLE, TABLE, ...
    name: str
    number: int  # 1 is the first behind the primary


class FitsFile(Struct, frozen=True, kw_only=True):
    """What the headers of one file say.

    Attributes
    ----------
    header
        Of the image: the primary one, or that of the first extension with an image where the primary has no data;
        None for a file that is not FITS. It may be there although a defect says that nothing can be done with it.
    image
        Number of the header and data unit with that header.
    digest
        First 16 hexadecimal digits of the SHA-256 of all header blocks that were read, each whole.
    beams
        Of the channels, from the BEAMS table if there is one; a text if that is not understood.
    pixels
        The bytes of the data that were asked for.
    """

    size: int = 0
    mtime_ns: int = 0
    header: Header | None = None
    image: int = 0
    extensions: tuple[Extension, ...] = ()
    digest: str = ""
    beams: tuple[Beam | None, ...] | str = ()
    pixels: bytes = b""
    defects: tuple[Defect, ...] = ()

    @property
    def beam(self) -> Beam | str | None:
        """The median of `beams`, or what is wrong with them."""
        return self.beams if isinstance(self.beams, str) else median_beam(self.beams)


class Span(NamedTuple):
    """Some bytes of the primary data."""

    offset: int
    length: int


SpanOf = Callable[[Header], Span | None]


class Unit(NamedTuple):
    """One header with the place of its data."""

    header: Header
    data: int  # offset of the first data byte
    length: int  # of the data, without padding
    end: int  # of the padded data

    @property
    def is_image(self) -> bool:
        """Whether it holds pixels: at least one axis with pixels, and neither a table nor random groups."""
        if self.header.is_tiled:
            return True
        kind = self.header.text("XTENSION")
        return self.length > 0 and kind in ("", "IMAGE") and self.header.text("GROUPS") != "T"


class _Broken(Exception):
    """A header that cannot be read on."""

    def __init__(self, defect: Defect, header: Header | None = None) -> None:
        super().__init__(defect)
        self.defect = defect
        self.header = header


_ERRNO = {
    errno.ENOENT: Defect.VANISHED,
    errno.ENOTDIR: Defect.VANISHED,
    errno.EACCES: Defect.NO_PERMISSION,
    errno.EPERM: Defect.NO_PERMISSION,
    errno.ENXIO: Defect.NOT_A_FILE,
    errno.ELOOP: Defect.NOT_A_FILE,
}


_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


def read(path: Path | str, pixels: SpanOf | None = None) -> FitsFile:
    """The headers of a file: plain FITS, or compressed with gzip, bzip2 or fpack.

    Neither FITS, nor a regular file, nor one that can be opened: an answer with a defect, not an exception. Whether
    the file is as long as its headers say is seen from its size; for gzip from the length at its end, and if that
    differs, by inflating at most 128 MiB.

    Parameters
    ----------
    pixels
        Tells by the primary header which bytes of its data are wanted, too; of a compressed file they are given
        only as far as 2 MiB into it.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        return FitsFile(defects=(_ERRNO.get(error.errno or 0, Defect.READ_ERROR),))
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return FitsFile(defects=(Defect.NOT_A_FILE,))
        return _read_open(descriptor, status, pixels)
    except OSError:
        return FitsFile(defects=(Defect.READ_ERROR,))
    finally:
        os.close(descriptor)


def _read_open(descriptor: int, status: os.stat_result, pixels: SpanOf | None) -> FitsFile:
    if not status.st_size:
        return FitsFile(mtime_ns=status.st_mtime_ns, defects=(Defect.EMPTY_FILE,))
    blocks = open_blocks(descriptor, os.pread(descriptor, FIRST_READ, 0), status.st_size)
    try:
        primary = _unit(blocks, 0)
    except _Broken as broken:
        size, mtime_ns = status.st_size, status.st_mtime_ns
        return FitsFile(size=size, mtime_ns=mtime_ns, header=broken.header, defects=(broken.defect,))
    span = pixels(primary.header) if pixels and primary.is_image else None
    wanted = _pixels(blocks, primary.data, span) if span else b""
    units, beams, defects = _walk(blocks, primary)
    image = _image(units)
    digest = hashlib.sha256(b"".join(unit.header.raw for unit in units))
    return FitsFile(
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        header=_image_header(units[image]),
        image=image,
        extensions=tuple(_extension(unit, number) for number, unit in enumerate(units) if number),
        digest=digest.hexdigest()[:16],
        beams=beams,
        pixels=wanted,
        defects=defects,
    )


def pixels_of(path: Path | str, header: Header, spans: Iterable[Span]) -> Generator[bytes, None, None]:
    """More bytes of the primary data of a file whose header was read; offsets must not fall.

    Nothing, as `read` has it, where the data end before or it takes too much inflating; and that is the last answer of
    a file that cannot be read any more.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        yield b""
        return
    try:
        size = os.fstat(descriptor).st_size
        blocks = open_blocks(descriptor, os.pread(descriptor, FIRST_READ, 0), size)
        for span in spans:
            yield _pixels(blocks, len(header.raw), span)
    except OSError:
        yield b""
    finally:
        os.close(descriptor)


def _pixels(blocks: Blocks, data: int, span: Span) -> bytes:
    """Some of the data that begin at an offset; nothing where they end before, or it takes too much inflating."""
    if blocks.is_compressed and data + span.offset + span.length > MAX_INFLATED:
        return b""
    found = blocks.read(data + span.offset, span.length)
    return found if len(found) == span.length else b""


def _image(units: list[Unit]) -> int:
    """Number of the first unit with a plane of pixels, else of the first with pixels, else of the primary one."""
    if len(units) == 1:
        return 0
    images = [number for number, unit in enumerate(units) if unit.is_image]
    planes = [number for number in images if (units[number].header.integer("NAXIS") or 0) > 1]
    return (planes or images or [0])[0]


def _image_header(unit: Unit) -> Header:
    return Header(tiled.image_header(unit.header.raw)) if unit.header.is_tiled else unit.header


def _extension(unit: Unit, number: int) -> Extension:
    return Extension(unit.header.text("XTENSION"), unit.header.text("EXTNAME"), number)


def _unit(blocks: Blocks, offset: int) -> Unit:
    """The header at an offset and where its data are."""
    raw = _header_bytes(blocks, offset)
    header = Header(raw)
    length = _data_length(header)
    data = offset + len(raw)
    return Unit(header, data, length, data + length + -length % BLOCK)


def _header_bytes(blocks: Blocks, offset: int) -> bytes:
    """The blocks from an offset up to the one with END."""
    raw = blocks.read(offset, blocks.first_read)
    _check_start(raw, blocks, first=offset == 0)
    while (end := cards.find_end(raw)) < 0:
        more = blocks.read(offset, min(len(raw) + max(len(raw) // 2, 4 * BLOCK), MAX_HEADER))
        if len(more) <= len(raw):
            end = cards.find_end(raw, is_all=True)
            break
        raw = more
    if end < 0:
        raise _Broken(_why_endless(raw, blocks))
    return raw[:end].ljust(end + -end % BLOCK)  # what is behind END means nothing


def _why_endless(raw: bytes, blocks: Blocks) -> Defect:
    if len(raw) >= MAX_HEADER:
        return Defect.HEADER_TOO_LONG
    return Defect.BAD_STREAM if blocks.damaged else Defect.NO_END


def _check_start(raw: bytes, blocks: Blocks, *, first: bool) -> None:
    if raw[:9] == (b"SIMPLE  =" if first else b"XTENSION="):
        return
    if blocks.damaged and len(raw) < CARD:
        raise _Broken(Defect.BAD_STREAM)
    text = raw[:512].lstrip().lower()
    raise _Broken(Defect.HTML if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")) else Defect.NOT_FITS)


def _data_length(header: Header) -> int:
    """Bytes of the data unit without padding (FITS Standard 4.0, 4.4.1; random groups 6.1)."""
    naxis, bitpix = header.integer("NAXIS"), header.integer("BITPIX")
    if naxis is None or not 0 <= naxis <= 999 or bitpix not in _BITPIX:
        raise _Broken(Defect.BAD_HEADER, header)
    if naxis == 0:
        return 0
    axes = [header.integer(keyword) for keyword in _axis_keywords(naxis)]
    pixels = 1
    for length in axes[1:] if axes[0] == 0 and header.text("GROUPS") == "T" else axes:
        if length is None or length < 0 or (pixels := pixels * length) > _MAX_BYTES:
            raise _Broken(Defect.BAD_HEADER, header)
    groups = header.integer("GCOUNT")
    parameters = max(header.integer("PCOUNT") or 0, 0)
    return abs(bitpix) // 8 * (1 if groups is None else max(groups, 0)) * (parameters + pixels)


@lru_cache(maxsize=16)
def _axis_keywords(naxis: int) -> tuple[str, ...]:
    return tuple(f"NAXIS{number}" for number in range(1, naxis + 1))


def _walk(blocks: Blocks, primary: Unit) -> tuple[list[Unit], tuple[Beam | None, ...] | str, tuple[Defect, ...]]:
    """All units of a file, the beams of its BEAMS table, and what is wrong behind the primary header."""
    units: list[Unit] = [primary]
    beams: tuple[Beam | None, ...] | str = ()
    if blocks.stated_length() == primary.end:
        return units, beams, ()
    try:
        while len(units) <= MAX_EXTENSIONS:
            if not _is_whole(blocks, units[-1]):
                return units, beams, (Defect.TRUNCATED,)
            if not blocks.read(units[-1].end, BLOCK).startswith(b"XTENSION="):
                return units, beams, ()
            units.append(_unit(blocks, units[-1].end))
            beams = beams or _plane_beams(blocks, units[-1])
    except LimitReached:
        return units, beams, (Defect.EXTENSIONS_UNREAD if len(units) > 1 else Defect.LENGTH_UNCHECKED,)
    except _Broken as broken:
        cut = broken.defect in (Defect.NO_END, Defect.BAD_STREAM)
        return units, beams, (Defect.TRUNCATED if cut else Defect.BAD_EXTENSION,)
    return units, beams, (Defect.EXTENSIONS_UNREAD,)


def _is_whole(blocks: Blocks, unit: Unit) -> bool:
    return not unit.length or blocks.reaches(unit.data + unit.length)


def _plane_beams(blocks: Blocks, unit: Unit) -> tuple[Beam | None, ...] | str:
    """Those of the unit if it is a BEAMS table of CASA."""
    if unit.header.text("EXTNAME") != "BEAMS" or unit.length > MAX_TABLE:
        return ()
    return table_beams(unit.header.text, blocks.read(unit.data, unit.length))
