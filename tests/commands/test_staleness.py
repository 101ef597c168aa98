"""What makes an outcome stale, and what does not."""

from __future__ import annotations

import pytest

from stoa.exec.job.inputs import changed_inputs

SCRIPT = """\
#!/usr/bin/env python3
import sys  # what the arguments are

SIGMA = 5
print(SIGMA)
"""


@pytest.fixture
def python(survey):
    """A process with a Python script that has run once."""
    (survey.top / "find.py").write_text(SCRIPT, encoding="utf-8")
    survey.ok("process", "new", "find", "--from", "find.py")
    survey.ok("run", "find", "--target", "a")
    return survey


def why(survey, process="measure", *words) -> str:
    return survey.ok("why", process, "a", *words).removeprefix("a: ").rstrip("\n")


def test_a_changed_script(python):
    python.edit("find.py", "SIGMA = 5", "SIGMA = 4")
    assert why(python, "find") == "runs, the script changed"


@pytest.mark.parametrize(
    ("old", "new"),
    [("# what the arguments are", "# nothing"), ("SIGMA = 5\n", "SIGMA = 5\n\n# said below\n\n"), (" = 5", " = 5   ")],
)
def test_a_comment_or_blank_in_a_python_script_is_no_change(python, old, new):
    python.edit("find.py", old, new)
    assert why(python, "find") == "does not run, up to date"


def test_a_comment_in_a_script_of_another_language_is_a_change(survey):
    survey.ok("run", "measure")
    survey.edit("measure.sh", "# Does", "# It does")
    assert why(survey) == "runs, the script changed"


def test_a_changed_value_of_a_set(survey):
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    survey.ok("run", "measure", "--params", "deep")
    survey.edit(".stoa/params/measure/deep.yaml", "snr: 4.0", "snr: 3.5\n  mode: slow")
    assert why(survey, "measure", "--params", "deep") == "runs, parameter snr: 4 -> 3.5; parameter mode: fast -> slow"


def test_a_changed_default(survey):
    survey.ok("run", "measure")
    survey.edit(".stoa/processes/measure.yaml", "default: 5", "default: 6")
    assert why(survey) == "runs, parameter snr: 5 -> 6"


def test_a_parameter_that_is_new(survey):
    survey.ok("run", "measure")
    survey.edit(".stoa/processes/measure.yaml", "outputs:", "  edge: {type: int, default: 2}\noutputs:")
    assert why(survey) == "runs, parameter edge: none -> 2"


@pytest.mark.parametrize(
    ("old", "new"),
    [("doc: measures", "doc: weighs"), ("max: 100", "max: 50"), ("outputs:", "timeout: 3m\noutputs:"), ("5%", "1%")],
)
def test_words_limits_and_tolerances_are_no_change(survey, old, new):
    survey.ok("run", "measure")
    survey.edit(".stoa/processes/measure.yaml", old, new)
    assert why(survey) == "does not run, up to date"


def test_a_changed_command(survey):
    survey.ok("run", "measure")
    survey.edit(".stoa/processes/measure.yaml", "[sh,", "[sh, -e,")
    assert why(survey) == "runs, the definition of the process changed"


def test_a_changed_environment(survey):
    survey.ok("run", "measure")
    survey.edit(".stoa/environments/host.yaml", 'OMP_NUM_THREADS: "1"', 'OMP_NUM_THREADS: "2"')
    assert why(survey) == "runs, the environment 'host' changed"


def test_another_environment(survey):
    survey.ok("env", "add", "mine", "--environ", "X=1")
    survey.ok("run", "measure", "--env", "mine")
    assert why(survey) == "runs, no outcome yet"
    assert why(survey, "measure@default+mine") == "does not run, up to date"


def test_several_changes_are_all_named(survey):
    survey.ok("run", "measure")
    survey.edit("measure.sh", "snr $2", "SNR $2")
    survey.edit(".stoa/processes/measure.yaml", "default: 5", "default: 6")
    assert why(survey) == "runs, the script changed; parameter snr: 5 -> 6"


def test_what_failed_runs_again_when_its_definitions_changed(survey):
    survey.does("a", "exit 1")
    survey("run", "measure")
    assert why(survey) == "does not run, failed: exit code 1"
    survey.edit("measure.sh", "snr $2", "SNR $2")
    assert why(survey) == "runs, the script changed"


def test_a_job_that_could_not_start_is_tried_again(survey):
    survey.edit(".stoa/processes/measure.yaml", "[sh,", "[no-such-program,")
    survey("run", "measure")
    assert survey.statuses()["a"] == "error"
    assert why(survey) == "runs, error before"


# Inputs: real FITS files, found by their role in the metadata document.

LOOK = """\
name: look
script: measure.sh
command: [sh, "{script}", "{target}", "1", "{image}", "{beam}"]
over: image
inputs:
  image: {role: correctedImage}
  beam: {role: primaryBeam, optional: true}
"""


