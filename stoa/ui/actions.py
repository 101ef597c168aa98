"""What can be done from a page: each action takes names, makes one commit and says how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from stoa.commands.assign import NOBODY
from stoa.commands.assign import assign as write_assignment  # the action has the name of the verb
from stoa.commands.comment import comment as write_comment  # the action has the name of the verb
from stoa.commands.flag import flag as write_flag  # the action has the name of the verb
from stoa.commands.review import pass_targets
from stoa.commands.select import save
from stoa.commands.step import step as write_step  # the word is that of the queue
from stoa.commands.stop import stop
from stoa.commands.sync import sync as exchange  # the action has the name of the verb
from stoa.commands.tag import tag as write_tag  # the action has the name of the verb
from stoa.commands.unflag import unflag
from stoa.errors import StoaError
from stoa.model import FileRef
from stoa.show.events import event_in_words
from stoa.show.reviews import reviewed_words
from stoa.show.words import count, one_line
from stoa.ui.identity import acting, who
from stoa.workspace.board import events
from stoa.workspace.open import Workspace
from stoa.workspace.pictures import checked_picture
from stoa.workspace.reviews import flagged
from stoa.workspace.selections import condition
from stoa.workspace.steps import OPEN, assigned, states
from stoa.workspace.travel import fetch_one
from stoa.workspace.views import remove_view as take_view_away  # the action has the same name
from stoa.workspace.views import save_view as write_view  # the action has the same name
from stoa.workspace.writing import ReviewReport

NOT_ALLOWED = {
    "review": "you may look, but not judge",
    "run": "you may look and judge, but not start or stop runs",
}

MOST_NEWS = 6
"""Actions of others that are named one by one after a sync."""


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """How flags or clearings are taken back; git keeps both."""

    clears: str = ""  # id of the flags that are cleared
    flags: dict[str, tuple[str, ...]] = {}  # reason -> targets that are flagged again
    targets: tuple[str, ...] = ()


class UndoTag(msgspec.Struct, frozen=True, kw_only=True):
    """How a tag that was given is taken away from the same, or the other way round."""

    tag: str
    is_removal: bool
    targets: tuple[str, ...]
    group: str = ""
    run: str = ""  # a run or a pair instead of targets


class UndoStep(msgspec.Struct, frozen=True, kw_only=True):
    """How a step, or who is to do it, becomes again what it was."""

    step: str  # "" for all steps
    is_assignment: bool
    given: str  # the state or the person that was recorded, "" for nobody
    before: dict[str, tuple[str, ...]]  # what it was -> targets


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, to whom, and how it is taken back."""

    words: str
    targets: tuple[str, ...] = ()
    commit: str = ""
    undo: Undo | UndoTag | UndoStep | None = None


def may(right: str) -> str:
    """Why the person at this page may not do a thing; "" if they may.

    Parameters
    ----------
    right
        ``review`` or ``run``.
    """
    person = who()
    return "" if right in person.may else person.why_not or NOT_ALLOWED[right]


def flag(targets: Sequence[str], reason: str, text: str = "", *, run: str = "", group: str = "") -> Done:
    """Flag targets by name, as one commit."""
    with acting("review", f"flag {reason}", targets) as ws:
        report = write_flag(ws, _named(ws.targets, targets), reason=reason, text=text, run=run, group=group)
    undo = Undo(clears=report.id, targets=report.targets)
    return _done(report, undo)


def clear(targets: Sequence[str], reason: str = "", text: str = "") -> Done:
    """Clear the open flags of targets by name, all of them or those of one reason, as one commit."""
    with acting("review", "unflag", targets) as ws:
        before = flagged(ws)
        report = unflag(ws, _named(ws.targets, targets), reason=reason, text=text)
    again: dict[str, list[str]] = {}
    for target in report.targets:
        for code in before.get(target, ()):
            if reason in ("", code):
                again.setdefault(code, []).append(target)
    undo = Undo(flags={code: tuple(names) for code, names in again.items()})
    return _done(report, undo)


def comment(targets: Sequence[str], text: str, *, picture: bytes = b"", reply_to: str = "") -> Done:
    """Comment on targets by name, as one commit; a comment cannot be taken back.

    Parameters
    ----------
    picture
        Content of a PNG or JPEG, which is looked at; b"" for none.
    reply_to
        Id of a comment that this one answers.
    """
    if not text.strip():
        raise StoaError("the comment is empty", "write something")
    checked = checked_picture(picture, "the picture") if picture else None
    with acting("review", "comment", targets) as ws:
        names = _named(ws.targets, targets)
        report = write_comment(ws, names, text=text, picture=checked, reply_to=reply_to)
    return _done(report)


