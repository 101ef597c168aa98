"""Comments on targets, outcomes and runs, with a picture or as a reply."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from stoa.errors import StoaError
from stoa.model import Review
from stoa.workspace.open import Workspace
from stoa.workspace.pictures import Picture, read_picture
from stoa.workspace.reviews import select_reviews
from stoa.workspace.selection import match_names
from stoa.workspace.writing import ReviewReport, chosen_targets, one_run, write_on_run, write_reviews

_ON_RUN = "; --run alone is for a run as such"
LAST = "last"


def comment(
    ws: Workspace,
    targets: Iterable[str] = (),
    *,
    text: str,
    run: str = "",
    group: str = "",
    where: str = "",
    picture: Path | Picture | None = None,
    reply_to: str = "",
) -> ReviewReport:
    """Comment on targets, on the outcomes of a run for them, or without targets on a run as such.

    Parameters
    ----------
    picture
        A PNG or JPEG of at most 64 kB, as a file or as it was read; its content is looked at, not its name.
    reply_to
        A comment that this one answers: its id, a unique start of it, or ``last`` for the latest one on the targets.
        The answer is about what that comment is about, or about those of its targets that are named.

    Raises
    ------
    StoaError
        If there is no text, the picture is none, or there is no such comment.
    """
    if not text.strip():
        raise StoaError("a comment needs a text", "`stoa comment TARGET -m TEXT`")
    names = tuple(targets)
    shown = read_picture(picture) if isinstance(picture, Path) else picture
    if reply_to:
        if run or group or where:
            raise StoaError("a reply is about what its comment is about", "leave --run, --group and --where out")
        return _reply(ws, reply_to, names, text, shown)
    if run and not names and not where and not group:
        return write_on_run(ws, "comment", one_run(ws, run), text=text, picture=shown)
    chosen = chosen_targets(ws, names, where, _ON_RUN)
    return write_reviews(ws, "comment", chosen, text=text, run=run, group=group, picture=shown)


def _reply(ws: Workspace, asked: str, patterns: Sequence[str], text: str, picture: Picture | None) -> ReviewReport:
    wanted = match_names(patterns, ws.targets) if patterns else []
    answered = _answered(ws, asked, wanted)
    first = answered[0]
    if not first.target:
        return write_on_run(ws, "comment", first.run, text=text, reply_to=first.id, picture=picture)
    on = [each.target for each in answered]
    if others := [name for name in wanted if name not in on]:
        raise StoaError(f"comment {first.id} is not about target {others[0]!r}", f"it is about {', '.join(on[:5])}")
    names = [name for name in on if name in ws.targets and (not wanted or name in wanted)]
    return write_reviews(
        ws, "comment", names, text=text, run=first.run, group=first.group, reply_to=first.id, picture=picture
    )


def _answered(ws: Workspace, asked: str, targets: Sequence[str]) -> list[Review]:
    """The comment that is meant, once for each of its targets."""
    if asked == LAST:
        found = [
            each for each in select_reviews(ws, "WHERE kind = 'comment'", []) if not targets or each.target in targets
        ]
        if not found:
            raise StoaError("there is no comment to answer", "`stoa reviews` lists the comments")
        asked = found[-1].id
    found = select_reviews(ws, "WHERE kind = 'comment' AND substr(id, 1, ?) = ?", [len(asked), asked])
    ids = {each.id for each in found}
    if len(ids) != 1:
        what = f"{asked!r} is the start of {len(ids)} comments" if ids else f"there is no comment {asked!r}"
        raise StoaError(what, "`stoa reviews` lists the comments with their ids")
    return found
