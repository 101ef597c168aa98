"""Signals that whoever started STOA had it ignore: `nohup`, or `&` in a shell script.

What is ignored is inherited through exec, so that a job would be told neither by Ctrl-C nor by its own `kill -HUP $$`,
depending on how the terminal was used. What is caught is not inherited.
"""

from __future__ import annotations

import signal
import threading
from pathlib import Path

STOP = signal.SIGUSR1
STOP_NOW = signal.SIGUSR2
"""What `stoa stop` sends: a shell has SIGINT ignored by what it starts with `&`, and so have cron and CI."""

_ASKED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def keep_from_children() -> None:
    """Catch what is ignored, and do nothing: no other for this process, and each child has the defaults.

    Only the main thread can; elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _ASKED:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _nothing)


def _nothing(_number: int, _frame: object) -> None:
    pass


def is_caught(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal; False where there is no /proc, or no such process."""
    return _has(pid, "SigCgt", number)


def is_ignored(pid: int, number: signal.Signals) -> bool:
    """Whether a process ignores a signal; False where there is no /proc, or no such process."""
    return _has(pid, "SigIgn", number)


def _has(pid: int, mask: str, number: signal.Signals) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    found = (line.partition(":")[2] for line in lines if line.startswith(f"{mask}:"))
    return bool(int(next(found, "0"), 16) >> (number - 1) & 1)
