"""The same piece of two images side by side with one stretch, and their difference."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stoa.catalogue.changes import GAINED, LOST, SourceChange
from stoa.catalogue.drawing import load_matplotlib
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.plots import plain_texts
from stoa.opening import regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MARGIN_PIX = 40
MOST_PIX = 400
"""Longer pieces are thinned out, pixel by pixel."""

RED, BLUE = "#D55E00", "#0072B2"
"""Vermilion and blue of Okabe & Ito's palette."""


class Piece(Struct, frozen=True):
    """A part of an image's first plane, channels averaged."""

    pixels: Any  # shape (y, x), float32
    marks: Any  # shape (sources, 2), x and y in pixels of the piece
    unit: str
    wcs: Any  # of the piece
    pixel_arcsec: float  # of the piece
    beam: tuple[
        float, float, float
    ]  # axes (FWHM) in pixels of the piece, angle from its y axis to its left; 0: unknown


def side_by_side(
    a: Path, b: Path, changes: Sequence[SourceChange], titles: tuple[str, str], radius_arcsec: float
) -> bytes:
    """A PNG: `a` with what was lost, `b` with what was gained, the rest in both; and the difference.

    There is a difference where two files have one grid of pixels. The piece holds every given source with a
    margin. All panels have one linear stretch, from percentile 1 to 99 of both images; the difference has the same
    width of it, about zero. Axes have the sky's coordinates, a bar says how long some arcsec are, an ellipse the beam.

    Raises
    ------
    CatalogueError
        If a file cannot be read as an image of the sky.
    """
    load_matplotlib()
    import numpy as np
    from matplotlib.figure import Figure

    places = [(change.ra_deg, change.dec_deg) for change in changes]
    pieces = [_piece(path, places) for path in (a, b)]
    panels = [(title, piece.pixels) for title, piece in zip(titles, pieces, strict=True)]
    both = np.concatenate([piece.pixels[np.isfinite(piece.pixels)] for piece in pieces])
    if not both.size:
        raise CatalogueError(f"{a.name!r} has no pixel near the sources that changed")
    low, high = np.percentile(both, [1, 99])
    if a != b and _one_grid(*pieces):
        panels.append(("b minus a", pieces[1].pixels - pieces[0].pixels + (low + high) / 2))
    figure = Figure(figsize=(3.6 * len(panels), 3.9), layout="constrained")
    for number, (title, pixels) in enumerate(panels):
        piece = pieces[min(number, 1)]
        axes: Any = figure.add_subplot(1, len(panels), number + 1, projection=piece.wcs)
        axes.imshow(pixels, origin="lower", cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(title, fontsize=8)
        name_axes(axes, is_first=number == 0)
        _circle(axes, piece.marks, changes, number)
        scale_bar(axes, pixels.shape, piece.pixel_arcsec)
        draw_beam(axes, piece, pixels.shape)
        axes.set_xlim(-0.5, pixels.shape[1] - 0.5)
        axes.set_ylim(-0.5, pixels.shape[0] - 0.5)
    width = f"{low:.3g} to {high:.3g} {pieces[0].unit}".rstrip()
    words = f"{width}; circles: changed sources (radius of the match {radius_arcsec:.3g} arcsec)"
    figure.supxlabel(words, fontsize=7)
    made = io.BytesIO()
    plain_texts(figure)
    figure.savefig(made, format="png", dpi=110)
    return made.getvalue()


def name_axes(axes: Any, *, is_first: bool) -> None:
    """Right ascension and declination in the frame of the image, with ticks; the latter at the first panel alone."""
    longitude, latitude = axes.coords
    for axis in (longitude, latitude):
        axis.set_ticklabel(size=6)
        axis.set_ticks(number=3, color="white")
        axis.set_auto_axislabel(False)
    frame = str(axes.wcs.wcs.radesys or "").strip()
    longitude.set_axislabel(f"RA {frame}".strip(), fontsize=7)
    latitude.set_axislabel(f"Dec {frame}".strip() if is_first else "", fontsize=7)
    if not is_first:
        latitude.set_ticklabel_visible(False)


def draw_beam(axes: Any, piece: Piece, shape: tuple[int, ...]) -> None:
    """The clean beam at half its height, in the lower right corner, where the header has one."""
    from matplotlib.patches import Ellipse

    major, minor, angle = piece.beam
    if not major > 0:
        return
    place = (shape[1] - 1 - 0.7 * major - 0.02 * shape[1], 0.7 * major + 0.02 * shape[0])
    axes.add_patch(Ellipse(place, minor, major, angle=angle, facecolor="none", edgecolor="white", linewidth=1.2))


def scale_bar(axes: Any, shape: tuple[int, ...], pixel_arcsec: float) -> None:
    """A line of 1, 2 or 5 (times a power of ten) arcsec, the longest that takes at most a third of the width."""
    most = shape[1] * pixel_arcsec / 3
    ten = 10.0 ** math.floor(math.log10(most))
    length = max(digit * ten for digit in (1, 2, 5) if digit * ten <= most)
    x, y = 0.04 * shape[1], 0.05 * shape[0]
    axes.plot([x, x + length / pixel_arcsec], [y, y], color="white", linewidth=2)
    axes.text(x, 1.6 * y, f'{length:g}"', color="white", fontsize=8, va="bottom")


def _circle(axes: Any, marks: NDArray[np.float64], changes: Sequence[SourceChange], panel: int) -> None:
    for (x, y), change in zip(marks, changes, strict=True):
        if (panel == 0 and GAINED in change.what) or (panel == 1 and LOST in change.what):
            continue
        colour, style = (BLUE, "--") if GAINED in change.what else (RED, "-")
        axes.plot([x], [y], marker="o", markersize=13, markerfacecolor="none", markeredgecolor=colour, linestyle="")
        axes.lines[-1].set_markeredgewidth(1.4 if style == "-" else 1.9)


def whole_piece(path: Path, sources: Sequence[tuple[float, float]]) -> Piece:
    """All of an image, with the places of sources (right ascension and declination in degrees).

    Raises
    ------
    CatalogueError
        If the file cannot be read as an image of the sky.
    """
    return _piece(path, sources, whole=True)


def _piece(path: Path, sources: Sequence[tuple[float, float]], *, whole: bool = False) -> Piece:
    import numpy as np
    from astropy.coordinates import SkyCoord
    from astropy.io import fits
    from astropy.wcs import WCS

    ra, dec = np.array(sources, dtype=float).reshape(-1, 2).T
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers that are not quite as the standard wants them
            with fits.open(regular(path)) as opened:
                hdu = next((each for each in opened if each.is_image and each.header.get("NAXIS", 0) >= 2), None)
                if hdu is None:
                    raise CatalogueError(f"{path.name!r} has no image")
                wcs = WCS(hdu.header, naxis=2).celestial
                x, y = wcs.world_to_pixel(SkyCoord(ra, dec, unit="deg"))
                nx, ny = hdu.header["NAXIS1"], hdu.header["NAXIS2"]
                cut = (slice(0, ny), slice(0, nx)) if whole else _box(x, y, nx, ny)
                pixels = _plane(hdu.data, cut)
                unit = str(hdu.header.get("BUNIT", ""))
                header = hdu.header
    except (OSError, ValueError, TypeError) as problem:
        raise CatalogueError(f"{path.name!r} cannot be read as an image of the sky: {problem}") from problem
    step = max(1, -(-max(pixels.shape) // MOST_PIX))
    marks = np.stack([(x - cut[1].start) / step, (y - cut[0].start) / step], axis=-1)
    scale = 3600 * step * abs(np.linalg.det(wcs.pixel_scale_matrix)) ** 0.5
    own = wcs.slice((slice(cut[0].start, None, step), slice(cut[1].start, None, step)))
    return Piece(pixels[::step, ::step], marks, unit, own, float(scale), _beam(header, own, float(scale)))


def _beam(header: Any, wcs: Any, pixel_arcsec: float) -> tuple[float, float, float]:
    """The clean beam of a header in pixels; its angle counts from north through east, however the image is."""
    import numpy as np

    try:
        major, minor, angle = (float(header.get(key) or 0) for key in ("BMAJ", "BMIN", "BPA"))
    except (TypeError, ValueError):
        return 0.0, 0.0, 0.0
    if not (major > 0 and minor > 0):
        return 0.0, 0.0, 0.0
    matrix = np.linalg.inv(wcs.pixel_scale_matrix)
    north = matrix @ np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])  # east and north of the axis
    turned = float(np.degrees(np.arctan2(-north[0], north[1])))
    return 3600 * major / pixel_arcsec, 3600 * minor / pixel_arcsec, turned


def _one_grid(a: Piece, b: Piece) -> bool:
    """Whether the pixels of two pieces are the same places of the sky, to a tenth of a pixel at three corners."""
    import numpy as np

    if a.pixels.shape != b.pixels.shape:
        return False
    high, wide = a.pixels.shape
    corners = np.array([(0, 0), (wide, 0), (0, high)], dtype=float)
    places = a.wcs.wcs_pix2world(corners, 0)
    return bool(np.allclose(b.wcs.wcs_world2pix(places, 0), corners, atol=0.1))


def _box(x: Any, y: Any, nx: int, ny: int) -> tuple[slice, slice]:
    """Rows and columns round the points, clipped to the image; a square as far as that goes."""
    half = max(float(max(x) - min(x)), float(max(y) - min(y))) / 2 * 1.2 + MARGIN_PIX
    middle = (float(max(y) + min(y)) / 2, float(max(x) + min(x)) / 2)
    rows, columns = (
        slice(max(0, int(centre - half)), min(size, int(centre + half) + 1))
        for centre, size in zip(middle, (ny, nx), strict=True)
    )
    if rows.start >= rows.stop or columns.start >= columns.stop:
        raise ValueError("the sources are outside of it")
    return rows, columns


def _plane(data: Any, cut: tuple[slice, slice]) -> NDArray[np.float32]:
    """The piece of the first polarization, channels averaged where they have values."""
    import numpy as np

    part = np.asarray(data[(..., *cut)], dtype=np.float32)
    while part.ndim > 3:
        part = part[0]
    if part.ndim == 2:
        return part
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # pixels without a value in any channel stay NaN
        return np.asarray(np.nanmean(part, axis=0), dtype=np.float32)
