"""The spool: a folder for each run that is not in git as a whole, with its journal.

A folder comes under the name of its run with a whole first line in the journal, and goes by
one rename, so that whoever is killed in between leaves either all of it or nothing but a
folder with a dot before its name, which the next command removes.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import msgspec

from stoa.durable import exclusive, give_folder, make_folder, open_shared, sync_folder, write_hint
from stoa.errors import StoaError
from stoa.project import Project
from stoa.provenance.journal import Journal, Opened

_NEW, _DONE, _DAMAGED = ".new-", ".done-", ".damaged-"
_ABANDONED_S = 3600.0


class Spool:
    """The spool of one work tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lock(self) -> AbstractContextManager[bool]:
        """Exclusive right to begin runs and to end those that were cut off (see `stoa.durable`)."""
        with suppress(OSError):  # the lock says what is wrong
            make_folder(self.folder)
        return exclusive(self.folder / ".lock", "has been putting a run into git")

    def runs(self) -> dict[str, Path]:
        """Folders of the runs, by id: running, or cut off."""
        return {name: self.folder / name for name in self._names() if not name.startswith(".")}

    def damaged(self) -> tuple[Path, ...]:
        """Folders of runs whose journal was damaged; they are kept for a person to look at."""
        return tuple(self.folder / name for name in self._names() if name.startswith(_DAMAGED))

    def open(self, first: Opened) -> tuple[Journal, Opened]:
        """Begin the journal of a run; the caller holds the lock.

        Returns
        -------
        journal, first
            The first line as it was written, with what is known of the lock on the journal.

        Raises
        ------
        StoaError
            If the disk is full or refuses.
        """
        aside = self.folder / f"{_NEW}{first.run.id}"
        try:
            make_folder(self.folder)
            aside.mkdir()
            give_folder(aside)
            journal = Journal(aside)
            try:
                written = msgspec.structs.replace(first, locked=journal.locked)
                journal.append(written)
                journal.sync()
                sync_folder(aside)
                journal.folder = aside.rename(self.folder / first.run.id)
            except BaseException:
                journal.close()
                raise
            for folder in (self.folder, self.folder.parent):
                sync_folder(folder)
        except OSError as problem:
            raise StoaError(f"cannot begin a run in {self.folder}: {problem.strerror}", write_hint(problem)) from None
        return journal, written

    def remove(self, run: str) -> None:
        """Remove the folder of a run that is in git as a whole."""
        self._put_aside(run, _DONE)

    def keep_damaged(self, run: str) -> None:
        """Take the folder of a run with a damaged journal out of the way."""
        self._put_aside(run, _DAMAGED)

    def _put_aside(self, run: str, kind: str) -> None:
        aside = self.folder / f"{kind}{run}"
        try:
            (self.folder / run).rename(aside)
            sync_folder(self.folder)
        except OSError:
            return  # it is gone, or stays and is found to be in git by the next command
        if kind == _DONE:
            shutil.rmtree(aside, ignore_errors=True)

    def has_leftovers(self) -> bool:
        return any(name.startswith((_NEW, _DONE)) for name in self._names())

    def sweep(self, *, locked: bool) -> None:
        """Remove what killed commands left half made or half removed; the caller holds the lock.

        Parameters
        ----------
        locked
            False where the file system has no locks: then only what is old is no one's any more.
        """
        for name in self._names():
            if name.startswith((_NEW, _DONE)) and (locked or _age_s(self.folder / name) > _ABANDONED_S):
                shutil.rmtree(self.folder / name, ignore_errors=True)

    def _names(self) -> list[str]:
        try:
            return sorted(name for name in os.listdir(self.folder) if (self.folder / name).is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []


def check_writable(project: Project) -> None:
    """Raise `StoaError` unless the spool can be written."""
    try:
        make_folder(project.spool)
        os.close(open_shared(project.spool / ".probe", os.O_WRONLY | os.O_CREAT))
    except OSError as problem:
        raise StoaError(f"cannot write to {project.spool}: {problem.strerror}", write_hint(problem)) from None


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
