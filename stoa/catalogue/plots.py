"""Figures of catalogues: the sky, distributions, flux against flux. PNG, SVG or PDF, told by the suffix.

Colours are vermilion and blue of Okabe & Ito's palette, which colour-blind people tell apart; marks differ too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stoa.catalogue.tables import CatalogueError, positions

if TYPE_CHECKING:
    import numpy as np
    from astropy.table import Table
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

RED, BLUE, GREY = "#D55E00", "#0072B2", "#777777"
SUFFIXES = (".png", ".svg", ".pdf")


def sky_map(
    path: Path, sources: Table, *, title: str, catalogue: Table | None = None, fields: Table | None = None
) -> None:
    """The whole sky in Mollweide's projection: sources as dots, catalogue objects as crosses, fields as circles.

    Parameters
    ----------
    title
        Run, set, cuts and counts, as the caller words them.
    fields
        Where was looked: positions as in a catalogue, and in ``hwhm_arcsec`` how wide. On a map of the whole sky a
        field of arcseconds would not be seen, so that all circles have one size, and the legend says what theirs is.
    """
    figure = figure_of((9, 5.2))
    axes = figure.add_subplot(projection="mollweide")
    axes.grid(color=GREY, linewidth=0.3)
    axes.set_xticks([])
    axes.tick_params(labelsize=7)
    for hour in range(3, 24, 3):
        axes.text(_longitude(hour * 15.0), 0, f"{hour}h", fontsize=7, color=GREY, ha="center", va="bottom")
    if catalogue is not None:
        _draw(axes, catalogue, "catalogue", marker="x", color=BLUE, s=18, linewidths=0.9, label="catalogue")
    if fields is not None:
        _draw(
            axes,
            fields,
            "fields",
            marker="o",
            facecolors="none",
            edgecolors="black",
            s=70,
            linewidths=0.8,
            label=f"fields{_widths(fields)}",
        )
    _draw(axes, sources, "sources", marker="o", color=RED, s=9, linewidths=0, label="sources")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=3, fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=9)  # the map's own would leave the figure where the map is as wide as that
    save(figure, path)


def _widths(fields: Table) -> str:
    """What the circles stand for, in words."""
    import numpy as np

    if "hwhm_arcsec" not in fields.colnames:
        return ""
    known = [width for width in np.asarray(fields["hwhm_arcsec"], dtype=float) if width > 0]
    if not known:
        return ""
    span = f"{min(known):.3g}" if min(known) == max(known) else f"{min(known):.3g} to {max(known):.3g}"
    return f" (HWHM {span} arcsec, drawn larger)"


def histogram(path: Path, values: NDArray[np.float64], *, label: str, title: str) -> None:
    """Distribution of positive values in logarithmic bins; what is not positive or not finite is left out."""
    import numpy as np

    finite: Any = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    shown = finite[np.isfinite(finite) & (finite > 0)]
    figure = figure_of((6, 4))
    axes = figure.add_subplot()
    if shown.size:
        low, high = np.log10(shown.min()), np.log10(shown.max())
        axes.hist(shown, bins=list(np.logspace(low - 0.01, high + 0.01, 21)), color=BLUE)
        axes.set_xscale("log")
    axes.set_xlabel(label)
    axes.set_ylabel("sources")
    axes.set_title(title, fontsize=9)
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
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.errorbar(
        data[x][good],
        data[y][good],
        xerr=data[x_error][good] if x_error else None,
        yerr=data[y_error][good] if y_error else None,
        fmt="o",
        color=RED,
        ecolor=GREY,
        markersize=4,
        elinewidth=0.8,
    )
    axes.set_xlabel(_label(table, x))
    axes.set_ylabel(_label(table, y))
    axes.set_title(title, fontsize=9)
    save(figure, path)


def figure_of(size: tuple[float, float]) -> Figure:
    """An empty figure of this size in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _draw(axes: Any, table: Table, name: str, **style: Any) -> None:
    import numpy as np

    ra, dec = positions(table, name)
    axes.scatter(_longitude(ra), np.radians(dec), **style)


def _longitude(ra: Any) -> Any:
    """Mollweide's x in radians: right ascension grows to the left, 0h stands in the middle."""
    import numpy as np

    return -np.radians((np.asarray(ra) + 180) % 360 - 180)


def _label(table: Table, name: str) -> str:
    unit = table[name].unit
    return f"{name} [{unit}]" if unit is not None else name


def save(figure: Figure, path: Path) -> None:
    """Write the figure; the same figure gives the same bytes."""
    from matplotlib import rc_context

    if path.suffix.lower() not in SUFFIXES:
        raise CatalogueError(f"{path.name!r} is no kind of figure", f"use one of the suffixes {', '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise CatalogueError(f"there is no folder {str(path.parent)!r} to write {path.name!r} into")
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
    with rc_context({"svg.hashsalt": "stoa"}):
        figure.savefig(path, dpi=150, metadata=undated)
