"""Named views in the sidebar: pages with their filters, which all who have the project share."""

from __future__ import annotations

import html
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from stoa.model import View
from stoa.show.words import one_line
from stoa.ui.actions import may, remove_view, save_view
from stoa.ui.asking import perform
from stoa.ui.going import AT
from stoa.ui.reading import KEPT, folder, opened, shown
from stoa.workspace.views import named_views

PAGE = "stoa page"
"""Where the session keeps the address of the page that is drawn."""


def views_box() -> None:
    """The button `Views`: those there are, each a link, and one to save this page as it is."""
    found = _views(str(folder()), shown())
    with st.popover(f"Views ({len(found)})" if found else "Views"):
        if not found:
            st.text("A view is a page with its filters, under a name. All who have the project see it after a sync.")
        why = may("review")
        for view in found:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.html(link(view), width="stretch")
                wanted = st.button("Remove", key=f"remove view {view.id}", disabled=bool(why), type="tertiary")
                if wanted and perform(partial(remove_view, view.name)):
                    st.rerun()
        name = st.text_input("Name for this page with its filters", max_chars=80, key="stoa view name")
        wanted = st.button("Save view", disabled=bool(why or not name.strip()), help=why or None)
        if wanted and perform(partial(save_view, name, st.session_state.get(PAGE, ""), _filters())):
            st.rerun()


def link(view: View) -> str:
    """A view as a link; its words are text, whatever is in them."""
    address = f"{view.page or '.'}{'?' if view.filters else ''}{urlencode(view.filters)}"
    words = html.escape(one_line(view.name))
    who = html.escape(one_line(f"{view.page or 'overview'}, {view.author.name}"))
    return f'<a href="{html.escape(address)}" title="{who}">{words}</a>'


def _filters() -> list[tuple[str, str]]:
    """What the address holds beside the job that is shown."""
    return [(name, value) for name in st.query_params if name != AT for value in st.query_params.get_all(name)]


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _views(place: str, at: str) -> list[View]:  # noqa: ARG001 - the key
    with opened() as ws:
        return named_views(ws)
