"""Reading records from git's objects, and adding commits without work tree or index.

A commit is built from blobs and trees and put on the branch by compare-and-swap; the user's
staged and changed files take no part in it. Objects are synced to disk before the branch
moves. Afterwards the committed paths, and no others, are brought up to date in the work tree
and the index.
"""

from __future__ import annotations

import os
import random
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, unquote

from dulwich.errors import NotGitRepository
from dulwich.objects import Commit, ObjectID, ShaFile, Tree
from dulwich.reflog import format_reflog_line
from dulwich.refs import Ref

from stoa.durable import NOT_YOURS, exclusive, make_folder, open_shared, sync_folder
from stoa.model import Author
from stoa.provenance.git.checkout import Checkout
from stoa.provenance.git.content import Content, hashed
from stoa.provenance.git.leftovers import GitLock, find_locks, look_at
from stoa.provenance.git.locks import Locked, release_ours, replacing
from stoa.provenance.git.packs import Packs
from stoa.provenance.git.plumbing import GitError, PlainRepo, asks, from_bytes, run_git, to_bytes
from stoa.provenance.git.snapshot import FILE_MODE, Snapshot, read_object

LAST = "refs/stoa/last"
"""Holds, for each branch, the commit up to which STOA knows that no record is missing."""

REF_WAIT_S = 60.0


