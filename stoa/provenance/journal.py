"""The journal of a live run: what was started and how it ended, durable before it is in git.

A line is the crc32 of its JSON, a blank, and the JSON. A line is whole or it is not there:
a torn end is what a power cut leaves, and is dropped; a bad line before good ones is damage
and is reported, while the good ones count. The journal is outside git, in
`.git/stoa/spool/<run>/`.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from stoa.durable import append_whole, body_of_line, checked_line, open_shared, sync_folder, take, write_hint
from stoa.errors import StoaError
from stoa.model import Outcome, Run
from stoa.provenance.dialect import RecordError

SYNC_EVERY_S = 0.05
SIGN_OF_LIFE_S = 30.0
NAME = "journal"
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class JournalError(StoaError):
    """The journal cannot be written any more."""

    def __init__(self, folder: Path, problem: OSError) -> None:
        super().__init__(
            f"the journal of run {folder.name} cannot be written: {problem.strerror} ({folder / NAME})",
            f"{write_hint(problem)}; what had ended is kept; then any `stoa` command commits it",
        )


class Start(msgspec.Struct, frozen=True, tag="start", tag_field="k"):
    """A job was handed to the engine."""

    target: str
    group: str
    attempt: int
    time: str


class End(msgspec.Struct, frozen=True, tag="end", tag_field="k"):
    """A job ended."""

    outcome: Outcome


class Opened(msgspec.Struct, frozen=True, tag="run", tag_field="k"):
    """The first line: the run, who holds it, and the keys of all its jobs."""

    run: Run
    owner: dict[str, str | int]
    branch: str  # full name of the branch that takes the records
    frozen: dict[str, bytes]  # path below the run's folder -> content
    jobs: tuple[tuple[str, str], ...]  # target, group
    skipped: int = 0
    locked: bool = False  # whether the holder keeps a lock on the journal


class Committed(msgspec.Struct, frozen=True, tag="commit", tag_field="k"):
    """What had ended before this line is in git; its own lines are left out."""

    commit: str
    counts: dict[str, int]  # by status, of all outcomes of the run that are in this commit


class Closed(msgspec.Struct, frozen=True, tag="done", tag_field="k"):
    """Every job that was to run has ended, or the user stopped the run."""

    time: str


Entry = Opened | Start | End | Committed | Closed
_DECODER = msgspec.json.Decoder(Entry)


class Journaled(msgspec.Struct, frozen=True, kw_only=True):
    """A journal folded: the run, what still ran at the last line, what had ended and may not be in git yet."""

    opened: Opened
    committed: Committed | None
    running: tuple[Start, ...]
    ended: tuple[Outcome, ...]
    closed: str  # time of closing; "" while the run lives or was cut off
    damaged: tuple[int, ...]  # numbers of bad lines that come before good ones


class Journal:
    """Appends entries; many a second cost one sync to disk together.

    Parameters
    ----------
    folder
        Of the run; the journal in it is made, and locked for as long as this process has it open.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._descriptor = open_shared(folder / NAME, _FLAGS)
        self.locked = take(self._descriptor) is True
        self._failure: JournalError | None = None
        self._swapping = threading.Lock()
        self._dirty = threading.Event()
        self._closing = False
        self._syncer = threading.Thread(target=self._sync_often, name="stoa-journal", daemon=True)
        self._syncer.start()

    def append(self, entry: Entry) -> None:
        """Write one entry; it is on disk a tenth of a second later, or when `sync` returns.

        Raises
        ------
        JournalError
            If the disk is full or refuses, now or at the last sync. Nothing of the entry is left,
            and none is taken after it.
        """
        data = _line(entry)
        self._checked(lambda: append_whole(self._descriptor, data))
        self._dirty.set()

    def sync(self) -> None:
        """Return when everything appended so far is on disk."""
        self._dirty.clear()
        with self._swapping:
            self._checked(lambda: os.fdatasync(self._descriptor))

    def shorten(self, entries: Iterable[Entry]) -> None:
        """Put these entries into the place of all that were appended, at once and durably.

        Where the disk refuses, the journal stays as it is.
        """
        aside = self.folder / f"{NAME}.next"
        try:
            descriptor = open_shared(aside, _FLAGS | os.O_TRUNC)
            try:
                take(descriptor)  # before it gets its name: at no time may the run seem to be no one's
                append_whole(descriptor, b"".join(_line(entry) for entry in entries))
                os.fdatasync(descriptor)
                aside.rename(self.folder / NAME)
                sync_folder(self.folder)  # else a power cut could bring the old one back, without what follows
            except BaseException:
                os.close(descriptor)
                raise
        except OSError:
            return
        with self._swapping:
            self._descriptor, old = descriptor, self._descriptor
            os.close(old)

    def close(self) -> None:
        """Let go of the journal; what is in it stays."""
        if self._closing:
            return
        self._closing = True
        self._dirty.set()
        self._syncer.join()
        with suppress(OSError):
            os.fdatasync(self._descriptor)
        os.close(self._descriptor)

    def _checked(self, act: Callable[[], None]) -> None:
        # After one failure nothing more is written: a line after a torn one would look like damage.
        if self._failure:
            raise self._failure
        try:
            act()
        except OSError as problem:
            self._failure = JournalError(self.folder, problem)
            raise self._failure from None

    def _sync_often(self) -> None:
        while not self._closing:
            try:
                if self._dirty.wait(SIGN_OF_LIFE_S):
                    self.sync()
                else:
                    with self._swapping:
                        os.utime(self._descriptor)  # who cannot see this process can see that it lives
            except (JournalError, OSError):
                return  # the next `append` or `sync` says so
            time.sleep(SYNC_EVERY_S)


def _line(entry: Entry) -> bytes:
    return checked_line(msgspec.json.encode(entry))


def read_journal(folder: Path) -> Journaled | None:
    """What the journal of a run says, without a torn end; None if there is none.

    Raises
    ------
    RecordError
        If its first line is not whole. A journal appears under its name with that line on disk,
        so it is damaged.
    """
    try:
        with (folder / NAME).open("rb") as lines:
            return _fold(lines, folder)
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_locked(folder: Path) -> bool:
    """Whether a process of this machine has the journal of a run open for writing."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return take(descriptor, fcntl.LOCK_SH) is False
    finally:
        os.close(descriptor)


def _fold(lines: Iterable[bytes], folder: Path) -> Journaled:
    first: Opened | None = None
    started: dict[tuple[str, str, int], Start] = {}
    ended: list[Outcome] = []
    committed: Committed | None = None
    closed = ""
    bad: list[int] = []
    damaged: list[int] = []
    for number, text in enumerate(lines, 1):
        entry = _entry(text)
        if entry is None:
            bad.append(number)
            continue
        damaged += bad
        bad = []
        match entry:
            case Opened():
                first = entry
            case Start():
                started[entry.target, entry.group, entry.attempt] = entry
            case End(outcome=o):
                started.pop((o.target, o.group, o.attempt), None)
                ended.append(o)
            case Committed():
                committed = entry
            case Closed():
                closed = entry.time
    if first is None:
        raise RecordError(f"the journal of run {folder.name} is damaged: its first line is not whole ({folder / NAME})")
    return Journaled(
        opened=first, committed=committed, running=tuple(started.values()), ended=tuple(ended), closed=closed,
        damaged=tuple(damaged),
    )  # fmt: skip


def _entry(text: bytes) -> Entry | None:
    body = body_of_line(text)
    if body is None:
        return None
    try:
        entry: Entry = _DECODER.decode(body)
        return entry
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
