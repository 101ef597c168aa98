"""What the browser does beside showing pages: the key that opens the help, files to save, and tables for TOPCAT."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from stoa.ui import libraries
from stoa.ui.links import offer

TABLE = "stoa table"
"""Where the session keeps the table that the browser is to send."""

_WEB = Path(__file__).with_name("web")


@cache
def _component() -> Any:
    script = (_WEB / "desk.js").read_text(encoding="utf-8")
    return st.components.v2.component("stoa_desk", js=script, isolate_styles=False)


def desk() -> None:
    """Mount the component; every page has it, so that a registration at the hub outlives a change of the page."""
    table = st.session_state.get(TABLE)
    _component()(data={"sampjs": libraries.address("sampjs"), "table": table}, key="desk")


def can_send() -> bool:
    """Whether this build has the library that speaks to the hub."""
    return libraries.is_there("sampjs")


def send(name: str, content: bytes) -> None:
    """Have the browser send a table to all programs at the SAMP hub of the one who looks at it.

    Parameters
    ----------
    content
        The table as FITS. It can be fetched for a quarter of an hour, by a link that nobody can guess.
    """
    now = _number()  # a program refuses an id that it has had
    path = offer(f"{name}.fits", "application/fits", content)
    st.session_state[TABLE] = {"seq": now, "path": path, "id": f"stoa-{now}", "name": name}


def save(name: str, media_type: str, content: bytes) -> None:
    """Have the browser save a file, as if a link to it had been clicked."""
    st.session_state[TABLE] = {"seq": _number(), "path": offer(name, media_type, content), "file": name}


def _number() -> int:
    return time.time_ns() // 1_000_000
