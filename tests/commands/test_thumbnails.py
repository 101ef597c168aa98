"""Small pictures of images go with the records: a clone without pixels shows them."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from survey import Survey

from stoa.meta.stills import small_picture
from stoa.project import MOST_THUMBNAIL, Project
from stoa.provenance.packed import archive, archive_entry
from stoa.provenance.thumbnails import is_picture
from stoa.workspace.open import Workspace

DRAW = """\
name: draw
script: draw.sh
command: [sh, "{script}", "{target}"]
outputs: {map: {path: map.fits, kind: image, optional: true, thumbnail: true}}
"""


def image(seed: int, side: int = 300) -> bytes:
    pixels = np.random.default_rng(seed).normal(size=(side, side)).astype("f4")
    out = io.BytesIO()
    fits.PrimaryHDU(pixels).writeto(out)
    return out.getvalue()


@pytest.fixture
def drawn(survey) -> Survey:
    """A process with an image for each target; that of c is broken."""
    (survey.top / ".stoa/processes/draw.yaml").write_text(DRAW, encoding="utf-8")
    (survey.top / "draw.sh").write_text('cp "$1/map.fits" map.fits\n', encoding="utf-8")
    for seed, name in enumerate("ab"):
        (survey.top / "data" / name / "map.fits").write_bytes(image(seed))
    (survey.top / "data/c/map.fits").write_bytes(b"SIMPLE  = no image at all")
    return survey


@pytest.fixture
def clone(drawn, tmp_path) -> Survey:
    drawn.ok("run", "draw")
    place = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", drawn.top, place], check=True)
    return Survey(place, drawn.terminal)


def archived(survey: Survey, run: str) -> dict[str, bytes]:
    """The thumbnails in the commit of a run."""
    names = survey.git("ls-tree", "--name-only", f"HEAD:.stoa/runs/{run}").split()
    found = {}
    for name in names:
        if name.startswith("thumbnails-"):
            data = subprocess.check_output(["git", "show", f"HEAD:.stoa/runs/{run}/{name}"], cwd=survey.top)
            with tarfile.open(fileobj=io.BytesIO(data)) as opened:
                found |= {entry.name: opened.extractfile(entry).read() for entry in opened}
    return found


def checksums(survey: Survey, run: str) -> dict[str, str]:
    return {name: each["outputs"]["map"]["sha256"] for name, each in survey.outcomes(run).items()}


def test_a_run_brings_a_small_picture_of_each_image(drawn):
    said = drawn("run", "draw")
    run = drawn.runs()[0]
    assert drawn.statuses() == {"a": "ok", "b": "ok", "c": "ok"}, "a broken image costs the thumbnail alone"
    assert "map.fits" in next(line for line in said.stderr.splitlines() if "no thumbnail" in line)
    sums, found = checksums(drawn, run), archived(drawn, run)
    assert sorted(found) == sorted(Project.thumbnail_member(sums[name]) for name in "ab")
    for content in found.values():
        assert len(content) <= MOST_THUMBNAIL
        assert Image.open(io.BytesIO(content)).size == (100, 100)


def test_the_picture_of_an_image_is_in_git_once(drawn):
    drawn.ok("run", "draw")
    (drawn.top / "data/b/map.fits").write_bytes(image(7))
    shutil.rmtree(drawn.top / ".stoa/cache")
    drawn.ok("run", "draw", "--force")
    second = drawn.runs()[-1]
    assert list(archived(drawn, second)) == [Project.thumbnail_member(checksums(drawn, second)["b"])]


def test_a_clone_finds_the_pictures(clone, drawn):
    run = drawn.runs()[0]
    sums = checksums(drawn, run)
    with closing(Workspace(clone.top)) as ws:
        assert ws.thumbnails.known() == {sums["a"], sums["b"]}
        assert ws.thumbnails.find(sums["a"]) == archived(drawn, run)[Project.thumbnail_member(sums["a"])]
        assert ws.thumbnails.find(sums["c"]) is None
        assert ws.thumbnails.find("") is None


def test_a_report_in_a_clone_has_the_pictures(clone):
    clone.ok("report", "draw@default", "--out", "page.html")
    assert (clone.top / "page.html").read_text(encoding="utf-8").count("data:image/png") == 2


@pytest.mark.parametrize("content", [b"<svg onload='x'/>", b"\x89PNG\r\n\x1a\n", b"x" * MOST_THUMBNAIL])
def test_what_is_no_small_png_is_not_shown(clone, drawn, content):
    sha256 = checksums(drawn, drawn.runs()[0])["c"]
    name = Project.thumbnail_member(sha256)
    place = clone.top / ".stoa/runs" / drawn.runs()[0] / "thumbnails-0001.tar.gz"
    place.write_bytes(archive({name: archive_entry(name, content)}))
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--message", "forged")
    with closing(Workspace(clone.top)) as ws:
        assert ws.thumbnails.find(sha256) is None
        assert sha256 not in ws.thumbnails.known()


def test_a_png_that_claims_to_be_huge_is_not_shown(tmp_path):
    (tmp_path / "map.fits").write_bytes(image(1))
    made = small_picture(tmp_path / "map.fits")
    assert is_picture(made)
    assert not is_picture(made[:16] + (60_000).to_bytes(4) + made[20:])


def test_whether_an_image_is_shown_changes_no_digest(drawn):
    drawn.ok("run", "draw")
    drawn.edit(".stoa/processes/draw.yaml", ", thumbnail: true", "")
    assert "nothing to do" in drawn("run", "draw").output


def test_the_index_of_pictures_is_made_again_where_it_is_damaged(clone):
    with closing(Workspace(clone.top)) as ws:
        known = ws.thumbnails.known()
    file = Workspace(clone.top).project.thumbnails_index
    Path(file).write_bytes(b"no database" * 100)
    with closing(Workspace(clone.top)) as ws:
        assert ws.thumbnails.known() == known
