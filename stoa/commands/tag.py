"""Tags on targets, image groups, runs and pairs."""

from __future__ import annotations

from collections.abc import Iterable

from stoa.errors import StoaError, guess
from stoa.workspace.names import pair_words, resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.steps import check_label
from stoa.workspace.tags import HINT, Carriers, carriers, tagged, tagged_groups, tagged_pairs, tagged_runs
from stoa.workspace.writing import ReviewReport, chosen_targets, write_on_run, write_reviews


def tag(
    ws: Workspace,
    targets: Iterable[str] = (),
    *,
    tag: str,
    remove: bool = False,
    text: str = "",
    where: str = "",
    group: str = "",
    run: str = "",
) -> ReviewReport:
    """Give a tag, or take it away, as one commit; what is as wanted already is left as it is.

    Parameters
    ----------
    targets
        Names or glob patterns.
    tag
        Any words, such as ``golden sample``.
    where
        SQL expression instead of, or beside, names.
    group
        Image group of the targets, which alone is tagged.
    run
        A run instead of targets, or a pair (``PROCESS@SET``).

    Raises
    ------
    StoaError
        If the tag has no words, nothing is to be done, or targets and a run are named.
    """
    check_label(tag, "tag")
    patterns = tuple(targets)
    if run:
        if patterns or where or group:
            raise StoaError("a tag is on a run or a pair, or on targets", "leave the targets out, or --run")
        return _tag_run(ws, run, tag, text, remove=remove)
    names = chosen_targets(ws, patterns, where, "; --run is for a run or a pair")
    if group:
        having = {target for target, marked in tagged_groups(ws).get(tag, ()) if marked == group}
    else:
        having = set(tagged(ws).get(tag, ()))
    if remove and not having:
        _refuse_unknown(ws, tag, "image group" if group else "target")
    fresh = [name for name in names if (name in having) is remove]
    if names and not fresh:
        whom = f"target {names[0]!r}" if len(names) == 1 else f"each of these {len(names)} targets"
        raise _as_wanted(f"image group {group!r} of {whom}" if group else whom, tag, remove=remove)
    return write_reviews(ws, "untag" if remove else "tag", fresh, tag=tag, text=text, group=group)


def _tag_run(ws: Workspace, name: str, tag: str, text: str, *, remove: bool) -> ReviewReport:
    found = resolve_run(ws, name)
    if found.run:
        has, whom = found.run in tagged_runs(ws).get(tag, ()), f"run {found.run!r}"
    else:
        has, whom = found.pair in tagged_pairs(ws).get(tag, ()), pair_words(ws, [found.pair])[found.pair]
    if has is not remove:
        raise _as_wanted(whom, tag, remove=remove)
    return write_on_run(ws, "untag" if remove else "tag", found.run or found.pair, tag=tag, text=text)


def _refuse_unknown(ws: Workspace, tag: str, kind: str) -> None:
    known = carriers(ws)
    near = "" if tag in known else guess(tag, list(known))
    raise StoaError(f"no {kind} has the tag {tag!r}{near}", HINT)


def _as_wanted(whom: str, tag: str, *, remove: bool) -> StoaError:
    return StoaError(f"{whom} {'lacks' if remove else 'has'} the tag {tag!r} already; nothing was recorded")


def tags(ws: Workspace) -> dict[str, Carriers]:
    """What carries each tag."""
    return carriers(ws)
