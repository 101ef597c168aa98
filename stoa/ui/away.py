"""Images whose pixels are not on this machine: the thumbnail that came with the records, and a button that fetches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from stoa.model import FileRef
from stoa.project import PRODUCTS_ROOT
from stoa.ui import actions, asking, looking, pixels
from stoa.ui.reading import about
from stoa.ui.viewer import Shown
from stoa.workspace.travel import has_store

_STILL = "width: 100%; max-width: 480px; image-rendering: pixelated"


def parted(images: Sequence[Shown]) -> tuple[list[Shown], list[Shown]]:
    """Images that can be read here, and the others."""
    here = [each for each in images if pixels.missing(each.ref, each.sha256) is None]
    return here, [each for each in images if each not in here]


def draw(images: Sequence[Shown]) -> None:
    """Show what is known of images without their pixels."""
    pictured = looking.travelled()
    for column, each in zip(st.columns(max(1, len(images))), images, strict=False):
        with column:
            problem = pixels.missing(each.ref, each.sha256)
            if each.sha256 in pictured:
                st.html(f'<img class="stoa-still" alt="thumbnail" src="{each.still}" style="{_STILL}">')
                st.caption(f"{each.name}: the thumbnail that came with the records.")
            if problem:
                asking.problem_box(problem)
            if _can_come(each):
                _fetch_button(each)


def _can_come(image: Shown) -> bool:
    """Whether a store may have an image: only products are put there."""
    return bool(image.sha256) and image.ref.startswith(f"{PRODUCTS_ROOT}:") and bool(about(has_store))


def _fetch_button(image: Shown) -> None:
    why = actions.may("review")
    ref = FileRef(path=image.ref, size=image.size, sha256=image.sha256)
    if st.button(
        "Fetch", key=f"fetch {image.ref} {image.name}", disabled=bool(why),
        help=why or "Fetch the image from the store of the project to the machine of this dashboard.",
    ):  # fmt: skip
        with st.spinner("Fetching"):
            came = asking.perform(partial(actions.fetch_product, ref))
        if came:
            st.rerun()
