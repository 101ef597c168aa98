"""Two runs, or two pairs: what changed in definitions, statuses, results and sources."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st

from stoa.commands.diff import DiffReport
from stoa.show.diff import images_table, results_table, sources_table, standing_lines
from stoa.show.page import sky_in_words, transition_in_words
from stoa.show.symbols import with_symbol
from stoa.show.words import count, one_line
from stoa.sources.changes import SkyDiff
from stoa.ui import tables
from stoa.ui.asking import review_buttons
from stoa.ui.filters import URL
from stoa.ui.reading import FRESHEST, compared, drawn, outcomes, run_rows

MOST_RUNS = 100
"""Runs that can be chosen beside the pairs: the latest ones."""


def page() -> None:
    """Draw the page."""
    st.header("Compare", anchor=False)
    pairs = outcomes().attrs.get(FRESHEST, [])
    runs = [row.run for row in run_rows() if row.state == "done"][:MOST_RUNS]
    if len(runs) < 2:
        st.info("Two runs are needed. `stoa rerun --failed --params SET` runs again what failed, with another set.")
        return
    if not (sides := _sides(pairs, runs)):
        return
    a, b, sky = sides
    report = compared(a, b, sky=sky)
    if report.is_equal:
        st.success("Nothing differs beyond the tolerances.")
    _definitions(report)
    _statuses(report)
    _results(report)
    if report.sky:
        _sources(report, report.sky)


def _sides(pairs: list[str], runs: list[str]) -> tuple[str, str, bool] | None:
    """What is compared with what, and whether the sources are."""
    options = [*pairs, *runs]
    first, second = (1, 0) if len(pairs) > 1 else (len(pairs) + 1, len(pairs))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        a = st.selectbox("Before (a)", options, index=first, key="a", bind=URL, width=260)
        b = st.selectbox("After (b)", options, index=second, key="b", bind=URL, width=260)
        sky = st.toggle("Compare the sources", key="sky", bind=URL, help="Match the sources of every image.")
    st.code(f"stoa diff {a} {b}{' --sky' if sky else ''}", language="bash")
    if a == b:
        st.info("Choose two different runs or sets.")
        return None
    return str(a), str(b), bool(sky)


def _definitions(report: DiffReport) -> None:
    st.subheader("Definitions", anchor=False)
    words = [*report.definitions, *standing_lines(report), *report.mixtures]
    st.text("\n".join(f"• {one_line(word)}" for word in words) if words else "✓ The definitions are the same.")
    if report.script_diff:
        with st.expander("The script"):
            st.code("\n".join(one_line(line) for line in report.script_diff), language="diff", wrap_lines=True)


def _statuses(report: DiffReport) -> None:
    st.subheader("Statuses", anchor=False)
    st.text(f"{count(report.same_status, 'job')} with the same status")
    changed = [
        {"change": transition_in_words(report, change), "target": target, "group": group}
        for change in report.transitions
        for target, group in change.jobs
    ]
    causes = [
        {"change": f"cause: {one_line(old)} → {one_line(new)}", "target": target, "group": group}
        for target, group, old, new in report.causes
    ]
    if not changed and not causes:
        return
    left, right = st.columns([2, 3])
    with left:
        tables.plain(matrix(report))
    with right:
        frame = pd.DataFrame([*changed, *causes])
        chosen = tables.selectable(frame, "changed", identity=("change", "target", "group"), height=280)
        with review_buttons(list(chosen["target"]), "changed"):
            tables.export(frame, "changes of status", key="changed")


def matrix(report: DiffReport) -> pd.DataFrame:
    """Number of jobs by status before (rows) and after (columns); only jobs whose status changed."""
    counted: Counter[tuple[str, str]] = Counter()
    for change in report.transitions:
        counted[_state(change.before), _state(change.after)] += len(change.jobs)
    rows = list(dict.fromkeys(before for before, _ in counted))
    columns = list(dict.fromkeys(after for _, after in counted))
    cells = [{"a ↓  b →": row, **{column: counted.get((row, column), 0) for column in columns}} for row in rows]
    return pd.DataFrame(cells, columns=["a ↓  b →", *columns])


def _state(status: str) -> str:
    return with_symbol(status) if status else "no outcome"


def _results(report: DiffReport) -> None:
    st.subheader("Results", anchor=False)
    if not report.results:
        st.text("The two have no result in common.")
        return
    shown = tables.from_shown(results_table(report))
    if shown.empty:
        st.text("✓ All results are equal.")
        return
    tables.plain(shown)
    beyond = pd.DataFrame(
        [
            (change.target, change.group, change.name, change.a, change.b, change.change, change.surprise)
            for change in report.changes
            if change.beyond
        ],
        columns=["target", "group", "result", "a", "b", "relative change", "surprise"],
    )
    if beyond.empty:
        st.text("✓ No result changed beyond its tolerance.")
        return
    st.caption("Beyond the tolerance, the most surprising first")
    chosen = tables.selectable(beyond, "outliers", identity=("target", "group", "result"), height=300)
    with review_buttons(list(chosen["target"]), "outliers"):
        tables.export(beyond, "changes of results", key="outliers")


def _sources(report: DiffReport, sky: SkyDiff) -> None:
    st.subheader("Sources", anchor=False)
    st.text("\n".join(line.strip() for line in sky_in_words(sky)))
    images = [one for one in sky.images if one.gained or one.lost or one.moved or one.flux_changed]
    if images:
        st.caption("Images whose sources differ")
        tables.plain(tables.from_shown(images_table(images)))
    changed = [one for one in sky.sources if one.what]
    if changed:
        st.caption("Sources that were gained, lost, moved or changed")
        frame = tables.from_shown(sources_table(changed))
        tables.plain(frame)
        tables.export(frame, "changed sources", key="sources")
    for each in sky.not_compared:
        st.text(f"⚠ not compared: {each.target} {each.group}: {one_line(each.why)}")
    if images and st.toggle("Draw the images that changed most", key="pictures"):
        for picture in drawn(report.a, report.b):
            st.text(f"{picture.target} {picture.group}: {one_line(picture.words)}")
            if picture.png:
                st.image(picture.png)
