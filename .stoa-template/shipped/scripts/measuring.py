"""From the peaks that a finder saw to sources: fitted Gaussians on the sky, with their errors.

What `sep` and `sextractor` share. The fits are those of `fitting.py`, the errors those of `gaussians.py`.
"""

import math
from dataclasses import replace

import numpy as np
from fitting import Fit, Fitter
from gaussians import axes_matrix, condon, flux_excess, shape_on_sky
from rows import Source


def fitter_of(field, depth):
    """What fits the peaks of a field."""
    beam = field.beam_inverse
    sample = 4 * math.pi * depth.smoothed**2 / math.sqrt(beam[0] * beam[2] - beam[1] ** 2)
    return Fitter(field.flat, beam, sample)


def measured(field, depth, starts):
    """Sources of the peaks (value, x, y) of a field, brightest first."""
    fitter = fitter_of(field, depth)
    made = [source(field, fitter, depth, one) for one in fitter.fit_all(starts, depth.at)]
    return [one for one in made if one is not None]


def marked(field, depth, sources):
    """Sources that another program fitted, marked where one Gaussian is not clearly what they are."""
    fitter = fitter_of(field, depth)
    pixel = np.linalg.inv(field.wcs.pixel_scale_matrix)
    fits = []
    for one in sources:
        inverse = np.linalg.inv(pixel @ axes_matrix(one.shape) @ pixel.T)
        p = np.array([one.peak, one.x, one.y, inverse[0, 0], inverse[0, 1], inverse[1, 1]])
        fitter.add(p, -1)
        fits.append(Fit(p, p))
    return [replace(s, unclear=fitter.is_unclear(f, s.rms)) for s, f in zip(sources, fits, strict=True)]


def source(field, fitter, depth, fitted):
    """One source from the fits of its peak and its shape; None where it has no peak.

    Peak and position are those of the shape where it is wider than the beam by more than its error, else those of the
    fit with the beam: nothing is narrower, and what a free shape adds is noise. The flux is always that of the shape,
    less what such fits find too much on average.
    """
    beam, point = field.beam, fitted.point
    if not point[0] > 0:
        return None
    rms = depth.at(point[1], point[2])
    shape = None if fitted.shape is None else shape_on_sky(fitted.shape, field.wcs)
    extent, best, peak = shape or beam, point, point[0]
    area = extent.major * extent.minor / (beam.major * beam.minor) if shape else fitter.filled(point)
    flux = area * (peak if shape is None else fitted.shape[0])
    if shape:
        seen = fitted.shape[0] / rms, extent.major / beam.major, extent.minor / beam.minor, depth.smoothed
        flux /= 1 + flux_excess(*seen)
        errors = condon(*seen)
        if area > 1 + area * math.hypot(errors.major, errors.minor):
            best, peak = fitted.shape, fitted.shape[0]
            rms = depth.at(best[1], best[2])
    errors = condon(peak / rms, extent.major / beam.major, extent.minor / beam.minor, depth.smoothed)
    form = extent if best is fitted.shape else beam
    place = condon(peak / rms, form.major / beam.major, form.minor / beam.minor, depth.smoothed)
    e_ra, e_dec = place.position(form)
    return Source(
        x=float(best[1]), y=float(best[2]), peak=float(peak), e_peak=float(peak * place.peak), flux=float(flux),
        e_flux=float(flux * errors.flux), rms=rms, e_ra=e_ra, e_dec=e_dec, shape=extent, area=float(area),
        deblended=fitted.deblended, has_shape=shape is not None, e_major=errors.major * extent.major,
        e_minor=errors.minor * extent.minor, seen=float(point[0]), unclear=fitted.unclear,
    )  # fmt: skip
