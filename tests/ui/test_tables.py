"""Tables of the dashboard: keys, cells, files."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from streamlit.testing.v1 import AppTest

from stoa.sources.files import content
from stoa.ui import tables
from stoa.ui.desk import COMMANDS
from stoa.ui.links import signed, taken

FRAME = pd.DataFrame({
    "target": ["a", "b", "c"],
    "group": ["", "é ≥ 1", "=1+1"],
    "status": ["ok", "failed", "ok"],
    "rms": [1e-4, np.nan, 3.0],
    "n": [1, 2, 3],
})  # fmt: skip


def test_a_digest_changes_with_the_rows_and_their_order():
    whole = tables.digest(FRAME)
    assert whole == tables.digest(FRAME.copy())
    assert whole not in {tables.digest(FRAME[::-1]), tables.digest(FRAME[:2]), tables.digest(FRAME[1:])}


def test_a_digest_tells_where_a_name_ends():
    one, other = (pd.DataFrame({"target": [a], "group": [b]}) for a, b in (("ab", "c"), ("a", "bc")))
    assert tables.digest(one) != tables.digest(other)


def test_statuses_have_a_symbol_and_a_word():
    assert list(tables.cells(FRAME)["status"]) == ["✓ ok", "✗ failed", "✓ ok"]
    assert list(tables.cells(FRAME.astype({"status": "category"}))["status"]) == ["✓ ok", "✗ failed", "✓ ok"]


def test_control_characters_are_visible():
    assert list(tables.cells(pd.DataFrame({"cause": ["\x1b[31mred"]}))["cause"]) == ["\\x1b[31mred"]


@pytest.mark.parametrize("suffix", [".vot", ".fits", ".csv"])
def test_a_file_has_the_rows_the_units_and_what_is_absent(suffix):
    made = tables.to_table(FRAME, "jobs", {"rms": "Jy/beam"}, ascii_only=suffix == ".fits")
    kind = {".vot": "votable", ".fits": "fits", ".csv": "ascii.csv"}[suffix]
    back = Table.read(io.BytesIO(content(made, suffix)), format=kind)
    assert list(back["target"]) == ["a", "b", "c"]
    assert np.ma.getmaskarray(np.ma.asarray(back["rms"]))[1] or np.isnan(back["rms"][1])
    if suffix != ".csv":
        assert back["rms"].unit == "Jy / beam"


def test_a_csv_has_no_cell_that_a_spreadsheet_runs():
    assert "'=1+1" in content(tables.to_table(FRAME, "jobs", {}), ".csv").decode()


def test_letters_that_fits_lacks_are_escaped():
    made = tables.to_table(FRAME, "jobs", {}, ascii_only=True)
    assert made["group"][1] == "\\xe9 \\u2265 1"


def test_an_empty_table_can_be_written():
    assert content(tables.to_table(FRAME[:0], "jobs", {}), ".vot")


def test_a_table_that_cannot_be_written_is_said_on_the_page_and_no_file_comes(judged):
    def draw() -> None:
        from stoa.errors import StoaError
        from stoa.ui import tables

        def broken(**_how: object) -> None:
            raise StoaError("the column 'beam' cannot be written", "leave it out")

        tables._files(broken, lambda: None, "jobs", "jobs", 1, ())  # a table of a page that no format can hold

    shown = AppTest.from_function(draw).run()
    for button in ("export jobs CSV", "export jobs FITS", "send jobs"):
        shown.button(key=button).click().run()
        assert "⚠ the column 'beam' cannot be written" in [text.value for text in shown.text]
        assert COMMANDS not in shown.session_state
        assert not shown.exception


def test_a_file_is_handed_to_the_browser_once(judged):
    def draw() -> None:
        import pandas as pd

        from stoa.ui import tables

        tables.export(pd.DataFrame({"target": ["a"], "rms": [1.5]}), "a table")

    shown = AppTest.from_function(draw).run()
    shown.button(key="export a table CSV").click().run()
    (given,) = shown.session_state[COMMANDS]
    assert given["params"]["file"] == "a_table.csv"
    token = given["params"]["path"].split("/")[3]
    assert taken(*signed("table", token)).content == b"target,rms\na,1.5\n"
    number = given["seq"]
    assert [each["seq"] for each in shown.run().session_state[COMMANDS]] == [number]


LONG = """
import pandas as pd
import streamlit as st
from stoa.ui import tables
frame = pd.DataFrame({"target": [f"t{n}" for n in range(tables.MOST_ROWS + 5)], "group": ""})
chosen = tables.selectable(frame, "long")
st.text(" ".join(chosen["target"]))
"""


def test_of_a_very_long_table_the_first_rows_are_shown_and_it_says_so():
    test = AppTest.from_string(LONG, default_timeout=60).run()
    assert not test.exception
    assert len(test.dataframe[0].value) == tables.MOST_ROWS
    assert "The first 10000 of 10005 rows" in test.caption[0].value
