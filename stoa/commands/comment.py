"""Comments on targets, outcomes and runs."""

from __future__ import annotations

from collections.abc import Iterable

from stoa.errors import StoaError
from stoa.model import SCHEMA, Review
from stoa.provenance.ids import now
from stoa.workspace.open import Workspace
from stoa.workspace.writing import ReviewReport, check_length, chosen_targets, next_id, one_run, subject, write_reviews

_ON_RUN = "; --run alone is for a run as such"


def comment(
    ws: Workspace, targets: Iterable[str] = (), *, text: str, run: str = "", group: str = "", where: str = ""
) -> ReviewReport:
    """Comment on targets, on the outcomes of a run for them, or without targets on a run as such."""
    if not text.strip():
        raise StoaError("a comment needs a text", "`stoa comment TARGET -m TEXT`")
    names = tuple(targets)
    if run and not names and not where and not group:
        return _comment_on_run(ws, run, text)
    return write_reviews(ws, "comment", chosen_targets(ws, names, where, _ON_RUN), text=text, run=run, group=group)


def _comment_on_run(ws: Workspace, name: str, text: str) -> ReviewReport:
    check_length(text)
    ws.ready()
    run = one_run(ws, name)
    review = Review(
        schema=SCHEMA, id=next_id(ws), kind="comment", target="", run=run, text=text, author=ws.repository.author(),
        time=now(),
    )  # fmt: skip
    commit = ws.store.add_reviews([review], subject("comment", [f"run {run}"], "", text))
    return ReviewReport(id=review.id, kind="comment", targets=(), commit=commit, run=run)
