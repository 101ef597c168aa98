"""What a script is told about its job."""

from __future__ import annotations

import json

import pytest

from stoa.exec.job.jobs import JobContext, job_description, job_environ, placeholder_values, text_of

CONTEXT = JobContext(
    run="r1",
    process="aegean",
    target="A001",
    group="CS_AGN51",
    folder="/data/A 001",
    meta="/repo/.stoa/meta/A001.xml",
    out="/p/.work/A001",
    inputs={"image": "/data/A 001/x.fits", "beam": None},
    facts={"image": {"role": "image"}},
    params={"snr": 5.0, "deep": True, "box-size": 3, "label": "no"},
    needs={"sep.sources": "/p/s.vot", "look.copy": ("/p/1.fits", "/p/2.fits")},
    attempt=2,
)


def test_the_description_keeps_types_and_has_null_for_a_missing_input():
    assert json.loads(job_description(CONTEXT)) == {
        "schema": 1,
        "run": "r1",
        "process": "aegean",
        "target": "A001",
        "group": "CS_AGN51",
        "folder": "/data/A 001",
        "meta": "/repo/.stoa/meta/A001.xml",
        "out": "/p/.work/A001",
        "inputs": {"image": "/data/A 001/x.fits", "beam": None},
        "facts": {"image": {"role": "image"}},
        "params": {"snr": 5.0, "deep": True, "box-size": 3, "label": "no"},
        "needs": {"sep": {"sources": "/p/s.vot"}, "look": {"copy": ["/p/1.fits", "/p/2.fits"]}},
        "attempt": 2,
    }


def test_a_path_that_is_not_utf_8_survives_the_description():
    context = JobContext(run="r", process="p", target="t", folder="/d/\udcff", out="/o")
    assert json.loads(job_description(context))["folder"] == "/d/\udcff"


def test_the_environ_has_a_variable_for_each_fact():
    assert job_environ(CONTEXT) == {
        "STOA_RUN": "r1",
        "STOA_PROCESS": "aegean",
        "STOA_TARGET": "A001",
        "STOA_GROUP": "CS_AGN51",
        "STOA_FOLDER": "/data/A 001",
        "STOA_META": "/repo/.stoa/meta/A001.xml",
        "STOA_OUT": "/p/.work/A001",
        "STOA_PARAM_SNR": "5.0",
        "STOA_PARAM_DEEP": "true",
        "STOA_PARAM_BOX_SIZE": "3",
        "STOA_PARAM_LABEL": "no",
        "STOA_INPUT_IMAGE": "/data/A 001/x.fits",
        "STOA_INPUT_BEAM": "",
        "STOA_NEEDS_SEP_SOURCES": "/p/s.vot",
        "STOA_NEEDS_LOOK_COPY": "/p/1.fits\n/p/2.fits",
    }


def test_placeholders_have_the_same_values_and_none_for_a_missing_input():
    values = placeholder_values(CONTEXT, "/frozen/find.py")
    assert values["script"] == "/frozen/find.py"
    assert (values["target"], values["name"], values["params.deep"]) == ("/data/A 001", "A001", "true")
    assert values["image"] == "/data/A 001/x.fits"
    assert "beam" not in values


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (False, "false"), (0.1, "0.1"), (1e-5, "1e-05"), (5, "5"), ("No", "No")]
)
def test_values_as_text(value, text):
    assert text_of(value) == text
