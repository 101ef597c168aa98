"""Reading what one commit holds from git's objects."""

from __future__ import annotations

import stat
from pathlib import Path

from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.repo import Repo

from stoa.provenance.git.plumbing import GitError, run_git

FILE_MODE = 0o100644
TREES_KEPT = 32


class Snapshot:
    """What one commit holds; never changes.

    Paths are relative to the repository's root, folders of STOA below the project's prefix.
    """

    def __init__(self, repo: Repo, commit: ObjectID | None) -> None:
        self._repo = repo
        self.commit = commit.decode() if commit else ""
        tree = repo.object_store[commit] if commit else None
        self.root = tree.tree if isinstance(tree, Commit) else None
        self._trees: dict[ObjectID, Tree] = {}

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

    def blob(self, oid: str) -> bytes:
        """Content of a file; in a partial clone git fetches it where it is not here yet."""
        try:
            found = self._repo.object_store[ObjectID(oid.encode())]
        except KeyError:
            return run_git(Path(self._repo.path), "cat-file", "blob", oid)[1]
        if not isinstance(found, Blob):
            raise GitError(f"object {oid} is no file")
        return found.data

    def file_id(self, path: str) -> str:
        """Object id of a plain file, "" where there is none."""
        found = self._find(path)
        return found[1].decode() if found and found[0] == FILE_MODE else ""

    def read(self, path: str) -> bytes | None:
        """Content of a plain file, or None."""
        found = self._find(path)
        return self.blob(found[1].decode()) if found and found[0] == FILE_MODE else None

    def _find(self, path: str) -> tuple[int, ObjectID] | None:
        if self.root is None:
            return None
        here: tuple[int, ObjectID] = (stat.S_IFDIR, self.root)
        for part in path.split("/") if path else ():
            name = part.encode("utf-8", "surrogateescape")
            if not stat.S_ISDIR(here[0]) or name not in self._tree(here[1]):
                return None
            here = self._tree(here[1])[name]
        return here

    def _tree(self, oid: ObjectID) -> Tree:
        # The last few are kept: whoever asks for one file of a folder of thousands often asks for the next one.
        if oid not in self._trees:
            if len(self._trees) >= TREES_KEPT:
                self._trees.clear()
            found = self._repo.object_store[oid]
            assert isinstance(found, Tree)
            self._trees[oid] = found
        return self._trees[oid]
