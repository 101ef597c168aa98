"""Settings of the dashboard in `local.yaml`."""

from __future__ import annotations

from typing import cast, get_args

from stoa.project import Role, UiSettings
from stoa.provenance.fields import get
from stoa.provenance.scalars import brief
from stoa.provenance.yamltree import Spot

_FIELDS = ("hosts", "oidc", "proxy", "roles")
_OIDC = ("server", "client_id", "client_secret", "redirect")
_PROXY = ("name", "email")


def ui_settings(spot: Spot) -> UiSettings:
    """The field ``ui``."""
    fields = spot.mapping(_FIELDS)
    if "oidc" in fields and "proxy" in fields:
        raise fields["proxy"].error("people log in by oidc or by a proxy, not by both", "remove one of the two")
    return UiSettings(
        hosts=get(fields, "hosts", lambda below: tuple(name.text() for name in below.sequence()), ()),
        oidc=get(fields, "oidc", lambda below: _all(below, _OIDC), {}),
        proxy=get(fields, "proxy", lambda below: _all(below, _PROXY), {}),
        roles=get(fields, "roles", _roles, {}),
    )


def _all(spot: Spot, names: tuple[str, ...]) -> dict[str, str]:
    """Fields that have to be there, each with a text."""
    fields = spot.mapping(names, required=names)
    empty = [name for name in names if not fields[name].text().strip()]
    if empty:
        raise fields[empty[0]].error(f"{empty[0]} is empty")
    return {name: fields[name].text().strip() for name in names}


def _roles(spot: Spot) -> dict[str, Role]:
    """Emails or patterns of emails, in their order."""
    known = get_args(Role)
    found: dict[str, Role] = {}
    for who, below in spot.mapping().items():
        if below.text() not in known:
            raise below.error(f"a role is one of {', '.join(known)}, got {brief(below.text())}")
        found[who.lower()] = cast("Role", below.text())
    return found
