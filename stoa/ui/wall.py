"""The wall of thumbnails as a component: jobs go in by name, what was clicked or selected comes out by name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import streamlit as st

_WEB = Path(__file__).with_name("web")


class Tile(msgspec.Struct, frozen=True, array_like=True):
    """A job on the wall."""

    name: str
    source: str  # address of the thumbnail; "" where there is no image
    badge: str  # status, and flags
    kind: str  # ok, bad or flagged: the colour beside the badge
    words: str  # below the picture
    title: str  # when the pointer rests on it


class Touched(msgspec.Struct, frozen=True):
    """What a reader did on the wall."""

    opened: str  # a job, or ""
    chosen: tuple[str, ...]


@cache
def _component() -> Any:
    script, style = (_WEB / name for name in ("wall.js", "wall.css"))
    return st.components.v2.component(
        "stoa_wall",
        js=script.read_text(encoding="utf-8"),
        css=style.read_text(encoding="utf-8"),
        isolate_styles=False,
    )


def wall(tiles: Sequence[Tile], key: str) -> Touched:
    """Draw a wall.

    Returns
    -------
    touched
        Only jobs that are on the wall now: a selection does not outlive what it was made of.
    """
    rows = [msgspec.to_builtins(tile) for tile in tiles]
    digest = hashlib.sha256(msgspec.json.encode(rows)).hexdigest()[:16]
    data = {"tiles": rows, "key": digest}
    answer = _component()(data=data, key=key, on_chosen_change=lambda: None, on_opened_change=lambda: None)
    known = {tile.name for tile in tiles}
    opened = _fresh(answer.opened or {}, f"{key} seen")
    chosen = tuple(name for name in answer.chosen or () if name in known)
    return Touched(opened if opened in known else "", chosen)


def _fresh(opened: dict[str, Any], place: str) -> str:
    """The job that was clicked since the last drawing: a state that is numbered, since a trigger may get lost."""
    if opened.get("seq", 0) <= st.session_state.get(place, 0):
        return ""
    st.session_state[place] = opened["seq"]
    return str(opened["name"])
