"""A container that jobs run in, one after the other.

It is made from an image by its id, as the user who asked, without privileges, capabilities, network (unless declared)
or a file system to write to but the jobs' directories. Its process 1 is a few lines of shell (`shim.sh`), or a warm
interpreter, that takes jobs from a pipe in a folder that is mounted into it; starting a command costs what it costs
outside. Paths are the same inside.
"""

from __future__ import annotations

import os
import secrets
import select
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from msgspec import Struct

from stoa.control import Control
from stoa.exec.job.container.creation import options
from stoa.exec.job.container.server import FOLDER_LABEL, FOLDER_PREFIX, ServerProblem, server
from stoa.exec.job.container.shell import Limits, job_script, missing_words, warm_job
from stoa.exec.job.ending import Ending, NotStarted, Stopped, milliseconds, signal_name
from stoa.exec.job.warm.kept import INTERPRETER, Key, settings_of
from stoa.model import Container, Job

_CONTROL = "/run/stoa"
_SHIM = Path(__file__).with_name("shim.sh")
_FIRST = "first"  # what process 1 runs
_READY_S = 60.0
_MOST_IMPORT_S = 300.0
_ENDED_S = 10


class Vessel:
    """One container that runs jobs, one at a time.

    Raises
    ------
    NotStarted
        If it cannot be made or its shell does not start.
    """

    def __init__(
        self, container: Container, limits: Limits, writable: tuple[str, ...], warm: Key | None = None
    ) -> None:
        self.container = container
        self.limits = limits
        self.warm = warm
        self._writable = writable
        self._id = self._pid = ""
        self._used = (0.0, 0)  # processor time so far, jobs that memory ran out for
        self.lost = False
        self._folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX)
        for pipe in ("in", "out"):
            os.mkfifo(f"{self._folder}/{pipe}", 0o600)
        shutil.copyfile(INTERPRETER if warm else _SHIM, f"{self._folder}/{_FIRST}")
        _give_to(self._folder, container.user)
        # Opened for both directions, so that opening waits for no one; when this process dies, whatever way,
        # the pipe ends for the shell inside.
        self._in = os.open(f"{self._folder}/in", os.O_RDWR | os.O_CLOEXEC)
        self._out = os.open(f"{self._folder}/out", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._said = b""
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        from docker.types import Mount

        given = options(self.container, self.limits, self._writable)
        first, environ = ["/bin/sh", f"{_CONTROL}/{_FIRST}"], dict[str, str]()
        if self.warm:
            first = [self.warm.python, f"{_CONTROL}/{_FIRST}", "--container", settings_of(self.warm.warm)]
            environ = dict(self.warm.environ)
        given["labels"][FOLDER_LABEL] = self._folder
        given["mounts"].append(Mount(target=_CONTROL, source=self._folder, type="bind", read_only=True))
        try:
            with server(self.container.server) as client:
                made = client.containers.create(
                    self.container.image, entrypoint=first, command=[], environment=environ, **given
                )
                self._id = made.id
                made.start()
                made.reload()
                self._pid = str(made.attrs["State"].get("Pid") or "")
        except ServerProblem as problem:
            raise NotStarted(f"the container cannot be started: {problem.message}", problem.hint) from None
        words = self._line(time.monotonic() + (_MOST_IMPORT_S if self.warm else _READY_S), None)
        if words is None or words[0] != "ready":
            raise NotStarted(
                f"the container ended at once: {self._last_words() or 'its image has no /bin/sh that works'}"
            )
        self._used = 0.0, int(words[1])

    def run(self, job: Job, control: Control) -> Ending:
        """Run a job's command to its end; after a timeout or cancel the container may be lost.

        Raises
        ------
        NotStarted
            If the command is not found or not executable in the image.
        """
        token = f"job-{secrets.token_hex(8)}"
        file = Path(self._folder, token)
        own = self.limits if self.container.rootless else Limits()
        file.write_bytes(warm_job(job, own) if self.warm else job_script(job, token, own))
        _give_to(str(file), self.container.user)
        try:
            os.write(self._in, f"{token}\n".encode())
            return self._watch(job, token, control)
        finally:
            file.unlink(missing_ok=True)

    def _watch(self, job: Job, token: str, control: Control) -> Ending:
        deadline = time.monotonic() + job.timeout_s if job.timeout_s > 0 else None
        answer = self._answer(token, deadline, control)
        if isinstance(answer, _Answer):
            return self._ending(job, answer, "")
        if answer == "lost":
            return self._lost_ending()
        self._tell("kill -s TERM -- -1; kill -s CONT -- -1")
        late = self._answer(token, time.monotonic() + job.grace_s, None)
        if isinstance(late, _Answer):
            return self._ending(job, late, answer)
        self.lost = True  # what would be left in it is ended with it
        self._end()
        return Ending(signal="SIGKILL", stopped=cast(Stopped, answer))

    def _answer(self, token: str, deadline: float | None, control: Control | None) -> _Answer | str:
        """The answer to a job, or why there is none: timeout, cancel, or lost."""
        missing = ""
        ended: list[str] = []
        while True:
            words = self._line(deadline, control)
            if words is None:
                return "lost"
            if words in (["timeout"], ["cancel"]):
                return words[0]
            if words[:2] == [token, "missing"]:
                missing = " ".join(words[2:])
            elif words[:2] == [token, "ended"] and len(words) == 4:
                ended = words[2:]
            elif words == [token, "done"] and ended:
                return _Answer(int(ended[0]), int(ended[1]), self._times, missing)
            elif ended and len(words) == 2:
                self._times = sum(map(_seconds, words))  # the second line is that of the children

    _times = 0.0

    def _line(self, deadline: float | None, control: Control | None) -> list[str] | None:
        """The words of the next line; None if the container is gone."""
        poller = select.poll()
        poller.register(self._out, select.POLLIN)
        if control:
            poller.register(control.wake_descriptor, select.POLLIN)
        while b"\n" not in self._said:
            left = deadline - time.monotonic() if deadline is not None else 3600.0
            ready = dict(poller.poll(milliseconds(left)))
            if self._out in ready:
                data = b""
                with suppress(BlockingIOError):
                    data = os.read(self._out, 65536)
                if not data:
                    self.lost = True
                    return None
                self._said += data
            elif ready:
                return ["cancel"]
            elif deadline is not None and time.monotonic() >= deadline:
                return ["timeout"]
        line, _, self._said = self._said.partition(b"\n")
        return line.decode("ascii", "replace").split() or [""]

    def _ending(self, job: Job, answer: _Answer, stopped: str) -> Ending:
        used, ooms = self._used
        self._used = answer.cpu_s, answer.ooms
        if answer.missing:
            raise NotStarted(missing_words(answer.missing, job))
        signalled = answer.code - 128 if 128 < answer.code <= 128 + signal.SIGRTMAX else 0
        return Ending(
            exit_code=None if signalled else answer.code,
            signal=signal_name(signalled) if signalled else "",
            stopped=cast(Stopped, stopped),
            cpu_s=round(max(0.0, answer.cpu_s - used), 3),
            limit=self._memory_words() if answer.ooms > ooms else "",
        )

    def _lost_ending(self) -> Ending:
        """The container ended while the job ran."""
        state: dict[str, Any] = {}
        with suppress(ServerProblem), server(self.container.server) as client:
            container = client.containers.get(self._id)
            container.wait(timeout=_ENDED_S)  # the server learns of it later than we do
            container.reload()
            state = container.attrs["State"]
        if state.get("OOMKilled"):
            return Ending(signal="SIGKILL", limit=self._memory_words())
        return Ending(signal="SIGKILL", stopped="lost")

    def _memory_words(self) -> str:
        return f"memory limit of {self.limits.memory_mb} MB reached" if self.limits.memory_mb else "memory ran out"

    def _tell(self, command: str) -> None:
        """Run a shell command inside, beside the job; where the server is gone, nothing."""
        with suppress(ServerProblem), server(self.container.server) as client:
            made = client.api.exec_create(self._id, ["/bin/sh", "-c", command], user=self.container.user)
            client.api.exec_start(made["Id"], detach=True)

    def _last_words(self) -> str:
        with suppress(ServerProblem), server(self.container.server) as client:
            made = client.containers.get(self._id)
            said = made.logs(tail=3).decode("utf-8", "replace")
            return " ".join((said or str(made.attrs["State"].get("Error", ""))).split())[:200]
        return ""

    def _end(self) -> None:
        try:
            with server(self.container.server) as client:
                client.containers.get(self._id).remove(force=True)
        except ServerProblem:
            # Without its server a container continues; its first process is one of this machine.
            if self._pid and not self.lost_pipe():
                with suppress(ProcessLookupError, PermissionError, ValueError):
                    os.kill(int(self._pid), signal.SIGKILL)

    def lost_pipe(self) -> bool:
        """Whether the shell inside has let go of the pipe, which it does when it ends."""
        poller = select.poll()
        poller.register(self._out, 0)
        return any(event & select.POLLHUP for _, event in poller.poll(0))

    def close(self) -> None:
        """End and remove the container."""
        if self._id:
            self._end()
            self._id = ""
        for descriptor in (self._in, self._out):
            with suppress(OSError):
                os.close(descriptor)
        shutil.rmtree(self._folder, ignore_errors=True)


class _Answer(Struct, frozen=True):
    code: int
    ooms: int
    cpu_s: float
    missing: str


def _seconds(text: str) -> float:
    """Of ``1m2.34s``, as `times` of the shell says it."""
    minutes, _, seconds = text.rstrip("s").partition("m")
    try:
        return 60 * float(minutes) + float(seconds)
    except ValueError:
        return 0.0


def _give_to(path: str, user: str) -> None:
    """Let the user of the container read what root has made for it."""
    if os.geteuid() == 0 and user.split(":", maxsplit=1)[0] != "0":
        uid, gid = (int(part) for part in user.split(":"))
        for place in [path, *(os.path.join(path, name) for name in (os.listdir(path) if os.path.isdir(path) else ()))]:
            os.chown(place, uid, gid)
