"""Disks that are full, read-only or without locks: what was acknowledged stays, and what is to be done is said."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from crash_site import EXPECTED, Site, check_complete, check_truth, shown_states
from loop_disk import Disk

TIMES = int(os.environ.get("STOA_KILLS", "1"))


@pytest.fixture
def site_on_disk(disk: Disk, pristine_site: Site, tmp_path: Path) -> Site:
    """The project on a disk of its own; products are elsewhere."""
    site = pristine_site.copy(disk.place / "project")
    site.stoa("root", "add", "products", str(tmp_path / "products"))
    return site


@pytest.mark.parametrize("time", range(2 * TIMES))
def test_a_disk_that_fills_up_during_a_run_loses_nothing(disk, site_on_disk, time):
    disk.fill(random.Random(f"full{time}").choice([0, 4, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200]))
    said = site_on_disk.drive(verb="run")
    site_on_disk.stoa("status")
    disk.empty()
    check_truth(site_on_disk, said)


def test_a_full_disk_is_named(disk, site_on_disk):
    disk.fill(0)
    done = site_on_disk.start_stoa("run", "mixed")
    out, err = done.communicate()
    assert (done.returncode, out) == (1, "")
    assert "No space left on device" in err
    assert "hint: " in err
    assert "Traceback" not in err


def test_on_a_read_only_disk_everything_can_be_looked_at_and_nothing_begun(disk, site_on_disk):
    site_on_disk.stoa("run", "mixed", code=3)
    for place in (site_on_disk.top / ".stoa/cache").iterdir():
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    before = site_on_disk.git("rev-parse", "HEAD")
    disk.writable(writable=False)
    assert shown_states(site_on_disk.told("status")) == EXPECTED
    site_on_disk.stoa("show", "t01")
    site_on_disk.stoa("fsck")
    for words in (("run", "mixed", "--force"), ("flag", "t01", "--reason", "artefacts")):
        done = site_on_disk.start_stoa(*words)
        err = done.communicate()[1]
        assert done.returncode == 1
        assert "Read-only file system" in err
        assert "Traceback" not in err
    remarks = site_on_disk.told("doctor", code=1)
    bad = {remark["what"]: remark["message"] for remark in remarks if not remark["fine"]}
    assert "Read-only file system" in bad["spool"]
    assert "file system" not in bad
    disk.writable(writable=True)
    assert site_on_disk.git("rev-parse", "HEAD") == before
    check_complete(site_on_disk, EXPECTED)


def test_a_run_that_was_cut_off_is_shown_on_a_read_only_disk_and_put_into_git_later(disk, site_on_disk):
    said = site_on_disk.drive(verb="run", region="journal", step=40)
    disk.writable(writable=False)
    status = site_on_disk.told("status")
    assert [row["state"] for row in status["live"]] == ["cut off"]
    assert "not in git yet" in status["hindered"]
    assert "Read-only file system" in status["hindered"]
    disk.writable(writable=True)
    check_truth(site_on_disk, said)


def test_without_flock_a_run_is_committed_all_the_same(site):
    said = site.drive(verb="run", no_locks=True)
    assert said.code == 0, said.errors
    check_truth(site, said)


@pytest.mark.parametrize("time", range(TIMES))
def test_without_flock_a_run_that_was_cut_off_is_put_into_git(site, time):
    step = random.Random(f"no locks{time}").randint(10, 70)
    said = site.drive(verb="run", region="journal", step=step, no_locks=True)
    assert said.was_killed
    healed = site.drive(verb="heal", no_locks=True)
    assert healed.code == 0, healed.errors
    check_truth(site, said)
