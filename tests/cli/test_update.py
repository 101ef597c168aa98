"""stoa update: what new data need each day, from one line of cron."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

NOW = ("--settled", "0")


@pytest.fixture
def daily(survey):
    """A project whose list remembers a pattern and whose process has run."""
    survey.ok("target", "add", "data", "*")
    survey.ok("run", "measure")
    return survey


def forget_patterns(survey) -> None:
    survey.git("rm", "-q", ".stoa/patterns/data.yaml")
    survey.git("commit", "-qm", "no patterns")


def arrive(survey, name: str, lines: str = "") -> None:
    (survey.top / "data" / name).mkdir()
    if lines:
        survey.does(name, lines)


def names(survey) -> list[str]:
    return [row["name"] for row in survey.json("target", "list")]


def test_new_folders_are_added_described_and_run(daily):
    arrive(daily, "d")
    said = daily.ok("update", *NOW)
    assert "1 new target: d" in said
    assert "processed 1 target: 1 ok" in said
    assert {row["target"] for row in daily.json("results", "measure")["rows"]} == {"a", "b", "c", "d"}
    daily.ok("fsck")
    before = daily.head()
    assert "0 new targets" in daily.ok("update", *NOW)
    assert daily.head() == before


def test_only_what_has_no_outcome_runs(daily):
    daily.edit("measure.sh", "table.txt", "table.txt; true")
    arrive(daily, "d")
    daily.ok("update", *NOW)
    rows = {row["target"]: row["run"] for row in daily.json("results", "measure")["rows"]}
    assert len({rows[name] for name in "abc"}) == 1
    assert rows["d"] not in {rows[name] for name in "abc"}


def test_a_folder_that_still_grows_is_left_and_named(daily):
    arrive(daily, "d")
    result = daily("update")
    assert result.exit_code == 0
    assert "data:d" in result.stderr
    assert "changed a moment ago, left for the next time" in result.stderr
    assert "d" not in names(daily)
    time.sleep(1.1)
    (daily.top / "data/d/part.fits").write_bytes(b"")
    old = time.time() - 3600
    os.utime(daily.top / "data/d/part.fits", (old, old))  # as a copy that keeps times
    os.utime(daily.top / "data/d", (old, old))
    assert "data:d" in daily("update", "--settled", "1s").stderr
    time.sleep(1.1)
    assert "1 new target: d" in daily.ok("update", "--settled", "1s")


def test_a_known_target_that_grows_does_not_run(daily):
    arrive(daily, "d")
    daily.ok("target", "add", "data", "d")
    result = daily("update")
    assert "data:d" in result.stderr
    assert {row["target"] for row in daily.json("results", "measure")["rows"]} == {"a", "b", "c"}


def test_a_removed_target_does_not_come_back_and_names_follow_the_remembered_pattern(survey):
    forget_patterns(survey)
    survey.ok("target", "remove", "a")
    for name in ("x/d/out", "x/e/out"):
        (survey.top / "data" / name).mkdir(parents=True)
    survey.ok("target", "add", "data", "*/*/out", "--name", "{-2}-{1}")
    survey.ok("target", "add", "data", "a*", "--once")
    survey.ok("target", "remove", "d-x", "a")
    (survey.top / "data/x/f/out").mkdir(parents=True)
    survey.ok("update", *NOW)
    assert names(survey) == ["b", "c", "e-x", "f-x"]


def test_patterns_that_are_not_to_be_remembered_are_not(survey):
    forget_patterns(survey)
    survey.ok("target", "add", "data", "*", "--once")
    arrive(survey, "d")
    survey.ok("update", *NOW)
    assert "d" not in names(survey)


def test_what_was_tried_with_set_is_not_run_unless_it_is_named(daily):
    daily.ok("run", "measure", "--set", "snr=7", "--target", "a")
    arrive(daily, "d")
    assert "not run: measure@default+snr=7: its values were given by --set" in daily("update", *NOW).stderr
    daily.ok("params", "new", "measure@deep", "--set", "snr=4")
    assert "processed 4 targets: 4 ok" in daily.ok("update", "measure@deep", *NOW)


def test_the_exit_code_tells_what_failed(daily):
    arrive(daily, "d", "exit 3")
    result = daily("update", *NOW)
    assert (result.exit_code, "1 failed" in result.stdout) == (3, True)
    daily.git("remote", "add", "origin", str(daily.top / "nowhere.git"))
    arrive(daily, "e")
    result = daily("update", *NOW)
    assert result.exit_code == 1
    assert "not shared: " in result.stderr
    assert "processed 1 target: 1 ok" in result.stdout  # what could be done was
    assert daily("update", "nothing", *NOW, "--no-sync").exit_code == 1
    assert daily("update", "--settled", "soon").exit_code == 2


def test_others_have_it_afterwards_and_their_patterns_count(daily, tmp_path):
    hub, other = tmp_path / "hub.git", tmp_path / "other"
    subprocess.run(["git", "clone", "-q", "--bare", daily.top, hub], check=True)
    subprocess.run(["git", "clone", "-q", hub, other], check=True, capture_output=True)
    daily.git("remote", "add", "origin", str(hub))
    arrive(daily, "d")
    assert "sent " in daily.ok("update", *NOW)
    colleague = type(daily)(other, daily.terminal)
    for word, value in (("user.name", "B"), ("user.email", "b@example.org")):
        colleague.git("config", word, value)
    (other / ".stoa/local.yaml").write_text(f"schema: 1\nroots: {{data: {daily.top / 'data'}}}\n")
    (other / ".git/info/exclude").write_text("/products/\n")
    arrive(daily, "e")
    said = colleague.ok("update", *NOW)
    assert "received " in said
    assert "1 new target: e" in said


def test_patterns_of_two_people_are_joined(daily, tmp_path):
    hub, other = tmp_path / "hub.git", tmp_path / "other"
    subprocess.run(["git", "clone", "-q", "--bare", daily.top, hub], check=True)
    subprocess.run(["git", "clone", "-q", hub, other], check=True, capture_output=True)
    daily.git("remote", "add", "origin", str(hub))
    colleague = type(daily)(other, daily.terminal)
    for word, value in (("user.name", "B"), ("user.email", "b@example.org")):
        colleague.git("config", word, value)
    (other / ".stoa/local.yaml").write_text(f"schema: 1\nroots: {{data: {daily.top / 'data'}}}\n")
    (daily.top / "data/x/one").mkdir(parents=True)
    (daily.top / "data/y/two").mkdir(parents=True)
    daily.ok("target", "add", "data", "x/*")
    colleague.ok("target", "add", "data", "y/*")
    for survey in (daily, colleague, daily):
        survey.ok("sync")
    patterns = daily.committed(".stoa/patterns/data.yaml")
    assert [f'"{pattern}"' in patterns for pattern in ("*", "x/*", "y/*")] == [True] * 3
    daily.ok("fsck")


def test_the_command_on_end_gets_the_counts_and_is_never_taken_from_git(daily):
    script = daily.top / "told.py"
    script.write_text("import sys\nopen('told.json', 'w').write(sys.stdin.read())\n")
    local = daily.top / ".stoa/local.yaml"
    local.write_text(local.read_text() + f"on_end: [{sys.executable}, {script}]\n")
    arrive(daily, "d", "exit 3")
    daily("update", *NOW)
    told = json.loads((daily.top / "told.json").read_text())
    assert (told["schema"], told["command"], told["counts"]) == (1, "update", {"failed": 1})
    daily.ok("root", "add", "more", "data")
    daily("run", "measure", "--force", "--target", "a")
    assert json.loads((daily.top / "told.json").read_text())["runs"][0]["counts"] == {"ok": 1}
    (daily.top / "told.json").unlink()
    daily.git("add", "-f", ".stoa/local.yaml")
    daily.git("commit", "-qm", "settings of one machine")
    result = daily("run", "measure", "--force", "--target", "a")
    assert "on_end was not run: .stoa/local.yaml is in git" in result.stderr
    assert not (daily.top / "told.json").exists()


def test_a_command_on_end_that_fails_changes_nothing_but_is_named(daily):
    local = daily.top / ".stoa/local.yaml"
    local.write_text(local.read_text() + "on_end: [sh, -c, 'echo no mail >&2; exit 4']\n")
    result = daily("run", "measure", "--force")
    assert result.exit_code == 0
    assert "on_end (sh) ended with exit code 4: no mail" in result.stderr


def test_a_root_that_is_not_there_is_a_problem_and_the_rest_is_done(daily):
    (daily.top / "disk/one").mkdir(parents=True)
    daily.ok("root", "add", "disk", "disk")
    daily.ok("target", "add", "disk", "*")
    daily.ok("update", *NOW)
    (daily.top / "disk").rename(daily.top / "unmounted")
    arrive(daily, "d")
    result = daily("update", *NOW)
    assert result.exit_code == 1
    assert "nothing is there (is the disk mounted?)" in result.stderr
    assert "1 new target: d" in result.stdout
