"""What a search misses and how much it boosts: point sources of known flux put into the image and searched for.

Sources are put where it is searched, at random places and fluxes, some at a time so that none is near another or
near a source of the image. Completeness and boost are counted by signal to noise; the fluxes are spread evenly in the
logarithm, which is what the boost means.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from astropy.io import fits

LEAST, MOST = 0.5, 4.0  # times the wanted S/N; fluxes that are put in
APART = 6.0  # beams between two of them
NEAR = 0.5  # beams, within which a source is the one that was put in
ENOUGH = 5  # of a bin, to have a boost
BINS = 12


@dataclass(frozen=True)
class Injected:
    """One source that was put in, and what was found of it."""

    snr: float
    found_snr: float  # of the row that is it; NaN: there is none
    flux: float  # before the primary-beam correction
    ratio: float  # found over put in, of the peak


def inject(field, depth, searched, number, snr, search):
    """Put `number` point sources into a field and search for them.

    Parameters
    ----------
    searched
        Pixels in which they may be, those of the edge left out.
    snr
        The wanted signal to noise.
    search
        Called with a `Field`, gives the rows that pass every cut.
    """
    rng = np.random.default_rng(number)
    known = places(search(field))
    py, px = np.nonzero(searched)
    made, empty = [], 0
    while len(made) < number and empty < 3:
        chosen = spread(px, py, known, APART * field.longest_fwhm, number - len(made), rng)
        empty = 0 if len(chosen) else empty + 1
        wanted = snr * np.exp(rng.uniform(math.log(LEAST), math.log(MOST), len(chosen)))
        peaks = wanted * depth.at(chosen[:, 0], chosen[:, 1]) if len(chosen) else []
        flat = field.flat.copy()
        for (x, y), peak in zip(chosen, peaks, strict=True):
            add_point(flat, field.beam_inverse, x, y, peak)
        if len(chosen):
            rows = search(replace(field, flat=flat))
            made += [looked_up(rows, *one, field) for one in zip(chosen, wanted, peaks, strict=True)]
    return made


def places(rows):
    """Pixels of rows, from 0; shape (rows, 2)."""
    return np.array([(r["x"] - 1, r["y"] - 1) for r in rows]).reshape(-1, 2)


def spread(px, py, known, least, most, rng):
    """At most `most` places among pixels, none nearer than `least` to another or to a known one; shape (places, 2)."""
    chosen = []
    taken = [tuple(place) for place in known]
    for i in rng.choice(len(px), size=min(len(px), 4 * most), replace=False):
        if len(chosen) >= most:
            break
        place = px[i] + rng.uniform(-0.5, 0.5), py[i] + rng.uniform(-0.5, 0.5)
        others = np.array(taken).reshape(-1, 2)
        if not len(others) or np.hypot(others[:, 0] - place[0], others[:, 1] - place[1]).min() >= least:
            chosen.append(place)
            taken.append(place)
    return np.array(chosen).reshape(-1, 2)


def add_point(flat, inverse, x, y, peak):
    """Add a point source to an image."""
    a, b, c = inverse
    half = math.ceil(6 / math.sqrt(min(a, c) - abs(b) if min(a, c) > abs(b) else min(a, c))) + 1
    y0, x0 = max(int(y) - half, 0), max(int(x) - half, 0)
    part = flat[y0 : int(y) + half + 1, x0 : int(x) + half + 1]
    dx = np.arange(x0, x0 + part.shape[1])[None, :] - x
    dy = np.arange(y0, y0 + part.shape[0])[:, None] - y
    part += peak * np.exp(-(a * dx * dx + 2 * b * dx * dy + c * dy * dy) / 2)


def looked_up(rows, place, wanted, peak, field):
    """What became of one that was put in."""
    away = np.hypot(*(places(rows) - place).T) if rows else np.array([np.inf])
    best = int(np.argmin(away))
    if away[best] > NEAR * field.longest_fwhm:
        return Injected(float(wanted), math.nan, float(peak), math.nan)
    found = rows[best]
    ratio = found["peak_flux"] * found["gain"] / peak
    return Injected(float(wanted), float(found["snr"]), float(peak), float(ratio))


def wilson(found, number):
    """Share, and the ends of its interval of 68 per cent (Wilson 1927) for a binomial count."""
    share = found / number
    centre, half = share + 0.5 / number, math.sqrt(share * (1 - share) / number + 0.25 / number**2)
    low, high = ((centre + sign * half) / (1 + 1 / number) for sign in (-1, 1))
    return share, min(max(low, 0.0), share), max(min(high, 1.0), share)


def completeness_table(made, snr, unit):
    """Completeness by signal to noise and flux, and the boost by the signal to noise that was found, as a table HDU."""
    edges = snr * np.exp(np.linspace(math.log(LEAST), math.log(MOST), BINS + 1))
    lines = []
    for low, high in pairwise(edges):
        put = [one for one in made if low <= one.snr < high]
        seen = sum(math.isfinite(one.found_snr) for one in put)
        ratios = [one.ratio for one in made if low <= one.found_snr < high]
        share = wilson(seen, len(put)) if put else (math.nan,) * 3
        flux = float(np.median([one.flux for one in put])) if put else math.nan
        boost = float(np.median(ratios)) if len(ratios) >= ENOUGH else math.nan
        lines.append((low, high, flux, len(put), seen, *share, boost, len(ratios)))
    names = (
        ("snr_low", "D", None), ("snr_high", "D", None), ("flux", "D", unit), ("n_injected", "J", None),
        ("n_recovered", "J", None), ("completeness", "D", None), ("completeness_low", "D", None),
        ("completeness_high", "D", None), ("boost", "D", None), ("n_boost", "J", None),
    )  # fmt: skip
    columns = [
        fits.Column(name, form, unit=one, array=np.array([line[i] for line in lines]))
        for i, (name, form, one) in enumerate(names)
    ]
    return fits.BinTableHDU.from_columns(columns, name="COMPLETENESS")


def deboosts(table, snrs):
    """Factor for the flux of a row with this signal to noise: 1 over the boost there; NaN where it is not known.

    Above the highest bin it is 1.
    """
    lines = table.data
    made = []
    for snr in snrs:
        within = (lines["snr_low"] <= snr) & (snr < lines["snr_high"])
        made.append(
            1 / float(lines["boost"][within][0]) if within.any() else 1.0 if snr >= lines["snr_high"][-1] else math.nan
        )
    return made


def complete_from(table, share=0.9):
    """Lowest signal to noise from which on at least this share is found in every bin; NaN where there is none."""
    lines = [line for line in table.data if line["n_injected"]]
    found = math.nan
    for line in reversed(lines):
        if line["completeness"] < share:
            break
        found = float(line["snr_low"])
    return found
