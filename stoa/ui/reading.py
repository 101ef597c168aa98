"""What the pages show, read from the index and kept by the commit that it was read from.

An index belongs to the thread that opened it, and every rerun of a script is another thread: a project is opened for
one question and closed again. What is kept is shared by all sessions and is never changed. The arguments `place` and
`at` of the functions that keep something, the folder and the commit, are their keys alone; Streamlit leaves out
arguments whose names begin with an underscore.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pandas as pd
import streamlit as st

from stoa.commands.diff import DiffReport, diff, shown_pictures
from stoa.commands.results import results
from stoa.commands.select import selections
from stoa.commands.status import StatusReport, status
from stoa.commands.target import list_targets
from stoa.model import Author
from stoa.request import Selection
from stoa.show.steps import STEP_COLUMN
from stoa.sources.changes import Picture
from stoa.sources.stack import StackReport, stack
from stoa.ui.identity import who
from stoa.ui.serve import PROJECT
from stoa.workspace.board import CURRENT, Event, current_outcomes, events, flags_in_words, settled_state
from stoa.workspace.history import Moment, history
from stoa.workspace.listing import RunRow, list_runs
from stoa.workspace.open import Workspace
from stoa.workspace.samples import disputed_verdicts, hidden_from, samples, waiting
from stoa.workspace.steps import OPEN, disputed_steps, is_person, open_steps, states
from stoa.workspace.tags import ChosenJobs, carriers

if TYPE_CHECKING:
    from astropy.table import Table

STALE_S = 60
"""For this long the look at definitions and inputs is not repeated while the commit stays the same."""

MINE, DISPUTED = "mine", "disputed"
"""Queues: what the person is to do, and what people see differently."""

KEPT = 2
"""States of the project of which tables are kept: the present one, and one that a slower session still shows."""

FRESHEST = "pairs"
"""Key of `attrs` of the frame of outcomes: the pairs, that of the latest run first."""

_CATEGORIES = ("pair", "process", "params", "environment", "status", "cause", "like", "object")


def folder() -> Path:
    """The project's folder."""
    return Path(os.environ[PROJECT])


@contextmanager
def opened() -> Iterator[Workspace]:
    """The project, open for this thread."""
    ws = Workspace(folder())
    try:
        yield ws
    finally:
        ws.close()


def commit() -> str:
    """The commit that is checked out: what kept tables are valid for."""
    with opened() as ws:
        return ws.repository.head()


def shown() -> str:
    """The commit that this drawing of the page shows; asking git once is enough for all of it."""
    return str(st.session_state.get("commit") or commit())


def settled() -> str:
    """What is recorded but flags and comments, as a key: what does not rest on them outlives a verdict."""
    return _settled(str(folder()), shown())


@lru_cache(maxsize=8)
def _settled(place: str, at: str) -> str:  # noqa: ARG001 - the key
    with opened() as ws:
        return settled_state(ws, at)


def outcomes() -> pd.DataFrame:
    """The current outcome of every job, one row each.

    The columns are those of `stoa.workspace.board.CURRENT`, and ``flags``: the reasons of the target's open flags.
    """
    return _seen(_outcomes(str(folder()), shown()))


def _seen(frame: pd.DataFrame) -> pd.DataFrame:
    """A table without the flags that a blind sample hides from the person at this page."""
    if not (out_of_sight := hidden()):
        return frame
    mine = frame.copy(deep=False)
    mine["flags"] = frame["flags"].astype(str).where(~frame["target"].astype(str).isin(out_of_sight), "")
    return mine


def hidden() -> frozenset[str]:
    """Targets of blind samples that the person at this page has not judged: what others say of them is not shown."""
    return _hidden(str(folder()), shown(), who().author)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _hidden(place: str, at: str, author: Author) -> frozenset[str]:  # noqa: ARG001 - the key
    with opened() as ws:
        return frozenset(hidden_from(ws, author))


class Choices(msgspec.Struct, frozen=True):
    """What targets can be chosen by, and which targets each choice means."""

    tags: dict[str, ChosenJobs]  # those of targets and of image groups
    selections: dict[str, frozenset[str]]
    queues: dict[str, frozenset[str]]  # "mine" and "disputed"; none where the project has no use for them


