"""Folders to which something was written a moment ago: a download or a pipeline may still be at it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path


def still_growing(folder: Path, settled_s: float) -> bool:
    """Whether anything in a folder was written, or came into it, within some seconds before now.

    A file that keeps an old time while it is copied is known by the time at which its entry changed. A time in the
    future says nothing.
    """
    now = time.time()
    return settled_s > 0 and any(0 <= now - moment < settled_s for moment in _moments(folder))


def _moments(folder: Path) -> Iterator[float]:
    """Times of a folder and of all that is in it, in seconds since the epoch; what cannot be read has none."""
    for place, _, files in os.walk(folder):
        for path in (place, *(os.path.join(place, name) for name in files)):
            try:
                found = os.stat(path)
            except OSError:
                continue
            yield found.st_mtime
            yield found.st_ctime
