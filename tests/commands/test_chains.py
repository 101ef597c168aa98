"""Processes that take the outputs of others: what they are given, what stops them, in which order they run."""

from __future__ import annotations

import json

import pytest

import stoa

COUNT = """\
name: count
script: count.sh
command: [sh, "{script}", "{needs.measure.table}", "{params.n}"]
params:
  n: {type: int, default: 1}
outputs:
  lines: {path: lines.txt}
needs: [measure]
"""

COUNT_SCRIPT = """\
cp stoa-job.json job.json
wc -l < "$1" > lines.txt
echo "$2" "$STOA_NEEDS_MEASURE_TABLE" >> lines.txt
"""

LAST = """\
name: last
command: [cat, "{needs.count.lines}"]
needs: [count, measure]
"""

NEEDS = "measure @ default"


@pytest.fixture
def chain(survey):
    """measure -> count -> last, of which nothing has run."""
    for name, text in (("count", COUNT), ("last", LAST)):
        (survey.top / f".stoa/processes/{name}.yaml").write_text(text, encoding="utf-8")
    (survey.top / "count.sh").write_text(COUNT_SCRIPT, encoding="utf-8")
    return survey


def why(survey, process: str, *words: str) -> str:
    return survey.ok("why", process, "a", *words).removeprefix("a: ").rstrip("\n")


def test_a_job_is_given_the_output_of_the_one_it_needs(chain):
    chain.ok("run", "measure")
    chain.ok("run", "count")
    made = chain.outcomes()["a"]
    source = chain.outcomes(chain.runs()[0])["a"]["outputs"]["table"]
    assert made["inputs"] == {"needs.measure.table": source}
    place = chain.top / made["place"].replace(":", "/", 1)
    path = str(chain.top / source["path"].replace(":", "/", 1))
    assert (place / "lines.txt").read_text() == f"1\n1 {path}\n"
    assert json.loads((place / "job.json").read_text())["needs"] == {"measure": {"table": path}}


def test_nothing_is_stale_when_all_has_run(chain):
    chain.ok("run", "--all")
    assert [chain.outcomes(run)["a"]["status"] for run in chain.runs()] == ["ok"] * 3
    assert [why(chain, name) for name in ("measure", "count", "last")] == ["does not run, up to date"] * 3


def test_all_runs_a_process_after_what_it_needs_and_draws_that(chain):
    result = chain("run", "--all", "count")
    assert result.stderr.splitlines()[:2] == ["count @ default", "└─ measure @ default"]
    assert [chain.git("show", f"HEAD:.stoa/runs/{run}/run.yaml").splitlines()[2] for run in chain.runs()] == [
        "process: measure", "process: count",
    ]  # fmt: skip
    assert [name["process"] for name in chain.json("run", "--all", "--force")] == ["measure", "count", "last"]


def test_a_plan_of_all_shows_each_process(chain):
    chain.ok("run", "measure", "--target", "a")
    assert chain.ok("plan", "--all").splitlines() == [
        "last @ default: 3 of 3 jobs would run",
        "├─ count @ default: 3 of 3 jobs would run",
        "│  └─ measure @ default: 2 of 3 jobs would run, 1 up to date",
        "└─ measure @ default: 2 of 3 jobs would run, 1 up to date",
    ]


def test_a_plan_of_all_says_what_runs_after_what_is_stale(chain):
    chain.ok("run", "--all", "count")
    (chain.top / "measure.sh").write_text((chain.top / "measure.sh").read_text() + "true\n")
    assert chain.ok("plan", "--all", "count").splitlines() == [
        "count @ default: 0 of 3 jobs would run, 3 after that, as measure is stale: the script changed",
        "└─ measure @ default: 3 of 3 jobs would run",
    ]


def test_a_set_of_the_needed_process_can_be_named(chain):
    chain.edit(".stoa/processes/count.yaml", "[measure]", "[measure@deep]")
    assert chain.error("run", "count")[0] == ("error: no parameter set of 'measure' that 'count' needs named 'deep'")
    chain.ok("params", "new", "deep", "--process", "measure", "--set", "snr=3")
    assert chain("run", "count").exit_code == 3
    assert chain.outcomes()["a"]["cause"] == "measure @ deep has no outcome (`stoa run measure --params deep`)"
    chain.ok("run", "--all", "count")
    assert chain.statuses() == {"a": "ok", "b": "ok", "c": "ok"}


