"""What processes run in, made ready once per run.

A kind of environment is one function in `KINDS`. The child's variables are chosen, not copied:
a run is repeatable only if it does not depend on what happened to be set, and secrets in the
caller's variables are none of a script's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stoa.errors import guess
from stoa.exec.environments.base import INHERITED, EnvironmentProblem, Kind, NotBuilt, Prepared, Setting, child_environ
from stoa.exec.environments.casa import casa_identity, prepare_casa
from stoa.exec.environments.docker import docker_identity, prepare_docker
from stoa.exec.environments.host import prepare_host
from stoa.exec.environments.venv import prepare_venv, venv_identity
from stoa.model import Environment

__all__ = [
    "INHERITED",
    "KINDS",
    "EnvironmentProblem",
    "NotBuilt",
    "Prepared",
    "Setting",
    "child_environ",
    "identity_of",
    "prepare",
]

KINDS: dict[str, Kind] = {"host": prepare_host, "venv": prepare_venv, "docker": prepare_docker, "casa": prepare_casa}
"""Kinds of environments by name."""

IDENTITIES: dict[str, Callable[[Environment, Setting], str]] = {
    "venv": venv_identity,
    "docker": docker_identity,
    "casa": casa_identity,
}
"""How it is found out, quickly and building nothing, which image or lock an environment of a kind is now."""


def prepare(environment: Environment, setting: Setting | Mapping[str, str]) -> Prepared:
    """An environment made ready for any number of jobs.

    Parameters
    ----------
    setting
        Or only the variables of the caller, where neither files nor a cache are needed.

    Raises
    ------
    EnvironmentProblem
        If its kind is unknown, its interpreter or image does not exist or does not start, or it
        cannot be built.
    """
    make = KINDS.get(environment.kind)
    if make is None:
        raise EnvironmentProblem(
            f"environment {environment.name!r} is of unknown kind {environment.kind!r}"
            f"{guess(environment.kind, list(KINDS))}",
            f"kinds: {', '.join(KINDS)}",
        )
    return make(environment, setting if isinstance(setting, Setting) else Setting(caller=setting))


def identity_of(environment: Environment, setting: Setting) -> str:
    """Image id or digest of the lock as it is now on this machine; "" where none is known or none counts."""
    look = IDENTITIES.get(environment.kind)
    return look(environment, setting) if look else ""
