"""Clones that are not as usual: with runs in the spool of an earlier version, with paths of a machine in values."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from slow_jobs import SLOW


def test_a_run_in_the_spool_of_an_earlier_version_is_put_into_git(survey):
    survey.does("a", SLOW)
    process = survey.start("run", "measure", "-j", "1")
    try:
        spool = survey.top / ".git/stoa/spool"
        for _ in range(300):
            runs = list(spool.glob("2*"))
            if runs and (survey.top / "products/measure").exists():
                break
            subprocess.run(["sleep", "0.1"], check=True)
    finally:
        process.kill()
        process.communicate()
    (run,) = spool.glob("2*")
    (survey.top / ".stoa/spool").mkdir()
    shutil.move(run, survey.top / ".stoa/spool" / run.name)
    survey("status")
    survey("stop")
    survey("status")
    assert run.name in {row["run"] for row in survey.json("runs")}
    assert not (survey.top / ".stoa/spool" / run.name).exists()
    survey.ok("fsck")


@pytest.mark.parametrize("path", ["/data/me/table.vot", "~/bin/finder"])
def test_a_value_that_is_a_path_of_this_machine_is_named(survey, path):
    survey.edit(".stoa/processes/measure.yaml", "outputs:", '  table: {type: str, default: ""}\noutputs:')
    survey.git("commit", "-qam", "table")
    words = f"parameter 'table' is a path of this machine ({path}), and goes to the collaborators"
    assert words in survey("run", "measure", "--set", f"table={path}", "--target", "a").stderr
    assert words in survey("params", "new", "measure@mine", "--set", f"table={path}").stderr
    assert "path of this machine" not in survey("run", "measure", "--set", "snr=7", "--target", "a").stderr
