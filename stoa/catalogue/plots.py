"""Figures of catalogues: the sky, distributions, flux against flux. PNG, SVG or PDF, told by the suffix.

Colours are vermilion and blue of Okabe & Ito's palette, which colour-blind people tell apart; marks differ too.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.catalogue.drawing import load_matplotlib
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.positions import positions
from stoa.catalogue.regions import gnomonic
from stoa.catalogue.rows import BLUE, GREY, RED, kinds_of_rows, legend_of_kinds
from stoa.catalogue.sky import unit_vectors

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SUFFIXES = (".png", ".svg", ".pdf")

NARROW_DEG = 40.0
"""Half the width of the largest map of a part of the sky."""

MOST_CROSSES = 2000
"""Objects of a catalogue that are drawn; of more, every second, third, ... one."""

_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
_WORDS = {"snr": "signal to noise", "flux": "flux density", "peak_flux": "peak flux density"}


def sky_map(
    path: Path, sources: Table, *, title: str, catalogue: Table | None = None, fields: Table | None = None
) -> None:
    """Sources as dots, catalogue objects as crosses, fields as circles.

    The map is that of the region of sources and fields: where these are within `NARROW_DEG` of their middle, on the
    plane that touches the sky there, fields as wide as they are as far as that is to be seen, and catalogue objects as
    far as the frame reaches; else the whole sky in Mollweide's projection.

    Parameters
    ----------
    title
        Run, set, cuts and counts, as the caller words them.
    fields
        What was searched: positions as in a catalogue, and in ``hwhm_arcsec`` how wide. On a wide map a field of
        arcseconds would not be seen, so that all circles have one size, and the legend says what theirs is.
    """
    import numpy as np

    shown = [positions(table, name) for table, name in ((sources, "sources"), (fields, "fields")) if table is not None]
    ra, dec = (np.concatenate(parts) for parts in zip(*shown, strict=True))
    points = unit_vectors(*(part[np.isfinite(ra + dec)] for part in (ra, dec)))
    middle = points.mean(axis=0) if len(points) else np.zeros(3)
    length = float(np.linalg.norm(middle))
    if length > 0 and (points @ middle).min() > length * np.cos(np.radians(NARROW_DEG)):
        _map_of_a_field(path, sources, title, catalogue, fields, middle / length)
    else:
        _map_of_the_sky(path, sources, title, catalogue, fields)


def _map_of_the_sky(path: Path, sources: Table, title: str, catalogue: Table | None, fields: Table | None) -> None:
    figure = figure_of((9, 5.2))
    axes = figure.add_subplot(projection="mollweide")
    axes.grid(color=GREY, linewidth=0.3)
    axes.set_xticks([_longitude(hour * 15.0) for hour in range(14, 36, 2)], [])
    axes.tick_params(labelsize=7)
    if catalogue is not None:
        shown, words = _thinned(len(catalogue))
        _draw(axes, catalogue[shown], "catalogue", **_CROSSES, label=words)
    if fields is not None:
        label = _of_number(len(fields), "searched field") + _widths(fields, ", drawn larger")
        _draw(axes, fields, "fields", **_CIRCLES, label=label)
    _draw(
        axes,
        sources,
        "sources",
        marker="o",
        color=RED,
        s=9,
        linewidths=0,
        zorder=2,
        label=_of_number(len(sources), "source"),
    )
    axes.set_axisbelow(True)
    axes.set_xlabel("right ascension (ICRS)", fontsize=8)
    axes.set_ylabel("declination (ICRS)", fontsize=8)
    for hour in (*range(0, 12, 2), *range(14, 24, 2)):
        text = axes.text(_longitude(hour * 15.0), 0, f"{hour}h", fontsize=7, color="#444444", ha="center", va="center")
        text.set(
            zorder=0.8, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        )  # over the grid, under all else
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, fontsize=8, frameon=False)
    head(figure, title)
    save(figure, path)


def _map_of_a_field(
    path: Path, sources: Table, title: str, catalogue: Table | None, fields: Table | None, middle: NDArray[np.float64]
) -> None:
    """Offsets from the middle in degrees, or in arcmin where all is within one; east is left, as on the sky."""
    load_matplotlib()
    import numpy as np
    from astropy.coordinates import Angle
    from matplotlib.patches import Circle

    tables = {"catalogue": catalogue, "fields": fields, "sources": sources}
    places = {
        name: np.degrees(gnomonic(unit_vectors(*positions(table, name)), middle)[0])
        for name, table in tables.items()
        if table is not None
    }
    widths = _known_widths(fields)
    looked = np.concatenate([places[name] for name in ("fields", "sources") if name in places])
    reach = 1.1 * (float(np.nanmax(np.abs(looked))) + float(widths.max(initial=0)) / 3600)
    unit, scale = ("deg", 1.0) if reach > 1 else ("arcmin", 60.0)
    reach = max(reach, 1 / 360) * scale
    figure = figure_of((6.2, 6.4))
    axes = figure.add_subplot(aspect="equal")
    if catalogue is not None:
        near = places["catalogue"] * scale
        held = (np.abs(near) < reach).all(axis=1) & (unit_vectors(*positions(catalogue, "")) @ middle > 0)
        shown, words = _thinned(int(held.sum()))
        rows = np.flatnonzero(held)[shown]
        axes.scatter(near[rows, 0], near[rows, 1], **_CROSSES, label=words)
    if fields is not None:
        is_seen = bool(widths.size) and float(widths.max()) / 3600 * scale > reach / 200
        for (x, y), width in zip(places["fields"] * scale, widths if is_seen else (), strict=False):
            axes.add_patch(Circle((x, y), width / 3600 * scale, fill=False, linewidth=0.8))
        shown = places["fields"][:0] if is_seen else places["fields"] * scale
        label = _of_number(len(fields), "searched field") + _widths(fields, "" if is_seen else ", drawn larger")
        axes.scatter(shown[:, 0], shown[:, 1], **_CIRCLES, label=label)
    x, y = (places["sources"] * scale).T
    axes.scatter(x, y, marker="o", color=RED, s=12, linewidths=0, zorder=2, label=_of_number(len(sources), "source"))
    axes.set_xlim(reach, -reach)
    axes.set_ylim(-reach, reach)
    ra, dec = np.degrees(np.arctan2(middle[1], middle[0])) % 360, np.degrees(np.arcsin(middle[2]))
    centre = (
        Angle(ra, "deg").to_string("hourangle", sep=":", precision=1, pad=True),
        Angle(dec, "deg").to_string(sep=":", precision=0, pad=True, alwayssign=True),
    )
    axes.set_xlabel(f"east of RA {centre[0]} (ICRS) [{unit}]")
    axes.set_ylabel(f"north of Dec {centre[1]} (ICRS) [{unit}]")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, fontsize=8, frameon=False)
    head(figure, title)
    save(figure, path)


_CROSSES: dict[str, Any] = {"marker": "x", "color": BLUE, "s": 12, "linewidths": 0.5, "alpha": 0.6, "zorder": 1.2}
_CIRCLES: dict[str, Any] = {
    "marker": "o",
    "facecolors": "none",
    "edgecolors": "black",
    "s": 70,
    "linewidths": 0.8,
    "zorder": 1.5,
}


def _thinned(number: int) -> tuple[slice, str]:
    """Which of the objects in the frame are drawn, and the legend's words for them."""
    step = -(-number // MOST_CROSSES) if number > MOST_CROSSES else 1
    return slice(None, None, step), f"catalogue ({number})" if step == 1 else f"catalogue ({number}, 1 of {step} drawn)"


def _of_number(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _known_widths(fields: Table | None) -> NDArray[np.float64]:
    """Half widths in arcsec, 0 where no one knows them."""
    import numpy as np

    if fields is None or "hwhm_arcsec" not in fields.colnames:
        return np.zeros(0 if fields is None else len(fields))
    return np.nan_to_num(np.ma.filled(np.ma.asarray(fields["hwhm_arcsec"], dtype=float), 0.0))


def _widths(fields: Table, remark: str = "") -> str:
    """What the circles stand for, in words."""
    known = [width for width in _known_widths(fields) if width > 0]
    if not known:
        return ""
    span = f"{min(known):.3g}" if min(known) == max(known) else f"{min(known):.3g} to {max(known):.3g}"
    return f" (HWHM {span} arcsec{remark})"


def histogram(path: Path, values: NDArray[np.float64], *, label: str, title: str) -> None:
    """Distribution of positive values in logarithmic bins; what is not positive or not finite is left out."""
    load_matplotlib()
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    finite: Any = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    shown = finite[np.isfinite(finite) & (finite > 0)]
    figure = figure_of((6, 4))
    axes = figure.add_subplot()
    if shown.size:
        low, high = np.log10(shown.min()), np.log10(shown.max())
        bins = list(np.logspace(low - 0.01, high + 0.01, 21))
        axes.hist(shown, bins=bins, color=BLUE, edgecolor="white", linewidth=0.6)
        logarithmic(axes, "x")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(label)
    axes.set_ylabel("number of sources")
    head(figure, title)
    save(figure, path)


def against(
    path: Path,
    table: Table,
    x: str,
    y: str,
    *,
    title: str,
    x_error: str = "",
    y_error: str = "",
) -> None:
    """One column against another on logarithmic axes, with errors where there are columns of them.

    Raises
    ------
    CatalogueError
        If a column is missing.
    """
    import numpy as np

    for name in filter(None, (x, y, x_error, y_error)):
        if name not in table.colnames:
            raise CatalogueError(f"there is no column {name!r} to plot", f"it has: {', '.join(table.colnames)}")
    data: dict[str, Any] = {
        name: np.ma.filled(np.ma.asarray(table[name], dtype=float), np.nan)
        for name in filter(None, (x, y, x_error, y_error))
    }
    good = (data[x] > 0) & (data[y] > 0)
    figure = figure_of((6, 5))
    axes = figure.add_subplot()
    if good.any():
        logarithmic(axes, "xy")
    for kind in kinds_of_rows(table[good]):
        rows = np.flatnonzero(good)[kind.rows]
        axes.errorbar(
            data[x][rows], data[y][rows], xerr=data[x_error][rows] if x_error else None,
            yerr=_down_to_nothing(data[y][rows], data[y_error][rows]) if y_error else None, **kind.style,
        )  # fmt: skip
    legend_of_kinds(axes)
    axes.set_xlabel(_label(table, x))
    axes.set_ylabel(_label(table, y))
    head(figure, title)
    save(figure, path)


def _down_to_nothing(values: NDArray[np.float64], errors: NDArray[np.float64]) -> Any:
    """Errors down and up; one down to nothing has no end on a logarithmic axis."""
    import numpy as np

    return [np.minimum(errors, 0.999 * values), errors]


def figure_of(size: tuple[float, float]) -> Figure:
    """An empty figure of this size in inches."""
    load_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def head(figure: Figure, title: str) -> None:
    """Put the first line of a title over the figure, small enough for it; `save` writes all of it as a caption.

    Parameters
    ----------
    title
        What the figure shows, and in further lines what a caption says besides: cuts, numbers, how it was made.
    """
    first, _, _ = title.partition("\n")
    room = figure.get_figwidth() * 72 * 0.96
    figure.suptitle(first, fontsize=max(5.0, min(9.0, room / (0.56 * max(len(first), 1)))))
    figure.set_label("\n".join(line for line in title.splitlines() if line.strip()))


def logarithmic(axes: Any, names: str) -> None:
    """Make axes (``"x"``, ``"xy"``) logarithmic, with plain numbers where these are short."""
    from matplotlib.ticker import FuncFormatter

    def major(value: float, _: int | None) -> str:
        power = str(round(math.log10(value))).translate(_RAISED)
        return f"{value:g}" if 1e-3 <= value < 1e5 else f"10{power}"

    def minor_of(axis: Any) -> Any:
        def minor(value: float, _: int | None) -> str:
            low, high = sorted(axis.get_view_interval())
            digit = round(value / 10 ** math.floor(math.log10(value)))
            return f"{value:.3g}" if high < 2.5 * low or (high < 20 * low and digit in (2, 5)) else ""

        return minor

    for name in names:
        getattr(axes, f"set_{name}scale")("log")
        axis = getattr(axes, f"{name}axis")
        axis.set_major_formatter(FuncFormatter(major))
        axis.set_minor_formatter(FuncFormatter(minor_of(axis)))


def _draw(axes: Any, table: Table, name: str, **style: Any) -> None:
    import numpy as np

    ra, dec = positions(table, name)
    axes.scatter(_longitude(ra), np.radians(dec), **style)


def _longitude(ra: Any) -> Any:
    """Mollweide's x in radians: right ascension grows to the left, 0h is in the middle."""
    import numpy as np

    return -np.radians((np.asarray(ra) + 180) % 360 - 180)


def _label(table: Table, name: str) -> str:
    unit, words = table[name].unit, _WORDS.get(name, name)
    return f"{words} [{unit}]" if unit is not None else words


def save(figure: Figure, path: Path) -> None:
    """Write the figure; the same figure gives the same bytes. No text in it is taken for mathematics."""
    from matplotlib import rc_context, rcParams

    if path.suffix.lower() not in SUFFIXES:
        raise CatalogueError(f"{path.name!r} is not a kind of figure", f"use one of the suffixes {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise CatalogueError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into")
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    plain_texts(figure)
    with rc_context(), warnings.catch_warnings():
        rcParams.update(
            {"svg.hashsalt": "stoa", "pdf.fonttype": 42, "text.parse_math": False}
        )  # fonts as journals want
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")  # letters that the font lacks are drawn as boxes
        figure.savefig(path, dpi=150, metadata=undated)
    if caption := str(figure.get_label()):
        caption_file(path).write_text(f"{caption}\n", encoding="utf-8")


def caption_file(path: Path) -> Path:
    """Where the caption of a figure is written: beside it, one for a figure in several formats."""
    return path.with_suffix(".txt")


def plain_texts(figure: Figure) -> None:
    """Let all texts be drawn as they are: a ``$`` begins no mathematics, control characters are blanks."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
        text.set_text("".join(char if char.isprintable() or char == "\n" else " " for char in text.get_text()))
