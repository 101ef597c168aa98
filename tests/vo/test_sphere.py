"""Cones on the sphere against a search that looks at every point."""

from __future__ import annotations

import numpy as np
import pytest

from stoa.vo.sphere import Sky

RANDOM = np.random.default_rng(20261128)


def everywhere(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points all over the sphere, many of them near the poles and RA = 0, some in one place."""
    ra = RANDOM.uniform(0, 360, count)
    dec = np.degrees(np.arcsin(RANDOM.uniform(-1, 1, count)))
    part = count // 8
    dec[:part] = 90 - RANDOM.exponential(0.5, part).clip(0, 90)
    dec[part : 2 * part] = -90 + RANDOM.exponential(0.5, part).clip(0, 90)
    ra[2 * part : 3 * part] = RANDOM.normal(0, 0.5, part) % 360
    ra[3 * part : 3 * part + 9], dec[3 * part : 3 * part + 9] = 187.25, 2.05
    ra[-3:], dec[-3:] = (0, 123.4, 0), (90, -90, 0)
    return ra, dec


def haversines(ra: float, dec: float, ras: np.ndarray, decs: np.ndarray) -> np.ndarray:
    """Separations in degrees, by a formula that the search does not use."""
    a1, d1, a2, d2 = np.radians(ra), np.radians(dec), np.radians(ras), np.radians(decs)
    h = np.sin((d2 - d1) / 2) ** 2 + np.cos(d1) * np.cos(d2) * np.sin((a2 - a1) / 2) ** 2
    return np.degrees(2 * np.arctan2(np.sqrt(h), np.sqrt(1 - h.clip(0, 1))))


def assert_same(sky: Sky, ra: np.ndarray, dec: np.ndarray, cone: tuple[float, float, float]) -> int:
    """The rows that both searches find; what is on the border to a billionth of a degree may be in or out."""
    found = sky.cone(*cone)
    assert (np.diff(found) > 0).all()
    separations = haversines(cone[0], cone[1], ra, dec)
    certain = np.abs(separations - cone[2]) > 1e-6 if cone[2] > 170 else np.abs(separations - cone[2]) > 1e-9
    wanted = np.flatnonzero((separations <= cone[2]) & certain)
    assert np.array_equal(found[certain[found]], wanted), cone
    return len(wanted)


def test_ten_thousand_random_cones():
    ra, dec = everywhere(3000)
    sky = Sky(ra, dec)
    radii = np.concatenate([10.0 ** RANDOM.uniform(-4, 2, 9000), RANDOM.uniform(0, 180, 1000)])
    centres = zip(RANDOM.uniform(0, 360, 10_000), np.degrees(np.arcsin(RANDOM.uniform(-1, 1, 10_000))), strict=True)
    found = [assert_same(sky, ra, dec, (a, d, r)) for (a, d), r in zip(centres, radii.clip(0, 180), strict=True)]
    assert sum(number > 0 for number in found) > 3000


@pytest.mark.parametrize("radius", [1e-4, 0.01, 0.5, 3, 89.9, 90, 90.1, 179.9])
@pytest.mark.parametrize(
    "centre", [(0, 90), (211, 90), (0, -90), (77, -90), (10, 89.99), (0, 0), (360, 0), (359.999, 45), (187.25, 2.05)]
)
def test_poles_and_the_wrap_of_right_ascension(centre, radius):
    ra, dec = everywhere(2000)
    assert_same(Sky(ra, dec), ra, dec, (*centre, radius))


def test_radius_180_is_the_whole_sphere_and_0_is_the_place_itself():
    ra, dec = everywhere(500)
    sky = Sky(ra, dec)
    assert list(sky.cone(12, 34, 180)) == list(range(500))
    assert len(sky.cone(187.25, 2.05, 0)) == 9
    assert len(sky.cone(187.26, 2.05, 0)) == 0


def test_points_without_a_position_are_in_no_cone():
    sky = Sky(np.array([1, np.nan, 3, np.inf]), np.array([1, 2, np.nan, 4.0]))
    assert list(sky.cone(0, 0, 180)) == [0]
    assert len(sky) == 1


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 129, 1000])
def test_any_number_of_points(count):
    ra, dec = RANDOM.uniform(0, 360, count), RANDOM.uniform(-90, 90, count)
    sky = Sky(ra, dec)
    for radius in (0.1, 20, 120, 180):
        assert_same(sky, ra, dec, (200, -40, radius))


def test_many_points_in_one_place():
    sky = Sky(np.full(1000, 10.0), np.full(1000, 90.0))
    assert len(sky.cone(200, 90, 1e-9)) == 1000