def pass_target(targets: Sequence[str]) -> Done:
    """Say of targets by name that there is nothing to flag, as one commit; a flag afterwards says something else."""
    with acting("review", "pass", targets) as ws:
        report = pass_targets(ws, _named(ws.targets, targets))
    return _done(report)


def take_back(done: Done) -> Done:
    """Take an action back.

    Flags of it that are still open are cleared, and cleared ones are set again. A tag is taken away, or given again. A
    step, or who is to do it, becomes what it was, of those targets of which no one has recorded something else since.
    """
    undo = done.undo
    if undo is None:
        raise StoaError("this cannot be taken back")
    with acting("review", "take back", done.targets) as ws:
        if isinstance(undo, UndoTag):
            reports = [
                write_tag(
                    ws, undo.targets, tag=undo.tag, remove=not undo.is_removal, text="taken back", group=undo.group,
                    run=undo.run,
                )
            ]  # fmt: skip
        elif isinstance(undo, UndoStep):
            reports = _as_before(ws, undo)
        elif undo.clears:
            reports = [unflag(ws, undo.targets, event=undo.clears, text="taken back")]
        else:
            reports = [
                write_flag(ws, names, reason=code, text="set again: the clearing was taken back")
                for code, names in undo.flags.items()
            ]
    names = tuple(dict.fromkeys(name for report in reports for name in report.targets))
    return Done(words=f"taken back: {done.words}", targets=names, commit=reports[-1].commit)


def _as_before(ws: Workspace, undo: UndoStep) -> list[ReviewReport]:
    """Record of each target what it had before; of none that has something else by now."""
    now = _present(ws, undo.step, is_assignment=undo.is_assignment)
    reports = []
    for value, names in undo.before.items():
        same = [name for name in names if now(name) == undo.given]
        if same and undo.is_assignment:
            reports.append(write_assignment(ws, same, person=value or NOBODY, step=undo.step, text="taken back"))
        elif same:
            reports.append(write_step(ws, same, step=undo.step, state=value, text="taken back"))
    if not reports:
        raise StoaError("something else has been recorded since; nothing was taken back", "look at the page again")
    return reports


def _present(ws: Workspace, step: str, *, is_assignment: bool) -> Callable[[str], str]:
    """What is recorded now of a target: the state of a step, or who is to do it, "" for no one."""
    known = assigned(ws) if is_assignment else states(ws)
    return lambda target: known.get((target, step), "" if is_assignment else OPEN)


def _undo_step(
    before: Callable[[str], str], targets: Sequence[str], step: str, given: str, *, is_assignment: bool
) -> UndoStep | None:
    """How to go back, None where nothing has changed."""
    changed: dict[str, tuple[str, ...]] = {}
    for target in targets:
        if before(target) != given:
            changed[before(target)] = (*changed.get(before(target), ()), target)
    return UndoStep(step=step, is_assignment=is_assignment, given=given, before=changed) if changed else None


def record_step(targets: Sequence[str], name: str, state: str, text: str = "") -> Done:
    """Record a step of the review of targets by name, as one commit."""
    with acting("review", f"step {name} {state}", targets) as ws:
        before = _present(ws, name, is_assignment=False)
        report = write_step(ws, _named(ws.targets, targets), step=name, state=state, text=text)
    undo = _undo_step(before, report.targets, name, state, is_assignment=False)
    return _said(f"{one_line(name)} of {_whom(report)}: {state}", report, undo)


def assign(targets: Sequence[str], person: str, step: str = "", text: str = "") -> Done:
    """Say who is to look at targets by name, as one commit.

    Parameters
    ----------
    person
        A name or an address; ``me``, or ``nobody``.
    step
        Only this one, "" for all.
    """
    with acting("review", f"assign {person}", targets) as ws:
        before = _present(ws, step, is_assignment=True)
        report = write_assignment(ws, _named(ws.targets, targets), person=person, step=step, text=text)
        given = _present(ws, step, is_assignment=True)(report.targets[0])
    undo = _undo_step(before, report.targets, step, given, is_assignment=True)
    what = f"{one_line(step)} of " if step else ""
    return _said(f"assigned {what}{_whom(report)} to {one_line(given or NOBODY)}", report, undo)