class Repository:
    """A git work tree.

    Raises
    ------
    GitError
        If the repository is bare, damaged or of a format that STOA cannot write.
    """

    def __init__(self, top: Path) -> None:
        self.top = top
        self.acting: Author | None = None  # whose commits these are; None for the one whom git names
        self._repo = self._opened()
        self._check_format()
        self.control = Path(os.path.realpath(os.fsdecode(self._repo.controldir())))
        self.common = Path(os.path.realpath(os.fsdecode(self._repo.commondir())))
        self._checkout = Checkout(self.top, self.control, self.common)
        self._packs = Packs(self.top, self.common / "objects" / "pack")
        self._held = False

    def _opened(self) -> PlainRepo:
        for folder in (self.top / ".git", self.top / ".git" / "objects"):
            if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):  # it would pass for a damaged repository
                raise GitError(f"you may not read {folder}", hint=NOT_YOURS)
        try:
            repo = PlainRepo(str(self.top))
        except NotGitRepository:
            raise GitError(f"{self.top} has a .git that is not a repository") from None
        except GitError:
            raise
        except Exception as problem:  # noqa: BLE001 -- dulwich names unknown formats by many exception types
            raise GitError(f"the git repository {self.top} cannot be opened: {problem}") from None
        if repo.bare:
            repo.close()
            raise GitError(f"{self.top} is a bare git repository", hint="clone it and work in the clone")
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
                self._repo.close()
                raise GitError(
                    f"{self.top} uses {name.decode()} {value.decode()!r}, which STOA cannot write",
                    hint=f"make the repository with `git init` and its default {fine.decode()!r}",
                )

    def close(self) -> None:
        self._packs.release()
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
        return from_bytes(names[-1])

    def head(self) -> str:
        """The commit that is checked out, "" before the first one."""
        _, commit = self._repo.refs.follow(Ref(b"HEAD"))
        return commit.decode() if commit else ""

    def tip(self, branch: str) -> str:
        """The commit that a branch (full name) is at, "" where there is no such branch."""
        try:
            return self._repo.refs[Ref(to_bytes(branch))].decode()
        except KeyError:
            return ""

    def knows(self, oid: str) -> bool:
        """Whether an object is there."""
        return run_git(self.top, "cat-file", "-e", oid, allow=(0, 1, 128))[0] == 0

    @property
    def is_shallow(self) -> bool:
        """Whether the clone has the last commits alone (``git clone --depth``)."""
        return (self.common / "shallow").exists()

    def snapshot(self, commit: str | None = None, kind: type[Snapshot] = Snapshot) -> Snapshot:
        """What a commit holds; by default the one that is checked out."""
        chosen = self.head() if commit is None else commit
        return kind(self._repo, ObjectID(chosen.encode()) if chosen else None)

    def author(self) -> Author:
        """Whose commits these are: the person on whose behalf we act, or else whom git names."""
        return self.acting or self.identity()

    def identity(self) -> Author:
        """Who git says is working here.

        Raises
        ------
        GitError
            If git knows no name or address.
        """
        try:
            ident = run_git(self.top, "var", "GIT_AUTHOR_IDENT")[1].decode("utf-8", "replace")
        except GitError as problem:
            if not problem.said:  # it is not there, or was killed
                raise
            raise GitError(
                "git does not know who you are, and every record names its author",
                hint='`git config --global user.name "Your Name"` and `git config --global user.email you@example.org`',
            ) from None
        name, _, rest = ident.partition(" <")
        return Author(name=name.strip(), email=rest.partition(">")[0])

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Exclusive right to commit; the system gives it back when its holder dies.

        What holders that were killed left locked is free again.

        Yields
        ------
        held
            False on a file system without locks; git's own locks on branch and index are all there is then.
        """
        with exclusive(self.common / "stoa.lock", "has been committing") as self._held:
            if self._held:
                release_ours(self.common)
            try:
                yield self._held
            finally:
                self._held = False

    def commit(
        self, changes: Mapping[str, bytes | Content | None], message: str, author: Author, branch: str | None = None
    ) -> str:
        """Commit files to a branch.

        Parameters
        ----------
        changes
            Path relative to the repository's root -> content, or None to remove it. Of many small files most of the
            time goes into compressing them, which `stoa.provenance.git.content.packed` does beforehand.
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
        blobs = {path: hashed(data) if isinstance(data, bytes) else data for path, data in changes.items()}
        with self.lock() as held:
            place = branch or self.branch()
            self._check_free(place)
            if place != self.branch_or_none():
                return self._append(blobs, message, author, place)
            self._checkout.finish(self.snapshot(), held=held)
            self._check_folders(blobs)
            marker = self._checkout.mark({path: blob.oid if blob else "" for path, blob in blobs.items()})
            commit = self._append(blobs, message, author, place)
            with suppress(OSError):  # it is committed; what the disk does not take now the marker brings later
                self._checkout.write({path: blob.data if blob else None for path, blob in blobs.items()})
                self._checkout.stage_marked(marker, self.snapshot(), held=held)
                self._tidy()
        return commit

    def _check_free(self, branch: str) -> None:
        """Raise while a rebase, of any work tree, has the branch: its end moves the branch back, or fails for ever."""
        for control in (self.common, *(self.common / "worktrees").glob("*")):
            for name in ("rebase-merge", "rebase-apply"):
                with suppress(OSError):
                    if (control / name / "head-name").read_bytes().strip() == to_bytes(branch):
                        raise GitError(
                            f"a rebase of {branch.removeprefix('refs/heads/')} is under way",
                            hint="finish it first: `git rebase --continue` or `git rebase --abort`",
                        )

    def hide(self, patterns: Iterable[str]) -> None:
        """Let git ignore files in this clone on every branch, whatever the ignore files of a branch say."""
        file = self.common / "info" / "exclude"
        with suppress(OSError):
            present = file.read_bytes() if file.exists() else b""
            missing = [line for line in (pattern.encode() for pattern in patterns) if line not in present.split(b"\n")]
            if missing:
                file.parent.mkdir(exist_ok=True)
                before = present if present.endswith(b"\n") or not present else present + b"\n"
                aside = file.with_name(f"exclude.stoa-{os.getpid()}")
                aside.write_bytes(before + b"".join(line + b"\n" for line in missing))
                aside.replace(file)

    def heal(self) -> None:
        """Finish what a commit left undone: paths that are on the branch and not yet in work tree and index."""
        if self._checkout.markers():
            with self.lock() as held:
                self._checkout.finish(self.snapshot(), held=held, patience_s=0.0)

    def branch_or_none(self) -> str | None:
        try:
            return self.branch()
        except GitError:
            return None

    def _append(self, blobs: Mapping[str, Content | None], message: str, author: Author, branch: str) -> str:
        deadline = time.monotonic() + REF_WAIT_S
        while True:
            parent = self.tip(branch)
            before = self.snapshot(parent).root
            trees: list[ShaFile] = []
            root = self._edit(before, _nest(blobs), trees)
            if parent and root == before:
                return parent
            tree = root or _add(trees, Tree())
            files = [blob for blob in blobs.values() if blob is not None]
            commit = self._write_commit([*files, *trees], tree, [parent] if parent else [], message, author)
            if self.move(branch, parent, commit, message.splitlines()[0], author):
                if self.last(branch) in ("", parent):
                    self._set(last_ref(branch), commit)
                return commit
            self._check_lock(branch)
            if time.monotonic() > deadline:
                raise GitError(f"the branch {branch} kept moving; nothing is lost, try again")
            time.sleep(random.uniform(0.005, 0.05))

    def _check_lock(self, branch: str) -> None:
        """Raise if a killed git has left the branch locked, for which no waiting helps."""
        lock = look_at(self.common / f"{branch}.lock", self.common)
        if lock and lock.left_over:
            raise GitError(lock.message, hint=lock.hint)

    def locks(self) -> list[GitLock]:
        """Git's own locks that are held now, or were left by commands that were killed."""
        return find_locks(self.control, self.common)

    def copy_of_index(self) -> AbstractContextManager[dict[str, str]]:
        """See `Checkout.copy_of_index`; the caller holds the lock."""
        return self._checkout.copy_of_index(held=self._held)

    def move(self, branch: str, old: str, new: str, why: str, author: Author) -> bool:
        """Compare-and-swap of a branch, durable when True; False when it is not at `old` any more.

        The caller holds the lock.
        """
        file = self.common / branch
        try:
            with replacing(self.common, file, f"{new}\n".encode(), ours=self._held) as lock:
                if self.tip(branch) != old:
                    return False
                self._log_move(branch, old, new, f"stoa: {why}", author)
                os.replace(lock, file)
                sync_folder(file.parent)
        except Locked:
            return False
        self._packs.release()
        return True

    def point(self, ref: str, commit: str) -> None:
        """Let a reference beside the branches name a commit, whatever it named before.

        Where someone else is at it, another sync of this clone, it stays as that leaves it.
        """
        with self.lock():
            self._set(ref, commit)
            if (folder := (self.common / ref).parent).is_dir():
                sync_folder(folder)  # also what git has done there: a power cut would bring its lock back

    def _set(self, ref: str, commit: str) -> None:
        file = self.common / ref
        if self.tip(ref) != commit:
            with suppress(Locked), replacing(self.common, file, f"{commit}\n".encode(), ours=self._held) as lock:
                os.replace(lock, file)
                sync_folder(file.parent)

    def last(self, branch: str) -> str:
        """The commit of a branch (full name) up to which no record is missing, "" where none is known."""
        return self.tip(last_ref(branch))

    def lasts(self) -> dict[str, str]:
        """What `last` gives for each branch that ever had a record, gone ones included; by full name."""
        found = self._repo.refs.as_dict(Ref(LAST.encode()))
        return {
            f"refs/heads/{unquote(from_bytes(name), errors='surrogateescape')}": commit.decode()
            for name, commit in found.items()
        }

    def remember(self, branch: str, old: str, new: str) -> None:
        """Note that nothing of the commit that `last` gave is missing in a later one."""
        with self.lock():
            if self.last(branch) == old:
                self._set(last_ref(branch), new)

    def _log_move(self, branch: str, old: str, new: str, why: str, author: Author) -> None:
        """Add a line to the branch's reflog, and to that of HEAD where the branch is checked out."""
        ident = f"{author.name} <{author.email}>".encode()
        start = ObjectID(old.encode()) if old else None
        line = format_reflog_line(start, ObjectID(new.encode()), ident, time.time(), _zone_s(), to_bytes(why))
        logs = [self.common / "logs" / branch]
        if branch == self.branch_or_none():
            logs.append(self.control / "logs" / "HEAD")
        for log in logs:
            make_folder(log.parent)
            with open(open_shared(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as stream:
                stream.write(line + b"\n")

    def merge_commit(
        self, tree: str, parents: list[str], message: str, author: Author, contents: Mapping[str, bytes]
    ) -> str:
        """Write a commit of a tree that git has made, but for the content of some files; the branch is not moved.

        What is new in the tree is written again, as git has written single objects that no branch leads to.
        """
        words = ("rev-list", "--objects", "--no-object-names", tree, *(f"^{parent}" for parent in parents))
        made = run_git(self.top, *words)[1].split()
        blobs = {path: hashed(data) for path, data in contents.items()}
        objects: list[ShaFile] = [self._repo.object_store[ObjectID(oid)] for oid in made]
        root = self._edit(ObjectID(tree.encode()), _nest(blobs), objects) if blobs else ObjectID(tree.encode())
        assert root is not None
        return self._write_commit([*objects, *blobs.values()], root, parents, message, author)

    def _write_commit(
        self, objects: Sequence[ShaFile | Content], tree: ObjectID, parents: list[str], message: str, author: Author
    ) -> str:
        """Write objects and the commit of a tree; signed where the user has git sign commits."""
        if asks(self.top, "commit.gpgSign"):
            self._write(objects)
            signed = self._signed(tree.decode(), parents, message, author)
            self._write([self._repo.object_store[ObjectID(signed.encode())]])
            return signed
        commit = _commit(tree, parents, message, author, self._committer(author))
        self._write([*objects, commit])
        return commit.id.decode()

    def _committer(self, author: Author) -> Author:
        """Who writes a commit: the author, or git's identity where we act on behalf of someone."""
        return self.identity() if self.acting else author

    def _signed(self, tree: str, parents: list[str], message: str, author: Author) -> str:
        roles = {"AUTHOR": author, "COMMITTER": self._committer(author)}
        who = {
            f"GIT_{role}_{key}": value
            for role, person in roles.items()
            for key, value in (("NAME", person.name), ("EMAIL", person.email))
        }
        words = ["commit-tree", "-S", *(word for parent in parents for word in ("-p", parent)), tree]
        try:
            return run_git(self.top, *words, stdin=to_bytes(message), more_environ=who)[1].decode().strip()
        except GitError as problem:
            raise GitError(
                f"git could not sign the commit: {problem.message}",
                problem.said,
                "git is set up to sign commits: `git config user.signingkey` names the key,"
                " `git config commit.gpgsign false` signs none",
            ) from None

    def _edit(self, tree_id: ObjectID | None, changes: _Nest, trees: list[ShaFile]) -> ObjectID | None:
        """Id of the tree with the changes; only trees on changed paths are read and written."""
        tree = Tree()
        if tree_id is not None:
            tree = Tree.from_string(read_object(self._repo, tree_id, Tree).as_raw_string())
        for name, change in changes.items():
            if isinstance(change, dict):
                old = tree[name] if name in tree else None  # noqa: SIM401 -- a Tree has no get
                if old and not stat.S_ISDIR(old[0]):
                    raise GitError(f"{name.decode('utf-8', 'replace')!r} is a file where records need a folder")
                below = old[1] if old else None
                entry = (stat.S_IFDIR, self._edit(below, change, trees))
            else:
                entry = (FILE_MODE, ObjectID(change.oid.encode()) if change else None)
            if entry[1] is not None:
                tree.add(name, entry[0], entry[1])
            elif name in tree:
                del tree[name]
        return _add(trees, tree) if len(tree) else None

    def _write(self, objects: Iterable[ShaFile | Content]) -> None:
        """Write objects, on disk when this returns."""
        if self._held:
            self._packs.remove_left()
        self._packs.write(objects)

    def _check_folders(self, paths: Iterable[str]) -> None:
        """Refuse to write through a link that leads out of the work tree."""
        top = os.path.realpath(self.top)
        for folder in {path.rpartition("/")[0] for path in paths}:
            real = os.path.realpath(self.top / folder)
            if real != os.path.join(top, folder).rstrip("/"):
                raise GitError(f"{folder} leads through a link to {real}; records are not written through links")

    def _tidy(self) -> None:
        if self._packs.tidy():
            self._repo.close()
            self._repo = self._opened()


def last_ref(branch: str) -> str:
    """The reference that `Repository.last` reads."""
    # The name is one part, so that branches `a` and, when that is gone, `a/b` do not collide.
    return f"{LAST}/{quote(branch.removeprefix('refs/heads/'), safe='', errors='surrogateescape')}"


_Nest = dict[bytes, "_Nest | Content | None"]


def _nest(blobs: Mapping[str, Content | None]) -> _Nest:
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


def _commit(tree: ObjectID, parents: Iterable[str], message: str, author: Author, committer: Author) -> Commit:
    commit = Commit()
    commit.tree = tree
    commit.parents = [ObjectID(parent.encode()) for parent in parents]
    commit.author = f"{author.name} <{author.email}>".encode()
    commit.committer = f"{committer.name} <{committer.email}>".encode()
    commit.author_time = commit.commit_time = int(time.time())
    commit.author_timezone = commit.commit_timezone = _zone_s()
    commit.encoding = b"UTF-8"
    commit.message = to_bytes(message)
    return commit


def _zone_s() -> int:
    """Seconds east of Greenwich, in whole minutes."""
    offset = time.localtime().tm_gmtoff
    return offset - offset % 60
