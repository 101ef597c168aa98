"""Actions that a page offers: who is meant is shown before anything is committed, and how to take it back after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from stoa.errors import StoaError
from stoa.show.words import count
from stoa.ui.actions import Done, clear, comment, flag, may, take_back
from stoa.ui.reading import about

DONE = "stoa done"
"""Where the session keeps what was done last."""

NAMED = 12
"""Targets that are named one by one before an action."""


def review_buttons(targets: Sequence[str], key: str, *, reason: str = "") -> Any:
    """Buttons that flag, clear or comment on targets; each asks first and shows the names.

    Parameters
    ----------
    targets
        Names; an empty list disables the buttons.
    reason
        The reason code that is offered first.

    Returns
    -------
    row
        The container of the buttons, for more of them.
    """
    names = list(dict.fromkeys(targets))
    why = may("review") or ("" if names else "Select rows in the table first.")
    row = st.container(horizontal=True, vertical_alignment="center")
    with row:
        st.text(f"{count(len(names), 'target')} selected")
        for word, ask in (("Flag", _ask_flag), ("Clear flags", _ask_clear), ("Comment", _ask_comment)):
            if st.button(f"{word} …", key=f"{key} {word}", disabled=bool(why), help=why or None):
                ask(tuple(names), reason)
    return row


def done() -> None:
    """What was done last, with a button that takes it back."""
    last: Done | None = st.session_state.get(DONE)
    if last is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", border=True):
        st.text(f"✓ {last.words}")
        if last.undo and st.button("Take back", key=f"take back {last.commit}"):
            perform(lambda: take_back(last))
            st.rerun()
        if st.button("Dismiss", key=f"dismiss {last.commit} {last.words}", type="tertiary"):
            del st.session_state[DONE]
            st.rerun()


def perform(action: Callable[[], Done]) -> bool:
    """Carry out an action and keep what it did; an error is shown where the button is."""
    try:
        st.session_state[DONE] = action()
    except StoaError as problem:
        problem_box(problem)
        return False
    return True


def problem_box(problem: StoaError) -> None:
    """An error with its hint, as text."""
    with st.container(border=True):
        st.text(f"⚠ {problem.message}")
        if problem.hint:
            st.text(f"→ {problem.hint}")


def names_box(names: Sequence[str]) -> None:
    """The targets that an action is about."""
    more = f"\n… and {len(names) - NAMED} more" if len(names) > NAMED else ""
    st.code("\n".join(names[:NAMED]) + more, language=None)


@st.dialog("Flag")
def _ask_flag(names: tuple[str, ...], reason: str) -> None:
    reasons = about(lambda ws: dict(ws.project.config.reasons))
    st.text(f"Flag {count(len(names), 'target')}, as one commit:")
    names_box(names)
    codes = list(reasons)
    code = st.selectbox(
        "Reason", codes, index=codes.index(reason) if reason in codes else 0,
        format_func=lambda name: f"{name}: {reasons[name]}" if reasons[name] else name,
    )  # fmt: skip
    text = st.text_area("What did you see? (optional)", max_chars=2000)
    if st.button("Flag", type="primary", key="commit flag") and perform(lambda: flag(names, str(code), text)):
        st.rerun()


@st.dialog("Clear flags")
def _ask_clear(names: tuple[str, ...], _reason: str) -> None:
    st.text(f"Clear all open flags of {count(len(names), 'target')}, as one commit:")
    names_box(names)
    text = st.text_area("Why? (optional)", max_chars=2000)
    if st.button("Clear flags", type="primary", key="commit clear") and perform(lambda: clear(names, text=text)):
        st.rerun()


@st.dialog("Comment")
def _ask_comment(names: tuple[str, ...], _reason: str) -> None:
    st.text(f"Comment on {count(len(names), 'target')}, as one commit. A comment stays.")
    names_box(names)
    text = st.text_area("Comment", max_chars=2000)
    if st.button("Comment", type="primary", key="commit comment") and perform(lambda: comment(names, text)):
        st.rerun()
