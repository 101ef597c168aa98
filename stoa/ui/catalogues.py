"""Tables of sources and objects as the pages use them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from stoa.errors import StoaError
from stoa.show.sky import Point, line
from stoa.sources.layers import coverage_files, coverage_lines, layer, table_files
from stoa.ui.reading import about, folder

MOST = 50_000
"""Rows of a table that a map shows."""


def catalogue_files() -> list[str]:
    """Tables of the project, relative to it."""
    found: list[str] = about(table_files)
    return found


def layer_of(name: str) -> pd.DataFrame:
    """Places and labels of a table of the project.

    Raises
    ------
    StoaError
        If it is none of `catalogue_files`, whatever a browser may ask for, or has no positions.
    """
    if name not in catalogue_files():
        raise StoaError(
            f"there is no table {name!r} in this project", "the folder `catalogues` holds those that STOA made"
        )
    return _layer(str(folder()), name, (folder() / name).stat().st_mtime_ns)


@st.cache_resource(max_entries=4, show_spinner="Reading the table")
def _layer(place: str, name: str, when: int) -> pd.DataFrame:  # noqa: ARG001 - the key
    found = layer(folder() / name, MOST)
    return pd.DataFrame({"ra_deg": found.ra_deg, "dec_deg": found.dec_deg, "label": found.labels})


def coverages() -> list[str]:
    """Coverages (MOC) of the project, relative to it."""
    found: list[str] = about(coverage_files)
    return found


def coverage_of(name: str) -> list[Point]:
    """Lines round the parts of the sky that a coverage of the project has.

    Raises
    ------
    StoaError
        If it is none of `coverages`, or cannot be read.
    """
    if name not in coverages():
        raise StoaError(f"there is no coverage {name!r} in this project", "`stoa vo moc` makes one")
    return _coverage(str(folder()), name, (folder() / name).stat().st_mtime_ns)


@st.cache_resource(max_entries=4, show_spinner="Reading the coverage")
def _coverage(place: str, name: str, when: int) -> list[Point]:  # noqa: ARG001 - the key
    return [point for ra, dec in coverage_lines(folder() / name) for point in line(ra, dec)]
