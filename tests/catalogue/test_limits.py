"""Upper limits, comparison of fluxes, and further kinds of files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table
from astropy.wcs import WCS

from stoa.catalogue.fluxes import Published, compare, published
from stoa.catalogue.formats import CatalogueError
from stoa.catalogue.limits import undetected
from stoa.catalogue.regions import write_ds9
from stoa.catalogue.searched import SearchedImage
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
    """A gain of 0.3 is at 1.318 half widths; the footprint ends 10 arcsec north."""
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


def searched(path: Path, pixels: np.ndarray, threshold: float = 5.0, *, corrected: bool = False) -> SearchedImage:
    """An image of pixels of 1 arcsec with a beam of 5 arcsec about RA 10, Dec 0, and a wide primary beam."""
    size = pixels.shape[-1]
    axes = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 10.0, "CRVAL2": 0.0, "CDELT1": -1 / 3600}
    axes |= {"CDELT2": 1 / 3600, "CRPIX1": size // 2 + 1.0, "CRPIX2": size // 2 + 1.0, "BUNIT": "mJy/beam"}
    fits.PrimaryHDU(pixels.astype("f4"), fits.Header(axes)).writeto(path)
    fields = {name: getattr(IMAGE, name) for name in IMAGE.__struct_fields__}
    facts = {
        "image_file": path,
        "threshold": threshold,
        "beam_arcsec": 5.0,
        "hwhm_arcsec": 1e4,
        "is_corrected": corrected,
    }
    return SearchedImage(**fields | facts)


def test_a_limit_is_above_what_the_image_has_there_and_above_the_threshold(tmp_path: Path) -> None:
    pixels = np.zeros((1, 1, 201, 201))
    pixels[..., 100, 100], pixels[..., 140, 100] = 3.0, -2.0
    image = searched(tmp_path / "i.fits", pixels + 1e-9)
    limits = undetected(objects(0.0, 40.0, -40.0), [image], sources(), 5.0, 3.0, "q")
    assert list(limits["pixel_flux"]) == pytest.approx([3e-3, 0.0, 0.0], abs=1e-9)
    assert list(limits["flux_limit"]) == pytest.approx([5e-3, 5e-3, 5e-3], rel=1e-3)  # of the threshold: no noise here


def test_there_is_no_limit_where_the_image_is_above_the_threshold(tmp_path: Path) -> None:
    """A finder that cut what it had detected there, by a sidelobe cut for example, has no source in its list."""
    pixels = np.zeros((201, 201))
    pixels[103, 100] = 6.0
    limits = undetected(objects(0.0, 40.0), [searched(tmp_path / "i.fits", pixels)], sources(), 5.0, 5.0, "q")
    assert list(limits["cat_name"]) == ["Q1"]
    assert limits.meta["above"] == 1


def test_without_the_image_there_may_be_as_much_as_the_threshold(tmp_path: Path) -> None:
    image = searched(tmp_path / "i.fits", np.zeros((201, 201)))
    (tmp_path / "i.fits").unlink()
    fields = {name: getattr(image, name) for name in image.__struct_fields__} | {"image_file": None}
    limits = undetected(objects(0.0), [SearchedImage(**fields)], sources(), 5.0, 3.0, "q")
    assert list(limits["flux_limit"]) == pytest.approx([8e-3], rel=1e-5)
    assert np.isnan(limits["pixel_flux"][0])


def test_the_noise_of_a_limit_is_that_at_the_place(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    pixels = smoothed(random, 401)
    pixels[:, :200] *= 4
    east, west = (Table({"name": ["Q"], "ra": [10 + side * 100 / 3600], "dec": [0.0]}) for side in (1, -1))
    image = searched(tmp_path / "i.fits", pixels)
    noise = [undetected(place, [image], sources(), 2.0, 5.0, "q")["rms"][0] for place in (east, west)]
    assert noise == pytest.approx([4e-3, 1e-3], rel=0.2)


def noise_of_search(path: Path, image: Path, west: float, east: float, unit: str = "mJy/beam") -> Path:
    """A table's file with the noise of its search: two nodes, a quarter and three quarters along the image's x."""
    header = fits.getheader(image)
    size = fits.getdata(image).shape[-1]
    for axis in (1, 2):
        step = size / 2
        header[f"CRPIX{axis}"] = (header[f"CRPIX{axis}"] - 0.5) / step + 0.5
        header[f"CDELT{axis}"] *= step
    header["BUNIT"] = unit
    noise = fits.ImageHDU(np.array([[west, east]] * 2, dtype="f4"), header, name="NOISE")
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(Table({"flux": [1.0]}), name="SOURCES"), noise]).writeto(path)
    return path


def with_noise(image: SearchedImage, path: Path | None, **more: object) -> SearchedImage:
    return SearchedImage(
        **{name: getattr(image, name) for name in image.__struct_fields__} | {"noise_file": path} | more
    )


def test_the_noise_of_a_limit_is_that_of_the_search_where_its_process_wrote_it(tmp_path: Path) -> None:
    """Nodes at x of 50 and 150 with 1 and 3 mJy; half way it is 2, beyond the nodes that of the nearest."""
    image = searched(tmp_path / "i.fits", np.full((200, 200), 1e-9))
    noisy = with_noise(image, noise_of_search(tmp_path / "t.fits", tmp_path / "i.fits", 1.0, 3.0))
    at = [99.5, 49.5, 149.5, 10.0]  # x from 0; the reference pixel is 100
    places = Table({"name": list("abcd"), "ra": [10 + (100 - x) / 3600 for x in at], "dec": [0.0] * 4})
    limits = undetected(places, [noisy], sources(), 5.0, 5.0, "q")
    order = np.argsort(limits["cat_name"])
    assert limits["rms"][order] == pytest.approx([2e-3, 1e-3, 3e-3, 1e-3], rel=1e-3)
    assert limits["flux_limit"][order] == pytest.approx([1e-2, 5e-3, 1.5e-2, 5e-3], rel=1e-3)
    absent = undetected(places, [with_noise(noisy, noisy.noise_file, image_file=None)], sources(), 5.0, 5.0, "q")
    assert absent["rms"][np.argsort(absent["cat_name"])] == pytest.approx([2e-3, 1e-3, 3e-3, 1e-3], rel=1e-3)


def turned(path: Path, kind: str) -> None:
    """Write an image of two axes in another way: the same sky, the same pixels."""
    with fits.open(path) as opened:
        data, header = opened[0].data.copy(), opened[0].header.copy()
    if kind == "declination first":
        data = data.T.copy()
        for stem in ("CTYPE", "CRVAL", "CDELT", "CRPIX"):
            header[f"{stem}1"], header[f"{stem}2"] = header[f"{stem}2"], header[f"{stem}1"]
    elif kind == "stokes first":
        data = data[..., None].copy()
        for stem in ("CTYPE", "CRVAL", "CDELT", "CRPIX"):
            header[f"{stem}3"], header[f"{stem}2"] = header[f"{stem}2"], header[f"{stem}1"]
        header.update({"CTYPE1": "STOKES", "CRVAL1": 1.0, "CDELT1": 1.0, "CRPIX1": 1.0})
    elif kind == "galactic":
        centre = SkyCoord(10.0, 0.0, unit="deg").galactic
        header.update({"CTYPE1": "GLON-SIN", "CTYPE2": "GLAT-SIN", "CRVAL1": centre.l.deg, "CRVAL2": centre.b.deg})
    header.pop("NAXIS1", None)
    extension = fits.ImageHDU(data, header)
    fits.HDUList([fits.PrimaryHDU(), extension]).writeto(path, overwrite=True)


@pytest.mark.parametrize("kind", ["in an extension", "declination first", "stokes first", "galactic"])
def test_the_image_of_a_limit_may_be_turned_in_any_way(tmp_path: Path, kind: str) -> None:
    """One pixel of 3 mJy, 40 pixels along x and 25 along y from the reference pixel, and a gain of 0.5 there."""
    pixels, gain = np.full((201, 201), 1e-9), np.ones((201, 201))
    pixels[125, 140], gain[125, 140] = 3.0, 0.5
    image = searched(tmp_path / "i.fits", pixels)
    beam = searched(tmp_path / "pb.fits", gain).image_file
    turned(tmp_path / "i.fits", kind)
    turned(tmp_path / "pb.fits", kind)
    with fits.open(tmp_path / "i.fits") as opened:
        header = opened[1].header
    place = WCS(header).celestial.pixel_to_world(*((125, 140) if kind == "declination first" else (140, 125))).icrs
    low, high = (f"{10 + sign * 0.1}" for sign in (-1, 1))
    corners = f"{high} -0.1 {high} 0.1 {low} 0.1 {low} -0.1"
    found = undetected(
        Table({"name": ["Q"], "ra": [place.ra.deg], "dec": [place.dec.deg]}),
        [with_noise(image, None, beam_file=beam, footprint=corners)], sources(), 5.0, 3.0, "q",
    )  # fmt: skip
    assert found["gain"][0] == 0.5
    assert found["pixel_flux"][0] == pytest.approx(3e-3 / 0.5)


def test_a_table_without_noise_leaves_it_to_the_image(tmp_path: Path) -> None:
    image = searched(tmp_path / "i.fits", smoothed(np.random.default_rng(3), 301))
    plain = undetected(objects(0.0), [image], sources(), 2.0, 5.0, "q")
    (tmp_path / "t.csv").write_text("flux\n1\n", encoding="utf-8")
    Table({"flux": [1.0]}).write(tmp_path / "t.fits")
    noise_of_search(tmp_path / "adu.fits", tmp_path / "i.fits", 1.0, 3.0, unit="adu")
    for name in ("t.csv", "t.fits", "adu.fits"):
        same = undetected(objects(0.0), [with_noise(image, tmp_path / name)], sources(), 2.0, 5.0, "q")
        assert list(same["rms"]) == list(plain["rms"])


def smoothed(random: np.random.Generator, size: int) -> np.ndarray:
    """Noise of rms 1 with the shape of a beam of 5 pixels."""
    y, x = np.indices((size, size)) - size // 2
    kernel = np.exp(-4 * np.log(2) * (x**2 + y**2) / (5.0 / np.sqrt(2)) ** 2)
    noise = np.fft.irfft2(np.fft.rfft2(random.normal(size=(size, size))) * np.fft.rfft2(kernel), s=(size, size))
    return noise / noise.std()


@pytest.mark.parametrize("corrected", [False, True])
def test_no_limit_is_contradicted_by_an_injected_source(tmp_path: Path, corrected: bool) -> None:
    """600 sources of 1 to 12 sigma, searched by their peaks with a threshold of 5 sigma."""
    contradicted, limited = 0, 0
    for seed in range(4):
        random = np.random.default_rng(seed)
        size, step = 501, 40
        sky = smoothed(random, size)
        y, x = np.indices((size, size))
        gain = np.exp(-4 * np.log(2) * ((x - 250) ** 2 + (y - 250) ** 2) / 600**2)
        centres = [(i, j) for i in range(30, size - 20, step) for j in range(30, size - 20, step)]
        fluxes = random.uniform(1, 12, len(centres))
        for (i, j), flux in zip(centres, fluxes, strict=True):
            sky += flux * np.exp(-4 * np.log(2) * ((x - i) ** 2 + (y - j) ** 2) / 25.0)
        truth = Table(
            {"ra": [10 + (250 - i) / 3600 for i, _ in centres], "dec": [(j - 250) / 3600 for _, j in centres]}
        )
        truth["flux"] = [flux * 1e-3 / gain[j, i] for (i, j), flux in zip(centres, fluxes, strict=True)]
        peaks = [(i, j) for i, j in centres if sky[j - 2 : j + 3, i - 2 : i + 3].max() >= 5]
        found = Table(
            {"ra_deg": [10 + (250 - i) / 3600 for i, _ in peaks], "dec_deg": [(j - 250) / 3600 for _, j in peaks]}
        )
        found["target"], found["group"] = "t", "g"
        pixels = sky / gain if corrected else sky
        image = searched(tmp_path / f"{seed}.fits", pixels, corrected=corrected)
        image = SearchedImage(
            **{name: getattr(image, name) for name in image.__struct_fields__} | {"hwhm_arcsec": 300.0}
        )
        limits = undetected(truth, [image], found, 5.0, 5.0, "q")
        limited += len(limits)
        contradicted += int((np.asarray(limits["cat_flux"]) > np.asarray(limits["flux_limit"])).sum())
    assert limited > 150
    assert contradicted == 0


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
    with pytest.raises(CatalogueError, match="not a flux density"):
        compare(matched(0, "mag"), Published("F6cm", 5.0))
    with pytest.raises(CatalogueError, match="no column 'F20cm'"):
        compare(matched(0), Published("F20cm", 1.4))


@pytest.mark.parametrize(
    ("unit", "of_jansky"),
    [
        ("JY", lambda jy: jy),
        ("mJy ", lambda jy: 1e3 * jy),
        ("\u00b5Jy", lambda jy: 1e6 * jy),
        ("10-26W/m2/Hz", lambda jy: jy),
        ("[mJy]", lambda jy: np.log10(1e3 * jy)),
    ],
)
def test_published_fluxes_are_in_the_units_of_votables(tmp_path: Path, unit: str, of_jansky: Any) -> None:
    rows = "".join(f"<TR><TD>{of_jansky(jy):.17g}</TD></TR>" for jy in (0.1, 0.5, 2.0))
    (tmp_path / "t.vot").write_text(
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
        f'<FIELD name="F" datatype="double" unit="{unit}"/><DATA><TABLEDATA>{rows}</TABLEDATA></DATA>'
        "</TABLE></RESOURCE></VOTABLE>",
        "utf-8",
    )
    table = matched(-0.7)[:3]
    table["cat_F6cm"] = read_table(tmp_path / "t.vot")["F"]
    compare(table, Published("F6cm", 5.0))
    assert list(table["expected_flux"]) == pytest.approx([0.1, 0.5, 2.0])


@pytest.mark.parametrize(
    ("name", "scale", "assumed"),
    [
        ("F6cm", 1, True), ("jyvaskyla", 1, True), ("f6cm_jy", 1, False), ("f6cm_mJy", 1e3, False),
        ("S (mJy)", 1e3, False), ("S_uJy", 1e6, False), ("mJy", 1e3, False), ("FMJY", 1, True),
    ],
)  # fmt: skip
def test_a_unit_may_be_in_the_name_of_a_column(name: str, scale: float, assumed: bool) -> None:
    table = matched(0, None)
    table[f"cat_{name}"] = scale * table["cat_F6cm"]
    found = compare(table, Published(name, 5.0))
    assert (found.ratio, found.unit_assumed) == (pytest.approx(1), assumed)


def test_observed_fluxes_are_in_their_own_unit() -> None:
    table = matched(-0.7)
    for name in ("flux", "e_flux"):
        table[name] = Column(1000 * table[name], unit="mJy")
    found = compare(table, Published("F6cm", 5.0), index=-0.7)
    assert found.ratio == pytest.approx(1)
    assert list(table["expected_flux"][:3]) == pytest.approx(list(table["flux"][:3] / 1000))
    assert list(table["e_flux_ratio"][:3]) == pytest.approx([0.1] * 3)
    table["flux"].unit = "Jy/beam"
    with pytest.raises(CatalogueError, match="column 'flux' has the unit 'Jy / beam', which is not a flux density"):
        compare(table, Published("F6cm", 5.0))


def test_a_unit_that_is_not_known_is_named_as_such() -> None:
    table = matched(0)
    table["cat_F6cm"].unit = units.Unit("mfu", parse_strict="silent")
    with pytest.raises(CatalogueError, match="column 'F6cm' has the unit 'mfu', which is not known"):
        compare(table, Published("F6cm", 5.0))


def test_fluxes_at_one_frequency_have_no_index() -> None:
    table = matched(0)
    found = compare(table, Published("F6cm", 100.3), index=-0.7)
    assert found.ratio == pytest.approx(1, rel=0.01)
    assert np.isnan(found.median_index)
    assert np.isnan(table["spectral_index"]).all()


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
