"""A job as text for process 1 of a container: directory, log, variables, limits, command."""

from __future__ import annotations

import json
import os
import re
import shlex

from msgspec import Struct

from stoa import procfs
from stoa.exec.job.ending import NotStarted
from stoa.exec.job.warm.kept import message_of
from stoa.model import Job
from stoa.project import LOG_FILE

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Limits(Struct, frozen=True):
    """What the jobs of a container may take together (memory, processes) and each process (the others)."""

    memory_mb: int = 0
    processes: int = 0
    cpu_s: float = 0.0
    file_mb: int = 0


def cpu_seconds(limits: Limits) -> int:
    """The limit of processor time in whole seconds, at least one."""
    return max(1, round(limits.cpu_s))


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


def warm_job(job: Job, limits: Limits) -> bytes:
    """A job for a warm interpreter; limits as `_limit_lines` has them."""
    chosen: list[tuple[str, int, int]] = []  # name in the module `resource`, soft, hard
    if limits.memory_mb:
        chosen.append(("RLIMIT_DATA", limits.memory_mb * 1_000_000, limits.memory_mb * 1_000_000))
    if limits.cpu_s:
        chosen.append(("RLIMIT_CPU", cpu_seconds(limits), cpu_seconds(limits) + 5))
    if limits.file_mb:
        chosen.append(("RLIMIT_FSIZE", limits.file_mb * 1_000_000, limits.file_mb * 1_000_000))
    if limits.processes:
        most = limits.processes + 1 + procfs.threads_of_user()
        chosen.append(("RLIMIT_NPROC", most, most))
    return json.dumps(message_of(job) | {"log": f"{job.work}/{LOG_FILE}", "limits": chosen}).encode("ascii")


def _limit_lines(limits: Limits) -> list[str]:
    """Limits that a job sets itself, for each of its processes, as on the host.

    podman without root's rights lets the limits of processes go by, and where control groups are of
    version 1 those of the container too.
    """
    lines = []
    if limits.memory_mb:
        lines.append(f"ulimit -d {limits.memory_mb * 1_000_000 // 1024}")
    if limits.cpu_s:
        lines += [f"ulimit -H -t {cpu_seconds(limits) + 5}", f"ulimit -S -t {cpu_seconds(limits)}"]
    if limits.file_mb:
        lines.append(f"ulimit -f {limits.file_mb * 1_000_000 // 512}")
    if limits.processes:
        most = limits.processes + 1 + procfs.threads_of_user()
        lines.append(f"{{ ulimit -u {most} || ulimit -p {most}; }} 2>/dev/null")  # -p is dash's
    return lines


def _quoted(text: str) -> str:
    return shlex.quote(text)


def missing_words(why: str, job: Job) -> str:
    """Why a command was not started, from the word that `job_script` has the shell say."""
    command = job.argv[0]
    if why == "noexec":
        return f"script {command!r} is not executable in the container: `chmod +x {command}`"
    if os.sep in command:
        return f"script {command!r} not found in the container"
    return f"command {command!r} not found in the image"
