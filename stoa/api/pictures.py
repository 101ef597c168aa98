"""Images of targets and maps of the sky as pictures that a notebook shows, and the dashboard that has more of them."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from stoa.api.dashboard import Dashboard, dashboard
from stoa.api.opened import AnyPath, Opened
from stoa.commands.catalogue.plot import plot
from stoa.show.html import text
from stoa.show.notebook import fragment, link
from stoa.sources.portraits import draw_image


class Picture:
    """A PNG.

    Attributes
    ----------
    png
        Its bytes.
    words
        What it shows.
    address
        Page of the dashboard that shows the same; "" where none is served by `dashboard`.
    """

    def __init__(self, png: bytes, words: str, address: str = "") -> None:
        self.png = png
        self.words = words
        self.address = address

    def __repr__(self) -> str:
        return f"<picture of {self.words}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002 - IPython's
        encoded = b64encode(self.png).decode()
        bundle = {"image/png": encoded, "text/plain": repr(self)}
        if self.address:
            shown = f'<img alt="{text(self.words)}" src="data:image/png;base64,{encoded}">'
            bundle["text/html"] = fragment([shown, link(self.address, "open in the dashboard")])
        return bundle


class Pictures(Opened):
    """Images of targets and maps of the sky as pictures, and the dashboard that has more of them."""

    def image(self, target: str, source: str = "", *, group: str = "", name: str = "", sources: bool = True) -> Picture:
        """An image that a job took or made, with axes of the sky and its beam.

        Parameters
        ----------
        source
            The run or ``PROCESS@SET`` of the job; "" is the latest outcome of the target.
        name
            Of the input or output; "" is the first image.
        sources
            Whether the sources that the job found get circles.

        Raises
        ------
        StoaError
            If the target has no outcome, the job no such image, or the file is not on this machine.
        """
        png, drawn = draw_image(self.workspace, target, source, group, name, sources=sources)
        at = f"{drawn.target} {drawn.group}".strip()
        return Picture(png, f"{drawn.name} of {at}", self._page("review", pair=drawn.pair, at=at))

    def sky(
        self, source: str, *, catalogue: AnyPath = "", keep: Iterable[str] = (), quality_cuts: bool = False
    ) -> Picture:
        """The sources of a run, ``PROCESS@SET`` or table on the sky, with the searched fields and a catalogue.

        Raises
        ------
        StoaError
            If there are no sources of that name.
        """
        with tempfile.TemporaryDirectory(prefix="stoa-") as folder:
            file = plot(
                self.workspace, source, "sky", catalogue=Path(catalogue) if catalogue else None,
                out=Path(folder, "sky.png"), keep=keep, quality=quality_cuts,
            )  # fmt: skip
            png = file.read_bytes()
        pair = {"pair": source} if "@" in source else {}
        return Picture(png, f"the sky of {source}", self._page("sky", **pair, sources="true"))

    def dashboard(self) -> Dashboard:
        """Serve the dashboard of this project on this machine until the program ends; a second call gives the same.

        Raises
        ------
        StoaError
            If it cannot be served.
        """
        return dashboard(self.workspace.project.top)

    def _page(self, page: str, **state: str) -> str:
        """Address of a page, where the dashboard is served from here."""
        served = dashboard(self.workspace.project.top, start=False)
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in state.items())
        return f"{served.address}/{page}?{query}" if served.address else ""
