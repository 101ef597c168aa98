"""One image with the axes of the sky, its beam, a scale and the sources that were found in it, as a PNG.

The ground is transparent and the letters are grey, so that it can be read on a bright and on a dark page.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.catalogue.drawing import load_matplotlib
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.pictures import draw_beam, name_axes, scale_bar, whole_piece
from stoa.catalogue.plots import plain_texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INK = "#808080"
"""Grey that is read on white and on black."""

MARK = "#56B4E9"
"""Sky blue of Okabe & Ito's palette, which no shade of an image has."""

SOFTENING = 0.3
"""Of the arcsinh between the lowest and the highest value, as astropy counts it; the dashboard has the same."""

SIDE_INCH, DPI = 5.0, 110


def portrait(path: Path, title: str, sources: Sequence[tuple[float, float]] = ()) -> bytes:
    """A PNG of the first plane of an image, channels averaged.

    Parameters
    ----------
    sources
        Right ascension and declination (ICRS, degrees) of places that get a circle.

    Raises
    ------
    CatalogueError
        If the file cannot be read as an image of the sky, or has no pixel with a value.
    """
    load_matplotlib()
    import numpy as np
    from astropy.visualization import AsinhStretch, ImageNormalize
    from matplotlib.figure import Figure

    piece = whole_piece(path, sources)
    known = piece.pixels[np.isfinite(piece.pixels)]
    if not known.size:
        raise CatalogueError(f"{path.name!r} has no pixel with a value")
    low, high = _limits(known)
    stretch = ImageNormalize(vmin=low, vmax=high if high > low else low + 1, stretch=AsinhStretch(SOFTENING))
    figure = Figure(figsize=(SIDE_INCH * 1.15, SIDE_INCH), layout="constrained", facecolor="none")
    axes: Any = figure.add_subplot(projection=piece.wcs, facecolor="none")
    drawn = axes.imshow(piece.pixels, origin="lower", cmap="inferno", norm=stretch, interpolation="nearest")
    bar = figure.colorbar(drawn, ax=axes, shrink=0.85)
    bar.set_label(piece.unit, color=INK, fontsize=8)
    bar.ax.tick_params(colors=INK, labelsize=7)
    bar.outline.set_edgecolor(INK)
    axes.set_title(title, fontsize=9, color=INK)
    name_axes(axes, is_first=True)
    _ink(axes)
    high_px, wide_px = piece.pixels.shape
    inside = (piece.marks > -1).all(axis=1) & (piece.marks < (wide_px, high_px)).all(axis=1)
    axes.plot(*piece.marks[inside].T, "o", markersize=11, markerfacecolor="none", markeredgecolor=MARK)
    scale_bar(axes, piece.pixels.shape, piece.pixel_arcsec)
    draw_beam(axes, piece, piece.pixels.shape)
    axes.set_xlim(-0.5, wide_px - 0.5)
    axes.set_ylim(-0.5, high_px - 0.5)
    plain_texts(figure)
    made = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of wcslib, about headers that are not quite as the standard wants them
        figure.savefig(made, format="png", dpi=DPI, transparent=True)
    return made.getvalue()


def _limits(values: NDArray[np.float32]) -> tuple[float, float]:
    """From just below the noise to the brightest pixels; the noise is half of the way from percentile 16 to 84."""
    import numpy as np

    least, middle, most, brightest = np.percentile(values.astype(np.float64), [16, 50, 84, 99.95])
    noise = (most - least) / 2
    return float(middle - 2.5 * noise), float(max(brightest, middle + 12 * noise))


def _ink(axes: Any) -> None:
    """Letters and frame in `INK`."""
    for axis in axes.coords:
        axis.set_ticklabel(color=INK, size=7)
        axis.set_axislabel(axis.get_axislabel(), color=INK, fontsize=8)
    axes.coords.frame.set_color(INK)
