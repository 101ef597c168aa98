"""A disk that can be cut off, filled and made read-only: a file system in a file (as root, with loop devices)."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path


class Disk:
    """An ext4 file system in a file; `cut` gives what of it a power cut would leave."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "disk"
        self.folder = folder
        self.place = folder / "before"
        self._mounted: list[Path] = []

    def make(self) -> None:
        with self.image.open("wb") as stream:
            stream.truncate(256 << 20)  # sparse; a run wants 100 MB left
        shell("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        self._mount(self.image, "before")

    def fill(self, left_kb: int) -> None:
        """Take all room but so many kilobytes."""
        with (self.place / "fill").open("wb", buffering=0) as stream:
            with suppress(OSError):
                while stream.write(bytes(1 << 12)):
                    pass
            stream.truncate(max(0, stream.tell() - left_kb * 1024))
            os.fsync(stream.fileno())

    def empty(self) -> None:
        """Give the room back."""
        (self.place / "fill").unlink()

    def writable(self, *, writable: bool) -> None:
        """Also once no one writes to it any more: a killed process may still be on its way out."""
        command = ("mount", "-o", f"remount,{'rw' if writable else 'ro'}", self.place)
        for _ in range(100):
            if subprocess.run(command, capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        shell(*command)

    def cut(self) -> Path:
        """What has reached the disk, without what the kernel still holds in memory; mounted elsewhere."""
        copy = self.folder / "after-the-cut"
        shell("cp", "--sparse=always", self.image, copy)
        repaired = subprocess.run(["e2fsck", "-fp", copy], capture_output=True)
        assert repaired.returncode in (0, 1), repaired.stdout
        return self._mount(copy, "after")

    def close(self) -> None:
        for place in self._mounted:
            subprocess.run(["umount", "-l", place], check=False, capture_output=True)

    def _mount(self, image: Path, name: str) -> Path:
        place = self.folder / name
        place.mkdir()
        shell("mount", "-o", "loop", image, place)
        self._mounted.append(place)
        return place


def shell(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True)
