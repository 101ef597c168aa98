"""What is due each day: new folders, their metadata, runs of what is new, and sharing it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import suppress

import msgspec

from stoa.control import Control
from stoa.errors import StoaError
from stoa.provenance.fields import seconds_of
from stoa.provenance.git import has_remote
from stoa.request import Request, Selection
from stoa.runs.chain import stages
from stoa.runs.definitions import resolve
from stoa.runs.launch import Event, RunReport, carry_out
from stoa.runs.plan import make_plan
from stoa.runs.planned import Plan
from stoa.runs.products import NothingMade, take_products
from stoa.runs.standing import notice
from stoa.workspace.adding import add_targets, folders_of
from stoa.workspace.growing import still_growing
from stoa.workspace.metadata import build_documents
from stoa.workspace.names import Pair, asked_pair, pair_words
from stoa.workspace.on_end import problem_words
from stoa.workspace.open import Workspace
from stoa.workspace.roots import list_roots
from stoa.workspace.scope import targets_for
from stoa.workspace.sharing import share

__all__ = ["Prepared", "UpdateReport", "finish", "prepare", "run_new", "seconds_of"]

SETTLED_S = 600.0
"""How long nothing may have been written to a folder before it counts as complete."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """What was found and described, before anything runs.

    Attributes
    ----------
    growing
        Folders, ``<root>:<path>``, to which something was written a moment ago: they are left for the next time.
    settled
        Targets that may run.
    pairs
        What is run for new targets.
    left
        Pairs that are not run, and why.
    problems
        What could not be done, in words; the rest was done all the same.
    """

    received: int
    added: tuple[str, ...]
    growing: tuple[str, ...]
    settled: tuple[str, ...]
    described: int
    pairs: tuple[Pair, ...]
    left: dict[str, str]
    problems: tuple[str, ...]


class UpdateReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an update did."""

    prepared: Prepared
    runs: tuple[RunReport, ...]
    sent: int
    problems: tuple[str, ...]  # all that could not be done

    @property
    def all_ok(self) -> bool:
        return all(report.all_ok for report in self.runs)


def prepare(
    ws: Workspace, names: tuple[str, ...] = (), *, settled_s: float = SETTLED_S, sync: bool = True, workers: int = 0
) -> Prepared:
    """Fetch what others have, add new folders by the remembered patterns, and describe what is new or has changed.

    Parameters
    ----------
    names
        Processes or ``PROCESS@SET``; () for all that have run.
    settled_s
        Folders to which something was written within so many seconds are left alone.

    Raises
    ------
    StoaError
        If records cannot be committed now, or a name is unknown.
    """
    ws.ready()
    problems: list[str] = []
    received = _shared(ws, problems)[0] if sync else 0
    ws.reread()
    added, growing = _scanned(ws, settled_s, problems)
    ws.reread()
    settled = []
    here = {state.name for state in list_roots(ws) if state.exists}
    for target in ws.targets.values():
        if target.root not in here:
            continue
        if still_growing(ws.project.folder(target), settled_s):
            growing.append(f"{target.root}:{target.path}")
        else:
            settled.append(target.name)
    described = len(build_documents(ws, tuple(settled), workers).changed) if settled else 0
    pairs, left = _pairs(ws, names)
    return Prepared(
        received=received, added=tuple(added), growing=tuple(dict.fromkeys(growing)), settled=tuple(settled),
        described=described, pairs=tuple(pairs), left=left, problems=tuple(problems),
    )  # fmt: skip


def _shared(ws: Workspace, problems: list[str]) -> tuple[int, int]:
    """Commits that came and went; nothing where there is no remote. What hinders it is noted."""
    if not has_remote(ws.repository):
        return 0, 0
    try:
        report = share(ws)
    except StoaError as problem:
        problems.append(f"not shared: {problem_words(problem)}")
        return 0, 0
    return report.received, report.sent


def _scanned(ws: Workspace, settled_s: float, problems: list[str]) -> tuple[list[str], list[str]]:
    """Names of targets that were added, and new folders that still grow."""
    added: list[str] = []
    growing: list[str] = []
    for list_name, patterns in ws.library.patterns().items():
        for pattern in patterns:
            try:
                new = folders_of(ws, pattern)
                moving = {path for path in new if still_growing(ws.project.root(pattern.root) / path, settled_s)}
                growing += [f"{pattern.root}:{path}" for path in sorted(moving)]
                if fresh := [path for path in new if path not in moving]:
                    report = add_targets(ws, pattern.root, (), fresh, list_name, pattern.name, remember=False)
                    added += [target.name for target in report.added]
            except StoaError as problem:
                problems.append(f"{pattern.root} {pattern.pattern}: {problem_words(problem)}")
    return added, growing


def _pairs(ws: Workspace, names: tuple[str, ...]) -> tuple[list[Pair], dict[str, str]]:
    """What to run: what is named, or every pair that has run, each after what it needs; and why others are left out.

    A set that was made by ``--set`` is a trial: it is run only if it is named.
    """
    if names:
        return [_asked(ws, name) for name in names], {}
    rows = ws.index.rows("SELECT DISTINCT process, params, environment FROM latest")
    words = pair_words(ws, [Pair(*row) for row in rows])
    left: dict[str, str] = {}
    kept = []
    for pair, text in words.items():
        try:
            process = ws.library.process(pair.process)
            if pair.params not in ws.library.parameter_sets(process.name):
                left[text] = "its values were given by --set, or its set is gone"
                continue
            kept.append(pair)
        except StoaError as problem:
            left[text] = problem.message
    return sorted(kept, key=lambda pair: (_order(ws, pair), pair)), left


def _asked(ws: Workspace, name: str) -> Pair:
    process, params, environment = asked_pair(ws, name)
    return Pair(process, params, environment or ws.library.process(process).environment)


def _order(ws: Workspace, pair: Pair) -> int:
    """How many stages come before a pair."""
    return len(stages(ws, pair.process, pair.params))


def run_new(
    ws: Workspace, prepared: Prepared, workers: int = 0, control: Control | None = None, asked: tuple[str, ...] = ()
) -> Generator[Event, None, None]:
    """Run each pair for the settled targets that have no outcome of it yet; gives what happens as it happens."""
    request = Request(selection=Selection(targets=prepared.settled, new=True), workers=workers, asked=asked)
    if prepared.settled:
        yield from carry_out(ws, _plans(ws, prepared, request), request, control or Control())


def _plans(ws: Workspace, prepared: Prepared, request: Request) -> Iterator[tuple[Plan, str]]:
    for pair in prepared.pairs:
        definitions = resolve(ws, pair.process, pair.params, {}, pair.environment)
        selection = request.selection
        if definitions.process.over_products_of:
            with suppress(NothingMade):
                take_products(ws, definitions.process)
            selection = msgspec.structs.replace(selection, targets=tuple(targets_for(ws, pair.process)))
        made = make_plan(ws, definitions, selection)
        notice(ws, made)
        yield made, ""


def finish(ws: Workspace, prepared: Prepared, runs: tuple[RunReport, ...], *, sync: bool = True) -> UpdateReport:
    """Share what was recorded, and say what was done."""
    problems = list(prepared.problems)
    sent = 0
    if sync:
        last: list[str] = []
        sent = _shared(ws, last)[1]
        problems = [words for words in problems if not words.startswith("not shared")] + last
    return UpdateReport(prepared=prepared, runs=runs, sent=sent, problems=tuple(problems))
