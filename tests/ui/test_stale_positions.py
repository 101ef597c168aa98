"""Rows that change under a selection: what is selected by position must not become something else."""

from __future__ import annotations

import pages
import pytest


def names(test, key):
    """Whether the buttons under a table would act."""
    return [button for button in test.button if button.key == f"{key} Flag" and not button.disabled]


@pytest.mark.parametrize(("name", "table", "key"), [("failures", "failed", "failed"), ("overview", "newest", "newest")])
def test_a_selection_ends_when_others_change_the_rows(page, judged, name, table, key):
    shown = pages.select(page(name), table, 0)
    assert names(shown, key)
    judged.does("a", "exit 1")
    judged("run", "measure", "--force")  # now `a` is in the place of `b`
    assert not names(shown.run(), key)


def test_a_selection_ends_when_a_filter_changes_the_rows(page, judged):
    judged.does("a", "exit 1")
    judged("run", "measure", "--force")
    shown = pages.select(page("failures"), "failed", 0)
    assert names(shown, "failed")
    shown.text_input(key="has").set_value("b").run()
    assert not names(shown, "failed")


def test_targets_are_chosen_by_name_not_by_place(page, judged):
    shown = pages.select(page("targets"), "targets", 1)
    assert shown.text_input(key="target").value == "b"
    shown.text_input(key="named").set_value("c").run()
    assert not names(shown, "targets")
    assert shown.text_input(key="target").value == "b"
