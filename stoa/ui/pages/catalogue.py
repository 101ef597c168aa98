"""The catalogue of a pair: stacked, cut with the counts in sight, matched, drawn, written."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from stoa.commands.catalogue.match import MatchReport, match
from stoa.commands.catalogue.plot import plot
from stoa.errors import StoaError
from stoa.numbers import with_error
from stoa.show.words import count, one_line
from stoa.sources.stack import StackReport, cut, cuts_of
from stoa.ui import services, tables
from stoa.ui.actions import may
from stoa.ui.asking import problem_box, review_buttons
from stoa.ui.catalogues import catalogue_files
from stoa.ui.filters import URL, pair_choice
from stoa.ui.identity import acting
from stoa.ui.reading import about, folder, outcomes, sources

if TYPE_CHECKING:
    from astropy.table import Table

SLIDERS = ("snr", "flux", "peak_flux", "gain", "rms")
"""Columns that are offered first for cuts."""

PLOTS = {"map of the sky": "sky", "flux against signal to noise": "flux", "signal to noise": "snr"}
FIRST = ("target", "group", "id", "ra_deg", "dec_deg", "snr", "flux", "e_flux", "peak_flux")
STEPS = 100


def page() -> None:
    """Draw the page."""
    st.header("Catalogue", anchor=False)
    rows = outcomes()
    if rows.empty:
        st.info("Nothing has run yet. A source finder makes catalogues: `stoa process add sep`, `stoa run sep`.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pair = pair_choice(rows)
        quality = bool(st.toggle("Quality cuts of the project", key="quality", bind=URL))
        more = st.text_input("Keep (a condition)", key="keep", bind=URL, placeholder="snr >= 5", width=260)
    try:
        table, report = sources(pair)
        keep = [*_sliders(table), *([str(more)] if more else [])]
        left = about(lambda ws: cut(table, pair, cuts_of(ws, keep, quality=quality)))
    except StoaError as problem:
        problem_box(problem)
        return
    _counts(report, left)
    command = ["stoa", "catalogue", "stack", pair, *(w for one in keep for w in ("--keep", one)), *_flag(quality)]
    st.code(shlex.join(command), language="bash", wrap_lines=True)
    _table(pair, left.table)
    _service(pair, keep, quality=quality)
    _match(pair, keep, quality=quality)
    _plots(pair, keep, quality=quality)


def _flag(quality: bool) -> list[str]:  # noqa: FBT001 - one word of a command
    return ["--quality"] if quality else []


def _sliders(table: Table) -> list[str]:
    """One slider for each column that is chosen, as conditions."""
    numeric = [name for name in table.colnames if table[name].dtype.kind in "fi" and table[name].ndim == 1]
    options = [name for name in SLIDERS if name in numeric] + [name for name in numeric if name not in SLIDERS]
    chosen = st.multiselect("Cut by", options, default=options[:1], key="cut", bind=URL)
    keep = []
    for place, name in zip(st.columns(max(len(chosen), 1)), chosen, strict=False):
        marks = marks_of(table[name])
        if len(marks) > 1:
            with place:
                low, high = st.select_slider(name, marks, (marks[0], marks[-1]), key=f"cut {name}")
            keep += [f"{name} >= {low}"] if low != marks[0] else []
            keep += [f"{name} <= {high}"] if high != marks[-1] else []
    return keep


def marks_of(column: Any) -> list[float]:
    """Values at which a slider stops: as many sources are between two of them as between two others."""
    import numpy as np

    values: Any = np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)
    known = values[np.isfinite(values)]
    if not len(known):
        return []
    return sorted({float(f"{value:.4g}") for value in np.quantile(known, np.linspace(0, 1, STEPS + 1))})


def _counts(report: StackReport, left: Any) -> None:
    """How many sources each cut leaves."""
    with st.container(horizontal=True):
        st.metric("sources", report.sources, border=True, width=150)
        st.metric("kept", len(left.table), border=True, width=150)
        st.metric("images", report.images, border=True, width=150)
        st.metric("targets", report.targets, border=True, width=150)
        if report.missing:
            st.metric("tables not here", len(report.missing), border=True, width=170)
    rest = report.sources
    rows = []
    for one in left.cuts:
        rest -= one.removed
        rows.append((one.name, one.keep, one.removed, rest))
    if rows:
        tables.plain(pd.DataFrame(rows, columns=["cut", "keeps", "removed", "left"]))


def _table(pair: str, table: Table) -> None:
    shown = [name for name in table.colnames if table[name].ndim == 1]
    frame = table[shown].to_pandas()
    frame.insert(0, "row", range(1, len(frame) + 1))
    columns = ["row", *(name for name in FIRST if name in frame), *(n for n in shown if n not in FIRST)]
    chosen = tables.selectable(frame, "catalogue", identity=("target", "group", "row"), columns=columns, height=320)
    with review_buttons(list(chosen["target"]), "catalogue"):
        places = tables.places(frame, chosen)
        tables.export_table(table, f"sources {pair}", key="catalogue", pair=pair, selected=places)


def _service(pair: str, keep: list[str], *, quality: bool) -> None:
    """The address of the same sources as a service of the Virtual Observatory."""
    with st.expander("As a service: cone search, VOTable, FITS"):
        parts = urlsplit(st.context.url or "")
        base = f"{parts.scheme}://{parts.netloc}{services.address(pair, keep, quality=quality)}"
        st.text("Give this address to TOPCAT (VO > Cone Search), Aladin, stilts or pyvo. It is valid for half a day:")
        st.code(f"{base}/cone?", language=None, wrap_lines=True)
        st.caption("The whole table, and what the service says of itself:")
        names = ("table.vot", "table.fits", "capabilities", "availability")
        st.code("\n".join(f"{base}/{name}" for name in names), language=None, wrap_lines=True)


def _match(pair: str, keep: list[str], *, quality: bool) -> None:
    st.subheader("Match with a catalogue", anchor=False)
    files = catalogue_files()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Table", files, index=None, key="with", bind=URL, placeholder="a table of the project", width=300
        )
        radius = st.text_input("Radius", "5arcsec", key="radius", bind=URL, width=120)
        unique = st.toggle("One row per object", key="unique", bind=URL)
        why = may("run")
        asked = st.button(
            "Match", disabled=bool(why) or name not in files, help=why or "Writes files in `catalogues/`."
        )
    if not files:
        st.caption("Put a table (CSV, VOTable, FITS) beside `.stoa` or into `catalogues/` to match with it.")
    if not asked:
        return
    try:
        with acting("run", f"match {pair} with {name}") as ws:
            report = match(ws, pair, folder() / str(name), str(radius), unique=bool(unique), keep=keep, quality=quality)
    except StoaError as problem:
        problem_box(problem)
        return
    _matched(report)


def _matched(report: MatchReport) -> None:
    st.success(
        f"{count(report.matched, 'source')} of {report.sources} matched, {count(report.objects, 'object')}; "
        f"{with_error(report.expected, report.e_expected)} expected by chance"
    )
    st.text("wrote " + ", ".join(one_line(file) for file in report.files))
    if report.offset:
        st.caption("offset of the positions")
        st.text(str(report.offset))


def _plots(pair: str, keep: list[str], *, quality: bool) -> None:
    st.subheader("Plots", anchor=False)
    name = st.segmented_control("Plot", list(PLOTS), key="plot", bind=URL, label_visibility="collapsed")
    if not name:
        return
    try:
        st.image(_drawn(pair, PLOTS[str(name)], keep, quality=quality), width=720)
    except StoaError as problem:
        problem_box(problem)


def _drawn(pair: str, kind: str, keep: list[str], *, quality: bool) -> bytes:
    """A figure as the command draws it."""
    with tempfile.TemporaryDirectory(prefix="stoa-plot-") as place:
        file = Path(place, "plot.png")
        about(lambda ws: plot(ws, pair, kind, out=file, keep=keep, quality=quality))
        return file.read_bytes()
