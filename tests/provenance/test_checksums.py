"""Checksums that are computed once for as long as a file stays as it is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stoa.provenance.checksums import Checksums

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def sums(tmp_path: Path) -> Iterator[Checksums]:
    found = Checksums(tmp_path / "cache" / "sums.sqlite")
    yield found
    found.close()


def test_size_and_sha256_of_a_file(sums: Checksums, tmp_path: Path) -> None:
    file = tmp_path / "f.fits"
    file.write_bytes(b"abc")
    assert sums.of(file) == (3, ABC)
    (tmp_path / "empty").touch()
    assert sums.of(tmp_path / "empty") == (0, EMPTY)


def test_a_file_that_stayed_as_it_is_is_not_read_again(sums: Checksums, tmp_path: Path) -> None:
    file = tmp_path / "f.fits"
    file.write_bytes(b"abc")
    sums.of(file)
    read = os.stat(file).st_atime_ns
    os.utime(file, ns=(1, os.stat(file).st_mtime_ns))  # a read would set the time of access
    sums.of(file)
    before = os.stat(file).st_atime_ns
    assert sums.of(file) == (3, ABC)
    assert os.stat(file).st_atime_ns == before
    assert read != 1


@pytest.mark.parametrize("content", [b"xyz", b"abcd"])
def test_a_file_that_was_written_again_has_a_new_checksum(sums: Checksums, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "f.fits"
    file.write_bytes(b"abc")
    sums.of(file)
    file.write_bytes(content)
    os.utime(file, ns=(5, 5))  # also where the clock stood still
    assert sums.of(file) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_file_that_was_put_in_its_place_has_a_new_checksum(sums: Checksums, tmp_path: Path) -> None:
    file, other = tmp_path / "f.fits", tmp_path / "g.fits"
    file.write_bytes(b"abc")
    other.write_bytes(b"xyz")
    sums.of(file)
    state = os.stat(file)
    os.utime(other, ns=(state.st_atime_ns, state.st_mtime_ns))
    other.replace(file)
    assert sums.of(file) == (3, hashlib.sha256(b"xyz").hexdigest())


def test_a_name_that_is_not_utf8_is_a_name(sums: Checksums, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9 \n.fits")
    file.write_bytes(b"abc")
    assert sums.of(file) == sums.of(file) == (3, ABC)


def test_what_is_no_regular_file_is_refused_and_not_opened(sums: Checksums, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"):
            sums.of(path)
    with pytest.raises(FileNotFoundError):
        sums.of(tmp_path / "missing")


@pytest.mark.parametrize("damage", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    cache, file = tmp_path / "sums.sqlite", tmp_path / "f.fits"
    cache.write_bytes(damage)
    file.write_bytes(b"abc")
    for _ in range(2):
        sums = Checksums(cache)
        assert sums.of(file) == (3, ABC)
        sums.close()


def test_a_cache_that_is_torn_while_it_is_open_is_made_anew(tmp_path: Path) -> None:
    cache, file = tmp_path / "sums.sqlite", tmp_path / "f.fits"
    file.write_bytes(b"abc")
    sums = Checksums(cache)
    sums.of(file)
    size = cache.stat().st_size
    cache.write_bytes(cache.read_bytes()[:100] + b"\xff" * (size - 100))
    sums.close()
    sums = Checksums(cache)
    assert sums.of(file) == (3, ABC)
    sums.close()


def test_where_no_file_can_be_made_checksums_are_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").touch()
    found = Checksums(tmp_path / "in-the-way" / "sums.sqlite")
    file = tmp_path / "f.fits"
    file.write_bytes(b"abc")
    with found.many():
        assert found.of(file) == (3, ABC)
    assert found.of(file) == (3, ABC)
    found.close()
