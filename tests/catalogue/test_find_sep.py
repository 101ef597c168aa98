"""The shipped finder on images whose sources are known to a fraction of a pixel."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from astropy.io import fits

PIXEL_ARCSEC = 0.1
BEAM_ARCSEC = 0.5
RMS = 1e-3


def rewrite(path: Path, change: Callable[[np.ndarray], None]) -> Path:
    """Change the pixels of an image in place."""
    with fits.open(path, mode="update", memmap=False) as hdus:
        change(hdus[0].data)
    return path


def test_a_point_source_is_where_it_was_put_and_as_bright(image, search) -> None:
    _, rows = search(image([(40.3, 61.7, 0.2)]), "--image-is", "uncorrected")
    assert len(rows) == 1
    assert abs(rows["x"][0] - 41.3) < 0.05  # FITS counts pixels from 1
    assert abs(rows["y"][0] - 62.7) < 0.05
    assert rows["peak_flux"][0] * rows["gain"][0] == pytest.approx(0.2, abs=3e-3)
    assert rows["snr"][0] == pytest.approx(200, rel=0.1)


def test_positions_are_on_the_sky(image, search) -> None:
    _, rows = search(image([(48 + 20, 48 + 30, 0.2)]))  # 20 pixels west, 30 north of (150, 2)
    assert (150 - rows["ra_deg"][0]) * 3600 == pytest.approx(2.0 / np.cos(np.radians(2.0)), abs=0.01)
    assert (rows["dec_deg"][0] - 2) * 3600 == pytest.approx(3.0, abs=0.01)


def test_right_ascension_never_leaves_the_circle(image, search) -> None:
    _, rows = search(image([(78, 48, 0.2), (18, 48, 0.2)], cards={"CRVAL1": 0.0}))
    assert sorted(rows["ra_deg"] > 180) == [False, True]
    assert ((rows["ra_deg"] >= 0) & (rows["ra_deg"] < 360)).all()


def test_the_errors_of_a_point_source_are_those_of_condon(image, search) -> None:
    """His equations 20, 21 and 41 for a point source in white noise smoothed over a 2^-1/2 of the beam, as this is.

    rho^2 = (1 + 1/2)^3 / 2 S/N^2; the relative error of the peak is (2 / rho^2)^1/2 = 1.089 / (S/N).
    """
    results, rows = search(image([(48, 48, 0.1)]))
    row = rows[0]
    assert results["noise_correlation_beams"] == pytest.approx(1, rel=0.1)
    assert row["e_ra_arcsec"] == pytest.approx(1.089 * BEAM_ARCSEC / 2.3548 / row["snr"], rel=0.05)
    assert row["e_dec_arcsec"] == pytest.approx(row["e_ra_arcsec"], rel=1e-3)
    assert row["e_peak_flux"] == pytest.approx(1.089 * RMS, rel=0.15)
    assert row["e_flux"] / row["flux"] == pytest.approx(1.089 * np.sqrt(2) / row["snr"], rel=0.1)


def test_the_flux_of_an_extended_source_is_its_integral(image, search) -> None:
    _, rows = search(image([(48, 48, 0.2)], widths=[1.5]))
    assert rows["flux"][0] == pytest.approx(0.2 * 1.5**2, rel=0.03)
    assert rows["major_arcsec"][0] == pytest.approx(1.5 * BEAM_ARCSEC, rel=0.03)


def test_an_elliptical_source_has_its_position_angle(image, search) -> None:
    """A row of three sources along the diagonal up and left, which is 45 degrees from north through east."""
    _, rows = search(image([(48 - 1.5, 48 + 1.5, 0.1), (48, 48, 0.1), (48 + 1.5, 48 - 1.5, 0.1)]))
    assert len(rows) == 1
    assert rows["pa_deg"][0] == pytest.approx(45, abs=3)
    assert rows["major_arcsec"][0] > 1.2 * rows["minor_arcsec"][0]


def test_a_neighbour_does_not_change_the_flux(image, search) -> None:
    _, rows = search(image([(40, 48, 0.2), (48, 48, 0.05)]))
    assert len(rows) == 2
    assert rows["peak_flux"][0] * rows["gain"][0] == pytest.approx(0.2, abs=4e-3)
    assert rows["peak_flux"][1] * rows["gain"][1] == pytest.approx(0.05, abs=4e-3)


def test_noise_alone_gives_an_empty_table(image, search) -> None:
    results, rows = search(image([]))
    assert len(rows) == 0
    assert results["n_sources"] == 0
    assert results["rms"] == pytest.approx(RMS, rel=0.1)
    assert rows.columns["peak_flux"].unit == "Jy/beam"


def test_a_corrected_image_is_searched_with_flat_noise(image, search, tmp_path: Path) -> None:
    """Noise grows fivefold towards the left border of the corrected image; nothing of it is a source."""
    gain = np.tile(np.linspace(0.2, 1.0, 96, dtype=np.float32), (96, 1))
    path = rewrite(image([(24, 48, 0.05)], name="J0000.image.pbcor.fits"), lambda data: np.divide(data, gain, out=data))
    fits.PrimaryHDU(gain).writeto(tmp_path / "J0000.pb.fits")
    results, rows = search(path, "--beam", str(tmp_path / "J0000.pb.fits"), "--snr", "4")
    assert len(rows) == 1
    assert rows["gain"][0] == pytest.approx(0.2 + 0.8 * 24 / 95, abs=0.01)
    assert rows["peak_flux"][0] == pytest.approx(0.05 / rows["gain"][0], rel=0.05)
    assert not results["gain_is_model"]


def test_without_a_primary_beam_the_gain_is_a_gaussian_of_113_lambda_over_d(image, search) -> None:
    """At 100 GHz and 12 m the half-power radius is 29.1 arcsec; with pixels of 1.5 arcsec that is 19.4 pixels."""
    wide = {"CDELT1": -1.5 / 3600, "CDELT2": 1.5 / 3600, "BMAJ": 7.5 / 3600, "BMIN": 7.5 / 3600}
    results, rows = search(image([(48 + 19.4, 48, 0.1)], cards=wide))
    assert results["gain_is_model"]
    assert rows["gain"][0] == pytest.approx(0.5, abs=0.03)
    assert rows["peak_flux"][0] == pytest.approx(0.2, rel=0.08)
    assert rows["flags"][0] & 4


def test_sources_of_low_gain_are_counted_and_cut(image, search) -> None:
    wide = {"CDELT1": -1.5 / 3600, "CDELT2": 1.5 / 3600, "BMAJ": 7.5 / 3600, "BMIN": 7.5 / 3600}
    results, rows = search(image([(48, 48, 0.1), (48 + 32, 48, 0.1)], cards=wide))
    assert (results["n_detected"], results["n_sources"], results["n_cut_gain"]) == (2, 1, 1)
    assert rows["gain"][0] > 0.9


def test_sources_at_the_border_are_cut(image, search) -> None:
    results, _ = search(image([(2, 48, 0.1), (48, 48, 0.1)]))
    assert (results["n_sources"], results["n_cut_edge"]) == (1, 1)


def test_sources_beside_missing_pixels_are_cut(image, search) -> None:
    def blank(data: np.ndarray) -> None:
        data[..., :, :40] = np.nan

    results, rows = search(rewrite(image([(42, 48, 0.1), (62, 48, 0.1)]), blank))
    assert results["n_cut_edge"] == 1
    assert rows["edge_beams"][0] == pytest.approx((62 - 39) / 5, abs=0.1)


def test_a_spike_of_one_pixel_is_no_source(image, search) -> None:
    def spike(data: np.ndarray) -> None:
        data[..., 30, 30] = 0.05

    results, rows = search(rewrite(image([(60, 60, 0.1)]), spike))
    assert len(rows) == 1
    assert results["n_cut_shape"] == 1


def test_what_is_far_fainter_than_the_brightest_source_is_a_sidelobe(image, search) -> None:
    path = image([(30, 30, 3.0), (70, 70, 0.01)])  # ten sigma, but 300 times fainter
    assert search(path)[0]["n_cut_sidelobe"] == 1
    assert search(path, "--max-dynamic-range", "400")[0]["n_cut_sidelobe"] == 0


def test_the_empty_channels_of_a_cube_are_left_out(image, search) -> None:
    def clear_first(data: np.ndarray) -> None:
        data[:, 0] = 0.0

    results, rows = search(rewrite(image([(48, 48, 0.1)], shape=(1, 5, 96, 96)), clear_first))
    assert results["channels"] == 4
    assert rows["peak_flux"][0] * rows["gain"][0] == pytest.approx(0.1, rel=0.05)
    assert rows["freq_ghz"][0] == pytest.approx(104.0)  # the third of five channels of 2 GHz from 100 GHz


def test_of_four_stokes_planes_the_first_is_searched(image, search) -> None:
    def spoil_others(data: np.ndarray) -> None:
        data[1:] = 9.0

    _, rows = search(rewrite(image([(48, 48, 0.1)], shape=(4, 1, 96, 96)), spoil_others))
    assert rows["peak_flux"][0] == pytest.approx(0.1, rel=0.05)


def test_stokes_may_stand_before_frequency(image, search) -> None:
    def spoil_others(data: np.ndarray) -> None:
        data[:, 1:] = 9.0

    swapped = {"CTYPE3": "STOKES", "CRVAL3": 1.0, "CDELT3": 1.0, "CTYPE4": "FREQ", "CRVAL4": 1e11, "CDELT4": 2e9}
    _, rows = search(rewrite(image([(48, 48, 0.1)], shape=(1, 4, 96, 96), cards=swapped), spoil_others))
    assert rows["peak_flux"][0] == pytest.approx(0.1, rel=0.05)
    assert rows["freq_ghz"][0] == pytest.approx(100.0)


def test_a_packed_image_gives_the_same_sources(image, search) -> None:
    path = image([(48, 48, 0.1)])
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert search(packed)[0] == search(path)[0]


def test_the_beam_of_a_cube_is_the_median_of_its_beams_table(image, search) -> None:
    path = image([(48, 48, 0.1)], shape=(1, 3, 96, 96), cards={"BMAJ": None, "BMIN": None, "BPA": None})
    values = {"BMAJ": [0.4, 0.5, 0.6], "BMIN": [0.4, 0.5, 0.6], "BPA": [0.0, 0.0, 0.0]}
    columns = [fits.Column(name, "E", array=np.array(value)) for name, value in values.items()]
    fits.append(path, fits.BinTableHDU.from_columns(columns).data, fits.Header({"EXTNAME": "BEAMS"}))
    assert search(path)[0]["beam_major_arcsec"] == pytest.approx(0.5)


def test_a_given_beam_is_used_only_where_the_header_has_none(image, search) -> None:
    path = image([(48, 48, 0.1)])
    assert search(path, "--beam-arcsec", "0.8")[0]["beam_major_arcsec"] == pytest.approx(0.5)
    bare = image([(48, 48, 0.1)], cards={"BMAJ": None})
    results, rows = search(bare, "--beam-arcsec", "0.5")
    assert results["beam_major_arcsec"] == pytest.approx(0.5)
    assert rows["flags"][0] & 8


@pytest.mark.parametrize(
    ("cards", "cause"),
    [
        ({"BMAJ": None}, "no beam"),
        ({"CTYPE1": "LINEAR", "CTYPE2": "LINEAR"}, "no celestial coordinates"),
        ({"CTYPE1": None, "CTYPE2": None}, "no celestial coordinates"),
        ({"BUNIT": "adu"}, "the unit is 'adu', which does not convert"),
        ({"BUNIT": None}, "no unit: the header has no BUNIT"),
        ({"TELESCOP": "VLA"}, "no dish to model one: TELESCOP is 'VLA'"),
        ({"CTYPE3": "VOPT", "CRVAL3": 0.0, "CUNIT3": "m/s"}, "no frequency"),
    ],
)
def test_a_header_that_lacks_something_is_said(image, search, find_sep: ModuleType, cards, cause: str) -> None:
    with pytest.raises(find_sep.finding.ImageError, match=cause):
        search(image([(48, 48, 0.1)], cards=cards))


@pytest.mark.parametrize(("value", "cause"), [(np.nan, "all pixels are NaN"), (0.0, "all pixels are exactly zero")])
def test_an_image_without_a_signal_is_said(image, search, find_sep: ModuleType, value: float, cause: str) -> None:
    with pytest.raises(find_sep.finding.ImageError, match=cause):
        search(rewrite(image([]), lambda data: data.fill(value)))


@pytest.mark.filterwarnings("ignore:File may have been truncated")
@pytest.mark.parametrize("packed", [False, True])
def test_a_truncated_image_is_said(image, search, find_sep: ModuleType, packed: bool) -> None:
    path = image([(48, 48, 0.1)])
    content = gzip.compress(path.read_bytes()) if packed else path.read_bytes()
    cut = path.with_name("cut.fits.gz" if packed else "cut.fits")
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(find_sep.finding.ImageError, match="cut off or damaged"):
        search(cut)


def test_a_primary_beam_on_another_grid_is_refused(image, search, find_sep: ModuleType, tmp_path: Path) -> None:
    fits.PrimaryHDU(np.ones((64, 64), np.float32)).writeto(tmp_path / "other.fits")
    with pytest.raises(find_sep.finding.ImageError, match="another grid"):
        search(image([(48, 48, 0.1)]), "--beam", str(tmp_path / "other.fits"))


def test_the_script_alone_writes_table_and_results(image, script: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(script), "--image", str(image([(48, 48, 0.1)]))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "stoa-result.json").read_text())["n_sources"] == 1
    assert len(fits.getdata(tmp_path / "sources.fits", 1)) == 1


def test_a_failure_ends_with_one_line_that_says_why(image, script: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(script), "--image", str(image([], cards={"BMAJ": None}))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImageError: no beam: the header has no BMAJ")
    assert not (tmp_path / "stoa-result.json").exists()
