"""What is picked on the desktop, on the pages: by name, once, and only of tables that were sent."""

from __future__ import annotations

import pandas as pd
import pytest

from stoa.ui import picking, sent
from stoa.ui.desk import BRIDGED
from stoa.ui.pages.sky import angle, nearest_to
from stoa.ui.queue import Job
from stoa.vo.bridge import Event


@pytest.fixture
def table() -> sent.Sent:
    """A table of four rows that was sent."""
    made = sent.Sent(
        id=sent.new_id(), name="failures", pair="measure@default", targets=("b", "a", "b", "gone"), groups=("",) * 4
    )
    sent.keep(made)
    return made


def rows(table: sent.Sent, *numbers: int, is_subset: bool = True) -> Event:
    return Event(kind="picked", sender="topcat", table=table.id, rows=list(numbers), is_subset=is_subset)


def test_rows_are_jobs_each_once(table):
    found = picking.picked(rows(table, 0, 2, 1), 1)
    assert (found.jobs, found.rows) == ((Job("b", ""), Job("a", "")), (0, 2, 1))
    assert found.words == "topcat: 3 rows of failures: 2 targets: b a"
    assert picking.picked(rows(table, 1, is_subset=False), 1).words == "topcat: row 2 of failures: 1 target: a"


def test_rows_that_the_table_lacks_are_counted(table):
    found = picking.picked(rows(table, 0, 4, 10**9), 1)
    assert (found.jobs, found.problem) == ((Job("b", ""),), "2 of the rows are not in the table")


def test_a_table_that_was_not_sent_is_named_as_such():
    found = picking.picked(Event(kind="picked", table="stoa-0000", rows=[1]), 1)
    assert "this dashboard has not sent" in found.problem
    assert found.jobs == ()


def test_a_table_without_targets_picks_nothing():
    bare = sent.Sent(id=sent.new_id(), name="overview")
    sent.keep(bare)
    assert picking.picked(rows(bare, 0), 1).problem == "its rows name no target"


def texts(test) -> str:
    return "\n".join(str(each.value) for each in test.text)


def test_what_is_picked_is_selected_and_can_be_acted_on(page, table):
    shown = page("failures", **{picking.PICKED: picking.picked(rows(table, 0, 1), 1)})
    assert "▸ Picked on your desktop: topcat: 2 rows of failures: 2 targets: b a" in texts(shown)
    assert "2 targets selected" in texts(shown)  # the box
    assert "1 target selected" in texts(shown)  # the table of failures has only b
    shown.button(key="dismiss picked").click().run()
    assert "Picked on your desktop" not in texts(shown)
    assert "0 targets selected" in texts(shown)


def test_a_table_that_others_changed_is_not_selected_again(page, table, judged):
    shown = page("failures", **{picking.PICKED: picking.picked(rows(table, 0, 1), 1)})
    judged.does("a", "exit 1")
    judged("rerun", "measure@default", "--target", "a")
    shown.run()
    assert "0 targets selected" in texts(shown)
    assert not shown.exception


def test_a_queue_can_be_narrowed_to_what_is_picked(page, table):
    shown = page("review", **{picking.PICKED: picking.picked(rows(table, 1), 1), picking.ONLY: True})
    assert "All 1 that match" in [each.label for each in shown.expander]


def test_review_opens_what_was_clicked(page, table):
    shown = page("review", **{picking.PICKED: picking.picked(rows(table, 0, is_subset=False), 1)})
    assert shown.query_params["at"] in ("b", ["b"])


def test_events_of_a_bridge_reach_the_page_once(page, table):
    from stoa.ui import bridge

    shown = page("failures", **{BRIDGED: bridge.channel("this machine").last})
    bridge.channel("this machine").hear([rows(table, 0), Event(kind="point", sender="Aladin", ra=1.0, dec=2.0)])
    shown.run()
    assert "Picked on your desktop: topcat: 1 row of failures" in texts(shown)
    assert shown.session_state[picking.POINTED] == picking.Pointed(sender="Aladin", ra=1.0, dec=2.0)
    shown.button(key="dismiss picked").click().run()
    assert "Picked on your desktop" not in texts(shown)


def test_the_nearest_target_is_found_on_the_sphere():
    points = pd.DataFrame({"target": ["a", "b", "pole"], "ra_deg": [359.9, 10.0, 200.0], "dec_deg": [0.0, 0.0, 89.9]})
    assert nearest_to(points, 0.1, 0.0) == ("a", pytest.approx(0.2))
    assert nearest_to(points, 20.0, 89.9)[0] == "pole"
    assert [angle(each) for each in (2.0, 0.5, 0.001)] == ["2.0°", "30.0′", "3.6″"]
