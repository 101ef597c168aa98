"""Measurement sets and images of CASA: folders that processes take and leave as they do files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

IMAGE = """\
name: clean
script: clean.sh
command: [sh, "{script}", "{vis}", "{params.n}"]
inputs:
  vis: {pattern: "*.ms"}
params:
  n: {type: int, default: 1}
outputs:
  image: {path: x.image, kind: folder, ignore: ["logtable/*"]}
"""

SCRIPT = """\
if [ -f "$(dirname "$1")/job.sh" ]; then . "$(dirname "$1")/job.sh"; fi
mkdir -p x.image/logtable
cat "$1"/table.dat > x.image/pixels
echo "$2" >> x.image/pixels
date +%s%N > x.image/logtable/when
"""

USES = """\
name: uses
command: [cat, "{needs.clean.image}/pixels"]
needs: [clean]
"""


@pytest.fixture
def visibilities(survey):
    """Targets a, b and c with a measurement set each; clean makes an image of it, and uses takes that."""
    for name, text in (("clean", IMAGE), ("uses", USES)):
        (survey.top / f".stoa/processes/{name}.yaml").write_text(text, encoding="utf-8")
    (survey.top / "clean.sh").write_text(SCRIPT, encoding="utf-8")
    for target in "abc":
        folder = data(survey, target)
        folder.mkdir()
        (folder / "table.dat").write_text(f"{target}\n")
    return survey


def data(survey, target: str) -> Path:
    return survey.top / f"data/{target}/v.ms"


def why(survey, target: str) -> str:
    return survey.ok("why", "clean", target).removeprefix(f"{target}: ").rstrip("\n")


def test_a_folder_is_taken_and_left_as_a_file_is(visibilities):
    visibilities.ok("run", "clean")
    outcome = visibilities.outcomes()["a"]
    assert outcome["inputs"]["vis"]["path"] == "data:a/v.ms"
    assert (outcome["inputs"]["vis"]["size"], outcome["inputs"]["vis"]["files"]) == (2, 1)
    made = outcome["outputs"]["image"]
    assert made["path"].endswith("/a/x.image")
    assert (made["files"], len(made["sha256"])) == (2, 64)
    assert "x.image (2 files, " in visibilities.ok("show", "a")
    assert why(visibilities, "a") == "does not run, up to date"


def test_a_measurement_set_that_changed_makes_its_job_stale_and_no_other(visibilities):
    visibilities.ok("run", "clean")
    (data(visibilities, "a") / "table.lock").write_text("opened by someone")
    os.utime(data(visibilities, "a") / "table.dat", ns=(1, 1))
    assert why(visibilities, "a") == "does not run, up to date"
    (data(visibilities, "a") / "table.dat").write_text("A\n")
    assert why(visibilities, "a") == "runs, input vis was delivered again"
    assert why(visibilities, "b") == "does not run, up to date"


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (shutil.rmtree, "input vis: no file or folder matches '*.ms'"),
        (lambda ms: shutil.copytree(ms, ms.with_name("w.ms")), "and it takes one: v.ms, w.ms"),
        (lambda ms: os.mkfifo(ms / "pipe"), "input vis: v.ms cannot be taken: it holds a pipe: pipe"),
        (lambda ms: (ms / "x").symlink_to("/"), "input vis: v.ms cannot be taken: it holds a link that leads out"),
        (lambda ms: (shutil.rmtree(ms), os.mkfifo(ms)), "input vis: v.ms is neither a file nor a folder"),
    ],
)
def test_an_input_that_cannot_be_taken_blocks_its_job_alone(visibilities, prepare, words):
    prepare(data(visibilities, "a"))
    assert visibilities("run", "clean").exit_code == 3
    outcomes = visibilities.outcomes()
    assert [outcomes[target]["status"] for target in "abc"] == ["blocked", "ok", "ok"]
    assert words in outcomes["a"]["cause"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("touch x.image; exit 0", "is a file, and a folder is expected"),
        ("ln -s /etc x.image; exit 0", "is a link, and a folder is expected"),
        ("mkdir x.image; exit 0", "is empty"),
        ("exit 0", "is missing"),
        ("mkdir x.image; mkfifo x.image/p; exit 0", "cannot be taken: it holds a pipe: p"),
        (
            "mkdir x.image; ln -s /etc x.image/p; exit 0",
            "cannot be taken: it holds a link that leads out of it: p -> /etc",
        ),
    ],
)
def test_an_output_that_is_no_folder_fails_its_job(visibilities, lines, words):
    visibilities.does("a", lines)
    visibilities("run", "clean", "--target", "a")
    outcome = visibilities.outcomes()["a"]
    assert (outcome["status"], outcome["cause"]) == ("failed", f"declared output 'image' (x.image) {words}")


def test_a_folder_where_a_file_is_declared_says_what_to_declare(visibilities):
    visibilities.edit(".stoa/processes/clean.yaml", ", kind: folder", "")
    visibilities("run", "clean", "--target", "a")
    assert "is not a regular file" in visibilities.outcomes()["a"]["cause"]


def test_another_process_takes_the_folder_and_is_stale_when_it_is_another(visibilities):
    visibilities.ok("run", "--all", "uses")
    image = visibilities.outcomes(visibilities.runs()[0])["a"]["outputs"]["image"]
    assert visibilities.outcomes()["a"]["inputs"] == {"needs.clean.image": image}
    (data(visibilities, "a") / "table.dat").write_text("A\n")
    visibilities.ok("run", "clean")
    assert "clean.image is another one" in visibilities.ok("why", "uses", "a")


def test_an_outcome_is_restored_as_long_as_its_folder_is_as_recorded(visibilities):
    visibilities.ok("run", "clean")
    visibilities.edit(".stoa/processes/clean.yaml", "default: 1", "default: 2")
    visibilities.ok("run", "clean")
    visibilities.edit(".stoa/processes/clean.yaml", "default: 2", "default: 1")
    place = visibilities.top / visibilities.outcomes(visibilities.runs()[0])["a"]["place"].replace(":", "/", 1)
    (place / "x.image/pixels").write_text("not what the job wrote")
    visibilities.ok("run", "clean")
    assert {name: bool(one.get("restored")) for name, one in visibilities.outcomes().items()} == {
        "a": False, "b": True, "c": True,
    }  # fmt: skip


def test_a_damaged_folder_is_found_and_a_whole_one_is_not(visibilities):
    visibilities.ok("run", "clean")
    visibilities.ok("fsck", "--products")
    place = visibilities.top / visibilities.outcomes()["b"]["place"].replace(":", "/", 1)
    (place / "x.image/more").touch()
    said = visibilities("fsck", "--products")
    assert said.exit_code == 1
    assert "/b/x.image" in said.output
    assert "is not the folder that the job wrote" in said.output


def test_a_folder_is_made_again_and_compared_file_by_file(visibilities):
    visibilities.ok("run", "clean", "--target", "a")
    run = visibilities.runs()[-1]
    assert visibilities("reproduce", run).exit_code == 0  # logtable differs, and is not looked at
    visibilities.edit(".stoa/processes/clean.yaml", ', ignore: ["logtable/*"]', "")
    visibilities.ok("run", "clean", "--target", "a", "--force")
    said = visibilities("reproduce", visibilities.runs()[-1])
    assert said.exit_code == 3
    assert "image: logtable/when differs" in said.output


def test_a_folder_is_published_with_all_its_files(visibilities):
    visibilities.ok("run", "clean")
    visibilities.ok("publish", "clean@default", "--to", "out", "--products")
    assert (visibilities.top / "out/products/a/x.image/pixels").read_text() == "a\n1\n"
    assert "products/a/x.image/pixels" in (visibilities.top / "out/ro-crate-metadata.json").read_text()