@pytest.fixture
def sky(survey, archive):
    """The process `look` over the image of one folder of an archive."""
    made = archive(1)
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    survey.ok("meta", "build", "A001_X100_X3")
    (survey.top / ".stoa/processes/look.yaml").write_text(LOOK, encoding="utf-8")
    survey.ok("run", "look", "--target", "A001_X100_X3")
    survey.folder = made.folder(0)
    return survey


def verdict(sky) -> tuple[bool, str]:
    (job,) = sky.json("plan", "look", "--target", "A001_X100_X3")["jobs"]
    return job["runs"], job["reason"]


def test_inputs_are_recorded_with_size_and_checksum(sky):
    (outcome,) = sky.outcomes().values()
    image = next(sky.folder.glob("*.pbcor.fits"))
    path = f"alma:{image.relative_to(sky.top.parent / 'archive')}"
    assert outcome["inputs"]["image"]["path"] == path
    assert outcome["inputs"]["image"]["size"] == image.stat().st_size
    assert len(outcome["inputs"]["image"]["sha256"]) == 64
    assert verdict(sky) == (False, "up to date")


def test_an_input_that_was_delivered_again(sky):
    image = next(sky.folder.glob("*.pbcor.fits"))
    data = bytearray(image.read_bytes())
    data[-3000] ^= 1
    image.write_bytes(data)
    assert verdict(sky) == (True, "input image was delivered again")


def test_an_input_that_was_only_touched_is_the_same(sky):
    next(sky.folder.glob("*.pbcor.fits")).touch()
    assert verdict(sky) == (False, "up to date")


def test_an_input_of_the_same_name_in_another_place_is_named_whole(sky):
    path = next(iter(sky.outcomes().values()))["inputs"]["image"]["path"]
    for listed in (sky.top / ".stoa/targets").glob("*.yaml"):
        listed.write_text(listed.read_text().replace('"root": "alma"', '"root": "data"'))
    runs, reason = verdict(sky)
    assert (runs, reason.split("; ")[0]) == (True, f"input image: {path} -> {path.replace('alma:', 'data:')}")


def test_an_optional_input_that_is_gone(sky):
    next(sky.folder.glob("*.pb.fits.gz")).unlink()
    sky.ok("meta", "build", "A001_X100_X3")
    assert verdict(sky) == (True, "input beam: J0000_sci.spw0.cont.I.pb.fits.gz -> none")


def test_an_input_that_is_gone_since_its_folder_was_described(sky):
    image = next(sky.folder.glob("*.pbcor.fits"))
    image.unlink()
    assert sky("run", "look", "--target", "A001_X100_X3", "--force").exit_code == 3
    (outcome,) = sky.outcomes().values()
    assert (outcome["status"], outcome["cause"]) == (
        "blocked", f"input image is not there: {image.name} (`stoa meta build` looks again)",
    )  # fmt: skip


def test_an_input_that_changes_while_a_job_reads_it_is_told_and_the_job_is_stale(sky):
    image = next(sky.folder.glob("*.pbcor.fits"))
    (sky.top / "measure.sh").write_text(f"printf x >> '{image}'\n")
    said = sky.ok("run", "look", "--target", "A001_X100_X3")
    assert "  1 ok: changed while it ran: input image  [A001_X100_X3]" in said.splitlines()
    assert "changed while it ran: input image" in sky.ok("status")
    assert [outcome["changed_inputs"] for outcome in sky.outcomes().values()] == [["image"]]
    assert verdict(sky) == (True, "input image changed while the last job ran")


@pytest.mark.parametrize(
    ("field", "cause", "names"),
    [
        (("image",), "changed while it ran: input image", ("image",)),
        ((), "changed while it ran: input image, input beam, script look.sh", ("image", "beam")),
        ((), "changed while it ran: script look.sh", ()),
        ((), "timeout after 3 s", ()),
    ],
)
def test_records_from_before_there_was_a_field_name_their_changed_inputs_in_the_cause(field, cause, names):
    assert changed_inputs(field, cause) == names


def test_an_input_that_a_job_only_touches_is_not_told(sky):
    image = next(sky.folder.glob("*.pbcor.fits"))
    (sky.top / "measure.sh").write_text(f"touch '{image}'\n")
    sky.ok("run", "look", "--target", "A001_X100_X3")
    assert [outcome.get("cause", "") for outcome in sky.outcomes().values()] == [""]
    assert verdict(sky) == (False, "up to date")


def test_an_input_that_a_job_removes_is_told(sky):
    image = next(sky.folder.glob("*.pbcor.fits"))
    (sky.top / "measure.sh").write_text(f"rm '{image}'\n")
    sky.ok("run", "look", "--target", "A001_X100_X3")
    assert [outcome["cause"] for outcome in sky.outcomes().values()] == ["changed while it ran: input image"]
