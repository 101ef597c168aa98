"""Metadata documents after a power cut: one call syncs many, and each is whole on disk when the command has ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from loop_disk import Disk, shell

from stoa.durable import MANY, sync_files, sync_folder, write_new

CONTENT = b"<project/>\n" * 40


def written(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"t{number:04d}.xml" for number in range(count)]
    for path in paths:
        write_new(path, CONTENT)
    return paths


def whole(folder: Path, paths: list[Path]) -> int:
    return sum((folder / path.name).exists() and (folder / path.name).read_bytes() == CONTENT for path in paths)


@pytest.mark.parametrize("count", [3, MANY, 3 * MANY])
def test_files_are_whole_on_disk_when_they_were_synced(disk: Disk, count: int) -> None:
    paths = written(disk.place / "meta", count)
    sync_files(paths)
    sync_folder(disk.place / "meta")
    sync_folder(disk.place)
    assert whole(disk.cut() / "meta", paths) == count


def test_a_missing_sync_of_many_would_be_noticed(disk: Disk) -> None:
    paths = written(disk.place / "meta", 3 * MANY)
    assert whole(disk.cut() / "meta", paths) < len(paths)


def test_documents_are_whole_and_clean_after_a_build_that_has_ended(disk: Disk, image_file: Path) -> None:
    top = disk.place / "project"
    for number in range(MANY + 20):
        folder = top / "data" / f"t{number:04d}"
        folder.mkdir(parents=True)
        (folder / "a.image.pbcor.fits").write_bytes(image_file.read_bytes())
    shell("git", "init", "--quiet", top)
    for words in (["init"], ["root", "add", "data", "data"], ["target", "add", "data", "*"]):
        subprocess.run([sys.executable, "-m", "stoa", *words], cwd=top, check=True, capture_output=True)
    shell("sync", "-f", top)
    subprocess.run([sys.executable, "-m", "stoa", "meta", "build"], cwd=top, check=True, capture_output=True)
    after = disk.cut() / "project"
    documents = sorted((after / ".stoa" / "meta").glob("*.xml"))
    assert len(documents) == MANY + 20
    assert all(b"a.image.pbcor.fits" in document.read_bytes() for document in documents)
    said = subprocess.run(
        ["git", "-C", after, "status", "--porcelain", ".stoa"], capture_output=True, text=True, check=True
    )
    assert said.stdout == ""


@pytest.fixture
def image_file(tmp_path: Path) -> Path:
    import numpy as np
    from astropy.io import fits

    file = tmp_path / "a.fits"
    header = fits.Header({"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 10.0, "CRVAL2": -20.0})
    fits.writeto(file, np.ones((8, 8), "f4"), header)
    return file
