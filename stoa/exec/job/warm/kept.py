"""A warm interpreter of this machine, as STOA sees it: started, asked to fork jobs, ended."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from stoa.control import Control
from stoa.errors import StoaError
from stoa.exec.job import strays
from stoa.exec.job.child import Started
from stoa.exec.job.ending import milliseconds
from stoa.model import Job, Warm

INTERPRETER = Path(__file__).with_name("interpreter.py")
ROOM = 8192
"""Bytes of the variables that other processes see of a job."""

_MOST_IMPORT_S = 300.0
_FORK_S = 30.0
_LENGTH = struct.Struct("=Q")
_JOBS_OWN = "STOA_"  # what begins like this differs from job to job, and no library reads it


class NotWarm(StoaError):
    """A job that a warm interpreter cannot run: it is started cold."""


class Key(Struct, frozen=True):
    """What jobs have in common that one interpreter serves."""

    python: str
    environ: tuple[tuple[str, str], ...]
    warm: Warm


class Report(Struct, frozen=True):
    """What an interpreter has imported."""

    modules: dict[str, str]  # name -> version, "" where it has none
    left_out: dict[str, str]  # name -> why


def key_of(job: Job) -> Key | None:
    """Which interpreter can run a job; None for a job that starts cold.

    Its command is the interpreter and the script: options of Python between them would change what is imported.
    """
    if job.warm is None or len(job.argv) < 2 or job.argv[1] != job.warm.script:
        return None
    return Key(job.argv[0], tuple(item for item in job.environ.items() if not item[0].startswith(_JOBS_OWN)), job.warm)


def settings_of(warm: Warm) -> str:
    """What `interpreter.py` gets to know."""
    return json.dumps({"modules": warm.modules, "own": warm.own, "room": ROOM})


def message_of(job: Job) -> dict[str, Any]:
    """A job as `interpreter.py` takes it."""
    return {
        "argv": job.argv[1:],
        "command": job.argv[:1],
        "environ": {name: value for name, value in job.environ.items() if name.startswith(_JOBS_OWN)},
        "work": job.work,
        "umask": job.umask,
    }


class Interpreter:
    """A process that forks jobs.

    Raises
    ------
    NotWarm
        If it cannot be started, or has not imported its modules when the first job's time is over or the user stops.
    """

    def __init__(self, key: Key, control: Control, timeout_s: float) -> None:
        self._link, theirs = socket.socketpair()
        said = os.memfd_create("stoa-warm", os.MFD_CLOEXEC)
        words = [key.python, str(INTERPRETER), str(theirs.fileno()), settings_of(key.warm)]
        try:
            with strays.lock:
                process = subprocess.Popen(
                    words, cwd="/", env={**dict(key.environ), "STOA_ROOM": " " * ROOM}, stdin=subprocess.DEVNULL,
                    stdout=said, stderr=said, start_new_session=True, pass_fds=[theirs.fileno()],
                )  # fmt: skip
                strays.known.add(process.pid)
        except (OSError, ValueError) as problem:
            self._link.close()
            raise NotWarm(f"{key.python} does not start: {problem}") from None
        finally:
            theirs.close()
            os.close(said)
        self._process = process
        try:
            self.report = self._first_report(control, timeout_s)
        except BaseException:
            self.close()
            raise

    def _first_report(self, control: Control, timeout_s: float) -> Report:
        deadline = time.monotonic() + min(timeout_s or _MOST_IMPORT_S, _MOST_IMPORT_S)
        poller = select.poll()
        poller.register(self._link, select.POLLIN)
        poller.register(control.wake_descriptor, select.POLLIN)
        ready = [found for found, _ in poller.poll(milliseconds(deadline - time.monotonic()))]
        if self._link.fileno() not in ready:
            raise NotWarm("the run was stopped" if ready else "its modules take too long to import")
        said = self._receive()
        return Report(modules=said["modules"], left_out=said["left_out"])

    def start(self, job: Job, log: int) -> Started:
        """Fork a job, which waits until it may begin, and ends if that descriptor is closed before.

        Raises
        ------
        NotWarm
            If the interpreter is gone, or there is no room for another process.
        """
        shown = {name: job.environ[name] for name in _SHOWN if name in job.environ}
        data = json.dumps(message_of(job) | {"shown": shown}).encode("ascii")
        theirs, go = os.pipe2(os.O_CLOEXEC)
        try:
            self._link.settimeout(_FORK_S)
            socket.send_fds(self._link, [_LENGTH.pack(len(data))], [log, theirs])
            self._link.sendall(data)
            said = self._receive()
            if said.get("forked", True):
                said |= self._receive()
            if "pid" not in said:
                raise NotWarm("there is no room for another process")
        except BaseException as problem:
            os.close(go)
            if isinstance(problem, OSError):
                raise NotWarm(f"the interpreter does not answer: {problem}") from None
            raise
        finally:
            os.close(theirs)
        with strays.lock:
            strays.known.add(said["pid"])
        return Started(said["pid"], go=go)

    def _receive(self) -> dict[str, Any]:
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        found: dict[str, Any] = json.loads(self._exactly(length))
        return found

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = self._link.recv(length - len(data))
            if not more:
                raise NotWarm("the interpreter has ended")
            data += more
        return data

    def close(self) -> None:
        """End the interpreter; jobs that it has forked are not touched."""
        self._link.close()
        self._process.send_signal(signal.SIGKILL)
        with strays.lock:
            self._process.wait()
            strays.known.discard(self._process.pid)


_SHOWN = ("STOA_RUN", "STOA_TARGET", "STOA_GROUP", "STOA_OUT")
