"""The state of the project: what failed, what runs, who did what."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from stoa.commands.status import StatusReport
from stoa.model import Status
from stoa.show.events import event_in_words
from stoa.show.status import headline, trouble_lines
from stoa.show.steps import step_lines
from stoa.show.symbols import with_symbol
from stoa.show.words import one_line
from stoa.ui import going, tables
from stoa.ui.asking import review_buttons
from stoa.ui.filters import is_bad
from stoa.ui.live import live_runs
from stoa.ui.reading import latest_events, outcomes, state, with_steps

NEWEST = 200
"""Failures in the list."""

FAILURES = ("started", "status", "target", "group", "pair", "cause", "flags")


def page() -> None:
    """Draw the page."""
    report = state()
    st.header("Overview", anchor=False)
    st.text(headline(report))
    live_runs()
    if not report.pairs:
        _nothing_yet(report)
        return
    _pairs(report)
    if report.steps:
        st.subheader("Steps of the review", anchor=False)
        st.text("\n".join(line.strip() for line in step_lines(report.steps)))
    rows = outcomes()
    st.subheader("Newest failures", anchor=False)
    bad = rows[is_bad(rows)].sort_values("started", ascending=False, kind="stable").head(NEWEST)
    if bad.empty:
        st.text("✓ No current outcome has failed.")
    else:
        bad, steps = with_steps(bad)
        columns = [*FAILURES, *steps]
        chosen = tables.selectable(bad, "newest", identity=("target", "group", "pair"), columns=columns, height=300)
        with review_buttons(list(chosen["target"]), "newest"):
            tables.export(bad, "failures", key="newest", selected=tables.places(bad, chosen))
    st.subheader("Who did what", anchor=False)
    events = pd.DataFrame([(event.time, event_in_words(event)) for event in latest_events()], columns=["when", "what"])
    tables.plain(events, height=260)
    for line in trouble_lines(report):
        st.text(f"⚠ {one_line(line)}")


def _pairs(report: StatusReport) -> None:
    statuses = [status.value for status in Status if any(pair.counts.get(status) for pair in report.pairs)]
    flagged = outcomes().loc[lambda rows: rows["flags"] != ""].groupby("pair", observed=True)["target"].nunique()
    frame = pd.DataFrame(
        [
            {
                "process, set, environment": pair.name,
                **{with_symbol(name): pair.counts.get(name, 0) for name in statuses},
                with_symbol("new"): pair.new,
                with_symbol("stale"): pair.stale,
                with_symbol("flagged"): int(flagged.get(pair.name, 0)),
                **({"tags": one_line(", ".join(pair.tags))} if any(each.tags for each in report.pairs) else {}),
                "last run": pair.run,
                "why stale": one_line("; ".join(pair.stale_reasons)),
            }
            for pair in report.pairs
        ]
    )
    chosen = tables.selectable(
        frame, "pairs", identity=("process, set, environment",), mode="single-row", height=320,
        config={"why stale": st.column_config.TextColumn(width="medium")},
    )  # fmt: skip
    name = str(chosen.iloc[0, 0]) if len(chosen) else ""
    with st.container(horizontal=True):
        for title in ("Failures", "Review", "Catalogue", "Sky"):
            going.button(title, pair=name)
        tables.export(frame, "overview", key="pairs")
    if not name:
        st.caption("Select a row to continue with it.")


def _nothing_yet(report: StatusReport) -> None:
    if not report.target_count:
        st.info("This project has no targets yet. Add some: `stoa root add NAME FOLDER`, `stoa target add NAME GLOB`.")
    else:
        st.info("Nothing has run yet. `stoa run PROCESS` runs a process over the targets, and so does the page Run.")
