"""Signals that whoever started STOA had it ignore: `nohup`, or `&` in a shell script.

What is ignored is inherited through exec, so that a job would be told neither by Ctrl-C nor by its own `kill -HUP $$`,
depending on how the terminal was used. What is caught is not inherited.
"""

from __future__ import annotations

import signal
import threading

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
