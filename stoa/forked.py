"""Work that is shared among copies of this process, which know all that it knows and cost a millisecond each.

Items are numbered; their numbers lie in a pipe from which whoever is free takes the next one, and each copy sends what
it made through a pipe of its own.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NoReturn, TypeVar

from stoa import procfs
from stoa.errors import StoaError

T = TypeVar("T")

_NUMBER = struct.Struct("=I")
_HEAD = struct.Struct("=I?Q")  # number of the item, whether it went well, bytes that follow
_AT_ONCE = 4096 // _NUMBER.size  # numbers that a pipe takes whole or not at all (PIPE_BUF)
_ROOM = 1 << 20  # bytes of a pipe: a copy does not wait for us to read


def may_fork() -> bool:
    """Whether a copy of this process would be sound: no other thread, which might hold a lock, is in it."""
    if not sys.platform.startswith("linux"):
        return False
    return len(procfs.threads()) == threading.active_count() == 1


def shared(work: Callable[[T], bytes], items: Sequence[T], count: int) -> Iterator[bytes]:
    """What `work` makes of each item, in their order, by `count` copies of this process.

    Raises
    ------
    StoaError
        If a copy ends too early, as when the memory runs out.
    RuntimeError
        If `work` raises something, with its traceback.
    """
    team = _Team(len(items))
    try:
        for _ in range(count):
            team.start(work, items)
        yield from team.answers()
    finally:
        team.end()


class _Team:
    """The copies, and what they have sent."""

    def __init__(self, items: int) -> None:
        self._todo, self._tasks = os.pipe()
        os.set_blocking(self._tasks, False)
        self._left = range(items)  # numbers that no copy can take yet
        self._pids: list[int] = []
        self._inboxes: dict[int, bytearray] = {}  # by the end of the pipe that we read
        self._made: dict[int, bytes] = {}
        self._awaited = items

    def start(self, work: Callable[[T], bytes], items: Sequence[T]) -> None:
        """Make one more copy."""
        ours, theirs = os.pipe()
        self._inboxes[ours] = bytearray()
        with suppress(OSError):  # more than this user may have
            fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, _ROOM)
        try:
            pid = os.fork()
            if not pid:
                for descriptor in (self._tasks, *self._inboxes):
                    os.close(descriptor)
                _serve(work, items, self._todo, theirs)
        finally:
            os.close(theirs)
        self._pids.append(pid)

    def _hand_out(self) -> None:
        """Put as many numbers into the pipe as it takes; it is closed behind the last one."""
        while self._left:
            some = self._left[:_AT_ONCE]
            try:
                os.write(self._tasks, b"".join(map(_NUMBER.pack, some)))
            except BlockingIOError:
                return
            self._left = self._left[_AT_ONCE:]
        if self._tasks >= 0:
            os.close(self._tasks)
            self._tasks = -1

    def answers(self) -> Iterator[bytes]:
        """What the copies made of the items, by their numbers."""
        self._hand_out()
        with selectors.DefaultSelector() as ready:
            for inbox in self._inboxes:
                ready.register(inbox, selectors.EVENT_READ)
            for number in range(self._awaited):
                while number not in self._made:
                    if not ready.get_map():
                        raise self._lost()
                    for key, _ in ready.select():
                        if not self._receive(key.fd):
                            ready.unregister(key.fd)
                    self._hand_out()
                yield self._made.pop(number)

    def _receive(self, descriptor: int) -> bool:
        """Take what a copy has sent; False when it has ended."""
        inbox = self._inboxes[descriptor]
        data = os.read(descriptor, _ROOM)
        inbox += data
        while len(inbox) >= _HEAD.size:
            number, well, length = _HEAD.unpack_from(inbox)
            if len(inbox) < _HEAD.size + length:
                break
            body = bytes(memoryview(inbox)[_HEAD.size : _HEAD.size + length])
            del inbox[: _HEAD.size + length]
            if not well:
                raise RuntimeError(body.decode("utf-8", "replace"))
            self._made[number] = body
        return bool(data)

    def _lost(self) -> StoaError:
        """What to say when all copies have ended and something is missing."""
        ends = {os.waitstatus_to_exitcode(status) for pid in self._pids if (status := _wait(pid)) is not None}
        self._pids.clear()
        why = ", ".join(f"signal {-end}" if end < 0 else f"exit code {end}" for end in sorted(ends) if end)
        return StoaError(
            f"a process of this command ended too early ({why or 'its exit code is not known'})",
            "perhaps the memory ran out: use fewer processes, with `-j 1` only one",
        )

    def end(self) -> None:
        """End the copies that are still at work."""
        for descriptor in (self._todo, *([self._tasks] if self._tasks >= 0 else []), *self._inboxes):
            os.close(descriptor)
        for pid in self._pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _wait(pid)


def _wait(pid: int) -> int | None:
    """The status of a copy that has ended or is about to; None if someone else took it."""
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:
        return None


def _serve(work: Callable[[T], bytes], items: Sequence[T], todo: int, results: int) -> NoReturn:
    """What a copy does: take a number, work, send; until there is no number, or no one to send to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal; the first one ends us
    try:
        while number := os.read(todo, _NUMBER.size):
            (place,) = _NUMBER.unpack(number)
            try:
                well, body = True, work(items[place])
            except Exception:  # noqa: BLE001 -- whatever it is, it is raised where the answer is awaited
                well, body = False, traceback.format_exc().encode("utf-8", "replace")
            message = memoryview(_HEAD.pack(place, well, len(body)) + body)
            while message:
                message = message[os.write(results, message) :]
        os._exit(0)
    finally:
        os._exit(1)  # never back into the program that was copied
