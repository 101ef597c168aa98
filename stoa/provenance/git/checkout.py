"""What was committed, brought into work tree and index; what a kill left undone of that is done by the next command.

A commit whose paths are missing from the index would be undone by the user's next `git commit`. So a marker in git's
own folder names the paths before the branch moves, and goes when work tree and index have them on disk.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dulwich.objects import Blob

from stoa.durable import make_folder, sync_file, sync_files, sync_folder, write_new
from stoa.provenance.git.locks import Locked, replacing
from stoa.provenance.git.plumbing import GitError, run_git
from stoa.provenance.git.snapshot import FILE_MODE, Snapshot

MARKERS = "stoa-refresh"
INDEX_WAIT_S = 5.0
_ASIDE = "stoa-index-"
_NO_ROOM = re.compile(r"No space left|Out of diskspace|Disk quota|unable to write|write error", re.IGNORECASE)
_Stamp = tuple[int, int, int] | None


class Checkout:
    """Work tree and index of a repository; the caller holds STOA's lock.

    Parameters
    ----------
    top
        The work tree.
    control
        Git's folder of this work tree.
    common
        Git's folder of all work trees of the repository.
    """

    def __init__(self, top: Path, control: Path, common: Path) -> None:
        self.top = top
        self.common = common
        self.index = control / "index"
        self._folder = control / MARKERS

    def markers(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    def mark(self, paths: Mapping[str, str]) -> Path:
        """Note durably which paths are to be brought up to date once the branch has moved.

        Parameters
        ----------
        paths
            Path -> object id, "" for one that is to go.
        """
        make_folder(self._folder)
        marker = self._folder / f"{time.time_ns()}-{os.getpid()}.json"
        part = marker.with_suffix(".part")
        part.write_text(json.dumps(paths), encoding="utf-8")
        sync_file(part)
        part.replace(marker)
        sync_folder(self._folder)
        return marker

    def finish(self, snapshot: Snapshot, *, held: bool, patience_s: float | None = None) -> None:
        """Do what markers of commands that were killed, or met a locked index, name.

        Parameters
        ----------
        held
            Whether no one else can be at it now.
        """
        for marker in self.markers():
            wanted = json.loads(marker.read_text(encoding="utf-8"))
            if held:
                self._sweep(wanted)
            there = {path: oid for path, oid in wanted.items() if snapshot.file_id(path) == oid}
            missing = (path for path, oid in there.items() if oid and not os.path.lexists(self.top / path))
            self.write({path: snapshot.read(path) for path in missing} | self._left_over(there))
            self.stage_marked(marker, snapshot, held=held, patience_s=patience_s)

    def _left_over(self, there: Mapping[str, str]) -> dict[str, None]:
        """Files that the branch has no more and that are still as the index has them."""
        gone = [path for path, oid in there.items() if not oid and (self.top / path).is_file()]
        if not gone:
            return {}
        _, output = run_git(self.top, "--literal-pathspecs", "ls-files", "-s", "-z", "--", *gone)
        entries = (entry.partition("\t") for entry in output.decode("utf-8", "surrogateescape").split("\0") if entry)
        staged = {path: facts.split(" ")[1] for facts, _, path in entries}
        return {path: None for path in gone if staged.get(path) == _blob_id(self.top / path)}

    def _sweep(self, paths: Mapping[str, str]) -> None:
        """Remove what killed commands were writing beside these paths."""
        for folder, names in _by_folder(paths).items():
            starts = tuple(_aside_start(name) for name in names)
            with suppress(FileNotFoundError, NotADirectoryError):
                for found in os.listdir(self.top / folder):
                    if found.startswith(starts):
                        (self.top / folder / found).unlink(missing_ok=True)

    def write(self, contents: Mapping[str, bytes | None]) -> None:
        """Put files into the work tree, each whole and on disk when this returns; None removes one."""
        asides: dict[str, str] = {}
        made, own = set[str](), os.getpid()
        for number, (path, data) in enumerate(contents.items()):
            file = f"{self.top}/{path}"  # texts: of a thousand files `Path` would take most of the time
            if data is None:
                Path(file).unlink(missing_ok=True)
                continue
            folder, _, name = file.rpartition("/")
            if folder not in made:
                os.makedirs(folder, exist_ok=True)
                made.add(folder)
            aside = f"{folder}/{_aside_start(name)}{own}-{number}"
            write_new(aside, data)
            asides[file] = aside
        sync_files(asides.values())  # after all were written, which lets the disk take them together
        for file, aside in asides.items():
            os.replace(aside, file)
        for folder in _with_parents(_by_folder(contents)):
            with suppress(FileNotFoundError):
                sync_folder(self.top / folder)

    def stage_marked(self, marker: Path, snapshot: Snapshot, *, held: bool, patience_s: float | None = None) -> None:
        """Put the marked paths into the index as the branch has them; tried again later while the index is locked."""
        wanted = json.loads(marker.read_text(encoding="utf-8"))
        oids = {path: oid or None for path, oid in wanted.items() if snapshot.file_id(path) == oid}
        if not oids or self.stage(oids, held=held, patience_s=patience_s):
            marker.unlink(missing_ok=True)

    def stage(self, oids: Mapping[str, str | None], *, held: bool, patience_s: float | None = None) -> bool:
        """Put paths into the index as they were committed; other paths stay as they are.

        Git works on a copy. Its lock on the index itself is held for a moment only, and is known as STOA's.

        Returns
        -------
        done
            False when someone else held the index, or killed our git, or the disk was full, all the time.
        """
        lines = "".join(
            f"{FILE_MODE:o} {oid}\t{path}\0" if oid else f"0 {'0' * 40}\t{path}\0" for path, oid in oids.items()
        ).encode("utf-8", "surrogateescape")
        if held:
            for left in self.index.parent.glob(f"{_ASIDE}*"):
                left.unlink(missing_ok=True)
        deadline = time.monotonic() + (INDEX_WAIT_S if patience_s is None else patience_s)
        while not self._try_stage(lines, held=held):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _try_stage(self, lines: bytes, *, held: bool) -> bool:
        try:
            with self.copy_of_index(held=held) as environ:
                run_git(self.top, "update-index", "-z", "--index-info", stdin=lines, more_environ=environ)
        except Locked:
            return False
        except GitError as problem:
            if not (problem.killed or _NO_ROOM.search(problem.said)):
                raise
            return False
        return True

    @contextmanager
    def copy_of_index(self, *, held: bool) -> Iterator[dict[str, str]]:
        """A copy of the index for git commands to work on; at the end it takes the place of the index, durably.

        Yields
        ------
        environ
            The variables that let git use the copy.

        Raises
        ------
        Locked
            If someone else has changed the index meanwhile, or is about to. The copy is forgotten then.
        """
        aside = self.index.with_name(f"{_ASIDE}{os.getpid()}")
        try:
            before = _stamp(self.index)
            if before:
                shutil.copy2(self.index, aside)  # with its time, by which git knows what it has to look at again
            yield {"GIT_INDEX_FILE": str(aside)}
            sync_file(aside)
            with replacing(self.common, self.index, ours=held):
                if _stamp(self.index) != before:
                    raise Locked(str(self.index))
                os.replace(aside, self.index)
                sync_folder(self.index.parent)
        finally:
            for left in (aside, aside.with_name(f"{aside.name}.lock")):
                left.unlink(missing_ok=True)


def _blob_id(file: Path) -> str:
    return Blob.from_string(file.read_bytes()).id.decode()


def _stamp(file: Path) -> _Stamp:
    """Tells a file from one that has taken its place; None where there is none."""
    try:
        facts = file.stat()
    except FileNotFoundError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _aside_start(name: str) -> str:
    return f".{name[:50]}.stoa-"  # a name of 50 characters may have 200 bytes; more than 255 no file system takes


def _by_folder(paths: Mapping[str, object]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        found.setdefault(folder, []).append(name)
    return found


def _with_parents(folders: Mapping[str, object]) -> set[str]:
    """Folders with all that hold them, "" for the root; the deepest may be new, and so may the others."""
    found = {""}
    for folder in folders:
        while folder:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found
