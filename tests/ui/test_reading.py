"""What the pages keep between two drawings, and when it is read again."""

from __future__ import annotations

import pytest

from stoa.ui import looking, reading
from stoa.workspace.names import Pair

PAIR = Pair("measure", "default", "host")


@pytest.fixture
def flagged_later(judged):
    """What was read before a flag and what is read after it, of each kind of table."""
    before = reading.outcomes(), reading.reported("measure@default"), looking.pictured(PAIR)
    judged.ok("flag", "b", "--reason", "check")
    return before, (reading.outcomes(), reading.reported("measure@default"), looking.pictured(PAIR))


def test_a_flag_is_in_the_table_and_all_else_is_not_read_again(flagged_later):
    (old, old_results, old_images), (new, results, images) = flagged_later
    assert dict(zip(old["target"], old["flags"], strict=True)) == {"a": "", "b": "", "c": ""}
    assert dict(zip(new["target"], new["flags"], strict=True)) == {"a": "", "b": "check", "c": ""}
    assert results is old_results
    assert images is old_images
    assert new.drop(columns="flags").equals(old.drop(columns="flags"))
    assert new.attrs == old.attrs


def test_a_new_outcome_is_read(judged):
    before, results = reading.outcomes(), reading.reported("measure@default")
    judged.does("b", "true")
    judged("run", "measure", "--target", "b", "--force")
    after = reading.outcomes()
    assert dict(zip(before["target"], before["status"], strict=True))["b"] == "failed"
    assert dict(zip(after["target"], after["status"], strict=True))["b"] == "ok"
    assert reading.reported("measure@default") is not results
