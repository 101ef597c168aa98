"""stoa adopt: products that are older than the project become outcomes that say so."""

from __future__ import annotations

import os

import pytest
from alma_archive import make_archive

OLD = "old-results"


def made_before(survey, folder: str, snr: float = 5.0, table: str = "flux 1\n", **more: str):
    place = survey.top / OLD / folder
    place.mkdir(parents=True)
    if table:
        (place / "table.txt").write_text(table)
    (place / "stoa-result.json").write_text(f'{{"snr": {snr}}}')
    for name, text in more.items():
        (place / name.replace("_log", ".log")).write_text(text)
    return place


@pytest.fixture
def old(survey):
    """Products of a and b in a folder that is a root; those of b lack the promised table."""
    made_before(survey, "a", run_log="all is well\n")
    made_before(survey, "b", table="", run_log="starting\nno beam\n")
    made_before(survey, "notes")
    survey.ok("root", "add", "old", OLD)
    return survey


def test_folders_with_the_names_of_targets_become_outcomes(old):
    result = old("adopt", "measure", "--from", OLD)
    assert result.exit_code == 0
    assert result.stdout.startswith("adopted 1 ok, 1 failed as run ")
    assert "1 job left out: no folder fits: c" in result.stderr
    assert "1 folder of old: belongs to no job: notes" in result.stderr
    rows = {row["target"]: row for row in old.json("results", "measure")["rows"]}
    assert (rows["a"]["status"], rows["a"]["snr"], rows["a"]["origin"]) == ("ok", 5.0, "adopted")
    assert (rows["b"]["status"], rows["b"]["cause"]) == ("failed", "declared output 'table' (table.txt) is missing")
    assert set(rows) == {"a", "b"}
    assert (old.top / OLD / "a/table.txt").is_file()
    old.ok("fsck", "--products")


def test_an_adopted_outcome_is_up_to_date_until_something_changes(old):
    old.ok("adopt", "measure", "--from", OLD)
    assert old.ok("why", "measure", "a").endswith(", up to date\n")
    assert "1 ok" in old.ok("run", "measure", "--target", "c")
    old.edit("measure.sh", "table.txt", "table.txt; true")
    assert "the script changed" in old.ok("why", "measure", "a")


def test_its_origin_is_seen_where_outcomes_are_shown_compared_and_published(old):
    old.ok("adopt", "measure", "--from", OLD, "--target", "a")
    old.ok("run", "measure", "--set", "snr=6", "--target", "a")
    assert "adopted: made before STOA, and found in old:a" in old.ok("show", "a")
    assert "flux 1" not in old.ok("log", "a")
    assert "1 of 1 outcomes of measure@default are adopted" in old.ok(
        "diff", "measure@default", "measure@default+snr=6"
    )
    old.ok("publish", "measure@default", "--to", "paper", "--title", "Old")
    assert "1 of 1 outcomes are adopted" in (old.top / "paper/README.md").read_text()


def test_a_dry_run_writes_nothing(old):
    before = old.head()
    said = old.ok("adopt", "measure", "--from", OLD, "--dry-run")
    assert "would adopt 1 ok, 1 failed" in said
    assert "run.log" in said
    assert old.head() == before


def test_what_has_an_outcome_is_left_alone_unless_it_is_forced(old):
    old.ok("run", "measure", "--target", "a")
    assert (
        "1 job left out: has an outcome already (--force adopts all the same): a"
        in old("adopt", "measure", "--from", OLD).stderr
    )
    assert old.json("adopt", "measure", "--from", OLD, "--force", "--target", "a")["counts"] == {"ok": 1}
    assert old.json("results", "measure", "--where", "target = 'a'")["rows"][0]["origin"] == "adopted"


def test_patterns_say_where_folders_and_logs_are(survey):
    made_before(survey, "2019/run_a_v2")
    made_before(survey, "2020/run_b_v1")
    (survey.top / OLD / "logs").mkdir()
    (survey.top / OLD / "logs/a.txt").write_text("done in 3 s\n")
    survey.ok("root", "add", "old", OLD)
    words = ("--pattern", "20*/run_{name}_v?", "--log", "logs/{name}.txt")
    report = survey.json("adopt", "measure", "--from", OLD, *words)
    assert {(one["target"], one["folder"], one["log"]) for one in report["adopted"]} == {
        ("a", "old:2019/run_a_v2", "logs/a.txt"), ("b", "old:2020/run_b_v1", ""),
    }  # fmt: skip
    assert report["left"] == {"no folder fits": ["c"]}
    assert report["strangers"] == ["logs"]


