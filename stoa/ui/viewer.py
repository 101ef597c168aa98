"""The image viewer: JS9 in a frame of its own, told what to show by messages; and what is shown without it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import streamlit as st

from stoa.ui import desk, libraries
from stoa.ui.links import sign

MOST_SOURCES = 1000
"""Marks in an image; more make every zoom slow."""

MOST_SENT = 8
"""Images that one click sends."""

_WEB = Path(__file__).with_name("web")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An image of a view, as a record names it."""

    name: str  # what the reader calls it
    ref: str  # root:path
    sha256: str = ""
    size: int = 0  # bytes

    @property
    def url(self) -> str:
        return sign("image", self.ref, self.sha256)

    @property
    def still(self) -> str:
        """Address of a picture that needs no viewer."""
        return sign("thumb", self.ref, self.sha256, "large")

    @property
    def thumb(self) -> str:
        return sign("thumb", self.ref, self.sha256, "small")


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A source in the image."""

    id: str
    ra: float  # degrees, ICRS
    dec: float
    colour: str = "cyan"


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the viewer shows: one image, or several over one another that it can blink and subtract.

    Attributes
    ----------
    sources
        Marks; the first `MOST_SOURCES` are drawn.
    next
        Images that the reader is likely to ask for next; the browser fetches them ahead.
    """

    images: tuple[Shown, ...]
    sources: tuple[Mark, ...] = ()
    next: tuple[Shown, ...] = ()


@cache
def _frame() -> Any:
    script = (_WEB / "frame.js").read_text(encoding="utf-8")
    return st.components.v2.component("stoa_frame", js=script, isolate_styles=False)


def image_viewer(
    view: View, key: str, *, height: int = 560, wanted: tuple[str, ...] = ("click", "source")
) -> list[dict[str, Any]]:
    """Show a view, and give what happened in it since the last rerun.

    Parameters
    ----------
    wanted
        Kinds of events for which the script runs again: click, source, region, shown, error.

    Returns
    -------
    events
        Each with `kind` and, of a click, `x` and `y` (pixels from 1), `ra` and `dec` (degrees) and `value`; of a
        source its `id`; of a region the statistics of its pixels.
    """
    send_images(view.images, key)
    if not libraries.has_viewer():
        _stills(view)
        return []
    told = {
        "images": [{"url": each.url, "name": each.name} for each in view.images],
        "sources": [msgspec.to_builtins(mark) for mark in view.sources[:MOST_SOURCES]],
        "next": [each.url for each in view.next],
        "dark": st.context.theme.type == "dark",
    }
    data = {"src": "/stoa/viewer", "title": "image", "height": height, "view": told, "wanted": list(wanted)}
    inbox = _frame()(data=data, key=key, on_inbox_change=lambda: None).inbox or []
    place = f"{key} seen"
    seen = st.session_state.get(place, 0)
    fresh = [event for event in inbox if event["seq"] > seen and event["kind"] in wanted]
    if fresh:
        st.session_state[place] = fresh[-1]["seq"]
    return fresh


def send_images(images: Sequence[Shown], key: str, *, label: str = "Send to DS9") -> None:
    """A button that sends images, as the files that they are, to DS9, Aladin and whatever else takes them."""
    if not images:
        return
    why = "" if desk.can_send() else desk.NO_WAY
    if st.button(label, key=f"send images {key}", disabled=bool(why), help=why or "Aladin and others take it, too."):
        for each in images[:MOST_SENT]:
            desk.send_image(each.name, each.ref, each.sha256)
        st.rerun()  # so that the component in the sidebar gets them


def _stills(view: View) -> None:
    """Pictures instead of the viewer."""
    for column, each in zip(st.columns(max(1, len(view.images))), view.images, strict=False):
        column.html(f'<img alt="" src="{each.still}" style="max-width: 100%; image-rendering: pixelated">')
        column.text(each.name)
    st.caption("This build has no viewer: it was made without a network. These are still pictures.")
