"""Containers in which jobs run, through the API that Docker and podman share.

A container is made from an image by its id, as the user who asked, without privileges,
capabilities, network (unless declared) or a file system to write to but the jobs' directories.
Its process 1 is a few lines of shell (`shim.sh`) that takes jobs from a pipe in a folder that is
mounted into it; starting a command costs what it costs outside. Paths are the same inside.
"""

from __future__ import annotations

import os
import re
import resource
import secrets
import select
import shlex
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import Struct

from stoa.errors import StoaError
from stoa.exec.control import Control
from stoa.exec.job.ending import Ending, NotStarted, Stopped, milliseconds, signal_name
from stoa.exec.job.strays import threads_of_user
from stoa.exec.liveness import Owner, alive
from stoa.model import Container, Job
from stoa.project import LOG_FILE

if TYPE_CHECKING:
    import docker

USUAL_SERVER = "unix:///var/run/docker.sock"
OWNER_LABEL = "stoa.owner"
FOLDER_LABEL = "stoa.folder"
_FOLDER_PREFIX = "stoa-container-"
_CONTROL = "/run/stoa"
_SHIM = Path(__file__).with_name("shim.sh")
_OLDEST_API, _NEWEST_API = "1.41", "1.44"  # Docker 20.10 and podman 4; what newer ones still speak
_ANSWER_S = 60  # how long the server may take for one request
_READY_S = 60.0
_ENDED_S = 10
_ASKED_S = 300  # how long an image may take to say what is in it
_MOST_PROCESSES = 4096
_MOST_ULIMIT = 16384
_TMPFS = "rw,exec,nosuid,nodev,size=1g,mode=1777"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ServerProblem(StoaError):
    """The server of containers cannot be asked, or refuses."""


class Limits(Struct, frozen=True):
    """What the jobs of a container may take together (memory, processes) and each process (the others)."""

    memory_mb: int = 0
    processes: int = 0
    cpu_s: float = 0.0
    file_mb: int = 0


@contextmanager
def server(address: str) -> Iterator[docker.DockerClient]:
    """A connection to a server; what goes wrong with it becomes a `ServerProblem`.

    Parameters
    ----------
    address
        As in ``DOCKER_HOST``; "" for the usual socket.
    """
    import docker
    import requests

    where = address or USUAL_SERVER
    _check_socket(where)
    try:
        # The SDK's own negotiation leaves its socket open where nobody answers.
        with closing(docker.DockerClient(base_url=where, version=_OLDEST_API, timeout=_ANSWER_S)) as first:
            spoken = str(first.version(api_version=False)["ApiVersion"])
        client = docker.DockerClient(base_url=where, version=_lower(spoken, _NEWEST_API), timeout=_ANSWER_S)
    except (docker.errors.DockerException, requests.RequestException, OSError, KeyError) as problem:
        raise ServerProblem(f"no Docker server answers at {where}: {_words(problem)}", _SERVER_HINT) from None
    try:
        yield client
    except (docker.errors.DockerException, requests.RequestException) as problem:
        raise ServerProblem(f"the Docker server at {where}: {_words(problem)}", _SERVER_HINT) from None
    finally:
        client.close()


def _check_socket(where: str) -> None:
    """Raise if nobody listens; the SDK would say it in many words, and leave its own socket open."""
    if where.startswith("unix://"):
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(_ANSWER_S)
                probe.connect(where.removeprefix("unix://"))
        except OSError as problem:
            absent = isinstance(problem, FileNotFoundError | ConnectionRefusedError)
            words = "nothing listens there" if absent else str(problem.strerror or problem).lower()
            raise ServerProblem(f"no Docker server answers at {where}: {words}", _SERVER_HINT) from None


def _lower(one: str, other: str) -> str:
    """The lower of two version numbers."""
    return min(one, other, key=lambda version: tuple(int(part) for part in version.split(".")))


_SERVER_HINT = "is it running, and may you use it? `docker info` says; DOCKER_HOST names another, podman's socket too"


def _words(problem: Exception) -> str:
    return " ".join(str(getattr(problem, "explanation", "") or problem).split())[:300]


def sweep(client: docker.DockerClient) -> int:
    """Remove containers whose STOA is gone; how many those were. Those of others are left alone."""
    import docker

    removed = 0
    for found in client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True):
        try:
            owner = msgspec.json.decode(found.labels[OWNER_LABEL], type=Owner)
        except (KeyError, msgspec.DecodeError, msgspec.ValidationError):
            continue
        if alive(owner) is False:
            with suppress(docker.errors.APIError):
                found.remove(force=True)
                removed += 1
                _forget(found.labels.get(FOLDER_LABEL, ""))
    return removed


