"""Images of every kind, with values worked out beside STOA: every finder gives the source as it was made."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy import constants, units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from finder_truth import FINDERS, SCRIPTS, program, shipped

X, Y, PEAK = 60, 41, 0.1  # pixels from 0, Jy/beam; the beam is round, 0.5 arcsec wide
BEAM_ARCSEC = 0.5

Change = Callable[[fits.HDUList], fits.HDUList | None]


@pytest.fixture(scope="module", params=FINDERS)
def finder(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """A shipped finder whose program is here."""
    name = str(request.param)
    if not program(name):
        pytest.skip(f"{name} is not installed")
    with shipped(f"find_{name}") as module:
        yield module


@pytest.fixture
def find(finder: ModuleType, tmp_path: Path) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """The sources and results of one image."""

    def run(path: Path, *options: str) -> tuple[Any, dict[str, Any]]:
        out = tmp_path / "sources.fits"
        name = finder.__name__.removeprefix("find_")
        more = () if name == "sep" else ("--program", program(name))
        results = finder.search(finder.arguments(["--image", str(path), "--out", str(out), *more, *options]))
        return fits.getdata(out, 1), results

    return run


@pytest.fixture
def changed(image: Callable[..., Path]) -> Callable[..., Path]:
    """An image with one source, changed as a list of HDUs."""

    def make(change: Change = lambda hdus: None, **cards: Any) -> Path:
        path = image([(X, Y, PEAK)], cards={key.replace("_", "-"): value for key, value in cards.items()})
        with fits.open(path, memmap=False) as hdus:
            (change(hdus) or hdus).writeto(path, overwrite=True, output_verify="ignore")
        return path

    return make


def check(rows: Any, where: SkyCoord | None = None, peak: float = PEAK) -> None:
    """One source, at its place and as bright as it was made."""
    assert len(rows) == 1
    if where is not None:
        found = SkyCoord(rows["ra_deg"][0], rows["dec_deg"][0], unit="deg")
        assert found.separation(where).arcsec < 0.03
    assert rows["peak_flux"][0] * rows["gain"][0] == pytest.approx(peak, rel=0.05)


def place(path: Path, frame: str = "icrs") -> SkyCoord:
    """Where astropy has the source, in ICRS."""
    with fits.open(path) as hdus:
        header = next(hdu.header for hdu in hdus if hdu.header.get("NAXIS", 0) > 1)
    lon, lat = WCS(header).celestial.wcs_pix2world([[X, Y]], 0)[0]
    return SkyCoord(lon, lat, unit="deg", frame=frame).icrs


@pytest.mark.parametrize("order", ["stokes first", "frequency first", "frequency between"])
def test_the_axes_come_in_any_order(find, changed, order: str) -> None:
    turn = {"stokes first": (3, 0, 1, 2), "frequency first": (2, 0, 1, 3), "frequency between": (0, 2, 1, 3)}[order]

    def change(hdus: fits.HDUList) -> None:
        header, before = hdus[0].header, hdus[0].header.copy()
        shape = [1, 1, 1, 1]
        for new, old in enumerate(turn):
            shape[3 - new] = before[f"NAXIS{old + 1}"]
            for stem in ("CTYPE", "CRVAL", "CDELT", "CRPIX"):
                header[f"{stem}{new + 1}"] = before[f"{stem}{old + 1}"]
        hdus[0].data = hdus[0].data.reshape(shape)

    straight = place(changed())
    rows, _ = find(changed(change))
    check(rows, straight)
    assert rows["freq_ghz"][0] == pytest.approx(100.0)


@pytest.mark.parametrize("form", ["extension", "tiles"])
def test_the_image_may_be_in_an_extension(find, changed, form: str) -> None:
    kind = fits.ImageHDU if form == "extension" else fits.CompImageHDU
    path = changed(lambda hdus: fits.HDUList([fits.PrimaryHDU(), kind(hdus[0].data, hdus[0].header)]))
    check(find(path)[0], place(changed()))


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("Jy/beam", 1.0), ("JY/BEAM", 1.0), ("beam-1 Jy", 1.0), ("Jy / beam", 1.0), ("Jy beam^-1", 1.0),
        ("Jy.beam**(-1)", 1.0), ("mJy/beam", 1e3), ("mJy beam-1", 1e3), ("uJy/beam", 1e6),
        ("MJy/sr", 1e-6 / (np.pi / (4 * np.log(2)) * np.radians(BEAM_ARCSEC / 3600) ** 2)),
        ("Jy/pixel", 1 / (np.pi / (4 * np.log(2)) * 25)),
    ],
)  # fmt: skip
def test_every_unit_of_flux_becomes_jy_per_beam(find, changed, unit: str, factor: float) -> None:
    def change(hdus: fits.HDUList) -> None:
        hdus[0].data = (hdus[0].data * factor).astype("f4")

    check(find(changed(change, BUNIT=unit))[0])


def test_a_brightness_temperature_is_that_of_rayleigh_and_jeans(find, changed) -> None:
    """T = S lambda^2 / (2 k Omega)."""
    omega = np.pi / (4 * np.log(2)) * np.radians(BEAM_ARCSEC / 3600) ** 2
    per_jy = (1 * units.Jy * (constants.c / (1e11 * units.Hz)) ** 2 / (2 * constants.k_B * omega)).to_value(units.K)

    def change(hdus: fits.HDUList) -> None:
        hdus[0].data = (hdus[0].data * per_jy).astype("f4")

    check(find(changed(change, BUNIT="K"))[0])


def test_another_unit_fails_or_is_searched_as_it_is(find, finder: ModuleType, changed) -> None:
    path = changed(BUNIT="adu", TELESCOP="NTT", CTYPE3="", CTYPE4="")
    with pytest.raises(finder.finding.ImageError, match=r"unit is 'adu'.*other_unit=search"):
        find(path)
    rows, _ = find(path, "--other-unit", "search", "--image-is", "flat")
    check(rows)
    assert rows.columns["peak_flux"].unit == "adu"


@pytest.mark.parametrize(("answer", "code"), [("skip", 77), ("fail", 1)])
def test_another_unit_may_be_no_failure(changed, tmp_path: Path, answer: str, code: int) -> None:
    path = str(changed(BUNIT="adu"))
    command = [sys.executable, str(SCRIPTS / "find_sep.py"), "--image", path, "--other-unit", answer]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr.splitlines()[-1].startswith("OtherUnitError: the unit is 'adu'")


def test_without_a_unit_one_may_be_given(find, finder: ModuleType, changed) -> None:
    path = changed(BUNIT=None)
    with pytest.raises(finder.finding.ImageError, match="no unit: the header has no BUNIT"):
        find(path)
    check(find(path, "--unit", "Jy/beam")[0])


@pytest.mark.parametrize(
    ("cards", "frame"),
    [
        ({"CTYPE1": "GLON-SIN", "CTYPE2": "GLAT-SIN"}, "galactic"),
        ({"RADESYS": "FK4"}, "fk4"),
        ({"RADESYS": "FK5"}, "fk5"),
        ({"RADESYS": "J2000"}, "fk5"),
    ],
)
def test_the_table_is_in_icrs_whatever_the_frame(find, changed, cards: dict[str, str], frame: str) -> None:
    standard = {"RADESYS": frame.upper()} if frame.startswith("fk") else {}
    expected = place(changed(**cards | standard), frame)
    check(find(changed(**cards))[0], expected)


def test_a_position_angle_of_galactic_coordinates_is_turned_to_icrs(changed) -> None:
    with shipped("fitsimage") as fitsimage:
        image = fitsimage.read_image(changed(CTYPE1="GLON-SIN", CTYPE2="GLAT-SIN"))
    image.close()
    ends = [SkyCoord(150.0, lat, unit="deg", frame="galactic").icrs for lat in (2.0, 2.001)]
    assert image.turn_deg(48, 48) % 360 == pytest.approx(ends[0].position_angle(ends[1]).deg, abs=0.01)


@pytest.mark.parametrize(("unit", "factor"), [("arcsec", 1.0), ("deg", 1 / 3600), ("mas", 1e3), (None, 1.0)])
def test_the_beams_table_counts_in_its_own_unit(find, changed, unit: str | None, factor: float) -> None:
    def change(hdus: fits.HDUList) -> fits.HDUList:
        for keyword in ("BMAJ", "BMIN", "BPA"):
            hdus[0].header.remove(keyword, ignore_missing=True)
        widths = [fits.Column(name, "1D", unit, array=[BEAM_ARCSEC * factor]) for name in ("BMAJ", "BMIN")]
        table = fits.BinTableHDU.from_columns([*widths, fits.Column("BPA", "1D", "deg", array=[0.0])], name="BEAMS")
        return fits.HDUList([hdus[0], table])

    rows, results = find(changed(change))
    check(rows)
    assert results["beam_major_arcsec"] == pytest.approx(BEAM_ARCSEC)


def test_beams_on_both_sides_of_ninety_degrees_have_one_of_their_angles(finder: ModuleType, changed) -> None:
    def change(hdus: fits.HDUList) -> fits.HDUList:
        for keyword in ("BMAJ", "BMIN", "BPA"):
            hdus[0].header.remove(keyword, ignore_missing=True)
        hdus[0].data = np.repeat(hdus[0].data, 3, axis=1)
        values = {"BMAJ": [0.51, 0.5, 0.52], "BMIN": [0.41, 0.4, 0.42], "BPA": [89.0, -89.5, -88.0]}
        columns = [fits.Column(name, "1D", array=np.array(value)) for name, value in values.items()]
        return fits.HDUList([hdus[0], fits.BinTableHDU.from_columns(columns, name="BEAMS")])

    with shipped("fitsimage") as fitsimage, fitsimage.read_image(changed(change)) as image:
        assert image.beam.major * 3600 == pytest.approx(0.51)
        assert image.beam.pa == pytest.approx(89.0)
        assert [beam.pa for beam in image.beams] == pytest.approx([89.0, -89.5, -88.0])


def test_a_beam_in_the_history_alone_is_used(find, changed) -> None:
    def change(hdus: fits.HDUList) -> None:
        for keyword in ("BMAJ", "BMIN", "BPA"):
            hdus[0].header.remove(keyword, ignore_missing=True)
        hdus[0].header["HISTORY"] = "AIPS   CLEAN BMAJ=  2.7778E-04 BMIN=  2.7778E-04 BPA=   0.00"
        hdus[0].header["HISTORY"] = "AIPS   CLEAN BMAJ=  1.3889E-04 BMIN=  1.3889E-04 BPA=   0.00"

    rows, results = find(changed(change))
    check(rows)
    assert results["beam_major_arcsec"] == pytest.approx(BEAM_ARCSEC, rel=1e-4)


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ({"BMIN": None}, "no beam: the header has no BMIN"),
        ({"BMIN": 1e-4, "BPA": None}, "no beam: the header has no BPA"),
        ({"BMAJ": "wide"}, "no beam: BMAJ is 'wide', which is not a number"),
        ({"BMAJ": -1.0, "BMIN": -1.0}, "no beam: BMAJ and BMIN are -1 and -1"),
        ({"BMAJ": 0.0, "BMIN": 0.0}, "no beam: BMAJ and BMIN are 0 and 0"),
    ],
)
def test_a_beam_that_is_none_is_told(find, finder: ModuleType, changed, cards: dict[str, Any], said: str) -> None:
    with pytest.raises(finder.finding.ImageError, match=said):
        find(changed(**cards))


def test_facts_may_say_that_the_dish_is_not_known(find, changed, monkeypatch, tmp_path: Path) -> None:
    path = changed(TELESCOP="ALMA")
    job = {"inputs": {"image": str(path)}, "facts": {"image": {"primary_beam": None, "frequency": None, "beam": None}}}
    (tmp_path / "stoa-job.json").write_text(json.dumps(job), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    check(find(path)[0])


def test_an_image_that_is_corrected_by_its_role_is_not_corrected_again(find, changed, monkeypatch, tmp_path) -> None:
    """The name says nothing; STOA's facts do. The gain falls to 0.5 at the source."""
    gain = np.tile(np.linspace(1.0, 0.5, X + 1, dtype=np.float32), (96, 1))
    gain = np.pad(gain, ((0, 0), (0, 95 - X)), constant_values=0.5)

    def change(hdus: fits.HDUList) -> None:
        hdus[0].data = (hdus[0].data / gain).astype("f4")

    path = changed(change)
    fits.PrimaryHDU(gain).writeto(tmp_path / "x.pb.fits")
    job = {"inputs": {"image": str(path)}, "facts": {"image": {"role": "correctedImage"}}}
    (tmp_path / "stoa-job.json").write_text(json.dumps(job), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    rows, _ = find(path, "--beam", str(tmp_path / "x.pb.fits"))
    check(rows)
    assert rows["peak_flux"][0] == pytest.approx(2 * PEAK, rel=0.05)


@pytest.mark.parametrize(
    ("cards", "dish"), [({}, 12.0), ({"INSTRUME": "ACA"}, 7.0), ({"TELESCOP": "ACA"}, 7.0), ({"TELESCOP": "VLA"}, 25.0)]
)
def test_the_modelled_primary_beam_is_that_of_the_dish(find, changed, cards: dict[str, str], dish: float) -> None:
    """At 100 GHz, with pixels of 1.5 arcsec: gain of a Gaussian of FWHM 1.13 lambda / D at the source."""
    wide = {"CDELT1": -1.5 / 3600, "CDELT2": 1.5 / 3600, "BMAJ": 7.5 / 3600, "BMIN": 7.5 / 3600}
    given = ("--dish-m", "25") if dish == 25.0 else ()
    rows, _ = find(changed(**wide, **cards), "--min-gain", "0.1", *given)
    offset = 1.5 * np.hypot(X - 48, Y - 48)
    fwhm = np.degrees(1.13 * 299792458.0 / 1e11 / dish) * 3600
    assert rows["gain"][0] == pytest.approx(np.exp(-4 * np.log(2) * (offset / fwhm) ** 2), rel=0.02)


def test_another_telescope_has_no_primary_beam_to_model(find, finder: ModuleType, changed) -> None:
    path = changed(TELESCOP="VLA")
    with pytest.raises(finder.finding.ImageError, match=r"TELESCOP is 'VLA'.*dish_m.*image_is=flat"):
        find(path)
    rows, results = find(path, "--image-is", "flat")
    assert (rows["gain"][0], results["gain_is_model"]) == (1.0, False)


def test_a_border_of_zeros_counts_as_blank(find, changed) -> None:
    def change(hdus: fits.HDUList) -> None:
        y, x = np.indices(hdus[0].data.shape[-2:])
        hdus[0].data[..., np.hypot(x - 48, y - 48) > 36] = 0.0

    rows, results = find(changed(change))
    check(rows)
    assert results["rms"] == pytest.approx(1e-3, rel=0.15)


def test_the_frequency_may_be_on_an_axis_that_the_pixels_lack(find, changed) -> None:
    def change(hdus: fits.HDUList) -> None:
        hdus[0].data = hdus[0].data[0, 0]
        hdus[0].header.update({"WCSAXES": 4, "CTYPE3": "FREQ", "CRVAL3": 1e11, "CDELT3": 2e9, "CRPIX3": 1.0})

    rows, _ = find(changed(change))
    check(rows)
    assert rows["freq_ghz"][0] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("cards", "ghz"),
    [
        ({"CTYPE3": "FREQ", "CUNIT3": "GHz", "CRVAL3": 100.0, "CDELT3": 2.0}, 100.0),
        ({"CTYPE3": "VRAD", "CUNIT3": "km s-1", "CRVAL3": 29979.2458, "CDELT3": 10.0, "RESTFRQ": 1e11}, 90.0),
        ({"CTYPE3": "VOPT", "CUNIT3": "km/s", "CRVAL3": 299792.458, "CDELT3": 10.0, "RESTFRQ": 1e11}, 50.0),
        (
            {"CTYPE3": "VELO-LSR", "CUNIT3": "", "CRVAL3": 29979245.8, "CDELT3": 1e4, "RESTFREQ": 1e11, "VELREF": 257},
            90.0,
        ),
    ],
)
def test_the_frequency_follows_from_every_spectral_axis(find, changed, cards: dict[str, Any], ghz: float) -> None:
    rows, _ = find(changed(**cards))
    check(rows)
    assert rows["freq_ghz"][0] == pytest.approx(ghz, rel=1e-6)


