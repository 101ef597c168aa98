"""Chance: three people, git by hand, kills and full disks; nothing that was told as ended or committed is lost.

``STOA_CHAOS_S=3600`` goes on for an hour, ``STOA_CHAOS_SEED`` chooses other steps.
"""

from __future__ import annotations

import os
import subprocess
import time

import pytest
from chaos import Chaos

SECONDS = float(os.environ.get("STOA_CHAOS_S", "0"))
SEED = os.environ.get("STOA_CHAOS_SEED", "a")
STEPS = 200


@pytest.fixture
def chaos(tmp_path):
    made = Chaos(tmp_path, SEED)
    yield made
    made.close()


@pytest.mark.timeout(max(600, 2 * SECONDS))
def test_whatever_is_done_by_hand_nothing_that_was_told_is_lost(chaos):
    end = time.monotonic() + SECONDS
    steps = 0
    while steps < STEPS or time.monotonic() < end:
        chaos.step()
        steps += 1
        assert not chaos.crashes, chaos.crashes
        if steps % STEPS == 0:
            chaos.recover()
            assert chaos.missing() == [], "\n".join(chaos.said[-STEPS:])
    assert len(chaos.outcomes) > STEPS / 4
    assert len(chaos.reviews) > STEPS / 20
    for number, person in enumerate(chaos.people):
        done = subprocess.run(
            ["git", "fsck", "--connectivity-only", "--no-dangling"], cwd=person.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        _, lines = chaos.stoa(number, "fsck")
        findings = [line for line in lines if line.startswith("finding")]
        assert all("removed" in line or "gone" in line for line in findings), findings
