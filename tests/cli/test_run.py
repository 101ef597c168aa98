"""stoa run: what is chosen, what is recorded, what is printed."""

from __future__ import annotations

import json

import pytest
from plans import UP_TO_DATE, verdicts


def test_a_run_is_one_commit_with_one_outcome_a_target(survey):
    survey.does("b", "echo 'ValueError: no beam' >&2; exit 1")
    before = survey.head()
    result = survey("run", "measure")
    assert result.exit_code == 3
    assert result.stdout.splitlines()[0].startswith("processed 3 targets: 2 ok, 1 failed (1 cause); 1 commit; ")
    assert result.stdout.splitlines()[1] == "  1 failed: ValueError: no beam  [b]"
    assert survey.subjects(before) == ["measure @ default: 2 ok, 1 failed of 3"]
    assert survey.statuses() == {"a": "ok", "b": "failed", "c": "ok"}


def test_the_commit_of_a_run_names_it_in_trailers(survey):
    survey.ok("run", "measure")
    trailers = survey.git("log", "-1", "--format=%(trailers:only,unfold)").split()
    assert trailers == [
        "Stoa-Run:", survey.runs()[0], "Stoa-Process:", "measure", "Stoa-Params:", "default",
        "Stoa-Environment:", "host",
    ]  # fmt: skip


def test_the_record_of_a_run_says_what_was_asked_and_by_whom(survey):
    started = survey.start("run", "measure", "--set", "snr=7", "-j", "1")
    assert started.wait() == 0
    started.communicate()
    record = survey.committed(f".stoa/runs/{survey.runs()[0]}/run.yaml")
    assert "asked:\n- stoa\n- run\n- measure\n- --set\n- snr=7\n- -j\n- '1'\n" in record
    assert "author:\n  name: Test Astronomer\n  email: test@example.org\n" in record
    assert "  name: default+snr=7\n  values:\n    snr: 7.0\n    mode: fast\n" in record


def test_an_outcome_holds_results_outputs_and_times(survey):
    survey.ok("run", "measure", "--set", "snr=7")
    outcome = survey.outcomes()["a"]
    assert outcome["results"] == {"snr": 7.0}
    assert outcome["exit_code"] == 0
    place = f"products:measure/{survey.runs()[0]}/a"
    assert outcome["place"] == place
    # sha256 of "snr 7.0\n"
    assert outcome["outputs"]["table"] == {
        "path": f"{place}/table.txt",
        "size": 8,
        "sha256": "3acf1954b314c806555c58974f2e35c4776ff577d62fa52009fb80d145e020a4",
    }


def test_products_come_to_their_place_whole(survey):
    survey.does("b", "touch half-done; exit 1")
    survey("run", "measure")
    folder = survey.top / "products/measure" / survey.runs()[0]
    assert sorted(path.name for path in folder.iterdir()) == ["a", "c", "failed"]
    assert sorted(path.name for path in (folder / "a").iterdir()) == [
        "stoa-job.json", "stoa-log.txt", "stoa-result.json", "table.txt",
    ]  # fmt: skip
    assert (folder / "failed/b/half-done").exists()
    assert survey.git("status", "--porcelain") == ""


def test_a_result_is_typed_as_declared(survey):
    survey.edit("measure.sh", '"{\\"snr\\": $2}"', '"{\\"snr\\": \\"deep\\"}"')
    survey("run", "measure", "--target", "a")
    assert survey.outcomes()["a"]["cause"] == "result 'snr' must be of type float, got str"


def test_what_is_up_to_date_is_left_alone_with_the_reason(survey):
    survey.ok("run", "measure")
    before = survey.head()
    result = survey("run", "measure")
    assert result.stdout == "nothing to do for measure @ default\nnot run: 3 up to date\n"
    assert (result.exit_code, survey.head()) == (0, before)


def test_what_failed_is_left_alone_unless_it_is_asked_for(survey):
    survey.does("b", "exit 1")
    survey.does("c", "exit 77")
    survey("run", "measure")
    result = survey("run", "measure")
    assert result.stdout.splitlines()[1] == "not run: 1 up to date, 1 failed before, 1 skipped before"
    assert result.stderr != ""
    assert "`stoa run measure --failed`" in result.stderr
    survey.does("b", "true")
    assert survey.ok("run", "measure", "--failed").startswith("processed 1 target: 1 ok; 1 commit; ")
    assert survey.statuses() == {"b": "ok"}


def test_new_targets_alone(survey):
    survey.does("a", "exit 1")
    survey("run", "measure", "--target", "a")
    survey.ok("run", "measure", "--new")
    assert survey.statuses() == {"b": "ok", "c": "ok"}


def test_stale_outcomes_alone(survey):
    survey.ok("run", "measure", "--target", "a")
    survey.edit("measure.sh", "snr $2", "SNR $2")
    survey.ok("run", "measure", "--stale")
    assert survey.statuses() == {"a": "ok"}


def test_flagged_targets_alone(survey):
    survey.ok("run", "measure")
    survey.ok("flag", "b", "--reason", "artefacts")
    assert verdicts(survey.json("run", "measure", "--flagged", "--dry-run")) == {
        "a": UP_TO_DATE, "b": (True, "flagged: artefacts"), "c": UP_TO_DATE,
    }  # fmt: skip
    survey.ok("run", "measure", "--flagged")
    assert survey.statuses() == {"b": "ok"}


def test_everything_by_force(survey):
    survey.ok("run", "measure")
    survey.ok("run", "measure", "--force", "--jobs", "2")
    assert survey.statuses() == {"a": "ok", "b": "ok", "c": "ok"}
    assert len(survey.runs()) == 2