def test_nothing_is_guessed_where_several_folders_or_jobs_fit(survey):
    made_before(survey, "x/a")
    made_before(survey, "y/a")
    made_before(survey, "x/all")
    survey.ok("root", "add", "old", OLD)
    left = survey.json("adopt", "measure", "--from", OLD, "--pattern", "*/{name}")["left"]
    assert left == {"more than one folder fits": ["a"], "no folder fits": ["b", "c"]}
    left = survey.json("adopt", "measure", "--from", OLD, "--pattern", "x/all")["left"]
    assert list(left.values()) == [["a", "b", "c"]]
    assert survey.json("status")["pairs"] == []


@pytest.fixture
def images(survey):
    """A process over images, and the product of one of them."""
    make_archive(survey.top / "archive", 1, {}, size=16)
    survey.ok("root", "add", "archive", "archive")
    survey.ok("target", "add", "archive", "**/product")
    (survey.top / ".stoa/processes/look.yaml").write_text(
        'schema: 1\nname: look\ncommand: [cp, "{image}", out.fits]\nover: image\n'
        "inputs: {image: {role: [correctedImage, image]}}\noutputs: {copy: {path: out.fits}}\n"
    )
    survey.ok("meta", "build")
    (job,) = [job for job in survey.json("plan", "look")["jobs"] if not job["missing"]]
    place = survey.top / OLD / job["target"] / job["group"]
    place.mkdir(parents=True)
    (place / "out.fits").write_bytes(b"image")
    survey.ok("root", "add", "old", OLD)
    return survey, job, place / "out.fits"


def test_images_are_told_apart_by_their_group_and_have_their_inputs(images):
    survey, job, _ = images
    report = survey.json("adopt", "look", "--from", OLD)
    assert [(one["target"], one["group"], one["status"], one["cause"]) for one in report["adopted"]] == [
        (job["target"], job["group"], "ok", "")
    ]
    assert survey.ok("why", "look", job["target"]).endswith(", up to date\n")
    outcome = survey.json("show", job["target"])["latest"][0]["outcome"]
    assert (outcome["adopted"], len(outcome["inputs"]["image"]["sha256"])) == (True, 64)


def test_an_input_that_is_newer_than_the_products_is_named(images):
    survey, _, product = images
    os.utime(product, (1e9, 1e9))
    (one,) = survey.json("adopt", "look", "--from", OLD)["adopted"]
    assert one["cause"].startswith("archive:")
    assert one["cause"].endswith("is newer than the products")
    assert "is newer than the products" in survey.ok("status")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["measure", "--from", "nowhere"], "is no folder"),
        (["measure", "--from", "/usr"], "/usr is below no root of this project"),
        (["nothing", "--from", "data"], "no process named 'nothing'"),
        (["measure", "--from", "data", "--pattern", "{nam}"], "the pattern '{nam}' has {nam}, which target 'a' (a)"),
        (["measure", "--from", "data", "--pattern", "{3}"], "the pattern '{3}' has {3}, which target 'a' (a)"),
    ],
)  # fmt: skip
def test_what_cannot_be_adopted_is_said(survey, words, message):
    assert message in survey.error("adopt", *words)[0]


def test_products_of_which_results_are_wrong_fail_as_after_a_run(survey):
    place = made_before(survey, "a")
    (place / "stoa-result.json").write_text('{"noise": 1}')
    survey.ok("root", "add", "old", OLD)
    report = survey.json("adopt", "measure", "--from", OLD)
    assert report["adopted"][0]["cause"].startswith("result 'noise' is not declared")


def test_adopted_products_are_restored_under_another_set_of_the_same_values(old):
    old.ok("adopt", "measure", "--from", OLD, "--target", "a")
    old.ok("params", "new", "measure@same")
    old.ok("run", "measure@same", "--target", "a")
    (row,) = old.json("results", "measure@same")["rows"]
    assert row["origin"] == "adopted"
