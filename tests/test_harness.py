"""The fixtures themselves: a wrong one would make other tests pass."""

from __future__ import annotations

import os
from pathlib import Path

import home_guard
import numpy as np
import pytest
from alma_archive import HWHM_PIX, PEAK_JY


def test_the_real_home_cannot_be_touched():
    home = home_guard.real_home()
    if home == Path("/"):
        pytest.skip("this account has no home folder")
    with pytest.raises(home_guard.HomeTouchedError, match=r"open of .*\.gitconfig"):
        (home / ".gitconfig").read_text(encoding="utf-8")


def test_home_is_a_temporary_folder():
    assert Path.home().name.startswith("stoa-test-home-")
    assert Path("~").expanduser() == Path.home() == Path(os.environ["HOME"])


def test_git_knows_the_test_astronomer_alone(git, tmp_path):
    listed = git(tmp_path, "config", "--list", "--show-origin").splitlines()
    assert {line.split("\t")[0] for line in listed} == {f"file:{Path.home()}/.gitconfig"}
    assert git(tmp_path, "config", "user.name") == "Test Astronomer\n"


def test_variables_of_the_caller_that_would_interfere_are_found():
    assert home_guard.strays({"GIT_DIR": "x", "STOA_JOBS": "3", "EDITOR": "vi", "PATH": "/bin"}) == [
        "GIT_DIR",
        "STOA_JOBS",
        "EDITOR",
    ]


def test_the_repository_has_one_commit_on_main(git, repo):
    assert git(repo, "log", "--format=%an %s", "main") == "Test Astronomer First commit\n"
    assert git(repo, "status", "--porcelain") == ""


def test_a_missing_service_skips_or_fails(monkeypatch, require_service):
    monkeypatch.setenv("STOA_REQUIRE_SERVICES", "0")
    with pytest.raises(pytest.skip.Exception, match="sshd: no openssh-server"):
        require_service("sshd", None, "no openssh-server")
    monkeypatch.setenv("STOA_REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="sshd is required here: no openssh-server"):
        require_service("sshd", None, "no openssh-server")


def test_sources_stand_where_the_archive_says(archive):
    from astropy.io import fits
    from astropy.wcs import WCS

    made = archive(1)
    (image,) = made.folder(0).glob("*.pbcor.fits")
    pixels, header = fits.getdata(image)[0, 0], fits.getheader(image)
    for source in made.folders[0].sources:
        x, y = WCS(header, fix=False).celestial.wcs_world2pix(source.ra_deg, source.dec_deg, 0)
        assert (float(x), float(y)) == pytest.approx((source.x, source.y), abs=0.01)
        assert pixels[source.y, source.x] == pytest.approx(PEAK_JY, abs=0.01)


def test_the_primary_beam_is_one_in_the_middle_and_a_half_at_its_radius(archive):
    from astropy.io import fits

    (beam,) = archive(1, size=128).folder(0).glob("*.pb.fits.gz")
    gain = fits.getdata(beam)[0, 0]
    assert gain[64, 64] == 1
    assert gain[64, 64 + int(HWHM_PIX)] == pytest.approx(0.5)


def test_defects_are_planted_and_nowhere_else(archive):
    made = archive(5, {1: "truncated", 2: "zero bytes", 3: "empty", 4: "no primary beam"})
    sizes = [sorted(file.stat().st_size for file in made.folder(n).glob("*.pbcor.fits")) for n in range(5)]
    whole = sizes[0][0]
    assert sizes == [[whole], [whole // 2], [0], [], [whole]]
    assert [len(list(made.folder(n).glob("*.pb.fits.gz"))) for n in range(5)] == [1, 1, 1, 0, 0]


def test_a_dead_field_is_nothing_but_nan(archive):
    from astropy.io import fits

    (image,) = archive(1, {0: "NaN"}).folder(0).glob("*.pbcor.fits")
    assert np.isnan(fits.getdata(image)).all()


def test_the_example_archive_has_its_empty_folders(example_archive):
    folders = (example_archive / "folders.csv").read_text(encoding="utf-8").splitlines()[1:]
    products = list(example_archive.glob("*/science_goal*/group*/member*/product*"))
    assert len(products) == len(folders) == 24
    assert sum(not any(folder.iterdir()) for folder in products) == 1
