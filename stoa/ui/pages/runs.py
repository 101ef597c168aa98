"""Runs and where things come from: definitions as they were frozen, environment, commits, and the state over time."""

from __future__ import annotations

import shlex
from typing import Any

import pandas as pd
import streamlit as st

from stoa.commands.show import RunView, show_run
from stoa.errors import StoaError
from stoa.model import Status
from stoa.show.graph import provenance_graph
from stoa.show.outcomes import ending_in_words, review_lines, run_lines
from stoa.show.reviews import about_in_words, threaded
from stoa.show.runs import cause_lines, state_in_words
from stoa.show.symbols import with_symbol
from stoa.show.words import clock, counts_in_words, one_line, safe
from stoa.ui import asking, choosing, tables
from stoa.ui.filters import URL
from stoa.ui.identity import who
from stoa.ui.live import live_runs
from stoa.ui.reading import about, recorded_history, run_rows
from stoa.workspace.frozen import frozen_files
from stoa.workspace.history import Moment, commits_of
from stoa.workspace.lineage import lineage
from stoa.workspace.listing import RunRow

COLOURS = {"ok": "#2f7ed8", "failed": "#d95f02", "killed": "#a6341b", "blocked": "#b8860b", "flagged": "#7b61a8"}
OTHER = "#7f7f7f"

MOST_TEXT = 200_000
"""Characters of a frozen file that are shown."""

LANGUAGES = {".py": "python", ".yaml": "yaml", ".sh": "bash", ".txt": None}


def page() -> None:
    """Draw the page."""
    st.header("Runs", anchor=False)
    rows = run_rows()
    if not rows:
        st.info("Nothing has run yet. `stoa run PROCESS` runs a process over the targets, and so does the page Run.")
        return
    live_runs()
    known = list(dict.fromkeys(tag for row in rows for tag in row.tags))
    if known:
        wanted = set(st.multiselect("Tag", known, key="tag", bind=URL, placeholder="all", width=260))
        rows = [row for row in rows if wanted.issubset(row.tags)]
    if not rows:
        st.info("No run has all of these tags. Take one away.")
        return
    frame = runs_frame(rows)
    frame = frame if known else frame.drop(columns="tags")
    chosen = tables.selectable(frame, "runs", identity=("run", "state"), mode="single-row", height=300)
    tables.export(frame, "runs", key="runs")
    name = choosing.one(chosen, "run", "Run", "run")
    if name:
        _one(name)
    else:
        st.caption("Select a run, or type its id, `last` or PROCESS@SET, to see what it rests on.")
    _over_time()


def runs_frame(rows: list[RunRow]) -> pd.DataFrame:
    """One row for each run."""
    return pd.DataFrame([
        {
            "run": row.run, "process": row.process, "params": row.params, "environment": row.environment,
            "state": row.state if row.state in ("done", "running") else state_in_words(row),
            "tags": ", ".join(map(one_line, row.tags)),
            "outcomes": counts_in_words(row.counts), "jobs": row.jobs, "by": row.author, "started": row.started,
            "duration_s": row.duration_s,
        }
        for row in rows
    ])  # fmt: skip


def _one(name: str) -> None:
    try:
        view: RunView = about(lambda ws: show_run(ws, name, who().author))
    except StoaError as problem:
        asking.problem_box(problem)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(view.run.id, anchor=False, width="content")
        asking.tag_button("runs", run=name if "@" in name else view.run.id)
    ran, graph, frozen, history, said = st.tabs(["What ran", "Graph", "Frozen definitions", "Commits", "Verdicts"])
    with ran:
        st.code("\n".join([*run_lines(view), ending_in_words(view)]), language=None, wrap_lines=True)
        if view.summary and view.summary.causes:
            st.text("\n".join(cause_lines(view.summary.causes)))
        st.caption("The command that ran it, and the one that runs it again from what it froze and compares")
        st.code(f"{shlex.join(view.run.asked)}\nstoa reproduce {view.run.id}", language="bash", wrap_lines=True)
    with graph:
        st.mermaid_chart(provenance_graph(about(lambda ws: lineage(ws, view.run.id))))
    with frozen:
        _frozen(view.run.id)
    with history:
        _commits(view.run.id)
    with said:
        if not view.reviews:
            st.text("No one has judged an outcome of this run.")
        for depth, review in threaded(view.reviews):
            where = f" on {about_in_words(review)}" if review.target else ""
            st.text("\n".join(review_lines(review, where, depth)).strip("\n"))


def _frozen(run: str) -> None:
    files = about(lambda ws: frozen_files(ws, run))
    if not files:
        st.text("This run has frozen nothing.")
        return
    name = str(st.selectbox("File", sorted(files), key=f"frozen {run}", width=420))
    text = safe(files[name][:MOST_TEXT].decode("utf-8", "replace"))
    language = next((kind for suffix, kind in LANGUAGES.items() if name.endswith(suffix)), None)
    st.code(text, language=language, line_numbers=True, height=420)


def _commits(run: str) -> None:
    found = about(lambda ws: commits_of(ws, run))
    rows = [(one.id[:12], one.time, one.author, one.subject) for one in found]
    tables.plain(pd.DataFrame(rows, columns=["commit", "when", "by", "text"]))
    st.code(f"git log --grep 'Stoa-Run: {run}'", language="bash")


def _over_time() -> None:
    """The state of the project after each run and each judgement."""
    st.subheader("Over time", anchor=False)
    moments = recorded_history(("", "", ""))
    if len(moments) < 2:
        st.text("The history begins with the second run or judgement.")
        return
    labels = [f"{clock(one.time, 16).replace('T', ' ')}  {one_line(one.what)}" for one in moments]
    at = st.select_slider(
        "After", range(len(moments)), value=len(moments) - 1, format_func=lambda n: labels[n], key="moment"
    )
    moment = moments[int(at)]
    st.text(f"{one_line(moment.author)}: {one_line(moment.what)}\n{_state_words(moment)}")
    chart = over_time(moments)
    colours: list[Any] = [COLOURS.get(name.partition(" ")[2], OTHER) for name in chart.columns if name != "when"]
    st.line_chart(chart, x="when", y=list(chart.columns[1:]), color=colours, height=220, x_label="", y_label="jobs")


def _state_words(moment: Moment) -> str:
    return f"{counts_in_words(moment.counts)}, {moment.flagged} flagged"


def over_time(moments: list[Moment]) -> pd.DataFrame:
    """Number of jobs by status, and of flagged targets, after each moment."""
    known = [status.value for status in Status if any(one.counts.get(status) for one in moments)]
    rows = [
        {"when": pd.Timestamp(one.time), **{with_symbol(name): one.counts.get(name, 0) for name in known},
         with_symbol("flagged"): one.flagged}
        for one in moments
    ]  # fmt: skip
    return pd.DataFrame(rows)
