"""Runs that are under way, followed while someone looks, and started as processes of their own."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
import streamlit as st

from stoa.show.symbols import with_symbol
from stoa.show.words import counts_in_words, duration, one_line
from stoa.ui.actions import Done, may, stop_run
from stoa.ui.asking import perform
from stoa.ui.identity import acting, who
from stoa.ui.reading import about
from stoa.workspace.child import Child, start_child
from stoa.workspace.watch import Watched, watch

EVERY_S = 2.0
STARTED = "stoa started"
"""Where the session keeps the runs that it started."""

LAST_LINES = 15


class Started(msgspec.Struct, frozen=True):
    """A command that was started from the dashboard and lives without it."""

    command: tuple[str, ...]
    pid: int
    log: str


def start(command: Sequence[str]) -> Done:
    """Start a `stoa run` or `stoa rerun` that neither the browser nor the dashboard ends.

    Parameters
    ----------
    command
        As it is typed, beginning with ``stoa``.
    """
    person = who()
    environ = {**os.environ, "GIT_AUTHOR_NAME": person.name, "GIT_AUTHOR_EMAIL": person.email}
    with acting("run", shlex.join(command)) as ws:
        ws.ready()
        child = start_child(ws, command, environ)
    _children()[child.pid] = child
    st.session_state.setdefault(STARTED, []).insert(0, Started(tuple(command), child.pid, str(child.log)))
    return Done(words=f"started: {shlex.join(command)}")


@st.cache_resource
def _children() -> dict[int, Child]:
    return {}


def started_here() -> None:
    """What this session started, with the end of what it printed."""
    for each in st.session_state.get(STARTED, [])[:3]:
        child = _children().get(each.pid)
        code = child.poll() if child else None
        words = "runs" if code is None else "done" if code == 0 else _ended(code)
        with st.container(border=True):
            st.text(f"$ {one_line(shlex.join(each.command))}\n{words}")
            if said := _tail(Path(each.log)):
                st.code(said, language=None)


def _ended(code: int) -> str:
    return "done; some jobs did not succeed" if code == 3 else f"ended with exit code {code}"


def _tail(log: Path) -> str:
    try:
        lines = log.read_bytes()[-8000:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(one_line(line) for line in lines[-LAST_LINES:])


def live_runs(*, say_none: str = "") -> None:
    """The live runs with bar, counts, time to go and buttons that stop them; looked at again while one is live.

    Parameters
    ----------
    say_none
        What is shown where nothing runs.
    """
    found = about(watch)
    st.fragment(_live_runs, run_every=EVERY_S if found or _running_here() else None)(say_none)


def _running_here() -> bool:
    return any(child.poll() is None for child in _children().values())


def _live_runs(say_none: str) -> None:
    found: list[Watched] = about(watch)
    before = st.session_state.get("stoa live", ())
    st.session_state["stoa live"] = names = tuple(run.run for run in found)
    if not found and say_none:
        st.text(say_none)
    for run in found:
        _live_run(run)
    if set(before) - set(names):
        st.rerun()  # a run has ended: the tables have its outcomes


def _live_run(run: Watched) -> None:
    with st.container(border=True):
        to_go = f", about {duration(run.remaining_s)} to go" if run.remaining_s is not None else ""
        st.text(
            f"{with_symbol(run.state)}  {run.process}@{run.params}  run {run.run} by {one_line(run.author)}\n"
            f"{run.ended} of {run.jobs} jobs: {counts_in_words(run.counts)}; {duration(run.elapsed_s)} so far{to_go}"
        )
        st.progress(min(1.0, run.ended / run.jobs if run.jobs else 1.0))
        for outcome in run.failures:
            st.text(f"{with_symbol(outcome.status)}  {outcome.target} {outcome.group}  {one_line(outcome.cause)}")
        why = may("run")
        with st.container(horizontal=True):
            for label, at_once in (("Stop", False), ("Stop at once", True)):
                what = "End the running jobs, too." if at_once else "Start no more jobs; the running ones end."
                if st.button(label, key=f"{label} {run.run}", disabled=bool(why), help=why or what) and perform(
                    partial(stop_run, run.run, at_once=at_once)
                ):
                    st.rerun()
