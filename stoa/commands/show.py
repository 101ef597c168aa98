"""Everything that is known of a target or a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.model import Author, Outcome, Review, Run, Summary, Target
from stoa.provenance.index import decode_outcome
from stoa.workspace.agreement import Contradiction, Disagreement, contradictions, disagreements
from stoa.workspace.names import Pair, pair_words, resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import reviews_of, select_reviews
from stoa.workspace.samples import hidden_from, without_hidden
from stoa.workspace.tags import tagged, tagged_groups, tags_of_pairs, tags_of_runs
from stoa.workspace.targets import known_target, metadata_rows


class OutcomeView(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome with the definitions it came from."""

    pair: str  # as typed: PROCESS@SET, or PROCESS@SET+ENV
    process: str
    params: str
    environment: str
    outcome: Outcome
    folder: str  # of its products on this machine; "" where they are not
    interrupted_since: str = ""  # the later run that said nothing about it


class TargetView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of a target."""

    target: Target
    folder: str
    folder_exists: bool
    metadata: dict[str, object]
    latest: tuple[OutcomeView, ...]
    reviews: tuple[Review, ...]
    open_flags: tuple[str, ...]  # ids
    disagreements: tuple[Disagreement, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    tags: tuple[str, ...] = ()
    group_tags: tuple[tuple[str, str], ...] = ()  # image group and tag, where the group alone has it
    hidden: bool = False  # it is in a blind sample that you have not judged: what others say is left out


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run with its summary."""

    run: Run
    summary: Summary | None
    commit_hint: str  # the git command that shows its commits
    reviews: tuple[Review, ...] = ()  # of the run as such and of its outcomes; of the pair where one was named
    tags: tuple[str, ...] = ()  # of the run, or of the pair


def show_run(ws: Workspace, name: str, reader: Author | None = None) -> RunView:
    """A run by name.

    Parameters
    ----------
    reader
        Who looks, from whom a blind sample may hide what others say; by default the one whom git names.
    """
    asked = resolve_run(ws, name)
    run = run_of(ws, asked)
    summary = ws.index.rows("SELECT summary FROM runs WHERE run = ?", (run.id,))[0][0]
    who = reader or ws.repository.author()
    reviews = without_hidden(select_reviews(ws, "WHERE run = ?", [run.id]), hidden_from(ws, who), who)
    tags = tags_of_runs(ws).get(run.id, ())
    if not asked.run:
        key = msgspec.structs.astuple(asked.pair)
        reviews += select_reviews(ws, "WHERE process = ? AND params = ? AND environment = ?", key)
        tags = tags_of_pairs(ws).get(asked.pair, ())
    return RunView(
        run=run, summary=msgspec.json.decode(summary, type=Summary) if summary else None,
        commit_hint=f"git log --grep 'Stoa-Run: {run.id}'",
        reviews=tuple(reviews), tags=tags,
    )  # fmt: skip


def show_target(ws: Workspace, name: str, reader: Author | None = None) -> TargetView:
    """A target: its folder, metadata, latest outcomes, flags and comments; `reader` as of `show_run`."""
    target = known_target(ws, name)
    sql = (
        "SELECT l.process, l.params, l.environment, o.record FROM current l JOIN outcomes o ON o.id = l.outcome"
        " WHERE l.target = ? ORDER BY o.run, l.grp"
    )
    rows = [(Pair(*key), decode_outcome(record)) for *key, record in ws.index.rows(sql, (name,))]
    words, since = pair_words(ws, {pair for pair, _ in rows}), _interrupted(ws, name)
    latest = tuple(_view(ws, pair, words[pair], outcome, since) for pair, outcome in rows)
    try:
        folder = ws.project.folder(target)
    except StoaError:
        folder = Path(target.path)
    flags = ws.index.rows("SELECT id FROM open_flags WHERE target = ? ORDER BY id", (name,))
    who = reader or ws.repository.author()
    hidden = {name} & hidden_from(ws, who)
    reviews = tuple(without_hidden(reviews_of(ws, name), hidden, who))
    shown = {review.id for review in reviews}
    return TargetView(
        target=target, folder=str(folder), folder_exists=folder.is_dir(),
        metadata=dict(metadata_rows(ws).get(name, {})), latest=latest,
        reviews=reviews, open_flags=tuple(row[0] for row in flags if row[0] in shown),
        disagreements=disagreements(ws, target=name), contradictions=() if hidden else contradictions(ws, name),
        tags=tuple(tag for tag, names in tagged(ws).items() if name in names),
        group_tags=tuple((one[1], tag) for tag, some in tagged_groups(ws).items() for one in some if one[0] == name),
        hidden=bool(hidden),
    )  # fmt: skip


def _interrupted(ws: Workspace, target: str) -> dict[tuple[Pair, str], str]:
    """The later run of each job of a target that said nothing about it, by pair and image group."""
    sql = "SELECT process, params, environment, grp, run FROM interrupted_since WHERE target = ? ORDER BY rank"
    return {(Pair(*key), group): run for *key, group, run in ws.index.rows(sql, (target,))}


def _view(
    ws: Workspace, pair: Pair, words: str, outcome: Outcome, since: Mapping[tuple[Pair, str], str]
) -> OutcomeView:
    folder = ""
    if outcome.place:
        try:
            place = ws.project.file(outcome.place)
            folder = str(place) if place.is_dir() else ""
        except StoaError:
            folder = ""
    return OutcomeView(
        pair=words, process=pair.process, params=pair.params, environment=pair.environment, outcome=outcome,
        folder=folder, interrupted_since=since.get((pair, outcome.group)) or since.get((pair, ""), ""),
    )  # fmt: skip
