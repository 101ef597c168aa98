"""stoa fetch: what the command line says of it; tests/sharing/test_stores.py has the stores."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from survey import Survey

BIG = """\
name: big
script: big.sh
command: [sh, "{script}", "{target}"]
outputs: {cube: {path: cube.csv, kind: catalogue, share: remote}}
"""


@pytest.fixture
def clone(survey: Survey, tmp_path: Path) -> Survey:
    """A clone whose project has a store with a large table of sources for each target."""
    (survey.top / ".stoa/processes/big.yaml").write_text(BIG, encoding="utf-8")
    script = "echo ra_deg,dec_deg,snr,flux,e_flux > cube.csv\n"
    script += "for i in $(seq 3000); do echo 10.$i,-30,9,0.0090000,0.001; done >> cube.csv\n"
    (survey.top / "big.sh").write_text(script, encoding="utf-8")
    survey.edit(".stoa/config.yaml", "schema: 1", f"schema: 1\nstore: {tmp_path / 'store'}")
    survey.ok("run", "big")
    survey.ok("push")
    survey.git("add", "--all")
    survey.git("commit", "--quiet", "--message", "definitions")
    subprocess.run(["git", "clone", "--quiet", survey.top, tmp_path / "clone"], check=True)
    return Survey(tmp_path / "clone", survey.terminal)


def test_what_was_fetched_is_read_like_what_was_made_here(clone):
    _, hint = clone.error("catalogue", "stack", "big@default")
    assert "stoa fetch big@default" in hint
    assert "fetched 1 product" in clone.ok("fetch", "big@default"), "three targets have the same content"
    clone.ok("catalogue", "stack", "big@default")


def test_what_is_not_in_the_store_is_named(clone, tmp_path):
    (tmp_path / "store").rename(tmp_path / "gone")
    result = clone("fetch")
    assert result.exit_code == 1
    assert "1 product not in the store" in result.stderr


def test_a_table_that_was_changed_after_it_was_fetched_is_not_read(clone):
    clone.ok("fetch")
    (file,) = (clone.top / ".stoa/cache/products").glob("??/*/cube.csv")
    file.write_text("ra_deg,dec_deg,snr,flux,e_flux\n1,2,9,1,1\n", encoding="utf-8")
    assert clone("catalogue", "stack", "big@default").exit_code == 1
    assert clone.json("fetch")["moved"] == 1
    clone.ok("catalogue", "stack", "big@default")


def test_sync_moves_products_too(clone):
    said = clone.json("sync", "--products")
    assert said["products"]["fetched"]["moved"] == 1
    assert said["products"]["sent"]["there"] == 1
