"""Processes, parameter sets and environments: making, listing, checking them."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from stoa.commands.chain import check_needs
from stoa.commands.environments import choose_environments, look_up, named_files, setting_of
from stoa.commands.init import template
from stoa.commands.meta import role_table
from stoa.commands.propose import Proposal, propose
from stoa.commands.resolve import check_line_ends, read_files, read_script, value_changes
from stoa.commands.selection import described
from stoa.commands.workspace import Workspace
from stoa.errors import NotFoundError, StoaError
from stoa.exec.environments import NotBuilt, prepare
from stoa.exec.job.command import check_command
from stoa.meta.rules import ROLE_ORDER
from stoa.model import Environment, ParameterSet, ParamRule, Process
from stoa.provenance.definitions import check_name, read_process, shown
from stoa.provenance.dialect import block
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.library import DEFAULT_SET
from stoa.provenance.parameter_sets import override, read_parameter_set

_NEW_PROCESS = """\
# What STOA runs over every target. `stoa process check {name}` says whether it can.
schema: 1
name: {name}
doc: {doc}
script: {script}
command: {command}
over: {over}            # target: once a folder; image: once an image group
inputs: {inputs}# image: {{role: correctedImage}}
params: {params}# snr: {{type: float, default: 5, min: 1, unit: "", doc: "seed clip in sigma"}}
outputs: {outputs}# sources: {{path: sources.fits, kind: catalogue}}
results: {{}}             # rms: {{type: float, unit: Jy/beam, tolerance: 5%}}
environment: host
timeout: 10m
"""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A definition that was written and committed."""

    name: str
    files: tuple[str, ...]
    commit: str


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A definition in a list, and what is wrong with it."""

    name: str
    doc: str
    problem: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with the definitions; empty when nothing is."""

    checked: int
    problems: tuple[tuple[str, str], ...]  # message, hint


def shipped() -> list[str]:
    """Names of the processes that come with STOA."""
    return sorted(file.stem for file in (template() / "shipped" / "processes").glob("*.yaml"))


def add_process(ws: Workspace, name: str) -> Made:
    """Copy a shipped process, its script included, into the project, where it may be changed."""
    if name not in shipped():
        raise NotFoundError(
            "shipped process",
            name,
            shipped(),
            f"shipped: {', '.join(shipped())}; `stoa process new` makes one of yours",
        )
    definition = (template() / "shipped" / "processes" / f"{name}.yaml").read_bytes()
    process = read_process(definition, f"{name}.yaml")
    scripts = {
        path: (template() / "shipped" / "scripts" / Path(path).name).read_bytes()
        for path in (process.script, *process.files)
    }
    _refuse_existing(ws, ws.project.process_file(name), "process", name)
    _refuse_existing(ws, ws.project.top / process.script, "script", process.script)
    scripts = {path: content for path, content in scripts.items() if not _is_there(ws, path, content)}
    ws.ready()
    changes: dict[str, bytes | None] = {f"processes/{name}.yaml": definition}
    changes |= {f"../{path}": content for path, content in scripts.items()}
    commit = ws.store.commit(changes, f"process {name}, as shipped")
    return Made(name=name, files=(f".stoa/processes/{name}.yaml", *scripts), commit=commit)


def _is_there(ws: Workspace, path: str, content: bytes) -> bool:
    """Whether a file that shipped processes share is there; one that differs was changed for another of them."""
    file = ws.project.top / path
    if file.is_file() and file.read_bytes() == content:
        return True
    _refuse_existing(ws, file, "file", path)
    return False


def new_process(ws: Workspace, name: str, script: str, over: str = "") -> Made:
    """Write a definition for a script, to be completed by hand.

    What a Python script declares with argparse is proposed as parameters, inputs and outputs.

    Parameters
    ----------
    over
        ``target`` or ``image``; "" for what the arguments suggest.
    """
    check_name(name, "process")
    file = ws.project.process_file(name)
    _refuse_existing(ws, file, "process", name)
    place = Path(os.path.abspath(script))
    if not place.is_file():
        raise StoaError(f"the script {script} does not exist", "write it first; an empty file will do")
    if not place.is_relative_to(ws.project.top):
        raise StoaError(
            f"the script {script} lies outside {ws.project.top}", "keep it in the repository, it is recorded"
        )
    relative = place.relative_to(ws.project.top).as_posix()
    proposal = (propose(place.read_bytes()) if place.suffix == ".py" else None) or Proposal(words=["{target}"])
    text = _new_definition(name, relative, proposal, over)
    read_process(text.encode(), file.name)
    ws.ready()
    commit = ws.store.commit({f"processes/{name}.yaml": text.encode()}, f"process {name}")
    return Made(name=name, files=(f".stoa/processes/{name}.yaml",), commit=commit)


