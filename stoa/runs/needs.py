"""What a job takes from outcomes of the processes that its own process needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from stoa.model import FileRef, Need, Process, Status
from stoa.runs.chain import several
from stoa.workspace.open import Workspace

Reasons = Mapping[tuple[str, str], str]
"""Target and image group -> words."""


class Given(msgspec.Struct, frozen=True):
    """The outputs of other processes that a job takes, or why it cannot have them.

    Attributes
    ----------
    files
        By the name in the outcome's inputs: ``needs.PROCESS.OUTPUT``, with ``[GROUP]`` behind it where a
        job takes those of several image groups; ``needs.PROCESS`` is the folder of a process without outputs.
    missing
        What has no ok outcome, in words.
    waits
        Which of it would run again, in words.
    """

    files: dict[str, FileRef] = {}
    missing: str = ""
    waits: str = ""


class _Needed(msgspec.Struct, frozen=True):
    """What is taken of an outcome, decoded from its record."""

    status: Status
    cause: str = ""
    outputs: dict[str, FileRef] = {}
    place: str = ""


_NEEDED = msgspec.json.Decoder(_Needed)
_SQL = (
    "SELECT l.grp, o.record FROM current l JOIN outcomes o ON o.id = l.outcome"
    " WHERE l.process = ? AND l.params = ? AND l.environment = ? AND l.target = ? ORDER BY l.grp"
)


class Needs:
    """The outputs that the jobs of one process take.

    Parameters
    ----------
    stale
        For each needed process its outcomes that would be made again, and why.
    """

    def __init__(self, ws: Workspace, process: Process, stale: Mapping[str, Reasons]) -> None:
        self._index = ws.index
        self._process = process
        self._stale = stale
        self._present = {need: ws.library.need(need) for need in process.needs}  # by present names
        self._needed = {need: ws.library.process(present.process) for need, present in self._present.items()}
        self._known: tuple[str, dict[Need, dict[str, _Needed]]] = ("", {})

    def of(self, target: str, group: str) -> Given:
        """What the job of a target's image group takes ("" for the target as a whole)."""
        files: dict[str, FileRef] = {}
        missing, waits = [], []
        for need, outcomes in self._outcomes(target).items():
            chosen = self._chosen(need, group, outcomes)
            missing += [words for words in _lacks(self._present[need], group, chosen) if words not in missing]
            stale = self._stale[need.process]
            waits += [
                f"{self._present[need].process} is stale: {stale[target, which]}"
                for which in chosen
                if (target, which) in stale
            ]
            files.update(_files(need, chosen, several=several(self._process, self._needed[need])))
        return Given(files, "; ".join(missing), waits[0] if waits else "")

    def _outcomes(self, target: str) -> dict[Need, dict[str, _Needed]]:
        if self._known[0] != target:
            rows = {
                need: self._index.rows(_SQL, (now.process, now.params, self._needed[need].environment, target))
                for need, now in self._present.items()
            }
            found = {need: {group: _NEEDED.decode(text) for group, text in some} for need, some in rows.items()}
            self._known = target, found
        return self._known[1]

    def _chosen(self, need: Need, group: str, outcomes: dict[str, _Needed]) -> dict[str, _Needed]:
        """The outcomes that count for a job, by image group; what was not applicable to one of several does not."""
        if several(self._process, self._needed[need]):
            return {which: one for which, one in outcomes.items() if one.status is not Status.SKIPPED} or outcomes
        wanted = "" if self._needed[need].over == "target" or "" in outcomes else group
        return {wanted: outcomes[wanted]} if wanted in outcomes else {}


def _lacks(need: Need, group: str, chosen: Mapping[str, _Needed]) -> Iterator[str]:
    if not chosen:
        with_set = "" if need.params == "default" else f" --params {need.params}"
        of_image = " of this image" if group else ""
        yield f"{need.process} @ {need.params} has no outcome{of_image} (`stoa run {need.process}{with_set}`)"
    for which, one in chosen.items():
        if one.status is Status.BLOCKED:
            yield one.cause  # which names what is to be mended
        elif one.status is not Status.OK:
            image = f" for {which}" if which and which != group else ""
            yield f"{need.process} @ {need.params} ended {one.status.value}{image}: {one.cause}".removesuffix(": ")


def _files(need: Need, chosen: Mapping[str, _Needed], *, several: bool) -> Iterator[tuple[str, FileRef]]:
    for group, one in chosen.items():
        if one.status is not Status.OK:
            continue
        behind = f"[{group}]" if several else ""
        for output, ref in one.outputs.items():
            yield f"needs.{need.process}.{output}{behind}", ref
        if not one.outputs:
            yield f"needs.{need.process}{behind}", FileRef(path=one.place)


def changes(old: Mapping[str, FileRef], new: Mapping[str, FileRef]) -> list[str]:
    """What differs between the outputs that an outcome took and those that it would take now, in words."""
    before = {name: ref for name, ref in old.items() if name.startswith("needs.")}
    return [
        f"{name.removeprefix('needs.')} {_difference(before.get(name), new.get(name))}"
        for name in dict.fromkeys((*before, *new))
        if not _same(before.get(name), new.get(name))
    ]


def _same(old: FileRef | None, new: FileRef | None) -> bool:
    if old is None or new is None:
        return old is new
    return (old.size, old.sha256) == (new.size, new.sha256) if old.sha256 and new.sha256 else old.path == new.path


def _difference(old: FileRef | None, new: FileRef | None) -> str:
    if old is None:
        return "was not there"
    return "is another one" if new is not None else "is not there"


def paths(ws: Workspace, files: Mapping[str, FileRef]) -> dict[str, str | tuple[str, ...]]:
    """Absolute paths on this machine by PROCESS.OUTPUT; several where a job takes those of several image groups."""
    found: dict[str, str | tuple[str, ...]] = {}
    for key, ref in files.items():
        if not ref.sha256:  # the folder of a process without outputs
            continue
        name, bracket, _ = key.removeprefix("needs.").partition("[")
        path = str(ws.products.bring(ref))
        before = found.get(name, ())
        found[name] = (*before, path) if bracket and isinstance(before, tuple) else path
    return found
