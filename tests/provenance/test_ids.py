"""Ids of runs and reviews."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stoa.provenance.ids import horizon, id_after, is_id, new_id, now


def test_an_id_is_the_utc_second_and_six_random_characters():
    noon_in_chile = datetime(2026, 11, 22, 12, 0, 5, tzinfo=timezone(timedelta(hours=-3)))
    assert new_id(noon_in_chile).startswith("20261122T150005-")
    assert is_id(new_id(noon_in_chile))
    assert is_id(new_id())


def test_ids_of_one_second_differ():
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    assert len({new_id(moment) for _ in range(1000)}) == 1000


def test_an_id_sorts_after_another_one_though_the_clock_was_set_back():
    newest = new_id(datetime.now(UTC) + timedelta(hours=23))
    assert id_after(newest) > newest
    assert is_id(id_after(newest))


def test_a_hundred_ids_of_one_second_stay_in_it_and_sort_in_their_order():
    """Many quick runs do not get ahead of the clock, so that a colleague's later run stays the later one."""
    soon = datetime.now(UTC) + timedelta(minutes=5)
    ids = [new_id(soon)[:-6] + "aaaaaa"]
    for _ in range(100):
        ids.append(id_after(ids[-1]))
    assert ids == sorted(set(ids))
    assert {name[:15] for name in ids} == {ids[0][:15]}
    assert all(map(is_id, ids))


@pytest.mark.parametrize("letters", ["zzzzzz", "zzzzzy", "100000", "lllo01", "999999", "a00000"])
def test_an_id_sorts_after_any_other_one(letters):
    newest = new_id(datetime.now(UTC) + timedelta(minutes=5))[:-6] + letters
    assert id_after(newest) > newest
    assert is_id(id_after(newest))


@pytest.mark.parametrize(
    "newest",
    ["", "20269999T999999-aaaaaa", "20991122T103000-k3f9q2", "99991231T235959-zzzzzz", "not an id at all"],
)
def test_an_id_without_a_time_or_far_ahead_is_not_heeded(newest):
    assert is_id(id_after(newest))
    assert id_after(newest) < horizon()


def test_the_horizon_is_a_day_ahead():
    present = datetime.now(UTC)
    assert new_id(present + timedelta(hours=23)) < horizon() < new_id(present + timedelta(hours=25))


@pytest.mark.parametrize(
    "text", ["20269999T999999-aaaaaa", "20260229T120000-aaaaaa", "20261122T240000-aaaaaa", "00000101T000000-aaaaaa"]
)
def test_what_has_no_real_time_is_no_id(text):
    assert not is_id(text)


@pytest.mark.parametrize(
    "text",
    ["20261122T103000-k3f9q2\n", "20261122T103000-K3f9q2", "20261122t103000-k3f9q2", "٢0261122T103000-k3f9q2", "last"],
)
def test_what_only_looks_like_an_id_is_none(text):
    assert not is_id(text)


def test_times_carry_their_offset():
    assert datetime.fromisoformat(now()).utcoffset() == timedelta(0)
    assert now().endswith("+00:00")
