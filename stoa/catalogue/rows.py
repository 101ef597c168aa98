"""Kinds of rows that a figure tells apart: by band, and calibrators from science targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.duplicates import band_numbers, is_calibrator

if TYPE_CHECKING:
    from astropy.table import Table

RED, BLUE, GREY = "#D55E00", "#0072B2", "#777777"
_COLOURS = (RED, BLUE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe & Ito
_MARKS = "osD^vP*"


class Kind(Struct, frozen=True):
    """Rows that are drawn with one mark."""

    rows: Any  # which, of shape (rows,)
    style: dict[str, Any]  # of `errorbar`; its label is "" where there is one kind alone


def kinds_of_rows(table: Table) -> list[Kind]:
    """Rows by band, those of calibrators with open marks; every row is in one kind."""
    import numpy as np

    bands, names = band_numbers(table)
    calibrators = is_calibrator(table)
    found = []
    for number in np.unique(bands).tolist():
        for is_open in (False, True):
            rows = (bands == number) & (calibrators == is_open)
            if rows.any():
                place = number % len(_COLOURS)
                words = ", ".join(filter(None, (names[number], "calibrators" if is_open else "")))
                style = {
                    "fmt": _MARKS[place], "color": _COLOURS[place], "ecolor": GREY, "markersize": 4, "elinewidth": 0.8,
                    "label": f"{words} ({int(rows.sum())})" if words else "",
                }  # fmt: skip
                found.append(Kind(rows, style | ({"markerfacecolor": "none"} if is_open else {})))
    if len(found) == 1 and not found[0].style["label"].startswith(("cal", "band")):
        found[0].style["label"] = ""
    return found


def legend_of_kinds(axes: Any) -> None:
    """A legend, where there is something to tell apart."""
    handles, labels = axes.get_legend_handles_labels()
    named = [(handle, label) for handle, label in zip(handles, labels, strict=True) if label]
    if named:
        axes.legend(*zip(*named, strict=True), fontsize=8, frameon=False)
