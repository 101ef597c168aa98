"""Definitions of environments, as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import cast, get_args

from stoa.model import Environment, EnvironmentRule, Isolation, Network
from stoa.provenance.definitions import FORMERLY, check_schema, former_names, safe_name
from stoa.provenance.fields import get, path_below
from stoa.provenance.scalars import brief
from stoa.provenance.yamltree import Spot, read_yaml

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENVIRONMENT_FIELDS = {
    "host": ("python",),
    "venv": ("python", "requirements"),
    "docker": ("image", "dockerfile", "network", "isolation", "cpus"),
    "casa": ("python", "requirements", "executable"),
}
_COMMON_FIELDS = ("schema", "name", "doc", "kind", "environ", "inherit", "umask", "versions", "rules", FORMERLY)


def read_environment(data: bytes, file: str) -> Environment:
    """An environment definition."""
    every = tuple(name for names in _ENVIRONMENT_FIELDS.values() for name in names)
    fields = read_yaml(data, file).mapping((*_COMMON_FIELDS, *dict.fromkeys(every)), required=("name", "kind"))
    check_schema(fields)
    environment = Environment(
        name=safe_name(fields["name"]),
        kind=fields["kind"].word(tuple(_ENVIRONMENT_FIELDS)),
        python=get(fields, "python", Spot.text, ""),
        environ=get(fields, "environ", _variables, {}),
        inherit=get(fields, "inherit", Spot.texts, ()),
        requirements=get(fields, "requirements", _file, ""),
        executable=get(fields, "executable", Spot.text, ""),
        image=get(fields, "image", Spot.text, ""),
        dockerfile=get(fields, "dockerfile", _file, ""),
        network=cast(Network, get(fields, "network", lambda s: s.word(get_args(Network)), "none")),
        isolation=cast(Isolation, get(fields, "isolation", lambda s: s.word(get_args(Isolation)), "worker")),
        cpus=get(fields, "cpus", _processors, 0.0),
        umask=get(fields, "umask", _umask, -1),
        versions=get(fields, "versions", lambda s: {k: v.texts() for k, v in s.mapping().items()}, {}),
        rules=get(fields, "rules", lambda s: tuple(_rule(below) for below in s.sequence()), ()),
        formerly=get(fields, FORMERLY, former_names, ()),
        doc=get(fields, "doc", Spot.text, ""),
    )
    _check_kind(environment, fields)
    return environment


def _check_kind(environment: Environment, fields: Mapping[str, Spot]) -> None:
    """Raise for a field that another kind has, and for one that this kind lacks."""
    kind = environment.kind
    for name, spot in fields.items():
        if name not in _COMMON_FIELDS and name not in _ENVIRONMENT_FIELDS[kind]:
            owners = [other for other, names in _ENVIRONMENT_FIELDS.items() if name in names]
            raise spot.error(f"{name} is for environments of kind {' or '.join(owners)}, and this one is {kind}")
    if kind == "venv" and not environment.requirements:
        raise fields["kind"].error("an environment of kind venv needs `requirements`", "requirements: requirements.txt")
    if kind == "docker" and bool(environment.image) == bool(environment.dockerfile):
        raise fields["kind"].error("an environment of kind docker needs `image` or `dockerfile`, one of them")
    if kind == "casa" and environment.executable and (environment.python or environment.requirements):
        raise fields["executable"].error("either `executable`, or `python` or `requirements` with casatasks in it")


def _rule(spot: Spot) -> EnvironmentRule:
    fields = spot.mapping(("where", "environment", "doc"), required=("where", "environment"))
    where = fields["where"].text()
    if not where.strip():
        raise fields["where"].error(f"{fields['where'].field} is empty")
    return EnvironmentRule(
        where=where, environment=safe_name(fields["environment"]), doc=get(fields, "doc", Spot.text, "")
    )


def _processors(spot: Spot) -> float:
    number = spot.number()
    if not 0 < number <= 10_000:
        raise spot.error(f"{spot.field} must be a number of processors above 0, got {brief(spot.text())}")
    return number


def _umask(spot: Spot) -> int:
    text = spot.text()
    if not re.fullmatch(r"0?[0-7]{3}", text):
        raise spot.error(f"{spot.field} must be three octal digits such as 027, got {brief(text)}")
    return int(text, 8)


def _variables(spot: Spot) -> dict[str, str]:
    fields = spot.mapping()
    for name, below in fields.items():
        if not _VARIABLE.fullmatch(name):
            raise below.error(f"{brief(name)} cannot name a variable", "letters, digits and _, not a digit first")
    return {name: below.text() for name, below in fields.items()}


_file = partial(path_below, place="the project's folder")
