"""status, runs, show, log, diff."""

from __future__ import annotations

import pytest


@pytest.fixture
def looked(survey):
    """One run: a is ok, b failed, c is not applicable."""
    survey.does("a", "echo looking at a")
    survey.does("b", "echo first; echo 'OSError: truncated' >&2; exit 3")
    survey.does("c", "echo no images here; exit 77")
    survey("run", "measure")
    return survey


def test_status_before_anything_ran(survey):
    result = survey("status")
    assert result.stdout == f"{survey.json('status')['project']} on branch main: 3 targets, 3 without metadata\n"
    assert result.stderr == "nothing has run yet: `stoa run PROCESS`\n"


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
    looked.git("commit", "-qm", "planted")
    told = [line for line in looked("status").stderr.splitlines() if "cannot" in line]
    assert len(told) == 6
    assert told[0].startswith(f"cannot read runs/{run}/outcomes-0001.yaml: not a record: Object missing")
    assert told[0].endswith("(and 29 other lines: `stoa fsck`)")
    assert told[5] == "2 more files cannot be read: `stoa fsck`"
    assert len(looked.json("fsck")["findings"]) == 210


def test_status_has_one_entry_a_target(looked):
    looked.ok("flag", "a", "--reason", "artefacts")
    assert looked.json("status")["targets"] == [
        {"name": "a", "states": {"measure@default": "ok"}, "causes": {}, "stale": {}, "flags": ["artefacts"]},
        {"name": "b", "states": {"measure@default": "failed"}, "causes": {"measure@default": "OSError: truncated"},
         "stale": {}, "flags": []},
        {"name": "c", "states": {"measure@default": "skipped"}, "causes": {"measure@default": "no images here"},
         "stale": {}, "flags": []},
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
    assert "  1 more of targets that are in no list any more\n" in looked.ok("status")


def test_status_of_one_pair(looked):
    looked("run", "measure", "--set", "snr=6", "--target", "a")
    pairs = looked.json("status", "--process", "measure", "--params", "default+snr=6")["pairs"]
    assert [(pair["params"], pair["counts"], pair["new"]) for pair in pairs] == [("default+snr=6", {"ok": 1}, 2)]


def test_a_new_target_has_no_outcome_yet(looked):
    (looked.top / "data/d").mkdir()
    looked.ok("target", "add", "data", "d")
    assert looked.json("status")["targets"][3]["states"] == {"measure@default": "new"}
    assert ", 1 without an outcome" in looked.ok("status")


def test_runs_are_listed_the_latest_last(looked):
    looked.ok("run", "measure", "--set", "snr=6", "--target", "a")
    rows = looked.json("runs")
    assert [(row["params"], row["state"], row["jobs"]) for row in rows] == [
        ("default", "done", 3),
        ("default+snr=6", "done", 1),
    ]
    assert [row["run"] for row in looked.json("runs", "--last", "1")] == [rows[1]["run"]]
    cells = looked.ok("runs").splitlines()[1].split()
    assert cells[:13] == [
        rows[0]["run"], "measure", "default", "done", "3", "1", "ok,", "1", "failed,", "1", "skipped", cells[11], "s",
    ]  # fmt: skip


def test_no_run_is_said_so(survey):
    assert survey("runs").stderr == "nothing has run yet: `stoa run PROCESS`\n"
    assert survey.json("runs") == []


def test_a_target_is_shown_with_outcome_flags_and_comments(looked):
    looked.ok("flag", "b", "--reason", "incomplete", "-m", "cut off")
    looked.ok("comment", "b", "-m", "asked for\na new delivery")
    lines = looked.ok("show", "b").splitlines()
    (run,) = looked.runs()
    assert lines[:3] == ["b  data:b", "", "measure @ default: failed, OSError: truncated"]
    assert lines[3].startswith(f"  run {run}, ")
    assert lines[3].split(", ")[1].endswith("Z")  # UTC, and said to be
    assert f"  in {looked.top}/products/measure/{run}/failed/b" in lines
    assert lines[lines.index("  log ends:") + 1 :][:2] == ["    first", "    OSError: truncated"]
    said = [line for line in lines if "Test Astronomer" in line]
    assert said[0].startswith("flag incomplete (open) by Test Astronomer, ")
    assert said[1].startswith("comment by Test Astronomer, ")
    assert lines[-2:] == ["  asked for", "  a new delivery"]


def test_a_target_as_json(looked):
    view = looked.json("show", "b")
    assert view["target"] == {"name": "b", "root": "data", "path": "b"}
    (latest,) = view["latest"]
    assert (latest["process"], latest["params"], latest["outcome"]["status"]) == ("measure", "default", "failed")


@pytest.mark.parametrize("name", ["last", "measure@default", "the start of its id"])
def test_a_run_is_shown(looked, name):
    (run,) = looked.runs()
    lines = looked.ok("show", run[:-3] if " " in name else name).splitlines()
    assert lines[0].startswith(f"run {run}: measure @ default in host on ")
    assert "  parameters: snr=5, mode=fast, deep=false, n=3" in lines
    assert lines[-1] == f"  git log --grep 'Stoa-Run: {run}'"
    assert looked.git("log", "--format=%s", f"--grep=Stoa-Run: {run}") == (
        "measure @ default: 1 ok, 1 failed, 1 skipped of 3\n"
    )


def test_a_log_is_printed_whole_where_the_products_are(looked):
    assert looked.ok("log", "b") == "first\nOSError: truncated\n"
    assert looked.json("log", "b") == {
        "target": "b", "group": "", "run": looked.runs()[0], "status": "failed", "whole": True,
        "text": "first\nOSError: truncated\n",
    }  # fmt: skip


def test_without_the_products_the_record_has_the_ends_of_the_log(looked):
    (looked.top / "products").rename(looked.top / "gone")
    view = looked.json("log", "b")
    assert (view["whole"], view["text"].splitlines()) == (False, ["first", "OSError: truncated"])


def test_a_log_of_an_earlier_run(looked):
    looked.does("b", "echo second")
    looked.ok("run", "measure", "--failed")
    assert looked.ok("log", "b") == "second\n"
    assert looked.ok("log", "b", "--run", looked.runs()[0]) == "first\nOSError: truncated\n"


def test_an_empty_log_is_said_so(survey):
    survey.ok("run", "measure", "--target", "a")
    result = survey("log", "a")
    assert (result.stdout, result.stderr) == ("", f"a printed nothing in run {survey.runs()[0]} (ok)\n")


def test_terminal_escapes_in_a_log_are_shown(survey):
    survey.does("a", r"printf '\033[31mred\007\n'")
    survey.ok("run", "measure", "--target", "a")
    assert survey.ok("log", "a") == "\\x1b[31mred\\x07\n"


# What differs.


@pytest.fixture
def two(looked):
    """The run of `looked` and one with snr 4, in which a is ok again, b too, and c failed."""
    looked.does("b", "true")
    looked.does("c", "exit 1")
    looked("run", "measure", "--set", "snr=4")
    return looked


def test_a_diff_says_what_changed_in_definitions_statuses_and_results(two):
    first, second = two.runs()
    lines = two.ok("diff", "measure@default", "measure@default+snr=4").splitlines()
    assert lines == [
        f"measure@default (run {first}) -> measure@default+snr=4 (run {second})",
        "definitions",
        "  parameter snr: 5 -> 4",
        "statuses: 1 job with the same",
        "  1 failed -> ok: b",
        "  1 skipped -> failed: c",
        "results, over the jobs that both have",
        "result  jobs  median a  median b  median change  beyond tolerance",
        "snr        1         5         4        -20.0 %  1 (of 5 %)",
        "",
        "most surprising",
        "target  result  a  b   change  surprise",
        "a       snr     5  4  -20.0 %       0.0",
    ]


def test_a_diff_says_which_outcomes_of_a_pair_rest_on_an_older_script(looked):
    first = looked.runs()[0]
    looked.edit("measure.sh", "snr $2", "SNR $2")
    looked("run", "measure", "--target", "a", "--force")
    looked("run", "measure", "--set", "snr=4")
    second = looked.runs()[1]
    lines = looked.ok("diff", "measure@default", "measure@default+snr=4").splitlines()
    number = len(looked.outcomes()) - 1
    share = f"  {number} of {number + 1} outcomes of measure@default"
    assert f"{share} rest on another script than run {second}: those of {first}" in lines
    assert looked.json("diff", first, second)["mixtures"] == []


def test_a_diff_names_targets_that_one_side_lacks(two):
    two.ok("run", "measure", "--target", "a", "--force")
    lines = two.ok("diff", two.runs()[0], "last").splitlines()
    assert f"  1 failed in {two.runs()[0]} only: b" in lines


def test_a_diff_names_the_fields_of_a_definition_that_changed_and_no_others(looked):
    looked.edit(".stoa/processes/measure.yaml", "default: 5, min: 1", "default: 5, min: 2")
    looked.edit(".stoa/processes/measure.yaml", '"{params.snr}"]', '"{params.snr}", --quiet]')
    looked.edit(".stoa/processes/measure.yaml", "doc: measures what there is\n", "")
    looked("run", "measure")
    assert looked.json("diff", *looked.runs())["definitions"] == [
        "definition: doc: measures what there is -> none",
        "definition: command: with --quiet",
        "definition: params.snr.min: 1 -> 2",
    ]


def test_a_diff_shows_how_the_script_changed(looked):
    looked.edit("measure.sh", "snr $2", "SNR $2")
    looked("run", "measure")
    report = looked.json("diff", *looked.runs())
    assert report["definitions"] == ["the script"]
    assert [line for line in report["script_diff"] if line[:2] in ("-e", "+e")] == [
        '-echo "snr $2" > table.txt',
        '+echo "SNR $2" > table.txt',
    ]


def test_a_diff_of_a_run_with_itself_says_that_nothing_differs(looked):
    lines = looked.ok("diff", "last", "last").splitlines()
    assert lines[1:] == [
        "definitions: nothing differs",
        "statuses: 3 jobs with the same",
        "results, over the jobs that both have; equal: snr",
    ]


@pytest.mark.parametrize(
    ("a", "b", "change", "shown"), [(2, 6, 2.0, "+200.0 %"), (0, 3, None, "from 0"), (-2, -1, 0.5, "+50.0 %")]
)
def test_a_change_is_told_as_part_of_the_first_value(survey, a, b, change, shown):
    for value in (a, b):
        survey.does("a", f"echo '{{\"snr\": {value}}}' > stoa-result.json; echo > table.txt; exit 0")
        survey.ok("run", "measure", "--target", "a", "--force")
    report = survey.json("diff", *survey.runs())
    assert (report["changes"][0]["change"], report["results"][0]["median_change"]) == (change, change)
    assert survey.ok("diff", *survey.runs()).count(shown) == 2


def test_a_change_within_the_tolerance_is_no_surprise(looked):
    looked("run", "measure", "--set", "snr=5.1")
    report = looked.json("diff", *looked.runs())
    assert [(change["name"], change["beyond"]) for change in report["changes"]] == [("snr", False)]
    assert "most surprising" not in looked.ok("diff", *looked.runs())
