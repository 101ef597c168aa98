"""Summits that are one source: noise on a wide source makes several.

Needs numpy alone.
"""

import numpy as np
from fitting import PAIR_WINDOW, beams, fit, gaussian
from gaussians import SIGMA_PER_FWHM

TOP = 1.5  # FWHM; summits so near to the middle of a wide source may be noise on it
ROUNDS = 4  # a window that grows with the shape
MOST = 8  # summits whose places are fitted too


def joined(fitter, starts, least):
    """The starts (value, x, y) without those that the free Gaussian of a brighter one explains.

    Summits on one are dropped where it explains its pixels better than a point source at each summit does. A summit
    that would be seen in what the Gaussian leaves stays.

    Parameters
    ----------
    starts
        Brightest first.
    least
        Called with x and y: the lowest value that a peak there is seen with.
    """
    before = fitter.rest.copy()
    left, kept = list(starts), []
    while left:
        first = left.pop(0)
        kept.append(first)
        point = np.array([*first, *fitter.beam])
        shape = free_shape(fitter, point)
        tops = [] if shape is None else [one for one in left if on_top(shape, one)]
        if tops and is_one(fitter, shape, [first, *tops]):
            fitter.add(shape, -1)
            left = [one for one in left if one not in tops or stands_out(fitter, one, least)]
        else:
            fitter.add(point if shape is None or tops else shape, -1)
    fitter.rest = before
    return kept


def free_shape(fitter, point):
    """The free Gaussian at a summit, in a window that grows with it; None where there is none."""
    shape = None
    for _ in range(ROUNDS):
        found = fitter.shape_at(point, shape)
        if found is None:
            break
        shape = found
    return shape


def on_top(shape, start):
    """Whether a summit is within TOP of the middle of a Gaussian."""
    _, x, y, a, b, c = shape
    dx, dy = start[1] - x, start[2] - y
    return (a * dx * dx + 2 * b * dx * dy + c * dy * dy) * SIGMA_PER_FWHM**2 <= TOP**2


def is_one(fitter, shape, starts):
    """Whether a Gaussian leaves less of its pixels than point sources at the summits do."""
    px, py = fitter.window(shape[3:], shape[1], shape[2], PAIR_WINDOW)
    values = fitter.rest[py, px]
    forms = [gaussian(np.array([1, x, y, *fitter.beam]), px, py)[0] for _, x, y in starts]
    peaks = np.linalg.lstsq(np.stack(forms, axis=1), values, rcond=None)[0]
    begun = [number for peak, (_, x, y) in zip(peaks, starts, strict=True) for number in (peak, x, y)]
    found = fit(values, lambda p: beams(p, px, py, fitter.beam), begun) if len(starts) <= MOST else None
    points = found[1] if found else ((values - sum(map(np.multiply, peaks, forms))) ** 2).sum()
    return ((values - gaussian(shape, px, py)[0]) ** 2).sum() < points


def stands_out(fitter, start, least):
    """Whether a peak is left within half a beam of a summit."""
    _, x, y = start
    px, py = fitter.window(fitter.beam, x, y, 0.5)
    return len(px) > 0 and fitter.rest[py, px].max() > least(x, y)
