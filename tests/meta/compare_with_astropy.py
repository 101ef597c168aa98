"""Compare STOA's reading of FITS headers with astropy's, card by card, over every FITS file below some folders.

With `--packed` each plain file is packed as well, by gzip and, where cfitsio's `fpack` is installed, by that, and the
copies are compared, too.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from astropy.io import fits
from astropy.io.fits.card import Undefined

from stoa.meta.header import FitsFile, read
from stoa.meta.roles import is_fits_name


class Comparison(NamedTuple):
    """What came out for one file."""

    cards: int  # that were compared
    differences: tuple[str, ...]
    defects: tuple[str, ...]  # that STOA names
    refused: str  # astropy's error, "" if it read the file


def text_of(value: object) -> str:
    """What STOA should make of a value as astropy gives it."""
    if isinstance(value, Undefined) or value is None:
        return ""
    if isinstance(value, bool):
        return "T" if value else "F"
    return repr(value) if isinstance(value, float) else str(value).rstrip(" ")


def astropy_cards(header: fits.Header) -> Iterator[tuple[str, str]]:
    """Keyword and text of each card with a value; the parts of record-valued cards under their whole keyword."""
    for card in header.cards:
        if card.keyword in ("COMMENT", "HISTORY", "", "END"):
            continue
        yield card.rawkeyword.upper(), text_of(card.rawvalue)


def compare(path: Path) -> Comparison:
    """Read one file both ways."""
    ours = read(path)
    defects = tuple(str(defect) for defect in ours.defects)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(path, memmap=False) as units:
                theirs = list(astropy_cards(units[ours.image].header))
    except Exception as error:  # noqa: BLE001 - astropy raises of every kind for what is not FITS
        return Comparison(0, (), defects, f"{type(error).__name__}: {error}")
    if ours.header is None:
        return Comparison(0, ("astropy reads it",), defects, "")
    return Comparison(len(theirs), tuple(differences(ours, theirs)), defects, "")


def differences(ours: FitsFile, theirs: list[tuple[str, str]]) -> Iterator[str]:
    """Cards that differ; of a tile-compressed image, whose cards astropy sorts again, without their order."""
    assert ours.header is not None
    mine = [(card.keyword, card.text) for card in ours.header.cards()]
    tiled = any(extension.kind == "BINTABLE" and extension.number == ours.image for extension in ours.extensions)
    if tiled:
        added = {
            ("PCOUNT", "0"),
            ("GCOUNT", "1"),
            ("XTENSION", "IMAGE"),
            ("BZERO", "0.0"),
        }  # astropy drops a BZERO of 0
        mine, theirs = sorted(set(mine) | added), sorted(set(theirs) | added)
    if [keyword for keyword, _ in mine] != [keyword for keyword, _ in theirs]:
        yield f"keywords: {sorted(set(mine) ^ set(theirs))}"
        return
    for (keyword, text), (_, expected) in zip(mine, theirs, strict=True):
        if text != expected:
            yield f"{keyword}: {text!r} is {expected!r}"


def main() -> int:
    """Print a line for each file that differs or that one of the two cannot read, then the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--packed", action="store_true", help="compare packed copies, too")
    options = parser.parse_args()
    files = sorted(p for folder in options.folders for p in folder.rglob("*") if p.is_file() and is_fits_name(p.name))
    with tempfile.TemporaryDirectory() as folder:
        return report([*files, *(packed(files, Path(folder)) if options.packed else ())])


def packed(files: list[Path], folder: Path) -> Iterator[Path]:
    """Packed copies of the plain files; cfitsio refuses some, which are left out."""
    for number, path in enumerate(files):
        if path.suffix not in (".fits", ".fit"):
            continue
        copy = folder / f"{number:04}-{path.name}"
        copy.with_name(f"{copy.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        yield copy.with_name(f"{copy.name}.gz")
        if shutil.which("fpack"):
            shutil.copy(path, copy)
            done = subprocess.run(["fpack", "-g", str(copy)], capture_output=True, check=False)
            if done.returncode == 0 and copy.with_name(f"{copy.name}.fz").exists():
                yield copy.with_name(f"{copy.name}.fz")


def report(files: list[Path]) -> int:
    """Compare and print; 1 if something differs."""
    cards = differing = 0
    for path in files:
        found = compare(path)
        cards += found.cards
        differing += bool(found.differences)
        if found.differences or found.refused or found.defects:
            print(path, *found.differences, *found.defects, found.refused, sep="\n    ")
    print(f"{len(files)} files, {cards} cards compared, {differing} files differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
