"""The notebooks of examples/: committed without outputs, executed by a kernel, their outputs looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from notebooks import Notebook, words_of

NOTEBOOKS = Path(__file__).resolve().parents[2] / "examples" / "notebooks"
NAMES = sorted(file.stem for file in NOTEBOOKS.glob("*.ipynb"))


def cells_of(name: str) -> list[Any]:
    book = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    return [cell for cell in book.cells if cell.cell_type == "code"]


def played(name: str, archive: Path, folder: Path) -> dict[str, str]:
    """What each cell put out, as a reader sees it, by the last line of its source."""
    first, *rest = [cell["source"] for cell in cells_of(name)]
    assert 'archive = "../archive"' in first
    given = f"archive = {str(archive)!r}\ncatalogue = {str(NOTEBOOKS.parent / 'quasars.csv')!r}"
    book = Notebook(folder, first, given, *rest)
    return {source.splitlines()[-1]: words_of(book, n) for n, source in enumerate(rest, 2)}


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_committed_without_outputs(name):
    assert [cell for cell in cells_of(name) if cell["outputs"] or cell["execution_count"]] == []
    assert "parameters" in cells_of(name)[0]["metadata"]["tags"]


def test_the_quasar_story(example_archive, tmp_path):
    said = played("quasars", example_archive, tmp_path)
    assert "41 of 41 jobs: 36 ✓ ok, 2 ✗ failed, 3 ⊘ blocked" in said["first"]
    assert (
        "no beam: the header has no BMAJ" in said['outcomes[outcomes["status"] != "ok"]["target", "status", "cause"]']
    )
    assert "image/png" in said['project.image(brightest["target"], "sep@default", group=brightest["group"])']
    assert "1 ✗ failed" in said["again"]
    assert "failed -&gt; ok" in said['project.diff("sep@default", "sep@deep")']
    assert "expected by chance" in said['project.match("sep@deep", catalogue, radius="5arcsec", unique=True)']
    assert "image/png" in said['project.sky("sep@deep", catalogue=catalogue)']
    assert "24 targets" in said["project"]


def test_a_script_of_ones_own(example_archive, tmp_path):
    said = played("own-script", example_archive, tmp_path)
    assert "✓ ok" in said["_.wait()"]
    assert "n_bright" in said["%stoa results bright"]
    assert "✓ ok" in said["lower"]
    assert "parameter floor: 0.005 -&gt; 0.001" in said['project.diff("bright@default", "bright@default+floor=0.001")']


def test_a_second_reviewer(example_archive, tmp_path):
    said = played("second-reviewer", example_archive, tmp_path)
    assert "&lt;b&gt;across&lt;/b&gt;" in said["project.reviews()"]
    assert "Second Reviewer" in said["other.reviews(name)"]
    assert "0" in said["len(project.flags())"]
    assert "Second Reviewer" in said["project.reviews(name)"]
    assert "up to date" in said['project.why("sep", name)']
