"""stoa status: failures by cause, stale outcomes, every target."""

from __future__ import annotations


def test_status_before_anything_ran(survey):
    result = survey("status")
    assert result.stdout == f"{survey.json('status')['project']} on branch main: 3 targets, 3 without metadata\n"
    assert result.stderr == "no run yet: `stoa run PROCESS`\n"


def test_status_groups_failures_by_cause(looked):
    looked.does("c", "echo 'OSError: truncated' >&2; exit 3")
    looked("run", "measure", "--force")
    lines = looked.ok("status").splitlines()
    assert lines[2] == f"measure @ default: 1 ok, 2 failed  (last run {looked.runs()[-1]})"
    assert lines[3:] == ["  2 failed: OSError: truncated  [b, c]"]


def test_status_names_a_file_that_cannot_be_read_once(looked):
    run = looked.runs()[-1]
    for name in ("0001", "0002", "0003", "0004", "0005", "0006", "0007"):
        (looked.top / f".stoa/runs/{run}/outcomes-{name}.yaml").write_text("- {}\n" * 30, encoding="utf-8")
    looked.git("add", ".stoa/runs")
    looked.git("commit", "-qm", "planted", "-m", f"Stoa-Run: {run}")
    told = [line for line in looked("status").stderr.splitlines() if "cannot" in line]
    assert len(told) == 6
    assert told[0].startswith(f"cannot read runs/{run}/outcomes-0001.yaml: not a record: Object missing")
    assert told[0].endswith("(and 29 other lines: `stoa fsck`)")
    assert told[5] == "2 more files cannot be read: `stoa fsck`"
    found = looked.json("fsck")["findings"]
    assert sum("not a record" in one["message"] for one in found) == len(found) == 210


def test_status_has_one_entry_a_target(looked):
    looked.ok("flag", "a", "--reason", "artefacts")
    assert looked.json("status")["targets"] == [
        {"name": "a", "states": {"measure@default": "ok"}, "causes": {}, "stale": {}, "interrupted_since": {},
         "flags": ["artefacts"]},
        {"name": "b", "states": {"measure@default": "failed"}, "causes": {"measure@default": "OSError: truncated"},
         "stale": {}, "interrupted_since": {}, "flags": []},
        {"name": "c", "states": {"measure@default": "skipped"}, "causes": {"measure@default": "no images here"},
         "stale": {}, "interrupted_since": {}, "flags": []},
    ]  # fmt: skip


def test_status_lists_every_target_when_asked(looked):
    looked.ok("flag", "b")
    assert looked.ok("status", "--targets").splitlines()[-4:] == [
        "target  measure@default  flags",
        "a       ok",
        "b       failed           check",
        "c       skipped",
    ]


def test_status_says_what_is_stale_and_why(looked):
    looked.edit("measure.sh", "snr $2", "SNR $2")
    assert "  3 stale: the script changed" in looked.ok("status").splitlines()
    assert looked.json("status")["targets"][0]["stale"] == {"measure@default": "the script changed"}
    assert looked.ok("status", "--targets").splitlines()[-3] == "a       ok (stale)"


def test_a_set_from_the_command_line_goes_stale_too(survey):
    survey.ok("run", "measure", "--set", "snr=9")
    assert survey.json("status")["pairs"][0]["stale"] == 0
    survey.edit("measure.sh", "snr $2", "SNR $2")
    assert survey.json("status")["pairs"][0]["stale"] == 3


def test_status_of_a_definition_that_is_gone(looked):
    looked.git("rm", "--quiet", ".stoa/processes/measure.yaml")
    assert "  3 stale: no process named 'measure' is defined here" in looked.ok("status").splitlines()


def test_a_target_that_is_in_no_list_any_more_is_not_taken_for_a_misspelt_one(looked):
    (listed,) = (looked.top / ".stoa/targets").glob("*.yaml")
    listed.write_text("".join(line for line in listed.read_text().splitlines(True) if '"b"' not in line))
    for verb in ("show", "log"):
        assert looked.error(verb, "b")[0].startswith("error: target 'b' is in no list any more; its outcomes")


def test_outcomes_of_targets_that_are_in_no_list_any_more_are_told_apart(looked):
    (listed,) = (looked.top / ".stoa/targets").glob("*.yaml")
    before = looked.json("status")["pairs"][0]
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(line for line in lines if '"a"' not in line))
    after = looked.json("status")["pairs"][0]
    assert (before["unlisted"], after["unlisted"]) == (0, 1)
    assert before["jobs"] - after["jobs"] == 1
    assert after["new"] == before["new"]
    assert "a" not in {target for cause in after["causes"] for target in cause["targets"]}
    assert "  1 more of targets that are no longer in any list\n" in looked.ok("status")


def test_status_of_one_pair(looked):
    looked("run", "measure", "--set", "snr=6", "--target", "a")
    pairs = looked.json("status", "--process", "measure", "--params", "default+snr=6")["pairs"]
    assert [(pair["params"], pair["counts"], pair["new"]) for pair in pairs] == [("default+snr=6", {"ok": 1}, 2)]


def test_a_new_target_has_no_outcome_yet(looked):
    (looked.top / "data/d").mkdir()
    looked.ok("target", "add", "data", "d")
    assert looked.json("status")["targets"][3]["states"] == {"measure@default": "new"}
    assert ", 1 without an outcome" in looked.ok("status")
