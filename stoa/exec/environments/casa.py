"""CASA: its tasks in a Python environment, or its own program."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import msgspec

from stoa.durable import write_whole
from stoa.exec.environments.base import (
    EnvironmentProblem,
    Prepared,
    Setting,
    ask,
    child_environ,
    first_line,
    machine_facts,
)
from stoa.exec.environments.host import find_interpreter, python_environment
from stoa.exec.environments.venv import prepare_venv, venv_identity
from stoa.model import Environment
from stoa.opening import read_bounded

_RUNNER = str(Path(__file__).with_name("casa_run.py").absolute())
_VERSION = f"""\
import runpy
runpy.run_path({_RUNNER!r})["keep_here"]({os.devnull!r})
import casatasks
print(casatasks.version_string())
"""
"""Prints the version as a job would see it, and writes and fetches nothing."""
_SITE = """\
# Written by STOA: data come with the package casadata, and nothing is fetched while a script runs.
measures_auto_update = False
data_auto_update = False
try:
    import casadata
except ImportError:
    pass  # data of the user's own may be in ~/.casa/data
else:
    measurespath = casadata.datapath
    datapath = [casadata.datapath]
"""
_NO_MEASURES = b"measures data is not available"
"""Begin of CASA's message; its import ends with it."""
_HEADLESS = {"QT_QPA_PLATFORM": "offscreen", "MPLBACKEND": "Agg"}
_OPTIONS = ("--nologger", "--nogui", "--agg", "--logfile", "casa.log", "--cachedir", ".casa", "-c")


def prepare_casa(environment: Environment, setting: Setting) -> Prepared:
    """CASA without windows, its log in each job's directory.

    Raises
    ------
    EnvironmentProblem
        If casatasks cannot be imported, or the program is not there.
    """
    if environment.executable:
        return _program(environment, setting)
    prepared = prepare_venv(environment, setting) if environment.requirements else _interpreter(environment, setting)
    environ = prepared.environ | _HEADLESS | {"CASASITECONFIG": _site_file(setting)}
    try:
        asked = ask([prepared.interpreter, "-c", _VERSION], environ)
        version = first_line(asked.stdout.splitlines()[-1] if asked.returncode == 0 and asked.stdout.strip() else b"")
        said = asked.stderr.splitlines()[-1:] or [b""]
    except (OSError, subprocess.TimeoutExpired) as problem:
        version, said = "", [str(problem).encode()]
    if not version and _NO_MEASURES in said[0]:
        raise EnvironmentProblem(
            f"CASA's measures data of environment {environment.name!r} are missing: nothing can be imaged without them",
            "`pip install casadata` in that Python, or measurespath in ~/.casa/config.py says where they are",
        )
    if not version:
        raise EnvironmentProblem(
            f"casatasks of environment {environment.name!r} cannot be imported: "
            f"{first_line(said[0]) or 'no reason given'}",
            "`pip install casatasks casadata six` in that Python, or name a requirements file with these three",
        )
    return msgspec.structs.replace(
        prepared, environ=environ, facts=prepared.facts | {"casa": version}, script_prefix=(_RUNNER,)
    )


def casa_identity(environment: Environment, setting: Setting) -> str:
    """Digest of the lock where CASA is installed from requirements."""
    return venv_identity(environment, setting) if environment.requirements else ""


def _interpreter(environment: Environment, setting: Setting) -> Prepared:
    return python_environment(environment, setting, find_interpreter(environment, setting.caller))


def _site_file(setting: Setting) -> str:
    """CASA's settings for this machine. Those of ~/.casa/config.py come on top, and those of `casa_run.py` last."""
    file = (setting.cache / "environments" / "casasiteconfig.py").absolute()
    if not file.exists() or read_bounded(file) != _SITE.encode():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, _SITE.encode())
    return str(file)


def _program(environment: Environment, setting: Setting) -> Prepared:
    wanted = os.path.expanduser(environment.executable)
    found = shutil.which(wanted, path=setting.caller.get("PATH", os.defpath))
    if found is None:
        raise EnvironmentProblem(
            f"CASA {environment.executable!r} of environment {environment.name!r} is not there or not executable",
            "`executable` is its path, or a name that is found in PATH",
        )
    program = os.path.abspath(found)
    environ = child_environ(environment, setting.caller, program) | _HEADLESS
    try:
        asked = ask([program, "--version"], environ)
        version = first_line(asked.stdout) or first_line(asked.stderr)
    except (OSError, subprocess.TimeoutExpired):
        version = ""
    facts = machine_facts(environment.kind) | {"casa": version or "unknown"}
    # `python SCRIPT ...` in a command becomes `casa ... -c SCRIPT ...`.
    return Prepared(environ=environ, facts=facts, interpreter=program, script_prefix=_OPTIONS, umask=environment.umask)
