"""Comparing two runs, or the latest outcomes of two parameter sets."""

from __future__ import annotations

import difflib
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import yaml

from stoa.model import Outcome, ResultSpec, Run
from stoa.numbers import MAD_SIGMA
from stoa.provenance.library import NoProject, open_project
from stoa.runs.definitions import rule_changes, value_changes
from stoa.runs.standing import standing
from stoa.sources.changes import Picture, Side, SkyDiff, pictures, sky_changes
from stoa.workspace.frozen import PROCESS, frozen_process
from stoa.workspace.looks import Counts
from stoa.workspace.names import RunName, resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import latest_of
from stoa.workspace.tags import ChosenJobs

MAX_DIFF_LINES = 400
FLOOR = 0.05
"""Relative change that surprises once where neither scatter nor a declared tolerance says more."""

_RESTS_ON = {"script": "another script", "process": "another definition", "environment": "another environment"}
"""Part of a run's digests -> words for a difference."""


class ResultChange(msgspec.Struct, frozen=True, kw_only=True):
    """A result of one job in both runs."""

    target: str
    group: str
    name: str
    a: float
    b: float
    change: float | None  # (b - a) over |a|; None where only a is 0
    relative: float  # (b - a) over the larger magnitude, which the tolerance is compared with
    beyond: bool  # more than the declared tolerance
    surprise: float  # departure from the median change, in units of the usual scatter or the tolerance


class ResultSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A result over all jobs that both runs have."""

    name: str
    unit: str
    tolerance: float
    jobs: int
    median_a: float
    median_b: float
    median_change: float | None  # of the jobs where a is not 0; None where there is none
    median_relative: float
    beyond: int


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs whose status went from one to another; "" stands for no outcome."""

    before: str
    after: str
    jobs: tuple[tuple[str, str], ...]  # target, group


