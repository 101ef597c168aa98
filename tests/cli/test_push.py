"""stoa push: what the command line says of it; tests/sharing/test_stores.py has the stores."""

from __future__ import annotations

from pathlib import Path

import pytest
from survey import Survey

BIG = """\
name: big
script: big.sh
command: [sh, "{script}", "{target}"]
outputs: {cube: {path: cube.txt, share: remote}}
"""


@pytest.fixture
def made(survey: Survey, tmp_path: Path) -> Survey:
    (survey.top / ".stoa/processes/big.yaml").write_text(BIG, encoding="utf-8")
    (survey.top / "big.sh").write_text('echo "$1" > cube.txt\n', encoding="utf-8")
    survey.edit(".stoa/config.yaml", "schema: 1", f"schema: 1\nstore: {tmp_path / 'store'}")
    survey.ok("run", "big")
    return survey


def test_it_says_what_it_sent(made):
    assert "sent 3 products" in made.ok("push")
    assert "sent 0 products (0 bytes), 3 were there" in made.ok("push", "last")


def test_products_that_are_not_here_are_named(made):
    (made.top / "products").rename(made.top / "elsewhere")
    result = made("push")
    assert result.exit_code == 0
    assert "3 products not on this machine" in result.stderr


def test_an_output_that_is_not_shared_is_an_error_that_names_the_others(made):
    message, hint = made.error("push", "--output", "table")
    assert "'table'" in message
    assert "cube" in hint


def test_an_unknown_name_is_an_error(made):
    assert made.error("push", "nothing")
