"""What a power cut leaves: everything that was acknowledged is on disk by then."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable

import pytest
from crash_site import EXPECTED, Killed, Site, check_tidy, check_truth, understood
from loop_disk import Disk, shell

CUTS = int(os.environ.get("STOA_KILLS", "1"))


def test_a_file_is_on_disk_before_it_has_its_name_and_all_is_when_a_commit_is_acknowledged(site):
    said = site.drive(verb="run", ledger=True)
    assert said.code == 0, said.errors
    assert said.commits
    assert said.unsynced == []


def test_a_missing_fsync_would_be_noticed(site):
    assert site.drive(verb="run", ledger=True, broken="fsync").unsynced


def test_a_rename_that_is_not_atomic_would_be_noticed(site):
    said = site.drive(verb="run", broken="replace")
    assert said.was_killed
    with pytest.raises(AssertionError):
        check_truth(site, said)


@pytest.fixture
def power_cut(disk: Disk, pristine_site: Site) -> Callable[..., tuple[Site, Killed]]:
    """Runs STOA on a disk and cuts the power when some commits were acknowledged; the site as it is then."""

    def run(commits: int, moment: float, **words: object) -> tuple[Site, Killed]:
        site = pristine_site.copy(disk.place / "project")
        shell("sync", "-f", site.top)
        process = site.start(verb="run", durable=True, **words)
        lines = []
        while sum(line.startswith("commit") for line in lines) < commits and (line := process.stdout.readline()):
            lines.append(line)
        time.sleep(moment)
        os.killpg(process.pid, signal.SIGSTOP)
        os.set_blocking(process.stdout.fileno(), False)
        lines += process.stdout.readlines()
        after = disk.cut()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        said = understood(-9, "".join(lines))
        # What is acknowledged as durable is what the journal has synced and what a commit holds.
        said.outcomes = said.durable
        return Site(after / "project"), said

    return run


@pytest.mark.parametrize("cut", range(CUTS))
def test_nothing_acknowledged_is_lost_by_a_power_cut(power_cut, cut):
    chance = random.Random(f"cut{cut}")
    site, said = power_cut(chance.randint(0, 4), chance.uniform(0.0, 0.2))
    check_truth(site, said)


def test_a_sync_that_was_acknowledged_survives_a_power_cut(disk, shared):
    site = Site(shutil.copytree(shared, disk.place / "shared", symlinks=True) / "site")
    shell("sync", "-f", site.top)
    process = site.start(verb="sync")
    said = process.stdout.readline()
    os.killpg(process.pid, signal.SIGSTOP)
    after = Site(disk.cut() / "shared" / "site")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert said.split()[1:] == [after.git("rev-parse", "HEAD").strip()]
    check_tidy(after)
    assert len(after.records()) == len(EXPECTED)
    after.git("fsck", "--strict", "--no-dangling")
    assert "a colleague was here" in after.git("log", "--format=%s")


def test_a_power_cut_without_fsync_would_be_noticed(power_cut):
    site, said = power_cut(2, 0.0, broken="fsync")
    assert said.commits
    with pytest.raises(AssertionError):
        check_truth(site, said)
