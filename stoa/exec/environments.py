"""What processes run in, made ready once a run.

A kind of environment is one function in `KINDS`. The child's variables are chosen, not copied:
a run is repeatable only if it does not depend on what happened to be set, and secrets in the
caller's variables are none of a script's business.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import Struct

from stoa.errors import StoaError, nearest
from stoa.model import Environment

INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TMPDIR"),
    *("PYTHONPATH", "LD_LIBRARY_PATH", "CONDA_*", "VIRTUAL_ENV", "XDG_*", "SSL_CERT_*"),
)
"""Variables that a script gets from the caller, as patterns; an environment's `inherit` adds to them."""

_SECRET = ("*TOKEN*", "*SECRET*", "*PASSWORD*", "*PASSWD*", "*CREDENTIAL*", "*_KEY")
_PYTHON_NAMES = ("python", "python3")
_ASK_VERSION = "import json, platform; print(json.dumps([platform.python_version(), platform.python_implementation()]))"


class EnvironmentProblem(StoaError):
    """An environment that cannot be made ready."""


class Prepared(Struct, frozen=True, kw_only=True):
    """An environment that jobs can start in."""

    environ: dict[str, str]  # all variables of the child, without those of its job
    facts: dict[str, str]  # what it was, for the record; no path of this machine
    interpreter: str = ""  # absolute path of what `python` as a command means
    argv_prefix: tuple[str, ...] = ()  # put before every command

    def argv(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """A command as it is started here: ``python`` is the environment's own interpreter."""
        if self.interpreter and command and command[0] in _PYTHON_NAMES:
            command = (self.interpreter, *command[1:])
        return self.argv_prefix + command


def prepare(environment: Environment, caller: Mapping[str, str]) -> Prepared:
    """An environment made ready for any number of jobs.

    Parameters
    ----------
    caller
        Variables of the process that asks (`os.environ`, read at the edge).

    Raises
    ------
    EnvironmentProblem
        If its kind is unknown, or its interpreter does not exist or does not start.
    """
    make = KINDS.get(environment.kind)
    if make is None:
        near = nearest(environment.kind, list(KINDS))
        guess = f"; did you mean {near!r}?" if near else ""
        raise EnvironmentProblem(
            f"environment {environment.name!r} is of unknown kind {environment.kind!r}{guess}",
            f"kinds: {', '.join(KINDS)}",
        )
    return make(environment, caller)


def child_environ(environment: Environment, caller: Mapping[str, str], interpreter: str) -> dict[str, str]:
    """Variables of a script: some of the caller's, those that the environment sets, and `PATH`.

    The interpreter's directory comes first in `PATH`. Python writes its output at once, so that
    the log of a script that had to be stopped ends where the script did.
    """
    chosen = {name: value for name, value in caller.items() if _is_inherited(name, environment.inherit)}
    environ = chosen | {"PYTHONUNBUFFERED": "1"} | environment.environ
    path = [os.path.dirname(interpreter), *environ.get("PATH", os.defpath).split(os.pathsep)]
    return environ | {"PATH": os.pathsep.join(dict.fromkeys(path))}


def _is_inherited(name: str, further: tuple[str, ...]) -> bool:
    if any(fnmatchcase(name, pattern) for pattern in further):
        return True
    return any(fnmatchcase(name, p) for p in INHERITED) and not any(fnmatchcase(name, p) for p in _SECRET)


def _host(environment: Environment, caller: Mapping[str, str]) -> Prepared:
    """The machine as it is, with one interpreter chosen."""
    interpreter = _interpreter(environment, caller)
    environ = child_environ(environment, caller, interpreter)
    version, implementation = _python_version(environment, interpreter, environ)
    facts = {
        "kind": environment.kind,
        "python": version,
        "implementation": implementation,
        "platform": _platform(),
        "kernel": platform.release(),
        "machine": platform.machine(),
    }
    return Prepared(environ=environ, facts=facts, interpreter=interpreter)


def _interpreter(environment: Environment, caller: Mapping[str, str]) -> str:
    """Absolute path of the interpreter, links not resolved: a virtual environment's is a link."""
    wanted = environment.python
    if not wanted:
        return sys.executable
    wanted = os.path.expanduser(wanted)
    if os.sep in wanted and not os.path.isabs(wanted):
        raise EnvironmentProblem(
            f"interpreter {wanted!r} of environment {environment.name!r} is a relative path",
            "give an absolute path, or a name that is found in PATH",
        )
    found = shutil.which(wanted, path=caller.get("PATH", os.defpath))
    if found is None:
        raise _no_interpreter(environment, wanted, caller)
    return os.path.abspath(found)


def _no_interpreter(environment: Environment, wanted: str, caller: Mapping[str, str]) -> EnvironmentProblem:
    if os.path.isfile(wanted):
        what = f"interpreter {wanted!r} of environment {environment.name!r} is not executable"
        return EnvironmentProblem(what, f"`chmod +x {wanted}`")
    folders = [os.path.dirname(wanted)] if os.sep in wanted else caller.get("PATH", os.defpath).split(os.pathsep)
    known = sorted({path.name for folder in folders for path in Path(folder or ".").glob("python*")})
    near = nearest(os.path.basename(wanted), known)
    guess = f"; did you mean {near!r}?" if near else ""
    return EnvironmentProblem(
        f"interpreter {wanted!r} of environment {environment.name!r} does not exist{guess}",
        f"`stoa env show {environment.name}` shows the environment",
    )


def _python_version(environment: Environment, interpreter: str, environ: dict[str, str]) -> tuple[str, str]:
    if interpreter == sys.executable:
        return platform.python_version(), platform.python_implementation()
    command = [interpreter, "-I", "-c", _ASK_VERSION]
    try:
        asked = subprocess.run(
            command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
        )
        version, implementation = json.loads(asked.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
        raise EnvironmentProblem(
            f"interpreter {interpreter!r} of environment {environment.name!r} does not start or is no Python",
            f"try `{interpreter} --version`",
        ) from exc
    return str(version), str(implementation)


def _platform() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


KINDS: dict[str, Callable[[Environment, Mapping[str, str]], Prepared]] = {"host": _host}
"""Kinds of environments by name."""
