"""The address of the store of large products in `config.yaml`, and how this machine reaches it, in `local.yaml`."""

from __future__ import annotations

from stoa.project import StoreSettings
from stoa.provenance.engine_settings import plain
from stoa.provenance.fields import get
from stoa.provenance.store_address import check_address
from stoa.provenance.yamltree import Spot


def store_address(spot: Spot) -> str:
    """The address of a store, without secrets."""
    url = spot.text().strip()
    try:
        check_address(url)
    except ValueError as problem:
        raise spot.error(f"{spot.field} {problem}") from None
    return url


def store_settings(spot: Spot) -> StoreSettings:
    """The field ``store`` of `local.yaml`."""
    fields = spot.mapping(("url", "options"))
    return StoreSettings(url=get(fields, "url", store_address, ""), options=get(fields, "options", plain, {}))
