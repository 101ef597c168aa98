"""Upper limits, comparison of fluxes, and further kinds of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from stoa.catalogue.fluxes import Published, compare, published
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.limits import SearchedImage, undetected
from stoa.catalogue.regions import write_ds9
from stoa.catalogue.tables import read_table, write_table

IMAGE = SearchedImage(
    target="t", group="g", kind="cont", run="r", freq_ghz=100.0, ra_deg=10.0, dec_deg=0.0, hwhm_arcsec=30.0, rms=1e-3
)


def objects(*offsets_arcsec: float) -> Table:
    """Objects north of the image's centre."""
    names = [f"Q{n}" for n in range(len(offsets_arcsec))]
    return Table({"name": names, "ra": [10.0] * len(names), "dec": [north / 3600 for north in offsets_arcsec]})


def sources(*offsets_arcsec: float, group: str = "g") -> Table:
    count = len(offsets_arcsec)
    where = {"ra_deg": [10.0] * count, "dec_deg": [north / 3600 for north in offsets_arcsec]}
    return Table({"target": ["t"] * count, "group": [group] * count, **where}) if count else Table()


def test_the_limit_is_the_local_noise_times_sigma() -> None:
    table = undetected(objects(0.0, 30.0), [IMAGE], sources(), 5.0, 3.0, "q")
    assert list(table["cat_name"]) == ["Q0", "Q1"]
    assert list(table["gain"]) == pytest.approx([1.0, 0.5])
    assert list(table["rms"]) == pytest.approx([1e-3, 2e-3])
    assert list(table["flux_limit"]) == pytest.approx([3e-3, 6e-3])
    assert str(table["flux_limit"].unit) == "Jy"
    own = [name for name in table.colnames if not name.startswith("cat_")]
    assert all(table[name].meta["ucd"] and table[name].description for name in own)


def test_what_was_found_in_the_same_image_has_no_limit() -> None:
    seen = undetected(objects(0.0, 20.0), [IMAGE], sources(1.0), 5.0, 5.0, "q")
    assert list(seen["cat_name"]) == ["Q1"]
    elsewhere = undetected(objects(0.0), [IMAGE], sources(1.0, group="other"), 5.0, 5.0, "q")
    assert list(elsewhere["cat_name"]) == ["Q0"]


def test_objects_of_low_gain_or_outside_the_image_were_not_observed() -> None:
    """A gain of 0.3 lies at 1.318 half widths; the footprint ends 10 arcsec north."""
    assert list(undetected(objects(39.0, 40.0), [IMAGE], sources(), 5.0, 5.0, "q")["cat_name"]) == ["Q0"]
    low, high = 10 - 10 / 3600, 10 + 10 / 3600
    corners = f"{high} {-10 / 3600} {high} {10 / 3600} {low} {10 / 3600} {low} {-10 / 3600}"
    image = SearchedImage(**{name: getattr(IMAGE, name) for name in IMAGE.__struct_fields__} | {"footprint": corners})
    assert list(undetected(objects(9.0, 11.0), [image], sources(), 5.0, 5.0, "q")["cat_name"]) == ["Q0"]


def mosaic(path: Path) -> SearchedImage:
    """Gain 1 over the west half, 0.5 over the east but for a blank corner; pixels of 1 arcsec, centre at pixel 50."""
    gain = np.ones((1, 2, 101, 101), dtype="f4")
    gain[..., :50] = 0.5
    gain[..., 90:, :10] = np.nan
    header = fits.Header(
        {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 10.0, "CRVAL2": 0.0, "CRPIX1": 51.0, "CRPIX2": 51.0,
         "CDELT1": -1 / 3600, "CDELT2": 1 / 3600, "CUNIT1": "deg", "CUNIT2": "deg"}
    )  # fmt: skip
    fits.PrimaryHDU(gain, header).writeto(path)
    low, high = 50.5 / 3600, -50.5 / 3600
    corners = f"{10 + low} {high} {10 + low} {low} {10 + high} {low} {10 + high} {high}"
    fields = {name: getattr(IMAGE, name) for name in IMAGE.__struct_fields__}
    return SearchedImage(**fields | {"footprint": corners, "hwhm_arcsec": 5.0, "beam_file": path})


