"""Tags: which targets, image groups, runs and pairs carry them now."""

from __future__ import annotations

from collections.abc import Container, Iterable

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.workspace.names import Pair, pair_words
from stoa.workspace.open import Workspace

HINT = "`stoa tag` lists the tags"

KINDS = ("targets", "groups", "runs", "pairs")
"""What can carry a tag: the fields of `Carriers`."""


class Carriers(msgspec.Struct, frozen=True, kw_only=True):
    """What carries one tag."""

    targets: tuple[str, ...] = ()
    groups: tuple[tuple[str, str], ...] = ()  # target and image group
    runs: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()  # as typed: PROCESS@SET, or PROCESS@SET+ENV


class ChosenJobs(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs (target, image group) that tags and selections choose: those of whole targets, and single image groups."""

    whole: frozenset[str]
    groups: frozenset[tuple[str, str]]  # of other targets

    def __contains__(self, job: object) -> bool:
        return job in self.groups or (isinstance(job, tuple) and job[0] in self.whole)

    @property
    def targets(self) -> frozenset[str]:
        """Targets of which at least one image group is chosen."""
        return self.whole | {target for target, _ in self.groups}


def tagged(ws: Workspace) -> dict[str, list[str]]:
    """Targets by tag, tags in the order of their letters."""
    found: dict[str, list[str]] = {}
    for tag, target in ws.index.rows("SELECT tag, target FROM tags ORDER BY tag, target"):
        if target in ws.targets:
            found.setdefault(tag, []).append(target)
    return found


def tagged_groups(ws: Workspace) -> dict[str, list[tuple[str, str]]]:
    """Target and image group by tag; not those whose target alone has it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for tag, target, group in ws.index.rows("SELECT tag, target, grp FROM tagged WHERE grp != '' ORDER BY 1, 2, 3"):
        if target in ws.targets:
            found.setdefault(tag, []).append((target, group))
    return found


def tagged_runs(ws: Workspace) -> dict[str, list[str]]:
    """Runs by tag."""
    found: dict[str, list[str]] = {}
    for tag, run in ws.index.rows("SELECT tag, run FROM tagged WHERE run != '' ORDER BY tag, run"):
        found.setdefault(tag, []).append(run)
    return found


def tagged_pairs(ws: Workspace) -> dict[str, list[Pair]]:
    """Pairs by tag."""
    found: dict[str, list[Pair]] = {}
    sql = "SELECT tag, process, params, environment FROM tagged WHERE process != '' ORDER BY 1, 2, 3, 4"
    for tag, *key in ws.index.rows(sql):
        found.setdefault(tag, []).append(Pair(*key))
    return found


def carriers(ws: Workspace) -> dict[str, Carriers]:
    """Everything that carries a tag, by tag."""
    targets, groups, runs, pairs = tagged(ws), tagged_groups(ws), tagged_runs(ws), tagged_pairs(ws)
    words = pair_words(ws, {pair for some in pairs.values() for pair in some})
    return {
        tag: Carriers(
            targets=tuple(targets.get(tag, ())), groups=tuple(groups.get(tag, ())), runs=tuple(runs.get(tag, ())),
            pairs=tuple(words[pair] for pair in pairs.get(tag, ())),
        )
        for tag in sorted({*targets, *groups, *runs, *pairs})
    }  # fmt: skip


def tags_of_runs(ws: Workspace) -> dict[str, tuple[str, ...]]:
    """Tags by run."""
    return _turned((tag, run) for tag, runs in tagged_runs(ws).items() for run in runs)


def tags_of_pairs(ws: Workspace) -> dict[Pair, tuple[str, ...]]:
    """Tags by pair."""
    found: dict[Pair, tuple[str, ...]] = {}
    for tag, pairs in tagged_pairs(ws).items():
        for pair in pairs:
            found[pair] = (*found.get(pair, ()), tag)
    return found


def _turned(found: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    tags: dict[str, tuple[str, ...]] = {}
    for tag, name in found:
        tags[name] = (*tags.get(name, ()), tag)
    return tags


def check_tags(ws: Workspace, tags: Iterable[str], known: Container[str], kind: str) -> None:
    """Raise `StoaError` for a tag that nothing of a kind carries.

    Parameters
    ----------
    known
        Tags that something of the kind carries.
    kind
        In words: ``target``.
    """
    for tag in tags:
        if tag in known:
            continue
        every = carriers(ws)
        if tag not in every:
            raise NotFoundError("tag", tag, list(every), HINT)
        raise StoaError(f"no {kind} has the tag {tag!r}", "`stoa tag` shows what has it")


def jobs_with(ws: Workspace, tags: Iterable[str], among: Iterable[str]) -> ChosenJobs:
    """Jobs that carry all of some tags: by their target, or by their image group.

    Parameters
    ----------
    among
        Targets that come into question.

    Raises
    ------
    StoaError
        If no target or image group has one of the tags.
    """
    wanted = list(dict.fromkeys(tags))
    targets, groups = tagged(ws), tagged_groups(ws)
    check_tags(ws, wanted, {*targets, *groups}, "target or image group")
    whole, single = set(among), set[tuple[str, str]]()
    for tag in wanted:
        having, marked = set(targets.get(tag, ())), set(groups.get(tag, ()))
        single = {job for job in single if job[0] in having or job in marked}
        single |= {job for job in marked if job[0] in whole - having}
        whole &= having
    return ChosenJobs(whole=frozenset(whole), groups=frozenset(single))
