"""The pages in their order."""

from __future__ import annotations

from typing import Any

import streamlit as st

from stoa.ui.going import PAGES
from stoa.ui.pages import catalogue, compare, failures, overview, review, run, runs, sky, targets, wall


def pages() -> dict[str, list[Any]]:
    """The pages by section; the first one is at the address itself."""
    made = {
        "Look": [
            st.Page(overview.page, title="Overview", default=True),
            st.Page(failures.page, title="Failures", url_path="failures"),
            st.Page(review.page, title="Review", url_path="review"),
            st.Page(wall.page, title="Wall", url_path="wall"),
            st.Page(sky.page, title="Sky", url_path="sky"),
            st.Page(targets.page, title="Targets", url_path="targets"),
        ],
        "Use": [
            st.Page(compare.page, title="Compare", url_path="compare"),
            st.Page(catalogue.page, title="Catalogue", url_path="catalogue"),
        ],
        "Run": [
            st.Page(run.page, title="Run", url_path="run"),
            st.Page(runs.page, title="Runs", url_path="runs"),
        ],
    }
    st.session_state[PAGES] = {page.title: page for section in made.values() for page in section}
    return made
