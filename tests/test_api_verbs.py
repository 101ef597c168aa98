"""Every verb of the command line has a counterpart in Python, and each is called by a test."""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from survey import wait_for
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

import stoa
from stoa.api import OpenProject
from stoa.cli.main import app

COUNTERPARTS = {
    "init": "stoa.init", "root add": "add_root", "root list": "roots",
    "target add": "add_targets", "target from-log": "targets_from_log", "target list": "targets",
    "target show": "target", "target remove": "remove_targets", "root remove": "remove_root",
    "target rename": "rename_target", "process rename": "rename_process", "params rename": "rename_params",
    "env rename": "rename_environment", "adopt": "adopt", "update": "update",
    "process remove": "remove_process", "params remove": "remove_params", "env remove": "remove_environment",
    "meta build": "build_metadata", "meta show": "show_metadata", "meta check": "check_metadata",
    "meta explain": "explain_file",
    "process add": "add_process", "process new": "new_process", "process list": "processes",
    "process show": "process", "process check": "check_processes",
    "params new": "new_params", "params list": "parameter_sets", "params show": "parameter_set",
    "params diff": "diff_params",
    "env list": "environments", "env add": "add_environment", "env build": "build_environment",
    "env show": "environment",
    "plan": "plan", "why": "why", "run": "run", "run --all": "run_all", "run --set": "sweep", "rerun": "rerun",
    "reproduce": "reproduce", "stop": "stop", "collect": "collect",
    "status": "status", "runs": "runs", "show": "show", "show RUN": "show_run", "show --row": "show_row", "log": "log",
    "open": "places",
    "results": "results",
    "report": "report", "diff": "diff", "flag": "flag", "unflag": "unflag", "comment": "comment", "reviews": "reviews",
    "step": "step", "assign": "assign", "todo": "todo", "tag": "tag", "select": "select",
    "review draw": "draw_sample", "review pass": "pass_targets",
    "review list": "samples", "review remove": "remove_sample", "reviews --agreement": "agreement",
    "reviews --flags": "flags", "query": "query",
    "catalogue stack": "stack", "catalogue quality": "quality", "catalogue match": "match",
    "catalogue limits": "limits", "catalogue export": "export", "catalogue plot": "plot",
    "samp send": "send", "samp listen": "listen",
    "vo cone": "cone", "vo tap": "tap", "vo obscore": "obscore", "vo fetch": "fetch", "vo moc": "moc",
    "push": "push", "fetch": "fetch_products", "store gc": "store_garbage",
    "publish": "publish", "sync": "sync", "clone": "stoa.clone", "fsck": "fsck", "doctor": "doctor",
}  # fmt: skip
"""Verb, with an option where that has a function of its own -> method of a project, or function of `stoa`."""

WITHOUT = {
    "ui": "serves pages until it is stopped",
    "samp bridge": "joins a dashboard and a desktop until it is stopped",
    "vo serve": "serves a table until it is stopped",
    "demo": "types the commands of the command line, one after the other",
    "help": "shows the help of the command line",
}
"""Verb that has no counterpart -> why."""


def verbs() -> list[str]:
    """Every command that does something, by its words."""
    return list(_below(get_command(app), ""))


def _below(command: TyperCommand | TyperGroup, words: str) -> Iterator[str]:
    if not isinstance(command, TyperGroup):
        yield words
        return
    for name in command.list_commands(None):
        below = command.get_command(None, name)
        if below is not None and not below.hidden:
            yield from _below(below, f"{words} {name}".strip())


def test_every_verb_has_a_counterpart():
    named = {re.sub(r" (--\w+|RUN)$", "", verb) for verb in COUNTERPARTS}
    assert sorted(verbs()) == sorted(named | WITHOUT.keys())


def test_every_counterpart_is_there_and_says_what_it_gives():
    found = {
        name: getattr(stoa, name.removeprefix("stoa.")) if "." in name else getattr(OpenProject, name)
        for name in COUNTERPARTS.values()
    }
    assert [name for name, function in found.items() if "return" not in function.__annotations__] == []


def test_every_method_has_typed_keywords_and_says_what_it_does():
    """A notebook completes names and shows signatures; the values of parameters have names of their own."""
    of_a_process = {"new_params", "add_environment"}
    methods = {
        name: method for name, method in inspect.getmembers(OpenProject, inspect.isfunction) if not name.startswith("_")
    }
    taken = {name: list(inspect.signature(method).parameters.values())[1:] for name, method in methods.items()}
    untyped = [
        f"{name}: {each.name}" for name, several in taken.items() for each in several if each.annotation is each.empty
    ]
    assert untyped == []
    assert {n for n, several in taken.items() for each in several if each.kind is each.VAR_KEYWORD} <= of_a_process
    assert [name for name, method in methods.items() if not method.__doc__] == []


