"""Ways from one page to another that keep what was selected."""

from __future__ import annotations

from typing import Any

import streamlit as st

PAGES = "stoa pages"
"""Where the session keeps the pages by title."""


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
        for name, value in state.items():
            st.session_state[name] = value
        st.switch_page(page)
