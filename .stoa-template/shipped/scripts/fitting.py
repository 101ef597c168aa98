"""Gaussians fitted to the peaks of an image.

A peak is fitted twice: with the clean beam (a point source) and with a free Gaussian whose window grows with it. All
numbers are in pixels, counted from 0. What a pair of point sources explains better is taken apart. Needs numpy alone.
"""

import math
from dataclasses import dataclass

import numpy as np
from gaussians import SIGMA_PER_FWHM

REACH = 2.0  # FWHM; a Gaussian is 1.5e-5 of its peak there
POINT_WINDOW = 0.7  # FWHM of the beam
SHAPE_WINDOW = 0.8  # FWHM of the shape; a wider one lets more noise in
PAIR_WINDOW = 1.0  # FWHM of the shape
LONG = 1.15  # beams; a shape longer than this may be two sources
CLEARER = 9.0  # chi^2 by which a pair has to be better, or one Gaussian to be sure
NEAREST = 0.9  # beams between two that are taken apart
LEFT_OVER = 5.0  # sigma, and LEFT_SHARE of the peak, left over by a fit: no Gaussian
LEFT_SHARE = 0.05
WIDER = (1.0, 2.0, 4.0)  # beams, with which a shape is begun
ROUNDS = 8  # at most; a window that no longer grows ends it
WIDEST = 12.0  # beams, across which a shape is believed
SAFETY = 1e-12


@dataclass(eq=False)
class Fit:
    """What the fits of one peak gave."""

    point: np.ndarray  # amplitude, x, y, xx, xy, yy; the last three are the beam's
    shape: np.ndarray | None = None  # the same with a shape of its own; None where no fit was found
    deblended: bool = False  # taken apart from another
    unclear: bool = False  # perhaps more than one, or no Gaussian


def gaussian(p, x, y):
    """Value and derivatives of an elliptical Gaussian; p = amplitude, x, y, xx, xy, yy (inverse covariance)."""
    dx, dy = x - p[1], y - p[2]
    with np.errstate(over="ignore", invalid="ignore"):  # a step to no ellipse; `fit` looks for what is not finite
        g = np.exp(-0.5 * (p[3] * dx * dx + 2 * p[4] * dx * dy + p[5] * dy * dy))
        v = p[0] * g
        slopes = (
            g,
            v * (p[3] * dx + p[4] * dy),
            v * (p[4] * dx + p[5] * dy),
            -v * dx * dx / 2,
            -v * dx * dy,
            -v * dy * dy / 2,
        )
    return v, np.stack(slopes, axis=1)


def beams(p, x, y, form):
    """Value and derivatives of several Gaussians of one form; p = amplitude, x, y of the first, of the second, ..."""
    each = [gaussian(np.concatenate([one, form]), x, y) for one in np.reshape(p, (-1, 3))]
    return sum(v for v, _ in each), np.concatenate([slopes[:, :3] for _, slopes in each], axis=1)


def fit(values, model, start):
    """Least squares (Levenberg-Marquardt); the numbers and the sum of squares, None if it does not settle.

    `model` gives value and derivatives, of shape (pixels,) and (pixels, numbers).
    """
    p, damping = np.array(start, dtype=float), 1e-3
    now, slopes = model(p)
    cost = ((values - now) ** 2).sum()
    for _ in range(60):
        normal = slopes.T @ slopes
        try:
            change = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slopes.T @ (values - now))
        except np.linalg.LinAlgError:
            return None
        new, new_slopes = model(p + change)
        with np.errstate(over="ignore"):
            new_cost = ((values - new) ** 2).sum() if np.isfinite(new).all() else math.inf
        if new_cost < cost:
            settled = cost - new_cost < 1e-8 * cost
            p, now, slopes, cost, damping = p + change, new, new_slopes, new_cost, damping / 10
        else:
            settled = damping > 1e9  # no better point however short the step
            damping *= 10
        if settled:
            return p, cost
    return None


