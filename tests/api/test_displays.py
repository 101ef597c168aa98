"""What a notebook shows of the values that the verbs give."""

from __future__ import annotations

import re
import sys
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table

import stoa
from stoa.api import OpenProject
from stoa.api.displays import register
from stoa.api.record_table import MOST_COLUMNS, RecordTable
from stoa.show import notebook
from stoa.show.notebook import MOST_ROWS, html_of

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> & \x1b[31m"
EVIL = re.compile(r"<script|<img src=x|\x1b")


@pytest.fixture
def project(survey) -> Iterator[OpenProject]:
    with stoa.open(survey.top) as opened:
        yield opened


def seen(html: str) -> str:
    """A piece of HTML as a reader sees it, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html))


def test_a_project_shows_its_state(survey, project):
    survey.does("b", "echo 'Error: too bright' >&2; exit 1")
    project.run("measure")
    words = seen(project._repr_html_())
    assert "3 targets" in words
    assert "measure@default 2 ✓ ok, 1 ✗ failed" in words
    assert "1 ✗ failed Error: too bright b" in words


def test_a_project_that_cannot_be_read_says_why(survey, project):
    (survey.top / ".stoa/config.yaml").write_text("schema: 99\n", encoding="utf-8")
    assert "field &#x27;project&#x27; is missing" in project._repr_html_()


def test_no_text_of_others_is_taken_for_html(survey, project):
    survey.does("a", f"cat >&2 <<'E'\nError: {HOSTILE}\nE\nexit 1")
    project.run("measure")
    project.comment("a", text=HOSTILE)
    project.flag("b", text=HOSTILE)
    shown = [
        project._repr_html_(), project.outcomes()._repr_html_(), project.reviews()._repr_html_(),
        project.flags()._repr_html_(), project.why("measure", "a")._repr_html_(),
        html_of(project.plan("measure", failed=True)), html_of(project.show("a")), html_of(project.show_run()),
        html_of(project.results("measure")), html_of(project.diff("last", "last")), html_of(project.status()),
    ]  # fmt: skip
    assert [html for html in shown if EVIL.search(html)] == []
    assert sum("&lt;script&gt;" in html for html in shown) >= 7


def test_a_column_or_unit_is_no_html_either():
    table = RecordTable([[1]], names=["<script>alert(1)</script>"])
    assert "<script" not in table._repr_html_()


def test_no_output_has_a_colour_of_its_own(survey, project):
    project.run("measure")
    shown = [project._repr_html_(), project.outcomes()._repr_html_(), html_of(project.plan("measure"))]
    assert [html for html in shown if re.search(r"#[0-9a-fA-F]{3,6}\b|background|: *(white|black)\b", html)] == []


def test_a_status_has_a_symbol_in_every_table(survey, project):
    survey.does("b", "exit 1")
    survey.does("c", "exit 77")
    project.run("measure")
    assert {"✓ ok", "✗ failed", "↷ skipped"} <= set(re.findall(r"<td>(\S+ \w+)</td>", project.outcomes()._repr_html_()))
    assert "<td>✗ failed</td>" in html_of(project.results("measure"))
    assert "<td>✗ failed</td>" in html_of(project.plan("measure"))


def test_a_long_table_says_how_many_rows_and_columns_it_leaves_out():
    table = RecordTable({f"c{n}": np.arange(MOST_ROWS + 12) for n in range(MOST_COLUMNS + 3)})
    words = seen(table._repr_html_())
    assert "12 more rows left out; the object has them all." in words
    assert "3 more columns left out" in words
    assert table._repr_html_().count("<tr>") == MOST_ROWS + 1
    assert "12 more" not in seen(table[:MOST_ROWS]._repr_html_())


def test_columns_without_a_value_are_left_out_and_counted():
    table = RecordTable([MaskedColumn([1.5], name="x", unit="Jy"), MaskedColumn([0], name="y", mask=[True]), [""]])
    words = seen(table._repr_html_())
    assert "x [Jy] 1.5" in words
    assert "2 columns without any value left out" in words
    assert "c2" not in seen(table._repr_html_()).replace("left out", "")


def test_a_plan_shows_first_what_would_run(survey, project):
    project.run("measure", targets="a")
    words = seen(html_of(project.plan("measure")))
    assert "2 of 3 jobs would run" in words
    assert words.index("b ○ new run") < words.index("a ✓ ok leave")


def test_reasons_and_reports_and_stops_are_shown(survey, project):
    report = project.run("measure")
    assert "3 ✓ ok" in seen(html_of(report))
    assert "a ✓ ok no up to date" in seen(project.why("measure", "a")._repr_html_())
    assert project.why("measure", "a") == list(project.why("measure", "a"))


def test_a_comparison_shows_definitions_and_changes(survey, project):
    project.run("measure")
    project.new_params("deep", "measure", snr=3)
    project.run("measure@deep")
    words = seen(html_of(project.diff("measure@default", "measure@deep")))
    assert "parameter snr: 5 -> 3" in words.replace("&gt;", ">")
    assert "snr 3 5 3 -40.0 %" in words
    assert "Nothing differs" in seen(html_of(project.diff("measure@default", "measure@default")))


def test_outside_of_ipython_nothing_is_registered_or_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    register()
    assert "IPython" not in sys.modules


def test_a_table_is_a_table_of_astropy(survey, project):
    project.run("measure")
    outcomes = project.outcomes()
    assert isinstance(outcomes, Table)
    assert type(outcomes.table) is Table
    assert outcomes.table.colnames == outcomes.colnames
    assert type(outcomes[outcomes["status"] == "ok"]) is RecordTable


def test_a_table_becomes_a_data_frame_and_arrow(survey, project):
    survey.does("b", "exit 1")
    project.run("measure")
    outcomes = project.outcomes()
    frame, arrow = outcomes.to_pandas(), outcomes.to_arrow()
    assert frame["status"].tolist() == arrow["status"].to_pylist() == ["ok", "failed", "ok"]
    assert arrow["result_snr"].to_pylist() == [5.0, None, 5.0]
    assert arrow.schema.field("duration_s").metadata == {b"unit": b"s"}
    assert str(arrow.schema.field("exit_code").type) == "int64"


@pytest.mark.parametrize(("method", "module"), [("to_pandas", "pandas"), ("to_arrow", "pyarrow")])
def test_what_is_not_installed_is_named(monkeypatch, method, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(stoa.StoaError, match=f"needs {module}, which is not installed") as caught:
        getattr(RecordTable([[1]]), method)()
    assert "stoa-tracking[parquet]" in caught.value.hint


def test_links_are_escaped():
    assert 'href="http://x/?a=1&amp;b=&quot;"' in notebook.link('http://x/?a=1&b="', "<b>")


def test_the_dashboard_is_served_once_and_displays_lead_to_it(project):
    served = project.dashboard()
    try:
        assert urllib.request.urlopen(f"{served.address}/_stcore/health", timeout=60).status == 200
        assert project.dashboard() is served
        assert f'href="{served.address}"' in served._repr_html_()
        assert project._page("review", pair="measure@default", at="a b") == (
            f"{served.address}/review?pair=measure%40default&at=a%20b"
        )
    finally:
        served.close()
    assert not served.lives
    assert project._page("review", at="a") == ""
