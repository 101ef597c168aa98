"""How a job's command ended, whatever it ran in."""

from __future__ import annotations

import math
import signal
from typing import Literal

from msgspec import Struct

from stoa.errors import StoaError

_LONGEST_POLL_S = 3600.0  # poll(2) takes milliseconds as a C int

Stopped = Literal["", "timeout", "cancel", "lost"]
"""Why a command was told to end; `lost`: what it ran in was taken away from under it."""


class NotStarted(StoaError):
    """A command that could not be started."""


class Ending(Struct, frozen=True, kw_only=True):
    """How a command ended."""

    exit_code: int | None = None  # None: by a signal
    signal: str = ""
    stopped: Stopped = ""
    limit: str = ""  # words for the memory limit, where it was reached for sure
    cpu_s: float = 0.0
    memory_mb: float = 0.0  # 0: not known
    left_running: int = 0  # processes that had left its group and were ended


def milliseconds(seconds: float) -> int:
    """For poll(2); at most an hour."""
    return math.ceil(1000 * min(max(seconds, 0.0), _LONGEST_POLL_S))


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9, ``SIGRTMIN+2`` for a real-time signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}" if number > signal.SIGRTMIN else f"signal {number}"
