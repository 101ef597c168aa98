"""The sky as a map: the projection against another implementation, lines broken at the edge, true circles."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given
from hypothesis import strategies as st

from stoa.show.sky import BREAK, circle, graticule, line, mollweide


def reference() -> WCS:
    """The same projection by wcslib, in degrees of its native plane."""
    world = WCS(naxis=2)
    world.wcs.ctype = "RA---MOL", "DEC--MOL"
    return world


@given(ra=st.floats(-179.9, 179.9), dec=st.floats(-89, 89))
def test_places_are_those_of_wcslib(ra, dec):
    x, y = mollweide([ra], [dec])
    there = reference().wcs_world2pix([[ra, dec]], 0)[0] + 1
    half = np.degrees(np.sqrt(2))  # height of the pole in the plane of the paper (Calabretta & Greisen 2002, eq. 62)
    assert x[0] == pytest.approx(-there[0] / half, abs=1e-6)
    assert y[0] == pytest.approx(there[1] / half, abs=1e-6)


def test_the_poles_and_the_middle():
    x, y = mollweide([0, 77, 0], [90, -90, 0])
    assert np.allclose(x, 0, atol=1e-6)
    assert np.allclose(y, [1, -1, 0], atol=1e-9)


def test_a_line_over_the_edge_is_broken_there():
    found = line([170, 175, -175, -170], [10, 10, 10, 10])
    assert found.count(BREAK) == 2  # at the edge and behind it
    assert found[2] == BREAK


@given(ra=st.floats(0, 359), dec=st.floats(-85, 85), radius=st.floats(0.1, 4))
def test_a_circle_is_as_large_everywhere(ra, dec, radius):
    drawn = [point for point in circle(ra, dec, radius) if point != BREAK]
    middle = SkyCoord(ra, dec, unit="deg")
    edge = middle.directional_offset_by(np.linspace(0, 360, 37) * _deg(), radius * _deg())
    x, y = mollweide(edge.ra.deg, edge.dec.deg)
    assert np.allclose(sorted(point[1] for point in drawn), sorted(np.round(y, 5)), atol=2e-4)
    assert len(drawn) == len(x)


def _deg():
    from astropy import units

    return units.deg


def test_the_graticule_stays_inside_the_ellipse():
    points = np.array([point for point in graticule() if point != BREAK], dtype=float)
    assert ((points[:, 0] / 2) ** 2 + points[:, 1] ** 2).max() < 1 + 1e-4