def _new_definition(name: str, script: str, proposal: Proposal, over: str) -> str:
    words = ["{script}", *proposal.words]
    quoted = [word if re.fullmatch(r"-{0,2}[A-Za-z][A-Za-z0-9-]*", word) else _quoted(word) for word in words]
    command = ", ".join(["python", *quoted] if script.endswith(".py") else quoted)
    text = _NEW_PROCESS.format(
        name=name, doc=_quoted(proposal.doc), script=_scalar(script), command=f"[{command}]",
        over=over or ("image" if proposal.inputs else "target"), inputs=_section(proposal.inputs),
        params=_section(proposal.params), outputs=_section(proposal.outputs),
    )  # fmt: skip
    return text + "".join(f"# {note}\n" for note in proposal.notes)


def _section(fields: Mapping[str, str]) -> str:
    """What stands before the comment of a section: its fields, or that there are none."""
    if not fields:
        return "{}              "
    return "".join(f"\n  {key}: {text}" for key, text in fields.items()) + "\n  "


def _scalar(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text) else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _refuse_existing(ws: Workspace, file: Path, kind: str, name: str) -> None:
    if file.exists():
        article = "an" if kind[0] in "aeiou" else "a"
        where = file.relative_to(ws.project.top)
        raise StoaError(f"there is {article} {kind} {name!r} already ({where})", "edit it, or remove it first")


def list_processes(ws: Workspace) -> list[Listed]:
    """The processes of the project."""
    return [_listed(name, partial(_process_words, ws, name)) for name in ws.library.processes()]


def _process_words(ws: Workspace, name: str) -> str:
    return ws.library.process(name).doc


def _listed(name: str, words: Callable[[], str]) -> Listed:
    try:
        return Listed(name=name, doc=words(), problem="")
    except StoaError as problem:
        return Listed(name=name, doc="", problem=problem.message)


def check_process(ws: Workspace, name: str) -> Process:
    """A process, checked with its command, script, sets and environment.

    Raises
    ------
    StoaError
        With the first thing that is wrong.
    """
    process = ws.library.process(name)
    check_command(process)
    _check_roles(ws, process)
    check_needs(ws, process)
    check_line_ends(process, read_script(ws.project, process))
    read_files(ws.project, process)
    check_environment(ws, process.environment)
    for set_name in ws.library.parameter_sets(name):
        ws.library.parameter_set(process, set_name)
    return process


def _check_roles(ws: Workspace, process: Process) -> None:
    """Raise `NotFoundError` for a role of an input that no rule gives and no document of another hand has."""
    known = list(dict.fromkeys((*ROLE_ORDER, *(rule.role for rule in role_table(ws.project).rules))))
    strange = [(name, role) for name, spec in process.inputs.items() for role in spec.role if role not in known]
    if not strange:
        return
    documents = [found for _, found in ws.documents().values() if not isinstance(found, StoaError)]
    held = {file.role for document in documents for group in document.groups for file in group.files}
    where = ws.project.process_file(process.name).relative_to(ws.project.top)
    for name, role in strange:
        if role not in held:
            raise NotFoundError(
                f"role of input {name!r} of process {process.name!r} ({where})", role, known,
                f"roles: {', '.join(known)}; `.stoa/roles.yaml` adds others",
            )  # fmt: skip


def check_all(ws: Workspace, names: tuple[str, ...] = ()) -> Checked:
    """What is wrong with processes, their sets and environments."""
    chosen = list(names) or ws.library.processes()
    found = ws.library.problems(lambda name: check_process(ws, name), chosen)
    if not names:
        found += ws.library.problems(lambda name: look_up(ws, name), ws.library.environments())
    return Checked(checked=len(chosen), problems=tuple((p.message, p.hint or "") for p in found))


def new_parameter_set(
    ws: Workspace,
    name: str,
    process_name: str,
    settings: Mapping[str, str],
    doc: str = "",
    base: str = DEFAULT_SET,
    where: str = "",
) -> tuple[Made, ParameterSet]:
    """Write a parameter set: the values that differ from the defaults.

    Parameters
    ----------
    settings
        Parameter -> written value.
    base
        The set that the other values come from, and its rules.
    where
        Expression over the metadata columns: what `settings` give counts for targets that fit, by a rule of the
        set, which goes before those of its base.

    Raises
    ------
    StoaError
        If there is such a set, a value does not fit, or the expression cannot be understood.
    """
    check_name(name, "parameter set")
    process = ws.library.process(process_name)
    file = ws.project.params_file(process_name, name)
    _refuse_existing(ws, file, "parameter set", name)
    origin = ws.library.parameter_set(process, base, later=() if where else settings)
    changed = override(process, origin, settings)
    rules, values = changed.rules, changed.values
    if where:
        _check_where(ws, where, settings, name)
        given = {key: changed.values[key] for key in settings}
        rules, values = (ParamRule(where=where, values=given), *origin.rules), origin.values
    differing = {key: value for key, value in values.items() if value != process.params[key].default}
    fields: dict[str, object] = {"schema": 1, "process": process_name, "doc": doc, "values": differing}
    if rules:
        fields["rules"] = msgspec.to_builtins(rules)
    data = block(fields)
    made = read_parameter_set(data, file.name, process, name)
    ws.ready()
    commit = ws.store.commit(
        {f"params/{process_name}/{name}.yaml": data},
        f"parameter set {name} of {process_name}: {', '.join(set_words(process, made)) or 'all defaults'}",
    )
    return Made(name=name, files=(str(file.relative_to(ws.project.top)),), commit=commit), made


