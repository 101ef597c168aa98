"""Keeps account, inside a process, of what was written and not yet synced to disk.

A power cut may lose each of these, in any order, so none may be left when something is acknowledged, and no file may
get its final name before its content is on disk. What git writes as a child is not seen.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

KEPT = ("/.stoa/runs/", "/.stoa/reviews/", "/.git/stoa/spool/", "/.git/objects", "/.git/refs", "/.git/index",
        "/.git/stoa-refresh")  # fmt: skip
LOST_WITHOUT_HARM = ("/script", "/.lock", "/.probe", "/journal")  # the journal is synced when it says so
WRITES = os.O_WRONLY | os.O_RDWR


class Ledger:
    """Files and folders with changes that a power cut could lose."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.folders: set[str] = set()
        self.breaches: list[str] = []
        self._lock = threading.Lock()

    def install(self) -> None:
        sys.addaudithook(self._audit)
        for name in ("fsync", "fdatasync"):
            setattr(os, name, self._synced(getattr(os, name)))

    def open_items(self) -> list[str]:
        """What is not on disk now and would be missed."""
        with self._lock:
            found = {*self.files, *(f"{folder}/" for folder in self.folders)}
        return sorted(path for path in found if _matters(path) and os.path.exists(path))

    def _synced(self, call: Any) -> Any:
        def sync(descriptor: int) -> None:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            call(descriptor)
            with self._lock:
                self.files.discard(path)
                self.folders.discard(path)

        return sync

    def _audit(self, event: str, details: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(details[0], (str, bytes, os.PathLike)) and details[2] & WRITES:
            self._written(_real(details[0]))
        elif event == "os.rename":
            self._renamed(_real(details[0]), _real(details[1]))
        elif event == "os.mkdir" and not os.path.lexists(_real(details[0])):
            with self._lock:
                self.folders.add(os.path.dirname(_real(details[0])))

    def _written(self, path: str) -> None:
        with self._lock:
            self.files.add(path)
            if not os.path.lexists(path):
                self.folders.add(os.path.dirname(path))

    def _renamed(self, source: str, target: str) -> None:
        with self._lock:
            if source in self.files and (_matters(target) or target.endswith("/journal")):
                self.breaches.append(target)
            if source in self.files:
                self.files.remove(source)
                self.files.add(target)
            self.folders.add(os.path.dirname(target))


def _real(path: Any) -> str:
    text = os.path.abspath(os.fsdecode(path))
    return os.path.join(os.path.realpath(os.path.dirname(text)), os.path.basename(text))


def _matters(path: str) -> bool:
    return any(part in path for part in KEPT) and not any(part in path for part in LOST_WITHOUT_HARM)
