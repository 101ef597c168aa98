"""Tables of the dashboard: keys, cells, files."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from stoa.sources.files import content
from stoa.ui import tables

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
