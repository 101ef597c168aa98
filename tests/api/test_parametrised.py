"""Notebooks with parameters as processes, which papermill executes."""

from __future__ import annotations

import json
import sys

import nbformat
import pytest

CELLS = (
    "from stoa import job, report",
    "def check(snr):\n    if snr > 10:\n        raise ValueError(f'too bright: {snr}')",
    "check(snr if job()['target'] == 'b' else 0)\nreport(snr=snr, deep=deep, kind=type(name).__name__, text=name)",
)


@pytest.fixture
def book(survey):
    """A project with a notebook `find.ipynb` that fails for target b above signal to noise 10."""
    cells = [nbformat.v4.new_code_cell("snr = 5.0\ndeep = True\nname = 'x'", metadata={"tags": ["parameters"]})]
    made = nbformat.v4.new_notebook(cells=[*cells, *(nbformat.v4.new_code_cell(cell) for cell in CELLS)])
    made.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(made, survey.top / "find.ipynb")
    survey.ok("process", "new", "find", "--from", "find.ipynb")
    return survey


def test_a_notebook_runs_over_targets_and_its_failing_cell_is_the_cause(book):
    done = book(
        "run", "find", "--set", "snr=20", "--set", "deep=false", "--set", "name=5", "--target", "[ab]", "-j", "2"
    )
    assert done.exit_code == 3, done.output
    outcomes = book.outcomes()
    assert outcomes["a"]["results"] == {"snr": 20, "deep": False, "kind": "str", "text": "5"}
    assert outcomes["b"]["cause"] == (
        "cell 5, line 1 (check(snr if job()['target'] == 'b' else 0)): ValueError: too bright: 20.0"
    )
    executed = outcomes["a"]["outputs"]["notebook"]["path"].partition(":")[2]
    product = json.loads((book.top / "products" / executed).read_text(encoding="utf-8"))
    assert "snr = 20.0" in "".join("".join(cell["source"]) for cell in product["cells"])


def test_an_environment_without_papermill_is_the_cause(book):
    book.ok("env", "add", "bare", "--python", sys._base_executable)
    book("run", "find", "--env", "bare", "--target", "a")
    assert book.outcomes()["a"]["cause"] == "No module named papermill"
