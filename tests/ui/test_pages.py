"""What the pages show and do over a small project."""

from __future__ import annotations

import pages
import pytest

NAMES = ("overview", "failures", "sky", "targets", "compare", "catalogue", "run", "runs")


@pytest.mark.parametrize("name", NAMES)
def test_every_page_is_drawn(page, name):
    assert page(name).header[0].value.lower() == name


def test_the_overview_counts_and_names_what_failed(page):
    shown = page("overview")
    assert "3 targets" in pages.texts(shown)
    pairs = shown.dataframe[0].value
    assert list(pairs["✓ ok"]) == [2]
    assert list(pairs["✗ failed"]) == [1]
    assert list(shown.dataframe[1].value["target"]) == ["b"]


def test_failures_are_grouped_by_cause(page):
    causes = page("failures").dataframe[0].value
    assert list(causes["cause"]) == ["Error: no beam in header"]
    assert list(causes["jobs"]) == [1]


def test_a_dialog_names_the_targets_before_anything_is_written(page, judged):
    before = judged.head()
    shown = pages.select(page("failures"), "failed", 0)
    shown.button(key="failed Flag").click().run()
    assert "b" in [code.value for code in shown.code]
    assert judged.head() == before


def test_without_a_selection_no_button_acts(page):
    assert all(page("failures").button(key=f"failed {word}").disabled for word in ("Flag", "Clear flags", "Comment"))


def test_the_command_names_the_selected_target(page):
    shown = pages.select(page("failures"), "failed", 0)
    assert "stoa rerun measure@default --failed --target b" in pages.texts(shown)


def test_a_filter_from_the_address_is_applied(page):
    assert "No outcome that passes these filters has failed." in pages.texts(page("failures", has="nothing like it"))


def test_an_unknown_target_is_told_in_words(page):
    assert "no target named 'A'" in pages.texts(page("targets", target="A"))


def test_a_target_shows_its_outcomes_and_log(page):
    assert "Error: no beam in header" in pages.texts(page("targets", target="b"))


def test_a_plan_is_shown_before_a_run_is_started(page, judged):
    shown = page("run", only=["failed"])
    assert "start" not in [button.key for button in shown.button]
    next(button for button in shown.button if button.label == "Show the plan").click().run()
    assert "1 of 3 jobs would run" in pages.texts(shown)
    assert [button.label for button in shown.button if button.key == "start"] == ["Start: 1 targets"]


def test_two_sets_are_compared(page, judged):
    judged.ok("params", "new", "deep", "--process", "measure", "--set", "snr=7")
    judged("run", "measure@deep")
    shown = page("compare", a="measure@default", b="measure@deep")
    assert "parameter snr: 5 -> 7" in pages.texts(shown)


def test_a_run_shows_what_it_rests_on(page, judged):
    shown = page("runs", run="last")
    assert "stoa reproduce" in pages.texts(shown)


def test_someone_who_may_only_read_gets_no_button(page, monkeypatch):
    monkeypatch.setenv("STOA_UI_READ_ONLY", "1")
    shown = pages.select(page("failures"), "failed", 0)
    assert shown.button(key="failed Flag").disabled
    assert "read-only" in shown.button(key="failed Flag").help
