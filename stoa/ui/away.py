"""Images whose pixels are not on this machine: the thumbnail that came with the records, and what brings the rest."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from stoa.ui import asking, looking, pixels
from stoa.ui.viewer import Shown


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
                st.caption("The thumbnail that came with the records.")
            if problem:
                asking.problem_box(problem)


_STILL = "width: 100%; max-width: 480px; image-rendering: pixelated"