def widths(inverse):
    """Major and minor width (FWHM) of an inverse covariance (xx, xy, yy); None if it is no ellipse."""
    a, b, c = inverse
    if a <= 0 or a * c <= b * b:
        return None
    mean, apart = (a + c) / 2, math.hypot((a - c) / 2, b)
    least, most = mean - apart, mean + apart
    return 1 / math.sqrt(max(least, SAFETY)) / SIGMA_PER_FWHM, 1 / math.sqrt(most) / SIGMA_PER_FWHM


class Fitter:
    """Fits the peaks of an image, each on what is left of it without the others.

    Parameters
    ----------
    flat
        The image, shape (ny, nx); pixels that are not finite are left out.
    beam
        Inverse covariance of the clean beam in pixels, as (xx, xy, yy).
    sample
        Pixels over which the noise is correlated.
    """

    def __init__(self, flat, beam, sample):
        self.rest = np.nan_to_num(flat)
        self.valid = np.isfinite(flat)
        self.beam = np.asarray(beam)
        self.fwhm = widths(beam)
        self.sample = sample

    def window(self, inverse, x, y, radius):
        """Valid pixels within `radius` FWHM of a position, measured along an ellipse."""
        a, b, c = inverse
        share = radius / SIGMA_PER_FWHM / math.sqrt(max(a * c - b * b, SAFETY))
        half_x, half_y = math.ceil(share * math.sqrt(c)), math.ceil(share * math.sqrt(a))
        ny, nx = self.rest.shape
        x0, x1 = max(round(x) - half_x, 0), min(round(x) + half_x + 1, nx)
        y0, y1 = max(round(y) - half_y, 0), min(round(y) + half_y + 1, ny)
        if x0 >= x1 or y0 >= y1:
            return np.zeros(0, int), np.zeros(0, int)
        dx, dy = np.arange(x0, x1)[None, :] - x, np.arange(y0, y1)[:, None] - y
        inside = (a * dx * dx + 2 * b * dx * dy + c * dy * dy) * SIGMA_PER_FWHM**2 <= radius**2
        py, px = np.nonzero(inside & self.valid[y0:y1, x0:x1])
        return px + x0, py + y0

    def add(self, p, sign):
        """Put a Gaussian back into what is left, or take it out."""
        px, py = self.window(p[3:], p[1], p[2], REACH)
        self.rest[py, px] += sign * gaussian(p, px, py)[0]

    def fit_all(self, starts, sigma):
        """A `Fit` of every start (value, x, y); brightest first is best. `rest` is then the image without them.

        Parameters
        ----------
        sigma
            Called with x and y: the noise there.
        """
        fits = [Fit(np.array([*start, *self.beam])) for start in starts]
        for one in fits:
            self.add(one.point, -1)
        self.points(fits)
        self.shapes(fits)
        found = []
        for one in fits:
            found += self.taken_apart(one, float(sigma(one.point[1], one.point[2])))
        return found

    def points(self, fits):
        """Amplitude and position of every peak as a point source."""
        starts = [one.point[1:3].copy() for one in fits]
        for _ in range(3):
            for one, start in zip(fits, starts, strict=True):
                self.add(one.point, 1)
                px, py = self.window(self.beam, one.point[1], one.point[2], POINT_WINDOW)
                found = fit(self.rest[py, px], lambda p, x=px, y=py: beams(p, x, y, self.beam), one.point[:3])
                if found is not None and math.dist(found[0][1:], start) < self.fwhm[0]:
                    one.point[:3] = found[0]
                self.add(one.point, -1)

    def shapes(self, fits):
        """Free Gaussians, begun at the point sources, each in a window that grows with it."""
        open_ones = list(fits)
        for number in range(ROUNDS):
            for one in list(open_ones):
                now = one.point if one.shape is None else one.shape
                self.add(now, 1)
                q = self.next_shape(one)
                if q is None:
                    settled = True  # the last good one stays
                else:
                    before, after = (math.prod(widths(p[3:])) for p in (now, q))
                    one.shape = now = q
                    settled = number and abs(after / before - 1) < 0.01
                if settled:
                    open_ones.remove(one)
                self.add(now, -1)

    def next_shape(self, one):
        """The next free Gaussian of a peak; None where there is none."""
        return self.shape_at(one.point, one.shape)

    def shape_at(self, point, before=None):
        """The free Gaussian at a point source, in the window of the one `before`; None where there is none.

        The first begins with the beam. In a window of the beam the top of a wide source is too flat for a fit, so that
        wider ones are tried then.
        """
        if before is not None:
            return self.shape(before, point)
        starts = (np.array([*point[:3], *(self.beam / wider**2)]) for wider in WIDER)
        found = (self.shape(start, point) for start in starts)
        return next((p for p in found if p is not None), None)

    def shape(self, start, point):
        """The free Gaussian of a window that is that of `start`; None where it is not believed."""
        px, py = self.window(start[3:], start[1], start[2], SHAPE_WINDOW)
        q = fit(self.rest[py, px], lambda p: gaussian(p, px, py), start) if len(px) > 6 else None
        return q[0] if q is not None and self.believed(q[0], point) else None

    def taken_apart(self, one, sigma):
        """The fit, or two where a pair of point sources explains its pixels better; marked where that is unclear."""
        if one.shape is None:
            return [one]
        px, py = self.window(one.shape[3:], one.shape[1], one.shape[2], PAIR_WINDOW)
        left = self.rest[py, px]
        length = widths(one.shape[3:])[0]
        is_left = len(left) and np.abs(left).max() > max(LEFT_OVER * sigma, LEFT_SHARE * one.shape[0])
        if length < LONG * self.fwhm[0] and not is_left:
            return [one]
        values = left + gaussian(one.shape, px, py)[0]
        pair = self.pair(one.shape, values, px, py)
        gained = -math.inf
        if pair is not None and self.two(pair[0], sigma):
            gained = ((left**2).sum() - pair[1]) / sigma**2 / self.sample
        if gained <= CLEARER:
            one.unclear = bool(is_left) or gained > -CLEARER
            return [one]
        self.add(one.shape, 1)
        both = [Fit(np.array([*p, *self.beam]), deblended=True) for p in np.reshape(pair[0], (-1, 3))]
        for p in both:
            self.add(p.point, -1)
        self.shapes(both)
        return both

    def is_unclear(self, one, sigma):
        """Whether a shape may be more than one source or no Gaussian; nothing is changed."""
        before = self.rest.copy() if one.shape is not None else None
        found = self.taken_apart(one, sigma)
        if before is not None:
            self.rest = before
        return len(found) > 1 or found[0].unclear

    def pair(self, shape, values, px, py):
        """Two point sources that are along a shape, fitted to its pixels: their numbers and the sum of squares."""
        covariance = np.linalg.inv([[shape[3], shape[4]], [shape[4], shape[5]]])
        size, axes = np.linalg.eigh(covariance)
        apart = max(math.sqrt(max(size[1] - (self.fwhm[0] * SIGMA_PER_FWHM) ** 2, 0)), 0.4 * self.fwhm[0])
        found = []
        for share in (0.5, 0.2, 0.8):  # of the flux in the first
            ends = ((share, (1 - share) * 2), (1 - share, -share * 2))
            start = [n for part, way in ends for n in (shape[0] * part, *(shape[1:3] + way * apart * axes[:, 1]))]
            one = fit(values, lambda p: beams(p, px, py, self.beam), start)
            if one is not None:
                found.append(one)
        return min(found, key=lambda one: one[1], default=None)

    def two(self, p, sigma):
        """Whether two fitted point sources are two: both above the noise and not at one place."""
        return (
            min(p[0], p[3]) > LEFT_OVER * sigma
            and NEAREST * self.fwhm[1] < math.dist(p[1:3], p[4:6]) < 3 * self.fwhm[0]
        )

    def believed(self, q, point):
        """Whether a shape is one: an ellipse near the peak, no wider than WIDEST beams."""
        size = widths(q[3:])
        if q[0] <= 0 or size is None or size[0] > WIDEST * self.fwhm[0]:
            return False
        return math.hypot(q[1] - point[1], q[2] - point[2]) < max(size[0], self.fwhm[0])

    def filled(self, p):
        """Sum of the pixels round a peak over that of the beam with this peak: the area in beams without a fit."""
        px, py = self.window(self.beam, p[1], p[2], POINT_WINDOW)
        model = gaussian(p, px, py)[0]
        return max(float((self.rest[py, px] + model).sum() / model.sum()), 0.01)