def test_every_counterpart_is_called_by_a_test():
    text = "\n".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.rglob("test_*.py"))
    called = set(re.findall(r"\b(stoa\.\w+|(?<=project\.)\w+|(?<=found\.)\w+)\(", text))
    assert sorted(set(COUNTERPARTS.values()) - called) == []


@pytest.fixture
def project(survey) -> Iterator[OpenProject]:
    with stoa.open(survey.top) as opened:
        yield opened


@pytest.fixture
def found(repo, archive) -> Iterator[OpenProject]:
    """A described archive of three images, searched by the shipped finder; there are two sources in each."""
    sky = archive(3)
    with stoa.init(repo) as project:
        project.add_root("alma", sky.top)
        project.add_targets("alma", "**/product")
        project.build_metadata()
        project.add_process("sep")
        assert project.run("sep", jobs=2).counts == {"ok": 3}
        yield project


def test_a_project_is_made(repo, git):
    with stoa.init(repo) as project:
        assert [root.name for root in project.roots()] == ["products"]
    assert git(repo, "log", "-1", "--format=%s").startswith("stoa init: project repo-")
    with pytest.raises(stoa.StoaError, match="has a .stoa folder already"):
        stoa.init(repo)


def test_a_project_is_cloned(survey, tmp_path, monkeypatch):
    with stoa.clone(str(survey.top), tmp_path / "copy") as project:
        assert list(project.targets()["name"]) == ["a", "b", "c"]
        assert [root.path for root in project.roots() if root.name == "data"] == [""]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with stoa.clone(f"file://{survey.top}/.git") as project:
        assert repr(project).endswith(f"at {tmp_path / 'here/survey'}>")


def test_a_target_and_a_list_of_folders(survey, project):
    (survey.top / "data/d e").mkdir()
    before = survey.head()
    assert [each.name for each in project.add_targets("data", paths=["d e"], list_name="more").added] == ["d_e"]
    assert survey.changed(before) == [".stoa/targets/more.yaml"]
    assert project.target("d_e").path == "d e"
    with pytest.raises(stoa.StoaError, match="no target named 'z'"):
        project.target("z")


LOG = "obs_id,member_ous_uid,target_name,s_ra,s_dec,s_fov\nx,uid://A001/X1/Xa,Q1,10.0,-30.0,0.01\n"


def test_a_log_is_joined_with_the_targets(survey, project):
    (survey.top / "log.csv").write_text(LOG, encoding="utf-8")
    (survey.top / "quasars.csv").write_text("name,ra,dec\nQ1,10.0,-30.0003\nQ2,50,20\n", encoding="utf-8")
    (survey.top / "data/member.uid___A001_X1_Xa/product").mkdir(parents=True)
    (added,) = project.add_targets("data", "member*/product").added
    said = project.targets_from_log(
        survey.top / "log.csv", survey.top / "quasars.csv", radius="10arcsec", out=survey.top / "found.vot"
    )
    assert (said.observed_objects, said.targets) == (1, (added.name,))
    assert (survey.top / "found.vot").is_file()


def test_what_a_file_is_and_what_a_document_says(found, archive, tmp_path):
    name = found.targets()["name"][0]
    document = found.show_metadata(name)
    assert document.startswith(b"<?xml")
    (image,) = sorted((tmp_path / "archive").rglob("*pbcor.fits"))[:1]
    assert found.explain_file(image).role == "correctedImage"


def test_definitions_are_compared_and_built(survey, project):
    project.new_params("deep", "measure", snr=3, doc="for faint ones")
    assert "doc: for faint ones\n" in survey.committed(".stoa/params/measure/deep.yaml")
    assert project.diff_params("measure", "default", "deep") == ["parameter snr: 5 -> 3"]
    project.add_environment("mine", python=sys.executable, environ={"A": "1"})
    environment, facts = project.environment("mine")
    assert (environment.environ, facts["kind"]) == ({"A": "1"}, "host")
    assert project.build_environment("mine") == facts


def test_what_was_recorded_goes_with_new_names(survey, project):
    project.new_params("deep", "measure", snr=3)
    project.add_environment("mine")
    project.run("measure@deep", env="mine", targets="a")
    project.rename_target("a", "first")
    project.rename_process("measure", "gauge")
    project.rename_params("deep", "faint", "gauge")
    project.rename_environment("mine", "ours")
    (row,) = project.results("gauge@faint+ours").rows
    assert (row["target"], row["status"]) == ("first", "ok")


