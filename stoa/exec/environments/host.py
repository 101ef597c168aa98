"""The machine as it is, with one interpreter chosen."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from stoa.errors import guess
from stoa.exec.environments.base import (
    EnvironmentProblem,
    Prepared,
    Setting,
    ask,
    child_environ,
    machine_facts,
    package_facts,
    tool_versions,
)
from stoa.exec.environments.inquiry import packages
from stoa.model import Environment

_INQUIRY = str(Path(__file__).with_name("inquiry.py").absolute())


def prepare_host(environment: Environment, setting: Setting) -> Prepared:
    """The machine as it is."""
    return python_environment(environment, setting, find_interpreter(environment, setting.caller))


def python_environment(environment: Environment, setting: Setting, interpreter: str) -> Prepared:
    """An environment around an interpreter of this machine, with what is known about both."""
    environ = child_environ(environment, setting.caller, interpreter)
    version, implementation, lines = about_python(environment, interpreter, environ)
    digest, files = package_facts(lines)
    facts = machine_facts(environment.kind) | {"python": version, "implementation": implementation} | digest
    prepared = Prepared(environ=environ, facts=facts, interpreter=interpreter, files=files, umask=environment.umask)
    return msgspec.structs.replace(prepared, facts=facts | tool_versions(environment, prepared))


def find_interpreter(environment: Environment, caller: Mapping[str, str]) -> str:
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
    return EnvironmentProblem(
        f"interpreter {wanted!r} of environment {environment.name!r} does not exist"
        f"{guess(os.path.basename(wanted), known)}",
        f"`stoa env show {environment.name}` shows the environment",
    )


def about_python(environment: Environment, interpreter: str, environ: Mapping[str, str]) -> tuple[str, str, list[str]]:
    """Version, implementation and packages of an interpreter."""
    if interpreter == sys.executable:
        return platform.python_version(), platform.python_implementation(), packages(sys.path)
    try:
        asked = ask([interpreter, "-I", _INQUIRY], environ)
        version, implementation, lines = json.loads(asked.stdout)
    except (OSError, ValueError, TypeError, subprocess.TimeoutExpired) as exc:
        raise EnvironmentProblem(
            f"interpreter {interpreter!r} of environment {environment.name!r} does not start or is not a Python",
            f"try `{interpreter} --version`",
        ) from exc
    return str(version), str(implementation), [str(line) for line in lines]