def tag(
    targets: Sequence[str], name: str, text: str = "", *, remove: bool = False, group: str = "", run: str = ""
) -> Done:
    """Give a tag, or take it away, as one commit; what is as wanted is left as it is.

    Parameters
    ----------
    targets
        Names.
    group
        Image group of the targets, which alone is tagged.
    run
        A run or a pair instead of targets.
    """
    with acting("review", f"{'untag' if remove else 'tag'} {name}", targets or [run]) as ws:
        names = _named(ws.targets, targets)
        report = write_tag(ws, names, tag=name, remove=remove, text=text, group=group, run=run)
    whom = report.pair or report.run or f"{_whom(report)} {report.group}".rstrip()
    words = f"tag {one_line(name)} {'taken from' if remove else 'given to'} {whom}"
    undo = UndoTag(
        tag=name, is_removal=remove, targets=report.targets, group=report.group, run=report.pair or report.run
    )
    return _said(words, report, undo)


def save_selection(name: str, where: str, tags: Sequence[str], selections: Sequence[str]) -> Done:
    """Keep a condition over targets under a name, for all; other selections in it become part of the condition."""
    with acting("review", f"select {name}") as ws:
        made = save(ws, name, where=condition(ws, where, (), selections), tags=tags)
    now = count(len(made.targets), "target")
    return Done(words=f"selection {one_line(name)} saved: {now} now", commit=made.commit)


def fetch_product(ref: FileRef) -> Done:
    """Fetch a product from the store to this machine; it changes no record."""
    with acting("review", "fetch", [ref.path]) as ws:
        fetch_one(ws, ref)
    return Done(words=f"fetched {one_line(ref.path.rpartition('/')[2])}")


def save_view(name: str, page: str, filters: Sequence[tuple[str, str]]) -> Done:
    """Keep a page with its filters under a name, for all."""
    with acting("review", f"view {name}") as ws:
        commit = write_view(ws, name, page, filters)
    return Done(words=f"view {one_line(name)} saved", commit=commit)


def remove_view(name: str) -> Done:
    """Take a view away; git keeps it."""
    with acting("review", f"remove view {name}") as ws:
        commit = take_view_away(ws, name)
    return Done(words=f"view {one_line(name)} removed", commit=commit)


def stop_run(run: str, *, at_once: bool = False) -> Done:
    """Tell a live run to start nothing more or, at once, to end its jobs, too."""
    with acting("run", f"stop {run}") as ws:
        report = stop(ws, run, at_once=at_once)
    told = "was told to stop at once" if at_once else "starts no more jobs; those that run may end"
    return Done(words=f"run {report.run} {told}")


def sync() -> Done:
    """Exchange commits with the collaborators, and say what came in."""
    with acting("review", "sync") as ws:
        before = {event.id for event in events(ws)}
        report = exchange(ws)
        came = [event_in_words(event) for event in events(ws) if event.id not in before]
    what = "; ".join(came[:MOST_NEWS]) or ("nothing new" if not report.received else count(report.received, "commit"))
    more = f" and {len(came) - MOST_NEWS} more" if len(came) > MOST_NEWS else ""
    return Done(words=f"came in: {what}{more}. Sent: {count(report.sent, 'commit')}", commit=report.commit)


def _said(words: str, report: ReviewReport, undo: UndoTag | UndoStep | None) -> Done:
    return Done(words=f"{words} (commit {report.commit[:9]})", targets=report.targets, commit=report.commit, undo=undo)


def _whom(report: ReviewReport) -> str:
    return report.targets[0] if len(report.targets) == 1 else count(len(report.targets), "target")


def _done(report: ReviewReport, undo: Undo | None = None) -> Done:
    return Done(words=reviewed_words(report), targets=report.targets, commit=report.commit, undo=undo)


def _named(known: Mapping[str, object], targets: Iterable[str]) -> list[str]:
    """Names as they are, never patterns; each once.

    Raises
    ------
    StoaError
        If one is no target any more, so that nothing else is done either.
    """
    names = list(dict.fromkeys(targets))
    gone = [name for name in names if name not in known]
    if gone:
        raise StoaError(f"{gone[0]} is no target any more; nothing was recorded", "look at the page again")
    return names
