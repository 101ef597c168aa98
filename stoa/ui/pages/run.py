"""Starting runs: choose, look at the plan, start, watch, stop."""

from __future__ import annotations

import shlex

import streamlit as st

from stoa.commands.plan import plan
from stoa.errors import StoaError
from stoa.request import Request, Selection
from stoa.runs.canary import expected_s
from stoa.runs.planned import Plan
from stoa.runs.typed import command_of
from stoa.show.plans import plan_table, sum_in_words
from stoa.show.runs import unreached_words
from stoa.ui import tables
from stoa.ui.actions import may
from stoa.ui.asking import names_box, perform, problem_box
from stoa.ui.filters import URL
from stoa.ui.live import live_runs, start, started_here
from stoa.ui.reading import about
from stoa.workspace.open import Workspace

OWN = "(its own)"
STATES = ("new", "stale", "failed", "flagged")
PLAN = "stoa plan"
"""Where the session keeps the command whose plan is shown."""


def page() -> None:
    """Draw the page."""
    st.header("Run", anchor=False)
    live_runs()
    started_here()
    processes, environments = about(lambda ws: (ws.library.processes(), ws.library.environments()))
    if not processes:
        st.info("This project has no process yet. `stoa process add sep` adds a source finder that comes with STOA.")
        return
    request = _asked(processes, environments)
    command = command_of(request)
    st.code(shlex.join(command), language="bash", wrap_lines=True)
    _buttons(request, command)


def _asked(processes: list[str], environments: list[str]) -> Request:
    """What the fields of the page ask for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        process = str(st.selectbox("Process", processes, key="process", bind=URL, width=200))
        sets = about(lambda ws: list(dict.fromkeys(["default", *ws.library.parameter_sets(process)])))
        params = str(st.selectbox("Parameter set", sets, key="set", bind=URL, width=200))
        environment = str(st.selectbox("Environment", [OWN, *environments], key="env", bind=URL, width=200))
        workers = int(st.number_input("Jobs at once (0: one per core)", 0, 1024, key="jobs", bind=URL, width=220))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        targets = st.text_input("Targets: names or globs", key="targets", bind=URL, placeholder="all", width=260)
        where = st.text_input("Where (SQL)", key="where", bind=URL, placeholder="freq_ghz > 200", width=220)
        states = st.pills("Only", STATES, selection_mode="multi", key="only", bind=URL)
        force = st.toggle("All, also up to date", key="force", bind=URL)
        message = st.text_input("Why (kept with the run)", key="why", width=260)
    return Request(
        process=process, params="" if params == "default" else params, workers=workers,
        environment=None if environment == OWN else environment, message=str(message),
        selection=Selection(
            targets=tuple(str(targets).replace(",", " ").split()), where=str(where), force=bool(force),
            new="new" in states, stale="stale" in states, failed="failed" in states, flagged="flagged" in states,
        ),
    )  # fmt: skip


def _buttons(request: Request, command: tuple[str, ...]) -> None:
    """Preview first: a run is started from its plan, which names what would run."""
    if st.button("Show the plan", type="primary"):
        st.session_state[PLAN] = command
    if st.session_state.get(PLAN) != command:
        st.caption("The plan says what would run, and why. The run is started from there.")
        return
    try:
        plans, seconds = about(lambda ws: _planned(ws, request))
    except StoaError as problem:
        problem_box(problem)
        return
    for made, expected in zip(plans, seconds, strict=True):
        _plan(made, expected, request.workers)
    names = list(dict.fromkeys(job.target for made in plans for job in made.to_run))
    why = may("run") or ("" if names else "Nothing would run.")
    if st.button(f"Start: {len(names)} targets", disabled=bool(why), help=why or None, key="start") and perform(
        lambda: start(command)
    ):
        del st.session_state[PLAN]
        st.rerun()


def _planned(ws: Workspace, request: Request) -> tuple[list[Plan], list[float | None]]:
    plans = plan(ws, request)
    at_once = request.workers or ws.project.jobs_at_once
    return plans, [expected_s(ws, made, at_once) for made in plans]


def _plan(made: Plan, expected: float | None, workers: int) -> None:
    at_once = workers or about(lambda ws: ws.project.jobs_at_once)
    st.text(sum_in_words(made, expected, at_once))
    for why, targets in made.out_of_reach.items():
        st.text(f"⚠ {unreached_words(why, targets)}")
    names = list(dict.fromkeys(job.target for job in made.to_run))
    if names:
        names_box(names)
    frame = tables.from_shown(plan_table(made))
    frame = frame.iloc[(frame["do"] == "leave").argsort(kind="stable")]  # what would run comes first
    tables.plain(frame, height=320)
    tables.export(frame, "plan", key=f"plan {made.definitions.process.name}")
