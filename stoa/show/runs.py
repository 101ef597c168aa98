"""Runs and outcomes in words and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from stoa.model import CauseGroup, Process, Status
from stoa.show.table import Column, Table, table
from stoa.show.words import count, counts_in_words, duration, one_line

if TYPE_CHECKING:
    from stoa.runs.warm import Saving, Warmth
    from stoa.workspace.build_report import BuildReport
    from stoa.workspace.listing import RunRow
    from stoa.workspace.looks import Counts


def state_in_words(row: RunRow) -> str:
    """The state of a run; of one without its STOA, where it is and what is left of it."""
    if row.state == "orphaned":
        pids = ", ".join(str(pid) for pid in row.pids)
        goes_on = "runs" if row.still_running == 1 else "run"
        return f"lost its STOA; {count(row.still_running, 'job')} still {goes_on} (pids {pids})"
    if row.state == "submitted":
        return "on a cluster"
    if row.state == "elsewhere":
        return f"on {row.host}, not visible from here (last sign of life {duration(row.silent_s)} ago)"
    return row.state


def runs_table(rows: Iterable[RunRow]) -> Table:
    """One row for each run."""
    columns = (
        Column("run"), Column("process", 1), Column("set", 3), Column("state", 2, text=True),
        Column("jobs", 6, right=True), Column("outcomes", 4, text=True), Column("took", 5), Column("by", 7),
        Column("why", 6, text=True, optional=True), Column("tags", 6, text=True, optional=True),
    )  # fmt: skip
    return table(
        columns,
        [
            (r.run, r.process, r.params, state_in_words(r), r.jobs, counts_in_words(r.counts),
             duration(r.duration_s) if r.duration_s is not None else "", r.author, r.message,
             ", ".join(r.tags))
            for r in rows
        ],
    )  # fmt: skip


def cause_lines(causes: Iterable[CauseGroup]) -> list[str]:
    """Failures grouped by cause, one line each."""
    return [
        f"{group.count} {group.status.value}: {one_line(group.cause)}  [{some(group.targets, 3)}]" for group in causes
    ]


def described_words(report: BuildReport) -> str:
    """What a run described before it began."""
    commit = f" (commit {report.commit[:9]})" if report.commit else ""
    return f"described {count(report.files, 'file')} of {count(report.targets, 'target')} that had no metadata{commit}"


def standing_words(counts: Counts | None, *, missing: bool = True) -> list[str]:
    """What is to be known of outcomes that something rests on: how many are stale or flagged, how many are missing."""
    if counts is None:
        return []
    reasons = f" ({one_line('; '.join(counts.reasons))})" if counts.reasons else ""
    words = [
        (counts.stale, f"{counts.stale} of {count(counts.outcomes, 'outcome')} stale{reasons}"),
        (counts.flagged, f"{count(counts.flagged, 'target')} flagged"),
        (counts.missing if missing else 0, f"{count(counts.missing, 'target')} without an outcome"),
    ]
    return [text for number, text in words if number]


def unreached_words(why: str, targets: tuple[str, ...]) -> str:
    """Which flagged targets were asked for and cannot take part."""
    return f"{count(len(targets), 'flagged target')} {why}: {some(targets, 3)}"


def saving_words(saving: Saving) -> str:
    """What `warm: true` would have saved in a run, in one line."""
    return (
        f"{saving.import_s:.2g} s of {saving.job_s:.2g} s processor time per job went into importing"
        f" {some(saving.modules, 3)}: with `warm: true` in .stoa/processes/{saving.process}.yaml this run"
        f" saves {duration(saving.import_s * saving.jobs)} of processor time"
    )


def warmth_words(found: Warmth) -> str:
    """The interpreters of a process, in one line."""
    modules = ", ".join(f"{name} {version}".rstrip() for name, version in found.modules.items()) or "no module"
    left_out = "".join(f"; left out: {name}, which {why}" for name, why in found.left_out.items())
    if found.warm:
        return f"{found.process}: jobs share {modules}{left_out}"
    return f"{found.process}: each job takes {found.import_s:.2g} s to import {modules}; `warm: true` shares them"


def left_out_lines(environments: Iterable[str], processes: Iterable[str]) -> Iterator[str]:
    """What a check did not execute, as it came from someone else."""
    for name in environments:
        yield (
            f"not checked: environment {name}, which came from someone else and was not used in this clone yet; look at"
            f" .stoa/environments/{name}.yaml, then `stoa env build {name}` accepts it"
        )
    for name in processes:
        yield (
            f"not checked: the modules of process {name}, as files beside its script came from someone else; a run"
            " accepts them"
        )


def some(names: Iterable[str], most: int) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def limits_in_words(process: Process) -> str:
    """Time, memory and exit codes of a process."""
    timeout = duration(process.timeout_s) if process.timeout_s else "none"
    memory = f"{process.memory_mb} MB" if process.memory_mb else "no limit"
    codes = ", ".join(map(str, process.skip_codes))
    return f"timeout: {timeout}   memory: {memory}   exit codes for {Status.SKIPPED.value}: {codes}"
