"""Warm interpreters as users meet them: in definitions, records, plans, `process check` and the summary of a run."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from stoa.provenance.definitions import read_process
from stoa.provenance.digests import process_digest
from stoa.provenance.yamltree import DefinitionError
from stoa.runs.warm import Saving
from stoa.show.runs import saving_words

SCRIPT = """\
import sys
import numpy

print("xml.dom.minidom" in sys.modules, "numpy.linalg" in sys.modules)
"""
DEFINITION = """\
schema: 1
name: look
script: look.py
command: [python, "{script}"]
"""


def definition(*lines: str) -> bytes:
    return (DEFINITION + "".join(f"{line}\n" for line in lines)).encode()


@pytest.mark.parametrize(
    ("line", "warm"),
    [
        ("", False),
        ("warm: false", False),
        ("warm: true", True),
        ("warm: [numpy, astropy.io.fits]", ("numpy", "astropy.io.fits")),
        ("warm: []", ()),
    ],
)
def test_warm_is_yes_no_or_a_list_of_modules(line, warm):
    assert read_process(definition(line), "look.yaml").warm == warm


@pytest.mark.parametrize(
    "line", ["warm: maybe", "warm: [numpy, 'import os']", "warm: [1]", "warm: {a: b}", "warm: ['']"]
)
def test_another_value_is_an_error_with_its_line(line):
    with pytest.raises(DefinitionError, match="warm") as caught:
        read_process(definition(line), "look.yaml")
    assert "look.yaml, line 5" in caught.value.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('[python, "{script}"]', '[python, -u, "{script}"]'),
        ('[python, "{script}"]', '["{script}"]'),
        ('[python, "{script}"]', '[bash, "{script}"]'),
        ('[python, "{script}"]', '[python, "{script}"]\nshell: true'),
        ("script: look.py", "script: look.sh"),
    ],
)
def test_what_cannot_be_warm_is_refused(old, new):
    text = definition("warm: true").decode().replace(old, new)
    with pytest.raises(DefinitionError, match=r"begins with: python, \{script\}"):
        read_process(text.encode(), "look.yaml")


def test_warm_is_no_part_of_what_a_process_does():
    digests = {process_digest(read_process(definition(line), "x")) for line in ("", "warm: true", "warm: [json]")}
    assert len(digests) == 1


@pytest.fixture
def look(survey):
    (survey.top / "look.py").write_text(SCRIPT, encoding="utf-8")
    (survey.top / ".stoa/processes/look.yaml").write_bytes(definition("warm: [xml.dom.minidom, numpy]"))
    return survey


def facts(survey) -> dict[str, str]:
    return yaml.safe_load(survey.committed(f".stoa/runs/{survey.runs()[-1]}/run.yaml"))["environment_facts"]


def test_a_run_shares_modules_and_its_record_names_them_with_versions(look):
    look.ok("run", "look")
    assert {outcome["log"] for outcome in look.outcomes().values()} == {"True True\n"}
    assert facts(look)["warm"] == f"xml.dom.minidom, numpy {np.__version__}"


def test_turning_it_off_and_on_makes_nothing_stale(look):
    look.ok("run", "look")
    look.edit(".stoa/processes/look.yaml", "warm: [xml.dom.minidom, numpy]", "warm: false")
    assert "nothing to do" in look.ok("run", "look")
    look.ok("run", "look", "--force")
    assert {outcome["log"] for outcome in look.outcomes().values()} == {"False True\n"}
    assert "warm" not in facts(look)
    look.edit(".stoa/processes/look.yaml", "warm: false", "warm: true")
    assert "nothing to do" in look.ok("run", "look")


def test_a_run_says_the_same_warm_and_cold_but_for_times(look):
    times = ("run", "start", "duration_s", "cpu_s", "memory_mb", "place", "log")
    look.ok("run", "look")
    warm = look.outcomes()
    look.edit(".stoa/processes/look.yaml", "warm: [xml.dom.minidom, numpy]", "")
    look.ok("run", "look", "--force")
    for name, cold in look.outcomes().items():
        assert {k: v for k, v in cold.items() if k not in times} == {
            k: v for k, v in warm[name].items() if k not in times
        }


def test_process_check_names_shared_modules_and_those_left_out(look):
    (look.top / "beside.py").write_text("")
    look.edit(".stoa/processes/look.yaml", "[xml.dom.minidom, numpy]", "[numpy, beside, nowhere]")
    said = look("process", "check", "look").output
    assert "look: jobs share numpy" in said
    assert "beside, which is the script's own" in said
    assert "nowhere, which is not installed" in said
    (found,) = look.json("process", "check", "look")["warm"]
    assert list(found["left_out"]) == ["beside", "nowhere"]


def test_process_check_measures_what_a_cold_process_imports(look):
    look.edit(".stoa/processes/look.yaml", "warm: [xml.dom.minidom, numpy]", "")
    assert "s to import numpy" in look("process", "check", "look").output
    (found,) = look.json("process", "check", "look")["warm"]
    assert found["import_s"] > 0.01


def test_a_run_of_many_short_jobs_says_what_warm_would_save(look, monkeypatch):
    monkeypatch.setattr("stoa.runs.warm.LEAST_JOBS", 3)
    look.edit(".stoa/processes/look.yaml", "warm: [xml.dom.minidom, numpy]", "")
    said = look("run", "look")
    assert "importing numpy: with `warm: true` in .stoa/processes/look.yaml" in said.stderr
    assert look.json("run", "look", "--force")["saving"]["modules"] == ["numpy"]


def test_a_run_whose_jobs_compute_says_nothing(look, monkeypatch):
    monkeypatch.setattr("stoa.runs.warm.LEAST_JOBS", 3)
    look.edit(".stoa/processes/look.yaml", "warm: [xml.dom.minidom, numpy]", "")
    (look.top / "look.py").write_text(SCRIPT + "import time\nwhile time.process_time() < 2:\n    pass\n")
    assert "warm" not in look("run", "look").stderr


def test_the_words_of_the_saving():
    saving = Saving(process="look", modules=("numpy",), import_s=0.455, job_s=0.47, jobs=400)
    assert saving_words(saving).startswith("0.46 s of 0.47 s processor time per job went into importing numpy:")
    assert "this run saves 3:02 of processor time" in saving_words(saving)


def test_the_shipped_finders_are_warm(survey):
    for name in ("sep", "sextractor", "aegean"):
        survey.ok("process", "add", name)
        assert survey.json("process", "show", name)["warm"] is True
