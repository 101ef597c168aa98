"""Samples for a second look: drawn, recorded, and what stays hidden from who has not judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

import msgspec

from stoa.errors import StoaError
from stoa.model import BAD, SCHEMA, Author, Review, Sample, Status, Stratum
from stoa.project import Project
from stoa.provenance.ids import now
from stoa.provenance.records import read_sample, sample_problem, write_sample
from stoa.workspace.named import faults, in_force, next_name_id, one_named, read_named
from stoa.workspace.names import Pair
from stoa.workspace.open import Workspace
from stoa.workspace.reviews import flagged
from stoa.workspace.steps import ToDo, assigned, is_person
from stoa.workspace.verdicts import are_disputed, judged_by, passed, present_verdicts

_FOLDER = "samples"
NOTHING = "no outcome"
TELLING = ("flag", "unflag", "pass", "comment", "step")
"""Kinds of reviews that are an opinion of a target."""


class Drawn(msgspec.Struct, frozen=True):
    """Targets that were drawn, and from what."""

    targets: tuple[str, ...]
    strata: tuple[Stratum, ...]


def samples(ws: Workspace) -> list[Sample]:
    """The samples of the commit that is checked out, in the order of their names; unreadable ones are left out."""
    return [_renamed(ws, sample) for sample in in_force(_read(ws))]


def unreadable_samples(ws: Workspace) -> list[tuple[str, str]]:
    """Place and fault of each file that is no sample."""
    return faults(_read(ws))


def sample_named(ws: Workspace, name: str) -> Sample:
    """The sample of a name; `NotFoundError` if there is none."""
    return one_named(samples(ws), "sample", name, "`stoa review list` lists the samples")


def save_sample(ws: Workspace, sample: Sample) -> tuple[Sample, str]:
    """Record a sample; gives it with its id, author and time, and the commit."""
    ws.ready()
    event = next_name_id(_read(ws))
    made = msgspec.structs.replace(
        sample, schema=SCHEMA, id=event, name=sample.name or event, author=ws.repository.author(), time=now()
    )
    if problem := sample_problem(made):
        raise StoaError(problem)
    word = "remove sample" if made.removed else "sample"
    what = "" if made.removed else f": {len(made.targets)} targets for {made.person}"
    files = {Project.sample_record(event): write_sample(made)}
    return made, ws.store.commit(files, f"{word} {made.name}{what}", {"Event": event})


def strata(ws: Workspace, names: Sequence[str], pair: Pair | None = None) -> dict[str, list[str]]:
    """Targets by what is known of them: the worst status of their current outcomes, and whether they are flagged.

    Parameters
    ----------
    pair
        Only outcomes of this pair count; None for those of all.
    """
    one = " WHERE process = ? AND params = ? AND environment = ?" if pair else ""
    arguments = msgspec.structs.astuple(pair) if pair else ()
    order = ["", Status.OK.value, Status.SKIPPED.value, *(status.value for status in BAD)]
    worst: dict[str, str] = {}
    for target, status in ws.index.rows(f"SELECT target, status FROM current{one}", arguments):
        if order.index(status) > order.index(worst.get(target, "")):
            worst[target] = status
    flags = flagged(ws)
    found: dict[str, list[str]] = {}
    for name in names:
        words = worst.get(name, NOTHING) + (", flagged" if name in flags else "")
        found.setdefault(words, []).append(name)
    return dict(sorted(found.items()))


def draw_from(groups: Mapping[str, Sequence[str]], number: int, seed: int) -> Drawn:
    """Draw targets at random, from each group in proportion to its size and at least one if the number allows.

    The order within a group is that of a digest of seed and name: it rests on no generator of random numbers, so that
    another version of Python draws the same.
    """
    shares = _shares({name: len(targets) for name, targets in groups.items()}, number)
    drawn = {
        name: sorted(targets, key=lambda target: sha256(f"{seed} {target}".encode()).digest())[: shares[name]]
        for name, targets in groups.items()
    }
    return Drawn(
        tuple(sorted(target for targets in drawn.values() for target in targets)),
        tuple(Stratum(name=name, targets=len(groups[name]), drawn=len(drawn[name])) for name in groups),
    )


def _shares(sizes: Mapping[str, int], number: int) -> dict[str, int]:
    """How many of each group: one of each as long as there are enough, the rest by largest remainders."""
    total = sum(sizes.values())
    if number >= total:
        return dict(sizes)
    by_size = sorted(sizes, key=lambda name: (-sizes[name], name))
    shares = {name: int(place < number) for place, name in enumerate(by_size)}
    for _ in range(number - sum(shares.values())):
        want = {name: number * sizes[name] / total - shares[name] for name in by_size if shares[name] < sizes[name]}
        shares[max(want, key=lambda name: (want[name], name))] += 1
    return shares


def waiting(ws: Workspace, who: Author) -> list[tuple[Sample, str]]:
    """Targets of samples on which a person has to give a verdict and has not: those for them, and those they drew."""
    judged = judged_by(ws)
    return [
        (sample, target)
        for sample in samples(ws)
        if is_person(sample.person, who) or sample.author.email.casefold() == who.email.casefold()
        for target in sample.targets
        if target in ws.targets and who.email.casefold() not in judged.get(target, ())
    ]


def hidden_from(ws: Workspace, who: Author) -> set[str]:
    """Targets of blind samples about which a person is not told what others say, as they have not judged yet."""
    return {target for sample, target in waiting(ws, who) if sample.blind}


def without_hidden(reviews: Iterable[Review], hidden: set[str], who: Author) -> list[Review]:
    """Reviews without those of others that would tell what they think of a target which the person has to judge."""
    mine = who.email.casefold()
    return [
        each
        for each in reviews
        if each.target not in hidden or each.kind not in TELLING or each.author.email.casefold() == mine
    ]


def disputed_verdicts(ws: Workspace) -> list[ToDo]:
    """Targets that two people have judged differently, as far as their flags are still open.

    Of targets that no one has passed and that are in no sample, flags with different reasons say nothing against each
    other, and are left out.
    """
    of_samples = {target for sample in samples(ws) for target in sample.targets}
    found = present_verdicts(ws, (of_samples | passed(ws)) & ws.targets.keys())
    persons = assigned(ws)
    hidden = hidden_from(ws, ws.repository.author())
    return [
        ToDo(
            target=target, step="", person=persons.get((target, ""), ""),
            states={verdict.author: verdict.words for verdict in verdicts.values()},
        )
        for target, verdicts in sorted(found.items())
        if are_disputed(verdicts) and target not in hidden
    ]  # fmt: skip


def _renamed(ws: Workspace, sample: Sample) -> Sample:
    """A sample with the present names of its targets."""
    now_named = {old: target.name for target in ws.targets.values() for old in target.formerly}
    if not now_named.keys() & set(sample.targets):
        return sample
    return msgspec.structs.replace(sample, targets=tuple(now_named.get(name, name) for name in sample.targets))


def _read(ws: Workspace) -> Iterator[tuple[str, Sample | StoaError]]:
    return read_named(ws, _FOLDER, read_sample)
