"""Elliptical Gaussians: their form on the sky, and the errors of fitted ones (Condon 1997, PASP 109, 166)."""

import math
from dataclasses import dataclass

import numpy as np
from fitsunits import Beam

SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))


def axes_matrix(beam):
    """Covariance on the sky (east, north) of a Gaussian with the widths of a beam, in degrees squared."""
    pa = math.radians(beam.pa)
    axes = np.array([[math.sin(pa), math.cos(pa)], [math.cos(pa), -math.sin(pa)]])  # rows: major, minor
    return axes.T @ np.diag([(beam.major * SIGMA_PER_FWHM) ** 2, (beam.minor * SIGMA_PER_FWHM) ** 2]) @ axes


def on_sky(covariance):
    """Widths and angle of a covariance (east, north) in degrees squared; None if it is no ellipse."""
    size, axes = np.linalg.eigh(covariance)
    if not size[0] > 0:
        return None
    minor, major = np.sqrt(size) / SIGMA_PER_FWHM
    return Beam(float(major), float(minor), math.degrees(math.atan2(axes[0, 1], axes[1, 1])) % 180)


def shape_on_sky(p, wcs):
    """Shape on the sky of a Gaussian in pixels (amplitude, x, y, xx, xy, yy); None if it is no ellipse."""
    a, b, c = p[3:]
    if p[0] <= 0 or a <= 0 or a * c <= b * b:
        return None
    scale = wcs.pixel_scale_matrix
    return on_sky(scale @ np.linalg.inv(np.array([[a, b], [b, c]])) @ scale.T)


def deconvolved(shape, beam):
    """The shape without the beam, in degrees: an axis that is not longer than the beam's has the width 0."""
    size, axes = np.linalg.eigh(axes_matrix(shape) - axes_matrix(beam))
    minor, major = np.sqrt(np.maximum(size, 0)) / SIGMA_PER_FWHM
    return Beam(float(major), float(minor), math.degrees(math.atan2(axes[0, 1], axes[1, 1])) % 180 if major else 0.0)


@dataclass(frozen=True)
class Errors:
    """Errors of a fitted Gaussian: of all numbers relative, of the position in widths (FWHM) along the axes."""

    peak: float
    flux: float
    major: float
    minor: float
    along: float
    across: float

    def position(self, shape):
        """Errors in RA (times cos(dec)) and Dec of a position, in the unit of the shape."""
        along, across = self.along * shape.major, self.across * shape.minor
        sin, cos = math.sin(math.radians(shape.pa)), math.cos(math.radians(shape.pa))
        return math.hypot(along * sin, across * cos), math.hypot(along * cos, across * sin)


def condon(snr, major, minor, smoothed):
    """Errors of a fitted elliptical Gaussian in correlated noise (Condon 1997, equations 20, 21 and 41).

    Parameters
    ----------
    snr
        Fitted peak over the noise of a pixel.
    major, minor
        Fitted widths in beams, along the axes.
    smoothed
        Width of the function that white noise is smoothed with to look as this, in beams: 1 for white noise convolved
        with the clean beam, 0.71 where the noise's autocorrelation is the beam.
    """
    u, v = major / smoothed, minor / smoothed

    def squared(along, across):
        return 8 / (u * v * (1 + u**-2) ** along * (1 + v**-2) ** across * snr**2)

    peak, along, across = squared(1.5, 1.5), squared(2.5, 0.5), squared(0.5, 2.5)
    return Errors(
        peak=math.sqrt(peak),
        flux=math.sqrt(peak + (along + across) / (u * v)),
        major=math.sqrt(along),
        minor=math.sqrt(across),
        along=math.sqrt(along) * SIGMA_PER_FWHM,
        across=math.sqrt(across) * SIGMA_PER_FWHM,
    )


def flux_excess(snr, major, minor, smoothed):
    """By what fraction the flux of a free fit is too high on average, with the arguments of `condon`.

    The flux is a product of numbers that follow the same noise, so that its error has a mean, of second order. The
    form was adjusted to what the covariance of the noise gives for sources of 0 to 3 beams (docs/finders.md).
    """
    return 5 * math.exp(-major * minor / (4.1 * smoothed**2)) / snr**2