@pytest.mark.parametrize("with_beam", [False, True])
def test_latitude_may_come_first(find, finder: ModuleType, changed, tmp_path: Path, with_beam: bool) -> None:
    """The position is that of astropy for the turned header; `x` and `y` count the axes of the file."""

    def turn(hdus: fits.HDUList) -> None:
        header = hdus[0].header
        hdus[0].data = hdus[0].data.transpose(0, 1, 3, 2).copy()
        for stem in ("CTYPE", "CRVAL", "CDELT", "CRPIX"):
            header[f"{stem}1"], header[f"{stem}2"] = header[f"{stem}2"], header[f"{stem}1"]

    straight = place(changed(BPA=20.0, BMIN=0.4 / 3600))
    path, beam = changed(turn, BPA=20.0, BMIN=0.4 / 3600), tmp_path / "beam.fits"
    with fits.open(path) as hdus:  # the gain falls along longitude, which is the second axis
        header = hdus[0].header
        gain = np.broadcast_to(np.linspace(1.0, 0.5, 96, dtype=np.float32)[:, None], (96, 96))
        fits.PrimaryHDU(gain[None, None], header).writeto(beam)
    lon, lat = (WCS(header).wcs_pix2world([[Y, X, 0, 0]], 0)[0][n] for n in (1, 0))
    assert SkyCoord(lon, lat, unit="deg").separation(straight).arcsec < 1e-6
    options = ("--beam", str(beam), "--image-is", "uncorrected") if with_beam else ()
    with pytest.raises(finder.finding.ImageError, match="latitude axis comes before.*latitude_first=search"):
        find(path, *options)
    rows, results = find(path, *options, "--latitude-first", "search")
    assert len(rows) == 1
    assert SkyCoord(rows["ra_deg"][0], rows["dec_deg"][0], unit="deg").separation(straight).arcsec < 0.03
    assert (rows["x"][0] - 1, rows["y"][0] - 1) == pytest.approx((Y, X), abs=0.3)
    assert (results["beam_minor_arcsec"], rows["beam_pa_deg"][0]) == pytest.approx((0.4, 20.0))
    if with_beam:
        assert rows["gain"][0] == pytest.approx(gain[X, Y], abs=0.01)


