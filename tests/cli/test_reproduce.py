"""Running a run again from what it froze: what is identical, equal, different or cannot be run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import stoa
from stoa.catalogue.compare import differences
from stoa.model import OutputSpec


def verdicts(report: dict) -> dict[str, str]:
    return {one["target"]: one["verdict"] for one in report["jobs"]}


def words(report: dict, target: str = "a") -> list[str]:
    return next(one["words"] for one in report["jobs"] if one["target"] == target)


def test_a_run_that_is_reproduced(survey):
    survey.ok("run", "measure")
    before = survey.head()
    run = survey.runs()[0]
    assert survey.ok("reproduce").splitlines() == [f"reproduced {run}, measure @ default: 3 identical"]
    assert (survey.head(), survey.git("status", "--porcelain"), survey.runs()) == (before, "", [run])
    assert not (survey.top / "products/.reproduced").exists()


def test_what_was_frozen_and_then_changed_is_not_run(survey, tmp_path):
    survey.ok("run", "measure")
    run = survey.runs()[0]
    script = survey.top / f".stoa/runs/{run}/frozen/script/measure.sh"
    script.write_text(script.read_text() + f"touch {tmp_path}/ran\n")
    survey.git("commit", "--quiet", "--all", "--message", "tidy")
    message, hint = survey.error("reproduce", run)
    assert "frozen script/measure.sh" in message
    assert "git log" in hint
    assert not (tmp_path / "ran").exists()


def test_a_file_that_was_put_beside_a_frozen_script_is_not_used(survey):
    survey.ok("run", "measure")
    run = survey.runs()[0]
    (survey.top / f".stoa/runs/{run}/frozen/script/extra.sh").write_text("exit 3\n")
    survey.git("add", "--all")
    survey.git("commit", "--quiet", "--message", "tidy")
    assert survey.json("reproduce", run)["counts"] == {"identical": 3}


def test_two_people_reproduce_one_run_at_once(survey):
    survey.does("a", "sleep 1")
    survey.ok("run", "measure")
    both = [survey.start("reproduce", "--json") for _ in range(2)]
    assert [json.loads(one.communicate()[0])["counts"] for one in both] == [{"identical": 3}] * 2


def test_the_frozen_definitions_count_and_not_the_present_ones(survey):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    survey.ok("run", "measure", "--params", "deep")
    survey.edit("measure.sh", 'echo "snr $2"', 'echo "SNR $2"')
    survey.edit(".stoa/params/measure/deep.yaml", "4.0", "9.0")
    survey.edit(".stoa/processes/measure.yaml", '"{params.snr}"]', '"77"]')
    assert survey.json("reproduce", "measure@deep")["counts"] == {"identical": 3}


def test_a_product_that_comes_out_differently_is_kept_and_named(survey):
    survey.does("b", 'set -- "$1" 5.5')
    survey.ok("run", "measure")
    survey.does("b", 'set -- "$1" 7')
    result = survey("reproduce", "last")
    assert result.exit_code == 3
    first = "b: different: result snr: 5.5 -> 7.0; table: the content differs from line 1 on"
    assert result.stdout.splitlines()[0] == first
    place = result.stderr.strip().removeprefix("new products: ")
    assert Path(place, "table.txt").read_text() == "snr 7\n"
    again = survey.json("reproduce", "last", "a", "c")
    assert verdicts(again) == {"a": "identical", "c": "identical"}


def test_results_within_the_declared_tolerance_are_equal(survey):
    survey.edit(".stoa/processes/measure.yaml", "outputs:\n  table: {path: table.txt}\n", "")
    survey.does("a", 'set -- "$1" 5')
    survey.ok("run", "measure", "--target", "a")
    survey.does("a", 'set -- "$1" 5.2')
    assert verdicts(survey.json("reproduce")) == {"a": "equal"}
    survey.does("a", 'set -- "$1" 5.3')
    assert words(survey.json("reproduce")) == ["result snr: 5.0 -> 5.3"]


def test_the_same_failure_is_reproduced_and_another_ending_is_not(survey):
    survey.does("a", "echo 'ValueError: no beam'; exit 3")
    survey.does("b", "exit 77")
    survey("run", "measure")
    assert verdicts(survey.json("reproduce")) == {"a": "identical", "b": "identical", "c": "identical"}
    survey.does("a", ":")
    survey.does("b", "exit 4")
    report = survey.json("reproduce")
    assert words(report) == ["was failed (ValueError: no beam), is ok"]
    assert words(report, "b") == ["was skipped (exit code 77), is failed (exit code 4)"]


def test_an_input_that_changed_is_not_run(survey, archive):
    made = archive(2)
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    survey.git("rm", "--quiet", ".stoa/targets/data.yaml")
    look = 'name: look\ncommand: [cp, "{image}", out.fits]\nover: image\ninputs: {image: {role: correctedImage}}\n'
    (survey.top / ".stoa/processes/look.yaml").write_text(look + "outputs: {copy: {path: out.fits, kind: image}}\n")
    survey.ok("meta", "build")
    survey.ok("run", "look")
    assert survey.json("reproduce")["counts"] == {"identical": 2}
    image = next(made.folder(0).glob("*.pbcor.fits"))
    image.write_bytes(image.read_bytes().replace(b"SIMPLE  =", b"SIMPLE = ", 1))
    gone = next(made.folder(1).glob("*.pbcor.fits"))
    gone.unlink()
    report = survey.json("reproduce")
    assert report["counts"] == {"not run": 2}
    said = {one["words"][0].split(":")[0] for one in report["jobs"]}
    assert said == {"image is another file now", "image is not there"}
    assert survey("reproduce").exit_code == 3


def test_a_recorded_product_that_is_not_here_can_still_be_identical(survey):
    survey.ok("run", "measure", "--target", "a", "--target", "b")
    for target in "ab":
        (survey.top / survey.outcomes()[target]["outputs"]["table"]["path"].replace(":", "/", 1)).unlink()
    survey.does("b", 'set -- "$1" 8')
    report = survey.json("reproduce")
    assert verdicts(report) == {"a": "identical", "b": "different"}
    assert words(report, "b")[1] == (
        "table: has another checksum, and the recorded file is not on this machine to compare with"
    )


def test_a_chain_is_reproduced_link_by_link(survey):
    (survey.top / ".stoa/processes/count.yaml").write_text(
        'name: count\ncommand: [sh, -c, "wc -l < $0 > n.txt", "{needs.measure.table}"]\nneeds: [measure]\n'
        "outputs: {n: {path: n.txt}}\n"
    )
    survey.ok("run", "--all", "count")
    assert survey.json("reproduce", "count@default")["counts"] == {"identical": 3}


def test_an_environment_that_changed_is_noted(survey):
    survey.ok("run", "measure", "--target", "a")
    run = survey.runs()[0]
    record = survey.top / f".stoa/runs/{run}/run.yaml"
    record.write_text(record.read_text().replace("  python: ", "  python: 2."))
    survey.git("commit", "--quiet", "--all", "-m", "as if it had run elsewhere", "-m", f"Stoa-Run: {run}")
    notes = survey.json("reproduce")["notes"]
    assert len(notes) == 1
    assert notes[0].startswith("python: 2.")


def test_from_python(survey):
    survey.ok("run", "measure")
    with stoa.open(survey.top) as project:
        report = project.reproduce("last", "a", keep=True)
    assert (report.counts, report.succeeded) == ({"identical": 1}, True)
    place = Path(report.jobs[0].place)
    assert place.is_relative_to(survey.top / "products/.reproduced")
    assert (place / "table.txt").is_file()


# Products.


@pytest.fixture
def pair(tmp_path):
    """Writes two files and says what differs."""

    def made(first, second, name="x.fits", **spec) -> list[str]:
        files = [tmp_path / f"{number}{name}" for number in (1, 2)]
        for file, content in zip(files, (first, second), strict=True):
            if isinstance(content, bytes):
                file.write_bytes(content)
            elif isinstance(content, Table):
                content.write(file, format="votable" if name.endswith(".vot") else None, overwrite=True)
            else:
                content.writeto(file, overwrite=True)
        return differences(*files, OutputSpec(path=name, **spec))

    return made


def image(**cards) -> fits.PrimaryHDU:
    found = fits.PrimaryHDU(np.arange(12.0).reshape(3, 4))
    found.header.update(cards)
    return found


def test_an_image_written_at_another_time_is_the_same(pair):
    assert pair(image(DATE="2026-01-01"), image(DATE="2026-01-02"), kind="image") == []


def test_header_and_pixels_are_told_apart(pair):
    other = image(OBJECT="B", TELESCOP="ALMA")
    other.data[1, 2] *= 1.001
    assert pair(image(OBJECT="A"), other, kind="image") == [
        "header: OBJECT changed", "header: TELESCOP is new", "data: 1 values differ (8.33 %)",
    ]  # fmt: skip
    assert pair(image(OBJECT="A"), other, kind="image", ignore=("OBJECT", "TELESCOP"), tolerance=0.01) == []


def test_another_shape_or_number_of_extensions(pair):
    wide = fits.PrimaryHDU(np.zeros((3, 5)))
    assert any("shape" in text for text in pair(image(), wide))
    two = fits.HDUList([image(), fits.ImageHDU(np.zeros(3))])
    assert pair(image(), two)[0] == "1 extensions -> 2"


def test_tables_by_row(pair):
    first = Table({"id": [1, 2, 3], "flux": [1.0, 2.0, np.nan]})
    second = Table({"id": [1, 2, 3], "flux": [1.0, 2.001, np.nan]})
    assert pair(first, second, "x.ecsv", kind="catalogue") == ["column flux: 1 of 3 values differ"]
    assert pair(first, second, "x.ecsv", kind="catalogue", tolerance=0.01) == []
    assert pair(first, second, "x.ecsv", kind="catalogue", ignore=("flux",)) == []
    assert pair(first, second[:2], "x.ecsv", kind="catalogue") == ["3 rows -> 2"]


def test_tables_by_key(pair):
    first = Table({"id": ["a", "b", "c"], "flux": [1.0, 2.0, 3.0]})
    second = Table({"id": ["d", "c", "a"], "flux": [4.0, 3.5, 1.0]})
    assert pair(first, second, "x.ecsv", kind="catalogue", key=("id",)) == [
        "1 of the rows gone", "1 of the rows new", "column flux: 1 of 2 values differ",
    ]  # fmt: skip
    assert pair(first, second, "x.ecsv", kind="catalogue", key=("name",)) == ["the key name is not a column of both"]


def test_tables_with_other_columns_and_units(pair):
    first = Table({"id": [1], "flux": [1.0], "old": [1]}, units={"flux": "Jy"})
    second = Table({"id": [1], "flux": [1.0], "new": [1]}, units={"flux": "mJy"})
    assert pair(first, second, "x.ecsv", kind="catalogue") == [
        "without column old", "with a new column new", "column flux: unit Jy -> mJy",
    ]  # fmt: skip


def test_texts_and_binaries(pair):
    assert pair(b"a\nb\n", b"a\nc\n", "x.txt") == ["the content differs from line 2 on"]
    assert pair(b"a\n", b"a\nb\n", "x.txt") == ["the content differs from line 2 on"]
    assert pair(b"\0a", b"\0abc", "x.bin") == ["the content differs (2 bytes -> 4)"]
    assert pair(b"same", b"same", "x.bin") == []


def test_a_product_that_cannot_be_read_is_no_crash(pair):
    assert pair(image(), b"no fits", kind="image")[0].startswith("cannot be compared: ")
    assert "cannot be read" in pair(Table({"a": [1]}), b"<VOTABLE", "x.vot", kind="catalogue")[0]
