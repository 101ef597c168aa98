"""`%load_ext stoa` in a real kernel: commands, cells that run over targets, displays, completion."""

from __future__ import annotations

import pytest
from notebooks import Notebook
from survey import Survey

from stoa.api.magics import completions, stoa_cell, stoa_line

CELL = """\
from stoa import job, report
here = job()
report(size=here["params"]["floor"] * 2, name=here["target"])
"""


@pytest.fixture
def here(survey, monkeypatch) -> Survey:
    monkeypatch.chdir(survey.top)
    return survey


class Asked:
    def __init__(self, text: str, symbol: str) -> None:
        self.text_until_cursor = text
        self.symbol = symbol


def test_a_notebook_has_the_commands_and_the_displays(survey):
    book = Notebook(
        survey.top,
        "%load_ext stoa",
        "%stoa run measure -j 2",
        "import stoa; project = stoa.open(); project",
        "project.outcomes('measure')",
        "project.plan('measure')",
        f"%%stoa run peak --param floor=0.5 --target a\n{CELL}",
        "_.wait()",
        f"%%stoa run peak --param floor=0.75 --target a\n{CELL}",
        "run = _; run.wait(); run.report.params",
        "get_ipython().Completer.complete(line_buffer='%stoa run measure --targ')[1]",
        "get_ipython().Completer.complete(line_buffer='%stoa show measure@d')[1]",
        "%unload_ext stoa",
    )
    assert "processed 3 targets: 3 ok" in book.text(1)
    assert "measure@default 3 ✓ ok" in book.words(2)
    assert "✓ ok" in book.words(3)
    assert "0 of 3 jobs would run" in book.words(4)
    assert "process peak: scripts/peak.py, .stoa/processes/peak.yaml" in book.text(5)
    assert book.data(5, "application/vnd.jupyter.widget-view+json")
    assert "1 of 1 job: 1 ✓ ok" in book.words(6)
    assert book.text(8) == "'default+floor=0.75'"
    assert book.text(9) == "['--target']"
    assert book.text(10) == "['default']"
    runs = survey.runs()[-2:]
    assert [survey.outcomes(run)["a"]["results"]["size"] for run in runs] == [1.0, 1.5]
    assert {survey.committed(f".stoa/runs/{run}/frozen/script/peak.py") for run in runs} == {CELL}
    assert survey.committed("scripts/peak.py") == CELL


def test_the_code_that_is_committed_is_the_cell(here, capsys):
    run = stoa_cell("run peak --param floor=1 --target a", CELL)
    assert run.wait(60).counts == {"ok": 1}
    before = here.head()
    run = stoa_cell("run peak --param floor=1 --target a --force", CELL)
    assert run.wait(60).counts == {"ok": 1}
    assert [each for each in here.subjects(before) if "from a cell" in each] == []
    changed = CELL.replace("* 2", "* 3")
    assert stoa_cell("run peak --target a", changed).wait(60).counts == {"ok": 1}
    assert here.committed("scripts/peak.py") == changed
    assert here.outcomes()["a"]["results"]["size"] == 3
    assert here.git("status", "--porcelain", "scripts") == ""


def test_a_script_that_was_changed_by_hand_is_kept(here, capsys):
    stoa_cell("run peak --param floor=1 --target a", CELL).wait(60)
    (here.top / "scripts/peak.py").write_text("print(1)\n", encoding="utf-8")
    assert stoa_cell("run peak", CELL) is None
    assert "scripts/peak.py has changes that are not in git" in capsys.readouterr().out
    assert (here.top / "scripts/peak.py").read_text(encoding="utf-8") == "print(1)\n"


def test_a_definition_that_is_ones_own_is_kept(here, capsys):
    stoa_cell("run peak --param floor=1 --target a", CELL).wait(60)
    file = here.top / ".stoa/processes/peak.yaml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[1:]).replace("timeout: 10m", "timeout: 5m"), encoding="utf-8")
    stoa_cell("run peak --target a", CELL + "# more\n").wait(60)
    assert "timeout: 5m" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "cell", "words"),
    [
        ("run", "1", "a cell is run as a named process"),
        ("status", "1", "a cell is run as a named process"),
        ("run measure", "1", "process 'measure' runs measure.sh, which is not from a cell"),
        ("run x --param floor", "1", "'floor' is not a parameter with a value"),
        ("run x --over all", "1", "'all' is neither target nor image"),
        ("run x 'a", "1", "No closing quotation"),
        ("run x", "%matplotlib inline\n", "line 1 of the cell is not Python"),
        ("run ../x", "1", "'../x'"),
    ],
)
def test_a_cell_that_cannot_run_says_why(here, capsys, line, cell, words):
    before = here.head()
    assert stoa_cell(line, cell) is None
    said = capsys.readouterr().out
    assert said.startswith("error: ")
    assert words in said
    assert (here.head(), here.git("status", "--porcelain", "scripts")) == (before, "")


@pytest.mark.parametrize("line", ["ui", "samp bridge", "vo serve x"])
def test_a_command_that_does_not_end_is_refused(here, capsys, line):
    stoa_line(line)
    assert "runs until it is stopped" in capsys.readouterr().out


def test_a_command_shows_its_error(here, capsys):
    stoa_line("show nothing")
    assert "error: no target named 'nothing'" in capsys.readouterr().out


def test_a_name_is_completed_behind_its_last_sign(here):
    assert completions(None, Asked("%stoa sta", "sta")) == ["status"]
    assert completions(None, Asked("%%stoa run meas", "meas")) == ["measure"]
    assert completions(None, Asked("%stoa show measure@def", "def")) == ["default"]
