"""Files that a script needs are frozen, hashed and put beside it."""

from __future__ import annotations

import pytest

DEFINITION = """\
schema: 1
name: words
script: scripts/say.py
files: [scripts/words.py, settings/say.conf]
command: [python, "{script}"]
results:
  said: {type: str}
"""
SCRIPT = """\
import json
from pathlib import Path
from words import WORD
conf = (Path(__file__).parent / "say.conf").read_text()
Path("stoa-result.json").write_text(json.dumps({"said": WORD + conf}))
"""


@pytest.fixture
def words(survey):
    """The survey with a process whose script takes a word from a module and another from a settings file."""
    for file, text in {
        ".stoa/processes/words.yaml": DEFINITION,
        "scripts/say.py": SCRIPT,
        "scripts/words.py": "WORD = 'one '\n",
        "settings/say.conf": "two",
    }.items():
        (survey.top / file).parent.mkdir(exist_ok=True)
        (survey.top / file).write_text(text, encoding="utf-8")
    return survey


def test_the_script_finds_its_files_and_a_run_freezes_them(words):
    words.ok("run", "words")
    assert {outcome["results"]["said"] for outcome in words.outcomes().values()} == {"one two"}
    frozen = f".stoa/runs/{words.runs()[0]}/frozen/script"
    assert words.committed(f"{frozen}/say.conf") == "two"
    assert words.committed(f"{frozen}/words.py") == "WORD = 'one '\n"
    assert words.json("fsck")["findings"] == []


def test_a_changed_file_makes_its_outcomes_stale_and_a_comment_does_not(words):
    words.ok("run", "words")
    (words.top / "scripts/words.py").write_text("# better\nWORD = 'one '\n", encoding="utf-8")
    assert "up to date" in words.ok("why", "words", "a")
    (words.top / "settings/say.conf").write_text("three", encoding="utf-8")
    assert words.ok("why", "words", "a") == "a: runs, the script changed\n"


def test_a_missing_file_is_said_before_anything_runs(words):
    (words.top / "settings/say.conf").unlink()
    assert words.error("run", "words") == [
        "error: the file settings/say.conf of process 'words' does not exist",
        f"hint: it is looked for at {words.top}/settings/say.conf; `files` of the definition names it",
    ]


def test_two_files_of_one_name_are_refused(words):
    words.edit(".stoa/processes/words.yaml", "settings/say.conf", "settings/say.py")
    message = words.error("process", "show", "words")[0]
    assert "two of the name 'say.py'; they are beside one another in a run" in message
    assert "words.yaml, line 4" in message


def test_files_without_a_script_are_refused(words):
    words.edit(".stoa/processes/words.yaml", "script: scripts/say.py\n", "")
    assert "files are beside a script, and this process has none" in words.error("process", "show", "words")[0]