@pytest.mark.parametrize(
    ("cards", "why"),
    [
        ({"BMAJ": 0.5, "BMIN": 0.5}, r"no beam: its width is 1800 arcsec, and the image is 9\.6 arcsec wide"),
        ({"BMAJ": 1e-6, "BMIN": 1e-6}, r"no beam: its width is 0\.0036 arcsec, and a pixel is 0\.1 arcsec wide"),
    ],
)
def test_a_beam_that_cannot_be_is_none(find, finder: ModuleType, changed, cards: dict[str, float], why: str) -> None:
    path = changed(**cards)
    with pytest.raises(finder.finding.ImageError, match=why):
        find(path)
    check(find(path, "--beam-arcsec", "0.5")[0])


def test_an_image_that_does_not_lie_around_zero_fails_or_loses_its_level(find, finder: ModuleType, changed) -> None:
    """Noise about zero would be that of the level, and nothing would stand out of it."""

    def lift(hdus: fits.HDUList) -> None:
        hdus[0].data = hdus[0].data + np.float32(0.25)

    path = changed(lift)
    with pytest.raises(finder.finding.ImageError, match=r"pixels lie around 0\.25 .*level=subtract"):
        find(path)
    rows, results = find(path, "--level", "subtract")
    check(rows)
    assert results["level"] == pytest.approx(0.25, abs=2e-4)


