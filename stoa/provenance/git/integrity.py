"""Whether git can give everything that a commit holds as it was written, and what is left where it cannot."""

from __future__ import annotations

import stat
from collections.abc import Iterator

import msgspec
from dulwich.objects import Blob

from stoa.errors import StoaError
from stoa.provenance.git.plumbing import run_git
from stoa.provenance.git.repository import Repository
from stoa.provenance.git.snapshot import MAX_RECORD, DamagedError, Snapshot
from stoa.provenance.git.trees import SUBMODULE

MOST_LINES = 20
_ANY_CODE = tuple(range(-64, 256))


class Damage(msgspec.Struct, frozen=True):
    """A file or folder of a commit that git cannot give as it was written."""

    path: str
    oid: str
    message: str


class Remains(Snapshot):
    """What can still be read of a commit: a damaged folder counts as empty, a damaged record as one that is wrong."""

    def folder_id(self, path: str) -> str:
        try:
            return super().folder_id(path)
        except DamagedError:
            return ""

    def entries(self, path: str) -> list[tuple[str, int, str]]:
        try:
            return super().entries(path)
        except DamagedError:
            return []

    def record(self, oid: str, path: str) -> bytes:
        try:
            return super().record(oid, path)
        except DamagedError as problem:
            raise StoaError(problem.message, problem.hint) from None


def find_damage(snapshot: Snapshot, folder: str) -> list[Damage]:
    """What is damaged below a folder; every file is read, and its id computed from what it holds.

    Files larger than any record are not read.
    """
    found: list[Damage] = []
    files: dict[str, str] = dict(_files(snapshot, folder, found))
    sizes = snapshot.prepare(files.values())
    messages: dict[str, str] = {}
    for path, oid in files.items():
        if oid not in messages:
            messages[oid] = _flaw(snapshot, oid) if sizes.get(oid, 0) <= MAX_RECORD else ""
        if messages[oid]:
            found.append(Damage(path, oid, messages[oid]))
    return found


def _files(snapshot: Snapshot, folder: str, damaged: list[Damage]) -> Iterator[tuple[str, str]]:
    """Path and object id of every file; folders that cannot be read are put to the damaged ones."""
    try:
        entries = snapshot.entries(folder)
    except DamagedError as problem:
        damaged.append(Damage(folder, problem.oid, problem.message))
        return
    for name, mode, oid in entries:
        path = f"{folder}/{name}"
        if stat.S_ISDIR(mode):
            yield from _files(snapshot, path, damaged)
        elif mode != SUBMODULE:
            yield path, oid


def _flaw(snapshot: Snapshot, oid: str) -> str:
    try:
        data = snapshot.blob(oid)
    except DamagedError as problem:
        return problem.message
    return "" if Blob.from_string(data).id.decode() == oid else f"git object {oid} is not what was written"


def missing_elsewhere(repository: Repository, known: set[str]) -> list[str]:
    """What git itself misses in the whole repository, its history included.

    Parameters
    ----------
    known
        Objects that need not be named again.
    """
    words = ("fsck", "--connectivity-only", "--no-dangling", "--no-reflogs", "--no-progress")
    code, output = run_git(repository.top, *words, allow=_ANY_CODE)
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.startswith("missing ")]
    fresh = [line for line in lines if not known.intersection(line.split())]
    if code and not lines and not known:
        return [f"`git fsck` ends with exit code {code} and says what is wrong"]
    more = [f"and {len(fresh) - MOST_LINES} more objects, which `git fsck` lists"] if len(fresh) > MOST_LINES else []
    return [*fresh[:MOST_LINES], *more]
