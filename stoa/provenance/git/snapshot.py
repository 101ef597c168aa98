"""Reading git's objects, by their id and as what one commit holds.

They are read through dulwich, and through git itself where that fails: git knows what to do with a pack that is damaged
where another one is whole, and fetches what a partial clone lacks.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree

from stoa.errors import StoaError
from stoa.provenance.git.network import run_network
from stoa.provenance.git.plumbing import GitError, PlainRepo, run_git

FILE_MODE = 0o100644
TREES_KEPT = 32
MAX_RECORD = 50_000_000
"""Bytes of a file below `.stoa`; a larger one is neither shared nor read."""

AT_ONCE = 10_000  # objects in one fetch: they are words of a command
S = TypeVar("S", bound=ShaFile)


class TooLargeError(StoaError):
    """A file that is larger than any record."""


class Snapshot:
    """What one commit holds; never changes.

    Paths are relative to the repository's root, folders of STOA below the project's prefix.
    """

    def __init__(self, repo: PlainRepo, commit: ObjectID | None) -> None:
        self._repo = repo
        self.commit = commit.decode() if commit else ""
        self.root = read_object(repo, commit, Commit).tree if commit else None
        self._trees: dict[ObjectID, Tree] = {}
        self._sizes: dict[str, int] = {}

    def holds(self, path: str) -> bool:
        """Whether there is anything of this name: a folder, a file, a link."""
        return self._find(path) is not None

    def folder_id(self, path: str) -> str:
        """Object id of a folder, "" where there is none."""
        found = self._find(path)
        return found[1].decode() if found and stat.S_ISDIR(found[0]) else ""

    def entries(self, path: str) -> list[tuple[str, int, str]]:
        """Name, mode and object id of what a folder holds; empty where there is none."""
        found = self._find(path)
        if not found or not stat.S_ISDIR(found[0]):
            return []
        tree = self._tree(found[1])
        return [(e.path.decode("utf-8", "surrogateescape"), e.mode, e.sha.decode()) for e in tree.iteritems()]

    def files(self, path: str) -> list[tuple[str, str]]:
        """Name and object id of the plain files in a folder: no links, no executables, no submodules."""
        return [(name, oid) for name, mode, oid in self.entries(path) if mode == FILE_MODE]

    def folders(self, path: str) -> list[tuple[str, str]]:
        return [(name, oid) for name, mode, oid in self.entries(path) if stat.S_ISDIR(mode)]

    def prepare(self, oids: Iterable[str]) -> dict[str, int]:
        """Bytes of files that are to be read, those that are damaged left out; a partial clone fetches all at once."""
        wanted = list(oids)
        fetch_missing(self._repo, wanted)
        self._sizes |= object_sizes(Path(self._repo.path), wanted)
        return self._sizes

    def blob(self, oid: str) -> bytes:
        """Content of a file, however large; in a partial clone git fetches it where it is not here yet."""
        return read_object(self._repo, ObjectID(oid.encode()), Blob).data

    def record(self, oid: str, path: str) -> bytes:
        """Content of a record, which is looked at before it is unpacked: a megabyte may hold a gigabyte of blanks.

        Many are read faster after `prepare`.

        Raises
        ------
        TooLargeError
            With the path, if no record is as large.
        """
        size = self._sizes[oid] if oid in self._sizes else self.prepare([oid]).get(oid, 0)
        if size > MAX_RECORD:
            raise TooLargeError(
                f"not a record: it {too_large(size)} ({path})", "`git log` of the file says who put it there"
            )
        return self.blob(oid)

    def file_id(self, path: str) -> str:
        """Object id of a plain file, "" where there is none."""
        found = self._find(path)
        return found[1].decode() if found and found[0] == FILE_MODE else ""

    def read(self, path: str) -> bytes | None:
        """Content of a plain file, or None."""
        found = self._find(path)
        return self.blob(found[1].decode()) if found and found[0] == FILE_MODE else None

    def read_record(self, path: str) -> bytes | None:
        """Content of a plain file that is a record or definition, or None; see `record`."""
        oid = self.file_id(path)
        return self.record(oid, path) if oid else None

    def _find(self, path: str) -> tuple[int, ObjectID] | None:
        if self.root is None:
            return None
        here: tuple[int, ObjectID] = (stat.S_IFDIR, self.root)
        for part in path.split("/") if path else ():
            name = part.encode("utf-8", "surrogateescape")
            if not stat.S_ISDIR(here[0]) or name not in (tree := self._tree(here[1])):
                return None
            here = tree[name]
        return here

    def _tree(self, oid: ObjectID) -> Tree:
        # The last few are kept: whoever asks for one file of a folder of thousands often asks for the next one.
        if oid not in self._trees:
            if len(self._trees) >= TREES_KEPT:
                self._trees.clear()
            self._trees[oid] = read_object(self._repo, oid, Tree)
        return self._trees[oid]


def too_large(size: int) -> str:
    """What is wrong with a file of this many bytes, "" when nothing is."""
    return f"is {size / 1e6:.0f} MB large (at most {MAX_RECORD / 1e6:.0f} MB)" if size > MAX_RECORD else ""


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
