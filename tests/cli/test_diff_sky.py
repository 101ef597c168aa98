"""diff --sky and --html: sources of two runs, on the terminal, as JSON and as a page."""

from __future__ import annotations

import base64
import io
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from matplotlib.image import imread

import stoa

FIND = """\
name: find
script: find.sh
command: [sh, "{script}", "{target}"]
params: {mode: {type: str, default: a}}
outputs: {sources: {path: sources.csv, kind: catalogue}}
results: {rms: {type: float}, beam_major_arcsec: {type: float}}
"""
SCRIPT = """\
cp "$1/table" sources.csv
cat "$1/results" > stoa-result.json
"""


def table(*rows: tuple[float, float, float]) -> str:
    """Sources: offset from 10 degrees in arcsec, flux, signal to noise."""
    lines = [f"{10 + offset / 3600:.9f},0,{flux},0.1,{snr},0.02,0.02" for offset, flux, snr in rows]
    return "\n".join(["ra_deg,dec_deg,flux,e_flux,snr,e_ra_arcsec,e_dec_arcsec", *lines, ""])


@pytest.fixture
def found(survey):
    """Two runs. a: one source equal, one moved, one brighter, one lost, two gained; b: nothing; c: b's run fails."""
    (survey.top / "find.sh").write_text(SCRIPT, encoding="utf-8")
    (survey.top / ".stoa/processes/find.yaml").write_text(FIND, encoding="utf-8")
    data = survey.top / "data"
    for name in "abc":
        (data / name / "results").write_text('{"rms": 0.01, "beam_major_arcsec": 1}', encoding="utf-8")
    (data / "a/table").write_text(table((0, 1, 10), (10, 1, 10), (20, 1, 10), (30, 1, 11)), encoding="utf-8")
    (data / "b/table").write_text(table((0, 1, 10)), encoding="utf-8")
    (data / "c/table").write_text(table((0, 1, 10)), encoding="utf-8")
    survey("run", "find")
    changed = table((0, 1, 10), (10.4, 1, 10), (20, 3, 30), (40, 1, 6), (50, 1, 90))
    (data / "a/table").write_text(changed, encoding="utf-8")
    (data / "a/results").write_text('{"rms": 0.02, "beam_major_arcsec": 1}', encoding="utf-8")
    (data / "c/table").unlink()
    survey("run", "find", "--set", "mode=b")
    return survey


PAIR = ("find@default", "find@default+mode=b")


def test_sources_are_counted_and_sorted_by_surprise(found):
    sky = found.json("diff", *PAIR, "--sky")["sky"]
    counts = {name: sky[name] for name in ("matched", "gained", "lost", "moved", "flux_changed")}
    assert counts == {"matched": 4, "gained": 2, "lost": 1, "moved": 1, "flux_changed": 1}
    assert (sky["sources_a"], sky["sources_b"]) == (5, 6)
    assert [(each["what"], round(each["surprise"], 1)) for each in sky["sources"]] == [
        (["gained"], 90.0), (["flux"], 14.1), (["moved"], 14.1), (["lost"], 11.0), (["gained"], 6.0),
    ]  # fmt: skip
    assert [(image["target"], image["rms_ratio"], image["radius_arcsec"]) for image in sky["images"]] == [
        ("a", 2.0, 0.5), ("b", 1.0, 0.5),
    ]  # fmt: skip
    assert sky["not_compared"] == [{"target": "c", "group": "", "why": "it is failed in find@default+mode=b"}]


def test_the_terminal_says_what_changed(found):
    lines = found.ok("diff", *PAIR, "--sky").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("sky: "))
    assert lines[start:start + 3] == [
        "sky: 5 -> 6 sources in 2 images that both searched: 4 matched, 2 gained, 1 lost, 1 moved, 1 with another flux",
        "  median flux b/a 1 +- 0, median rms b/a 1.5",
        "  1 image not compared",
    ]  # fmt: skip
    assert re.split(r"  +", lines[-5])[:3] == ["a", "gained", "10.013889"]


def test_a_radius_makes_other_pairs(found):
    sky = found.json("diff", *PAIR, "--radius", "0.3arcsec")["sky"]
    assert (sky["matched"], sky["gained"], sky["lost"], sky["moved"]) == (3, 3, 2, 0)


def test_without_a_beam_a_radius_is_needed(found):
    for name in "ab":
        (found.top / "data" / name / "results").write_text("{}", encoding="utf-8")
    found("run", "find", "--force")
    found("run", "find", "--force", "--set", "mode=b")
    sky = found.json("diff", *PAIR, "--sky")["sky"]
    assert {each["why"] for each in sky["not_compared"] if each["target"] != "c"} == {
        "its beam is not known: give --radius"
    }
    assert found.json("diff", *PAIR, "--radius", "0.5arcsec")["sky"]["matched"] == 6


