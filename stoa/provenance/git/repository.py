"""Reading records from git's objects, and adding commits without work tree or index.

A commit is built from blobs and trees and put on the branch by compare-and-swap; the user's
staged and changed files take no part in it. Objects are synced to disk before the branch
moves. Afterwards the committed paths, and no others, are brought up to date in the work tree
and the index.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dulwich.errors import NotGitRepository
from dulwich.file import FileLocked
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from stoa.errors import StoaError
from stoa.model import Author
from stoa.provenance.git.plumbing import GitError, run_git, sync_folder

FILE_MODE = 0o100644
LOOSE_AT_MOST = 8
PACKS_AT_MOST = 50
TREES_KEPT = 32
LOCK_WAIT_S = 30.0
INDEX_WAIT_S = 5.0
MARKERS = "stoa-refresh"
REF_WAIT_S = 60.0


class Snapshot:
    """What one commit holds; never changes.

    Paths are relative to the repository's root, folders of STOA below the project's prefix.
    """

    def __init__(self, repo: Repo, commit: ObjectID | None) -> None:
        self._repo = repo
        self.commit = commit.decode() if commit else ""
        tree = repo.object_store[commit] if commit else None
        self._root = tree.tree if isinstance(tree, Commit) else None
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
        if self._root is None:
            return None
        here: tuple[int, ObjectID] = (stat.S_IFDIR, self._root)
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


class Repository:
    """A git work tree.

    Raises
    ------
    GitError
        If the repository is bare, damaged or of a format that STOA cannot write.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self._repo = self._opened()
        self._check_format()
        self.control = Path(os.fsdecode(self._repo.controldir()))
        self.common = Path(os.fsdecode(self._repo.commondir()))

    def _opened(self) -> Repo:
        try:
            repo = Repo(str(self.top))
        except NotGitRepository:
            raise GitError(f"{self.top} has a .git that is no repository") from None
        except Exception as problem:  # noqa: BLE001 -- dulwich names unknown formats by many exception types
            raise GitError(f"the git repository {self.top} cannot be opened: {problem}") from None
        if repo.bare:
            repo.close()
            raise GitError(f"{self.top} is a bare git repository", hint="clone it and work in the clone")
        repo.object_store.fsync_object_files = True
        return repo

    def _check_format(self) -> None:
        config = self._repo.get_config()
        section = (b"extensions",)
        for name, fine in ((b"objectformat", b"sha1"), (b"refstorage", b"files")):
            try:
                value = config.get(section, name)
            except KeyError:
                continue
            if value.lower() != fine:
                self.close()
                raise GitError(
                    f"{self.top} uses {name.decode()} {value.decode()!r}, which STOA cannot write",
                    hint=f"make the repository with `git init` and its default {fine.decode()!r}",
                )

    def close(self) -> None:
        self._repo.close()

    def branch(self) -> str:
        """Full name of the branch that is checked out.

        Raises
        ------
        GitError
            On a detached HEAD.
        """
        names, _ = self._repo.refs.follow(Ref(b"HEAD"))
        if len(names) < 2 or not names[-1].startswith(b"refs/heads/"):
            raise GitError(
                f"{self.top} is on a detached HEAD: a record committed here would be lost at the next checkout",
                hint="`git switch BRANCH`, or `git switch -c NEW`",
            )
        return names[-1].decode()

    def head(self) -> str:
        """The commit that is checked out, "" before the first one."""
        _, commit = self._repo.refs.follow(Ref(b"HEAD"))
        return commit.decode() if commit else ""

    def tip(self, branch: str) -> str:
        """The commit that a branch (full name) is at, "" where there is no such branch."""
        try:
            return self._repo.refs[Ref(branch.encode())].decode()
        except KeyError:
            return ""

    def snapshot(self, commit: str | None = None) -> Snapshot:
        """What a commit holds; by default the one that is checked out."""
        chosen = self.head() if commit is None else commit
        return Snapshot(self._repo, ObjectID(chosen.encode()) if chosen else None)

    def author(self) -> Author:
        """Who git says is working here.

        Raises
        ------
        GitError
            If git knows no name or address.
        """
        try:
            ident = run_git(self.top, "var", "GIT_AUTHOR_IDENT")[1].decode("utf-8", "replace")
        except GitError:
            raise GitError(
                "git does not know who you are, and every record names its author",
                hint='`git config --global user.name "Your Name"` and `git config --global user.email you@example.org`',
            ) from None
        name, _, rest = ident.partition(" <")
        return Author(name=name.strip(), email=rest.partition(">")[0])

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Exclusive right to commit; the system gives it back when its holder dies."""
        descriptor = os.open(self.common / "stoa.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _take(descriptor)
            yield
        finally:
            os.close(descriptor)

    def commit(
        self, changes: Mapping[str, bytes | None], message: str, author: Author, branch: str | None = None
    ) -> str:
        """Commit files to a branch.

        Parameters
        ----------
        changes
            Path relative to the repository's root -> content, or None to remove it.
        message
            The whole message, trailers included.
        branch
            Full name; by default the branch that is checked out. Work tree and index are
            brought up to date only for that one.

        Returns
        -------
        commit
            Its id; the present one when the changes change nothing.
        """
        blobs = {path: Blob.from_string(data) if data is not None else None for path, data in changes.items()}
        with self.lock():
            place = branch or self.branch()
            if place != self.branch_or_none():
                return self._append(blobs, message, author, place)
            self._refresh_pending()
            self._check_folders(blobs)
            marker = self._mark({path: blob.id.decode() if blob else "" for path, blob in blobs.items()})
            commit = self._append(blobs, message, author, place)
            for path, blob in blobs.items():
                self._check_out(path, blob.data if blob else None)
            self._stage_marked(marker)
            self._tidy()
        return commit

    def heal(self) -> None:
        """Finish what a commit left undone: paths that are on the branch and not yet in work tree and index."""
        if self._markers():
            with self.lock():
                self._refresh_pending()

    def _markers(self) -> list[Path]:
        return sorted((self.control / MARKERS).glob("*.json"))

    def _mark(self, paths: Mapping[str, str]) -> Path:
        """Note durably which paths are to be brought up to date once the branch has moved.

        A commit whose paths are missing from the index would be undone by the user's next `git commit`.
        """
        folder = self.control / MARKERS
        folder.mkdir(exist_ok=True)
        marker = folder / f"{time.time_ns()}-{os.getpid()}.json"
        with marker.with_suffix(".part").open("w") as stream:
            json.dump(paths, stream)
            stream.flush()
            os.fsync(stream.fileno())
        marker.with_suffix(".part").replace(marker)
        sync_folder(folder)
        return marker

    def _refresh_pending(self) -> None:
        snapshot = self.snapshot()
        for marker in self._markers():
            for path, oid in json.loads(marker.read_text()).items():
                data = snapshot.read(path)
                if oid and data is not None and snapshot.file_id(path) == oid and not (self.top / path).exists():
                    self._check_out(path, data)
            self._stage_marked(marker)

    def _stage_marked(self, marker: Path) -> None:
        """Put the marked paths into the index as the branch has them; tried again later while the index is locked."""
        snapshot = self.snapshot()
        wanted = json.loads(marker.read_text())
        oids = {path: oid or None for path, oid in wanted.items() if snapshot.file_id(path) == oid}
        if not oids or self.stage(oids):
            marker.unlink(missing_ok=True)

    def branch_or_none(self) -> str | None:
        try:
            return self.branch()
        except GitError:
            return None

    def _append(self, blobs: Mapping[str, Blob | None], message: str, author: Author, branch: str) -> str:
        deadline = time.monotonic() + REF_WAIT_S
        while True:
            parent = self.tip(branch)
            before = self.snapshot(parent)._root
            trees: list[ShaFile] = []
            root = self._edit(before, _nest(blobs), trees)
            if parent and root == before:
                return parent
            tree = root or _add(trees, Tree())
            files = [blob for blob in blobs.values() if blob is not None]
            commit = self._write_commit([*files, *trees], tree, [parent] if parent else [], message, author)
            if self.move(branch, parent, commit, message.splitlines()[0], author):
                return commit
            if time.monotonic() > deadline:
                raise GitError(f"the branch {branch} kept moving; nothing is lost, try again")
            time.sleep(random.uniform(0.005, 0.05))

    def move(self, branch: str, old: str, new: str, why: str, author: Author) -> bool:
        """Compare-and-swap of a branch, durable when True; False when it is not at `old` any more."""
        try:
            done = self._repo.refs.set_if_equals(
                Ref(branch.encode()),
                ObjectID(old.encode()) if old else ObjectID(b"0" * 40),
                ObjectID(new.encode()),
                committer=f"{author.name} <{author.email}>".encode(),
                message=f"stoa: {why}".encode(),
            )
        except FileLocked:
            return False
        sync_folder(self.common / Path(branch).parent)
        return bool(done)

    def merge_commit(self, tree: str, parents: list[str], message: str, author: Author) -> str:
        """Write a commit of a tree that stands already; the branch is not moved."""
        return self._write_commit([], ObjectID(tree.encode()), parents, message, author)

    def _write_commit(
        self, objects: list[ShaFile], tree: ObjectID, parents: list[str], message: str, author: Author
    ) -> str:
        """Write objects and the commit of a tree; signed where the user has git sign commits."""
        if self._repo.get_config_stack().get_boolean((b"commit",), b"gpgsign", False):
            self._write(objects)
            return self._signed(tree.decode(), parents, message, author)
        commit = _commit(tree, parents, message, author)
        self._write([*objects, commit])
        return commit.id.decode()

    def _signed(self, tree: str, parents: list[str], message: str, author: Author) -> str:
        names = {"NAME": author.name, "EMAIL": author.email}
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in names.items()}
        words = ["commit-tree", "-S", *(word for parent in parents for word in ("-p", parent)), tree]
        return run_git(self.top, *words, stdin=message.encode(), more_environ=who)[1].decode().strip()

    def _edit(self, tree_id: ObjectID | None, changes: _Nest, trees: list[ShaFile]) -> ObjectID | None:
        """Id of the tree with the changes; only trees on changed paths are read and written."""
        tree = Tree()
        if tree_id is not None:
            found = self._repo.object_store[tree_id]
            assert isinstance(found, Tree)
            tree = Tree.from_string(found.as_raw_string())
        for name, change in changes.items():
            if isinstance(change, dict):
                old = tree[name] if name in tree else None  # noqa: SIM401 -- a Tree has no get
                if old and not stat.S_ISDIR(old[0]):
                    raise GitError(f"{name.decode('utf-8', 'replace')!r} is a file where records need a folder")
                below = old[1] if old else None
                entry = (stat.S_IFDIR, self._edit(below, change, trees))
            else:
                entry = (FILE_MODE, change.id if change else None)
            if entry[1] is not None:
                tree.add(name, entry[0], entry[1])
            elif name in tree:
                del tree[name]
        return _add(trees, tree) if len(tree) else None

    def _write(self, objects: list[ShaFile]) -> None:
        store = self._repo.object_store
        if len(objects) <= LOOSE_AT_MOST:
            for single in objects:
                store.add_object(single)
                sync_folder(self.common / "objects" / single.id.decode()[:2])
            return
        unique = {single.id: single for single in objects}
        store.add_objects([(single, None) for single in unique.values()])
        sync_folder(self.common / "objects" / "pack")

    def _check_folders(self, paths: Iterable[str]) -> None:
        """Refuse to write through a link that leads out of the work tree."""
        top = os.path.realpath(self.top)
        for folder in {os.path.dirname(path) for path in paths}:
            real = os.path.realpath(self.top / folder)
            if real != os.path.join(top, folder).rstrip("/"):
                raise GitError(f"{folder} leads through a link to {real}; records are not written through links")

    def _check_out(self, path: str, data: bytes | None) -> None:
        file = self.top / path
        if data is None:
            file.unlink(missing_ok=True)
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{file.name[:200]}.stoa-{os.getpid()}")
        aside.write_bytes(data)
        os.replace(aside, file)

    def stage(self, oids: Mapping[str, str | None]) -> bool:
        """Put paths into the index as they were committed; other paths stay as they are.

        Returns
        -------
        done
            False when somebody else held the index all the time.
        """
        lines = b"".join(
            f"{FILE_MODE if oid else 0:o} {oid or '0' * 40}\t{path}\0".encode("utf-8", "surrogateescape")
            for path, oid in oids.items()
        )
        deadline = time.monotonic() + INDEX_WAIT_S
        while True:
            try:
                run_git(self.top, "update-index", "-z", "--index-info", stdin=lines)
                return True
            except GitError as problem:
                if "index.lock" not in problem.said:
                    raise
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)

    def _tidy(self) -> None:
        """Join small packs now and then: a thousand of them make every reading slow."""
        packs = self.common / "objects" / "pack"
        if sum(name.endswith(".pack") for name in os.listdir(packs)) < PACKS_AT_MOST:
            return
        run_git(self.top, "repack", "-d", "-q", "--geometric=2", allow=(0, 1, 128, 129))  # older gits have no geometric
        self._repo.close()
        self._repo = self._opened()


_Nest = dict[bytes, "_Nest | Blob | None"]


def _nest(blobs: Mapping[str, Blob | None]) -> _Nest:
    root: _Nest = {}
    for path, blob in blobs.items():
        here = root
        *folders, name = path.encode("utf-8").split(b"/")
        for folder in folders:
            below = here.setdefault(folder, {})
            assert isinstance(below, dict)
            here = below
        here[name] = blob
    return root


def _add(trees: list[ShaFile], tree: Tree) -> ObjectID:
    trees.append(tree)
    return tree.id


def _commit(tree: ObjectID, parents: Iterable[str], message: str, author: Author) -> Commit:
    commit = Commit()
    commit.tree = tree
    commit.parents = [ObjectID(parent.encode()) for parent in parents]
    ident = f"{author.name} <{author.email}>".encode()
    commit.author = commit.committer = ident
    commit.author_time = commit.commit_time = int(time.time())
    offset = time.localtime().tm_gmtoff
    commit.author_timezone = commit.commit_timezone = offset - offset % 60
    commit.encoding = b"UTF-8"
    commit.message = message.encode("utf-8")
    return commit


def _take(descriptor: int) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StoaError(
                    f"another STOA command has been committing for over {LOCK_WAIT_S:.0f} s",
                    "try again when it is done",
                ) from None
        time.sleep(0.01)
