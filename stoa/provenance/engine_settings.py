"""Settings of engines in `local.yaml`."""

from __future__ import annotations

from typing import Any

from stoa.project import DaskSettings, SlurmSettings
from stoa.provenance.fields import duration, get
from stoa.provenance.yamltree import Spot

_SLURM = ("partition", "account", "walltime", "chunk", "cpus", "most_elements", "options", "python", "settle")
_DASK = ("address", "tls_ca", "tls_cert", "tls_key", "cluster", "options", "chunk")


def slurm_settings(spot: Spot) -> SlurmSettings:
    """The field ``slurm``."""
    fields = spot.mapping(_SLURM)
    return SlurmSettings(
        partition=get(fields, "partition", Spot.text, ""),
        account=get(fields, "account", Spot.text, ""),
        walltime_s=get(fields, "walltime", duration, 0.0),
        chunk=get(fields, "chunk", _positive, 20),
        cpus=get(fields, "cpus", _positive, 1),
        most_elements=get(fields, "most_elements", _positive, 1000),
        options=get(fields, "options", _arguments, ()),
        python=get(fields, "python", Spot.text, ""),
        settle_s=get(fields, "settle", duration, 30.0),
    )


def dask_settings(spot: Spot) -> DaskSettings:
    """The field ``dask``."""
    fields = spot.mapping(_DASK)
    files = {name: get(fields, name, Spot.text, "") for name in ("tls_ca", "tls_cert", "tls_key")}
    if any(files.values()) and not all(files.values()):
        raise spot.error("tls_ca, tls_cert and tls_key belong together", f"missing: {_absent(files)}")
    return DaskSettings(
        address=get(fields, "address", Spot.text, ""),
        **files,
        cluster=get(fields, "cluster", Spot.text, "local"),
        options=get(fields, "options", plain, {}),
        chunk=get(fields, "chunk", _positive, 0),
    )


def _absent(files: dict[str, str]) -> str:
    return ", ".join(name for name, file in files.items() if not file)


def _positive(spot: Spot) -> int:
    number = spot.integer()
    if number < 1:
        raise spot.error(f"{spot.field} must be at least 1, got {number}")
    return number


def _arguments(spot: Spot) -> tuple[str, ...]:
    for argument in spot.sequence():
        if not argument.text().startswith("-"):
            raise argument.error(f"{argument.text()!r} is not an option of sbatch", "write it as --mem=4G")
    return spot.texts()


def plain(spot: Spot) -> dict[str, Any]:
    """Names with values of any kind, as they are passed on to a library."""
    return {name: below.plain() for name, below in spot.mapping().items()}
