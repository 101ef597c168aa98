"""Renaming targets, processes, parameter sets and environments: what was recorded goes with them."""

from __future__ import annotations

import subprocess

import pytest
from collaborators import Person


def rows(survey, *words):
    return {row["target"]: row["run"] for row in survey.json("results", *words)["rows"]}


def test_a_renamed_target_keeps_outcomes_flags_comments_and_metadata(survey):
    survey.does("b", "exit 3")
    survey.ok("meta", "build")
    survey("run", "measure")
    survey.ok("flag", "a", "--reason", "check", "-m", "look at the edge")
    survey.ok("comment", "a", "-m", "bright")
    document = survey.committed(".stoa/meta/a.xml")
    result = survey("target", "rename", "a", "CenA_B6")
    assert result.stdout.startswith("renamed target a to CenA_B6 (commit ")
    assert result.stderr == "CenA_B6 now has 1 outcome, 2 flags or comments\n"
    assert [row["name"] for row in survey.json("target", "list")] == ["CenA_B6", "b", "c"]
    assert survey.committed(".stoa/meta/CenA_B6.xml") == document
    status = {one["name"]: one for one in survey.json("status")["targets"]}
    assert status["CenA_B6"]["states"] == {"measure@default": "ok"}
    assert status["CenA_B6"]["flags"] == ["check"]
    assert survey.ok("why", "measure", "CenA_B6").endswith(", up to date\n")
    assert "bright" in survey.ok("reviews")
    assert "snr 5" not in survey.ok("log", "CenA_B6")
    survey.ok("fsck")


def test_the_records_themselves_do_not_change(survey):
    survey.ok("run", "measure")
    before = survey.head()
    survey.ok("target", "rename", "a", "first")
    survey.ok("process", "rename", "measure", "gauge")
    assert [path for path in survey.changed(before) if path.startswith((".stoa/runs", ".stoa/reviews"))] == []


def test_a_flag_under_the_old_name_is_cleared_under_the_new_one(survey):
    survey.ok("flag", "a", "b", "--reason", "check")
    survey.ok("target", "rename", "a", "z")
    survey.ok("unflag", "z")
    assert [row["name"] for row in survey.json("target", "list", "--flagged")] == ["b"]
    survey.ok("target", "rename", "z", "a")
    assert [row["name"] for row in survey.json("target", "list", "--flagged")] == ["b"]
    survey.ok("fsck")


def test_a_target_is_renamed_twice_and_back(survey):
    survey.ok("run", "measure")
    runs = rows(survey, "measure")
    for old, new in (("a", "x"), ("x", "y"), ("y", "a")):
        assert survey("target", "rename", old, new).stderr == f"{new} now has 1 outcome\n"
        assert rows(survey, "measure")[new] == runs["a"]
    survey.ok("fsck")


def test_the_former_name_of_a_target_is_not_given_to_another_folder(survey):
    survey.ok("target", "rename", "a", "z")
    (survey.top / "data/x/a").mkdir(parents=True)
    survey.ok("target", "add", "data", "x/a")
    assert {row["name"] for row in survey.json("target", "list")} == {"z", "b", "c", "x_a"}
    assert survey.error("target", "rename", "b", "A")[0] == "error: 'A' is or was the name of target 'z'"
    assert survey.error("target", "show", "a")[0] == "error: no target named 'a'; it was renamed 'z'"


def test_a_renamed_process_keeps_its_sets_outcomes_and_comments_in_the_file(survey):
    survey.edit(".stoa/processes/measure.yaml", "name: measure", "# mine\nname: measure  # as it is called")
    survey.ok("params", "new", "measure@deep", "--set", "snr=4")
    survey.git("commit", "-qam", "words")
    survey.ok("run", "measure@deep")
    survey.ok("run", "measure", "--set", "snr=7")
    runs = rows(survey, "measure@deep")
    survey.ok("process", "rename", "measure", "gauge")
    assert "# mine\nname: gauge  # as it is called\nformerly: [measure]\n" in survey.committed(
        ".stoa/processes/gauge.yaml"
    )
    assert rows(survey, "gauge@deep") == runs
    assert len(rows(survey, "gauge@default+snr=7")) == 3
    assert "nothing to do" in survey.ok("run", "gauge@deep")
    assert "nothing to do" in survey.ok("run", "gauge", "--set", "snr=7")
    assert {pair["name"] for pair in survey.json("status")["pairs"]} == {"gauge@deep", "gauge@default+snr=7"}
    assert survey.error("run", "measure")[0] == "error: no process named 'measure'; it was renamed 'gauge'"
    assert "a former name of process 'gauge'" in survey.error("process", "new", "measure", "--from", "measure.sh")[0]
    survey.ok("fsck")
    survey.ok("reproduce", next(iter(runs.values())))