def test_old_products_are_adopted_and_new_data_are_run(survey, project):
    (survey.top / "old/a").mkdir(parents=True)
    (survey.top / "old/a/table.txt").write_text("1", encoding="utf-8")
    project.add_root("old", survey.top / "old")
    assert project.adopt("measure", survey.top / "old").counts == {"ok": 1}
    (survey.top / "data/d").mkdir()
    said = project.update(settled_s=0, sync=False)
    assert (said.prepared.added, said.runs[0].counts) == (("d",), {"ok": 3})


def test_a_pair_is_named_as_on_the_command_line(survey, project):
    project.new_params("deep", "measure", snr=3)
    assert project.run("measure@deep", targets="a").params == "deep"
    assert len(project.plan("measure@deep").to_run) == 2
    assert project.why("measure@deep", "a")[0].reason == "up to date"
    assert [each.params for each in project.status("measure@deep").pairs] == ["deep"]
    assert [report.params for report in project.run_all("measure@deep")] == ["deep"]
    with pytest.raises(stoa.StoaError, match="names the parameter set 'deep', and 'default' is asked for"):
        project.run("measure@deep", "default")


def test_a_sweep_is_a_run_for_each_combination_of_values(survey, project):
    reports = project.sweep("measure", settings={"snr": np.array([3, 4.5]), "mode": "slow"}, targets="a")
    assert [report.params for report in reports] == ["default+snr=3+mode=slow", "default+snr=4.5+mode=slow"]
    assert [survey.outcomes(run)["a"]["results"]["snr"] for run in survey.runs()] == [3.0, 4.5]


def test_a_sweep_over_whole_sets(survey, project, tmp_path):
    (tmp_path / "sets.csv").write_text("snr,n\n6,1\n7,\n", encoding="utf-8")
    reports = project.sweep("measure", settings={"deep": [True]}, sets=tmp_path / "sets.csv", targets="a")
    assert [report.params for report in reports] == ["default+snr=6+deep=true+n=1", "default+snr=7+deep=true"]
    assert len(project.sweep("measure", sets=[{"snr": 8}, {"snr": 9, "deep": False}], targets="a")) == 2
    with pytest.raises(stoa.StoaError, match="'snr' is in a set of values and set for all of them"):
        project.sweep("measure", settings={"snr": 1}, sets=[{"snr": 8}])


def test_a_wrong_value_of_a_sweep_stops_before_the_first_run(survey, project):
    with pytest.raises(stoa.StoaError, match="must be at least 1, got 0"):
        project.sweep("measure", settings={"snr": [5, 0]})
    assert survey.runs() == []


def test_a_run_is_reproduced_from_what_it_froze(survey, project):
    run = project.run("measure").run
    before = survey.head()
    assert project.reproduce(run, "a").counts == {"identical": 1}
    assert survey.head() == before


def test_a_live_run_is_stopped(survey, project):
    for name in ("a", "b", "c"):
        survey.does(name, "touch running; while [ ! -e stop ]; do sleep 0.05; done")
    started = survey.start("run", "measure", "-j", "1")
    wait_for(lambda: list((survey.top / "products").rglob("running")), "a job")
    report = project.stop(now=True)
    started.communicate()
    assert started.returncode == 130
    assert [report.run] == survey.runs()
    assert "interrupted" in survey.statuses().values()
    assert project.collect() == []
    with pytest.raises(stoa.StoaError, match="no run named 'x' is on a cluster"):
        project.collect("x")


def test_sources_are_cut_limited_exported_and_traced(found, repo):
    (repo / "quasars.csv").write_text("name,ra,dec\nQ1,10.0,-30.0\n", encoding="utf-8")
    sources = found.stack("sep@default")
    run = found.runs()["run"][0]
    assert [sources.meta[name] for name in ("process", "params", "run")] == ["sep", "default", run]
    assert found.quality("sep@default", keep=["snr >= 0"]).kept == len(sources)
    assert found.export("last", repo / "all.ecsv") == len(sources)
    row = found.show_row(repo / "all.ecsv", 1)
    assert (row.run, row.params["snr"], row.product_state) == (run, 5.0, "as recorded")
    limited = found.limits("sep@default", repo / "quasars.csv", sigma=3.0)
    assert (limited.images, limited.objects) == (3, 0)


def test_the_index_answers_in_tables(survey, project):
    project.run("measure")
    answer = project.query("SELECT target, duration_s, exit_code FROM outcomes ORDER BY target")
    assert answer.colnames == ["target", "duration_s", "exit_code"]
    assert [answer[name].dtype.kind for name in answer.colnames] == ["U", "f", "i"]
    assert project.query("SELECT 1 AS x, 2 AS x").colnames == ["x", "x_2"]
    assert project.query("SELECT target FROM outcomes WHERE 0").colnames == ["target"]
    with pytest.raises(stoa.StoaError, match="no such table: outcome; did you mean 'outcomes'"):
        project.query("SELECT * FROM outcome")


