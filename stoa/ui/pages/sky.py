"""The sky: where the targets are, which of them failed; a lasso selects rows of the table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from stoa.errors import StoaError
from stoa.show.sky import Point, circle
from stoa.show.words import count, one_line
from stoa.ui import desk, going, picking, skymap, tables
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
    _pointed(points, layers)
    event = st.echarts_chart(
        skymap.chart(points, fields, layers, covered), height=430,
        on_select="rerun", key=f"sky {tables.digest(points)}", alt="Map of the sky with the targets by status",
    )  # fmt: skip
    picked = skymap.chosen(event.selection, points)
    _point(points, picked)
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
        _point_button(table)
        going.button("Review", key="sky", pair=str(points["pair"].iloc[0]), has=names[0] if len(names) == 1 else "")
        tables.export(shown[["pair", *COLUMNS]], "sky", key="sky table", selected=tables.places(shown, table))


def _pointed(points: pd.DataFrame, layers: dict[str, pd.DataFrame]) -> None:
    """Show where an application on the desktop pointed, and what is nearest."""
    found = picking.pointed()
    if found is None:
        return
    nearest, distance = nearest_to(points, found.ra, found.dec)
    words = f"{one_line(found.sender)} points at {found.ra:.5f} {found.dec:+.5f}"
    layers["pointed at"] = pd.DataFrame({"ra_deg": [found.ra], "dec_deg": [found.dec], "label": [words]})
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(f"{words}; nearest: {nearest}, {angle(distance)} away")
        pair = str(points["pair"].iloc[0])
        if st.button("Review nearest →", key="review nearest"):
            going.to("Review", at=nearest, pair=pair)


def nearest_to(points: pd.DataFrame, ra: float, dec: float) -> tuple[str, float]:
    """The target that is nearest to a place, and how far it is, in degrees."""
    lon, lat = np.radians(points["ra_deg"].to_numpy(float)), np.radians(points["dec_deg"].to_numpy(float))
    here, up = np.radians(ra), np.radians(dec)
    half = np.sin((lat - up) / 2) ** 2 + np.cos(lat) * np.cos(up) * np.sin((lon - here) / 2) ** 2
    place = int(np.argmin(half))
    return str(points["target"].iloc[place]), float(np.degrees(2 * np.arcsin(np.sqrt(min(half[place], 1.0)))))


def angle(degrees: float) -> str:
    """An angle in the unit that suits it."""
    if degrees >= 1:
        return f"{degrees:.1f}°"
    return f"{degrees * 60:.1f}′" if degrees >= 1 / 60 else f"{degrees * 3600:.1f}″"


def _point(points: pd.DataFrame, picked: list[int]) -> None:
    """Point at the target that was clicked in the map, if a desktop is connected."""
    clicked = points[points["row"].isin(picked)] if len(picked) == 1 else points[:0]
    place = (float(clicked["ra_deg"].iloc[0]), float(clicked["dec_deg"].iloc[0])) if len(clicked) else None
    if place != st.session_state.get("stoa clicked"):
        st.session_state["stoa clicked"] = place
        if place and desk.is_connected():
            desk.point(*place)
            st.rerun()


def _point_button(table: pd.DataFrame) -> None:
    """Point at the first selected row that has a place."""
    placed = table.dropna(subset=["ra_deg", "dec_deg"])
    why = "" if desk.can_send() else desk.NO_WAY
    if len(placed) and st.button(
        "Point there", key="point", disabled=bool(why), help=why or "Aladin and the plots of TOPCAT go to this place."
    ):
        desk.point(float(placed["ra_deg"].iloc[0]), float(placed["dec_deg"].iloc[0]))
        st.rerun()


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
