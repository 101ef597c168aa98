"""What a reviewer looks at: the outcome of one job, how it went before, what was said, and its images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from stoa.errors import StoaError
from stoa.model import FileRef, Outcome, OutputSpec, Review, Run, Value, effective
from stoa.provenance.index import decode_outcome, decode_run
from stoa.workspace.frozen import frozen_process
from stoa.workspace.names import Pair, pair_words
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import outcome_of
from stoa.workspace.reviews import select_reviews

MOST_PAST = 40
"""Earlier outcomes that are listed."""

_ENDINGS = (".fits", ".fits.gz", ".fits.fz", ".fit", ".fit.gz")
_TABLES = frozenset({"catalogue"})  # kinds of outputs that are FITS and no images

_CURRENT = """
SELECT o.record, r.record FROM current l JOIN outcomes o ON o.id = l.outcome JOIN runs r ON r.run = o.run
WHERE l.process = ? AND l.params = ? AND l.environment = ? AND l.target = ? AND l.grp = ?
"""

_PAST = """
SELECT o.process, o.params, o.environment, o.run, o.grp, o.status, o.cause, o.started, r.author
FROM outcomes o JOIN runs r ON r.run = o.run WHERE o.target = ? AND (o.grp = ? OR o.grp = '' OR ? = '')
ORDER BY r.rank DESC, o.attempt DESC LIMIT ?
"""

_OF_PAIR = """
SELECT l.target, l.grp, o.record FROM current l JOIN outcomes o ON o.id = l.outcome
WHERE l.process = ? AND l.params = ? AND l.environment = ?
"""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome of the same target, of any pair."""

    pair: str
    run: str
    group: str
    status: str
    cause: str
    started: str
    author: str


class Image(msgspec.Struct, frozen=True):
    """An image that an outcome took or made."""

    name: str  # of the input or output
    ref: FileRef
    made: bool


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """A job as a reviewer sees it."""

    outcome: Outcome
    run: Run
    values: dict[str, Value]  # parameters with what rules gave to this target
    past: tuple[Past, ...]  # the newest first
    reviews: tuple[Review, ...]  # the oldest first
    images: tuple[Image, ...]
    tables: tuple[FileRef, ...]  # outputs of kind catalogue


class _Files(msgspec.Struct, frozen=True):
    """The part of an outcome that names files."""

    inputs: dict[str, FileRef] = {}
    outputs: dict[str, FileRef] = {}


_FILES = msgspec.json.Decoder(_Files)


def dossier(ws: Workspace, pair: Pair, target: str, group: str) -> Dossier:
    """Everything about the current outcome of a job.

    Raises
    ------
    StoaError
        If it has none.
    """
    rows = ws.index.rows(_CURRENT, (*msgspec.structs.astuple(pair), target, group))
    if not rows:
        which = f"{target} {group}" if group else target
        raise StoaError(f"{which} has no outcome any more", "look at the queue again")
    outcome, run = decode_outcome(rows[0][0]), decode_run(rows[0][1])
    past = [(Pair(*row[:3]), row[3:]) for row in ws.index.rows(_PAST, (target, group, group, MOST_PAST))]
    words = pair_words(ws, {each for each, _ in past})
    outputs = declared_outputs(ws, outcome.run)
    return Dossier(
        outcome=outcome, run=run, values=effective(run.params.values, outcome.overrides),
        past=tuple(_past(words[each], row) for each, row in past),
        reviews=tuple(select_reviews(ws, "WHERE target = ?", [target])),
        images=tuple(images_of(outcome.inputs, outcome.outputs, outputs)),
        tables=tuple(tables_of_outcome(outcome, outputs)),
    )  # fmt: skip


def files_of(ws: Workspace, source: str, target: str, group: str) -> tuple[list[Image], list[FileRef]]:
    """Images and source tables of the outcome that a run or a pair has of a job.

    Raises
    ------
    StoaError
        If it has none.
    """
    outcome = outcome_of(ws, target, source, group)
    declared = declared_outputs(ws, outcome.run)
    return images_of(outcome.inputs, outcome.outputs, declared), tables_of_outcome(outcome, declared)


def tables_of_outcome(outcome: Outcome, declared: Mapping[str, OutputSpec]) -> list[FileRef]:
    """The catalogues that an outcome has made."""
    return [ref for name, ref in outcome.outputs.items() if _kind(declared, name) in _TABLES]


def _past(pair: str, row: tuple[Any, ...]) -> Past:
    run, group, status, cause, started, author = row
    return Past(pair=pair, run=run, group=group, status=status, cause=cause, started=started or "", author=author)


def declared_outputs(ws: Workspace, run: str) -> Mapping[str, OutputSpec]:
    """What the process of a run promised to write; nothing where that cannot be read."""
    try:
        process = frozen_process(ws, run)
    except StoaError:
        return {}
    return process.outputs if process else {}


def images_of(
    inputs: Mapping[str, FileRef], outputs: Mapping[str, FileRef], declared: Mapping[str, OutputSpec]
) -> list[Image]:
    """Images of an outcome: what it took, what is called image before all else, then what it made."""
    taken = [Image(name, ref, made=False) for name, ref in inputs.items() if ref.path.lower().endswith(_ENDINGS)]
    made = [
        Image(name, ref, made=True)
        for name, ref in outputs.items()
        if ref.path.lower().endswith(_ENDINGS) and _kind(declared, name) not in _TABLES
    ]
    return sorted(taken, key=lambda image: image.name != "image") + made


def _kind(declared: Mapping[str, OutputSpec], name: str) -> str:
    return declared[name].kind if name in declared else "file"


def pictured(ws: Workspace, pair: Pair) -> dict[tuple[str, str], FileRef]:
    """The first image of each current outcome of a pair, by target and image group; those without one are left out."""
    rows = ws.index.rows(_OF_PAIR, msgspec.structs.astuple(pair))
    runs = ws.index.rows("SELECT run FROM runs WHERE process = ? ORDER BY rank DESC LIMIT 1", (pair.process,))
    declared = declared_outputs(ws, runs[0][0]) if runs else {}
    found: dict[tuple[str, str], FileRef] = {}
    for target, group, record in rows:
        files = _FILES.decode(record)
        if images := images_of(files.inputs, files.outputs, declared):
            found[target, group] = images[0].ref
    return found


def judges(ws: Workspace) -> dict[str, tuple[str, ...]]:
    """Who has flagged, cleared or commented on a target, by email, in the order in which they began to."""
    found: dict[str, dict[str, None]] = {}
    for target, email in ws.index.rows("SELECT target, email FROM reviews ORDER BY id"):
        found.setdefault(target, {})[email] = None
    return {target: tuple(emails) for target, emails in found.items()}
