"""Parameter sets: making, listing, comparing them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec

from stoa.errors import StoaError
from stoa.model import Need, ParameterSet, ParamRule, Process
from stoa.provenance.definitions import check_pair_name, shown
from stoa.provenance.dialect import block
from stoa.provenance.library import DEFAULT_SET
from stoa.provenance.parameter_sets import override, read_parameter_set
from stoa.provenance.rewritten import with_former
from stoa.runs.definitions import remark_on_paths, rule_changes, value_changes
from stoa.workspace.listing import Listed, listed
from stoa.workspace.open import Workspace, alone
from stoa.workspace.removal import Removed, count_refers, refuse_in_use, refuse_live, remove_files
from stoa.workspace.renaming import Renamed, commit_renamed, committed, refuse_former, refuse_taken
from stoa.workspace.selection import described
from stoa.workspace.writing import Made, refuse_existing


@alone
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
        Expression over the metadata columns: what `settings` give counts for targets that match, by a rule of the
        set, which goes before those of its base.

    Raises
    ------
    StoaError
        If there is such a set, a value does not fit, or the expression cannot be understood.
    """
    check_pair_name(name, "parameter set")
    process = ws.library.process(process_name)
    file = ws.project.params_file(process_name, name)
    refuse_existing(ws, file, "parameter set", name)
    refuse_former("parameter set", name, ws.library.former().parameter_set(process_name, name))
    origin = ws.library.parameter_set(process, base, later=() if where else settings)
    changed = override(process, origin, settings)
    remark_on_paths(ws, process, settings)
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


@alone
def remove_parameter_set(ws: Workspace, name: str, process_name: str) -> Removed:
    """Remove a parameter set; runs keep what they froze of it.

    Raises
    ------
    StoaError
        If no file has it, another process needs outcomes of it, or a run of it is under way.
    """
    process = ws.library.process(process_name)
    file = ws.project.params_file(process_name, name)
    if not file.is_file():
        ws.library.parameter_set(process, name)
        raise StoaError(f"the parameter set {name!r} of {process_name} has no file", "it is made of the defaults")
    ws.ready()
    users = [
        f"process {other!r}"
        for other in ws.library.processes()
        for need in ws.library.process(other).runs_after
        if ws.library.need(need) == Need(process_name, name)
    ]
    refuse_in_use("parameter set", f"{process_name}@{name}", users, "remove it from `needs` there first")
    refuse_live(ws, process=process_name, params=name)
    refers = count_refers(ws, "process", process_name, "params", name)
    return remove_files(ws, "parameter set", name, [file], refers)


@alone
def rename_parameter_set(ws: Workspace, name: str, new: str, process_name: str) -> Renamed:
    """Give a parameter set another name; everything that was recorded with it goes with it.

    Raises
    ------
    StoaError
        If no file has it, the new name is taken, or a run with it is under way.
    """
    check_pair_name(new, "parameter set")
    process = ws.library.process(process_name)
    if DEFAULT_SET in (name, new):
        raise StoaError(
            f"{DEFAULT_SET!r} is the parameter set that counts where none is named",
            f"`stoa params new {process_name}@NAME` makes another one of the same values",
        )
    ws.library.parameter_set(process, name)
    ws.ready()
    file = ws.project.params_file(process_name, name)
    refuse_existing(ws, ws.project.params_file(process_name, new), "parameter set", new)
    now = ws.library.former().parameter_set(process_name, new)
    refuse_taken("parameter set", name, new, now, count_refers(ws, "process", process_name, "params", new))
    refuse_live(ws, process=process_name, params=name)
    text = with_former(committed(ws, file), file.name, name, new)
    changes = {f"params/{process_name}/{name}.yaml": None, f"params/{process_name}/{new}.yaml": text}
    records = count_refers(ws, "process", process_name, "params", name)
    return commit_renamed(ws, "parameter set", name, new, changes, records)


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
        found += [(name, listed(set_name, partial(_set_words, ws, name, set_name))) for set_name in names]
    return found


def _set_words(ws: Workspace, process_name: str, name: str) -> str:
    process = ws.library.process(process_name)
    return ", ".join(set_words(process, ws.library.parameter_set(process, name))) or "all defaults"


def set_words(process: Process, chosen: ParameterSet) -> list[str]:
    """The values of a set that differ from the defaults, as they are written, and how many rules it has."""
    rules = [f"{len(chosen.rules)} rule{'s' if len(chosen.rules) > 1 else ''}"] if chosen.rules else []
    return [f"{k}={shown(v)}" for k, v in chosen.values.items() if v != process.params[k].default] + rules


def parameter_differences(ws: Workspace, process_name: str, first: str, second: str) -> list[str]:
    """What differs between two sets of a process, values and rules."""
    process = ws.library.process(process_name)
    before, after = (ws.library.parameter_set(process, name) for name in (first, second))
    return [*value_changes(before.values, after.values), *rule_changes(before.rules, after.rules)]
