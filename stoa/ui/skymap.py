"""An all-sky map as a chart of Streamlit: zoom, tooltips, and selection by rectangle or lasso."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stoa.show.sky import Point, frame_series, graticule, mollweide

MARKS = {
    "ok": ("circle", 7, "#2f7ed8"), "failed": ("triangle", 10, "#d95f02"), "timeout": ("diamond", 10, "#d95f02"),
    "killed": ("diamond", 10, "#a6341b"), "blocked": ("rect", 8, "#b8860b"), "skipped": ("emptyCircle", 7, "#7f7f7f"),
    "sources": ("emptyCircle", 13, "#c2185b"), "quasars": ("emptyDiamond", 4, "#7b61a8"),
    "pointed at": ("pin", 22, "#d9a300"),
}  # fmt: skip
"""Layer -> symbol, size and colour; told apart by shape as well as by colour."""

OTHER = ("rect", 7, "#7f7f7f")


def chart(
    points: pd.DataFrame, fields: list[Point], layers: Mapping[str, pd.DataFrame], covered: list[Point]
) -> dict[str, Any]:
    """The chart of places, with the fields of view as circles and further layers behind them.

    Parameters
    ----------
    points
        Columns ra_deg, dec_deg, status, target, group and row, by which a selection is known.
    layers
        Name -> a table with ra_deg, dec_deg and label; these cannot be selected.
    covered
        Lines round what was observed, as a coverage has it.
    """
    axis = {"type": "value", "show": False}
    series = [frame_series(graticule(), "", "#9993", 0.8)]
    if covered:
        series.append(frame_series(covered, "coverage", "#2a9d8f", 1.2))
    if fields:
        series.append(frame_series(fields, "fields of view", "#888", 1))
    data: list[dict[str, Any]] = []
    for name, layer in layers.items():
        data.append({"source": placed(layer)[["x", "y", "label"]]})
        series.append(_scatter(name, len(data) - 1, ["label"]))
    for status in names(points):
        mine = placed(points[points["status"] == status])
        data.append({"source": mine[["x", "y", "target", "group", "status", "row"]]})
        series.append(_scatter(status, len(data) - 1, ["target", "group", "status"], selectable=True))
    return {
        "dataset": data, "series": series, "tooltip": {"trigger": "item"},
        "xAxis": {**axis, "min": -2.04, "max": 2.04}, "yAxis": {**axis, "min": -1.03, "max": 1.03},
        "grid": {"left": 4, "right": 4, "top": 34, "bottom": 4},
        "legend": {"top": 0, "left": 0, "data": [one["name"] for one in series if one["name"]]},
        "dataZoom": [{"type": "inside", "xAxisIndex": 0}, {"type": "inside", "yAxisIndex": 0}],
        "brush": {
            "toolbox": ["polygon", "rect", "clear"], "xAxisIndex": 0, "yAxisIndex": 0, "throttleType": "debounce",
            "throttleDelay": 200, "seriesIndex": [n for n, one in enumerate(series) if one["name"] in names(points)],
        },
    }  # fmt: skip


def _scatter(name: str, dataset: int, tooltip: list[str], *, selectable: bool = False) -> dict[str, Any]:
    symbol, size, colour = MARKS.get(name, OTHER)
    hollow = symbol.startswith("empty")  # ECharts would fill it with white, on a dark page too
    style = {"color": "transparent", "borderColor": colour, "borderWidth": 1.5} if hollow else {"color": colour}
    symbol = symbol.removeprefix("empty").lower()
    return {
        "type": "scatter", "name": name, "datasetIndex": dataset, "symbol": symbol, "symbolSize": size,
        "encode": {"x": "x", "y": "y", "tooltip": tooltip}, "itemStyle": style, "animation": False,
        **({"selectedMode": "single"} if selectable else {}),
    }  # fmt: skip


def names(points: pd.DataFrame) -> list[str]:
    """The statuses that the points have, in the order of their series."""
    return sorted(points["status"].astype(str).unique())


def placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with their places x and y on the map."""
    x, y = mollweide(rows["ra_deg"].to_numpy(), rows["dec_deg"].to_numpy())
    return rows.assign(x=x.round(5), y=y.round(5))


def chosen(selection: Mapping[str, Any], points: pd.DataFrame) -> list[int]:
    """What `row` says of the points inside the drawn regions.

    The chart tells them by position in a series; what is outside the present points counts for nothing.
    """
    found: list[int] = []
    known = names(points)
    for group in selection.get("selected", []):
        if group.get("series_name") in known:
            rows = points.loc[points["status"] == group["series_name"], "row"].to_numpy()
            found += [int(rows[n]) for n in group.get("data_indices", []) if 0 <= n < len(rows)]
    return list(dict.fromkeys(found))