def test_a_process_that_needs_a_renamed_one_goes_on_without_a_word_changed(survey):
    (survey.top / ".stoa/processes/second.yaml").write_text(
        'schema: 1\nname: second\ncommand: [cp, "{needs.measure.table}", out.txt]\nneeds: [measure]\n'
    )
    survey.git("add", "-A")
    survey.git("commit", "-qm", "second")
    survey.ok("run", "--all", "second")
    result = survey("process", "rename", "measure", "gauge")
    assert "processes/second.yaml still has the name measure: STOA reads it as gauge there" in result.stderr
    assert "nothing to do" in survey.ok("run", "second")
    survey.edit("measure.sh", "echo", "echo x; echo")
    assert "gauge is stale" in survey.ok("why", "second", "a") + survey.ok("plan", "--all", "second")
    assert survey.error("process", "remove", "gauge")[0].startswith("error: process 'gauge' is still named by")
    survey.ok("run", "--all", "second")
    survey.ok("fsck")


def test_a_renamed_parameter_set_keeps_its_outcomes_and_those_of_its_settings(survey):
    survey.ok("params", "new", "measure@deep", "--set", "snr=4")
    survey.ok("run", "measure@deep")
    survey.ok("run", "measure@deep", "--set", "n=1")
    survey.ok("params", "rename", "measure@deep", "faint")
    assert len(rows(survey, "measure@faint")) == len(rows(survey, "measure@faint+n=1")) == 3
    assert "nothing to do" in survey.ok("run", "measure@faint")
    assert {pair["stale"] for pair in survey.json("status")["pairs"]} == {0}
    assert "a former name of parameter set 'faint'" in survey.error("params", "new", "measure@deep")[0]
    survey.ok("fsck")


def test_a_renamed_environment_keeps_its_outcomes_rules_and_processes(survey):
    survey.ok("env", "add", "radio", "--environ", "A=1")
    survey.ok("env", "add", "special", "--environ", "A=2")
    file = survey.top / ".stoa/environments/radio.yaml"
    file.write_text(file.read_text() + "rules:\n  - {where: \"name = 'a'\", environment: special}\n")
    survey.edit(".stoa/processes/measure.yaml", "outputs:", "environment: radio\noutputs:")
    survey.git("commit", "-qam", "radio")
    survey.ok("run", "measure")
    survey.ok("env", "rename", "radio", "radio-2026")
    survey.ok("env", "rename", "special", "odd")
    assert survey.json("results", "measure")["environment"] == "radio-2026"
    assert "nothing to do" in survey.ok("run", "measure")
    assert survey.json("status")["pairs"][0]["name"] == "measure@default"
    survey.ok("reproduce", "last")
    survey.ok("fsck")
    assert survey.error("env", "remove", "odd")[0].startswith("error: environment 'odd' is still named by a rule")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["target", "rename", "a", "b"], "error: 'b' is or was the name of target 'b'"),
        (["target", "rename", "a", "a/b"], "error: 'a/b' cannot name a target"),
        (["target", "rename", "q", "z"], "error: no target named 'q'"),
        (["process", "rename", "measur", "z"], "error: no process named 'measur'"),
        (["process", "rename", "measure", "measure"], "error: there is a process 'measure' already"),
        (["params", "rename", "measure@default", "z"], "error: 'default' is the parameter set that counts"),
        (["params", "rename", "measure@x", "z"], "error: no parameter set of process 'measure' named 'x'"),
        (["env", "rename", "host", "z"], "error: 'host' is the environment of processes that name none"),
    ],
)
def test_what_cannot_be_renamed_is_left_as_it_is(survey, words, message):
    before = survey.head()
    assert survey.error(*words)[0].startswith(message)
    assert survey.head() == before


def test_a_name_under_which_others_are_recorded_is_not_given(survey):
    survey.ok("run", "measure")
    survey.ok("process", "remove", "measure")
    survey.ok("process", "new", "gauge", "--from", "measure.sh")
    assert survey.error("process", "rename", "gauge", "measure")[0].startswith(
        "error: 1 run, 3 outcomes of an earlier process 'measure' are recorded"
    )


def test_changes_that_are_not_committed_are_not_taken_along(survey):
    survey.edit(".stoa/processes/measure.yaml", "name: measure", "# half a thought\nname: measure")
    assert survey.error("process", "rename", "measure", "gauge")[0] == (
        "error: .stoa/processes/measure.yaml has changes that are not committed"
    )


def test_a_definition_on_one_line_is_not_changed(survey):
    (survey.top / ".stoa/environments/flat.yaml").write_text("{schema: 1, name: flat, kind: host}\n")
    survey.git("add", "-A")
    survey.git("commit", "-qm", "flat")
    assert "not on lines of their own" in survey.error("env", "rename", "flat", "z")[0]


def test_a_rename_on_one_branch_is_not_one_on_another(survey):
    survey.ok("run", "measure")
    survey.git("branch", "before")
    survey.ok("target", "rename", "a", "z")
    assert set(rows(survey, "measure")) == {"z", "b", "c"}
    survey.git("checkout", "-q", "before")
    assert set(rows(survey, "measure")) == {"a", "b", "c"}
    survey.ok("fsck")


# Two people.


