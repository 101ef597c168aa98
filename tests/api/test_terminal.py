"""What is shown where no page is: IPython in a terminal, and a notebook without ipywidgets."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from notebooks import Notebook
from survey import REPOSITORY

from stoa.show.plain import plain_text

TYPED = """\
import stoa
project = stoa.open()
run = project.start("measure", targets=["a", "b"])
_ = run.wait(60)
run
run.report
project.plan("measure")
project.why("measure", "a")
project.status()
"""


@pytest.fixture(scope="module")
def printed(survey_template, tmp_path_factory) -> list[str]:
    """What IPython prints in a terminal of 100 columns, from one prompt to the next."""
    top = tmp_path_factory.mktemp("terminal") / "survey"
    subprocess.run(["cp", "-a", survey_template, top], check=True)
    home = tmp_path_factory.mktemp("ipython")
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor", "--no-confirm-exit"],
        cwd=top, input=TYPED, capture_output=True, text=True, check=True,
        env=os.environ | {"IPYTHONDIR": str(home), "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100"},
    )  # fmt: skip
    return [part.partition("]: ")[2].strip() for part in done.stdout.split("\nIn [")[4:]]


def test_a_run_and_its_report_are_lines(printed):
    run, report = printed[1:3]
    assert "ended  measure@default" in run
    assert "2 of 2 jobs: 2 ✓ ok" in run
    assert "processed 2 targets: 2 ok" in report


def test_a_plan_and_its_reasons_are_tables_in_columns(printed):
    plan, why = printed[3:5]
    assert "1 of 3 jobs would run" in plan
    assert "c       ○ new  run    no outcome yet" in plan
    assert [line.split() for line in why.splitlines()[-1:]] == [["a", "✓", "ok", "no", "up", "to", "date"]]


def test_the_status_fits_the_terminal_and_has_no_tags(printed):
    status = printed[5]
    assert "measure@default  2 ✓ ok" in status
    assert max(map(len, status.splitlines())) <= 100
    assert "<" not in status


def test_html_becomes_lines_and_signs_become_themselves():
    cells = "<table><tr><th>n</th></tr><tr><td>1</td></tr></table>"
    html = f"<style>p {{}}</style><p>a &lt;b&gt;\n c</p><pre>x\n  y</pre>{cells}"
    assert plain_text(html, 80).splitlines() == ["a <b> c", "x", "  y", "n", "1"]


def test_a_notebook_without_ipywidgets_has_lines_that_change(survey):
    for name in ("a", "b", "c"):
        survey.does(name, f'while [ ! -f "{survey.top}/go" ]; do sleep 0.05; done')
    book = Notebook(
        survey.top,
        "import sys; sys.modules['ipywidgets'] = None\nimport stoa; project = stoa.open()",
        "run = project.start('measure', jobs=3); run",
        "open('go', 'w').close(); run.wait(60); import time; time.sleep(2)",
    )
    (shown,) = (each for each in book.cells[1]["outputs"] if each["output_type"] == "display_data")
    assert "application/vnd.jupyter.widget-view+json" not in shown["data"]
    assert "3 of 3 jobs: 3 ✓ ok" in book.words(1)  # the output of the cell was updated while another one ran
    assert "`.stop()`" not in book.words(1)
