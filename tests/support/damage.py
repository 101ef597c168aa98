"""Objects of a repository as files of their own, and ways in which disks spoil them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def loose(top: Path, name: str) -> Path:
    """The file, which can be written to, of an object such as ``HEAD:.stoa``; the repository has no packs then."""
    packs = top / ".git/objects/pack"
    for pack in packs.glob("*.pack"):
        data = pack.read_bytes()
        pack.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], cwd=top, check=True, input=data)
    for left in packs.iterdir():
        left.unlink()
    oid = subprocess.run(["git", "rev-parse", name], cwd=top, check=True, capture_output=True, text=True).stdout.strip()
    file = top / ".git/objects" / oid[:2] / oid[2:]
    file.chmod(0o644)
    return file


def oid_of(file: Path) -> str:
    return file.parent.name + file.name


def gone(file: Path) -> None:
    file.unlink()


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def emptied(file: Path) -> None:
    os.truncate(file, 0)


def garbled(file: Path) -> None:
    file.write_bytes(b"garbage")


EVERY = (gone, truncated, emptied, garbled)
