"""Work that copies of this process share: answers in order, and nothing left behind whatever happens."""

from __future__ import annotations

import os
import signal
import time

import pytest

from stoa import procfs
from stoa.errors import StoaError
from stoa.forked import shared

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # pytest's own threads


def text(number: int) -> bytes:
    return b"%d" % number


def test_answers_come_in_order_also_when_the_numbers_do_not_fit_into_a_pipe() -> None:
    assert [int(answer) for answer in shared(text, range(40_000), 3)] == list(range(40_000))


def test_answers_larger_than_a_pipe_come_whole() -> None:
    found = list(shared(lambda number: bytes([number]) * 5_000_000, range(6), 2))
    assert found == [bytes([number]) * 5_000_000 for number in range(6)]


def test_the_work_is_shared() -> None:
    def who(_: int) -> bytes:
        time.sleep(0.02)
        return text(os.getpid())

    found = set(shared(who, range(20), 2))
    assert len(found) == 2
    assert text(os.getpid()) not in found


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(shared(text, [], 2)) == []


def test_what_the_work_raises_is_raised_here_with_its_traceback() -> None:
    def fails(number: int) -> bytes:
        if number == 3:
            raise ValueError("three is too many")
        return text(number)

    with pytest.raises(RuntimeError, match=r"in fails[\s\S]*ValueError: three is too many"):
        list(shared(fails, range(6), 2))


def test_a_copy_that_is_killed_is_an_error_that_names_the_signal() -> None:
    def dies(number: int) -> bytes:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return text(number)

    with pytest.raises(StoaError, match=r"a process of this command ended too early \(signal 9\)") as problem:
        list(shared(dies, range(6), 2))
    assert "-j 1" in (problem.value.hint or "")


def test_copies_end_when_nobody_wants_their_answers_any_more() -> None:
    answers = shared(lambda _: text(os.getpid()) + bytes(3_000_000), range(100), 2)
    pids = {int(next(answers).rstrip(b"\0")) for _ in range(4)}
    answers.close()
    assert pids
    assert not any(map(procfs.lives, pids))


def test_copies_end_when_the_process_that_they_are_of_is_killed() -> None:
    ours, theirs = os.pipe()
    first = os.fork()
    if not first:
        for _ in shared(lambda _: os.write(theirs, b"%8d" % os.getpid()) and bytes(3_000_000), range(100), 2):
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(1)
    os.close(theirs)
    os.waitpid(first, 0)
    deadline = time.monotonic() + 20
    said = b""
    while part := os.read(ours, 4096):  # ends when no copy has the other end any more
        said += part
        assert time.monotonic() < deadline
    os.close(ours)
    assert len(said) >= 8
