"""Scripts for CASA as processes: what is proposed from their text, and how they run with the values of a job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from finder_truth import shipped

from stoa.runs.proposal import Proposal, propose

NEW = """\
vis = 'x.ms'
imagename = 'x_cont'
robust = 0.5
threshold = '0.1mJy'
cell = ['0.5arcsec', '0.5arcsec']
imsize = 64
interactive = True
tclean(vis=vis, imagename=imagename, robust=robust, threshold=threshold, cell=cell, imsize=imsize,
       weighting='briggs', niter=100, interactive=interactive, pbcor=True, field='double')
exportfits(imagename + '.image.pbcor', fitsimage=imagename + '.pbcor.fits')
"""

OLD = """\
import os
field = '0'
calibrated = 'calibrated.ms'
contvis = 'cont.ms'
scales = [0, 5, 15]
home = '/home/user/data'
robust = 0.5
print 'field', field
if not os.path.exists('plots'):
\tos.mkdir('plots', 0755)
        os.chmod('plots', 0777)
try:
    execfile('helpers.py')
except IOError, e:
    print "no helpers", `e`, \\
        "at all"
if raw_input('go on? ') <> 'y':
    raise RuntimeError, 'stopped'
os.system('rm -rf cont.*')
split(vis=calibrated, outputvis=contvis, datacolumn='data')
clean(vis=contvis, imagename='cont', field=field, niter=1000,
      robust=robust, interactive = True)
for spw in ['0', '1']:
    clean(vis=calibrated, imagename='spw' + spw, niter=5000, interactive=True)
