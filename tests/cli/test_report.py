"""`stoa report`: pages that need nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

HOSTILE = '<script>alert(1)</script>\x1b[31m & "quotes" \''


@pytest.fixture
def ran(survey):
    survey.does("b", "echo 'Error: <b>no beam</b> & more' >&2; exit 1")
    survey("run", "measure")
    return survey


def read(survey, *words: str, name: str = "out.html") -> str:
    survey.ok("report", *words, "-o", name)
    return (survey.top / name).read_text(encoding="utf-8")


def test_a_report_has_counts_causes_outcomes_results_parameters_and_versions(ran):
    page = read(ran, "measure@default")
    for words in ("✓ ok", "✗ failed", "no beam", "<h2>Results", "snr", "<td>5</td>", "STOA", "stoa reproduce"):
        assert words in page
    assert page.count("<td>b</td>") == 2  # as a cause's target and as an outcome


def test_without_a_name_the_file_is_called_as_the_run(ran):
    ran.ok("report", "measure@default")
    assert (ran.top / "measure@default.html").is_file()


def test_every_text_is_escaped(ran):
    ran.ok("comment", "a", "-m", HOSTILE)
    ran.ok("flag", "b", "--reason", "check", "-m", HOSTILE)
    page = read(ran, "last")
    assert "<script" not in page
    assert "<b>no beam" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


class Addresses(HTMLParser):
    """Everything that a page refers to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src", "action", "data")]


def test_a_report_refers_to_nothing_outside(ran):
    page = read(ran, "last")
    assert all(address.startswith("data:") for address in Addresses(page).found)
    assert not re.search(r"url\(|@import|https?://", page)


def test_a_folder_has_an_index_pages_and_nothing_that_is_not_linked(ran):
    ran.ok("report", "last", "-o", "pages/")
    top = ran.top / "pages"
    files = {file.relative_to(top).as_posix() for file in top.rglob("*") if file.is_file()}
    linked = {address for name in files for address in Addresses((top / name).read_text(encoding="utf-8")).found}
    assert files == {"index.html", "outcomes-001.html"}
    assert linked == files


def test_a_folder_that_holds_something_is_left_alone(ran):
    (ran.top / "pages").mkdir()
    (ran.top / "pages" / "mine.txt").write_text("keep", encoding="utf-8")
    assert "is there already" in ran.error("report", "last", "-o", "pages")[0]
    assert [file.name for file in (ran.top / "pages").iterdir()] == ["mine.txt"]


def test_json_says_where_the_report_is_and_what_is_in_it(ran):
    said = ran.json("report", "last", "-o", "out.html")
    assert (said["file"], said["counts"]) == ("out.html", {"ok": 2, "failed": 1})


def test_an_unknown_run_is_an_error_and_writes_nothing(ran):
    assert "no run named 'nothing'" in ran.error("report", "nothing", "-o", "out.html")[0]
    assert not Path(ran.top, "out.html").exists()


@pytest.fixture
def pictured(survey):
    """Two of three targets have an image; that of `b` is all blank."""
    survey.edit(
        ".stoa/processes/measure.yaml", "outputs:\n", "outputs:\n  map: {path: map.fits, kind: image, optional: true}\n"
    )
    for name, value in (("a", 1.0), ("b", np.nan)):
        fits.writeto(survey.top / "data" / name / "map.fits", np.full((20, 20), value, dtype=np.float32))
        survey.does(name, 'cp "$1/map.fits" map.fits')
    survey("run", "measure")
    return survey


def test_images_are_drawn_where_they_are(pictured):
    assert read(pictured, "last").count("data:image/png;base64,") == 2
    assert "data:image/png" not in read(pictured, "last", "--no-pictures")


def test_a_folder_has_the_pictures_beside_its_pages(pictured):
    pictured.ok("report", "last", "-o", "pages")
    assert len(list((pictured.top / "pages" / "pictures").iterdir())) == 2


def test_a_picture_that_is_gone_is_left_out(pictured):
    for file in (pictured.top / "products").rglob("map.fits"):
        file.unlink()
    assert "data:image/png" not in read(pictured, "last")