def test_a_table_that_cannot_be_read_costs_only_its_image(found):
    (found.top / "data/b/table").write_text("ra_deg,dec_deg\n1,2,3\n", encoding="utf-8")
    found("run", "find", "--force", "--target", "b")
    sky = found.json("diff", *PAIR, "--sky")["sky"]
    assert [image["target"] for image in sky["images"]] == ["a"]
    assert "line 2: it has 3 columns, the line of names 2" in sky["not_compared"][0]["why"]


def test_a_table_that_was_changed_since_is_not_compared(found):
    for product in (found.top / "products/find").rglob("b/**/sources.csv"):
        product.write_text(product.read_text().replace(",1,", ",2,"), encoding="utf-8")
    sky = found.json("diff", *PAIR, "--sky")["sky"]
    assert [image["target"] for image in sky["images"]] == ["a"]
    assert "its table is not on this machine as it was recorded" in sky["not_compared"][0]["why"]


def test_a_process_without_a_catalogue_is_named(survey):
    survey("run", "measure")
    assert survey.error("diff", "last", "last", "--sky")[0] == (
        "error: process 'measure' declares no output of kind catalogue"
    )


def test_a_notebook_gets_the_same(found, monkeypatch):
    monkeypatch.chdir(found.top)
    with stoa.open() as project:
        report = project.diff(*PAIR, sky=True)
        assert (report.sky.gained, report.sky.is_equal, report.is_equal) == (2, False, False)
        assert project.diff("last", "last", sky=True).sky.is_equal
        assert project.diff(*PAIR).sky is None


