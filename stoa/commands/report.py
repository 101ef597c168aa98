"""A run or a pair as pages for an archive or a mail: what was done, with what, and what came of it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from stoa.errors import StoaError
from stoa.exec.job.cause import group_causes
from stoa.meta.rules import IMAGE_ROLES
from stoa.model import CauseGroup, FileRef, Outcome, Process, Review, Run
from stoa.provenance.store import ordered
from stoa.runs.standing import standing
from stoa.sources.images import is_image, thumbnail
from stoa.workspace.frozen import frozen_process
from stoa.workspace.looks import Counts
from stoa.workspace.names import RunName, resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import latest_of
from stoa.workspace.pictures import Picture, picture_of
from stoa.workspace.reviews import flagged, select_reviews

MOST_PICTURES = 300
"""Jobs with a picture each in a report of one file."""

MOST_IN_FOLDER = 20_000
"""The same in a folder; some 300 MB."""


class ResultFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A reported number over all jobs that have it."""

    name: str
    unit: str
    jobs: int
    least: float
    median: float
    most: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report says.

    Attributes
    ----------
    runs
        The runs that the outcomes are from, the latest last.
    outcomes
        In the order of targets and image groups.
    units
        Result -> unit, "" without one; the declared ones first.
    flags
        Target -> reasons of its open flags.
    pictures
        Job -> PNG; without those that cannot be made here.
    """

    source: str
    project: str
    commit: str
    runs: tuple[Run, ...]
    process: Process | None
    counts: dict[str, int]
    causes: tuple[CauseGroup, ...]
    outcomes: tuple[Outcome, ...]
    results: tuple[ResultFacts, ...]
    units: dict[str, str]
    flags: dict[str, tuple[str, ...]]
    reviews: tuple[Review, ...]
    standing: Counts
    pictures: dict[tuple[str, str], bytes] = {}
    notes: dict[tuple[str, str], Picture] = {}  # target or run, and id of a comment -> its picture

    @property
    def run(self) -> Run:
        """The run itself, or the latest one of a pair."""
        return self.runs[-1]


def report(ws: Workspace, source: str, most_pictures: int = MOST_PICTURES) -> Report:
    """What is known of a run or of the current outcomes of a pair.

    Parameters
    ----------
    source
        A run by name, or ``PROCESS@SET``.
    most_pictures
        For how many jobs a picture is drawn: the first ones.

    Raises
    ------
    StoaError
        If nothing ran under that name.
    """
    name = resolve_run(ws, source)
    found = latest_of(ws, name)
    outcomes = tuple(found.values())
    last = run_of(ws, name)
    process = frozen_process(ws, last.id)
    declared = {key: spec.unit for key, spec in process.results.items()} if process else {}
    units = declared | {key: "" for one in outcomes for key in one.results if key not in declared}
    flags = flagged(ws)
    names = {outcome.target for outcome in outcomes}
    reviews = tuple(one for one in select_reviews(ws, "", []) if one.target in names or one.run == last.id)
    notes = {(one.about, one.id): picture for one in reviews if (picture := picture_of(ws, one))}
    return Report(
        source=source, project=ws.project.config.project, commit=ws.repository.head(),
        runs=_runs(ws, last, outcomes), process=process,
        counts=ordered(_counted(outcomes)), causes=group_causes(outcomes), outcomes=outcomes,
        results=_results(outcomes, units), units=units,
        flags={target: tuple(reasons) for target, reasons in flags.items() if target in names},
        reviews=reviews, notes=notes,
        standing=standing(ws, name).counts, pictures=_pictures(ws, outcomes[:most_pictures], process),
    )  # fmt: skip


def _counted(outcomes: tuple[Outcome, ...]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.status.value] = counts.get(outcome.status.value, 0) + 1
    return counts


def _runs(ws: Workspace, last: Run, outcomes: tuple[Outcome, ...]) -> tuple[Run, ...]:
    """The runs that some outcomes are from; the one that the name stands for is the last one."""
    names = {outcome.run for outcome in outcomes} - {last.id}
    pair = (last.process, last.params.name, last.environment)
    earlier = [run_of(ws, RunName(*pair, run)) for run in names]
    return (*sorted(earlier, key=lambda run: run.rank), last)


def _results(outcomes: tuple[Outcome, ...], units: Mapping[str, str]) -> tuple[ResultFacts, ...]:
    values: dict[str, list[float]] = {name: [] for name in units}
    for outcome in outcomes:
        for name, value in outcome.results.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                values.setdefault(name, []).append(float(value))
    return tuple(
        ResultFacts(
            name=name, unit=units.get(name, ""), jobs=len(found), least=min(found), median=statistics.median(found),
            most=max(found),
        )
        for name, found in values.items()
        if found
    )  # fmt: skip


def _pictures(ws: Workspace, outcomes: tuple[Outcome, ...], process: Process | None) -> dict[tuple[str, str], bytes]:
    """A picture of the image that each job made or, if it made none, of the one that it was given."""
    made = [name for name, spec in process.outputs.items() if spec.kind == "image"] if process else []
    given = [name for name, spec in process.inputs.items() if set(IMAGE_ROLES) & set(spec.role)] if process else []
    found: dict[tuple[str, str], bytes] = {}
    for outcome in outcomes:
        refs = [outcome.outputs.get(name) for name in made] + [outcome.inputs.get(name) for name in given]
        for ref in (ref for ref in refs if ref and is_image(ref.path)):
            if content := _picture(ws, ref):
                found[outcome.target, outcome.group] = content
                break
    return found


def _picture(ws: Workspace, ref: FileRef) -> bytes | None:
    """A picture of an image, or the one that came with the records; None without either."""
    with suppress(StoaError):
        return thumbnail(ws.products.file(ref), ws.project.cache, ref.sha256)
    return ws.thumbnails.find(ref.sha256)
