"""FITS files made byte by byte, so that everything that can be wrong with one can be written."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

CARD, BLOCK = 80, 2880

HeaderMaker = Callable[..., bytes]
ImageMaker = Callable[..., Path]

IMAGE = {
    "BMAJ": "1.0E-03", "BMIN": "5.0E-04", "BPA": "10.0", "BTYPE": "'Intensity'",
    "OBJECT": "'M83'", "BUNIT": "'Jy/beam'", "RADESYS": "'ICRS'",
    "CTYPE1": "'RA---SIN'", "CRVAL1": "1.5E+02", "CDELT1": "-1.0E-04", "CRPIX1": "3.0", "CUNIT1": "'deg'",
    "CTYPE2": "'DEC--SIN'", "CRVAL2": "2.0E+00", "CDELT2": "1.0E-04", "CRPIX2": "3.0", "CUNIT2": "'deg'",
    "CTYPE3": "'FREQ'", "CRVAL3": "1.0E+11", "CDELT3": "2.0E+09", "CRPIX3": "1.0", "CUNIT3": "'Hz'",
    "RESTFRQ": "1.1E+11", "TELESCOP": "'ALMA'", "DATE-OBS": "'2014-12-31T09:42:21.840000'",
}  # fmt: skip
"""Cards of a small continuum image."""


def padded(data: bytes, fill: bytes = b" ") -> bytes:
    return data + fill * (-len(data) % BLOCK)


def card(text: str | bytes) -> bytes:
    return (text.encode("latin-1") if isinstance(text, str) else text).ljust(CARD)


@pytest.fixture
def header() -> HeaderMaker:
    """`header("NAXIS   = 0", ...)`: whole blocks of these cards, END behind them unless `end=False`."""

    def make(*cards: str | bytes, end: bool = True) -> bytes:
        lines = [*cards, "END"] if end else list(cards)
        return padded(b"".join(card(line) for line in lines))

    return make


@pytest.fixture
def image(tmp_path: Path, header: HeaderMaker) -> ImageMaker:
    """Maker of an image of 5 x 5 x 1 pixels: `image("x.fits", BMAJ=None, OBJECT="'M31'")`; gzipped by its name."""

    def make(name: str = "x.image.fits", *extra: str | bytes, folder: Path = tmp_path, **changes: str | None) -> Path:
        values = {"SIMPLE": "T", "BITPIX": "-32", "NAXIS": "3", "NAXIS1": "5", "NAXIS2": "5", "NAXIS3": "1", **IMAGE}
        values |= {keyword.replace("_", "-"): value for keyword, value in changes.items()}  # type: ignore[dict-item]
        cards = [f"{keyword:8}= {value}" for keyword, value in values.items() if value is not None]
        pixels = 4
        for axis in range(1, int(values["NAXIS"]) + 1):
            pixels *= int(values[f"NAXIS{axis}"])
        data = header(*cards, *extra) + padded(b"\0" * pixels, b"\0")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path

    return make


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """A folder for products."""
    folder = tmp_path / "product"
    folder.mkdir()
    return folder