class Page(HTMLParser):
    """Tags that stand open at the end, what a browser would fetch, and the texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.fetched: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())


def test_the_page_needs_nothing_else_and_shows_names_as_they_are(found):
    found("run", "find", "--set", "mode=<script>alert(1)</script>")
    odd = "find@default+mode=<script>alert(1)</script>"
    assert found("diff", "find@default", odd, "--html", "page.html").stderr.endswith("wrote page.html\n")
    page = Page((found.top / "page.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert "script" not in page.tags
    assert all(address.startswith("data:image/png;base64,") for address in page.fetched)
    assert f"find@default → {odd}" in page.texts
    assert {"Definitions", "Statuses", "Results", "Sources", "Images", "Not compared"} <= set(page.texts)
    assert ["1", "ok -> failed"][1] in page.texts
    assert page.texts.count("gained") >= 2


def test_a_page_that_cannot_be_written_is_an_error(found):
    assert "cannot write 'no/page.html'" in found.error("diff", *PAIR, "--html", "no/page.html")[0]


@pytest.fixture
def searched(survey, example_archive):
    """Two folders of the example archive, with the shipped finder."""
    for name in ("A001_X2796_X137", "A001_X3c18_X296"):
        (folder,) = example_archive.rglob(f"*{name.rpartition('_')[2]}*/product")
        shutil.copytree(folder, survey.top / "data" / name)
    survey.ok("target", "add", "data", "A001*")
    survey.ok("meta", "build")
    survey.ok("process", "add", "sep")
    return survey


def tables(survey, run: str) -> list[Table]:
    """Tables of sources of a run, found by their names alone."""
    return [Table.read(path) for path in (survey.top / "products").rglob("sources.fits") if run in path.as_posix()]


def test_a_deeper_search_gains_what_is_faint_and_shows_it(searched):
    searched("run", "sep", "--target", "A001*", "--set", "snr=8")
    searched("run", "sep", "--target", "A001*")
    first, second = searched.runs()
    faint = sum(int((found["snr"] < 8).sum()) for found in tables(searched, second))
    assert faint > 0
    report = searched.json("diff", first, second, "--html", "page.html")
    sky = report["sky"]
    assert (sky["gained"], sky["lost"], sky["moved"], sky["flux_changed"], sky["rms_ratio"]) == (faint, 0, 0, 0, 1.0)
    assert sky["matched"] == sum(len(found) for found in tables(searched, first))
    page = Page((searched.top / "page.html").read_text(encoding="utf-8"))
    assert len(page.fetched) == sum(image["gained"] > 0 for image in sky["images"])
    assert any(text.endswith(": input image, the same file in both") for text in page.texts)


def test_a_source_that_flared_has_its_true_ratio(searched):
    """Every pixel of an image is doubled: so are the fluxes and the noise."""
    searched("run", "sep", "--target", "A001_X2796*")
    for path in (searched.top / "data/A001_X2796_X137").rglob("*.fits*"):
        with fits.open(path, mode="update") as opened:
            if opened[0].header.get("BUNIT", "").lower() == "jy/beam":
                opened[0].data *= 2
    searched.ok("meta", "build")
    searched("run", "sep", "--target", "A001_X2796*", "--force")
    sky = searched.json("diff", *searched.runs())  # without --sky there is none
    assert sky["sky"] is None
    sky = searched.json("diff", *searched.runs(), "--sky")["sky"]
    assert (sky["gained"], sky["lost"], sky["moved"]) == (0, 0, 0)
    assert (sky["flux_ratio"], sky["rms_ratio"]) == (pytest.approx(2, rel=1e-3), pytest.approx(2, rel=1e-3))


def write_image(path, peak: float) -> None:
    """An image of noise with one source at RA 10, Dec 0, in its middle."""
    y, x = np.indices((64, 64))
    sky = np.random.default_rng(3).normal(0, 0.1, (64, 64))
    sky += peak * np.exp(-((x - 32) ** 2 + (y - 32) ** 2) / 8)
    hdu = fits.PrimaryHDU(sky.astype(np.float32))
    for axis, (kind, value, step) in enumerate((("RA---SIN", 10.0, -1), ("DEC--SIN", 0.0, 1)), 1):
        cards = {"CTYPE": kind, "CRVAL": value, "CDELT": step * 0.2 / 3600, "CRPIX": 33.0}
        hdu.header.update({f"{name}{axis}": card for name, card in cards.items()})
    hdu.writeto(path, overwrite=True)


def test_images_that_a_process_makes_are_shown_with_their_difference(found):
    found.edit(".stoa/processes/find.yaml", "outputs: {", "outputs: {map: {path: map.fits, kind: image}, ")
    (found.top / "find.sh").write_text('cp "$1/map.fits" map.fits\n' + SCRIPT, encoding="utf-8")
    for mode, flux in (("a", 1), ("b", 3)):
        (found.top / "data/a/table").write_text(table((0, flux, 10 * flux)), encoding="utf-8")
        write_image(found.top / "data/a/map.fits", flux)
        found("run", "find", "--target", "a", "--force", "--set", f"mode={mode}")
    found("diff", *found.runs()[-2:], "--html", "page.html")
    page = Page((found.top / "page.html").read_text(encoding="utf-8"))
    (picture,) = page.fetched
    assert "a: output map of both" in page.texts
    png = base64.b64decode(picture.partition("base64,")[2])
    (found.top / "picture.png").write_bytes(png)
    shown = imread(io.BytesIO(png), format="png")
    assert shown.shape[1] > 2.5 * shown.shape[0]  # three panels


def test_without_images_the_page_says_so(found):
    found("diff", *PAIR, "--html", "page.html")
    page = Page((found.top / "page.html").read_text(encoding="utf-8"))
    assert page.fetched == []
    assert "a: no picture: no image of both is on this machine" in page.texts


def test_two_catalogues_on_disk_are_compared_image_by_image(found):
    """As the runs that they were stacked from, but for c, of which only one has sources."""
    for name, file in zip(PAIR, ("old.vot", "new.fits"), strict=True):
        found.ok("catalogue", "stack", name, "--out", file)
    said = found.json("diff", "old.vot", "new.fits", "--radius", "0.5arcsec")
    runs = found.json("diff", *PAIR, "--sky")["sky"]
    assert [said[name] for name in ("matched", "gained", "moved", "flux_changed")] == [4, 2, 1, 1]
    assert said["lost"] == runs["lost"] + 1
    assert [(s["target"], s["what"], s["flux_ratio"]) for s in said["sources"] if s["target"] != "c"] == [
        (s["target"], s["what"], s["flux_ratio"]) for s in runs["sources"]
    ]
    lines = found.ok("diff", "old.vot", "new.fits", "--radius", "0.5arcsec", "--html", "page.html").splitlines()
    assert lines[:2] == [
        "old.vot -> new.fits",
        "sky: 6 -> 6 sources in 3 images: 4 matched, 2 gained, 2 lost, 1 moved, 1 with another flux",
    ]
    assert "2 gained, 2 lost" in (found.top / "page.html").read_text(encoding="utf-8")


def test_catalogues_of_no_images_are_compared_as_they_are(found):
    (found.top / "x.csv").write_text("ra,dec\n10,0\n20,0\n", encoding="utf-8")
    (found.top / "y.csv").write_text("ra,dec\n10,0.0001\n30,0\n40,0\n", encoding="utf-8")
    lines = found.ok("diff", "x.csv", "y.csv", "--radius", "1arcsec").splitlines()
    assert lines[1] == "sky: 2 -> 3 sources: 1 matched, 2 gained, 1 lost, 0 moved, 0 with another flux"
    assert found.error("diff", "x.csv", "y.csv") == [
        "error: catalogues do not say how near two sources are one", "hint: `--radius 1arcsec` says it",
    ]  # fmt: skip
