"""The filters that pages share; their values are in the address."""

from __future__ import annotations

from typing import Final

import msgspec
import pandas as pd
import streamlit as st

from stoa.model import BAD, Status
from stoa.ui import picking
from stoa.ui.actions import may, save_selection
from stoa.ui.asking import perform
from stoa.ui.reading import FRESHEST, choices
from stoa.workspace.selections import quoted
from stoa.workspace.tags import ChosenJobs

URL: Final = "query-params"

ASKED = "stoa asked"
"""Where the session keeps what the filters of the page ask."""

STATUSES = [status.value for status in Status]


def pair_choice(outcomes: pd.DataFrame, label: str = "Process and set", key: str = "pair", *, place: int = 0) -> str:
    """One of the pairs that ran; by default that of the latest run."""
    pairs: list[str] = outcomes.attrs.get(FRESHEST, [])
    at = min(place, len(pairs) - 1)
    return str(st.selectbox(label, pairs, index=at, key=key, bind=URL, width=190))


def chosen(outcomes: pd.DataFrame, *, in_popover: bool = False) -> pd.DataFrame:
    """Outcomes of one pair that the filters of the address leave, in the order of their names.

    Parameters
    ----------
    in_popover
        The filters are in a popover, which would cover a dialog: the page draws `save_button` itself.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pair = pair_choice(outcomes)
        rows = outcomes[outcomes["pair"] == pair]
        # Plain words: the address holds what an option is shown as, and `?status=failed` can be typed.
        wanted = st.multiselect("Status", STATUSES, key="status", bind=URL, placeholder="all", width=140)
        word = st.text_input("Target, object or cause contains", key="has", bind=URL, width=190)
        flags = st.segmented_control("Flags", ["flagged", "not flagged"], key="flags", bind=URL)
        tags, chosen_targets = _targets_asked()
        asked = _condition(rows, list(wanted), str(word or ""), str(flags or ""))
        rows = picking.narrowed(rows)
        st.session_state[ASKED] = asked
        if not in_popover:
            save_button()
    if chosen_targets is not None:
        rows = rows[rows["target"].astype(str).isin(chosen_targets)]
    for jobs in tags:
        carried = [job in jobs for job in zip(rows["target"].astype(str), rows["group"].astype(str), strict=True)]
        rows = rows[pd.Series(carried, index=rows.index, dtype=bool)]
    if wanted:
        rows = rows[rows["status"].isin(wanted)]
    if word:
        rows = rows[has_word(rows, word)]
    if flags:
        rows = rows[(rows["flags"] != "") == (flags == "flagged")]
    return rows


def _targets_asked() -> tuple[list[ChosenJobs], frozenset[str] | None]:
    """Jobs of each tag that is asked for, and targets that meet all selections and are in the person's queue.

    Targets are None where none of this is asked. A field that the project has no use for is not drawn.
    """
    known = choices()
    tags: list[ChosenJobs] = []
    parts: list[frozenset[str]] = []
    if known.tags:
        names = st.multiselect("Tag", list(known.tags), key="tag", bind=URL, placeholder="all", width=200)
        tags = [known.tags[tag] for tag in names]
    if known.selections:
        names = st.multiselect(
            "Selection", list(known.selections), key="select", bind=URL, placeholder="all", width=200,
            help="Saved by `stoa select`; which targets it has is worked out now.",
        )  # fmt: skip
        parts += [known.selections[name] for name in names]
    if known.queues:
        queue = st.segmented_control("Queue", list(known.queues), key="queue", bind=URL)
        parts += [known.queues[queue]] if queue else []
    return tags, frozenset.intersection(*parts) if parts else None


class Asked(msgspec.Struct, frozen=True):
    """What the filters ask of targets, as far as a saved selection can hold it."""

    where: str
    tags: tuple[str, ...]
    selections: tuple[str, ...]


def _condition(rows: pd.DataFrame, statuses: list[str], word: str, flags: str) -> Asked:
    """The filters as a condition; the pair is part of it where a status or a word is asked for.

    Parameters
    ----------
    rows
        Outcomes of the pair.
    """
    parts = []
    if (statuses or word) and len(rows):
        inner = [f"l.{name} = {quoted(str(rows[name].iloc[0]))}" for name in ("process", "params", "environment")]
        if statuses:
            inner.append(f"l.status IN ({', '.join(map(quoted, statuses))})")
        if word:
            texts = ("l.target", "l.grp", "m.object", "l.cause")
            found = [f"instr(lower(coalesce({text}, '')), lower({quoted(word)}))" for text in texts]
            inner.append(f"({' OR '.join(found)})")
        source = "SELECT l.target FROM current l LEFT JOIN metadata m ON m.target = l.target"
        parts.append(f"name IN ({source} WHERE {' AND '.join(inner)})")
    if flags:
        parts.append("flagged" if flags == "flagged" else "NOT flagged")
    state = st.session_state
    return Asked(" AND ".join(parts), tuple(state.get("tag") or ()), tuple(state.get("select") or ()))


def save_button() -> None:
    """Save what the filters of this page ask as a selection, which the command line and all others have, too."""
    asked: Asked = st.session_state[ASKED]
    why = may("review")
    if not why and (st.session_state.get("queue") or st.session_state.get(picking.ONLY)):
        why = "A selection is the same for all: it holds neither your queue nor what you picked. A tag can."
    if not why and not any((asked.where, asked.tags, asked.selections)):
        why = "No filter is set."
    if st.button("Save as selection …", key="save selection", disabled=bool(why), help=why or None):
        _ask_selection(asked)


@st.dialog("Save as selection")
def _ask_selection(asked: Asked) -> None:
    st.text("Targets that meet this now or later, for --select and all who have the project:")
    parts = [*(f"tag {tag}" for tag in asked.tags), *(f"selection {name}" for name in asked.selections), asked.where]
    st.code("\n".join(filter(None, parts)), language=None, wrap_lines=True)
    name = st.text_input("Name", max_chars=80, key="selection name").strip()
    if name in choices().selections:
        st.text("⚠ There is a selection of this name. This one takes its place; git keeps both.")
    if st.button("Save", type="primary", key="commit selection") and perform(
        lambda: save_selection(name, asked.where, asked.tags, asked.selections)
    ):
        st.rerun()


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
