"""Named things that all share: one file for each time that one was saved, and the newest of a name counts.

Two people who save the same name at the same time make two files, so that nothing conflicts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from stoa.errors import NotFoundError, StoaError
from stoa.provenance.ids import horizon, id_after
from stoa.workspace.open import Workspace


class Named(Protocol):
    """A record with a name."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def removed(self) -> bool: ...


R = TypeVar("R", bound=Named)
Found = Iterable[tuple[str, R | StoaError]]
"""Place and record of each file, or its fault."""


def read_named(ws: Workspace, folder: str, read: Callable[[bytes, str], R]) -> Iterator[tuple[str, R | StoaError]]:
    """The records in a folder of the commit that is checked out, each with its place, or with what is wrong."""
    snapshot = ws.store.snapshot()
    files = snapshot.files(f"{ws.store.prefix}/{folder}")
    snapshot.prepare(oid for _, oid in files)
    for name, oid in files:
        place = f"{folder}/{name}"
        try:
            record = read(snapshot.record(oid, place), place)
            strange = StoaError(f"{folder[:-1]} {record.id} is in the file of another one")
            yield place, record if name == f"{record.id}.yaml" else strange
        except StoaError as problem:
            yield place, problem


def in_force(found: Found[R]) -> list[R]:
    """The newest of each name that was not removed, in the order of their names; unreadable ones are left out."""
    records = [record for _, record in found if not isinstance(record, StoaError)]
    newest = {record.name: record for record in sorted(records, key=lambda record: record.id)}
    return [newest[name] for name in sorted(newest, key=str.casefold) if not newest[name].removed]


def one_named(records: Iterable[R], kind: str, name: str, hint: str) -> R:
    """The record of a name; `NotFoundError` with what comes nearest if there is none."""
    known = {record.name: record for record in records}
    if name not in known:
        raise NotFoundError(kind, name, list(known), hint)
    return known[name]


def faults(found: Found[R]) -> list[tuple[str, str]]:
    """Place and fault of each file that cannot be read."""
    return [(place, problem.message) for place, problem in found if isinstance(problem, StoaError)]


def next_name_id(found: Found[R]) -> str:
    """An id for a new record, later than those that are known."""
    ids = [record.id for _, record in found if not isinstance(record, StoaError)]
    return id_after(max((each for each in ids if each < horizon()), default=""))
