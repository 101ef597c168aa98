"""Upper limits for the objects of a catalogue that a run looked at and did not find."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from stoa.catalogue.angles import radius_arcsec
from stoa.catalogue.limits import undetected
from stoa.catalogue.searched import SearchedImage
from stoa.catalogue.tables import read_table
from stoa.errors import StoaError
from stoa.meta.document import ImageGroup
from stoa.meta.rules import IMAGE_ROLES
from stoa.model import FileRef, Outcome, Status, Value, effective
from stoa.provenance.index import decode_run
from stoa.sources import files
from stoa.sources.stack import stack
from stoa.workspace.frozen import frozen_process
from stoa.workspace.names import resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import latest_of

BEAM, CORRECTED = "primaryBeam", "correctedImage"
"""Roles of a file of the primary beam, and of an image that is divided by it."""


class LimitsReport(msgspec.Struct, frozen=True, kw_only=True):
    """How many objects were looked at and not found."""

    source: str
    catalogue: str
    sigma: float
    files: tuple[str, ...]
    images: int  # searched ones with known place, primary beam and noise
    unknown: int  # searched ones where one of these is not known
    unseen: int = 0  # searched ones whose pixels are not on this machine as they were
    limits: int  # rows: an object in each image
    objects: int  # distinct objects with a limit
    above: int = 0  # objects in images that are above the threshold there, so that they have no limit


def limits(
    ws: Workspace, source: str, catalogue: Path, radius: str = "5arcsec", sigma: float = 5.0, out: Path | None = None
) -> LimitsReport:
    """Write a limit for each object that is in a searched image in which it was not found.

    Parameters
    ----------
    source
        A run, or ``PROCESS@SET``; its process has to report a result ``rms`` in Jy/beam, before the correction for the
        primary beam, as the shipped finders do. A parameter ``snr`` is taken for the threshold of the search, an HDU
        ``NOISE`` of its table for the noise at each place.
    radius
        An object with a source this near is detected.
    sigma
        How many times the local noise the limit is above what the image has at the place.
    """
    if not sigma > 0:
        raise StoaError(f"--sigma must be above 0, got {sigma:g}")
    name = resolve_run(ws, source)
    done = [o for o in latest_of(ws, name).values() if o.status == Status.OK]
    images = list(_images(ws, done))
    if not images:
        raise StoaError(
            f"no image of {source} has a known place, primary beam and rms",
            "`stoa meta build` describes the images; the process reports a result `rms`",
        )
    ws.check_given(catalogue)
    objects = read_table(catalogue)
    table = undetected(objects, images, stack(ws, source)[0], radius_arcsec(radius), sigma, str(catalogue))
    unseen = sum(image.image_file is None for image in images)
    table.meta |= {"source": source, "catalogue": catalogue.name, "sigma": sigma, "unseen": unseen}
    return LimitsReport(
        source=source, catalogue=str(catalogue), sigma=sigma, images=len(images), unknown=len(done) - len(images),
        unseen=unseen, limits=len(table), objects=table.meta["objects"], above=table.meta["above"],
        files=files.write(ws, table, out, f"{files.label(source)}-limits-{catalogue.stem}", (catalogue,)),
    )  # fmt: skip


def _images(ws: Workspace, done: Sequence[Outcome]) -> Iterable[SearchedImage]:
    groups = {
        (target, group.key): group
        for target, (_, document) in ws.documents().items()
        if not isinstance(document, StoaError)
        for group in document.groups
    }
    runs = {run: _searched_by(ws, run) for run in {outcome.run for outcome in done}}
    for outcome in done:
        group = groups.get((outcome.target, outcome.group))
        rms = outcome.results.get("rms")
        facts = _facts(group) if group else {}
        if group and facts and isinstance(rms, float) and rms > 0:
            search = runs[outcome.run]
            values = effective(search.params, outcome.overrides)
            yield SearchedImage(
                target=outcome.target, group=outcome.group, kind=facts.get("kind", ""), run=outcome.run,
                freq_ghz=float(facts.get("freq_ghz") or "nan"), ra_deg=float(facts["ra_deg"]),
                dec_deg=float(facts["dec_deg"]), hwhm_arcsec=float(facts["pb_hwhm_arcsec"]), rms=rms,
                footprint=facts.get("footprint", ""), beam_file=_here(ws, outcome.inputs.get(search.beam)),
                image_file=_here(ws, outcome.inputs.get(search.image)),
                is_corrected=_is_corrected(group, outcome, search, values),
                threshold=_number(values.get("snr")), beam_arcsec=_number(outcome.results.get("beam_major_arcsec"))
                or float(facts.get("beam_major_arcsec") or 0),
                noise_file=_here(ws, outcome.outputs.get(search.table)),
            )  # fmt: skip


class _Search(msgspec.Struct, frozen=True):
    """What a run was given."""

    image: str  # name of the input that is searched; "" without one
    beam: str  # of the file of the primary beam
    table: str  # of the output that is its table of sources
    params: dict[str, Value]


def _searched_by(ws: Workspace, run: str) -> _Search:
    """The inputs of a run by their role, as it froze the process, and its parameters."""
    process = frozen_process(ws, run)
    inputs = process.inputs if process else {}
    image = next((name for name, spec in inputs.items() if any(role in IMAGE_ROLES for role in spec.role)), "")
    beam = next((name for name, spec in inputs.items() if BEAM in spec.role), "")
    records = ws.index.rows("SELECT record FROM runs WHERE run = ?", (run,))
    outputs = process.outputs if process else {}
    table = next((name for name, spec in outputs.items() if spec.kind == "catalogue"), "")
    return _Search(image, beam, table, dict(decode_run(records[0][0]).params.values) if records else {})


def _is_corrected(group: ImageGroup, outcome: Outcome, search: _Search, values: Mapping[str, Value]) -> bool:
    """Whether the searched image is divided by the gain: as the parameters say, else by its role."""
    said = values.get("image_is", "auto")
    if said != "auto":
        return said == "corrected"
    ref = outcome.inputs.get(search.image)
    return any(file.role == CORRECTED and ref and ref.path.endswith(f"/{file.name}") for file in group.files)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0


def _here(ws: Workspace, ref: FileRef | None) -> Path | None:
    """A file of a job, where it is on this machine as it was."""
    if ref is None:
        return None
    with suppress(StoaError):  # its root has no path on this machine
        file = ws.products.file(ref)
        return file if file.is_file() and file.stat().st_size == ref.size else None
    return None


def _facts(group: ImageGroup) -> dict[str, str]:
    """What the metadata document says of the first file whose place and primary beam it knows."""
    needed = ("ra_deg", "dec_deg", "pb_hwhm_arcsec")
    return next((file.derived for file in group.files if all(file.derived.get(key) for key in needed)), {})