def test_the_plane_that_is_searched_is_the_one_that_is_named(find, finder: ModuleType, changed) -> None:
    def add(hdus: fits.HDUList) -> None:
        plane = hdus[0].data
        hdus[0].data = np.concatenate([plane, plane * 0.5, plane * 0.1, plane * 0.1])

    path = changed(add)
    check(find(path)[0])
    rows, _ = find(path, "--stokes", "Q")
    assert rows["peak_flux"][0] == pytest.approx(PEAK / 2, rel=0.03)
    with pytest.raises(finder.finding.ImageError, match="has Stokes I, Q, U, V and not XX"):
        find(path, "--stokes", "XX")


@pytest.mark.parametrize(("code", "name"), [(2.0, "Q"), (4.0, "V"), (-7.0, "XY")])
def test_a_plane_that_is_not_the_total_intensity_is_not_taken_for_it(
    find, finder: ModuleType, changed, code: float, name: str
) -> None:
    path = changed(CRVAL4=code)
    with pytest.raises(finder.finding.ImageError, match=f"has Stokes {name} and not I .parameter stokes"):
        find(path)
    check(find(path, "--stokes", name)[0])


def test_one_of_two_parallel_hands_stands_in_and_a_note_says_so(find, changed, capsys) -> None:
    check(find(changed(CRVAL4=-5.0))[0])
    assert "note: the plane is XX, which is Stokes I only for what is not polarised" in capsys.readouterr().out
