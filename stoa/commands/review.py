"""A second look: samples are drawn for a person, who judges without what others said."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import msgspec

from stoa.errors import StoaError
from stoa.model import SCHEMA, Author, Sample
from stoa.workspace.names import Pair, resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.samples import draw_from, sample_named, samples, save_sample, strata
from stoa.workspace.selection import match_names
from stoa.workspace.steps import check_label, is_person
from stoa.workspace.verdicts import judged_by
from stoa.workspace.writing import ReviewReport, check_length, chosen_targets, write_reviews

ME = "me"
MOST_SEED = 2**31


class SampleReport(msgspec.Struct, frozen=True, kw_only=True):
    """A sample, and how far it is."""

    sample: Sample
    judged: tuple[str, ...]  # by the person for whom it was drawn
    first: tuple[str, ...]  # by someone else
    commit: str = ""  # where it was recorded or removed just now


def draw(
    ws: Workspace,
    number: int,
    *,
    person: str,
    targets: Iterable[str] = (),
    where: str = "",
    blind: bool = False,
    name: str = "",
    pair: str = "",
    seed: int | None = None,
    text: str = "",
) -> SampleReport:
    """Draw targets at random for a second look by a person, and record them as one commit.

    Targets are grouped by the worst status of their current outcomes and by whether they are flagged. Each group has
    its share, and at least one target if the number allows. What the person has judged already is left out.

    Parameters
    ----------
    number
        How many targets; all, if there are fewer.
    person
        A name or an address; ``me``.
    targets, where
        Draw from these only: names or glob patterns, an SQL expression.
    blind
        Hide from the person what others say about a target until they have judged it.
    name
        By default the id of the record.
    pair
        ``PROCESS@SET`` whose outcomes count for the groups; by default those of all.
    seed
        Draws the same again from the same targets; by default a new one.

    Raises
    ------
    StoaError
        If there is nothing to draw from, or the name is taken.
    """
    if number < 1:
        raise StoaError(f"a sample has at least one target, got {number}")
    whom = ws.repository.author().name if person == ME else person
    check_label(whom, "name")
    if name:
        check_label(name, "sample")
    check_length(text)
    if name in [sample.name for sample in samples(ws)]:
        raise StoaError(f"there is a sample {name!r} already", f"give another name, or `stoa review remove {name!r}`")
    patterns = tuple(targets)
    names = chosen_targets(ws, patterns, where) if where else match_names(patterns or ("*",), ws.targets)
    known = _judged_by(ws, whom)
    left = [each for each in names if each not in known]
    if not left:
        raise StoaError(f"{whom} has judged each of these {len(names)} targets" if names else "no target matches")
    one: Pair | None = resolve_run(ws, pair).pair if pair else None
    chosen_seed = secrets.randbelow(MOST_SEED) if seed is None else seed
    found = draw_from(strata(ws, left, one), number, chosen_seed)
    made, commit = save_sample(
        ws,
        Sample(
            schema=SCHEMA, id="", name=name, seed=chosen_seed, asked=number, where=where, pair=pair,
            strata=found.strata, targets=found.targets, person=whom, blind=blind, text=text, author=Author("", ""),
            time="",
        ),
    )  # fmt: skip
    return _report(ws, made, commit)


def pass_targets(ws: Workspace, targets: Iterable[str] = (), *, text: str = "", where: str = "") -> ReviewReport:
    """Say of targets that you have looked and there is nothing to flag, as one commit.

    Raises
    ------
    StoaError
        If you have an open flag on one of them.
    """
    names = chosen_targets(ws, targets, where)
    mine = ws.repository.author().email
    own = {row[0] for row in ws.index.rows("SELECT target FROM open_flags WHERE email = ? COLLATE NOCASE", (mine,))}
    if flagged := [name for name in names if name in own]:
        raise StoaError(f"you have flagged {flagged[0]!r}, and the flag is open", f"`stoa unflag {flagged[0]}` first")
    return write_reviews(ws, "pass", names, text=text)


def list_samples(ws: Workspace, name: str = "") -> list[SampleReport]:
    """All samples, or the one of a name, with how far each is."""
    found = [sample_named(ws, name)] if name else samples(ws)
    return [_report(ws, sample) for sample in found]


def remove(ws: Workspace, name: str) -> SampleReport:
    """Remove a sample: nothing is hidden for it any more, and all verdicts stay."""
    old = sample_named(ws, name)
    gone = Sample(schema=SCHEMA, id="", name=old.name, removed=True, author=old.author, time="")
    return _report(ws, *save_sample(ws, gone))


def _report(ws: Workspace, sample: Sample, commit: str = "") -> SampleReport:
    verdicts = judged_by(ws)
    theirs = _emails(ws, sample.person)
    listed = [target for target in sample.targets if target in ws.targets]
    return SampleReport(
        sample=sample, commit=commit,
        judged=tuple(target for target in listed if verdicts.get(target, set()) & theirs),
        first=tuple(target for target in listed if verdicts.get(target, set()) - theirs),
    )  # fmt: skip


def _emails(ws: Workspace, person: str) -> set[str]:
    """Addresses, folded to small letters, under which a person has said something."""
    people = ws.index.rows("SELECT DISTINCT author, email FROM reviews")
    return {email.casefold() for name, email in people if is_person(person, Author(name, email))}


def _judged_by(ws: Workspace, person: str) -> set[str]:
    theirs = _emails(ws, person)
    return {target for target, emails in judged_by(ws).items() if emails & theirs}
