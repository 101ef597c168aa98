#!/usr/bin/env python
"""Find sources in one interferometric image with sep (the library form of SExtractor).

Peaks are fitted with the clean beam, shapes with a free Gaussian; errors follow Condon
(1997, PASP 109, 166). What is searched, and how it is corrected for the primary beam, stands
in `finding.py`.

Writes a FITS table of the sources that pass the cuts (possibly none) and, into the working
directory, the numbers of `stoa-result.json`. Needs numpy, astropy and sep, and nothing of STOA.
"""

import math
import sys

import finding
import numpy as np
import sep
from finding import FLOOR, SEED, SIGMA_PER_FWHM, Source, condon, position_error
from fitsimage import Beam

# Gaussians in pixels


def beam_matrix(beam, wcs):
    """Inverse covariance of the beam in pixels, as (xx, xy, yy)."""
    pa = math.radians(beam.pa)
    axes = np.array([[math.sin(pa), math.cos(pa)], [math.cos(pa), -math.sin(pa)]])  # columns: major, minor
    sky = axes.T @ np.diag([(beam.major * SIGMA_PER_FWHM) ** 2, (beam.minor * SIGMA_PER_FWHM) ** 2]) @ axes
    pixel = np.linalg.inv(wcs.pixel_scale_matrix)
    inverse = np.linalg.inv(pixel @ sky @ pixel.T)
    return inverse[0, 0], inverse[0, 1], inverse[1, 1]


def shape_on_sky(p, wcs):
    """Amplitude and, as a `Beam`, the shape on the sky of a Gaussian in pixels; None if it is no ellipse."""
    a, b, c = p[3:]
    if p[0] <= 0 or a <= 0 or a * c <= b * b:
        return None
    scale = wcs.pixel_scale_matrix
    size, axes = np.linalg.eigh(scale @ np.linalg.inv(np.array([[a, b], [b, c]])) @ scale.T)
    minor, major = np.sqrt(size) / SIGMA_PER_FWHM
    return float(p[0]), Beam(float(major), float(minor), math.degrees(math.atan2(axes[0, 1], axes[1, 1])) % 180)


def gaussian(p, x, y):
    """Value and derivatives of an elliptical Gaussian; p = amplitude, x, y, xx, xy, yy."""
    dx, dy = x - p[1], y - p[2]
    with np.errstate(over="ignore"):  # a step to no ellipse; `fit` looks for what is not finite
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


def fit(values, x, y, start, free):
    """Least squares (Levenberg-Marquardt) over the first `free` numbers of a Gaussian; None if it does not settle."""
    p, damping = np.array(start, dtype=float), 1e-3
    model, slopes = gaussian(p, x, y)
    cost = ((values - model) ** 2).sum()
    for _ in range(100):
        slopes = slopes[:, :free]
        normal = slopes.T @ slopes
        try:
            change = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slopes.T @ (values - model))
        except np.linalg.LinAlgError:
            return None
        tried = p.copy()
        tried[:free] += change
        new_model, new_slopes = gaussian(tried, x, y)
        new_cost = ((values - new_model) ** 2).sum() if np.isfinite(new_model).all() else math.inf
        if new_cost < cost:
            settled = cost - new_cost < 1e-10 * cost
            p, model, slopes, cost, damping = tried, new_model, new_slopes, new_cost, damping / 10
        else:
            settled = damping > 1e9  # no better point however short the step
            damping *= 10
        if settled:
            return p
    return None