exportfits(imagename='cont.image', fitsimage='cont.fits')
viewer('cont.image')
"""


def proposed(text: str) -> Proposal:
    return propose(text.encode(), "imaging.py")


def note(found: Proposal, start: str) -> str:
    """The one note that begins so."""
    (one,) = (note for note in found.notes if note.startswith(start))
    return one


def test_values_at_the_top_and_of_tclean_become_parameters():
    found = proposed(NEW)
    assert found.params == {
        "robust": "{type: float, default: 0.5}",
        "threshold": '{type: str, default: "0.1mJy"}',
        "cell": '{type: str, default: "0.5arcsec"}',
        "imsize": "{type: int, default: 64}",
        "interactive": "{type: bool, default: false}",
        "weighting": "{type: str, default: briggs}",
        "niter": "{type: int, default: 100}",
        "field": "{type: str, default: double}",
    }
    assert found.inputs == {"vis": '{pattern: "**/*.ms"}'}
    assert found.outputs == {
        "image": "{path: x_cont.image, kind: folder}",
        "pbcor": "{path: x_cont.image.pbcor, kind: folder}",
        "fits": "{path: x_cont.pbcor.fits, kind: image}",
    }
    assert (found.runner, found.words) == ("casavalues.py", ["imaging.py"])
    assert "line 7: interactive waits for a person" in note(found, "line 7")


def test_python_2_is_read_and_its_lines_are_named():
    found = proposed(OLD)
    words = note(found, "the script is in Python 2, and CASA 6 runs Python 3 alone")
    for said in (
        "print without brackets (line 8, 15)", "octal numbers such as 0777 (line 10, 11)", "`except X, e` (line 14)",
        "tabs mixed with spaces (line 11)", "backticks (line 15)", "`<>` (line 17)", "`raise X, words` (line 18)",
        "raw_input (line 17)", "execfile (line 13)",
    ):  # fmt: skip
        assert said in words
    assert "CASA 6 has no task clean" in note(found, "line 21, 24")
    assert found.inputs == {"calibrated": '{pattern: "**/*.ms"}'}, "cont.ms is what split makes"
    assert found.outputs == {
        "image": "{path: cont.image, kind: folder}", "fits": "{path: cont.fits, kind: image}",
    }  # fmt: skip
    assert found.params.keys() == {"field", "robust", "interactive"}


@pytest.mark.parametrize(
    ("start", "rest"),
    [
        ("line 22, 24: interactive", "the parameter interactive has the default false"),
        ("scales (line 5)", "no parameter can hold a list"),
        ("niter (line 21, 24)", "it has several values"),
        ("line 6: /home/user/data", "is a path of this machine"),
        ("line 13: execfile runs helpers.py", "which was not read"),
        ("line 17: raw_input waits", "for a person"),
        ("line 19: a command of the shell (rm -rf cont.*)", "the job's directory"),
        ("line 24: the name that clean writes to", "is computed"),
        ("line 26: viewer", "opens a window"),
    ],
)
def test_what_was_not_understood_or_cannot_run_in_a_job_is_said(start, rest):
    assert rest in note(proposed(OLD), start)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tclean(vis='a.ms', imagename='x')\ntclean(vis='b.ms', imagename='y')", "line 2: vis='b.ms' is another"),
        ("tclean(vis=['a.ms', 'b.ms'], imagename='x')", "line 1: vis is a list of measurement sets"),
        ("tclean(vis=names[0], imagename='x')", "line 1: which measurement set vis is was not understood"),
        ("tclean(vis='a.ms', imagename='../x')", "line 1: tclean writes to ../x, outside"),
        ("vis = 'a.ms'\nimagename = 'x'\ntclean()", "line 3: tclean() takes its values from names of CASA's shell"),
        ("from tasks import *\ntclean(vis='a.ms')", "the script imports tasks, which CASA 5 had"),
        ("tclean(vis='a.ms')\nimport os\nos.chdir('x')", "line 3: chdir leaves the job's directory"),
    ],
)
def test_doubts_are_said_with_their_lines(line, words):
    assert any(said.startswith(words) for said in proposed(line).notes)


@pytest.mark.parametrize("text", ["'a b'.split(' ')\nprint(1)\n", "def clean(x): pass\nclean(1)\n", "print 'old'\n"])
def test_other_scripts_are_not_taken_for_casas(text):
    assert proposed(text).runner == ""


def test_a_value_that_is_changed_in_the_script_is_no_parameter():
    found = proposed("robust = 0.5\nif deep:\n    robust = 2\ntclean(vis='a.ms', imagename='x', robust=robust)\n")
    assert "robust" not in found.params


def test_a_name_with_several_values_is_never_given_one():
    found = proposed("robust = 1\nif deep:\n    robust = 2\ntclean(vis=['a.ms', 'b.ms'], imagename='x', robust=0.5)\n")
    assert (found.params, found.inputs) == ({}, {})
    assert proposed("tclean(vis='a.ms', imagename='x')\ntclean(vis='b.ms', imagename='y')\n").inputs == {}


def test_names_of_images_are_put_together_from_names():
    found = proposed("obj = 'm83'\nbase = obj + '_cont'\ntclean(vis='a.ms', imagename=base + '.r0')\n")
    assert found.outputs == {"image": "{path: m83_cont.r0.image, kind: folder}"}
    assert found.params == {}, "another value would make an image of another name"


@pytest.mark.parametrize(
    "line",
    [
        "print 'a'; print 'b'", "if x: print 'c' # comment", "print >>f, 'd'", "print ('%s') % 1",
        "def f((a, b)): pass", "exec 'x'",
        "print 'x', \\\n   'y'", "print 'a %s' % (1,\n  2)", "x = {1: 0777,\n  2: 10L}", "while x <> 1:\n\tx = 1",
        "raise ValueError, 'no'", 'print """long\ntext"""',
    ],
)  # fmt: skip
def test_what_follows_a_line_of_python_2_is_read(line):
    found = proposed(f"\ufeffvis = 'x.ms'\r\n{line}\ntclean(vis=vis, imagename='x', robust=0.5)\n")
    assert found.outputs == {"image": "{path: x.image, kind: folder}"}
    assert found.inputs == {"vis": '{pattern: "**/*.ms"}'}
    assert any("line 2" in said for said in found.notes)


def test_images_in_blocks_and_of_several_terms_are_declared_as_they_will_be():
    text = "if 1 in steps:\n    tclean(vis='a.ms', imagename='x', deconvolver='mtmfs', pbcor=True)\n"
    assert proposed(text).outputs == {
        "image": "{path: x.image.tt0, kind: folder, optional: true}",
        "pbcor": "{path: x.image.pbcor.tt0, kind: folder, optional: true}",
    }


def test_the_definition_is_sound_names_the_environment_and_brings_what_runs_the_script(survey):
    (survey.top / "imaging.py").write_text(NEW, encoding="utf-8")
    before = survey.head()
    ran = survey("process", "new", "img", "--from", "imaging.py")
    assert ran.exit_code == 0, ran.output
    assert "note: there is no environment with CASA yet: `stoa env add casa --casa" in ran.stderr
    assert survey.changed(before) == [".stoa/processes/img.yaml", "scripts/casavalues.py"]
    shown = survey.json("process", "show", "img")
    assert (shown["environment"], shown["files"], shown["over"]) == ("casa", ["imaging.py"], "target")
    (survey.top / ".stoa/environments").mkdir(exist_ok=True)
    (survey.top / ".stoa/environments/casa47.yaml").write_text("schema: 1\nname: casa47\nkind: casa\npython: python3\n")
    said = survey("process", "new", "again", "--from", "imaging.py").stderr
    assert "no environment" not in said
    assert survey.json("process", "show", "again")["environment"] == "casa47"


# The script that puts the values in.


@pytest.fixture
def values() -> Iterator[ModuleType]:
    with shipped("casavalues") as module:
        yield module


def called(values: ModuleType, folder: Path, text: str, **given: Any) -> list[dict[str, Any]]:
    """What tclean is called with."""
    (folder / "imaging.py").write_text(text, encoding="utf-8")
    calls: list[dict[str, Any]] = []
    names = {"tclean": lambda **key: calls.append(key), "exportfits": lambda *_, **__: None}
    exec(values.with_values(folder / "imaging.py", given), names)
    return calls


def test_values_of_the_job_take_the_place_of_those_in_the_script(values, tmp_path):
    (call,) = called(values, tmp_path, NEW, vis="/data/a.ms", robust=-1.0, niter=5, cell="1arcsec", interactive=False)
    assert (call["vis"], call["robust"], call["niter"], call["cell"]) == ("/data/a.ms", -1.0, 5, "1arcsec")
    assert (call["interactive"], call["imagename"], call["threshold"]) == (False, "x_cont", "0.1mJy")


def test_every_task_gets_the_measurement_set_and_clean_alone_the_parameters(values, tmp_path):
    text = "tclean(vis='x.ms', niter=1)\nlistobs(vis='x.ms', niter=1)\n"
    (tmp_path / "imaging.py").write_text(text, encoding="utf-8")
    calls: list[dict[str, Any]] = []
    task = lambda **key: calls.append(key)  # noqa: E731 -- one for both
    exec(values.with_values(tmp_path / "imaging.py", {"vis": "/a.ms", "niter": 5}), {"tclean": task, "listobs": task})
    assert calls == [{"vis": "/a.ms", "niter": 5}, {"vis": "/a.ms", "niter": 1}]


def test_a_value_without_a_place_ends_the_job_with_its_name(values, tmp_path):
    with pytest.raises(values.ScriptError, match="imaging.py gives no plain value to spectral"):
        called(values, tmp_path, NEW, robust=1.0, spectral=3)


def test_python_2_ends_the_job_with_its_line(values, tmp_path):
    with pytest.raises(values.ScriptError, match=r"imaging.py, line \d+: this is not Python 3"):
        called(values, tmp_path, OLD)
