"""`stoa.open`: the verbs as functions, and tables of what is known."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import stoa
from stoa.api import OpenProject


@pytest.fixture
def project(survey) -> Iterator[OpenProject]:
    with stoa.open(survey.top) as opened:
        yield opened


def test_a_project_is_opened_from_any_folder_in_it(survey):
    with stoa.open(survey.top / "data" / "a") as opened:
        assert repr(opened).endswith(f"at {survey.top}>")


def test_there_is_nothing_to_open(tmp_path):
    with pytest.raises(stoa.StoaError, match="is in no STOA project") as caught:
        stoa.open(tmp_path)
    assert caught.value.hint == "`stoa init` makes one in a git repository"


def test_the_whole_loop_from_a_notebook(repo):
    for name in ("a", "b"):
        (repo / "data" / name).mkdir(parents=True)
    (repo / "find.py").write_text("import sys; sys.exit(sys.argv[1].endswith('b'))\n", encoding="utf-8")
    from stoa.commands.init import init

    init(repo)
    with stoa.open(repo) as project:
        assert project.add_root("data", repo / "data").exists
        assert [target.name for target in project.add_targets("data", "*").added] == ["a", "b"]
        assert project.build_metadata().changed == ("a", "b")
        assert {entry.target for entry in project.check_metadata() if entry.problems} == {"a", "b"}
        project.new_process("find", str(repo / "find.py"))
        assert project.check_processes().problems == ()
        assert project.run("find").counts == {"ok": 1, "failed": 1}
        assert list(project.outcomes("find")["status"]) == ["ok", "failed"]
        project.flag("b", reason="check", text="why?")
        project.comment("b", text="no idea")
        (repo / "find.py").write_text("", encoding="utf-8")
        assert project.rerun(failed=True, flagged=True).counts == {"ok": 1}
        project.unflag("b")
        assert len(project.flags()) == 0
        assert list(project.outcomes()["status"]) == ["ok", "ok"]


def test_a_run_is_in_git_as_from_the_command_line(survey, project):
    before = survey.head()
    report = project.run("measure", settings={"snr": 4, "deep": True}, targets="[ab]", jobs=1)
    assert (report.run, report.commit) == (survey.runs()[0], survey.head())
    assert survey.subjects(before) == ["measure @ default+snr=4+deep=true: 2 ok of 2"]
    assert survey.outcomes()["a"]["results"] == {"snr": 4.0}
    assert "asked:\n- stoa.open().run\n- measure\n" in survey.committed(f".stoa/runs/{report.run}/run.yaml")


def test_what_is_up_to_date_is_left_alone(survey, project):
    project.run("measure")
    before = survey.head()
    report = project.run("measure")
    assert (report.run, report.up_to_date, report.all_ok) == ("", {"up to date": 3}, True)
    assert survey.head() == before


def test_targets_are_a_table(survey, project):
    survey.ok("flag", "b", "--reason", "artefacts")
    table = project.targets()
    assert table.colnames[:4] == ["name", "root", "path", "flags"]
    assert list(table["flags"]) == ["", "artefacts", ""]
    assert list(project.targets("name > 'a'")["name"]) == ["b", "c"]


def test_outcomes_are_a_table_with_results_as_columns(survey, project):
    survey.does("b", "exit 1")
    project.run("measure")
    table = project.outcomes("measure", "default")
    assert list(zip(table["target"], table["status"], strict=True)) == [("a", "ok"), ("b", "failed"), ("c", "ok")]
    assert table["result_snr"].mask.tolist() == [False, True, False]
    assert np.mean(table["result_snr"]) == 5.0


def test_all_outcomes_or_the_latest_ones(project):
    project.run("measure")
    project.run("measure", force=True)
    assert (len(project.outcomes()), len(project.outcomes(latest=False))) == (3, 6)


def test_runs_are_a_table(survey, project):
    survey.does("b", "exit 1")
    project.run("measure")
    project.run("measure", settings={"snr": 7}, targets=["a"])
    table = project.runs()
    assert list(table["params"]) == ["default", "default+snr=7"]
    assert list(table["n_ok"]) == [2, 1]
    assert list(table["n_failed"]) == [1, 0]


def test_tables_of_an_empty_project_have_no_rows(project):
    assert [len(table) for table in (project.outcomes(), project.flags(), project.runs())] == [0, 0, 0]


def test_flags_are_a_table(project):
    project.flag("a", "b", reason="artefacts", text="stripes")
    project.unflag("a")
    assert list(project.flags()["target"]) == ["b"]
    assert list(project.flags(every=True)["open"]) == [False, True]


def test_plan_and_why(survey, project):
    project.run("measure", targets="a")
    plan = project.plan("measure")
    assert [job.target for job in plan.to_run] == ["b", "c"]
    assert [(job.runs, job.reason) for job in project.why("measure", "a")] == [(False, "up to date")]


def test_definitions(survey, project):
    project.new_params("deep", "measure", snr=4.5, deep=True)
    assert project.parameter_set("measure", "deep").values == {"snr": 4.5, "mode": "fast", "deep": True, "n": 3}
    assert project.parameter_sets("measure") == ["deep", "default"]
    project.add_environment("mine", python=sys.executable)
    assert project.environments() == ["host", "mine"]
    project.add_process("sep")
    assert project.processes() == ["measure", "sep"]
    assert project.process("sep").over == "image"
    assert survey.subjects()[:3] == [
        "process sep, as shipped", "environment mine", "parameter set deep of measure: snr=4.5, deep=true",
    ]  # fmt: skip


def test_what_happened(survey, project):
    survey.does("b", "echo oh no; exit 1")
    report = project.run("measure")
    assert project.log("b") == "oh no\n"
    assert project.show("b").latest[0].outcome.cause == "exit code 1: oh no"
    assert project.show_run().run.id == report.run
    assert {target.name: target.states for target in project.status().targets}["b"] == {"measure@default": "failed"}
    project.comment("b", text="see?", run=report.run)
    assert [review.text for review in project.reviews("b")] == ["see?"]
    project.comment(run="last", text="bad seeing")
    assert [review.text for review in project.show_run("last").reviews] == ["see?", "bad seeing"]


def test_a_diff(project):
    project.run("measure")
    project.run("measure", settings={"snr": 6})
    report = project.diff("measure@default", "last")
    assert report.definitions == ("parameter snr: 5 -> 6",)
    assert not report.is_equal
    assert project.diff("last", "last").is_equal


def test_what_others_do_meanwhile_is_seen(survey, project):
    assert len(project.targets()) == 3
    (survey.top / "data/d").mkdir()
    survey.ok("target", "add", "data", "d")
    assert len(project.targets()) == 4
    survey.ok("run", "measure")
    assert len(project.outcomes()) == 4
    survey.ok("flag", "d")
    assert list(project.flags()["target"]) == ["d"]


def test_errors_are_those_of_the_command_line(project):
    with pytest.raises(stoa.StoaError, match=r"no process named 'mesure'; did you mean 'measure'\?"):
        project.run("mesure")
    with pytest.raises(stoa.StoaError, match="parameter 'snr' of process 'measure' must be at least 1, got 0"):
        project.run("measure", settings={"snr": 0})
    with pytest.raises(TypeError, match="targetz"):
        project.run("measure", targetz="a")


def test_a_run_that_is_interrupted_from_the_keyboard_is_committed(survey, project, monkeypatch):
    from stoa.runs.launch import Launch

    ended = Launch.outcomes

    def interrupted(self, control):
        for number, outcome in enumerate(ended(self, control)):
            yield outcome
            if number == 0:
                raise KeyboardInterrupt

    monkeypatch.setattr(Launch, "outcomes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        project.run("measure", jobs=1)
    monkeypatch.undo()
    assert "ok" in survey.statuses().values()
    assert project.run("measure").all_ok
    assert project.status().pairs[0].counts == {"ok": 3}


def test_two_projects_at_once(survey, tmp_path, project):
    import shutil

    shutil.copytree(survey.top, tmp_path / "second", symlinks=True)
    with stoa.open(tmp_path / "second") as second:
        second.run("measure")
        assert (len(second.outcomes()), len(project.outcomes())) == (3, 0)


def test_catalogues(survey, project):
    (survey.top / "find.sh").write_text('cp "$1/table" sources.csv\n', encoding="utf-8")
    (survey.top / ".stoa/processes/find.yaml").write_text(
        'name: find\nscript: find.sh\ncommand: [sh, "{script}", "{target}"]\n'
        "outputs: {sources: {path: sources.csv, kind: catalogue}}\n",
        encoding="utf-8",
    )
    (survey.top / "data/a/table").write_text("ra_deg,dec_deg,snr\n10,-30,8\n", encoding="utf-8")
    (survey.top / "quasars.csv").write_text("name,ra,dec\nQ1,10.0,-30.0003\n", encoding="utf-8")
    project.run("find", targets="a")
    assert list(project.stack("find@default")["target"]) == ["a"]
    matched = project.match("find@default", survey.top / "quasars.csv", radius="5arcsec")
    assert matched.matched == 1
    assert project.plot("find@default", "snr").read_bytes().startswith(b"\x89PNG")


def test_sharing(survey, project, tmp_path, git):
    git(tmp_path, "clone", "--quiet", "--bare", str(survey.top), "hub.git")
    survey.git("remote", "add", "origin", str(tmp_path / "hub.git"))
    project.flag("a")
    assert project.sync().sent == 1
    assert git(tmp_path / "hub.git", "rev-parse", "main").strip() == survey.head()


def test_a_relative_root_is_that_of_the_working_folder(survey, project, monkeypatch):
    (survey.top / "data/a/deep").mkdir()
    monkeypatch.chdir(survey.top / "data")
    assert project.add_root("more", "a").path == str(Path(survey.top, "data/a"))


def test_a_script_that_closes_nothing_ends_quietly(survey):
    survey.ok("run", "measure")
    survey.git("repack", "-q", "-a", "-d")
    script = "import stoa; p = stoa.open('.'); print(len(p.outcomes()), p.flag('a').targets)"
    done = subprocess.run([sys.executable, "-c", script], cwd=survey.top, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("3 ('a',)\n", "")


def test_outcomes_of_a_pair_are_named_as_elsewhere(survey, project):
    survey.ok("run", "measure", "--set", "snr=4")
    survey.ok("run", "measure", "--target", "a")
    assert len(project.outcomes("measure@default+snr=4")) == 3
    assert len(project.outcomes("measure")) == 4
    for wrong, message in (("mesure", "no process named 'mesure'"), ("measure@deep", "no parameter set named 'deep'")):
        with pytest.raises(stoa.StoaError, match=message):
            project.outcomes(wrong)
