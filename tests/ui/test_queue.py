from __future__ import annotations

import pytest

from stoa.ui.queue import Job, next_open, place_of, step

QUEUE = [Job("a", ""), Job("b", "x"), Job("b", "y"), Job("c", "")]


@pytest.mark.parametrize(("at", "number"), [("a", 0), ("b x", 1), ("b y", 2), ("b", 1), ("c", 3), ("", 0), ("gone", 0)])
def test_a_job_is_found_by_its_name(at, number):
    assert place_of(QUEUE, at) == number


def test_news_before_a_job_do_not_move_the_reader_to_another():
    assert place_of([Job("0", ""), *QUEUE], "b x", QUEUE) == 2


def test_a_job_that_has_left_the_queue_gives_its_place_to_the_next_that_is_there():
    assert place_of([QUEUE[0], QUEUE[3]], "b x", QUEUE) == 1
    assert place_of(QUEUE[:2], "c", QUEUE) == 1


def test_steps_hold_at_both_ends():
    assert [step(QUEUE, 0, -1), step(QUEUE, 0, 1), step(QUEUE, 3, 1)] == [0, 1, 3]


def test_the_next_open_one_is_looked_for_from_here_and_then_from_the_start():
    assert next_open(QUEUE, 0, {"b"}) == 3
    assert next_open(QUEUE, 3, {"c", "a"}) == 1
    assert next_open(QUEUE, 0, {"a", "b", "c"}) is None
    assert next_open(QUEUE, 0, {"b", "c"}) is None  # the one that is shown is not the next one
