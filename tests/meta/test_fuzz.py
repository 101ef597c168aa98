"""Headers that went wrong: read or named, quickly, and as astropy reads them wherever it does so without a word.

STOA_FUZZ sets how many there are (2000), STOA_FUZZ_SEED begins another series of them.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from stoa.meta.build import build
from stoa.meta.header import read
from stoa.meta.xml import from_xml, to_xml, validate

COUNT = int(os.environ.get("STOA_FUZZ", "2000"))
SEED = 1000 * int(os.environ.get("STOA_FUZZ_SEED", "0"))
PARTS = 4


@pytest.fixture(scope="module")
def mutants() -> ModuleType:
    """The maker of damaged files."""
    spec = importlib.util.spec_from_file_location("mutants", Path(__file__).parent / "mutants.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_what_hangs_is_ended(mutants: ModuleType) -> None:
    def hang() -> None:
        while True:
            pass

    with mutants.watchdog(), pytest.raises(mutants.HangError):
        hang()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_header_is_read_as_astropy_reads_it(part: int, mutants: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "x.fits"
    verdicts: Counter[str] = Counter()
    for data in mutants.mutants(COUNT // PARTS, seed=SEED + part):
        path.write_bytes(data)
        found = mutants.compare(path)
        assert found.differences == ()
        verdicts[found.verdict] += 1
    assert verdicts["agrees"] > COUNT // PARTS // 5  # so that it is not all doubtful


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_file_has_a_document(part: int, mutants: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "x.image.pbcor.fits"
    for data in mutants.mutants(COUNT // PARTS, seed=SEED + PARTS + part):
        path.write_bytes(data)
        with mutants.watchdog():
            document = build(tmp_path)
            xml = to_xml(document)
            assert from_xml(xml) == document
            assert validate(xml) == ()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_damaged_packed_file_is_read_or_named(part: int, mutants: ModuleType, tmp_path: Path) -> None:
    whole = tmp_path / "whole.fits"
    folder = tmp_path / "product"
    folder.mkdir()
    sound = usable = 0
    for ending, data, packed in mutants.packed_mutants(COUNT // PARTS, seed=SEED + part):
        path = folder / f"x.image.pbcor.{ending}"
        path.write_bytes(data)
        with mutants.watchdog():
            found = read(path)
        assert found.header or found.defects
        if packed is not None:  # what is packed soundly is read as if it were not packed
            whole.write_bytes(packed)
            plain = read(whole)
            assert (found.header and found.header.raw) == (plain.header and plain.header.raw)
            assert found.defects == plain.defects
            sound += 1
        usable += found.header is not None
        xml = to_xml(build(folder))
        assert validate(xml) == ()
        path.unlink()
    assert sound > COUNT // PARTS // 10
    assert usable > COUNT // PARTS // 5
