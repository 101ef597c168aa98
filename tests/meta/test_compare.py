"""Every card of every FITS file here reads as astropy reads it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from stoa.meta.build import build
from stoa.meta.document import FileEntry

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = (TESTS / "data" / "fits", TESTS.parent / "examples" / "archive")
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


def off_arcsec(folder: Path, file: FileEntry) -> float:
    """The largest distance of centre and corner pixels from where astropy has them."""
    derived = file.derived
    ours = [derived["ra_deg"], derived["dec_deg"], *derived.get("footprint", "").split()]
    with fits.open(folder / file.name) as units:
        header = units[int(derived.get("hdu", "0"))].header
    wcs = WCS(header)
    wide, high = (header[f"NAXIS{axis + 1}"] for axis in (wcs.wcs.lng, wcs.wcs.lat))
    pixels = [((wide + 1) / 2, (high + 1) / 2), (1, 1), (1, high), (wide, high), (wide, 1)]
    theirs = wcs.celestial.pixel_to_world(*zip(*[(x - 1, y - 1) for x, y in pixels], strict=True)).icrs
    places = SkyCoord(list(map(float, ours[::2])), list(map(float, ours[1::2])), unit="deg")
    return float(places.separation(theirs[: len(places)]).arcsec.max())


@pytest.mark.filterwarnings("ignore")  # astropy mends what headers have wrong, and says so
def test_images_lie_where_astropy_puts_them() -> None:
    found = {}
    for folder in sorted({path.parent for top in FOLDERS for path in top.rglob("*.fits*")}):
        for file in [*(file for group in build(folder).groups for file in group.files), *build(folder).others]:
            if "ra_deg" in file.derived:
                found[file.name] = off_arcsec(folder, file)
    assert len(found) > 80
    assert {name: off for name, off in found.items() if off > 2e-3} == {}


def test_a_difference_would_be_seen(script: ModuleType, image) -> None:
    found = script.read(image(OBJECT="'M83'"))
    cards = [(card.keyword, card.text) for card in found.header.cards()]
    changed = [(keyword, "M31" if keyword == "OBJECT" else text) for keyword, text in cards]
    assert list(script.differences(found, changed)) == ["OBJECT: 'M83' is 'M31'"]
