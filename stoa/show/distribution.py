"""A result among those of all others of its pair: its rank, and a small picture of it."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import msgspec

from stoa.show.words import number, safe, shown

BINS = 36
WIDTH, HEIGHT = 150, 24  # pixels of the picture
FAR = 5.0
"""So many robust standard deviations from the median a value counts as an outlier."""

TO_SIGMA = 1.4826
"""The median absolute deviation of a normal distribution, times this, is its standard deviation."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A value among others."""

    median: float
    sigmas: float  # from the median, in robust standard deviations; 0 where all others are equal
    below: float  # share of the others that are smaller

    @property
    def is_far(self) -> bool:
        return abs(self.sigmas) >= FAR

    @property
    def words(self) -> str:
        far = f", {self.sigmas:+.0f} sigma" if self.is_far else ""
        return f"{100 * self.below:.0f} % are smaller{far}"


def standing(value: float, others: Sequence[float]) -> Standing | None:
    """The rank of a value among others; None where there are fewer than three of them, or it is not a number."""
    known = sorted(each for each in others if math.isfinite(each))
    if len(known) < 3 or not math.isfinite(value):
        return None
    median = _median(known)
    spread = TO_SIGMA * _median(sorted(abs(each - median) for each in known))
    sigmas = (value - median) / spread if spread > 0 else 0.0
    return Standing(median=median, sigmas=sigmas, below=sum(each < value for each in known) / len(known))


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def histogram(value: float, others: Sequence[float]) -> str:
    """An SVG of how the others are spread between their 1 % and 99 % quantiles, with a line at the value."""
    known = sorted(each for each in others if math.isfinite(each))
    low, high = known[int(0.01 * (len(known) - 1))], known[math.ceil(0.99 * (len(known) - 1))]
    low, high = min(low, value), max(high, value)
    span = (high - low) or 1.0
    counts = [0] * BINS
    for each in known:
        if low <= each <= high:
            counts[min(BINS - 1, int((each - low) / span * BINS))] += 1
    step, most = WIDTH / BINS, max(counts)
    bars = "".join(
        f'<rect x="{i * step:.1f}" y="{HEIGHT - HEIGHT * n / most:.1f}" width="{step - 0.5:.1f}"'
        f' height="{HEIGHT * n / most:.1f}"/>'
        for i, n in enumerate(counts)
        if n
    )
    at = min(WIDTH - 2, max(1, (value - low) / span * WIDTH))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"><g fill="#8ea3bd">{bars}</g>'
        f'<path d="M{at:.1f} 0V{HEIGHT}" stroke="#d9480f" stroke-width="2"/></svg>'
    )


def results_table(values: Mapping[str, Any], others: Mapping[str, Sequence[Any]], units: Mapping[str, str]) -> str:
    """The results of one outcome as an HTML table, outliers first, each beside the others of its pair.

    Parameters
    ----------
    values
        Result -> value.
    others
        Result -> the values of all current outcomes of the pair.
    """
    rows = []
    for name, value in values.items():
        numbers = [float(each) for each in others.get(name, ()) if _is_number(each)]
        place = standing(float(value), numbers) if _is_number(value) else None
        rows.append((_order(place), _row(name, value, place, numbers, units)))
    body = "".join(row for _, row in sorted(rows, key=lambda pair: pair[0]))
    return f'<table class="stoa-results">{body}</table>'


def _order(place: Standing | None) -> float:
    """Outliers first, then what varies, then the rest."""
    if place is None:
        return 2.0
    return -abs(place.sigmas) if place.is_far else 0.0 if place.sigmas else 1.0


def _row(name: str, value: Any, place: Standing | None, numbers: Sequence[float], units: Mapping[str, str]) -> str:
    written = number(value) if isinstance(value, float) else shown(value)
    unit = units.get(name, "")
    picture = far = words = ""
    if place:
        svg = b64encode(histogram(float(value), numbers).encode()).decode()
        words = f"median {number(place.median)}, {place.words}"
        picture = f'<img alt="" src="data:image/svg+xml;base64,{svg}">'
        far = f"⚠ {place.sigmas:+.0f} sigma" if place.is_far else ""
    cells = [_text(cell) for cell in (name, f"{written} {unit}".strip(), far)]
    return (
        f'<tr title="{_text(words)}"><th>{cells[0]}</th><td>{cells[1]}</td><td>{picture}</td><td>{cells[2]}</td></tr>'
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _text(text: str) -> str:
    return escape(safe(text))
