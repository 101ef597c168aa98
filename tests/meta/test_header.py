"""Reading headers of files, whole and damaged, plain and compressed."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoa.meta.defects import Defect
from stoa.meta.header import MAX_HEADER, read


def bare_gzip(data: bytes) -> bytes:
    """As the ALMA archive compresses: no name, no time, no flag."""
    return gzip.compress(data, mtime=0)


def test_an_image_is_read(image) -> None:
    found = read(image())
    assert (found.header.text("OBJECT"), found.size, found.image, found.defects) == ("M83", 5760, 0, ())
    assert len(found.digest) == 16


def test_the_digest_is_that_of_the_header_blocks(image) -> None:
    path = image()
    before = read(path).digest
    data = bytearray(path.read_bytes())
    data[-2880] = 1
    path.write_bytes(data)
    assert read(path).digest == before == hashlib.sha256(data[:2880]).hexdigest()[:16]


def test_gzip_is_read_without_a_name_in_it(tmp_path: Path, image) -> None:
    path = tmp_path / "x.fits.gz"
    path.write_bytes(bare_gzip(image().read_bytes()))
    found = read(path)
    assert path.read_bytes()[:4] == b"\x1f\x8b\x08\x00"
    assert (found.header.text("OBJECT"), found.defects) == ("M83", ())


@pytest.mark.parametrize("cut", [100, 2880, 3000])
def test_gzip_of_several_members_is_whole(cut: int, tmp_path: Path, image) -> None:
    data = image().read_bytes()
    path = tmp_path / "x.fits.gz"
    path.write_bytes(bare_gzip(data[:cut]) + bare_gzip(data[cut:]))
    assert read(path).defects == ()
    assert read(path).header.text("OBJECT") == "M83"


def noise(path: Path) -> bytes:
    """A file whose data cannot be compressed, so that a cut falls into them."""
    fits.PrimaryHDU(np.random.default_rng(1).normal(size=(100, 100)).astype("f4")).writeto(path)
    return path.read_bytes()


def test_a_gzip_file_that_breaks_off_is_truncated(tmp_path: Path) -> None:
    data = bare_gzip(noise(tmp_path / "x.fits"))
    path = tmp_path / "x.fits.gz"
    path.write_bytes(data[: len(data) // 2])
    assert read(path).defects == (Defect.TRUNCATED,)


def test_a_gzip_file_that_breaks_off_in_its_header_is_damaged(tmp_path: Path, image) -> None:
    path = tmp_path / "x.fits.gz"
    path.write_bytes(bare_gzip(image().read_bytes())[:60])
    assert read(path).defects == (Defect.BAD_STREAM,)


def test_a_truncated_file_that_was_packed_later_is_truncated(tmp_path: Path) -> None:
    data = noise(tmp_path / "x.fits")
    path = tmp_path / "x.fits.gz"
    path.write_bytes(bare_gzip(data[: len(data) // 2]))
    assert read(path).defects == (Defect.TRUNCATED,)


def test_bytes_behind_the_last_member_do_no_harm(tmp_path: Path, image) -> None:
    path = tmp_path / "x.fits.gz"
    path.write_bytes(bare_gzip(image().read_bytes()) + b"\0" * 512)
    assert read(path).defects == ()


def test_bzip2_is_read(tmp_path: Path, image) -> None:
    path = tmp_path / "x.fits.bz2"
    path.write_bytes(bz2.compress(image().read_bytes()))
    assert (read(path).header.text("OBJECT"), read(path).defects) == ("M83", ())


def test_a_tile_compressed_image_has_the_header_of_the_image(tmp_path: Path) -> None:
    path = tmp_path / "x.fits.fz"
    hdu = fits.CompImageHDU(np.arange(20_000, dtype="i4").reshape(100, 200))
    hdu.header["OBJECT"] = "M83"
    hdu.writeto(path)
    found = read(path)
    texts = {keyword: found.header.text(keyword) for keyword in ("BITPIX", "NAXIS1", "NAXIS2", "OBJECT", "TFORM1")}
    assert texts == {"BITPIX": "32", "NAXIS1": "200", "NAXIS2": "100", "OBJECT": "M83", "TFORM1": ""}
    assert (found.image, found.defects) == (1, ())


def test_the_first_plane_of_pixels_gives_the_header(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    line, plane = fits.ImageHDU(np.zeros(4), name="LINE"), fits.ImageHDU(np.zeros((3, 3)), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), line, plane]).writeto(path)
    found = read(path)
    assert (found.image, found.header.text("EXTNAME")) == (2, "SCI")
    assert [(e.kind, e.name) for e in found.extensions] == [("IMAGE", "LINE"), ("IMAGE", "SCI")]


def beams_table(rows: list[tuple[float, float, float]]) -> fits.BinTableHDU:
    columns = [
        fits.Column(name, "1E", unit, array=np.array([row[place] for row in rows]))
        for place, (name, unit) in enumerate([("BMAJ", "arcsec"), ("BMIN", "arcsec"), ("BPA", "deg")])
    ]
    return fits.BinTableHDU.from_columns(
        [*columns, fits.Column("CHAN", "1J", array=np.arange(len(rows)))], name="BEAMS"
    )


@pytest.mark.parametrize("name", ["x.fits", "x.fits.gz"])
def test_the_beam_of_a_cube_is_the_median_of_its_planes(name: str, tmp_path: Path) -> None:
    rows = [(0, 0, 0), (3, 1, 30), (1, 1, 10), (2, 1, 20)]
    fits.HDUList([fits.PrimaryHDU(np.zeros((4, 2, 2), "f4")), beams_table(rows)]).writeto(tmp_path / name)
    beam = read(tmp_path / name).beam
    assert (beam.major_arcsec, beam.minor_arcsec, beam.pa_deg, beam.planes) == (2.0, 1.0, 20.0, 3)


def test_a_file_shorter_than_its_header_says_is_truncated(image) -> None:
    path = image(NAXIS1="100", NAXIS2="100")
    os.truncate(path, 20_000)
    found = read(path)
    assert found.defects == (Defect.TRUNCATED,)
    assert found.header.text("OBJECT") == "M83"


def test_only_the_padding_may_be_missing(image) -> None:
    path = image()
    os.truncate(path, 2880 + 100)
    assert read(path).defects == ()


def test_a_file_that_breaks_off_in_an_extension_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    fits.HDUList([fits.PrimaryHDU(np.zeros((4, 4))), fits.ImageHDU(np.zeros((100, 100)))]).writeto(path)
    os.truncate(path, path.stat().st_size - 40_000)
    assert read(path).defects == (Defect.TRUNCATED,)


@pytest.mark.parametrize(
    ("content", "defect"),
    [
        (b"", Defect.EMPTY_FILE),
        (b"\n <!DOCTYPE html><title>404</title>", Defect.HTML),
        (b"<html><body>Login", Defect.HTML),
        (b"CRTF of a region file", Defect.NOT_FITS),
        (b"SIMPLE", Defect.NOT_FITS),
        (b"SIMPLE  =                    T".ljust(80), Defect.NO_END),
        (b"\x1f\x8b\x08\x00 not gzip", Defect.BAD_STREAM),
        (b"\x1f\x8b", Defect.BAD_STREAM),
    ],
)
def test_what_is_not_fits_is_named(content: bytes, defect: Defect, tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    assert read(path).defects == (defect,)
    assert read(path).header is None


@pytest.mark.parametrize(
    "cards",
    [
        ("BITPIX  = -32",),
        ("BITPIX  = -32", "NAXIS   = -1"),
        ("BITPIX  = -32", "NAXIS   = 1000000"),
        ("BITPIX  = 7", "NAXIS   = 0"),
        ("BITPIX  = -32", "NAXIS   = 2", "NAXIS1  = 5"),
        ("BITPIX  = -32", "NAXIS   = 1", "NAXIS1  = -5"),
        ("BITPIX  = -32", "NAXIS   = 1", "NAXIS1  = 'five'"),
        ("BITPIX  = -32", "NAXIS   = 2", "NAXIS1  = 9999999999", "NAXIS2  = 9999999999"),
    ],
)
def test_axes_that_cannot_be_are_named(cards: tuple[str, ...], tmp_path: Path, header) -> None:
    path = tmp_path / "x.fits"
    path.write_bytes(header("SIMPLE  = T", *cards))
    assert read(path).defects == (Defect.BAD_HEADER,)


def test_a_header_without_end_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    with path.open("wb") as file:
        file.write(b"SIMPLE  = T".ljust(80))
        file.write(b"HISTORY".ljust(80) * (2 * MAX_HEADER // 80))
    assert read(path).defects == (Defect.HEADER_TOO_LONG,)


def test_a_bomb_is_not_inflated(tmp_path: Path, header) -> None:
    path = tmp_path / "x.fits.gz"
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 999999999999"))]
    parts += [packer.compress(b"\0" * 2**24) for _ in range(16)]
    path.write_bytes(b"".join(parts) + packer.flush())
    assert path.stat().st_size < 300_000
    assert read(path).defects == (Defect.LENGTH_UNCHECKED,)


def test_the_data_count_and_not_the_length_that_gzip_states(tmp_path: Path) -> None:
    data = noise(tmp_path / "x.fits")
    path = tmp_path / "x.fits.gz"
    path.write_bytes(bare_gzip(data)[:-4] + struct.pack("<I", 17))
    assert read(path).defects == ()


@pytest.mark.parametrize("name", ["x.fits", "x.fits.gz"])
def test_a_loose_end_counts_only_where_no_real_one_follows(name: str, image) -> None:
    more = [f"FILNAM{number:02} = 'x'" for number in range(99)]
    found = read(image(name, "END     casacore", *more, "LAST    = 'yes'"))
    assert (found.header.text("LAST"), found.defects) == ("yes", ())


def test_a_loose_end_before_data_hides_no_extension(image, header) -> None:
    path = image("x.fits")
    data = bytearray(path.read_bytes())
    end = next(start for start in range(0, len(data), 80) if data[start : start + 80] == b"END".ljust(80))
    data[end : end + 80] = b"END / x".ljust(80)
    path.write_bytes(data + header("XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0", "PCOUNT  = 0", "GCOUNT  = 1"))
    found = read(path)
    assert (len(found.extensions), found.header.text("XTENSION"), found.defects) == (1, "", ())


def test_a_folder_a_pipe_and_nothing_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.fits")
    found = [read(tmp_path / name).defects for name in ("", "pipe.fits", "gone.fits")]
    assert found == [(Defect.NOT_A_FILE,), (Defect.NOT_A_FILE,), (Defect.VANISHED,)]


def test_a_hundred_extensions_are_the_limit(tmp_path: Path, header) -> None:
    primary = header("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0", "EXTEND  = T")
    extension = header("XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 0", "PCOUNT  = 0", "GCOUNT  = 1")
    path = tmp_path / "x.fits"
    path.write_bytes(primary + 150 * extension)
    assert (len(read(path).extensions), read(path).defects) == (100, (Defect.EXTENSIONS_UNREAD,))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.tuples(st.integers(0, 5759), st.binary(min_size=1, max_size=90)), max_size=6))
def test_a_mutated_file_is_read_or_named(edits: list[tuple[int, bytes]], image) -> None:
    path = image()
    data = bytearray(path.read_bytes())
    for place, new in edits:
        data[place : place + len(new)] = new
    path.write_bytes(data)
    found = read(path)
    assert found.defects or found.header.text("BITPIX") in ("8", "16", "32", "64", "-32", "-64")
