"""What only one test at a time may use on this machine, whatever process it runs in."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Wait until no other test uses a thing, such as a port that has to be a certain one."""
    with Path(tempfile.gettempdir(), f"stoa-tests-{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