class DiffReport(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two runs; what is equal is left out."""

    a: str
    b: str
    run_a: str
    run_b: str
    definitions: tuple[str, ...]  # in words
    script_diff: tuple[str, ...]
    transitions: tuple[Transition, ...]
    same_status: int
    results: tuple[ResultSummary, ...]
    changes: tuple[ResultChange, ...]  # that are not equal, most surprising first
    causes: tuple[tuple[str, str, str, str], ...]  # target, group, cause in a, cause in b: same status, other cause
    mixtures: tuple[str, ...] = ()  # what outcomes of a pair rest on that are older than its latest run, in words
    standing: tuple[Counts, ...] = ()  # of a and b: how many outcomes are stale, flagged or missing
    sky: SkyDiff | None = None  # where it was asked for

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs beyond the tolerances."""
        beyond = any(change.beyond for change in self.changes)
        on_sky = self.sky is not None and not self.sky.is_equal
        return not (self.definitions or self.transitions or self.causes or beyond or on_sky)


def diff(
    ws: Workspace,
    a: str,
    b: str,
    *,
    sky: bool = False,
    radius: str = "",
    output: str = "",
    among: ChosenJobs | None = None,
) -> DiffReport:
    """Compare two runs.

    Parameters
    ----------
    a, b
        Run ids, unique starts of them, `last`, or ``PROCESS@SET``.
    sky
        Match the sources of every image, see `stoa.sources.changes.sky_changes` for `radius` and `output`.
    among
        Only these jobs; None for all.

    Raises
    ------
    StoaError
        If a run is not known, or `sky` is asked for of a process that makes no catalogue.
    """
    report = _report(ws, a, b, among)
    if not sky:
        return report
    return msgspec.structs.replace(report, sky=sky_changes(ws, *_sides(ws, a, b, among), radius, output))


def check_tables(start: Path, *files: str) -> None:
    """Raise `StoaError` for a table that is a link of the project to elsewhere; without a project there are none.

    Parameters
    ----------
    start
        A folder in the project, if there is one.
    """
    with suppress(NoProject):
        project = open_project(start)
        for file in files:
            project.check_inside(Path(file).absolute())


def shown_pictures(ws: Workspace, report: DiffReport, among: ChosenJobs | None = None) -> list[Picture]:
    """Pictures of the most surprising images of a comparison that looked at the sky."""
    return pictures(ws, *_sides(ws, report.a, report.b, among), report.sky) if report.sky else []


def _outcomes(ws: Workspace, name: RunName, among: ChosenJobs | None) -> dict[tuple[str, str], Outcome]:
    """Outcomes of a run or pair by target and image group, some of them or all."""
    return {job: outcome for job, outcome in latest_of(ws, name).items() if among is None or job in among}


def _sides(ws: Workspace, a: str, b: str, among: ChosenJobs | None) -> tuple[Side, Side]:
    names = resolve_run(ws, a), resolve_run(ws, b)
    first, second = (_outcomes(ws, name, among) for name in names)
    return Side(a, names[0], first), Side(b, names[1], second)


def _report(ws: Workspace, a: str, b: str, among: ChosenJobs | None) -> DiffReport:
    names = resolve_run(ws, a), resolve_run(ws, b)
    runs = tuple(run_of(ws, name) for name in names)
    before, after = (_outcomes(ws, name, among) for name in names)
    both = [key for key in before if key in after]
    process = frozen_process(ws, runs[1].id)
    changes = _changes(before, after, both, process.results if process else {})
    return DiffReport(
        a=a, b=b, run_a=runs[0].id, run_b=runs[1].id,
        definitions=tuple(_definitions(ws, *runs)), script_diff=tuple(_script_diff(ws, *runs)),
        transitions=_transitions(before, after),
        same_status=sum(before[key].status == after[key].status for key in both),
        results=_summaries(changes, process.results if process else {}),
        changes=tuple(sorted((c for c in changes if c.a != c.b), key=lambda c: (-c.surprise, -abs(c.relative)))),
        causes=tuple(
            (*key, before[key].cause, after[key].cause)
            for key in both
            if before[key].status == after[key].status and before[key].cause != after[key].cause
        ),
        standing=tuple(standing(ws, name).counts for name in names),
        mixtures=tuple(_mixture(ws, a, runs[0], before)) + tuple(_mixture(ws, b, runs[1], after) if a != b else ()),
    )  # fmt: skip


def _mixture(ws: Workspace, label: str, latest: Run, outcomes: Mapping[tuple[str, str], Outcome]) -> Iterator[str]:
    """What the outcomes of earlier runs rest on that differs from what the latest run rests on."""
    counted = Counter(outcome.run for outcome in outcomes.values())
    pair = (latest.process, latest.params.name, latest.environment)
    earlier = [run_of(ws, RunName(*pair, run)) for run in counted if run != latest.id]
    adopted = sum(outcome.adopted for outcome in outcomes.values())
    if adopted:
        yield f"{adopted} of {len(outcomes)} outcomes of {label} are adopted: made before STOA, no record says how"
    for part, words in _RESTS_ON.items():
        other = [run.id for run in earlier if run.digests.get(part) != latest.digests.get(part)]
        if other:
            number = sum(counted[run] for run in other)
            runs = other[0] if len(other) == 1 else f"{len(other)} earlier runs"
            share = f"{number} of {len(outcomes)} outcomes of {label}"
            yield f"{share} rest on {words} than run {latest.id}: those of {runs}"


def _definitions(ws: Workspace, a: Run, b: Run) -> list[str]:
    """What differs in what the two runs rest on, in words."""
    words = []
    if a.process != b.process:
        words.append(f"process: {a.process} -> {b.process}")
    if a.digests.get("script") != b.digests.get("script"):
        words.append("the script")
    if a.process == b.process and a.digests.get("process") != b.digests.get("process"):
        words.extend(f"definition: {change}" for change in _process_changes(ws, a, b))
    words.extend(value_changes(a.params.values, b.params.values))
    words.extend(rule_changes(a.params.rules, b.params.rules))
    if a.environment != b.environment:
        words.append(f"environment: {a.environment} -> {b.environment}")
    elif a.digests.get("environment") != b.digests.get("environment"):
        words.append(f"the definition of environment {a.environment}")
    for name in sorted({*a.environment_facts, *b.environment_facts}):
        old, new = a.environment_facts.get(name, "none"), b.environment_facts.get(name, "none")
        if old != new:
            words.append(f"{name}: {old} -> {new}")
    if a.stoa_version != b.stoa_version:
        words.append(f"STOA: {a.stoa_version} -> {b.stoa_version}")
    return words


def _process_changes(ws: Workspace, a: Run, b: Run) -> list[str]:
    old, new = (yaml.safe_load(ws.store.frozen(run.id, PROCESS) or b"{}") for run in (a, b))
    return list(_field_changes("", old, new))


def _field_changes(name: str, old: object, new: object) -> Iterator[str]:
    """The innermost fields of two definitions that differ, with both values; of a list what came and what went."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _field_changes(f"{name}.{key}".lstrip("."), old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        gone, came = ([item for item in one if item not in other] for one, other in ((old, new), (new, old)))
        said = [f"{word} {' '.join(map(str, items))}" for word, items in (("without", gone), ("with", came)) if items]
        yield f"{name}: {', '.join(said) or 'in another order'}"
    else:
        yield f"{name}: {'none' if old is None else old} -> {'none' if new is None else new}"


def _script_diff(ws: Workspace, a: Run, b: Run) -> list[str]:
    if a.process != b.process or a.digests.get("script") == b.digests.get("script"):
        return []
    texts = [_frozen_script(ws, run) for run in (a, b)]
    lines = list(difflib.unified_diff(texts[0], texts[1], fromfile=a.id, tofile=b.id, lineterm="", n=2))
    left_out = [f"... {len(lines) - MAX_DIFF_LINES} more lines"] if len(lines) > MAX_DIFF_LINES else []
    return lines[:MAX_DIFF_LINES] + left_out


def _frozen_script(ws: Workspace, run: Run) -> list[str]:
    snapshot = ws.store.snapshot()
    files = snapshot.files(f"{ws.store.prefix}/runs/{run.id}/frozen/script")
    return snapshot.blob(files[0][1]).decode("utf-8", "replace").splitlines() if files else []


def _transitions(
    before: Mapping[tuple[str, str], Outcome], after: Mapping[tuple[str, str], Outcome]
) -> tuple[Transition, ...]:
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for key in dict.fromkeys([*before, *after]):
        old = before[key].status.value if key in before else ""
        new = after[key].status.value if key in after else ""
        if old != new:
            found.setdefault((old, new), []).append(key)
    ordered = sorted(found.items(), key=lambda pair: (not (pair[0][0] and pair[0][1]), -len(pair[1])))
    return tuple(Transition(before=old, after=new, jobs=tuple(jobs)) for (old, new), jobs in ordered)


def _changes(
    before: Mapping[tuple[str, str], Outcome],
    after: Mapping[tuple[str, str], Outcome],
    both: list[tuple[str, str]],
    declared: Mapping[str, ResultSpec],
) -> list[ResultChange]:
    """Every numeric result that both have, with its surprise."""
    by_name: dict[str, list[tuple[tuple[str, str], float, float]]] = {}
    for key in both:
        for name, old in before[key].results.items():
            new = after[key].results.get(name)
            if _is_number(old) and _is_number(new):
                by_name.setdefault(name, []).append((key, float(old), float(new)))  # type: ignore[arg-type]
    return [change for name, rows in by_name.items() for change in _judge(name, rows, declared.get(name))]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _judge(name: str, rows: list[tuple[tuple[str, str], float, float]], spec: ResultSpec | None) -> list[ResultChange]:
    relative = [_relative(old, new) for _, old, new in rows]
    middle = statistics.median(relative)
    scatter = MAD_SIGMA * statistics.median(abs(value - middle) for value in relative)
    tolerance = spec.tolerance if spec else 0.0
    unit = max(scatter, tolerance, FLOOR)
    return [
        ResultChange(
            target=key[0], group=key[1], name=name, a=old, b=new, change=_change(old, new), relative=change,
            beyond=abs(change) > tolerance, surprise=abs(change - middle) / unit,
        )
        for (key, old, new), change in zip(rows, relative, strict=True)
    ]  # fmt: skip


def _change(old: float, new: float) -> float | None:
    if old == new:
        return 0.0
    return (new - old) / abs(old) if old else None


def _relative(old: float, new: float) -> float:
    size = max(abs(old), abs(new))
    return (new - old) / size if size else 0.0


def _summaries(changes: list[ResultChange], declared: Mapping[str, ResultSpec]) -> tuple[ResultSummary, ...]:
    by_name: dict[str, list[ResultChange]] = {}
    for change in changes:
        by_name.setdefault(change.name, []).append(change)
    return tuple(
        ResultSummary(
            name=name, unit=declared[name].unit if name in declared else "",
            tolerance=declared[name].tolerance if name in declared else 0.0, jobs=len(rows),
            median_a=statistics.median(row.a for row in rows), median_b=statistics.median(row.b for row in rows),
            median_change=_median([row.change for row in rows if row.change is not None]),
            median_relative=statistics.median(row.relative for row in rows), beyond=sum(row.beyond for row in rows),
        )
        for name, rows in by_name.items()
    )  # fmt: skip


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