def test_targets_by_glob_and_by_expression(survey):
    survey.ok("run", "measure", "--target", "[ab]", "--where", "name != 'a'")
    assert survey.statuses() == {"b": "ok"}


def test_an_expression_sees_how_the_last_run_of_this_pair_ended(survey):
    survey.does("b", "exit 1")
    survey("run", "measure")
    plan = survey.json("run", "measure", "--where", "status = 'failed'", "--force", "--dry-run")
    assert [job["target"] for job in plan["jobs"]] == ["b"]
    plan = survey.json("run", "measure", "--where", "status IS NULL", "--set", "snr=6", "--dry-run")
    assert [job["target"] for job in plan["jobs"]] == ["a", "b", "c"]


def test_values_from_the_command_line_name_their_set(survey):
    survey.ok("run", "measure", "--set", "snr=3", "--set", "mode=slow", "--target", "a")
    assert survey.subjects()[0] == "measure @ default+snr=3+mode=slow: 1 ok of 1"
    assert survey.outcomes()["a"]["results"] == {"snr": 3.0}


def test_several_values_make_one_run_each(survey):
    before = survey.head()
    said = survey.json("run", "measure", "--set", "snr=3,5,7", "--target", "a")
    assert [report["params"] for report in said] == ["default+snr=3", "default", "default+snr=7"]
    assert survey.subjects(before) == [
        "measure @ default+snr=7: 1 ok of 1",
        "measure @ default: 1 ok of 1",
        "measure @ default+snr=3: 1 ok of 1",
    ]


def test_a_wrong_value_among_several_stops_before_the_first_run(survey):
    before = survey.head()
    assert "must be a number, got 'x'" in survey.error("run", "measure", "--set", "snr=3,4,x")[0]
    assert survey.head() == before
    survey.ok("run", "measure")
    before = survey.head()
    assert "must be a number, got 'x'" in survey.error("rerun", "--set", "snr=3,x")[0]
    assert survey.head() == before


def test_where_no_target_is_chosen_that_is_said(survey):
    said = survey.ok("run", "measure", "--where", "band = '99'")
    assert said == "nothing to do for measure @ default: no target is selected\n"


def test_a_chain_of_a_project_without_processes(survey):
    survey.git("rm", "--quiet", ".stoa/processes/measure.yaml")
    for verb in ("run", "plan"):
        assert survey.error(verb, "--all")[0] == "error: this project has no process yet"


def test_a_comma_is_part_of_a_text(survey):
    survey.edit(".stoa/processes/measure.yaml", "choices: [fast, slow]", "doc: any")
    survey.ok("run", "measure", "--set", "mode=x,y", "--target", "a")
    assert survey.subjects()[0] == "measure @ default+mode=x,y: 1 ok of 1"


def test_a_named_set_is_a_pair_of_its_own(survey):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    survey.ok("run", "measure")
    survey.ok("run", "measure", "--params", "deep")
    assert survey.outcomes()["a"]["results"] == {"snr": 4.0}
    assert [pair["params"] for pair in survey.json("status")["pairs"]] == ["deep", "default"]


def test_a_pair_is_named_as_the_other_verbs_name_it(survey):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=2")
    assert survey.json("run", "measure@deep", "--target", "a")["params"] == "deep"
    assert survey.json("plan", "measure@deep")["to_run"] == 2
    assert survey.json("plan", "measure@deep", "-p", "deep")["to_run"] == 2
    assert survey.json("plan", "--all", "measure@deep")["params"] == "deep"
    assert [job["reason"] for job in survey.json("why", "measure@deep", "a")] == ["up to date"]
    assert [pair["params"] for pair in survey.json("status", "--process", "measure@deep")["pairs"]] == ["deep"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("measure@dep",), "no parameter set of process 'measure' named 'dep'; did you mean 'deep'?"),
        (("mesure@deep",), "no process named 'mesure'; did you mean 'measure'?"),
        (("measure@",), "'measure@' is not a PROCESS@SET"),
        (("@deep",), "'@deep' is not a PROCESS@SET"),
        (
            ("measure@deep", "-p", "default"),
            "'measure@deep' names the parameter set 'deep', and 'default' is asked for",
        ),
    ],
)
def test_a_pair_that_is_none_is_refused(survey, words, message):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=2")
    assert survey.error("run", *words)[0] == f"error: {message}"
    assert survey.runs() == []


def test_a_dry_run_changes_nothing(survey):
    before = survey.head()
    result = survey("run", "measure", "--dry-run")
    assert result.stdout.splitlines() == [
        "target  state  do   why",
        "a       new    run  no outcome yet",
        "b       new    run  no outcome yet",
        "c       new    run  no outcome yet",
    ]
    assert result.stderr == "3 of 3 jobs would run\n"
    assert survey.head() == before
    assert not (survey.top / "products").exists()


def test_quiet_prints_nothing(survey):
    assert survey("run", "measure", "--quiet").output == ""
    survey.does("a", "exit 1")
    result = survey("run", "measure", "--force", "--quiet")
    assert (result.output, result.exit_code) == ("", 3)


def test_json_is_all_that_stands_on_stdout(survey):
    survey.does("b", "exit 1")
    result = survey("run", "measure", "--json")
    said = json.loads(result.stdout)
    assert result.stderr == ""
    assert said["run"] == survey.runs()[0]
    assert said["commit"] == survey.head()
    assert said["counts"] == {"ok": 2, "failed": 1}
    assert [(group["cause"], group["targets"]) for group in said["causes"]] == [("exit code 1", ["b"])]
