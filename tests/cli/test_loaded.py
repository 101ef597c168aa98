"""What a command loads before it does anything: the start of a short command is most of its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ENGINES = frozenset({"stoa.exec", "multiprocessing", "concurrent.futures.process", "socket"})
SCIENCE = frozenset({"stoa.catalogue", "stoa.sources", "stoa.vo", "stoa.publish", "numpy", "astropy", "matplotlib"})
SCREENS = frozenset({"stoa.ui", "stoa.api", "streamlit", "rich"})

PROGRAM = """
import atexit, gc, sys
atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count() > 0, *sys.modules, file=sys.stderr))
from stoa.__main__ import main
main()
"""


def loaded(folder: Path, *words: str) -> set[str]:
    """Every module that a command has loaded when it ends."""
    command = (sys.executable, "-c", PROGRAM, *words)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    collects, frozen, *names = done.stderr.splitlines()[-1].split(" ")
    assert frozen == "True"
    assert collects == str("stoa.workspace.open" in names)  # garbage is collected while a command works
    return set(names)


def test_what_needs_no_project_loads_no_project(tmp_path):
    for words in (["--version"], ["--help"]):
        found = loaded(tmp_path, *words)
        assert not found & {"stoa.provenance", "stoa.workspace", "stoa.commands", "stoa.runs", "stoa.meta"}
        assert not found & {"dulwich", "git", "yaml", "sqlite3", "lxml", *ENGINES, *SCIENCE, *SCREENS}


@pytest.mark.parametrize("words", [("flag", "a", "--reason", "check"), ("results", "measure")])
def test_what_looks_and_judges_loads_no_engine_and_reads_no_documents(looked, words):
    looked.ok("status")  # the index has all records
    found = loaded(looked.top, *words)
    assert "stoa.workspace.open" in found
    assert not found & {"stoa.meta.xml", "stoa.meta.header", "lxml", "git"}
    assert not found & (ENGINES | SCIENCE | SCREENS)


def test_metadata_that_are_as_they_were_need_no_engine(sky):
    sky.ok("meta", "build")
    found = loaded(sky.top, "meta", "build")
    assert "stoa.meta.many" in found
    assert not found & {"stoa.runs", "stoa.provenance.contents", "lxml", "git"}
    assert not found & (ENGINES | SCIENCE | SCREENS)


def test_the_state_of_a_project_needs_nothing_that_runs_or_describes(looked):
    looked.ok("status")
    found = loaded(looked.top, "status")
    assert "stoa.runs.judge" in found
    assert not found & {"stoa.exec.local", "stoa.exec.cluster", "stoa.meta.many", "stoa.meta.header", "lxml", "git"}
    assert not found & (SCIENCE | SCREENS)


def test_runs_that_were_cut_off_need_what_knows_of_engines(begin, waiting):
    begin("run", "measure", "-j", "1").kill()
    assert "stoa.exec.cluster.remote" in loaded(waiting.top, "runs")
