"""Filters of the pages, without a page."""

from __future__ import annotations

import pandas as pd
import pytest

from stoa.ui.filters import has_word

ROWS = pd.DataFrame({
    "target": ["A001_X1", "A001_X2", "b"],
    "group": ["", "spw25.I", ""],
    "object": pd.Categorical(["NGC 253", "", "Orion"]),
    "cause": pd.Categorical(["", "Error: no beam (x)", ""]),
})  # fmt: skip


@pytest.mark.parametrize(
    ("word", "found"),
    [("x1", [0]), ("SPW25", [1]), ("ngc", [0]), ("beam (x)", [1]), ("o", [1, 2]), ("[", []), ("", [0, 1, 2])],
)
def test_a_word_is_looked_for_in_names_objects_and_causes_whatever_its_case(word, found):
    assert [*ROWS.index[has_word(ROWS, word)]] == found
    plain = ROWS.astype({"object": object, "cause": object})
    assert [*ROWS.index[has_word(plain, word)]] == found
    assert not len(has_word(ROWS[:0], word))
