from __future__ import annotations

import math
from xml.dom import minidom

import pytest

from stoa.show.distribution import histogram, results_table, standing


def test_a_value_stands_among_others_by_median_and_robust_sigma():
    place = standing(10.0, [1.0, 2.0, 3.0, 4.0, 5.0])
    assert place is not None
    assert (place.median, place.below) == (3.0, 1.0)
    assert place.sigmas == pytest.approx(7 / 1.4826)


def test_few_or_equal_others_make_no_outlier():
    assert standing(1.0, [1.0, 2.0]) is None
    assert standing(math.nan, [1.0, 2.0, 3.0]) is None
    same = standing(5.0, [1.0, 1.0, 1.0])
    assert same is not None
    assert not same.is_far


@pytest.mark.parametrize("value", [-1e30, 0.0, 2.5, 1e30])
def test_a_histogram_is_drawn_whatever_the_value(value):
    minidom.parseString(histogram(value, [1.0, 2.0, 2.0, 3.0, math.nan]))


def test_outliers_stand_first_and_text_of_scripts_stays_text():
    values = {"rms": 1.0, "<b>peak</b>": 99.0, "note": "<script>alert(1)</script>", "none": None}
    others = {"rms": [1.0, 1.1, 0.9], "<b>peak</b>": [1.0, 1.1, 0.9]}
    page = results_table(values, others, {"rms": "Jy/beam"})
    assert "<script" not in page
    assert "<b>" not in page
    assert page.index("peak") < page.index("rms")
    assert "1 Jy/beam" in page