def choices() -> Choices:
    """Tags, saved selections and the queue of the person at this page."""
    return _choices(str(folder()), shown(), who().author)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _choices(place: str, at: str, author: Author) -> Choices:  # noqa: ARG001 - the key
    with opened() as ws:
        mine = {each.target for each in open_steps(ws) if each.person and is_person(each.person, author)}
        mine |= {target for _, target in waiting(ws, author)}
        differing = {each.target for each in [*disputed_steps(ws), *disputed_verdicts(ws)]} - hidden_from(ws, author)
        has_work = bool(ws.project.config.steps or samples(ws))
        queues = {MINE: frozenset(mine)} if has_work else {}
        queues |= {DISPUTED: frozenset(differing)} if has_work or differing else {}
        return Choices(
            tags={
                tag: ChosenJobs(whole=frozenset(each.targets), groups=frozenset(each.groups))
                for tag, each in carriers(ws).items()
                if each.targets or each.groups
            },
            selections={each.selection.name: frozenset(each.targets) for each in selections(ws)},
            queues=queues,
        )  # fmt: skip


def tag_names() -> list[str]:
    """All tags that something has now."""
    return _tag_names(str(folder()), shown())


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _tag_names(place: str, at: str) -> list[str]:  # noqa: ARG001 - the key
    with opened() as ws:
        return list(carriers(ws))


def declared_steps() -> dict[str, str]:
    """The steps of the review that the settings declare, in their order, with what each means."""
    found: dict[str, str] = about(lambda ws: dict(ws.project.config.steps))
    return found