def sweep_at(address: str) -> None:
    """Remove what killed workers have left at a server; where none answers, nothing."""
    with suppress(ServerProblem), server(address) as client:
        sweep(client)


def _forget(folder: str) -> None:
    """Remove the folder of a container's pipes, if it is one of the user's own."""
    with suppress(OSError):
        if os.path.basename(folder).startswith(_FOLDER_PREFIX) and os.lstat(folder).st_uid == os.geteuid():
            shutil.rmtree(folder, ignore_errors=True)


class Rights(Struct, frozen=True):
    """What a server lets the user do in a container."""

    user: str  # "uid:gid" inside whose files are the user's outside
    groups: tuple[int, ...]  # further ones, that files may be read by
    rootless: bool


def rights(client: docker.DockerClient) -> Rights:
    """As whom jobs are to run in the containers of a server.

    A server without root's rights maps root inside to the user who started it, and all others to
    numbers that are nobody's: these could not write to the user's folders.
    """
    info = client.info()
    if info.get("Rootless") or any("rootless" in each for each in info.get("SecurityOptions") or []):
        return Rights("0:0", (), rootless=True)
    groups = tuple(sorted(set(os.getgroups()) - {os.getegid()}))
    return Rights(f"{os.geteuid()}:{os.getegid()}", groups, rootless=False)


def options(container: Container, limits: Limits, writable: tuple[str, ...]) -> dict[str, Any]:
    """What a container is created with, in the words of the Docker SDK."""
    from docker.types import LogConfig, Mount, Ulimit

    mounts = [Mount(target=path, source=path, type="bind", read_only=True) for path in container.readable]
    mounts += [Mount(target=path, source=path, type="bind") for path in writable]
    # podman asks for a million of those that are not named, which the kernel refuses where the user may have less.
    ulimits = [Ulimit(name=name, soft=most, hard=most) for name, most in _usual_limits().items()]
    ulimits.append(Ulimit(name="core", soft=0, hard=0))
    if limits.cpu_s:
        ulimits.append(Ulimit(name="cpu", soft=_cpu_s(limits), hard=_cpu_s(limits) + 5))
    if limits.file_mb:
        ulimits.append(Ulimit(name="fsize", soft=limits.file_mb * 1_000_000, hard=limits.file_mb * 1_000_000))
    found: dict[str, Any] = {
        "user": container.user,
        "group_add": [str(group) for group in container.groups],
        "network_mode": container.network,
        "read_only": True,
        "tmpfs": {"/tmp": _TMPFS},  # noqa: S108 - the container's own
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": limits.processes + 1 if limits.processes else _MOST_PROCESSES,
        "ulimits": ulimits,
        "mounts": mounts,
        "labels": container.labels | {OWNER_LABEL: msgspec.json.encode(Owner.here()).decode()},
        "log_config": LogConfig(type="json-file", config={"max-size": "100k"}),
        "working_dir": "/",
        "stdin_open": False,
    }
    if limits.memory_mb:
        # Equal limits leave no swap: a job that would need it is ended, and not slow.
        found |= {"mem_limit": limits.memory_mb * 1_000_000, "memswap_limit": limits.memory_mb * 1_000_000}
    if container.cpus:
        found["nano_cpus"] = round(container.cpus * 1e9)
    return found


def _usual_limits() -> dict[str, int]:
    """Open files and processes that a user may have, as far as this process may, too."""
    kinds = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    own = {name: resource.getrlimit(kind)[1] for name, kind in kinds.items()}
    return {
        name: _MOST_ULIMIT if most == resource.RLIM_INFINITY else min(most, _MOST_ULIMIT) for name, most in own.items()
    }


def _cpu_s(limits: Limits) -> int:
    return max(1, round(limits.cpu_s))


