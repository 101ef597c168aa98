"""The primary beam of ALMA's dishes as CASA models it: an Airy pattern of a tapered dish with a blocked centre.

CASA (PBMath1DAiry) takes 10.7 m and 6.25 m for the dishes of 12 m and 7 m, blocked over 0.75 m, and multiplies the
angle of the blocking term by dish / blockage where a blocked aperture divides it. Its primary beams, and with them
ALMA's corrected images, are what a model has to agree with, so this one does the same. Needs numpy alone.
"""

import math

import numpy as np

LIGHT_M_S = 299792458.0
EFFECTIVE = {12.0: (10.7, 0.75), 7.0: (6.25, 0.75)}  # m: dish -> illuminated and blocked diameter
REACH_DEG_GHZ = {12.0: 1.784, 7.0: 3.568}  # beyond it CASA's beam is zero
MEDIAN_ERROR = 0.0013
"""Relative, inside the half power: the largest median over the images of CASA that it was compared with."""
LARGEST_ERROR = 0.0050
"""Relative, inside the half power: of any pixel of these images."""

_STEPS = 1000  # of the integral; exact to rounding up to arguments of some hundreds
_TABLE_STEP = 0.01


def _jinc(x):
    """2 J1(x) / x, by Bessel's integral."""
    angle = (np.arange(_STEPS) + 0.5) * math.pi / _STEPS
    value = np.ones(len(x))
    for some in np.array_split(np.flatnonzero(x), max(1, len(x) // 2000)):
        wave = np.cos(angle - x[some, None] * np.sin(angle))
        value[some] = 2 * wave.mean(axis=1) / x[some]
    return value


def modelled(distance_deg, freq_hz, dish_m):
    """Gain at distances from the pointing; 0 beyond CASA's reach.

    Raises
    ------
    KeyError
        If it is no dish of ALMA's.
    """
    dish, blocked = EFFECTIVE[dish_m]
    farthest = min(float(np.max(distance_deg)), REACH_DEG_GHZ[dish_m] / (freq_hz / 1e9))
    scale = math.pi * math.radians(1) * dish * freq_hz / LIGHT_M_S
    radius = np.arange(0, scale * farthest + 2 * _TABLE_STEP, _TABLE_STEP)
    ratio = dish / blocked
    voltage = (ratio**2 * _jinc(radius) - _jinc(radius * ratio)) / (ratio**2 - 1)
    gain = np.interp(scale * distance_deg, radius, voltage**2)
    gain[distance_deg > REACH_DEG_GHZ[dish_m] / (freq_hz / 1e9)] = 0
    return gain
