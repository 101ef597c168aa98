"""Outcomes compared with the present definitions and inputs: which are stale, flagged, missing.

This is what every verb means by *stale*: the judge of `stoa.runs.judge`, asked about each job. See
``docs/design/0012-one-meaning-of-stale.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.model import INCONCLUSIVE
from stoa.provenance.ids import now
from stoa.request import Selection
from stoa.runs.definitions import resolve_again
from stoa.runs.judge import Past
from stoa.runs.plan import judged, past_of
from stoa.runs.planned import Plan, PlannedJob
from stoa.workspace.looks import MOST_REASONS, Counts, Finding, Look, amend, remember, remembered
from stoa.workspace.names import Pair, RunName, current, resolve_run, run_of, table_on_disk
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flagged
from stoa.workspace.scope import targets_for

NO_IMAGE = "the metadata no longer has this image"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the outcomes of a run or pair at the time of a look.

    Attributes
    ----------
    looked
        When the inputs were looked at, UTC in ISO 8601; "" if they never were on this machine.
    """

    outcomes: int
    findings: tuple[Finding, ...]  # stale ones, and those still blocked
    flagged: tuple[str, ...]  # targets with an outcome and an open flag
    missing: tuple[str, ...]  # of a pair: targets without a current outcome
    looked: str

    @property
    def stale(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.state == "stale")

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why outcomes are stale, the most frequent reason first."""
        return tuple(reason for reason, _ in Counter(finding.reason for finding in self.stale).most_common())

    @property
    def counts(self) -> Counts:
        return Counts(
            outcomes=self.outcomes, stale=len(self.stale), flagged=len(self.flagged), missing=len(self.missing),
            reasons=self.reasons[:MOST_REASONS],
        )  # fmt: skip


def standing(ws: Workspace, name: RunName, *, until: float | None = None) -> Standing:
    """The state of the outcomes of a run, or the current ones of a pair; every input is looked at.

    Parameters
    ----------
    until
        When to give up, by the monotonic clock.

    Raises
    ------
    TooLong
        If it was not done by then.
    """
    recorded = _recorded(ws, name)
    run = run_of(ws, name)
    try:
        definitions = resolve_again(ws, run, environment=name.environment)
    except StoaError as problem:
        words = no_definition(problem)
        findings = tuple(Finding(*job, of, "stale", words) for job, of in _recorded(ws, name, conclusive=True).items())
        return _standing(ws, name, recorded, findings, now())
    names = sorted({target for target, _ in recorded}) if name.run else targets_for(ws, name.pair.process)
    past = _of_run(ws, name.run, names) if name.run else None
    jobs = judged(ws, definitions, names, Selection(), past, until)
    findings = tuple(_findings(jobs, recorded))
    at = now()
    if not name.run:
        remember(ws, Look(pair=name.pair, digests=definitions.digests, at=at, findings=findings))
    return _standing(ws, name, recorded, findings, at)


def counted(ws: Workspace, source: str) -> Counts | None:
    """How many outcomes of a run or pair are stale, flagged or missing; None for a table on disk."""
    if table_on_disk(source):
        return None
    return standing(ws, resolve_run(ws, source)).counts


def notice(ws: Workspace, plan: Plan) -> None:
    """Remember what a plan saw of the inputs of its targets."""
    pair, digests = plan.definitions.pair, plan.definitions.digests
    recorded = _recorded(ws, current(pair))
    targets = {job.target for job in plan.jobs}
    findings = tuple(_findings(plan.jobs, {job: run for job, run in recorded.items() if job[0] in targets}))
    if targets >= set(targets_for(ws, pair.process)):
        remember(ws, Look(pair=pair, digests=digests, at=now(), findings=findings))
    elif look := remembered(ws, pair, digests):
        amend(ws, look, targets, findings)


def recalled(ws: Workspace, pair: Pair, changes: Mapping[str, list[str]]) -> Standing:
    """The state of a pair by its definitions and by the last look at its inputs, without a look now.

    Parameters
    ----------
    changes
        What changed in the definitions since each run, in words.
    """
    name = current(pair)
    recorded = _recorded(ws, name)
    words = {run: "; ".join(said) for run, said in changes.items()}
    said = _recorded(ws, name, conclusive=True)
    findings = {job: Finding(*job, run, "stale", words[run]) for job, run in said.items() if words[run]}
    look = None
    with suppress(StoaError):  # then all are stale
        look = remembered(ws, pair, resolve_again(ws, run_of(ws, name), environment=pair.environment).digests)
    for finding in look.findings if look else ():
        if recorded.get(finding.job) == finding.run:
            findings.setdefault(finding.job, finding)
    return _standing(ws, name, recorded, tuple(findings.values()), look.at if look else "")


def no_definition(problem: StoaError) -> str:
    """Why outcomes are stale whose definitions cannot be read; without a guess, as no one misspelt a name here."""
    if isinstance(problem, NotFoundError):
        return f"no {problem.kind} named {problem.name!r} is defined here"
    return problem.message


def _recorded(ws: Workspace, name: RunName, *, conclusive: bool = False) -> dict[tuple[str, str], str]:
    """The run of each outcome by target and image group, of its targets; all of them, or conclusive ones."""
    arguments: tuple[str, ...]
    if name.run:
        sql, arguments = "SELECT DISTINCT target, grp, run FROM outcomes WHERE run = ?", (name.run,)
    else:
        sql = "SELECT target, grp, run FROM current WHERE process = ? AND params = ? AND environment = ?"
        arguments = msgspec.structs.astuple(name.pair)
    if conclusive:
        sql, arguments = f"{sql} AND status NOT IN (?, ?)", (*arguments, *(state.value for state in INCONCLUSIVE))
    rows = ws.index.rows(sql, arguments)
    mine = ws.targets.keys() if name.run else set(targets_for(ws, name.process))
    return {(target, group): run for target, group, run in rows if target in mine}


def _of_run(ws: Workspace, run: str, names: list[str]) -> Iterator[dict[str, Past]]:
    """For each target its outcomes in one run, by image group."""
    sql = "SELECT grp, record FROM outcomes WHERE run = ? AND target = ? ORDER BY attempt, id"
    for target in names:
        yield past_of(ws.index.rows(sql, (run, target)))


def _findings(jobs: tuple[PlannedJob, ...], recorded: Mapping[tuple[str, str], str]) -> Iterator[Finding]:
    seen = set()
    for job in jobs:
        key = (job.target, job.group)
        seen.add(key)
        if key in recorded and job.state in ("stale", "blocked"):
            yield Finding(*key, recorded[key], job.state, job.state_reason)
    yield from (Finding(*key, run, "stale", NO_IMAGE) for key, run in recorded.items() if key not in seen)


def _standing(
    ws: Workspace, name: RunName, recorded: Mapping[tuple[str, str], str], findings: tuple[Finding, ...], at: str
) -> Standing:
    targets = {target for target, _ in recorded}
    mine = () if name.run else targets_for(ws, name.pair.process)
    return Standing(
        outcomes=len(recorded), findings=findings, flagged=tuple(sorted(targets & flagged(ws).keys())),
        missing=tuple(target for target in mine if target not in targets), looked=at,
    )  # fmt: skip
