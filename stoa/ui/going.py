"""Ways from one page to another that keep what was selected."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

PAGES = "stoa pages"
"""Where the session keeps the pages by title."""

WAITING = "stoa going"
"""Where the session keeps values for the next page."""

AT = "at"
"""The job that the page Review shows, in the address."""


def button(title: str, *, key: str = "", **state: Any) -> None:
    """A button that opens a page; `state` are the values of its widgets, "" leaves the button without effect.

    Parameters
    ----------
    title
        The page's; where there is no such page there is no button.
    """
    page = st.session_state.get(PAGES, {}).get(title)
    if page is None:
        return
    ready = all(value not in ("", (), []) for value in state.values())
    if st.button(f"{title} →", key=f"go {title} {key}", disabled=not ready):
        to(title, **state)


def to(title: str, at: str = "", **state: Any) -> None:
    """Open a page now, at a job if one is named.

    Values of its widgets wait until it is drawn: those that this page has drawn, too, cannot be changed any more.
    """
    page = st.session_state.get(PAGES, {}).get(title)
    if page is not None:
        st.session_state[WAITING] = state
        st.switch_page(page, query_params={AT: at} if at else {})


def arrive() -> None:
    """Give the values that wait to the widgets of the page that is about to be drawn, and to its address."""
    for name, value in st.session_state.pop(WAITING, {}).items():
        st.session_state[name] = value
        if value:
            with suppress(StreamlitAPIException):  # a widget holds this part of the address, and writes it itself
                st.query_params[name] = value