def test_what_failed_blocks_what_needs_it_down_the_chain(chain):
    chain.does("b", "echo 'no beam'; exit 3")
    assert chain("run", "--all").exit_code == 3
    measured, counted, last = (chain.outcomes(run) for run in chain.runs())
    assert measured["b"]["status"] == "failed"
    assert (counted["b"]["status"], counted["b"]["cause"]) == (
        "blocked", f"{NEEDS} ended failed: {measured['b']['cause']}",
    )  # fmt: skip
    assert (last["b"]["status"], last["b"]["cause"]) == ("blocked", counted["b"]["cause"])
    assert (counted["a"]["status"], last["a"]["status"]) == ("ok", "ok")
    chain.does("b", ":")
    chain.ok("rerun", chain.runs()[0], "--failed")
    chain.ok("run", "--all")
    assert chain.statuses() == {"b": "ok"}


def test_a_later_failure_blocks_what_was_ok(chain):
    chain.ok("run", "--all", "count")
    chain.does("a", "exit 4")
    chain("run", "measure", "--force")
    assert why(chain, "count") == f"is blocked, {NEEDS} ended failed: exit code 4"
    chain("run", "count")
    assert chain.outcomes()["a"]["cause"] == f"{NEEDS} ended failed: exit code 4"


def test_what_is_stale_waits_for_what_it_needs(chain):
    chain.ok("run", "--all")
    chain.edit("measure.sh", "snr $2", "SNR $2")
    waits = "does not run, measure is stale: the script changed (`stoa run --all count` runs both)"
    assert why(chain, "count") == waits
    assert why(chain, "last").startswith("does not run, count is stale: measure is stale: the script changed")
    before = len(chain.runs())
    chain.ok("run", "count")
    assert len(chain.runs()) == before
    chain.ok("run", "--all", "--target", "a")
    assert [list(chain.statuses(run)) for run in chain.runs()[before:]] == [["a"]] * 3
    assert why(chain, "count") == "does not run, up to date"


def test_force_takes_what_is_there(chain):
    chain.ok("run", "--all", "count")
    chain.edit("measure.sh", "snr $2", "SNR $2")
    chain.ok("run", "count", "--force", "--target", "a")
    assert chain.statuses() == {"a": "ok"}


def test_an_equal_output_of_another_run_makes_nothing_stale(chain):
    chain.ok("run", "--all", "count")
    chain.ok("run", "measure", "--force")
    assert why(chain, "count") == "does not run, up to date"
    chain.ok("run", "measure", "--force", "--set", "snr=4")  # another set, which no one needs
    assert why(chain, "count") == "does not run, up to date"


def test_another_output_of_another_run_makes_stale(chain):
    chain.ok("run", "--all", "count")
    chain.does("a", 'echo more > more.txt; set -- "$1" 7')
    chain.ok("run", "measure", "--force")
    assert why(chain, "count") == "runs, measure.table is another one"


def test_a_product_that_is_not_on_this_machine_blocks(chain):
    chain.ok("run", "measure")
    path = chain.outcomes()["a"]["outputs"]["table"]["path"]
    (chain.top / path.replace(":", "/", 1)).unlink()
    assert why(chain, "count") == f"is blocked, {path} is not on this machine (`stoa rerun` of its run makes it again)"


def test_a_product_that_was_changed_since_blocks(chain):
    chain.ok("run", "measure")
    path = chain.outcomes()["a"]["outputs"]["table"]["path"]
    file = chain.top / path.replace(":", "/", 1)
    file.write_text(file.read_text().swapcase().replace("5", "6"))
    assert (
        why(chain, "count") == f"is blocked, {path} is not as its run wrote it (`stoa rerun` of its run makes it again)"
    )
    assert chain.json("run", "count")["counts"] == {"ok": 2, "blocked": 1}
    chain.ok("rerun", "measure", "--target", "a")
    assert chain.json("run", "count")["counts"] == {"ok": 1}


def test_an_output_that_is_not_declared(chain):
    chain.edit(".stoa/processes/count.yaml", "measure.table", "measure.tabel")
    message = "process 'count' takes output 'tabel' of 'measure', which it does not declare; did you mean 'table'?"
    assert chain.error("run", "count") == [f"error: {message}", "hint: outputs of 'measure': table"]
    assert chain("process", "check", "count").exit_code == 1


