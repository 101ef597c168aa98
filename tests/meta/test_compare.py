"""Every card of every FITS file here reads as astropy reads it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TESTS = Path(__file__).resolve().parents[1]
REAL = sorted(p for p in (TESTS / "data" / "fits").rglob("*") if p.is_file() and p.suffix != ".md")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that compares any folder, as a module."""
    spec = importlib.util.spec_from_file_location(
        "compare_with_astropy", Path(__file__).parent / "compare_with_astropy.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_a_real_file_reads_as_astropy_reads_it(path: Path, script: ModuleType) -> None:
    found = script.compare(path)
    assert (found.differences, found.defects, found.refused) == ((), (), "")
    assert found.cards > 0


def test_the_example_archive_reads_as_astropy_reads_it(script: ModuleType) -> None:
    files = sorted(p for p in (TESTS.parent / "examples" / "archive").rglob("*.fits*") if p.is_file())
    found = {path.name: script.compare(path) for path in files}
    assert len(found) > 50
    assert {name: one.differences for name, one in found.items() if one.differences} == {}
    assert sum("truncated" in one.defects for one in found.values()) == 1


def test_a_difference_would_be_seen(script: ModuleType, image) -> None:
    found = script.read(image(OBJECT="'M83'"))
    cards = [(card.keyword, card.text) for card in found.header.cards()]
    changed = [(keyword, "M31" if keyword == "OBJECT" else text) for keyword, text in cards]
    assert list(script.differences(found, changed)) == ["OBJECT: 'M83' is 'M31'"]
