"""Actions that a page offers: who is meant is shown before anything is committed, and how to take it back after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from stoa.commands.assign import ME, NOBODY
from stoa.errors import StoaError
from stoa.show.steps import STEP_SYMBOLS
from stoa.show.words import count
from stoa.ui.actions import Done, assign, clear, comment, flag, may, record_step, tag, take_back
from stoa.ui.reading import about, declared_steps, tag_names

DONE = "stoa done"
"""Where the session keeps what was done last."""

NAMED = 12
"""Targets that are named one by one before an action."""

ALL_STEPS = "all steps"
GIVE, TAKE = "Give", "Take away"
ONE_GROUP, WHOLE = "this image group", "the whole target"


def review_buttons(targets: Sequence[str], key: str, *, reason: str = "") -> Any:
    """Buttons that flag, comment on or tag targets, and record steps and who does them; each asks and shows the names.

    Those of steps are there where the project declares some.

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
        offered = [("Flag", _ask_flag), ("Clear flags", _ask_clear), ("Comment", _ask_comment), ("Tag", _ask_tag)]
        if declared_steps():
            offered += [("Step", _ask_step), ("Assign", _ask_assign)]
        for word, ask in offered:
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
    st.code("\n".join(names[:NAMED]) + more, language=None, wrap_lines=True)


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


@st.dialog("Tag")
def _ask_tag(names: tuple[str, ...], _reason: str) -> None:
    st.text(f"Tag {count(len(names), 'target')}, as one commit:")
    names_box(names)
    _tag_fields(names)


def tag_button(key: str, *, run: str = "", target: str = "", group: str = "") -> None:
    """A button that asks for a tag of one run or pair, or of one target or its image group."""
    why = may("review")
    if st.button("Tag …", key=f"{key} Tag", disabled=bool(why), help=why or None):
        _ask_tag_of(run, target, group)


@st.dialog("Tag")
def _ask_tag_of(run: str, target: str, group: str) -> None:
    st.text(f"Tag {'a pair' if '@' in run else 'a run' if run else 'a target'}, as one commit:")
    names_box([run or f"{target} {group}".rstrip()])
    on = st.segmented_control("On", [ONE_GROUP, WHOLE], default=ONE_GROUP, key="tag on") if group else WHOLE
    _tag_fields((target,) if target else (), group="" if on == WHOLE else group, run=run)


def _tag_fields(names: tuple[str, ...], *, group: str = "", run: str = "") -> None:
    known = tag_names()
    way = st.segmented_control("What", [GIVE, TAKE], default=GIVE, key="tag way") if known else GIVE
    old = st.selectbox("Tag", known, index=None, key="tag old", placeholder="one of those there are") if known else None
    new = st.text_input("A new tag", max_chars=80, key="tag new") if way != TAKE and not old else ""
    text = st.text_area("Why? (optional)", max_chars=2000, key="tag text")
    name = str(old or new).strip()
    if st.button("Take the tag away" if way == TAKE else "Give the tag", type="primary", key="commit tag") and perform(
        lambda: tag(names, name, text, remove=way == TAKE, group=group, run=run)
    ):
        st.rerun()


@st.dialog("Step")
def _ask_step(names: tuple[str, ...], _reason: str) -> None:
    declared = declared_steps()
    st.text(f"Record a step of the review of {count(len(names), 'target')}, as one commit:")
    names_box(names)
    name = st.selectbox(
        "Step", list(declared), key="step which",
        format_func=lambda step: f"{step}: {declared[step]}" if declared[step] else step,
    )  # fmt: skip
    states = list(STEP_SYMBOLS)
    state = st.segmented_control("State", states, default=states[0], key="step state") or states[0]
    text = st.text_area("Why? (optional)", max_chars=2000, key="step text")
    if st.button("Record", type="primary", key="commit step") and perform(
        lambda: record_step(names, str(name), state, text)
    ):
        st.rerun()


@st.dialog("Assign")
def _ask_assign(names: tuple[str, ...], _reason: str) -> None:
    st.text(f"Say who is to look at {count(len(names), 'target')}, as one commit:")
    names_box(names)
    person = st.text_input(
        "Person", value=ME, max_chars=80, key="assign person", help=f"A name or an address; `{ME}`, or `{NOBODY}`."
    ).strip()
    step = st.selectbox("Step", [ALL_STEPS, *declared_steps()], key="assign step")
    text = st.text_area("Why? (optional)", max_chars=2000, key="assign text")
    if st.button("Assign", type="primary", key="commit assign") and perform(
        lambda: assign(names, person, "" if step == ALL_STEPS else str(step), text)
    ):
        st.rerun()
