"""Parameter sets: the values of a process's parameters, as people write them in files and on the command line."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

import msgspec

from stoa.errors import StoaError, guess
from stoa.model import ParameterSet, ParamRule, ParamSpec, Process, Value
from stoa.provenance.definitions import FORMERLY, check_schema, check_value, former_names, shown
from stoa.provenance.fields import get
from stoa.provenance.scalars import brief, parse_value
from stoa.provenance.yamltree import Spot, read_yaml


class MissingValueError(StoaError):
    """A parameter without a default to which a set gives no value."""

    def __init__(self, process: str, parameter: str, name: str) -> None:
        super().__init__(
            f"parameter {parameter!r} of process {process!r} has no default and set {name!r} gives no value",
            f"`stoa params new NAME --process {process} --set {parameter}=...`",
        )
        self.parameter = parameter


def read_parameter_set(data: bytes, file: str, process: Process, name: str, later: Container[str] = ()) -> ParameterSet:
    """A parameter set, its defaults filled in and every value checked.

    Parameters
    ----------
    later
        Parameters that need no value yet.
    """
    root = read_yaml(data, file)
    fields = root.mapping(("schema", "process", "doc", "values", "rules", FORMERLY))
    check_schema(fields)
    if FORMERLY in fields:
        former_names(fields[FORMERLY])
    owner = get(fields, "process", Spot.text, process.name)
    if owner != process.name:
        raise fields["process"].error(f"this set is for process {brief(owner)}, not {process.name!r}")
    given = _values(fields["values"], process) if "values" in fields else {}
    rules = _param_rules(fields["rules"], process) if "rules" in fields else ()
    try:
        made = complete(process, name, given, doc=get(fields, "doc", Spot.text, ""), later=later)
    except MissingValueError as problem:
        raise root.error(problem.message, f"add `{problem.parameter}: ...` to its values") from None
    return msgspec.structs.replace(made, rules=rules)


def _values(spot: Spot, process: Process) -> dict[str, Value]:
    """Values of declared parameters, within their limits."""
    given: dict[str, Value] = {}
    for key, below in spot.mapping().items():
        spec = _declared(key, process, below.error)
        try:
            given[key] = check_value(parse_value(below.text(), spec.type), spec)
        except ValueError as problem:
            raise below.error(
                f"parameter {key!r} of process {process.name!r} {problem}", _limits_hint(process)
            ) from None
    return given


def _param_rules(spot: Spot, process: Process) -> tuple[ParamRule, ...]:
    return tuple(_param_rule(below, process) for below in spot.sequence())


def _param_rule(spot: Spot, process: Process) -> ParamRule:
    fields = spot.mapping(("where", "values", "doc"), required=("where", "values"))
    return ParamRule(
        where=fields["where"].text(), values=_values(fields["values"], process), doc=get(fields, "doc", Spot.text, "")
    )


def override(process: Process, base: ParameterSet, settings: Mapping[str, str]) -> ParameterSet:
    """A parameter set with some values replaced by written ones (``--set snr=3``).

    The set is named by its base and what differs: ``default+snr=3``. In a value that is text, ``+`` and ``%`` are
    written ``%2B`` and ``%25``, because a ``+`` ends a part of the name. A value that is given here
    is not changed by a rule of the base.
    """
    values = dict(base.values)
    ruled = {key for rule in base.rules for key in rule.values}
    for key, text in settings.items():
        spec = _declared(key, process, StoaError)
        try:
            values[key] = check_value(parse_value(text, spec.type), spec)
        except ValueError as problem:
            raise StoaError(f"parameter {key!r} of process {process.name!r} {problem}", _limits_hint(process)) from None
    values = {key: values[key] for key in process.params}
    changed = [
        f"{key}={_in_name(values[key])}"
        for key in values
        if values[key] != base.values.get(key) or (key in settings and key in ruled)
    ]
    rules = tuple(
        msgspec.structs.replace(rule, values=left)
        for rule in base.rules
        if (left := {key: value for key, value in rule.values.items() if key not in settings})
    )
    return ParameterSet(process=process.name, name="+".join([base.name, *changed]), values=values, rules=rules)


def _in_name(value: Value) -> str:
    """A value as a part of a set's name, without a ``+``."""
    if isinstance(value, str):
        return value.replace("%", "%25").replace("+", "%2B")
    return shown(value).replace("e+", "e")


def complete(
    process: Process, name: str, given: Mapping[str, Value], doc: str = "", later: Container[str] = ()
) -> ParameterSet:
    """A parameter set from the values that differ from the defaults.

    Parameters
    ----------
    later
        Parameters that need no value yet.

    Raises
    ------
    MissingValueError
        If a parameter has neither a value nor a default.
    """
    values: dict[str, Value] = {}
    for key, spec in process.params.items():
        value = given.get(key, spec.default)
        if value is None and key in later:
            continue
        if value is None:
            raise MissingValueError(process.name, key, name)
        values[key] = value
    return ParameterSet(process=process.name, name=name, values=values, doc=doc)


def _declared(key: str, process: Process, error: Callable[[str, str | None], StoaError]) -> ParamSpec:
    if key in process.params:
        return process.params[key]
    raise error(
        f"process {process.name!r} has no parameter {brief(key)}{guess(key[:60], list(process.params))}",
        _limits_hint(process),
    )


def _limits_hint(process: Process) -> str:
    return f"`stoa process show {process.name}` lists the parameters and their limits"
