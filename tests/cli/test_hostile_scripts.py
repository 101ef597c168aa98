"""Scripts that mean harm, run on this machine by the real command, and the record that each leaves."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from survey import Survey

OUTPUT_MB = int(os.environ.get("HOSTILE_OUTPUT_MB", "30"))
"""How much the script prints that prints much; 5000 was tried by hand."""


def outcomes(survey: Survey) -> dict[str, dict]:
    (run,) = survey.runs()
    lines = survey.committed(f".stoa/runs/{run}/outcomes-0000.yaml").splitlines()
    return {found["target"]: found for found in (json.loads(line[2:]) for line in lines)}


def test_a_script_that_kills_its_parent_is_found_interrupted_by_the_next_command(survey):
    survey.does("a", "kill -KILL $PPID; sleep 300")
    process = survey.start("run", "measure", "-j", "1")
    process.communicate(timeout=120)
    assert process.returncode == -9
    survey("stop")  # ends the script, which continued without its parent
    survey.ok("status")
    assert outcomes(survey)["a"]["status"] == "interrupted"
    survey.does("a", "true")
    assert survey.json("run", "measure")["counts"] == {"ok": 3}


def test_a_script_that_prints_much_keeps_it_on_disk_and_its_ends_in_the_record(survey):
    survey.does("a", f"head -c {OUTPUT_MB}000000 /dev/zero | tr '\\0' 'x'; echo; echo the end; exit 3")
    report = survey.json("run", "measure", "--target", "a")
    assert report["counts"] == {"failed": 1}
    found = outcomes(survey)["a"]
    assert len(found["log"]) < 50_000
    assert found["log"].endswith("the end\n")
    place = survey.top / found["place"].replace("products:", "products/", 1)
    assert (place / "stoa-log.txt").stat().st_size == OUTPUT_MB * 1_000_000 + len("\nthe end\n")


def test_a_daemon_that_a_script_starts_is_ended_and_counted(survey):
    survey.does("a", "(setsid sh -c 'echo $$ > daemon; trap \"\" TERM; while :; do sleep 1; done' &)\nsleep 1")
    survey.ok("run", "measure", "--target", "a")
    found = outcomes(survey)["a"]
    assert found["status"] == "ok"
    assert found["left_running"] >= 1
    pid = int((survey.top / found["place"].replace("products:", "products/", 1) / "daemon").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_terminal_escapes_are_written_out_wherever_they_are_shown(survey):
    survey.does("a", r"printf 'ERROR: \033]0;owned\007\033[31mred\n'; exit 1")
    survey("run", "measure", "--target", "a")
    for words in (("status",), ("show", "a"), ("log", "a"), ("why", "measure", "a")):
        assert "\x1b" not in survey(*words).output, words
    assert outcomes(survey)["a"]["cause"] == "ERROR: red", "colours and titles are not part of a cause"


@pytest.fixture
def small_disk(survey, require_service) -> Iterator[Path]:
    """The products root on a file system of 120 MB."""
    folder = survey.top / "products"
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=120m", "stoa-test", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(words, check=False, capture_output=True).returncode == 0
    require_service("a small file system", mounted, "only root may mount one")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.service
def test_a_script_that_fills_the_disk_fails_and_says_so_and_the_others_are_recorded(survey, small_disk):
    survey.does("b", "head -c 200000000 /dev/zero > fill || exit 1")
    report = survey.json("run", "measure", "-j", "1")
    found = outcomes(survey)
    assert found["a"]["status"] == "ok"
    assert found["b"]["status"] == "failed"
    assert found["b"]["cause"] == "no space left on the disk of the products: exit code 1", "its log had no room either"
    assert sum(report["counts"].values()) == 3
    assert found["c"]["status"] in ("failed", "error"), "no room for the next one either, which is said"
    assert "the disk of the products has" in survey.error("run", "measure", "--failed")[0]


@pytest.mark.parametrize(
    "harm", ["cp $STOA_FOLDER/job.sh .; rm -rf .", "rm -rf $STOA_OUT", "rm -f stoa-log.txt stoa-job.json"]
)
def test_a_script_that_removes_its_own_directory_has_an_outcome_all_the_same(survey, harm):
    survey.does("a", harm)
    survey("run", "measure", "-j", "1")
    found = outcomes(survey)
    assert set(found) == {"a", "b", "c"}
    assert (found["b"]["status"], found["c"]["status"]) == ("ok", "ok")


def test_a_script_that_changes_the_repository_under_a_run_costs_no_record(survey):
    """It commits, breaks definitions, throws away the cache and what is staged, and edits itself."""
    top = survey.top
    survey.does(
        "a",
        f"""
        cd {top}
        echo mess > mess.txt; git add mess.txt; git commit --quiet -m mess
        echo 'process: [' > .stoa/processes/measure.yaml
        rm -rf .stoa/cache; git reset --quiet
        echo 'exit 9' > measure.sh
        cd - >/dev/null""",
    )
    (top / "mine.txt").write_text("mine")
    survey.git("add", "mine.txt")
    report = survey.json("run", "measure", "-j", "1")
    assert report["counts"] == {"ok": 3}
    assert {name: found["status"] for name, found in outcomes(survey).items()} == {"a": "ok", "b": "ok", "c": "ok"}
    assert "mess" in survey.git("log", "--format=%s").splitlines()
    run = survey.runs()[-1]
    assert "exit 9" not in survey.committed(f".stoa/runs/{run}/frozen/script/measure.sh")
    assert (top / "mine.txt").read_text() == "mine"
    survey.git("checkout", "--quiet", "--", "measure.sh", ".stoa/processes/measure.yaml")
    survey.ok("fsck")
