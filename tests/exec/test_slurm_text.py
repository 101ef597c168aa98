"""What is said to Slurm and what it answers, as text."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from stoa.exec.cluster.remote import Loss
from stoa.exec.cluster.slurm import (
    ALIVE,
    REASONS,
    Element,
    Submission,
    batch_script,
    by_chunk,
    losses,
    read_sacct,
    read_squeue,
    sbatch_command,
    squeue_command,
    walltime_text,
)
from stoa.model import Status
from stoa.project import SlurmSettings

FOLDER = Path("/shared/it's here/chunks")

# slurm 22.05: an array of five of which the last three were cancelled while they waited, and one of another run.
SQUEUE = """\
stoa-r-0|N/A|CANCELLED|1
stoa-r-0|0|RUNNING|1
stoa-r-0|1|COMPLETED|1
stoa-other-0|4|PENDING|7
slurmstepd: error: something
"""
SACCT = """\
stoa-r-0|41_0|COMPLETED
stoa-r-0|41_1|CANCELLED by 1000
stoa-r-0|41_2|OUT_OF_MEMORY
stoa-r-1|42_0|NODE_FAIL
stoa-r-0|41_[3-4]|PENDING
"""


def submission(**fields: object) -> Submission:
    given = {"run": "r", "chunks": 5, "most_elements": 1000, "at_once": 1, "settle_s": 0.0, "time": 0.0}
    return Submission(**(given | fields))


def test_a_plain_submission():
    words = sbatch_command(SlurmSettings(), "stoa-r-0", 5, 0, Path("/c"))
    assert words == [
        "sbatch", "--parsable", "--no-requeue", "--job-name=stoa-r-0", "--array=0-4", "--nodes=1", "--ntasks=1",
        "--cpus-per-task=1", "--chdir=/c", "--output=/c/%A_%a.log", "--signal=B:USR1@60",
    ]  # fmt: skip


def test_a_submission_with_every_setting():
    settings = SlurmSettings(
        partition="short", account="alma", walltime_s=5400.0, cpus=4, options=("--mem=4G", "--exclude=node7")
    )
    words = sbatch_command(settings, "stoa-r-0", 1000, 20, Path("/c"))
    assert {"--array=0-999%20", "--partition=short", "--account=alma", "--time=0-01:30:00", "--cpus-per-task=4"} < set(
        words
    )
    assert words[-2:] == ["--mem=4G", "--exclude=node7"]
    assert not [word for word in words if word.startswith("--signal")]


@pytest.mark.parametrize(
    ("seconds", "text"), [(1, "0-00:01:00"), (61, "0-00:02:00"), (7200, "0-02:00:00"), (90061, "1-01:02:00")]
)
def test_a_walltime_is_rounded_up_to_minutes(seconds, text):
    assert walltime_text(seconds) == text


def test_the_script_starts_the_worker_of_the_right_chunk(tmp_path):
    printer = tmp_path / "a python"
    printer.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    printer.chmod(0o755)
    script = batch_script(SlurmSettings(python=str(printer), cpus=2, walltime_s=60), FOLDER, 2000)
    done = subprocess.run(
        ["sh"], input=script, env=os.environ | {"SLURM_ARRAY_TASK_ID": "7"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "-P", "-m", "stoa.exec.cluster.worker", str(FOLDER), "2007", "--at-once", "2", "--walltime", "60"
    ]  # fmt: skip


def test_the_queue_is_asked_once_for_all_arrays():
    assert "--name=stoa-r-0,stoa-r-1" in squeue_command(submission(chunks=4, most_elements=2).names)


def test_the_queue_is_read_with_what_was_cancelled_as_a_whole():
    found = by_chunk(submission(), read_squeue(SQUEUE))
    assert {number: element.state for number, element in found.items()} == {
        0: "RUNNING", 1: "COMPLETED", 2: "CANCELLED", 3: "CANCELLED", 4: "CANCELLED"
    }  # fmt: skip


def test_the_accounts_are_read():
    found = read_sacct(SACCT)
    assert [(e.array, e.index, e.state, e.job) for e in found] == [
        ("stoa-r-0", 0, "COMPLETED", "41"), ("stoa-r-0", 1, "CANCELLED", "41"),
        ("stoa-r-0", 2, "OUT_OF_MEMORY", "41"), ("stoa-r-1", 0, "NODE_FAIL", "42"),
    ]  # fmt: skip
    assert set(by_chunk(submission(chunks=1500), found)) == {0, 1, 2, 1000}


@pytest.mark.parametrize("text", ["", "\n\n", "a|b", "stoa-r-0|x|RUNNING|1", "|||"])
def test_other_text_is_nothing(text):
    assert read_squeue(text) == []
    assert read_sacct(text) == []


@pytest.mark.parametrize("state", sorted(ALIVE))
def test_what_may_still_end_is_not_lost(state, tmp_path):
    assert losses(submission(chunks=1), tmp_path, [Element("stoa-r-0", 0, state, "9")], {0}) == {}


@pytest.mark.parametrize("state", sorted(REASONS))
def test_every_final_state_has_its_words(state, tmp_path):
    found = losses(submission(chunks=1), tmp_path, [Element("stoa-r-0", 0, state, "9")], {0})
    assert "slurm 9_0" in found[0].cause
    assert found[0].running is (Status.KILLED if state == "OUT_OF_MEMORY" else Status.INTERRUPTED)
    assert found[0].had_its_time is (state == "TIMEOUT")


def test_what_the_queue_has_forgotten_is_lost_when_files_had_time_to_appear(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # no sacct
    patient = submission(chunks=1, settle_s=100.0)
    assert losses(patient, tmp_path, [], {0}) == {}
    mark = tmp_path / "00000.gone"
    os.utime(mark, (time.time() - 200, time.time() - 200))
    assert losses(patient, tmp_path, [], {0}) == {
        0: Loss("its Slurm job is gone without an outcome (its node was lost, or its worker killed)")
    }


def test_an_element_that_comes_back_was_not_lost(tmp_path):
    patient = submission(chunks=1, settle_s=100.0)
    losses(patient, tmp_path, [], {0})
    losses(patient, tmp_path, [Element("stoa-r-0", 0, "RUNNING", "9")], {0})
    assert not (tmp_path / "00000.gone").exists()


def test_a_fake_sacct_gives_the_reason_that_the_queue_has_forgotten(tmp_path, monkeypatch):
    sacct = tmp_path / "sacct"
    sacct.write_text("#!/bin/sh\necho 'stoa-r-0|41_0|TIMEOUT'\n")
    sacct.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert losses(submission(chunks=1), tmp_path, [], {0})[0].cause == "the walltime of slurm 41_0 was over"