def test_a_loop_is_named(chain):
    chain.edit(".stoa/processes/measure.yaml", "outputs:", "needs: [last]\noutputs:")
    assert chain.error("run", "count")[0] == "error: processes need each other: count -> measure -> last -> count"


def test_settings_of_a_whole_chain_are_refused(chain):
    assert chain.error("run", "--all", "--set", "n=3")[0] == "error: --params, --set and --env are for one process"
    assert chain("run").exit_code == 2


def test_settings_are_for_the_last_process(chain):
    chain.ok("run", "--all", "count", "--set", "n=2,3")
    runs = [chain.json("show", run)["run"]["params"]["name"] for run in chain.runs()]
    assert runs == ["default", "default+n=2", "default+n=3"]


LOOK = """\
name: look
command: [cp, "{image}", out.fits]
over: image
inputs: {image: {role: [correctedImage, image]}}
outputs: {copy: {path: out.fits, kind: image}}
"""
JOIN = """\
name: join
shell: false
command: [sh, -c, 'ls -l "$@" > list.txt; cp stoa-job.json job.json', sh, "{needs.look.copy}"]
outputs: {list: {path: list.txt}}
needs: [look]
"""
AGAIN = """\
name: again
command: [cp, "{needs.look.copy}", again.fits]
over: image
inputs: {image: {role: [correctedImage, image]}}
needs: [look]
"""


@pytest.fixture
def images(survey, archive):
    """Two folders with images; look runs over images, join over targets, again over images."""
    made = archive(2)
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    for name, text in (("look", LOOK), ("join", JOIN), ("again", AGAIN)):
        (survey.top / f".stoa/processes/{name}.yaml").write_text(text, encoding="utf-8")
    survey.git("rm", "--quiet", ".stoa/targets/data.yaml")
    folder = made.folder(0)
    image = next(folder.glob("*.pbcor.fits"))
    (folder / "J9999_sci.spw0.cont.I.pbcor.fits").write_bytes(image.read_bytes())
    survey.ok("meta", "build")
    return survey


def test_an_image_is_given_the_output_of_the_same_image(images):
    images.ok("run", "--all", "again")
    looked, again = (images.outcomes(run) for run in images.runs())
    assert len(again) == 3
    for name, outcome in again.items():
        assert outcome["inputs"]["needs.look.copy"] == looked[name]["outputs"]["copy"]


def test_a_target_is_given_the_outputs_of_all_its_images(images):
    images.ok("run", "--all", "join")
    looked, joined = (images.outcomes(run) for run in images.runs())
    target = next(name for name, one in joined.items() if len(one["inputs"]) == 2)
    mine = sorted((one for one in looked.values() if one["target"] == target), key=lambda one: one["group"])
    expected = {f"needs.look.copy[{one['group']}]": one["outputs"]["copy"] for one in mine}
    assert joined[target]["inputs"] == expected
    place = images.top / joined[target]["place"].replace(":", "/", 1)
    paths = [str(images.top / ref["path"].replace(":", "/", 1)) for ref in expected.values()]
    assert json.loads((place / "job.json").read_text())["needs"] == {"look": {"copy": paths}}
    assert len((place / "list.txt").read_text().splitlines()) == 2


def test_one_bad_image_blocks_its_target(images):
    bad = """[sh, -c, 'case "$0" in *J9999*) exit 5;; esac; cp "$0" "$1"',"""
    images.edit(".stoa/processes/look.yaml", "[cp,", bad)
    images("run", "--all", "join")
    causes = [o["cause"] for o in images.outcomes().values() if o["status"] == "blocked"]
    assert causes == ["look @ default ended failed for J9999_sci.spw0.cont.I: exit code 5"]


def test_several_files_inside_of_an_argument_are_refused(images):
    images.edit(".stoa/processes/join.yaml", '"{needs.look.copy}"', '"--in={needs.look.copy}"')
    assert images.error("run", "join")[0] == (
        "error: process 'join' runs once per target and 'look' once per image: "
        "{needs.look.copy} stands for several files"
    )


def test_a_chain_from_python(chain):
    with stoa.open(chain.top) as project:
        reports = project.run_all("count", targets="a")
    assert [(report.process, report.counts) for report in reports] == [("measure", {"ok": 1}), ("count", {"ok": 1})]
