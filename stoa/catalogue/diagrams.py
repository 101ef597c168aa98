"""Figures that compare: flux with flux, positions, what was found with what is there, jobs with one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from stoa.catalogue.completeness import Completeness
from stoa.catalogue.drawing import load_matplotlib
from stoa.catalogue.fluxes import in_jansky
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.plots import figure_of, head, logarithmic, save
from stoa.catalogue.rows import BLUE, GREY, RED, kinds_of_rows, legend_of_kinds

if TYPE_CHECKING:
    from astropy.table import Table

_MARKS = "osD^vP*X"
_COLOURS = (BLUE, RED, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", GREY)  # Okabe & Ito
_LONGEST = 60


def flux_flux(path: Path, matched: Table, *, title: str, x_label: str, limits: Table | None = None) -> None:
    """Observed against expected flux of matches, with errors and the line on which the two are equal.

    Parameters
    ----------
    matched
        With the columns that `stoa.catalogue.fluxes.compare` adds.
    limits
        Objects that were not found, drawn as arrows down from ``flux`` at ``expected_flux``.
    """
    import numpy as np

    flux, error, expected = (in_jansky(matched[name], name) for name in ("flux", "e_flux", "expected_flux"))
    good = (flux > 0) & (expected > 0)
    names = ("flux", "expected_flux")
    below = [in_jansky(limits[name], name) for name in names] if limits is not None else [np.zeros(0)] * 2
    known = (below[0] > 0) & (below[1] > 0)
    every = np.concatenate([flux[good], expected[good], below[0][known], below[1][known]])
    figure = figure_of((6, 5.4))
    axes = figure.add_subplot()
    if every.size:
        logarithmic(axes, "xy")
        edges = np.array([every.min(), every.max()])
        edges *= np.array([0.7, 1.4])
        axes.plot(edges, edges, color=GREY, linewidth=0.8, linestyle="--", label="equal")
        for kind in kinds_of_rows(matched[good]):
            rows = np.flatnonzero(good)[kind.rows]
            errors = [np.minimum(error[rows], 0.999 * flux[rows]), error[rows]]
            style = kind.style | {"label": kind.style["label"] or "matches"}
            axes.errorbar(expected[rows], flux[rows], yerr=errors, **style)
        if known.any():
            axes.errorbar(
                below[1][known], below[0][known], yerr=0.25 * below[0][known], uplims=True, fmt="_", color=BLUE,
                ecolor=BLUE, markersize=5, elinewidth=0.7, capsize=2, label=f"upper limits ({int(known.sum())})",
            )  # fmt: skip
        legend_of_kinds(axes)
    else:
        _nothing(axes, "no match has a published flux")
    axes.set_xlabel(x_label)
    axes.set_ylabel(f"observed flux density{_band(matched[good])} [Jy]")
    head(figure, title)
    save(figure, path)


def _band(matched: Table) -> str:
    """At which frequencies, where that is known."""
    import numpy as np

    freq = _optional(matched, "freq_ghz")
    known = freq[np.isfinite(freq)] if freq is not None else np.zeros(0)
    if not known.size:
        return ""
    low, high = f"{known.min():.3g}", f"{known.max():.3g}"
    return f" at {low} GHz" if low == high else f" at {low} to {high} GHz"


def offset_plot(path: Path, matched: Table, radius_arcsec: float, *, title: str) -> None:
    """Where sources are relative to their objects, the median, and as far as it is in the frame the match radius."""
    import numpy as np

    east, north = _numbers(matched, "d_ra_arcsec"), _numbers(matched, "d_dec_arcsec")
    figure = figure_of((5.6, 5.6))
    axes = figure.add_subplot(aspect="equal")
    angle = np.linspace(0, 2 * np.pi, 200)
    axes.plot(radius_arcsec * np.cos(angle), radius_arcsec * np.sin(angle), color=GREY, linewidth=0.8)
    axes.axhline(0, color=GREY, linewidth=0.4)
    axes.axvline(0, color=GREY, linewidth=0.4)
    if len(east):
        axes.errorbar(
            east, north, xerr=_optional(matched, "e_ra_arcsec"), yerr=_optional(matched, "e_dec_arcsec"), fmt="o",
            color=RED, ecolor=GREY, markersize=3, elinewidth=0.6, label="sources",
        )  # fmt: skip
        axes.plot(np.median(east), np.median(north), "+", color=BLUE, markersize=16, markeredgewidth=2, label="median")
        axes.legend(fontsize=8, frameon=False, loc="upper right")
    farthest = 1.6 * float(max(np.abs(east).max(initial=0), np.abs(north).max(initial=0)))
    reach = min(1.08 * radius_arcsec, farthest or np.inf)
    axes.set_xlim(reach, -reach)  # east is left, as on the sky
    axes.set_ylim(-reach, reach)
    axes.set_xlabel("source minus object in RA cos(Dec), ICRS [arcsec]")
    axes.set_ylabel("source minus object in Dec, ICRS [arcsec]")
    head(figure, title)
    save(figure, path)


def completeness(path: Path, found: Completeness, *, title: str) -> None:
    """Share of sources that were found, by their true signal to noise; the numbers are those of each bin."""
    import numpy as np

    figure = figure_of((6, 4.4))
    axes = figure.add_subplot()
    errors = [found.share - found.low, found.high - found.share]
    axes.errorbar(
        found.snr, found.share, yerr=np.clip(errors, 0, None), fmt="o-", color=BLUE, ecolor=GREY, markersize=5,
        elinewidth=1,
    )  # fmt: skip
    for x, number in zip(found.snr, found.true, strict=True):
        axes.annotate(f"{number}", (x, 1.07), fontsize=8, ha="center", va="center", color="#444444")
    logarithmic(axes, "x")
    axes.set_ylim(0, 1.12)
    kind = "sources put in" if found.images else "true sources"
    axes.set_xlabel(f"true signal to noise (numbers: {kind} in the bin)")
    axes.set_ylabel("completeness, 68 % interval")
    head(figure, title)
    save(figure, path)


def cause_bars(path: Path, counts: Mapping[str, int], *, title: str) -> None:
    """How many jobs ended by each cause, the most frequent on top."""
    load_matplotlib()
    from matplotlib.ticker import MaxNLocator

    shown = sorted(counts.items(), key=lambda item: (item[1], item[0]))[-20:]
    figure = figure_of((8, 1.4 + 0.4 * max(len(shown), 1)))
    axes = figure.add_subplot()
    names = [fill(_short(cause), _LONGEST) for cause, _ in shown]
    places = list(range(len(shown)))
    bars = axes.barh(places, [number for _, number in shown], color=RED, height=0.6)
    axes.bar_label(bars, fontsize=8, padding=3)
    axes.set_yticks(places, names, fontsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if not shown:
        _nothing(axes, "every job ended well")
    axes.set_xlabel("jobs")
    head(figure, title)
    save(figure, path)


def _short(cause: str) -> str:
    """Beginning and end of a long cause: what is wrong is in either."""
    most = 2 * _LONGEST
    words = " ".join(cause.split())
    return words if len(words) <= most else f"{words[: most // 2 - 6]} ... {words[6 - most // 2 :]}"


def time_size(path: Path, jobs: Sequence[tuple[float, float, str]], *, title: str) -> None:
    """Duration of jobs against the size of their inputs, each status with its own mark.

    Parameters
    ----------
    jobs
        Size in MB, duration in seconds, status.
    """
    figure = figure_of((6, 4.4))
    axes = figure.add_subplot()
    shown = [job for job in jobs if job[0] > 0 and job[1] > 0]
    for number, status in enumerate(sorted({status for _, _, status in shown}, key=lambda s: (s != "ok", s))):
        chosen = [(size, seconds) for size, seconds, other in shown if other == status]
        x, y = zip(*chosen, strict=True)
        axes.plot(
            x, y, _MARKS[number % len(_MARKS)], color=_COLOURS[number % len(_COLOURS)], markersize=5, alpha=0.8,
            linestyle="none", label=f"{status} ({len(chosen)})",
        )  # fmt: skip
    if shown:
        logarithmic(axes, "xy")
        axes.legend(fontsize=8, frameon=False)
    else:
        _nothing(axes, "no job has a size and a duration")
    axes.set_xlabel("size of the inputs [MB]")
    axes.set_ylabel("duration [s]")
    head(figure, title)
    save(figure, path)


def _nothing(axes: Any, words: str) -> None:
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=GREY)


def _numbers(table: Table, name: str) -> Any:
    import numpy as np

    if name not in table.colnames:
        raise CatalogueError(f"there is no column {name!r} to plot", f"it has: {', '.join(table.colnames)}")
    return np.asarray(np.ma.filled(np.ma.asarray(table[name], dtype=float), np.nan))


def _optional(table: Table, name: str) -> Any:
    return _numbers(table, name) if name in table.colnames else None
