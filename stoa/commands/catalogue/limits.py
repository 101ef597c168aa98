"""Upper limits for the objects of a catalogue that a run looked at and did not find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.catalogue.limits import SearchedImage, undetected
from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.meta.document import ImageGroup
from stoa.model import Outcome, Status
from stoa.sources import files
from stoa.sources.stack import stack
from stoa.workspace.frozen import frozen_process
from stoa.workspace.names import resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import latest_of

BEAM = "primaryBeam"
"""Role of a file of the primary beam."""


class LimitsReport(msgspec.Struct, frozen=True, kw_only=True):
    """How many objects were looked at and not found."""

    source: str
    catalogue: str
    sigma: float
    files: tuple[str, ...]
    images: int  # searched ones of which place, primary beam and noise are known
    unknown: int  # searched ones of which one of these is not
    limits: int  # rows: an object in each image
    objects: int  # distinct objects with a limit


def limits(
    ws: Workspace, source: str, catalogue: Path, radius: str = "5arcsec", sigma: float = 5.0, out: Path | None = None
) -> LimitsReport:
    """Write a limit for each object that lies in a searched image in which it was not found.

    Parameters
    ----------
    source
        A run, or ``PROCESS@SET``; its process has to report a result ``rms`` in Jy/beam, before the correction for the
        primary beam, as the shipped finders do.
    radius
        An object with a source this near is detected.
    sigma
        The limit over the local noise.
    """
    if not sigma > 0:
        raise StoaError(f"--sigma must be above 0, got {sigma:g}")
    name = resolve_run(ws, source)
    done = [o for o in latest_of(ws, name.process, name.params, name.run).values() if o.status == Status.OK]
    images = list(_images(ws, done))
    if not images:
        raise StoaError(
            f"no image of {source} has a known place, primary beam and rms",
            "`stoa meta build` describes the images; the process reports a result `rms`",
        )
    objects = read_table(catalogue)
    table = undetected(objects, images, stack(ws, source)[0], radius_arcsec(radius), sigma, str(catalogue))
    table.meta |= {"source": source, "catalogue": catalogue.name, "sigma": sigma}
    return LimitsReport(
        source=source, catalogue=str(catalogue), sigma=sigma, images=len(images), unknown=len(done) - len(images),
        limits=len(table), objects=table.meta["objects"],
        files=files.write(ws, table, out, f"{files.label(source)}-limits-{catalogue.stem}"),
    )  # fmt: skip


def _images(ws: Workspace, done: Sequence[Outcome]) -> Iterable[SearchedImage]:
    groups = {
        (target, group.key): group
        for target, (_, document) in ws.documents().items()
        if not isinstance(document, StoaError)
        for group in document.groups
    }
    beams = {run: _beam_input(ws, run) for run in {outcome.run for outcome in done}}
    for outcome in done:
        group = groups.get((outcome.target, outcome.group))
        rms = outcome.results.get("rms")
        facts = _facts(group) if group else {}
        if facts and isinstance(rms, float) and rms > 0:
            yield SearchedImage(
                target=outcome.target, group=outcome.group, kind=facts.get("kind", ""), run=outcome.run,
                freq_ghz=float(facts.get("freq_ghz") or "nan"), ra_deg=float(facts["ra_deg"]),
                dec_deg=float(facts["dec_deg"]), hwhm_arcsec=float(facts["pb_hwhm_arcsec"]), rms=rms,
                footprint=facts.get("footprint", ""), beam_file=_beam_file(ws, outcome, beams[outcome.run]),
            )  # fmt: skip


def _beam_input(ws: Workspace, run: str) -> str:
    """The input that takes the file of the primary beam, as the run froze the process; "" without one."""
    process = frozen_process(ws, run)
    inputs = process.inputs if process else {}
    return next((name for name, spec in inputs.items() if BEAM in spec.role), "")


def _beam_file(ws: Workspace, outcome: Outcome, name: str) -> Path | None:
    """The primary beam that a job was given, where it is on this machine as it was."""
    ref = outcome.inputs.get(name)
    if ref is None:
        return None
    file = ws.project.file(ref)
    return file if file.is_file() and file.stat().st_size == ref.size else None


def _facts(group: ImageGroup) -> dict[str, str]:
    """What the metadata document says of the first file of which it knows place and primary beam."""
    needed = ("ra_deg", "dec_deg", "pb_hwhm_arcsec")
    return next((file.derived for file in group.files if all(file.derived.get(key) for key in needed)), {})
