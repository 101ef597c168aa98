"""Rows that change under a selection: what is selected by position must not become something else."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pages
import pandas as pd
import pytest
from astropy.io import fits
from found_sources import LOOK, table

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
    assert all("digest(" in line or "{mark}" in line for _, line in found)
    assert 'mark = st.session_state[f"{ROWS} {key}"] = digest(frame, identity)' in (UI / "tables.py").read_text()


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


def test_causes_are_selected_by_status_and_cause(page, judged):
    shown = pages.select(page("failures"), "causes", 0)
    assert "Outcomes with these causes" in pages.texts(shown)
    assert names(shown, "failed")
    judged.does("a", "echo 'Error: all pixels are NaN' >&2; exit 1")
    judged.does("c", "echo 'Error: all pixels are NaN' >&2; exit 1")
    judged("run", "measure", "--force")  # another cause is the most frequent one now, in the first row
    assert not names(shown.run(), "failed")
    assert "All of them" in pages.texts(shown)


def test_a_pair_is_selected_by_name(page, judged):
    shown = pages.select(page("overview"), "pairs", 0)
    assert "Select a row to continue with it." not in pages.texts(shown)
    judged.ok("params", "new", "deep", "--process", "measure", "--set", "snr=7")
    judged("run", "measure@deep")  # the pair of the latest run comes first
    assert list(shown.run().dataframe[0].value.iloc[:, 0]) == ["measure@deep", "measure@default"]
    assert "Select a row to continue with it." in pages.texts(shown)


def test_a_changed_result_is_selected_by_name(page, judged):
    judged.ok("params", "new", "deep", "--process", "measure", "--set", "snr=7")
    judged("run", "measure@deep")
    shown = pages.select(page("compare", a="measure@default", b="measure@deep"), "outliers", 0)
    assert names(shown, "outliers")
    judged.does("a", "exit 1")
    judged("run", "measure@deep", "--force")  # `a` has no result any more, and `c` is in its place
    assert not names(shown.run(), "outliers")


def test_a_row_of_the_sky_table_is_selected_by_name(page, judged):
    for number, name in enumerate("abc"):
        header = fits.Header({"CTYPE1": "RA---SIN", "CRVAL1": 40.0 * number, "CRPIX1": 8.0, "CDELT1": -1e-4})
        header.update({"CTYPE2": "DEC--SIN", "CRVAL2": 10.0 * number, "CRPIX2": 8.0, "CDELT2": 1e-4})
        fits.writeto(judged.top / "data" / name / "image.fits", np.ones((16, 16), dtype=np.float32), header)
    judged.ok("meta", "build")
    shown = pages.select(page("sky"), "sky table", 0)
    assert names(shown, "sky")
    shown.text_input(key="has").set_value("b").run()
    assert not names(shown, "sky")


def test_a_source_is_selected_by_target_and_row(page, judged):
    for name, rows in {"a": [(10.0, 1.0, 9.0)], "b": [(20.0, 2.0, 5.0)], "c": []}.items():
        (judged.top / "data" / name / "sources.csv").write_text(table(*rows), encoding="utf-8")
    (judged.top / "find.sh").write_text('cp "$1/sources.csv" .\n', encoding="utf-8")
    (judged.top / ".stoa/processes/find.yaml").write_text("schema: 1\n" + LOOK, encoding="utf-8")
    judged.git("add", "--all")
    judged.git("commit", "--quiet", "--message", "a finder")
    judged.ok("run", "find")
    shown = pages.select(page("catalogue"), "catalogue", 0)
    assert names(shown, "catalogue")
    shown.text_input(key="keep").set_value("snr <= 6").run()  # the source of `b` is in the place of that of `a`
    assert not names(shown, "catalogue")


def test_no_table_with_a_selection_is_without_a_test_here():
    """Every name of a selectable table of the pages is selected from by a test of this file."""
    here = Path(__file__).read_text(encoding="utf-8")
    tables = {
        name
        for file in (UI / "pages").glob("*.py")
        for name in re.findall(r"tables\.selectable\(\s*\w+, \"([^\"]+)\"", file.read_text(encoding="utf-8"))
    }
    assert len(tables) >= 10
    assert [name for name in sorted(tables) if f'"{name}"' not in here] == []
