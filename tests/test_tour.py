"""The tour of the code names files and functions that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOUR = (ROOT / "docs" / "design" / "tour.md").read_text(encoding="utf-8")
FILES = sorted(set(re.findall(r"`(stoa/[\w/]+\.py)`", TOUR)))
NAMED = sorted(set(re.findall(r"`(stoa/[\w/]+\.py)`, `([\w.]+)`(?:(?:,)? and `(\w+)`)?", TOUR)))


def names_in(file: str) -> set[str]:
    """Functions, classes and methods of a module: `Store.commit`."""
    found = set()
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return found


def test_the_tour_names_enough_to_follow():
    assert len(FILES) >= 15
    assert len(NAMED) >= 12


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_the_tour_exists(file):
    assert (ROOT / file).is_file()


@pytest.mark.parametrize(("file", "first", "second"), NAMED)
def test_a_function_of_the_tour_exists(file, first, second):
    assert {name for name in (first, second) if name} - names_in(file) == set()


def test_a_name_that_is_gone_would_be_found():
    assert "Store.commit" in names_in("stoa/provenance/store.py")
    assert "Store.vanished" not in names_in("stoa/provenance/store.py")