def test_the_gain_of_a_mosaic_is_that_of_its_file(tmp_path: Path) -> None:
    """Far outside of the Gaussian of one pointing; what is blank, or outside the image, was not observed."""
    east = np.array([-45.0, 20.0, 45.0, 60.0])
    north = np.array([45.0, -40.0, 45.0, 0.0])
    table = Table({"name": ["west", "east", "blank", "outside"], "ra": 10 + east / 3600, "dec": north / 3600})
    limits = undetected(table, [mosaic(tmp_path / "pb.fits")], sources(), 5.0, 5.0, "q")
    assert list(limits["cat_name"]) == ["east", "west"]
    assert list(limits["gain"]) == [0.5, 1.0]
    assert list(limits["flux_limit"]) == pytest.approx([1e-2, 5e-3])
    assert not limits["gain_is_model"].any()
    assert len(undetected(table[3:], [mosaic(tmp_path / "again.fits")], sources(), 5.0, 5.0, "q")) == 0
    assert undetected(objects(0.0), [IMAGE], sources(), 5.0, 5.0, "q")["gain_is_model"].all()


def test_a_primary_beam_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    image = mosaic(tmp_path / "pb.fits")
    (tmp_path / "pb.fits").write_bytes(b"no FITS")
    with pytest.raises(CatalogueError, match=r"the primary beam 'pb.fits' cannot be read"):
        undetected(objects(0.0), [image], sources(), 5.0, 5.0, "q")


def test_no_object_in_any_image_gives_an_empty_table_with_columns() -> None:
    table = undetected(objects(500.0), [IMAGE], sources(), 5.0, 5.0, "q")
    assert len(table) == 0
    assert {"flux_limit", "cat_name"} <= set(table.colnames)


def matched(index: float, unit: str | None = "mJy") -> Table:
    """Three matches whose fluxes at 100 GHz follow published ones at 5 GHz by a power law; one has none published."""
    published_jy = np.array([0.1, 0.5, 2.0, 1.0])
    flux = published_jy * (100 / 5) ** index
    scale = 1000 if unit == "mJy" else 1
    column = MaskedColumn(published_jy * scale, mask=[False, False, False, True], unit=unit)
    return Table({"flux": flux, "e_flux": 0.1 * flux, "freq_ghz": [100.0] * 4, "cat_F6cm": column})


@pytest.mark.parametrize("unit", ["mJy", "Jy", None])
def test_fluxes_agree_along_the_right_index(unit: str | None) -> None:
    table = matched(-0.7, unit)
    found = compare(table, Published("F6cm", 5.0), index=-0.7)
    assert (found.compared, found.ratio, found.correlation) == (3, pytest.approx(1), pytest.approx(1))
    assert found.median_index == pytest.approx(-0.7)
    assert list(table["flux_ratio"][:3]) == pytest.approx([1, 1, 1])
    assert list(table["e_flux_ratio"][:3]) == pytest.approx([0.1] * 3)
    assert np.isnan(table["flux_ratio"][3])


def test_without_an_index_fluxes_are_compared_as_they_are() -> None:
    found = compare(matched(-0.7), Published("F6cm", 5.0))
    assert found.ratio == pytest.approx(20**-0.7)
    assert found.scatter_dex == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("text", "ghz"), [("F6cm@6cm", 4.9965), ("F@4.85GHz", 4.85), ("F@1400 MHz", 1.4)])
def test_a_published_flux_has_a_frequency(text: str, ghz: float) -> None:
    assert published(text).at_ghz == pytest.approx(ghz, rel=1e-4)


@pytest.mark.parametrize("text", ["F6cm", "F6cm@", "F@0GHz", "F@1.2.3GHz", "@6cm"])
def test_a_published_flux_without_one_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError, match="names no published flux"):
        published(text)


def test_fluxes_in_another_unit_are_refused() -> None:
    with pytest.raises(CatalogueError, match="no flux density"):
        compare(matched(0, "mag"), Published("F6cm", 5.0))
    with pytest.raises(CatalogueError, match="no column 'F20cm'"):
        compare(matched(0), Published("F20cm", 1.4))


def test_a_parquet_file_comes_back(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = Table({"name": ["a", "b"], "ra_deg": [1.0, 2.0], "flux": MaskedColumn([1.0, 2.0], mask=[0, 1], unit="Jy")})
    write_table(table, tmp_path / "x.parquet")
    back = read_table(tmp_path / "x.parquet")
    assert list(back["name"]) == ["a", "b"]
    assert str(back["flux"].unit) == "Jy"
    assert back["flux"].mask.tolist() == [False, True]


def test_regions_of_ds9_have_a_circle_each(tmp_path: Path) -> None:
    table = Table({"name": ["a}b", "c"], "ra_deg": [10.0, np.nan], "dec_deg": [-1.5, 0.0], "major_arcsec": [2.0, 1.0]})
    write_ds9(table, tmp_path / "x.reg", name="x")
    assert (tmp_path / "x.reg").read_text(encoding="utf-8").splitlines() == [
        "# Region file format: DS9",
        "global color=red",
        "icrs",
        'circle(10.00000000,-1.50000000,1.0000") # text={a b}',
    ]
