"""Environments: adding, building, listing them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from stoa.errors import StoaError
from stoa.exec.environments import NotBuilt, prepare
from stoa.model import Environment
from stoa.provenance.definitions import check_pair_name
from stoa.provenance.dialect import block
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.rewritten import with_former, with_values
from stoa.runs.environments import named_files, setting_of
from stoa.workspace.listing import Listed, listed
from stoa.workspace.open import Workspace, alone
from stoa.workspace.removal import Removed, count_refers, refuse_in_use, refuse_live, remove_files
from stoa.workspace.renaming import Renamed, commit_renamed, committed, refuse_former, refuse_taken
from stoa.workspace.trust import accept, prepare_trusted
from stoa.workspace.writing import Made, refuse_existing

USUAL = "host"


@alone
def add_environment(ws: Workspace, name: str, fields: Mapping[str, Any]) -> Made:
    """Write an environment and check that it can be started, or built.

    Parameters
    ----------
    fields
        Of the definition; empty ones are left out.
    """
    check_pair_name(name, "environment")
    file = ws.project.environment_file(name)
    refuse_existing(ws, file, "environment", name)
    refuse_former("environment", name, ws.library.former().environment(name))
    python = fields.get("python", "")
    given = {"schema": 1, "name": name, "doc": "", "kind": "host", **fields}
    if python:
        given["python"] = shutil.which(python) or python
    data = block({key: value for key, value in given.items() if value not in ("", {}, [])})
    environment = read_environment(data, file.name)
    named_files(ws.project, environment)
    with suppress(NotBuilt):
        prepare(environment, setting_of(ws.project))  # the user has just typed it
    ws.ready()
    commit = ws.store.commit({f"environments/{name}.yaml": data}, f"environment {name}")
    accept(ws, [environment])
    return Made(name=name, files=(str(file.relative_to(ws.project.top)),), commit=commit)


def build_environment(ws: Workspace, name: str, *, again: bool = False) -> dict[str, str]:
    """Build an environment, if it is not built yet, and say what it is."""
    environment = ws.library.environment(name)
    accept(ws, [environment])
    return dict(prepare(environment, setting_of(ws.project, build=True, again=again)).facts)


def list_environments(ws: Workspace) -> list[Listed]:
    """The environments of the project."""
    return [listed(name, partial(_environment_words, ws, name)) for name in ws.library.environments()]


def _environment_words(ws: Workspace, name: str) -> str:
    return ws.library.environment(name).doc


def environment_facts(ws: Workspace, name: str) -> tuple[Environment, dict[str, str]]:
    """An environment and what it is on this machine; nothing of one that came from someone else is executed."""
    environment = ws.library.environment(name)
    try:
        return environment, dict(prepare_trusted(ws, environment, setting_of(ws.project)).facts)
    except NotBuilt as problem:
        return environment, {"state": problem.message}


@alone
def remove_environment(ws: Workspace, name: str) -> Removed:
    """Remove an environment; runs keep what they froze of it, and what was built stays in the cache.

    Raises
    ------
    StoaError
        If there is no such environment, a process or a rule names it, or a run in it is under way.
    """
    if name not in ws.library.environments():
        ws.library.environment(name)
    ws.ready()
    users = [f"process {each!r}" for each in ws.library.processes() if ws.library.process(each).environment == name]
    former = ws.library.former()
    users += [
        f"a rule of environment {other!r}"
        for other in ws.library.environments()
        if other != name
        and any(former.environment(rule.environment) == name for rule in ws.library.environment(other).rules)
    ]
    refuse_in_use("environment", name, users, "name another one there first")
    refuse_live(ws, environment=name)
    refers = count_refers(ws, "environment", name)
    return remove_files(ws, "environment", name, [ws.project.environment_file(name)], refers)


@alone
def rename_environment(ws: Workspace, name: str, new: str) -> Renamed:
    """Give an environment another name; everything that was recorded in it goes with it.

    Raises
    ------
    StoaError
        If there is no such environment, the new name is taken, or a run in it is under way.
    """
    check_pair_name(new, "environment")
    ws.library.environment(name)
    if name == USUAL:
        raise StoaError(f"{USUAL!r} is the environment of processes that name none", "`stoa env add` makes another one")
    ws.ready()
    file = ws.project.environment_file(name)
    refuse_existing(ws, ws.project.environment_file(new), "environment", new)
    refuse_taken("environment", name, new, ws.library.former().environment(new), count_refers(ws, "environment", new)
    )  # fmt: skip
    refuse_live(ws, environment=name)
    text = with_former(with_values(committed(ws, file), file.name, {"name": new}), file.name, name, new)
    changes = {f"environments/{name}.yaml": None, f"environments/{new}.yaml": text}
    return commit_renamed(ws, "environment", name, new, changes, count_refers(ws, "environment", name))