@pytest.fixture
def pair(survey, tmp_path):
    survey.ok("run", "measure")
    subprocess.run(["git", "clone", "-q", "--bare", survey.top, tmp_path / "hub.git"], check=True)
    made = []
    for name in ("anna", "ben"):
        subprocess.run(["git", "clone", "-q", tmp_path / "hub.git", tmp_path / name], check=True, capture_output=True)
        made.append(Person(name.title(), tmp_path / name).introduce())
        made[-1].write(".stoa/local.yaml", f"schema: 1\nroots: {{data: {survey.top / 'data'}}}\n")
        made[-1].write(".git/info/exclude", "/products/\n")
    return made


def both(anna, ben):
    for person in (anna, ben, anna):
        person.sync()


def typed(cli, person, *words):
    return cli.ok(*words, cwd=person.folder)


def test_what_another_person_recorded_meanwhile_goes_with_the_new_names(pair, cli):
    anna, ben = pair
    typed(cli, anna, "target", "rename", "a", "z")
    typed(cli, anna, "process", "rename", "measure", "gauge")
    typed(cli, ben, "flag", "a", "--reason", "check")
    typed(cli, ben, "run", "measure", "--force", "--target", "a")
    both(anna, ben)
    for person in pair:
        with person.open() as ws:
            assert ws.index.rows("SELECT target FROM open_flags") == [("z",)]
            assert {row[0] for row in ws.index.rows("SELECT process FROM runs")} == {"gauge"}
            assert len(ws.index.rows("SELECT 1 FROM outcomes WHERE target = 'z'")) == 2
        typed(cli, person, "fsck")


def test_a_rename_and_a_neighbours_edit_leave_one_line_of_the_folder(pair, cli):
    anna, ben = pair
    typed(cli, anna, "target", "rename", "b", "z")
    typed(cli, ben, "target", "rename", "c", "y")
    both(anna, ben)
    for person in pair:
        with person.open() as ws:
            assert sorted(ws.targets) == ["a", "y", "z"]


def test_a_plain_merge_that_keeps_the_old_line_is_named_and_mended(pair, cli):
    anna, _ = pair
    old = anna.git("show", "HEAD:.stoa/targets/data.yaml")
    typed(cli, anna, "flag", "b", "--reason", "check")
    typed(cli, anna, "target", "rename", "b", "z")
    now = (anna.folder / ".stoa/targets/data.yaml").read_text()
    anna.save(".stoa/targets/data.yaml", now + next(x + "\n" for x in old.splitlines() if '"name": "b"' in x))
    with anna.open() as ws:
        assert sorted(ws.targets) == ["a", "c", "z"]
    words = "second line, with its former name 'b': `stoa target rename b z` removes that"
    assert words in cli("status", cwd=anna.folder).output
    assert words in cli("fsck", cwd=anna.folder).output
    typed(cli, anna, "target", "rename", "b", "z")
    typed(cli, anna, "fsck")
    assert words not in cli("status", cwd=anna.folder).output
    with anna.open() as ws:
        assert ws.index.rows("SELECT target FROM open_flags") == [("z",)]


def test_two_lines_of_one_folder_become_one_by_rename(pair, cli):
    anna, _ = pair
    lines = (anna.folder / ".stoa/targets/data.yaml").read_text()
    extra = next(x for x in lines.splitlines() if '"name": "b"' in x).replace('"name": "b"', '"name": "hand"')
    anna.save(".stoa/targets/data.yaml", f"{lines}{extra}\n")
    assert "is two targets: 'b' and 'hand'" in cli("status", cwd=anna.folder).output
    typed(cli, anna, "target", "rename", "b", "hand")
    with anna.open() as ws:
        assert sorted(ws.targets) == ["a", "c", "hand"]
        assert len(ws.index.rows("SELECT 1 FROM outcomes WHERE target = 'hand'")) == 1


def test_parameter_sets_that_came_under_the_former_name_are_named_and_moved(pair, cli):
    anna, ben = pair
    typed(cli, anna, "process", "rename", "measure", "gauge")
    typed(cli, ben, "params", "new", "measure@late", "--set", "snr=9")
    both(anna, ben)
    assert "`stoa process rename measure gauge` moves them" in cli("fsck", cwd=anna.folder).output
    typed(cli, anna, "process", "rename", "measure", "gauge")
    typed(cli, anna, "params", "show", "gauge@late")
    typed(cli, anna, "fsck")


def test_a_former_name_that_is_there_again_or_claimed_twice_is_named(survey):
    survey.ok("run", "measure")
    survey.ok("env", "add", "one")
    survey.ok("env", "add", "two")
    for name in ("one", "two"):
        file = survey.top / f".stoa/environments/{name}.yaml"
        file.write_text(file.read_text() + "formerly: [host, zero]\n")
    survey.git("commit", "-qam", "by hand")
    said = survey("fsck").output
    assert "the former name 'host' is there again" in said
    assert "the former name 'zero' is claimed by 'one' too" in said
    assert survey.json("results", "measure")["environment"] == "host"
