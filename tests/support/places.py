"""Somewhere that jobs run in: an environment that is ready, and folders for jobs."""

from __future__ import annotations

import contextlib
import ctypes  # noqa: F401 - what STOA imports late must be there before a process becomes another user
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
from container_servers import Server
from users import as_user

from stoa.control import Control
from stoa.exec.environments import Prepared
from stoa.exec.local import LocalEngine
from stoa.model import Job, Outcome, Warm

SHELL = """\
import os, signal, sys
for number in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(number, signal.SIG_DFL)  # Python ignores them
os.execv("/bin/sh", ["/bin/sh", "-c", *sys.argv[1:]])
"""
"""A script in Python that becomes a shell."""

PYTHON_OF_HOST = tuple(
    place for place in ("/lib", "/lib64", "/usr/lib", sys.base_prefix, sys.prefix) if os.path.isdir(place)
)
"""What Python needs of this machine where an image has none."""


def once_limited(what: str, then: str) -> str:
    """Script that waits for its limit (of `ulimit`), which on a busy machine may come a while after the start.

    In a container it is there from the start, and is none of the process: a second at most.
    """
    return f"for n in $(seq 50); do [ $(ulimit -{what}) = unlimited ] || break; sleep 0.02; done; {then}"


class Place:
    """Somewhere that jobs run in: an environment that is ready, and folders for jobs.

    Parameters
    ----------
    top
        A folder that containers may see.
    """

    def __init__(self, top: Path, prepared: Prepared, server: Server | None = None, *, warm: bool = False) -> None:
        self.top = top
        self.warm = warm
        self.prepared = prepared
        self.server = server
        self.uid = server.uid if server else 0  # of the user who runs the jobs; 0: of the tests themselves
        self.most_processes = 0  # that this user may have; 0: as many as there is room for
        self.work = top / "products" / "p" / "r" / ".work"
        self.work.mkdir(parents=True)
        self.data = top / "data"
        self.data.mkdir()
        self.shell = top / "shell.py"
        self.shell.write_text(SHELL)

    @property
    def contained(self) -> bool:
        return self.prepared.container is not None

    def job(self, script: str = "", target: str = "A001", **fields: Any) -> Job:
        """A job that runs a shell script, given as its text, or an argument vector."""
        container = self.prepared.container
        if container:
            readable = (str(self.data), *((*PYTHON_OF_HOST, str(self.shell)) if self.warm else ()))
            container = msgspec.structs.replace(container, readable=readable, writable=(str(self.work),))
        place, failed = self.work.parent / target, self.work.parent / "failed" / target
        given: dict[str, Any] = {
            "run": "r",
            "target": target,
            "argv": ("/bin/sh", "-c", script),
            "environ": self.prepared.environ | {"STOA_OUT": str(self.work / target), "STOA_RUN": "r"},
            "work": str(self.work / target),
            "place": str(place),
            "place_ref": f"products:p/r/{target}",
            "failed_place": str(failed),
            "failed_ref": f"products:p/r/failed/{target}",
            "description": b'{"schema": 1}',
            "grace_s": 10.0,
            "umask": self.prepared.umask,
            "container": container,
        }
        job = Job(**(given | fields))
        return self._warm(job) if self.warm and job.argv[:2] == ("/bin/sh", "-c") else job

    def _warm(self, job: Job) -> Job:
        """The job forked from a warm interpreter, whose script becomes the shell."""
        python = self.prepared.interpreter or sys.executable
        return msgspec.structs.replace(
            job, argv=(python, str(self.shell), *job.argv[2:]), warm=Warm(script=str(self.shell), modules=("json",))
        )

    def run(self, script: str = "", **fields: Any) -> Outcome:
        """The outcome of one job."""
        (outcome,) = self.outcomes([self.job(script, **fields)])
        return outcome

    def outcomes(self, jobs: list[Job], cancel_at: Path | None = None) -> list[Outcome]:
        """What becomes of jobs that the user runs whose place it is; cancelled when a file is there."""

        def work() -> Any:
            control = Control()
            if cancel_at:
                threading.Thread(target=cancel_when, args=(control, cancel_at), daemon=True).start()
            return msgspec.to_builtins(list(LocalEngine(1).execute(jobs, control)))

        if not self.uid:
            return msgspec.convert(work(), list[Outcome])
        for path in (self.top, *self.top.rglob("*")):
            os.chown(path, self.uid, self.uid, follow_symlinks=False)
        return msgspec.convert(as_user(self.uid, work, self.most_processes), list[Outcome])

    def left_running(self, target: str = "A001") -> list[int]:
        """Processes of this machine that carry the job's directory in their environ."""
        mark = f"STOA_OUT={self.work / target}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found


def cancel_when(control: Control, file: Path) -> None:
    """Cancel once a file is there; what has not made it within a minute is let run on."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if file.exists():
            control.cancel()
            return
        time.sleep(0.02)