def test_a_project_is_examined(survey, project):
    project.run("measure")
    assert project.doctor()
    assert project.fsck(products=True).findings == ()
    shutil.rmtree(survey.top / "products/measure")
    assert project.fsck(products=True).absent == 3


# Tables.


def test_tables_without_rows_have_their_columns_with_types(repo):
    with stoa.init(repo) as project:
        kinds = {
            name: {column: table[column].dtype.kind for column in table.colnames}
            for name, table in {
                "targets": project.targets(), "outcomes": project.outcomes(), "flags": project.flags(),
                "runs": project.runs(),
            }.items()
        }  # fmt: skip
    assert {"name": "U", "n_files": "i", "freq_ghz": "f", "band": "U"}.items() <= kinds["targets"].items()
    assert {"target": "U", "attempt": "i", "exit_code": "i", "duration_s": "f"}.items() <= kinds["outcomes"].items()
    assert {"target": "U", "reason": "U", "open": "b"}.items() <= kinds["flags"].items()
    assert {"run": "U", "jobs": "i", "duration_s": "f", "n_ok": "i", "n_failed": "i"}.items() <= kinds["runs"].items()


def test_columns_are_the_same_with_and_without_rows(survey, project):
    empty = [project.outcomes("measure"), project.flags(), project.runs()]
    project.run("measure")
    project.flag("a")
    full = [project.outcomes("measure"), project.flags(), project.runs()]
    assert [table.colnames for table in empty] == [table.colnames for table in full]
    kinds = [[[table[name].dtype.kind for name in table.colnames] for table in tables] for tables in (empty, full)]
    assert kinds[0] == kinds[1]
    assert empty[0]["result_snr"].dtype.kind == "f"


def test_results_carry_the_units_that_were_declared(survey, project):
    survey.edit(".stoa/processes/measure.yaml", "snr: {type: float, tol", "snr: {type: float, unit: mJy, doc: how, tol")
    project.run("measure", targets="a")
    column = project.outcomes("measure")["result_snr"]
    assert (column.unit, column.description) == (units.mJy, "how")
    assert project.outcomes()["duration_s"].unit == units.s
    survey.edit(".stoa/processes/measure.yaml", "unit: mJy", "unit: Jy")
    assert project.outcomes("measure")["result_snr"].unit == units.mJy  # what ran, not what would run now
    project.run("measure", settings={"n": 1}, targets="a")
    mixed = project.outcomes("measure")["result_snr"]
    assert (mixed.unit, mixed.description) == (None, "reported in mJy and in Jy")


def test_metadata_columns_carry_units(found):
    targets = found.targets()
    assert targets["freq_ghz"].unit == units.GHz
    assert targets["ra_deg"].unit == units.deg
    assert targets["problems"].description == "codes of errors and warnings, sorted, with blanks between"


def test_a_table_says_what_it_is_of(survey, project):
    run = project.run("measure").run
    meta = project.outcomes("measure@default").meta
    assert meta == {
        "project": repr(project).split()[2], "commit": survey.head(), "process": "measure", "params": "default",
        "run": run,
    }  # fmt: skip
    other = project.run("measure", settings={"snr": 7}).run
    assert project.outcomes().meta["run"] == f"{run} {other}"
    assert project.outcomes().meta["params"] == "default default+snr=7"


def test_values_of_another_type_than_declared_are_shown_as_they_are(survey, project):
    survey.edit(".stoa/processes/measure.yaml", "snr: {type: float, tolerance: 5%}", "snr: {type: str}")
    survey.does("a", """echo '{"snr": "high"}' > stoa-result.json; echo high > table.txt; exit 0""")
    project.run("measure", targets=["a"])
    survey.edit(".stoa/processes/measure.yaml", "snr: {type: str}", "snr: {type: float, tolerance: 5%}")
    project.run("measure", targets=["b"])
    assert sorted(project.outcomes()["result_snr"]) == ["5.0", "high"]


def test_what_was_reported_and_where_it_is(survey, project):
    project.run("measure", targets=("a",))
    (row,) = project.results("measure", sort="-snr").rows
    assert (row["target"], row["snr"]) == ("a", 5.0)
    assert [place.what for place in project.places("a")] == ["data", "products", "log", "table"]
    assert "measure@default: 1 ok" in project.report("measure@default")


def test_definitions_and_targets_are_removed(survey, project):
    project.new_params("deep", "measure", snr=4)
    project.add_environment("other")
    assert project.remove_params("deep", "measure").names == ("deep",)
    assert project.remove_environment("other").kind == "environment"
    assert project.remove_process("measure").files == (".stoa/processes/measure.yaml",)
    assert project.remove_targets("*").names == ("a", "b", "c")
    assert project.remove_root("data").refers == ("3 removed targets",)
