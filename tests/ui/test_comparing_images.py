"""The same product of two parameter sets in a real browser: side by side, blink and back, difference, one zoom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import browser
import pytest
from survey import Survey, make_survey
from terminal import Terminal

from stoa.ui import libraries

pytestmark = [pytest.mark.service, pytest.mark.slow]

PROCESS = """\
schema: 1
name: model
script: model.py
command: [python, "{script}", "{params.level}"]
params: {level: {type: float, default: 2}}
outputs: {map: {path: map.fits, kind: image}, weight: {path: weight.fits, kind: image}}
results: {level: {type: float}}
"""

SCRIPT = """\
import json, sys
import numpy as np
from astropy.io import fits
level = float(sys.argv[1])
header = fits.Header({"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 10.0, "CRVAL2": -30.0, "CRPIX1": 32.0,
                      "CRPIX2": 32.0, "CDELT1": -1e-4, "CDELT2": 1e-4, "BUNIT": "Jy/beam"})
fits.writeto("map.fits", np.arange(4096, dtype=np.float32).reshape(64, 64) * level, header)
fits.writeto("weight.fits", np.ones((64, 64), dtype=np.float32), header)
json.dump({"level": level}, open("stoa-result.json", "w"))
"""

IMAGES = "() => document.querySelector('iframe').contentWindow.JS9.images"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, require_service) -> Survey:
    from stoa.cli.main import app

    require_service("the image viewer", libraries.has_viewer(), "this build was made without a network")
    survey = make_survey(tmp_path_factory.mktemp("images") / "survey", Terminal(app))
    (survey.top / ".stoa/processes/model.yaml").write_text(PROCESS, encoding="utf-8")
    (survey.top / "model.py").write_text(SCRIPT, encoding="utf-8")
    survey.git("add", "--all")
    survey.git("commit", "--quiet", "--message", "a process that makes images")
    survey.ok("run", "model", "--target", "a")
    survey.ok("params", "new", "double", "--process", "model", "--set", "level=4")
    survey.ok("run", "model@double", "--target", "a")
    return survey


@pytest.fixture(scope="module")
def visitor(project: Survey, chrome) -> Iterator[browser.Visitor]:
    with browser.served(project.top) as address:
        context = chrome.new_context(viewport={"width": 1280, "height": 1400})
        yield browser.Visitor(context.new_page(), address)
        context.close()


@pytest.fixture
def frame(visitor) -> Any:
    visitor.open("compare?a=model%40default&b=model%40double&job=a").see("V: side by side.")
    settled(visitor, f"({IMAGES})().length === 2")
    return visitor.page.frame_locator("iframe")


def settled(visitor: browser.Visitor, condition: str) -> None:
    """Wait until the viewer has drawn all that it was told, and a condition holds in it."""
    drawn = "document.querySelector('iframe')?.contentDocument?.body?.dataset?.shown"
    visitor.page.wait_for_function(f"() => {drawn} && ({condition})", timeout=browser.PATIENCE_MS)


def name(frame: Any) -> str:
    return str(frame.locator("#name").inner_text())


def test_what_differs_is_shown_first_and_any_product_can_be_chosen(visitor, frame):
    assert name(frame) == "a: map.fits"
    visitor.page.get_by_role("radio", name="weight").click()
    visitor.see("Both looked at the same image.").ready()  # equal bytes are one file, whichever set made them


def test_b_shows_the_other_one_and_shift_b_goes_back(visitor, frame):
    for key, shown in (("b", "b: map.fits"), ("B", "a: map.fits"), ("B", "b: map.fits")):
        visitor.page.keyboard.press(key)
        frame.get_by_text(shown, exact=True).wait_for(timeout=browser.PATIENCE_MS)


def test_v_shows_both_with_the_same_zoom_and_stretch(visitor, frame):
    visitor.page.keyboard.press("v")
    settled(visitor, f"new Set(({IMAGES})().map(im => im.display.id)).size === 2")
    frame.get_by_text("a: map.fits | b: map.fits").wait_for(timeout=browser.PATIENCE_MS)
    left, right = (frame.locator(f"#{place}").bounding_box() for place in ("JS9", "JS9b"))
    assert abs(left["width"] - right["width"]) < 2
    assert right["x"] >= left["x"] + left["width"]
    both = "document.querySelector('iframe').contentWindow.JS9"
    visitor.page.evaluate(f"{both}.SetZoom(8, {{display: {both}.images[0]}})")
    settled(visitor, f"({IMAGES})().every(im => im.rgb.sect.zoom === 8)")
    ranges = visitor.page.evaluate(f"({IMAGES})().map(im => [im.params.scalemin, im.params.scalemax, im.params.scale])")
    assert ranges[0] == ranges[1]
    visitor.page.keyboard.press("v")
    settled(visitor, f"new Set(({IMAGES})().map(im => im.display.id)).size === 1")


def test_d_subtracts_pixel_by_pixel(visitor, frame):
    visitor.page.keyboard.press("d")
    frame.get_by_text("second minus first").wait_for(timeout=browser.PATIENCE_MS)
    values = visitor.page.evaluate(f"[...({IMAGES})().at(-1).raw.data.slice(0, 4)]")
    assert values == [0, 2, 4, 6]
    visitor.page.keyboard.press("d")
    frame.get_by_text("a: map.fits", exact=True).wait_for(timeout=browser.PATIENCE_MS)