def with_steps(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """A table with one more column for each declared step, and the names of these columns.

    A column has the state of the step for each target; it is empty where a blind sample hides it, and is left out
    where the table has a column of its name already.
    """
    columns = {f"{STEP_COLUMN}{name}": name for name in declared_steps() if f"{STEP_COLUMN}{name}" not in frame}
    if not columns or frame.empty:
        return frame, list(columns)
    known = _step_states(str(folder()), shown())
    unseen = hidden()
    names = frame["target"].astype(str).tolist()
    more = frame.copy(deep=False)
    for column, step in columns.items():
        values = ["" if name in unseen else known.get((name, step), OPEN) for name in names]
        more[column] = pd.Categorical(values)
    return more, list(columns)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _step_states(place: str, at: str) -> dict[tuple[str, str], str]:  # noqa: ARG001 - the key
    with opened() as ws:
        return states(ws)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _outcomes(place: str, at: str) -> pd.DataFrame:
    with opened() as ws:
        flags = flags_in_words(ws)
    frame = _recorded(place, _settled(place, at)).copy(deep=False)
    frame["flags"] = pd.Categorical([flags.get(name, "") for name in frame["target"].tolist()])
    return frame


@st.cache_resource(max_entries=KEPT, show_spinner="Reading the index")
def _recorded(place: str, at: str) -> pd.DataFrame:  # noqa: ARG001 - the key
    """The current outcomes without their flags."""
    with opened() as ws:
        frame = pd.DataFrame(current_outcomes(ws), columns=list(CURRENT))
    for name in _CATEGORIES:
        frame[name] = frame[name].fillna("").astype("category")
    newest = frame.groupby("pair", observed=True)["run"].max().sort_values(ascending=False)
    frame.attrs[FRESHEST] = [str(pair) for pair in newest.index]
    return frame


def state() -> StatusReport:
    """What `stoa status` says, without the targets one by one."""
    return _state(str(folder()), shown(), int(time.time() // STALE_S))


@st.cache_resource(max_entries=KEPT, show_spinner="Comparing with the definitions")
def _state(place: str, at: str, minute: int) -> StatusReport:  # noqa: ARG001 - the key
    with opened() as ws:
        return status(ws, every_target=False)


def run_rows() -> list[RunRow]:
    """All runs, the newest first; live ones as they are now."""
    with opened() as ws:
        live = ws.live()
        head = ws.repository.head()
    if live:
        with opened() as ws:
            return list_runs(ws)[::-1]
    return _run_rows(str(folder()), head)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _run_rows(place: str, at: str) -> list[RunRow]:  # noqa: ARG001 - the key
    with opened() as ws:
        return list_runs(ws)[::-1]


def latest_events(most: int = 30) -> list[Event]:
    """Who did what, the newest first; not what a blind sample hides."""
    unseen = hidden()
    return [event for event in _events(str(folder()), commit(), most) if event.target not in unseen]


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _events(place: str, at: str, most: int) -> list[Event]:  # noqa: ARG001 - the key
    with opened() as ws:
        return list(events(ws, most))


class Results(msgspec.Struct, frozen=True):
    """The results of a pair as a data frame, and their units."""

    frame: Any  # pandas DataFrame
    units: dict[str, str]


def reported(pair: str) -> Results:
    """What a pair reported, one row per job; raises `StoaError` for a pair that never ran."""
    return _reported(str(folder()), settled(), pair)


@st.cache_resource(max_entries=2 * KEPT, show_spinner="Reading the results")
def _reported(place: str, at: str, pair: str) -> Results:  # noqa: ARG001 - the key
    with opened() as ws:
        found = results(ws, pair)
    frame = pd.DataFrame([*found.rows])
    return Results(frame.drop(columns="flags", errors="ignore"), dict(found.units))  # `outcomes` has the flags


def targets() -> pd.DataFrame:
    """Every listed target with its metadata, one row each; flags that a blind sample hides are left out."""
    return _seen(_targets(str(folder()), shown()))


@st.cache_resource(max_entries=KEPT, show_spinner="Reading the targets")
def _targets(place: str, at: str) -> pd.DataFrame:  # noqa: ARG001 - the key
    with opened() as ws:
        rows = [
            {"target": row.name, "root": row.root, "path": row.path, "flags": " ".join(row.flags), **row.metadata}
            for row in list_targets(ws, Selection())
        ]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["target", "root", "path", "flags"])


def about(question: Callable[[Workspace], Any]) -> Any:
    """The answer to one question about the project as it is now; nothing is kept."""
    with opened() as ws:
        return question(ws)


def recorded_history(pair: tuple[str, str, str]) -> list[Moment]:
    """The state after each run and each judgement; `pair` is process, set and environment, "" for all."""
    return _history(str(folder()), shown(), pair)


@st.cache_resource(max_entries=2 * KEPT, show_spinner="Reading the history")
def _history(place: str, at: str, pair: tuple[str, str, str]) -> list[Moment]:  # noqa: ARG001 - the key
    with opened() as ws:
        return history(ws, *pair)


def compared(a: str, b: str, *, sky: bool = False) -> DiffReport:
    """What `stoa diff` says of two runs or pairs."""
    return _compared(str(folder()), shown(), a, b, sky=sky)


@st.cache_resource(max_entries=4 * KEPT, show_spinner="Comparing")
def _compared(place: str, at: str, a: str, b: str, *, sky: bool) -> DiffReport:  # noqa: ARG001 - the key
    with opened() as ws:
        return diff(ws, a, b, sky=sky)


def drawn(a: str, b: str) -> list[Picture]:
    """Pictures of the images whose sources changed most, side by side."""
    return _drawn(str(folder()), shown(), a, b)


@st.cache_resource(max_entries=KEPT, show_spinner="Drawing")
def _drawn(place: str, at: str, a: str, b: str) -> list[Picture]:  # noqa: ARG001 - the key
    with opened() as ws:
        return shown_pictures(ws, diff(ws, a, b, sky=True))


def sources(source: str) -> tuple[Table, StackReport]:
    """The sources of a pair as one table, without any cut, and what was left out of it."""
    return _sources(str(folder()), shown(), source)


@st.cache_resource(max_entries=KEPT, show_spinner="Stacking the sources")
def _sources(place: str, at: str, source: str) -> tuple[Table, StackReport]:  # noqa: ARG001 - the key
    with opened() as ws:
        return stack(ws, source)
