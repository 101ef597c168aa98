"""Rows that change under a selection: what is selected by position must not become something else."""

from __future__ import annotations

from pathlib import Path

import pages
import pandas as pd
import pytest

from stoa.ui.skymap import chosen

UI = Path(__file__).resolve().parents[2] / "stoa/ui"


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


def test_every_table_and_map_with_a_selection_has_its_rows_in_its_key():
    """The pages take selections from the one table that digests its rows, and from the map, whose key does it, too."""
    found = {
        (file.relative_to(UI).as_posix(), line.strip())
        for file in UI.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "on_select=" in line
    }
    assert {name for name, _ in found} == {"tables.py", "pages/sky.py"}
    assert all("digest(" in line for _, line in found)


def test_the_map_forgets_places_that_are_not_there_any_more():
    points = pd.DataFrame({"status": ["ok", "failed"], "row": [0, 1]})
    drawn = {
        "selected": [{"series_name": "ok", "data_indices": [0, 1, 7]}, {"series_name": "gone", "data_indices": [0]}]
    }
    assert chosen(drawn, points) == [0]


def test_a_changed_status_is_selected_by_name(page, judged):
    judged.ok("params", "new", "deep", "--process", "measure", "--set", "snr=7")
    judged.does("c", "exit 1")
    judged("run", "measure@deep")
    shown = pages.select(page("compare", a="measure@default", b="measure@deep"), "changed", 0)
    assert names(shown, "changed")
    (judged.top / "data/c/job.sh").unlink()
    judged.does("a", "exit 1")
    judged("run", "measure@deep", "--force")
    assert not names(shown.run(), "changed")


def test_a_run_is_chosen_by_name_not_by_place(page, judged):
    shown = pages.select(page("runs"), "runs", 0)
    (first,) = judged.runs()
    assert shown.text_input(key="run").value == first
    judged("run", "measure", "--force")
    assert shown.run().text_input(key="run").value == first
