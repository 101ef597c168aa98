"""The targets: metadata, headers, what a folder lacks, and everything that is known of one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from stoa.commands.meta import check_documents
from stoa.commands.open import places
from stoa.commands.show import TargetView, show_target
from stoa.errors import StoaError
from stoa.show.outcomes import outcome_lines, review_lines
from stoa.show.reviews import threaded
from stoa.show.symbols import with_symbol
from stoa.show.words import count, one_line
from stoa.ui import choosing, going, looking, tables
from stoa.ui.asking import problem_box, review_buttons
from stoa.ui.filters import URL
from stoa.ui.identity import who
from stoa.ui.reading import about, targets, with_steps

FIRST = (
    "target", "flags", "object", "band", "freq_ghz", "beam_arcsec", "n_images", "n_files", "problems", "ra_deg",
    "dec_deg", "date", "root", "path",
)  # fmt: skip
"""Columns that come first; the others follow."""

MOST_CARDS = 5000
PICTURE_WIDTH = 260
LEVELS = {"error": "✗ error", "warning": "⚠ warning", "info": "• info"}


def page() -> None:
    """Draw the page."""
    st.header("Targets", anchor=False)
    rows = targets()
    if rows.empty:
        st.info("There are no targets yet. `stoa root add NAME FOLDER`, then `stoa target add NAME '**/product'`.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        word = st.text_input("Name, object or path contains", key="named", bind=URL, width=260)
        lacking = st.toggle("Only with problems", key="problems", bind=URL)
        flagged = st.toggle("Only flagged", key="flagged", bind=URL)
    shown = narrowed(rows, str(word), lacking=bool(lacking), flagged=bool(flagged))
    st.text(f"{len(shown)} of {count(len(rows), 'target')}")
    shown, steps = with_steps(shown)
    first = [*FIRST[:2], *steps, *FIRST[2:]]
    columns = [name for name in first if name in shown] + [name for name in shown if name not in first]
    chosen = tables.selectable(shown, "targets", identity=("target",), columns=columns, height=330)
    names = list(chosen["target"])
    with review_buttons(names, "targets"):
        tables.export(shown[columns], "targets", key="targets", selected=tables.places(shown, chosen))
    name = choosing.one(chosen.head(1), "target", "Target", "target")
    if name:
        _one(name)
    else:
        st.caption("Select a row, or type a name, to see everything about one target.")


def narrowed(rows: pd.DataFrame, word: str, *, lacking: bool, flagged: bool) -> pd.DataFrame:
    """The targets that the filters leave."""
    keep = pd.Series(True, index=rows.index)
    if word:
        found = pd.Series(False, index=rows.index)
        for name in ("target", "object", "path"):
            if name in rows:
                found |= rows[name].astype(str).str.contains(word, case=False, regex=False)
        keep &= found
    if lacking and "problems" in rows:
        keep &= ~rows["problems"].isin([None, ""]) & rows["problems"].notna() & (rows["problems"] != 0)
    if flagged:
        keep &= rows["flags"] != ""
    return rows[keep]


def _one(name: str) -> None:
    try:
        view: TargetView = about(lambda ws: show_target(ws, name, who().author))
    except StoaError as problem:
        problem_box(problem)
        return
    there = "" if view.folder_exists else "  (not on this machine)"
    st.subheader(name, anchor=False)
    st.text(f"{view.target.root}:{view.target.path}{there}")
    with st.container(horizontal=True):
        going.button("Review", key="target", has=name)
    outcomes, header, lacks, said, files = st.tabs(
        ["Outcomes", "Headers", "What is missing", "Flags and comments", "Files"]
    )
    with outcomes:
        _outcomes(view)
    with header:
        _headers(name)
    with lacks:
        _lacks(name)
    with said:
        _said(view)
    with files:
        _files(name)


def _outcomes(view: TargetView) -> None:
    if not view.latest:
        st.text("○ No outcome yet. The page Run, or `stoa run PROCESS`, makes one.")
    for each in view.latest:
        label = f"{with_symbol(each.outcome.status)}  {each.pair} {each.outcome.group}  {one_line(each.outcome.cause)}"
        with st.container(border=True):
            st.text(label.strip())
            st.code("\n".join(outcome_lines(each)).strip(), language=None, wrap_lines=True)


def _headers(name: str) -> None:
    document = about(lambda ws: ws.indexed_document(name))
    if document is None:
        st.text("This target has no metadata document that can be read. `stoa meta build` makes it.")
        return
    cards = pd.DataFrame(
        [
            (group.key, file.name, file.role, keyword, value)
            for group in document.groups
            for file in group.files
            for keyword, value in {**file.header, **file.derived}.items()
            if value
        ][:MOST_CARDS],
        columns=["group", "file", "role", "keyword", "value"],
    )
    word = st.text_input("Keyword, file or value contains", key="card", width=260)
    if word:
        hit = pd.Series(False, index=cards.index)
        for column in ("file", "keyword", "value"):
            hit |= cards[column].str.contains(word, case=False, regex=False)
        cards = cards[hit]
    tables.plain(cards, height=420)
    tables.export(cards, f"{name} headers", key="cards")


def _lacks(name: str) -> None:
    (found,) = about(lambda ws: check_documents(ws, (name,)))
    if not found.problems:
        st.text("✓ Nothing is missing.")
        return
    rows = [(LEVELS[one.level], one.code, one.group, one.file, one.message) for one in found.problems]
    tables.plain(pd.DataFrame(rows, columns=["level", "code", "group", "file", "text"]))


def _said(view: TargetView) -> None:
    if not view.reviews:
        st.text("No one has flagged this target or commented on it.")
    if view.hidden:
        st.caption("Blind: what others said is shown when you have judged.")
    for depth, review in threaded(view.reviews):
        st.text("\n".join(review_lines(review, " (open)" if review.id in view.open_flags else "", depth)).strip("\n"))
        if picture := looking.picture_of_comment(review):
            st.image(picture.content, width=PICTURE_WIDTH)


def _files(name: str) -> None:
    found = about(lambda ws: places(ws, name))
    rows = [(place.what, place.path, "yes" if place.exists else "no") for place in found]
    tables.plain(pd.DataFrame(rows, columns=["what", "path", "on this machine"]))
