"""What the pages Review and Wall read, kept by commit as in `reading`, and small pieces of HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from stoa.model import FileRef, Review
from stoa.show.distribution import TO_SIGMA
from stoa.show.words import safe
from stoa.sources.marks import Position, marks
from stoa.ui.queue import Job
from stoa.ui.reading import folder, opened, reported, settled, shown
from stoa.workspace import dossier
from stoa.workspace.names import Pair
from stoa.workspace.pictures import Picture, picture_of

KEPT = 400
"""Jobs that are kept as they were read."""


def job(pair: Pair, target: str, group: str) -> dossier.Dossier:
    """A job as a reviewer sees it; raises `StoaError` if it has no outcome."""
    return _job(str(folder()), shown(), (pair.process, pair.params, pair.environment), target, group)


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _job(place: str, at: str, pair: tuple[str, str, str], target: str, group: str) -> dossier.Dossier:  # noqa: ARG001 - the key
    with opened() as ws:
        return dossier.dossier(ws, Pair(*pair), target, group)


def picture_of_comment(review: Review) -> Picture | None:
    """The picture of a comment; None where there is none that can be shown."""
    if not review.picture:
        return None
    with opened() as ws:
        return picture_of(ws, review)


def judges() -> dict[str, tuple[str, ...]]:
    """Target -> the emails of those who have said something about it."""
    return _judges(str(folder()), shown())


@st.cache_resource(max_entries=2, show_spinner=False)
def _judges(place: str, at: str) -> dict[str, tuple[str, ...]]:  # noqa: ARG001 - the key
    with opened() as ws:
        return dossier.judges(ws)


def pictured(pair: Pair) -> dict[Job, FileRef]:
    """The image of each job of a pair."""
    return _pictured(str(folder()), settled(), (pair.process, pair.params, pair.environment))


@st.cache_resource(max_entries=4, show_spinner="Looking for images")
def _pictured(place: str, at: str, pair: tuple[str, str, str]) -> dict[Job, FileRef]:  # noqa: ARG001 - the key
    with opened() as ws:
        return {Job(*key): ref for key, ref in dossier.pictured(ws, Pair(*pair)).items()}


def travelled() -> frozenset[str]:
    """Checksums of the images whose thumbnail came with the records."""
    return _travelled(str(folder()), settled())


@st.cache_resource(max_entries=2, show_spinner=False)
def _travelled(place: str, at: str) -> frozenset[str]:  # noqa: ARG001 - the key
    with opened() as ws:
        return frozenset(ws.thumbnails.known())


def marks_of(tables: Sequence[FileRef]) -> list[Position]:
    """The sources of a job; its tables do not change."""
    return _marks(str(folder()), tuple((ref.path, ref.sha256) for ref in tables), tuple(tables))


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _marks(place: str, names: tuple[tuple[str, str], ...], _tables: tuple[FileRef, ...]) -> list[Position]:  # noqa: ARG001 - the key
    with opened() as ws:
        return marks(ws, _tables)


def others(pair: str) -> tuple[dict[str, list[Any]], Mapping[str, str]]:
    """Of each result the values of all current outcomes of a pair; and the units."""
    return _others(str(folder()), settled(), pair)


@st.cache_resource(max_entries=4, show_spinner=False)
def _others(place: str, at: str, pair: str) -> tuple[dict[str, list[Any]], Mapping[str, str]]:  # noqa: ARG001 - the key
    found = reported(pair)
    return {name: found.frame[name].dropna().tolist() for name in found.units}, found.units


def outlyingness(pair: str) -> dict[tuple[str, str], float]:
    """How far the most unusual result of each job is from the median, in robust standard deviations."""
    return _outlyingness(str(folder()), settled(), pair)


@st.cache_resource(max_entries=4, show_spinner="Looking for outliers")
def _outlyingness(place: str, at: str, pair: str) -> dict[tuple[str, str], float]:  # noqa: ARG001 - the key
    found = reported(pair)
    numbers = found.frame[list(found.units)].apply(pd.to_numeric, errors="coerce")
    middle = numbers.median()
    spread = TO_SIGMA * (numbers - middle).abs().median()
    far = ((numbers - middle) / spread.where(spread > 0)).abs().max(axis=1).fillna(0.0)
    keys = zip(found.frame["target"].astype(str), found.frame["group"].astype(str), strict=True)
    return dict(zip(keys, far.tolist(), strict=True))


def end_of(log: str, lines: int, longest: int) -> str:
    """The last lines of a log, with what a terminal would obey made visible, and long lines cut."""
    kept = log.splitlines()[-lines:]
    return "\n".join(
        safe(line if len(line) <= longest else f"{line[:longest]} … ({len(line)} characters)") for line in kept
    )


def figure(source: str, caption: str, *, here: bool = False) -> str:
    """A thumbnail as HTML; `source` is an address of ours, or "" where there is no image."""
    picture = f'<img loading="lazy" alt="" src="{escape(source)}">' if source else '<img alt="no image">'
    return (
        f'<figure class="{"here" if here else ""}">{picture}<figcaption>{escape(safe(caption))}</figcaption></figure>'
    )


def title(target: str, group: str, status: str) -> str:
    """The job and its status as HTML."""
    group_line = f"<small>{escape(safe(group))}</small>" if group else ""
    return f'<div class="stoa-title">{escape(safe(target))} &nbsp; {escape(status)}{group_line}</div>'
