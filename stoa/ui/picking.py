"""What was picked in an application on the desktop: the current selection of the page, until it is dismissed.

Tables select the rows, Review opens the job, filters can be narrowed to it, and a box above the page has its actions.
What is kept are names; a table that has changed since is matched by them.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import msgspec
import pandas as pd
import streamlit as st

from stoa.errors import StoaError
from stoa.show.words import count, one_line
from stoa.ui import going, sent
from stoa.ui.actions import may
from stoa.ui.asking import perform, review_buttons
from stoa.ui.live import start
from stoa.ui.queue import Job
from stoa.vo.bridge import Event

PICKED, POINTED, ONLY = "stoa picked", "stoa pointed", "picked"
"""Keys of the session: what was picked, where to was pointed; and the filter that leaves only what was picked."""

NAMED = 8
MOST_AGAIN = 100
"""Targets that a command names one by one."""


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table that was sent."""

    number: int  # counts up, so that each is taken once
    sender: str
    table: str
    where: str = ""
    digest: str = ""
    pair: str = ""
    rows: tuple[int, ...] = ()
    jobs: tuple[Job, ...] = ()
    is_subset: bool = False
    problem: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(job.target for job in self.jobs))

    @property
    def words(self) -> str:
        """``topcat: 31 rows of failures: 4 targets: a b c d``."""
        rows = count(len(self.rows), "row") if self.is_subset else f"row {', '.join(str(r + 1) for r in self.rows)}"
        names = " ".join(map(one_line, self.targets[:NAMED])) + (" …" if len(self.targets) > NAMED else "")
        said = self.problem or f"{count(len(self.targets), 'target')}: {names}"
        return f"{one_line(self.sender)}: {rows} of {one_line(self.table)}: {said}"


class Pointed(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the sky that an application pointed at, in ICRS degrees."""

    sender: str
    ra: float
    dec: float


def take(events: Sequence[Event]) -> None:
    """Keep the newest of what was picked and pointed at."""
    for event in events:
        if event.kind == "point":
            st.session_state[POINTED] = Pointed(sender=event.sender, ra=event.ra, dec=event.dec)
        else:
            number = st.session_state["stoa picks"] = st.session_state.get("stoa picks", 0) + 1
            st.session_state[PICKED] = picked(event, number)


def picked(event: Event, number: int) -> Picked:
    """Rows as jobs; those that the table does not have are counted in `problem`."""
    try:
        table = sent.find(event.table)
    except StoaError as problem:
        return Picked(number=number, sender=event.sender, table=event.table, problem=problem.message)
    rows = tuple(row for row in event.rows if row < max(len(table.targets), 0))
    groups = table.groups or ("",) * len(table.targets)
    jobs = tuple(dict.fromkeys(Job(table.targets[row], groups[row]) for row in rows))
    lost = len(event.rows) - len(rows)
    problem_words = f"{lost} of the rows are not in the table" if lost else ""
    if not table.targets:
        problem_words = "its rows name no target"
    return Picked(
        number=number, sender=event.sender, table=table.name, where=table.where, digest=table.digest, pair=table.pair,
        rows=rows, jobs=jobs, is_subset=event.is_subset, problem=problem_words,
    )  # fmt: skip


def current() -> Picked | None:
    """What is picked now, if it names jobs."""
    found: Picked | None = st.session_state.get(PICKED)
    return found if found is not None and found.jobs else None


def pointed() -> Pointed | None:
    """The place that was pointed at last."""
    found: Pointed | None = st.session_state.get(POINTED)
    return found


def fresh(where: str) -> Picked | None:
    """What is picked, once for each place that asks."""
    found = current()
    seen = st.session_state.setdefault("stoa picks seen", {})
    if found is None or seen.get(where) == found.number:
        return None
    seen[where] = found.number
    return found


def narrowed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of what is picked, if the person wants only these."""
    found = current()
    if found is None:
        return rows
    if st.toggle(f"Only picked ({len(found.targets)})", key=ONLY, help=found.words):
        return rows[rows["target"].astype(str).isin(found.targets)]
    return rows


def positions(frame: pd.DataFrame, where: str, digest: str) -> tuple[int, list[int]]:
    """Which rows of a table are picked, for as long as it does not change; with the number of the pick, or 0."""
    found = current()
    if found is None or "target" not in frame:
        return 0, []
    applied = st.session_state.setdefault("stoa picks applied", {})
    if applied.get(where, (0, ""))[0] != found.number:
        applied[where] = (found.number, digest)
    if applied[where] != (found.number, digest):
        return 0, []  # others changed the rows: nothing is selected any more
    if (found.where, found.digest) == (where, digest):
        return found.number, [row for row in found.rows if row < len(frame)]
    targets = frame["target"].astype(str)
    if "group" in frame and any(job.group for job in found.jobs):
        jobs = set(found.jobs)
        hits = [Job(*key) in jobs for key in zip(targets, frame["group"].astype(str), strict=True)]
    else:
        hits = targets.isin(found.targets).tolist()
    rows = [number for number, hit in enumerate(hits) if hit]
    return (found.number, rows) if rows else (0, [])


def box() -> None:
    """What is picked, with what can be done about it."""
    found: Picked | None = st.session_state.get(PICKED)
    if found is None:
        return
    with st.container(border=True):
        st.text(f"▸ Picked on your desktop: {found.words}")
        if found.problem and found.jobs:
            st.text(f"⚠ {found.problem}")
        if not found.jobs:
            _dismiss()
            return
        with review_buttons(found.targets, "picked"):
            if st.button("Review picked →", key="review picked"):
                going.to("Review", at=found.jobs[0].words, **_state(found))
            _again(found)
            _dismiss()


def _state(found: Picked) -> dict[str, object]:
    return {ONLY: True, **({"pair": found.pair} if found.pair else {})}


def _again(found: Picked) -> None:
    """The command that runs what is picked again, to copy or to start."""
    if not found.pair:
        return
    command = ("stoa", "rerun", found.pair, *(w for name in found.targets[:MOST_AGAIN] for w in ("--target", name)))
    with st.popover("Run again"):
        if len(found.targets) > MOST_AGAIN:
            st.text(f"Only the first {MOST_AGAIN} of {len(found.targets)} targets:")
        st.code(shlex.join(command), language="bash", wrap_lines=True)
        why = may("run")
        if st.button("Start this", key="picked again", disabled=bool(why), help=why or None) and perform(
            lambda: start(command)
        ):
            st.rerun()


def _dismiss() -> None:
    if st.button("Dismiss", key="dismiss picked", type="tertiary"):
        del st.session_state[PICKED]
        st.rerun()
