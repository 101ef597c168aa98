"""STOA killed at random steps of everything it does; no one repairs anything, and the next commands show the truth.

`STOA_KILLS=20 pytest -n 2 tests/crash` kills twenty times at each point; without the variable it is once. The kills of
a point are the same each time; `STOA_KILLS_SEED` gives others.
"""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Callable

import pytest
from crash_driver import REGIONS
from crash_site import EXPECTED, Killed, Site, check_acknowledged, check_tidy, check_truth

KILLS = int(os.environ.get("STOA_KILLS", "1"))
SEED = os.environ.get("STOA_KILLS_SEED", "")
OF_A_SYNC = ("fetch", "merge", "push")
OF_A_RUN = [name for name in REGIONS if name not in (*OF_A_SYNC, "recover")]

times = pytest.mark.parametrize("kill", range(KILLS))


def chance_of(point: str, kill: int) -> random.Random:
    return random.Random(f"{SEED}{point}{kill}")


@pytest.fixture(scope="session")
def steps(pristine_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, int]]:
    """How many steps each region of a verb has, when no one kills it."""

    @functools.cache
    def count(verb: str, source: Site) -> dict[str, int]:
        said = source.copy(tmp_path_factory.mktemp("count") / "site").drive(verb=verb, count=True)
        assert said.code == 0, said.errors
        return said.counts

    return count


@times
@pytest.mark.parametrize("point", [*OF_A_RUN, "anything"])
def test_a_run_killed_at_any_step(site, pristine_site, steps, point, kill):
    chance = chance_of(point, kill)
    step = chance.randint(1, steps("run", pristine_site)[point])
    check_truth(site, site.drive(verb="run", region=point, step=step, seed=chance.random()))


@times
def test_a_run_killed_at_any_moment_with_its_git(site, kill):
    said = site.drive(verb="run", region="anything", moment=chance_of("moment", kill).uniform(0.0, 0.5))
    check_truth(site, said)


@times
def test_a_recovery_killed_at_any_step_is_done_by_the_next_one(cut_off, tmp_path, steps, kill):
    chance = chance_of("recover", kill)
    source, before = cut_off
    site = source.copy(tmp_path / "site")
    step = chance.randint(1, steps("heal", source)["recover"])
    site.drive(verb="heal", region="recover", step=step, seed=chance.random())
    check_truth(site, before)


@times
def test_git_killed_while_stoa_lives(site, kill):
    said = site.drive(verb="run", kill="git", seed=chance_of("git", kill).random())
    assert said.code == 0, said.errors
    assert said.outcomes == EXPECTED
    check_truth(site, said)


@times
def test_a_job_killed_by_somebody_is_killed_in_the_record(site, kill):
    said = site.drive(verb="run", kill="job", seed=chance_of("job", kill).random())
    assert said.code == 0, said.errors
    (victim,) = said.victims
    assert said.outcomes == EXPECTED | {victim: said.outcomes[victim]}
    assert said.outcomes[victim] in ("killed", EXPECTED[victim])  # it may have been quicker
    check_truth(site, said, said.outcomes)


@times
@pytest.mark.parametrize("point", OF_A_SYNC)
def test_a_sync_killed_at_any_moment_with_its_git(shared_site, point, kill):
    site = shared_site()
    said = site.drive(verb="sync", region=point, moment=chance_of(point, kill).uniform(0.0, 0.06))
    check_shared(site, said)


def check_shared(site: Site, said: Killed) -> None:
    """The next sync completes what the killed one began.

    On a hub on the same disk the kill may have met the hub's git as well. Its lock is not ours to remove: it is named.
    """
    for lock in (site.top.parent / "hub.git").rglob("*.lock"):
        assert f"rm {lock}" in site.start_stoa("sync").communicate(timeout=120)[1]
        lock.unlink()
    site.stoa("sync")
    check_acknowledged(site, said, EXPECTED)
    check_tidy(site)
    head = site.git("rev-parse", "HEAD")
    assert site.git("ls-remote", "origin", "refs/heads/main").split()[0] == head.strip()
    assert "a colleague was here" in site.git("log", "--format=%s")
    assert len(site.records()) == len(EXPECTED)
