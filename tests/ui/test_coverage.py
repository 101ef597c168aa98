"""The coverage of the observed sky on the page Sky."""

from __future__ import annotations

import numpy as np
import pages
import pytest
from astropy.io import fits

MOC = "catalogues/targets.moc.fits"


@pytest.fixture
def observed(judged):
    """The project with places of its targets, and the coverage of them."""
    for number, name in enumerate("abc"):
        header = fits.Header({"CTYPE1": "RA---SIN", "CRVAL1": 40.0 * number, "CRPIX1": 8.0, "CDELT1": -1e-4})
        header.update({"CTYPE2": "DEC--SIN", "CRVAL2": 10.0 * number, "CRPIX2": 8.0, "CDELT2": 1e-4})
        fits.writeto(judged.top / "data" / name / "image.fits", np.ones((16, 16), dtype=np.float32), header)
    judged.ok("meta", "build")
    assert judged.ok("vo", "moc", "--radius", "30arcsec").startswith("3 fields of targets: ")
    return judged


def chart(shown) -> str:
    """What the chart of a page is drawn from."""
    (found,) = shown.get("echarts_chart")
    return str(found.proto)


def test_a_coverage_is_drawn_where_it_is_asked_for(page, observed):
    shown = page("sky", moc=MOC)
    assert not shown.exception
    assert shown.selectbox(key="moc").value == MOC
    assert MOC not in shown.selectbox(key="catalogue").options
    assert "coverage" in chart(shown)
    shown.selectbox(key="moc").set_value(None).run()
    assert "coverage" not in chart(shown)


def test_a_coverage_that_is_none_is_told(page, observed):
    (observed.top / MOC).write_bytes(b"nothing")
    shown = page("sky", moc=MOC)
    assert not shown.exception
    assert f"{MOC} is no coverage" in pages.texts(shown)
