"""An archive of any size, for measuring: copies of the example archive whose headers all differ."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "archive"
CARD = 80
STEPS = {
    "CRVAL1": 1e-2, "CRVAL2": 1e-3, "CRVAL3": 1e6, "RESTFRQ": 1e6, "BMAJ": 1e-9, "BMIN": 1e-9, "BPA": 1e-2,
}  # fmt: skip
"""Keywords with a real value that grows from copy to copy, and by how much."""
TEXTS = ("OBJECT", "DATE", "DATE-OBS", "OBSERVER")


def make_copies(top: Path, folders: int, source: Path = EXAMPLE) -> list[Path]:
    """Write at least so many target folders below `top`, copied from those of an archive; gives the target folders.

    Positions, frequencies, beams, names and dates of each copy are its own, so that nothing that remembers a card
    which it has seen before has an advantage that a real archive would not give it.
    """
    members = sorted(path.parent for path in source.rglob("product") if path.is_dir())
    empty = [line for line in (source / "empty_folders.txt").read_text(encoding="utf-8").splitlines() if line]
    made: list[Path] = []
    while len(made) < folders:
        copy = top / f"copy{len(made):06d}"
        made += [_copy_member(member, copy / member.relative_to(source), len(made)) for member in members]
        for name in empty:
            (copy / name).mkdir(parents=True)
            made.append(copy / name)
    return made


def _copy_member(member: Path, to: Path, number: int) -> Path:
    shutil.copytree(member, to)
    for file in (to / "product").iterdir():
        if file.name.endswith(".fits"):
            file.write_bytes(changed(file.read_bytes(), number))
        elif file.name.endswith(".fits.gz"):
            file.write_bytes(gzip.compress(changed(gzip.decompress(file.read_bytes()), number), 1, mtime=0))
    return to / "product"


def changed(data: bytes, number: int) -> bytes:
    """A FITS file with other values in its primary header, of the same length."""
    out = bytearray(data)
    for start in range(0, len(data), CARD):
        keyword = data[start : start + 8].decode("ascii").rstrip()
        if keyword == "END":
            break
        if keyword in STEPS:
            value = float(data[start + 10 : start + 30]) + number * STEPS[keyword]
            out[start + 10 : start + 30] = f"{value:20.12E}".encode()
        elif keyword in TEXTS:
            text = data[start + 10 : start + CARD].split(b"'")[1].rstrip()
            out[start + 10 : start + CARD] = b"'" + (text[:50] + b" %d" % number).ljust(8)[:66].ljust(66) + b"'  "
    return bytes(out)
