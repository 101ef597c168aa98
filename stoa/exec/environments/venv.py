"""A Python virtual environment that is made from a requirements file, once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from stoa.durable import write_hint
from stoa.exec.environments.base import EnvironmentProblem, NotBuilt, Prepared, Setting, first_line
from stoa.exec.environments.host import about_python, find_interpreter, python_environment
from stoa.exec.job.log import visible
from stoa.model import Environment

LOCK_FILE = "stoa-lock.txt"
_KEPT_LINES = 12
_BUILD_S = 3600.0


def prepare_venv(environment: Environment, setting: Setting) -> Prepared:
    """The virtual environment, built if it is not there and may be built now."""
    folder = place_of(environment, setting)
    if setting.again or not (folder / LOCK_FILE).is_file():
        if not setting.build:
            raise NotBuilt(environment.name)
        _build(environment, setting, folder)
    interpreter = str(folder / "bin" / "python")
    # What the user's shell says about Python would reach into it.
    caller = {k: v for k, v in setting.caller.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX")}
    prepared = python_environment(environment, msgspec.structs.replace(setting, caller=caller), interpreter)
    lock = (folder / LOCK_FILE).read_bytes()
    facts = prepared.facts | {"lock": digest_of(lock)}
    files = prepared.files | {"requirements.lock": lock}
    environ = prepared.environ | {"VIRTUAL_ENV": str(folder), "PYTHONNOUSERSITE": "1"}
    return msgspec.structs.replace(prepared, environ=environ, facts=facts, files=files, identity=digest_of(lock))


def venv_identity(environment: Environment, setting: Setting) -> str:
    """Digest of the lock, "" where the environment is not built on this machine."""
    try:
        return digest_of((place_of(environment, setting) / LOCK_FILE).read_bytes())
    except (OSError, EnvironmentProblem):
        return ""


def place_of(environment: Environment, setting: Setting) -> Path:
    """Folder of the virtual environment, named by what it is made from."""
    base = find_interpreter(environment, setting.caller)
    content = _requirements(environment, setting)
    key = hashlib.sha256(b"\0".join([content, os.path.realpath(base).encode("utf-8", "surrogateescape")]))
    return (setting.cache / "environments" / f"venv-{key.hexdigest()[:16]}").absolute()


def digest_of(content: bytes) -> str:
    """First 16 hexadecimal digits of a SHA-256."""
    return hashlib.sha256(content).hexdigest()[:16]


def _requirements(environment: Environment, setting: Setting) -> bytes:
    try:
        return setting.read(environment.requirements)
    except OSError as problem:
        raise EnvironmentProblem(
            f"cannot read the requirements file {environment.requirements!r} of environment {environment.name!r}:"
            f" {problem.strerror}",
            "its path is relative to the project's folder",
        ) from None


def _build(environment: Environment, setting: Setting, folder: Path) -> None:
    """Build aside, then rename; scripts in it name the final folder, so Python gets that folder as its own."""
    base = find_interpreter(environment, setting.caller)
    environ = _build_environ(setting.caller)
    with _alone(folder):
        if (folder / LOCK_FILE).is_file() and not setting.again:
            return  # someone else was faster
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _do(environment, [base, "-I", "-m", "venv", "--clear", str(folder)], environ, setting.top)
            requirements = str((setting.top / environment.requirements).absolute())
            pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
            _do(environment, [*pip, "install", "-r", requirements], environ, Path(requirements).parent)
            _, _, packages = about_python(environment, str(folder / "bin" / "python"), environ)
            lines = [line for line in packages if line.partition("==")[0] not in ("pip", "setuptools")]
            aside = folder / f".{LOCK_FILE}"
            aside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            aside.replace(folder / LOCK_FILE)  # with it the environment counts as built
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise


def _build_environ(caller: Mapping[str, str]) -> dict[str, str]:
    """Variables for pip: the caller's, for proxies and package indexes are set in them; none of Python's."""
    return {k: v for k, v in caller.items() if not k.startswith("PYTHON") and k != "VIRTUAL_ENV"}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(f"{folder}.building", "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as problem:
        raise EnvironmentProblem(f"cannot write to {folder.parent}: {problem.strerror}", write_hint(problem)) from None


def _do(environment: Environment, argv: list[str], environ: Mapping[str, str], folder: Path) -> None:
    what = "pip" if "pip" in argv else "python -m venv"
    try:
        done = subprocess.run(
            argv, env=dict(environ), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=_BUILD_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise EnvironmentProblem(
            f"environment {environment.name!r} cannot be built: {what}: {problem}", f"try `{' '.join(argv[:3])}`"
        ) from None
    if done.returncode:
        raise EnvironmentProblem(
            f"environment {environment.name!r} cannot be built: {what}: {_complaint(done.stderr or done.stdout)}",
            f"{what} says more: {_tail(done.stderr or done.stdout)}",
        )


def _complaint(said: bytes) -> str:
    """The first line that tells of an error."""
    errors = [line for line in said.splitlines() if line.upper().startswith(b"ERROR")]
    return first_line(errors[0]) if errors else first_line(said) or "it says nothing"


def _tail(said: bytes) -> str:
    lines = [visible(line) for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return "\n  ".join(["", *lines[-_KEPT_LINES:]])
