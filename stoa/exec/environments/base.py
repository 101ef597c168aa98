"""What every kind of environment has in common."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import Struct, field

from stoa.errors import StoaError
from stoa.exec.job.log import visible
from stoa.model import Container, Environment
from stoa.opening import check_inside, read_bounded

INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TMPDIR"),
    *("PYTHONPATH", "LD_LIBRARY_PATH", "CONDA_*", "VIRTUAL_ENV", "XDG_*", "SSL_CERT_*"),
)
"""Variables that a script gets from the caller, as patterns; an environment's `inherit` adds to them."""

PACKAGES_FILE = "packages.txt"
PYTHON_NAMES = ("python", "python3")
_SECRET = ("*TOKEN*", "*SECRET*", "*PASSWORD*", "*PASSWD*", "*CREDENTIAL*", "*_KEY")
_ASK_S = 120.0
_LONGEST_ANSWER = 200


class EnvironmentProblem(StoaError):
    """An environment that cannot be made ready."""


class NotBuilt(EnvironmentProblem):
    """An environment that has to be built first."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"environment {name!r} is not built on this machine yet",
            f"`stoa env build {name}` builds it, and so does the first run",
        )


class Setting(Struct, frozen=True, kw_only=True):
    """Where an environment is made ready."""

    caller: Mapping[str, str]  # variables of the process that asks (`os.environ`, read at the edge)
    top: Path = Path()  # folder of the project, which files of an environment are relative to
    cache: Path = Path()  # where environments are built
    build: bool = False  # whether what is not built yet is built now
    again: bool = False  # whether it is built again
    readable: tuple[str, ...] = ()  # absolute folders that jobs read
    writable: tuple[str, ...] = ()  # absolute folders that jobs write
    labels: dict[str, str] = field(default_factory=dict)  # of what is left behind if STOA is killed

    def read(self, name: str) -> bytes:
        """A file that an environment names; see `stoa.opening` for what is read.

        Raises
        ------
        OSError, StoaError
            If it is missing, no regular file, too large, or somewhere else through a link.
        """
        check_inside(self.top / name, self.top, ())
        return read_bounded(self.top / name)


class Prepared(Struct, frozen=True, kw_only=True):
    """An environment that jobs can start in: plain values, so that a worker elsewhere can take it."""

    environ: dict[str, str]  # all variables of the child, without those of its job
    facts: dict[str, str]  # what it was, for the record; no path of this machine
    interpreter: str = ""  # absolute path of what `python` as a command means
    argv_prefix: tuple[str, ...] = ()  # put before every command
    script_prefix: tuple[str, ...] = ()  # put between the interpreter and a script
    identity: str = ""  # image id or digest of the lock; "" where the definition is all that counts
    files: dict[str, bytes] = field(default_factory=dict)  # for the run's record, by name: the list of packages
    container: Container | None = None
    umask: int = -1  # -1: the caller's

    def argv(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """A command as it is started here: ``python`` is the environment's own interpreter."""
        if self.interpreter and command and command[0] in PYTHON_NAMES:
            command = (self.interpreter, *self.script_prefix, *command[1:])
        return self.argv_prefix + command


Kind = Callable[[Environment, Setting], Prepared]
"""Makes an environment ready; raises `EnvironmentProblem` where that cannot be done."""


def child_environ(environment: Environment, caller: Mapping[str, str], interpreter: str) -> dict[str, str]:
    """Variables of a script: some of the caller's, those that the environment sets, and `PATH`.

    The interpreter's directory comes first in `PATH`. Python writes its output at once, so that
    the log of a script that had to be stopped ends where the script did.
    """
    chosen = {name: value for name, value in caller.items() if _is_inherited(name, environment.inherit)}
    environ = chosen | {"PYTHONUNBUFFERED": "1"} | environment.environ
    path = [os.path.dirname(interpreter), *environ.get("PATH", os.defpath).split(os.pathsep)]
    return environ | {"PATH": os.pathsep.join(dict.fromkeys(path))}


def chosen_variables(caller: Mapping[str, str], patterns: tuple[str, ...]) -> dict[str, str]:
    """The caller's variables that a definition asks for by name."""
    return {name: value for name, value in caller.items() if any(fnmatchcase(name, p) for p in patterns)}


def _is_inherited(name: str, further: tuple[str, ...]) -> bool:
    if any(fnmatchcase(name, pattern) for pattern in further):
        return True
    return any(fnmatchcase(name, p) for p in INHERITED) and not any(fnmatchcase(name, p) for p in _SECRET)


def machine_facts(kind: str) -> dict[str, str]:
    """What is known without asking anybody."""
    return {"kind": kind, "platform": _platform(), "kernel": platform.release(), "machine": platform.machine()}


def package_facts(lines: Sequence[str]) -> tuple[dict[str, str], dict[str, bytes]]:
    """Digest and number of packages for the facts, and the list as a file for the record."""
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    facts = {"packages": f"{len(lines)}, digest {hashlib.sha256(content).hexdigest()[:16]}"}
    return facts, {PACKAGES_FILE: content}


def ask(argv: Sequence[str], environ: Mapping[str, str], folder: str = "/") -> subprocess.CompletedProcess[bytes]:
    """What a short command prints, its standard error included at the end.

    Raises
    ------
    OSError, subprocess.TimeoutExpired
        If it cannot be started or takes longer than two minutes.
    """
    return subprocess.run(
        argv, env=dict(environ), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_ASK_S
    )


def tool_versions(environment: Environment, prepared: Prepared) -> dict[str, str]:
    """First line that each tool of `versions` prints about itself, or why there is none."""
    found = {}
    for name, command in environment.versions.items():
        try:
            asked = ask(prepared.argv(command), prepared.environ)
            said = first_line(asked.stdout) or first_line(asked.stderr)
            found[name] = said if asked.returncode == 0 else f"exit code {asked.returncode}: {said}"
        except (OSError, ValueError, subprocess.TimeoutExpired) as problem:
            found[name] = f"not found ({type(problem).__name__})"
    return found


def first_line(text: bytes) -> str:
    """The first line that is not blank, made safe for a record."""
    lines = (line.strip() for line in text[:10_000].decode("utf-8", "replace").splitlines())
    return visible(next(filter(None, lines), ""))[:_LONGEST_ANSWER]


def _platform() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
