"""stoa show: a target, a run, a row of a catalogue."""

from __future__ import annotations

import re

import pytest
from found_sources import table


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


def test_a_run_is_shown_with_what_was_said_about_it_and_its_outcomes(survey):
    survey.ok("run", "measure")
    survey.ok("comment", "--run", "last", "-m", "bad seeing")
    survey.ok("comment", "a", "--run", "last", "-m", "fine")
    survey.ok("comment", "a", "-m", "of the target")
    said = survey.ok("show", "last")
    assert re.search(r"\ncomment by Test Astronomer, .*\n  bad seeing\n", said)
    assert re.search(r"\ncomment on a by Test Astronomer, .*\n  fine\n", said)
    assert "of the target" not in said
    assert [row["text"] for row in survey.json("reviews", survey.runs()[0])] == ["bad seeing", "fine"]
    assert f"run {survey.runs()[0]}" in survey.ok("reviews").splitlines()[1]
    assert [row["text"] for row in survey.json("reviews", "a")] == ["fine", "of the target"]
    assert survey.ok("fsck").endswith("3 reviews, 0 metadata documents: 0 problems\n")


def test_a_row_is_traced_back_to_what_made_it(found):
    found.ok("catalogue", "stack", "find@default")
    said = found.json("show", "catalogues/find@default.vot", "--row", "3")
    assert (said["target"], said["run"], said["values"]["snr"]) == ("b", found.runs()[0], 9.0)
    assert said["product_state"] == "as recorded"
    assert said["digests"].keys() == {"process", "script", "params", "environment"}
    assert found.committed(said["script"]) == 'cp "$1/table" sources.csv\n'
    import hashlib

    content = (found.top / said["product"]["path"].replace("products:", "products/")).read_bytes()
    assert said["product"]["sha256"] in ("", hashlib.sha256(content).hexdigest())
    lines = found.ok("show", "catalogues/find@default.vot", "--row", "3").splitlines()
    assert lines[0] == "row 3 of catalogues/find@default.vot: ra_deg 11, dec_deg -31, snr 9, flux 0.009"
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "product", "target", "run", "script", "parameters", "environment", "metadata document",
    ]  # fmt: skip
    assert f"digest {said['digests']['environment']}" in lines[6]


def test_a_row_has_the_values_and_the_environment_that_rules_gave_its_target(found):
    found.edit(".stoa/processes/find.yaml", "outputs:", "params: {depth: {type: int, default: 5}}\noutputs:")
    folder = found.top / ".stoa/params/find"
    folder.mkdir(parents=True)
    (folder / "ruled.yaml").write_text("rules: [{where: \"name = 'b'\", values: {depth: 9}}]\n", encoding="utf-8")
    found("run", "find", "-p", "ruled")
    found.ok("catalogue", "stack", "find@ruled", "--out", "t.vot")
    said = [found.json("show", "t.vot", "--row", row) for row in ("1", "3")]
    assert [(each["target"], each["params"]["depth"]) for each in said] == [("a", 5), ("b", 9)]
    assert "parameters: ruled (depth=9 by rule 1), digest" in found.ok("show", "t.vot", "--row", "3")
    assert "parameters: ruled (depth=5), digest" in found.ok("show", "t.vot", "--row", "1")


def test_a_changed_product_of_a_row_is_said(found):
    found.ok("catalogue", "stack", "find@default")
    product = found.json("show", "catalogues/find@default.vot", "--row", "1")["product"]["path"]
    (found.top / product.replace("products:", "products/")).write_text(table((1.0, 2.0, 3.0)), encoding="utf-8")
    assert found.json("show", "catalogues/find@default.vot", "--row", "1")["product_state"] == "changed"


@pytest.mark.parametrize(
    ("row", "file", "message"),
    [
        ("4", "catalogues/find@default.vot", "has no row 4; its rows are 1 to 3"),
        ("1", "quasars.csv", "does not say where its rows come from: it has no column target, group, run, product"),
    ],
)
def test_a_row_that_cannot_be_traced(found, row, file, message):
    found.ok("catalogue", "stack", "find@default")
    assert message in found.error("show", file, "--row", row)[0]
