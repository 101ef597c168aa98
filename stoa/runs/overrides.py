"""Values that the rules of a parameter set give to some targets."""

from __future__ import annotations

from collections.abc import Iterable

from stoa.model import Override, ParameterSet, Process, Value
from stoa.workspace.open import Workspace
from stoa.workspace.selection import described
from stoa.workspace.targets import known_target


def choose_overrides(ws: Workspace, params: ParameterSet, names: Iterable[str]) -> dict[str, dict[str, Override]]:
    """For each target that a rule matches, parameter -> value; of several rules the first counts."""
    wanted = set(names) if params.rules else set()
    found: dict[str, dict[str, Override]] = {}
    for number, rule in enumerate(params.rules, 1):
        for target in described(ws, rule.where, f"rule {number} of parameter set {params.name!r}") & wanted:
            given = found.setdefault(target, {})
            for parameter, value in rule.values.items():
                given.setdefault(parameter, Override(value=value, rule=number))
    return found


def layers(ws: Workspace, process: Process, params: ParameterSet, target: str = "") -> dict[str, tuple[Value, str]]:
    """Each parameter's value and where it comes from: ``default``, the set, or a rule of it.

    Parameters
    ----------
    target
        Whose values; "" for those of targets that no rule matches.

    Raises
    ------
    NotFoundError
        If there is no such target.
    """
    if target:
        known_target(ws, target)
    found: dict[str, tuple[Value, str]] = {}
    for name, value in params.values.items():
        found[name] = value, "default" if value == process.params[name].default else f"set {params.name}"
    if target:
        for name, given in choose_overrides(ws, params, [target]).get(target, {}).items():
            rule = params.rules[given.rule - 1]
            found[name] = given.value, f"rule {given.rule}: {rule.doc or rule.where}"
    return found
