"""The filters that pages share; their values are in the address."""

from __future__ import annotations

from typing import Final

import pandas as pd
import streamlit as st

from stoa.model import BAD, Status
from stoa.ui import picking
from stoa.ui.reading import FRESHEST, choices

URL: Final = "query-params"

STATUSES = [status.value for status in Status]


def pair_choice(outcomes: pd.DataFrame, label: str = "Process and set", key: str = "pair", *, place: int = 0) -> str:
    """One of the pairs that ran; by default that of the latest run."""
    pairs: list[str] = outcomes.attrs.get(FRESHEST, [])
    at = min(place, len(pairs) - 1)
    return str(st.selectbox(label, pairs, index=at, key=key, bind=URL, width=220))


def chosen(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Outcomes of one pair that the filters of the address leave, in the order of their names."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pair = pair_choice(outcomes)
        rows = outcomes[outcomes["pair"] == pair]
        # Plain words: the address holds what an option is shown as, and `?status=failed` can be typed.
        wanted = st.multiselect("Status", STATUSES, key="status", bind=URL, placeholder="all", width=230)
        word = st.text_input("Target, object or cause contains", key="has", bind=URL, width=220)
        flags = st.segmented_control("Flags", ["flagged", "not flagged"], key="flags", bind=URL)
        chosen_targets = _targets_asked()
        rows = picking.narrowed(rows)
    if chosen_targets is not None:
        rows = rows[rows["target"].astype(str).isin(chosen_targets)]
    if wanted:
        rows = rows[rows["status"].isin(wanted)]
    if word:
        rows = rows[has_word(rows, word)]
    if flags:
        rows = rows[(rows["flags"] != "") == (flags == "flagged")]
    return rows


def _targets_asked() -> frozenset[str] | None:
    """Targets that have all tags, meet all selections and are in the person's queue, as asked; None for all targets.

    A field that the project has no use for is not drawn.
    """
    known = choices()
    parts: list[frozenset[str]] = []
    if known.tags:
        tags = st.multiselect("Tag", list(known.tags), key="tag", bind=URL, placeholder="all", width=200)
        parts += [known.tags[tag] for tag in tags]
    if known.selections:
        names = st.multiselect(
            "Selection", list(known.selections), key="select", bind=URL, placeholder="all", width=200,
            help="Saved by `stoa select`; which targets it has is worked out now.",
        )  # fmt: skip
        parts += [known.selections[name] for name in names]
    if known.has_queue:
        queue = st.segmented_control("Queue", ["mine"], key="queue", bind=URL)
        parts += [known.mine] if queue else []
    return frozenset.intersection(*parts) if parts else None


def has_word(rows: pd.DataFrame, word: str) -> pd.Series:
    """Which rows have a word in the target, image group, object or cause, whatever its case."""
    found = pd.Series(False, index=rows.index)
    for name in ("target", "group", "object", "cause"):
        found |= _has(rows[name], word)
    return found


def _has(column: pd.Series, word: str) -> pd.Series:
    """Which values of a column have a word in them; of a category each value is looked at once."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        values = pd.Series(column.cat.categories.astype(str))
        return column.isin(column.cat.categories[values.str.contains(word, case=False, regex=False)])
    return column.astype(str).str.contains(word, case=False, regex=False)


def is_bad(rows: pd.DataFrame) -> pd.Series:
    """Which rows did not succeed: what `--failed` selects."""
    return rows["status"].isin([status.value for status in BAD])
