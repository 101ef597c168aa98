"""Ids of runs and reviews."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from stoa.provenance.ids import ID, id_after, new_id, now


def test_an_id_is_the_utc_second_and_six_random_characters():
    noon_in_chile = datetime(2026, 11, 22, 12, 0, 5, tzinfo=timezone(timedelta(hours=-3)))
    assert new_id(noon_in_chile).startswith("20261122T150005-")
    assert ID.fullmatch(new_id(noon_in_chile))
    assert ID.fullmatch(new_id())


def test_ids_of_one_second_differ():
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    assert len({new_id(moment) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("newest", ["20991122T103000-k3f9q2", "20991231T235959-zzzzzz"])
def test_an_id_sorts_after_another_one_though_the_clock_was_set_back(newest):
    assert id_after(newest) > newest
    assert ID.fullmatch(id_after(newest))


@pytest.mark.parametrize("newest", ["", "20269999T999999-aaaaaa", "99991231T235959-zzzzzz", "not an id at all"])
def test_an_id_whose_time_is_none_is_not_heeded(newest):
    assert ID.fullmatch(id_after(newest))


@pytest.mark.parametrize(
    "text",
    ["20261122T103000-k3f9q2\n", "20261122T103000-K3f9q2", "20261122t103000-k3f9q2", "٢0261122T103000-k3f9q2", "last"],
)
def test_what_only_looks_like_an_id_is_none(text):
    assert not ID.fullmatch(text)


def test_times_carry_their_offset():
    assert datetime.fromisoformat(now()).utcoffset() == timedelta(0)
    assert now().endswith("+00:00")