class Fitter:
    """Fits every peak of a field, each on the image without the others."""

    def __init__(self, field):
        self.flat = np.nan_to_num(field.flat)
        self.valid = np.isfinite(field.flat)
        self.beam = beam_matrix(field.beam, field.wcs)
        widths = np.sqrt(
            np.linalg.eigvalsh(np.linalg.inv([[self.beam[0], self.beam[1]], [self.beam[1], self.beam[2]]]))
        )
        self.fwhm = float(widths[1] / SIGMA_PER_FWHM)  # longer one, in pixels

    def window(self, x, y, radius):
        """Valid pixels within `radius` FWHM (of the beam, an ellipse) of a position."""
        half = math.ceil(radius * self.fwhm) + 1
        x0, y0 = max(round(x) - half, 0), max(round(y) - half, 0)
        part = slice(y0, round(y) + half + 1), slice(x0, round(x) + half + 1)
        py, px = np.indices(self.flat[part].shape)
        px, py = px + x0, py + y0
        dx, dy = px - x, py - y
        a, b, c = self.beam
        inside = (a * dx * dx + 2 * b * dx * dy + c * dy * dy) * SIGMA_PER_FWHM**2 <= radius**2
        inside &= self.valid[part]
        return px[inside], py[inside]

    def model(self, sources):
        """All sources together."""
        total = np.zeros_like(self.flat)
        for p in sources:
            px, py = self.window(p[1], p[2], 3)
            total[py, px] += gaussian(p, px, py)[0]
        return total

    def points(self, starts):
        """Amplitude and position of every peak as a point source."""
        sources = [np.array([*start, *self.beam]) for start in starts]
        for _ in range(3):
            rest = self.flat - self.model(sources)
            for i, p in enumerate(sources):
                px, py = self.window(p[1], p[2], 0.7)
                own = rest[py, px] + gaussian(p, px, py)[0]
                found = fit(own, px, py, p, 3)
                if found is not None and math.hypot(found[1] - starts[i][1], found[2] - starts[i][2]) < self.fwhm:
                    sources[i] = found
        return sources

    def filled(self, p):
        """Sum of the pixels round a peak over that of the beam with this peak: the area in beams without a fit."""
        px, py = self.window(p[1], p[2], 0.7)
        return max(float(self.flat[py, px].sum() / gaussian(p, px, py)[0].sum()), 0.01)

    def shapes(self, sources):
        """Free Gaussians, begun at the point sources; None where the fit fails."""
        rest = self.flat - self.model(sources)
        found = []
        for p in sources:
            px, py = self.window(p[1], p[2], 1.0)
            q = fit(rest[py, px] + gaussian(p, px, py)[0], px, py, p, 6)
            moved = q is None or math.hypot(q[1] - p[1], q[2] - p[2]) > self.fwhm
            found.append(None if moved else q)
        return found


# Measuring


def detect(field, rms, snr):
    """Pixels of the peaks that may reach `snr`, brightest first: (value, x, y), and whether each was deblended."""
    sep.set_extract_pixstack(max(300000, field.flat.size))
    mask = ~np.isfinite(field.flat)
    data = np.ascontiguousarray(np.nan_to_num(field.flat))
    found = sep.extract(data, FLOOR, err=rms, mask=mask, minarea=1, filter_kernel=None, deblend_cont=0.01, clean=False)
    found = found[found["peak"] >= SEED * snr * rms]
    found = found[np.argsort(-found["peak"])]
    merged = (found["flag"] & sep.OBJ_MERGED) > 0
    return [(float(f["peak"]), float(f["xpeak"]), float(f["ypeak"])) for f in found], merged


def measure(field, rms, args):
    """The peaks of a field that may reach the wanted signal to noise, measured."""
    starts, merged = detect(field, rms, args.snr)
    fitter = Fitter(field)
    points = fitter.points(starts)
    shapes = [None if q is None else shape_on_sky(q, field.wcs) for q in fitter.shapes(points)]
    return [
        source(field, fitter, rms, p, shape, blended)
        for p, shape, blended in zip(points, shapes, merged, strict=True)
        if p[0] > 0
    ]


def source(field, fitter, rms, point, shape, blended):
    """One source from the fits of its peak and its shape."""
    peak, x, y = (float(v) for v in point[:3])
    beam = field.beam
    if shape:
        amplitude, extent = shape
        area = extent.major * extent.minor / (beam.major * beam.minor)
    else:
        amplitude, extent, area = peak, beam, fitter.filled(point)
    relative, whole_relative = condon(peak / rms, area)
    e_ra, e_dec = position_error(beam, peak / rms)
    return Source(
        x=x, y=y, peak=peak, e_peak=peak * relative, flux=amplitude * area, e_flux=amplitude * area * whole_relative,
        rms=rms, e_ra=e_ra, e_dec=e_dec, shape=extent, area=area, deblended=bool(blended), has_shape=shape is not None,
    )  # fmt: skip


def search(args):
    """Search one image, write its sources, and give the results."""
    return finding.search(args, measure)


def arguments(argv):
    """The command line; names and defaults are those of `sep.yaml`."""
    return finding.parser(__doc__).parse_args(argv)


if __name__ == "__main__":
    finding.main(arguments(sys.argv[1:]), measure)