class Vessel:
    """One container that runs jobs, one at a time.

    Raises
    ------
    NotStarted
        If it cannot be made or its shell does not start.
    """

    def __init__(self, container: Container, limits: Limits, writable: tuple[str, ...]) -> None:
        self.container = container
        self.limits = limits
        self._writable = writable
        self._id = self._pid = ""
        self._used = (0.0, 0)  # processor time so far, jobs that memory ran out for
        self.lost = False
        self._folder = tempfile.mkdtemp(prefix=_FOLDER_PREFIX)
        for pipe in ("in", "out"):
            os.mkfifo(f"{self._folder}/{pipe}", 0o600)
        shutil.copyfile(_SHIM, f"{self._folder}/shim.sh")
        _give_to(self._folder, container.user)
        # Opened for both directions, so that opening waits for nobody; when this process dies, whatever way,
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
        given["labels"][FOLDER_LABEL] = self._folder
        given["mounts"].append(Mount(target=_CONTROL, source=self._folder, type="bind", read_only=True))
        try:
            with server(self.container.server) as client:
                made = client.containers.create(
                    self.container.image, entrypoint=["/bin/sh", f"{_CONTROL}/shim.sh"], command=[], **given
                )
                self._id = made.id
                made.start()
                made.reload()
                self._pid = str(made.attrs["State"].get("Pid") or "")
        except ServerProblem as problem:
            raise NotStarted(f"the container cannot be started: {problem.message}", problem.hint) from None
        words = self._line(time.monotonic() + _READY_S, None)
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
        file.write_bytes(job_script(job, token, own))
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
            raise NotStarted(_missing_words(answer.missing, job))
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
            # Without its server a container goes on; its first process is one of this machine.
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


def job_script(job: Job, token: str, limits: Limits) -> bytes:
    """A job as lines for the shell inside: directory, log, variables, limits, command; nothing is expanded."""
    command = job.argv[0] if job.argv else ""
    lines = [
        # Where memory runs out a job goes before process 1, which tells of it.
        "{ echo 100 >/proc/self/oom_score_adj; } 2>/dev/null",
        f"exec >>{_quoted(job.work + '/' + LOG_FILE)} 2>&1 </dev/null",
        f"cd {_quoted(job.work)}",
        *(f"export {name}={_quoted(value)}" for name, value in job.environ.items() if _NAME.fullmatch(name)),
        f"if ! case {_quoted(command)} in */*) [ -x {_quoted(command)} ];; *) command -v {_quoted(command)};; esac \\",
        "  >/dev/null; then",
        f"  if [ -e {_quoted(command)} ]; then why=noexec; else why=absent; fi",
        f"  echo '{token}' missing $why >&4; exit 127",
        "fi",
        *([f"umask {job.umask:03o}"] if job.umask >= 0 else []),
        *_limit_lines(limits),
        f"exec 3<&- 4>&-; exec {' '.join(map(_quoted, job.argv))}",
    ]
    text = "\n".join(lines) + "\n"
    if "\0" in text or not job.argv:
        raise NotStarted("command cannot be started: it is empty or holds a NUL character")
    return text.encode("utf-8", "surrogateescape")


def _limit_lines(limits: Limits) -> list[str]:
    """Limits that a job sets itself, for each of its processes, as on the host.

    podman without root's rights lets the limits of processes go by, and where control groups are of
    version 1 those of the container too.
    """
    lines = []
    if limits.memory_mb:
        lines.append(f"ulimit -d {limits.memory_mb * 1_000_000 // 1024}")
    if limits.cpu_s:
        lines += [f"ulimit -H -t {_cpu_s(limits) + 5}", f"ulimit -S -t {_cpu_s(limits)}"]
    if limits.file_mb:
        lines.append(f"ulimit -f {limits.file_mb * 1_000_000 // 512}")
    if limits.processes:
        most = limits.processes + 1 + threads_of_user()
        lines.append(f"{{ ulimit -u {most} || ulimit -p {most}; }} 2>/dev/null")  # -p is dash's
    return lines


def _quoted(text: str) -> str:
    return shlex.quote(text)


def _missing_words(why: str, job: Job) -> str:
    command = job.argv[0]
    if why == "noexec":
        return f"script {command!r} is not executable in the container: `chmod +x {command}`"
    if os.sep in command:
        return f"script {command!r} not found in the container"
    return f"command {command!r} not found in the image"


def output_of(client: docker.DockerClient, image: str, argv: list[str], may: Rights) -> bytes:
    """What a command prints in a container of its own, which sees nothing of this machine.

    Raises
    ------
    ServerProblem
        If it exits with another code than 0, or not within five minutes.
    """
    from docker.types import LogConfig

    given = options(Container(server="", image=image, user=may.user), Limits(memory_mb=2000), ())
    given["log_config"] = LogConfig(type="json-file", config={"max-size": "20m"})
    # What it prints is asked for after its end: podman may go on sending it for ever if the end comes between.
    made = client.containers.create(image, entrypoint=argv[:1], command=argv[1:], **given)
    try:
        made.start()
        code = int(made.wait(timeout=_ASKED_S)["StatusCode"])
        said = bytes(made.logs(stdout=True, stderr=code != 0))
    finally:
        made.remove(force=True)
    if code:
        words = said.decode("utf-8", "replace")[:200]
        raise ServerProblem(f"a container of the image ended with exit code {code}: {words}")
    return said
