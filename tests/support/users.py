"""Work in the name of another user, for tests that root runs."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import warnings
from collections.abc import Callable
from typing import Any


def as_user(uid: int, work: Callable[[], Any], most_processes: int = 0) -> Any:
    """What a function gives in a process of another user, through JSON."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork in a process with threads, which the child ends
        read, write = os.pipe()
        child = os.fork()
    if child == 0:
        code = 1
        try:
            if most_processes:
                resource.setrlimit(resource.RLIMIT_NPROC, (most_processes, most_processes))
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            os.write(write, json.dumps(work()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read, "rb") as stream:
        said = stream.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return json.loads(said)


def end_all_of(uid: int) -> None:
    """End every process of a user, forks of the same moment included."""

    def work() -> None:
        with contextlib.suppress(ProcessLookupError):  # there is no other than this one
            os.kill(-1, signal.SIGKILL)

    as_user(uid, work)
