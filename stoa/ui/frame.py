"""The frame round every page: navigation, project, person, what came in from others, help."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from stoa.errors import StoaError
from stoa.show.events import event_in_words
from stoa.show.words import one_line
from stoa.ui import picking
from stoa.ui.actions import may, sync
from stoa.ui.asking import done, perform, problem_box
from stoa.ui.desk import desk, has_changed, listen
from stoa.ui.going import arrive
from stoa.ui.identity import must_log_in, who
from stoa.ui.navigation import pages
from stoa.ui.reading import about, commit, latest_events
from stoa.ui.views import PAGE, views_box

WATCH_S = 5.0
"""How often a page looks whether others have committed something."""

MOST_NEWS = 5

KEYS = (
    ("?", "this help"),
    ("J, K", "Review: next, previous"),
    ("N", "Review: next one that no one has judged"),
    ("1 to 9", "Review: verdict with this reason code"),
    ("U", "Review: take the last verdict back"),
    ("B", "Compare: the other image; Shift-B: back"),
    ("V, D", "Compare: side by side; the difference"),
    ("F, S", "image: all of it; sources and beam on or off"),
)


STYLE = """
<style>
[data-testid="stMainBlockContainer"] { padding: 3.4rem 2.2rem 3rem; }
[data-testid="stMainBlockContainer"] h2 { font-size: 1.55rem; padding: 0 0 .4rem; }
[data-testid="stMainBlockContainer"] h3 { font-size: 1.15rem; padding: .6rem 0 .4rem; }
[data-testid="stSidebarHeader"] { height: 2.4rem; padding-bottom: 0; }
</style>
"""
"""Less room round the page than Streamlit leaves: tables want it."""


def main() -> None:
    """Draw the frame and the page."""
    st.set_page_config(page_title="STOA", page_icon="🔭", layout="wide")
    st.html(STYLE)
    if must_log_in():
        _log_in()
        return
    page = st.navigation(pages(), position="sidebar", expanded=True)
    st.session_state[PAGE] = page.url_path
    around(page.run)


def around(draw: Callable[[], None]) -> None:
    """Draw the sidebar, what was done last, and a page; what is wrong is explained in words."""
    try:
        st.session_state["commit"] = commit()
        with st.sidebar:
            _sidebar()
        done()
        arrive()
        picking.box()
        draw()
    except StoaError as problem:
        problem_box(problem)


def _log_in() -> None:
    """Nothing of the project is shown before someone has logged in."""
    st.navigation([st.Page(_log_in, title="Log in")], position="hidden")
    st.header("STOA", anchor=False)
    st.text("This dashboard shows its project to people who have logged in.")
    if st.button("Log in", type="primary"):
        st.login()


def _sidebar() -> None:
    person = who()
    project, branch = about(lambda ws: (ws.project.config.project, ws.repository.branch_or_none() or "(detached)"))
    st.text(f"{one_line(project)}\non {one_line(branch.removeprefix('refs/heads/'))}, {st.session_state['commit'][:9]}")
    st.text(f"{one_line(person.name)}\n{one_line(person.email)}" if person.name else "You may look.")
    why = may("review")
    with st.container(horizontal=True):
        if st.button("Sync", disabled=bool(why), help=why or "Exchange commits with the others.") and perform(sync):
            st.rerun()
        if st.button("? Keys", help="The keys of the pages."):
            _show_keys()
        views_box()
    picking.take(desk())
    listen()
    _news()


@st.fragment(run_every=WATCH_S)
def _news() -> None:
    """What others committed while the page was open; the page is drawn again when something came."""
    newest = {event.id: event for event in latest_events()}
    seen = st.session_state.setdefault("stoa seen", set(newest))
    fresh = [event for name, event in newest.items() if name not in seen]
    mine = who().name
    lines = [event_in_words(event) for event in fresh if event.author != mine]
    st.session_state["stoa seen"] = seen | set(newest)
    if lines:
        st.session_state["stoa news"] = [*lines, *st.session_state.get("stoa news", [])][:MOST_NEWS]
    if commit() != st.session_state["commit"] or has_changed():
        st.rerun()
    if news := st.session_state.get("stoa news"):
        st.caption("Since you opened this page")
        st.text("\n".join(news))


@st.dialog("Keys")
def _show_keys() -> None:
    st.code("\n".join(f"{keys:<8}{what}" for keys, what in KEYS), language=None, wrap_lines=True)
    st.text("Dark or light: menu at the top right, Settings.")
    st.text("The address holds the page and its filters: copy it to share a view.")