def _check_where(ws: Workspace, where: str, settings: Mapping[str, str], name: str) -> None:
    if not settings:
        raise StoaError("`--where` says for which targets values count, and there are none", "`--set NAME=VALUE`")
    described(ws, where, f"the rule of parameter set {name!r}")


def list_parameter_sets(ws: Workspace, process_name: str = "") -> list[tuple[str, Listed]]:
    """Process and set, of one process or of all; of a process that cannot be read each set says why."""
    if process_name:
        ws.library.process(process_name)
    found = []
    for name in [process_name] if process_name else ws.library.processes():
        names = ws.library.parameter_sets(name)
        found += [(name, _listed(set_name, partial(_set_words, ws, name, set_name))) for set_name in names]
    return found


def _set_words(ws: Workspace, process_name: str, name: str) -> str:
    process = ws.library.process(process_name)
    return ", ".join(set_words(process, ws.library.parameter_set(process, name))) or "all defaults"


def set_words(process: Process, chosen: ParameterSet) -> list[str]:
    """The values of a set that differ from the defaults, as they are written, and how many rules it has."""
    rules = [f"{len(chosen.rules)} rule{'s' if len(chosen.rules) > 1 else ''}"] if chosen.rules else []
    return [f"{k}={shown(v)}" for k, v in chosen.values.items() if v != process.params[k].default] + rules


def parameter_differences(ws: Workspace, process_name: str, first: str, second: str) -> list[str]:
    """What differs between two sets of a process."""
    process = ws.library.process(process_name)
    sets = [ws.library.parameter_set(process, name).values for name in (first, second)]
    return value_changes(sets[0], sets[1])


def add_environment(ws: Workspace, name: str, fields: Mapping[str, Any]) -> Made:
    """Write an environment and check that it can be started, or built.

    Parameters
    ----------
    fields
        Of the definition; empty ones are left out.
    """
    check_name(name, "environment")
    file = ws.project.environment_file(name)
    _refuse_existing(ws, file, "environment", name)
    python = fields.get("python", "")
    given = {"schema": 1, "name": name, "doc": "", "kind": "host", **fields}
    if python:
        given["python"] = shutil.which(python) or python
    data = block({key: value for key, value in given.items() if value not in ("", {}, [])})
    environment = read_environment(data, file.name)
    named_files(ws.project, environment)
    with suppress(NotBuilt):
        prepare(environment, setting_of(ws.project))
    ws.ready()
    commit = ws.store.commit({f"environments/{name}.yaml": data}, f"environment {name}")
    return Made(name=name, files=(str(file.relative_to(ws.project.top)),), commit=commit)


def check_environment(ws: Workspace, name: str) -> None:
    """Raise for what is wrong with an environment and those of its rules; one that is not built yet is right."""
    places = look_up(ws, name)
    choose_environments(ws, places, ())
    for environment in places.known.values():
        with suppress(NotBuilt):
            prepare(environment, setting_of(ws.project))


def build_environment(ws: Workspace, name: str, *, again: bool = False) -> dict[str, str]:
    """Build an environment, if it is not built yet, and say what it is."""
    prepared = prepare(ws.library.environment(name), setting_of(ws.project, build=True, again=again))
    return dict(prepared.facts)


def list_environments(ws: Workspace) -> list[Listed]:
    """The environments of the project."""
    return [_listed(name, partial(_environment_words, ws, name)) for name in ws.library.environments()]


def _environment_words(ws: Workspace, name: str) -> str:
    return ws.library.environment(name).doc


def environment_facts(ws: Workspace, name: str) -> tuple[Environment, dict[str, str]]:
    """An environment and what it is on this machine."""
    environment = ws.library.environment(name)
    try:
        return environment, dict(prepare(environment, setting_of(ws.project)).facts)
    except NotBuilt as problem:
        return environment, {"state": problem.message}
