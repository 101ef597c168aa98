"""Git's objects: read through dulwich, and through git itself where that fails.

Git knows what to do with a pack that is damaged where another one is whole, and fetches what a partial clone lacks.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from dulwich.objects import Commit, ObjectID, ShaFile

from stoa.provenance.git.network import run_network
from stoa.provenance.git.plumbing import GitError, PlainRepo, run_git

AT_ONCE = 10_000  # objects in one fetch: they are words of a command
S = TypeVar("S", bound=ShaFile)


class DamagedError(GitError):
    """An object that is not there, or not whole."""

    def __init__(self, oid: str, why: str) -> None:
        super().__init__(
            f"git object {oid} is missing or damaged: {why}",
            hint="`stoa fsck` names all that is damaged; another clone or a backup has it whole",
        )
        self.oid = oid


def read_object(repo: PlainRepo, oid: ObjectID, kind: type[S]) -> S:
    """An object by its id.

    Raises
    ------
    DamagedError
        If neither dulwich nor git can read it, or it is of another kind.
    """
    try:
        found: ShaFile = repo.object_store[oid]
    except Exception as problem:  # noqa: BLE001 -- dulwich tells of damage by many exception types
        if kind is Commit and isinstance(problem, KeyError) and repo.promisors():
            raise DamagedError(oid.decode(), "it is not there") from None  # no partial clone lacks commits: not fetched
        found = _read_by_git(repo, oid, kind)
    if not isinstance(found, kind):
        raise DamagedError(oid.decode(), f"it is no {kind.type_name.decode()}")
    return found


def _read_by_git(repo: PlainRepo, oid: ObjectID, kind: type[ShaFile]) -> ShaFile:
    try:
        _, data = run_git(Path(repo.path), "cat-file", kind.type_name.decode(), oid.decode())
        return ShaFile.from_raw_string(kind.type_num, data, oid)
    except GitError as problem:
        raise DamagedError(oid.decode(), problem.message) from None
    except Exception as problem:  # noqa: BLE001 -- as above
        raise DamagedError(oid.decode(), str(problem)) from None


def fetch_missing(repo: PlainRepo, oids: Iterable[str]) -> None:
    """Bring what a partial clone lacks of some objects, all at once; elsewhere nothing.

    Raises
    ------
    GitError
        If it cannot be fetched.
    """
    remotes = repo.promisors()
    if not remotes:
        return
    missing = [oid for oid in dict.fromkeys(oids) if ObjectID(oid.encode()) not in repo.object_store]
    for start in range(0, len(missing), AT_ONCE):
        _fetch(Path(repo.path), remotes, missing[start : start + AT_ONCE])


def _fetch(top: Path, remotes: list[str], oids: list[str]) -> None:
    for number, remote in enumerate(remotes, 1):
        said = run_network(
            top, "-c", "fetch.negotiationAlgorithm=noop", "-c", "fetch.fsckObjects=true", "fetch", "--progress",
            "--no-tags", "--recurse-submodules=no", "--no-write-fetch-head", "--refmap=", "--filter=blob:none",
            "--", remote, *oids,
        )  # fmt: skip
        if not said.code:
            return
        if number == len(remotes):
            raise said.problem(
                f"this partial clone lacks {len(oids)} files, which cannot be fetched from {remote}",
                f"again when {remote} can be reached",
            )


def object_sizes(top: Path, oids: Iterable[str]) -> dict[str, int]:
    """Bytes of each object that is there, without reading it."""
    wanted = "".join(f"{oid}\n" for oid in dict.fromkeys(oids))
    if not wanted:
        return {}
    form = "--batch-check=%(objectname) %(objectsize)"
    _, output = run_git(top, "cat-file", form, stdin=wanted.encode())
    pairs = (line.split(" ") for line in output.decode().splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
