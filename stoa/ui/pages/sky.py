"""The sky: where the targets are, which of them failed; a lasso selects rows of the table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from stoa.errors import StoaError
from stoa.show.sky import Point, circle
from stoa.show.words import count
from stoa.ui import going, skymap, tables
from stoa.ui.asking import problem_box, review_buttons
from stoa.ui.catalogues import catalogue_files, coverage_of, coverages, layer_of
from stoa.ui.filters import URL, chosen
from stoa.ui.reading import outcomes, sources, targets

SMALLEST_DEG = 1.6
"""Radius with which a field of view is drawn at least; on a map of the whole sky arcseconds are invisible."""

MOST_FIELDS = 5000
MOST_POINTS = 50_000
COLUMNS = ("status", "target", "group", "object", "ra_deg", "dec_deg", "freq_ghz", "cause", "flags")


def page() -> None:
    """Draw the page."""
    st.header("Sky", anchor=False)
    rows = outcomes()
    if rows.empty:
        st.info("Nothing has run yet. `stoa run PROCESS` runs a process over the targets, and so does the page Run.")
        return
    rows = chosen(rows).reset_index(drop=True)
    rows = rows.assign(row=range(len(rows)))
    points = rows.dropna(subset=["ra_deg", "dec_deg"])
    if points.empty:
        st.info("No outcome that passes these filters has a known place. `stoa meta build` reads places from headers.")
        return
    layers, fields, covered = _layers(str(points["pair"].iloc[0]), points)
    event = st.echarts_chart(
        skymap.chart(points, fields, layers, covered), height=430,
        on_select="rerun", key=f"sky {tables.digest(points)}", alt="Map of the sky with the targets by status",
    )  # fmt: skip
    picked = skymap.chosen(event.selection, points)
    placed = f"{count(len(points), 'outcome')} on the map, {len(rows) - len(points)} without a known place"
    st.caption(f"{placed}. Draw a lasso or a rectangle (buttons at the top right of the map) to select.")
    shown = rows[rows["row"].isin(picked)] if picked else rows
    st.subheader(f"{count(len(shown), 'outcome')} {'inside the region' if picked else 'in all'}", anchor=False)
    table = tables.selectable(shown, "sky table", columns=COLUMNS, height=300)
    meant = table if len(table) else shown if picked else table
    names = list(dict.fromkeys(meant["target"]))
    if picked and not len(table):
        st.caption("No row is selected: the buttons are about all inside the region.")
    with review_buttons(names, "sky"):
        going.button("Review", key="sky", pair=str(points["pair"].iloc[0]), has=names[0] if len(names) == 1 else "")
        tables.export(shown[list(COLUMNS)], "sky", key="sky")


def _layers(pair: str, points: pd.DataFrame) -> tuple[dict[str, pd.DataFrame], list[Point], list[Point]]:
    """What is drawn beside the targets, as it is asked for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        with_fields = st.toggle("Fields of view", value=True, key="fields", bind=URL)
        with_sources = st.toggle("Sources", key="sources", bind=URL)
        table = st.selectbox(
            "Catalogue", catalogue_files(), index=None, key="catalogue", bind=URL, placeholder="none", width=260
        )
        moc = st.selectbox("Coverage", coverages(), index=None, key="moc", bind=URL, placeholder="none", width=260)
    layers: dict[str, pd.DataFrame] = {}
    covered: list[Point] = []
    try:
        if moc:
            covered = coverage_of(str(moc))
        if table:
            layers["quasars" if "quasar" in Path(str(table)).name.lower() else Path(str(table)).name] = layer_of(
                str(table)
            )
        if with_sources:
            found = sources(pair)[0][:MOST_POINTS]
            layers["sources"] = pd.DataFrame({
                "ra_deg": [float(ra) for ra in found["ra_deg"]], "dec_deg": [float(dec) for dec in found["dec_deg"]],
                "label": [f"source of {target}" for target in found["target"]],
            })  # fmt: skip
    except StoaError as problem:
        problem_box(problem)
    return layers, fields_of(points) if with_fields else [], covered


def fields_of(points: pd.DataFrame) -> list[Point]:
    """Fields of view as circles, at least as large as one can see."""
    known = targets().set_index("target")
    radii = known["radius_deg"] if "radius_deg" in known else pd.Series(dtype=float)
    found: list[Point] = []
    for one in points.drop_duplicates("target").head(MOST_FIELDS).itertuples():
        radius = radii.get(one.target)
        size = float(radius) if radius is not None and radius == radius else 0.0
        found += circle(one.ra_deg, one.dec_deg, max(size, SMALLEST_DEG))
    return found
