"""What the shipped finders measure, on constructed images whose truth is known in closed form (tests/support/skies.py).

`benchmarks/science.py` has the same kinds with enough sources for a bias of a per cent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from finder_truth import FINDERS, program, scatter, shipped
from skies import PIXEL_ARCSEC, RMS, Beam, Sky, paired, spread

PROGRAMS = {"sextractor": "Debian package source-extractor", "aegean": "PyPI package AegeanTools"}
Search = Callable[..., tuple[dict[str, Any], Any]]


def searcher(name: str, module: ModuleType, folder: Path) -> Search:
    """`search(sky, "--snr", "7")` gives results and rows."""

    def search(sky: Sky, *options: str, **kinds: Any) -> tuple[dict[str, Any], Any]:
        out = folder / "sources.fits"
        words = [*sky.write(folder / "sky.fits", **kinds), "--out", str(out), *options]
        if name != "sep":
            words += ["--program", program(name)]
        results = module.search(module.arguments(words))
        return results, np.array(fits.getdata(out, 1))

    return search


@pytest.fixture
def sep(find_sep: ModuleType, tmp_path: Path) -> Search:
    return searcher("sep", find_sep, tmp_path)


@pytest.fixture(params=FINDERS)
def finder(request: pytest.FixtureRequest, require_service: Callable[..., None], tmp_path: Path) -> Iterator[Search]:
    if request.param in PROGRAMS:
        require_service(request.param, program(request.param), PROGRAMS[request.param])
    with shipped(f"find_{request.param}") as module:
        yield searcher(request.param, module, tmp_path)


def filled(size: float, level: float, seed: int, *, over: float = 1.0) -> Sky:
    """Sixteen sources of one size and signal to noise."""
    sky = Sky((400, 400)).add_noise(seed, correlated_over=over)
    for x, y in spread(sky.shape, 100, seed):
        sky.add(x, y, level * RMS, size)
    return sky


@pytest.mark.service
@pytest.mark.parametrize("size", [0.0, 1.0, 3.0])
@pytest.mark.filterwarnings("ignore")
def test_peak_and_flux_of_a_resolved_source_are_its_own(finder: Search, size: float) -> None:
    """Of 16 sources of 30 sigma the mean is known to 1 per cent; a fit of the beam would be 24 to 83 % too high."""
    sky = filled(size, 30, 5)
    _, rows = finder(sky)
    pairs = paired(rows, sky.sources, 6)
    assert all(row is not None for _, row in pairs)
    for name, column in (("peak", "peak_flux"), ("flux", "flux")):
        ratios = [row[column] / getattr(true, name) for true, row in pairs]
        assert abs(np.mean(ratios) - 1) < 0.03, name
    assert np.median([row["snr"] for _, row in pairs]) == pytest.approx(30, rel=0.08)


@pytest.mark.service
@pytest.mark.parametrize("size", [2.0, 3.0])
@pytest.mark.filterwarnings("ignore")
def test_a_faint_wide_source_is_one_with_all_of_its_flux(finder: Search, size: float) -> None:
    """Of 32 sources of 10 sigma; noise makes several summits on them, and taken apart they were 20 % too faint."""
    ratios, others = [], 0
    for seed in (31, 32):
        sky = filled(size, 10, seed)
        _, rows = finder(sky)
        pairs = paired(rows, sky.sources, 9)
        assert all(row is not None for _, row in pairs)
        ratios += [row["flux"] / true.flux for true, row in pairs]
        others += len(rows) - len(pairs)
    assert abs(np.mean(ratios) - 1) < 0.05
    assert others <= 1


@pytest.mark.service
@pytest.mark.filterwarnings("ignore")
def test_a_source_on_the_side_of_a_wide_one_stays_a_source(finder: Search) -> None:
    """Two beams from the middle of a source of three beams, and fainter than its top."""
    sky = Sky((400, 400)).add_noise(33)
    for i, (x, y) in enumerate(spread(sky.shape, 100, 33)):
        sky.add(x, y, 20 * RMS, 3.0)
        sky.add(x + 19 * np.cos(i), y + 19 * np.sin(i), 15 * RMS)
    _, rows = finder(sky)
    assert all(row is not None for _, row in paired(rows, sky.sources, 5))


@pytest.mark.service
@pytest.mark.filterwarnings("ignore")
def test_the_fits_may_be_those_of_aegean_itself(require_service: Callable[..., None], tmp_path: Path) -> None:
    require_service("aegean", program("aegean"), PROGRAMS["aegean"])
    sky = filled(0.0, 30, 5)
    with shipped("find_aegean") as module:
        search = searcher("aegean", module, tmp_path)
        (_, shared), (_, own) = search(sky), search(sky, "--fits", "aegean")
    assert len(shared) == len(own) == 16
    for true, row in paired(own, sky.sources, 6):
        assert row["flux"] == pytest.approx(true.flux, rel=0.25)
    assert not np.array_equal(shared["flux"], own["flux"])


@pytest.mark.service
@pytest.mark.parametrize("background", ["local", "bane"])
@pytest.mark.filterwarnings("ignore")
def test_aegean_finds_in_tiles_what_it_finds_at_once(
    background: str, require_service: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_service("aegean", program("aegean"), PROGRAMS["aegean"])
    sky = Sky((300, 200)).add_noise(5)
    for x, y in spread(sky.shape, 60, 5):
        sky.add(x, y, 30 * RMS)
    with shipped("find_aegean") as module:
        search = searcher("aegean", module, tmp_path)
        _, once = search(sky, "--background", background)
        monkeypatch.setattr(module, "TILE", 200)
        _, in_tiles = search(sky, "--background", background)
    assert len(in_tiles) == len(once) == len(sky.sources)
    for name in ("flux", "rms", "ra_deg", "dec_deg"):
        assert in_tiles[name] == pytest.approx(once[name], rel=1e-3), name


@pytest.mark.service
@pytest.mark.parametrize("kind", ["points", "resolved", "wide", "two depths", "correlated noise", "galactic"])
@pytest.mark.filterwarnings("ignore")
def test_the_three_finders_agree_within_their_errors(
    kind: str, require_service: Callable[..., None], tmp_path: Path
) -> None:
    """They see the same noise: what they make of one source differs by less than what the noise does to it.

    Aegean with its own fits, which share nothing with those of the other two.
    """
    size = {"resolved": 1.0, "wide": 2.0}.get(kind, 0.0)
    if kind == "two depths":
        rms = np.where(np.arange(400) < 200, RMS, 2 * RMS)[None, :] * np.ones((400, 1))
        sky = Sky((400, 400)).add_noise(6, rms)
        for x, y in spread(sky.shape, 100, 6):
            sky.add(x, y, 60 * RMS)
    else:
        sky = filled(size, 30, 6, over=np.sqrt(2) if kind == "correlated noise" else 1.0)
    if kind == "galactic":
        before = sky.header
        sky.header = lambda: before() | {"CTYPE1": "GLON-SIN", "CTYPE2": "GLAT-SIN"}  # type: ignore[method-assign]
    tables = []
    for name in FINDERS:
        if name in PROGRAMS:
            require_service(name, program(name), PROGRAMS[name])
        with shipped(f"find_{name}") as module:
            own = ("--fits", "aegean") if name == "aegean" else ()
            _, rows = searcher(name, module, tmp_path)(sky, *own)
        tables.append([row for _, row in paired(rows, sky.sources, 6)])
        assert all(row is not None for row in tables[-1]), name
    columns = (("peak_flux", "e_peak_flux", 1.0), ("flux", "e_flux", 1.0), ("ra_deg", "e_ra_arcsec", 3600.0))
    for column, error, scale in (*columns, ("dec_deg", "e_dec_arcsec", 3600.0)):
        for other in tables[1:]:
            apart = [scale * abs(a[column] - b[column]) / a[error] for a, b in zip(tables[0], other, strict=True)]
            assert np.median(apart) < 0.7, column
            assert max(apart) < 3, column


def test_the_flat_top_of_a_wide_faint_source_still_has_a_shape(sep: Search) -> None:
    """3 beams wide at 10 sigma: a window of one beam has too little slope for a fit, and a tenth of the flux."""
    for seed in (50, 52, 53):
        sky = filled(3.0, 10, seed)
        rows = [row for _, row in paired(sep(sky)[1], sky.sources, 12)]
        assert all(row is not None and not row["flags"] & 2 for row in rows)
        flux = np.array([row["flux"] for row in rows]) / sky.sources[0].flux
        assert (np.abs(flux - 1) < 0.45).all()  # errors of 8 per cent


@pytest.mark.parametrize("over", [1.0, np.sqrt(2)])
def test_residuals_are_as_large_as_their_errors_however_the_noise_is_correlated(sep: Search, over: float) -> None:
    pulls: dict[str, list[float]] = {"peak": [], "flux": [], "east": [], "north": []}
    for number, size in enumerate((0.0, 1.0, 2.0, 3.0)):
        sky = filled(size, 20, 50 + number, over=over)
        for true, row in paired(sep(sky)[1], sky.sources, 8):
            pulls["peak"].append((row["peak_flux"] - true.peak) / row["e_peak_flux"])
            pulls["flux"].append((row["flux"] - true.flux) / row["e_flux"])
            pulls["east"].append((row["x"] - 1 - true.x) * PIXEL_ARCSEC / row["e_ra_arcsec"])
            pulls["north"].append((row["y"] - 1 - true.y) * PIXEL_ARCSEC / row["e_dec_arcsec"])
    for name, values in pulls.items():
        assert len(values) == 64
        assert 0.7 < scatter(values) < 1.4, name  # of 64 it is known to 12 per cent


def test_the_size_without_the_beam_is_that_of_the_source(sep: Search) -> None:
    sky = filled(2.0, 50, 3)
    _, rows = sep(sky)
    assert np.median(rows["size_major_arcsec"]) == pytest.approx(2 * sky.beam.major * PIXEL_ARCSEC, rel=0.03)
    assert np.median(rows["size_minor_arcsec"]) == pytest.approx(2 * sky.beam.minor * PIXEL_ARCSEC, rel=0.03)
    assert np.median(rows["size_pa_deg"]) == pytest.approx(sky.beam.pa, abs=5)
    _, points = sep(filled(0.0, 50, 3))
    assert (points["size_minor_arcsec"] < 0.35 * sky.beam.minor * PIXEL_ARCSEC).all()


@pytest.mark.service
@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.filterwarnings("ignore")
def test_two_sources_at_12_beams_are_told_apart_or_marked(finder: Search, share: float) -> None:
    sky = Sky((300, 300), Beam(5.0, 5.0, 0.0)).add_noise(8)
    places = spread(sky.shape, 75, 4)
    for i, (x, y) in enumerate(places):
        sky.add(x, y, 30 * RMS).add(x + 6 * np.cos(i), y + 6 * np.sin(i), 30 * share * RMS)
    _, rows = finder(sky)
    for x, y in places:
        near = rows[np.hypot(rows["x"] - 1 - x, rows["y"] - 1 - y) < 10]
        assert len(near) == 2 or (len(near) == 1 and near["flags"][0] & (1 | 16))


def test_both_of_a_pair_have_their_fluxes(sep: Search) -> None:
    sky = Sky((120, 120), Beam(5.0, 5.0, 0.0)).add_noise(9)
    sky.add(60, 60, 0.1).add(66, 60, 0.03)
    _, rows = sep(sky)
    assert rows["peak_flux"] == pytest.approx([0.1, 0.03], abs=4e-3)
    assert rows["flags"].tolist() == [1, 1]


@pytest.mark.service
@pytest.mark.filterwarnings("ignore")
def test_noise_of_two_depths_makes_no_sources(finder: Search) -> None:
    """Noise of one number is right for neither half: 61 to 184 sources."""
    rms = np.where(np.arange(400) < 170, RMS, 4 * RMS)[None, :] * np.ones((400, 1))
    sky = Sky((400, 400)).add_noise(21, rms)
    for x in (60, 340):
        sky.add(x, 200, 40 * RMS)
    results, rows = finder(sky)
    assert len(rows) <= 4
    deep, shallow = (rows[np.abs(rows["x"] - 1 - x) < 2][0] for x in (60, 340))
    assert deep["rms"] == pytest.approx(RMS, rel=0.15)
    assert shallow["rms"] == pytest.approx(4 * RMS, rel=0.15)
    assert results["rms_most"] / results["rms_least"] == pytest.approx(4, rel=0.3)


@pytest.mark.filterwarnings("ignore")  # of the date that astropy adds to a header
def test_the_noise_of_each_place_is_beside_the_table(sep: Search, tmp_path: Path) -> None:
    rms = np.where(np.arange(400) < 200, RMS, 4 * RMS)[:, None] * np.ones((1, 400))
    sep(Sky((400, 400)).add_noise(3, rms))
    with fits.open(tmp_path / "sources.fits") as hdus:
        data, wcs = hdus["NOISE"].data, WCS(hdus["NOISE"].header)
        sky = WCS(fits.getheader(tmp_path / "sky.fits")).celestial
    for y, level in ((40, RMS), (360, 4 * RMS)):
        x_, y_ = wcs.world_to_pixel_values(*sky.pixel_to_world_values(200, y))
        assert data[round(float(y_)), round(float(x_))] == pytest.approx(level, rel=0.1)


def test_one_number_for_the_noise_is_still_to_be_had(sep: Search) -> None:
    rms = np.where(np.arange(400) < 170, RMS, 4 * RMS)[None, :] * np.ones((400, 1))
    results, rows = sep(Sky((400, 400)).add_noise(21, rms), "--noise-beams", "0")
    assert results["rms_least"] == results["rms_most"] == pytest.approx(results["rms"])
    assert len(rows) > 50


def test_noise_has_no_more_sources_than_its_peaks(sep: Search) -> None:
    """Nine images of 3600 beams: 0.1 peaks above 5 sigma are expected, at 4 sigma 6 to 7."""
    skies = [Sky((300, 300)).add_noise(seed) for seed in range(9)]
    assert sum(len(sep(sky)[1]) for sky in skies) <= 1
    four = sum(len(sep(sky, "--snr", "4")[1]) for sky in skies)
    beams = 9 * 288**2 / 30
    assert four < 1.7 * beams * 4 * np.log(2) / (2 * np.pi) ** 1.5 * 4 * np.exp(-8)


def test_the_inverted_image_says_how_many_are_false(sep: Search) -> None:
    sky = Sky((300, 300)).add_noise(3)
    sky.add(100, 100, 50 * RMS).add(200, 200, -50 * RMS)
    results, rows = sep(sky, "--inverted", "true")
    assert (len(rows), results["n_inverted"]) == (1, 1)
    assert "n_inverted" not in sep(sky)[0]


def test_a_faint_source_far_from_a_bright_one_is_no_sidelobe(sep: Search) -> None:
    sky = Sky((400, 400)).add_noise(2)
    sky.add(60, 60, 4.0).add(340, 340, 10 * RMS)  # 400 times fainter, 66 beams away
    assert len(sep(sky)[1]) == 2
    results, _ = sep(sky, "--sidelobe-beams", "100")
    assert results["n_cut_sidelobe"] == 1


def test_what_does_not_stand_above_its_ring_is_a_sidelobe(sep: Search) -> None:
    """A ring 6 beams round a bright source with 4 times the noise: its peaks are cut, though the ratio is below 200."""
    away = np.hypot(*(np.indices((300, 300)) - 150))
    sky = Sky((300, 300)).add_noise(2, np.where(np.abs(away - 36) < 8, 4 * RMS, RMS))
    sky.add(150, 150, 0.6)
    results, rows = sep(sky)
    assert len(rows) == 1
    assert results["n_cut_sidelobe"] > 5


def test_injected_sources_say_what_is_missed_and_boosted(sep: Search, tmp_path: Path) -> None:
    sky = Sky((300, 300)).add_noise(2).add(150, 150, 5.5 * RMS).add(60, 60, 50 * RMS)
    results, rows = sep(sky, "--inject", "400")
    assert results["n_injected"] == 400
    assert 5 < results["complete_snr"] < 8
    table = fits.getdata(tmp_path / "sources.fits", "COMPLETENESS")
    assert table["n_injected"].sum() == 400
    assert (table["completeness"][table["snr_high"] < 4] < 0.2).all()
    assert (table["completeness"][table["snr_low"] > 8] > 0.95).all()
    assert (
        (table["completeness_low"] <= table["completeness"]) & (table["completeness"] <= table["completeness_high"])
    ).all()
    faint, bright = rows[np.argsort(rows["snr"])][[0, -1]]
    assert 0.8 < faint["deboost"] < 1
    assert bright["deboost"] == 1


def test_without_injected_sources_the_boost_is_not_known(sep: Search) -> None:
    _, rows = sep(filled(0.0, 30, 1))
    assert np.isnan(rows["deboost"]).all()


def test_what_is_wrong_with_all_fluxes_alike_is_in_no_error(sep: Search) -> None:
    """The frequency is 100 GHz, band 3: 5 per cent; a position is known to a twentieth of a beam."""
    sky = filled(0.0, 30, 1)
    _, rows = sep(sky)
    assert rows["e_flux_scale"] == pytest.approx(0.05 * rows["flux"])
    assert rows["e_position_floor_arcsec"] == pytest.approx(0.05 * np.sqrt(30) * PIXEL_ARCSEC)
    assert set(rows["band"]) == {b"3"}
    _, other = sep(sky, "--flux-scale", "7", "--position-floor-beams", "0")
    assert other["e_flux_scale"] == pytest.approx(0.07 * rows["flux"])
    assert (other["e_position_floor_arcsec"] == 0).all()
    assert other["e_flux"] == pytest.approx(rows["e_flux"])


def test_a_flux_scale_that_is_no_number_is_refused(sep: Search, find_sep: ModuleType) -> None:
    with pytest.raises(find_sep.finding.FindingError, match="'6:ten' is no BAND:PERCENT"):
        sep(filled(0.0, 30, 1), "--flux-scale", "3:5 6:ten")


def test_a_row_says_with_which_beam_and_when(sep: Search) -> None:
    sky = filled(0.0, 30, 1)
    _, rows = sep(sky)
    assert set(rows["date_obs"]) == {b"2019-08-07T20:33:12.6"}
    assert rows["beam_major_arcsec"] == pytest.approx(0.6)
    assert rows["beam_minor_arcsec"] == pytest.approx(0.5)
    assert rows["beam_pa_deg"] == pytest.approx(30, abs=0.1)
    assert set(rows["channel"]) == {0}


@pytest.fixture
def cube(tmp_path: Path) -> list[str]:
    """A cube of four channels of 2 GHz from 100 GHz: a source in all, one in the third alone; the second is noisy."""
    planes = []
    for channel in range(4):
        sky = Sky((160, 160)).add_noise(70 + channel, 2 * RMS if channel == 1 else RMS).add(50, 50, 40 * RMS)
        if channel == 2:
            sky.add(110, 100, 40 * RMS)
        planes.append(sky.data)
    words = sky.write(tmp_path / "cube.fits")
    with fits.open(tmp_path / "cube.fits", mode="update") as hdus:
        hdus[0].data = np.array(planes, dtype=np.float32)[None]
    return [*words, "--out", str(tmp_path / "sources.fits")]


def test_each_channel_of_a_cube_is_searched_on_request(find_sep: ModuleType, cube: list[str], tmp_path: Path) -> None:
    results = find_sep.search(find_sep.arguments([*cube, "--cube", "channels"]))
    rows = fits.getdata(tmp_path / "sources.fits", 1)
    assert results["channels"] == 4
    assert sorted(rows["channel"]) == [1, 2, 3, 3, 4]
    assert set(np.round(rows["freq_ghz"] - 98 - 2 * rows["channel"], 6)) == {0.0}
    assert rows["peak_flux"] == pytest.approx(40 * RMS, rel=0.15)
    (noisy,) = rows[rows["channel"] == 2]
    assert noisy["rms"] == pytest.approx(2 * RMS, rel=0.15)


def test_a_range_of_channels_is_averaged(find_sep: ModuleType, cube: list[str], tmp_path: Path) -> None:
    results = find_sep.search(find_sep.arguments([*cube, "--channels", "3:4"]))
    rows = fits.getdata(tmp_path / "sources.fits", 1)
    assert results["channels"] == 2
    assert results["rms"] == pytest.approx(RMS / np.sqrt(2), rel=0.1)
    assert sorted(rows["peak_flux"] / RMS) == pytest.approx([20, 40], rel=0.1)


@pytest.mark.parametrize("words", ["5", "0:2", "3:2", "1:9", "a"])
def test_channels_that_are_not_there_are_refused(find_sep: ModuleType, cube: list[str], words: str) -> None:
    with pytest.raises(find_sep.finding.ImageError, match="channels"):
        find_sep.search(find_sep.arguments([*cube, "--channels", words]))


def test_too_little_memory_is_told_with_the_limit(find_sep: ModuleType, cube: list[str], monkeypatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(find_sep.finding.resource, "getrlimit", lambda _: (2_000_000_000, -1))
    with pytest.raises(SystemExit, match="MemoryError: .* more than the 2 GB .*`memory` of the process"):
        find_sep.finding.main(find_sep.arguments(cube), full)


def test_so_is_that_of_a_program_that_a_finder_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "aegean"
    program.write_text("#!/bin/sh\necho 'ArrayMemoryError: Unable to allocate 256. MiB'\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    with shipped("programs") as programs, pytest.raises(MemoryError):
        programs.run_program([str(program)])
    assert "Unable to allocate" in capsys.readouterr().out
