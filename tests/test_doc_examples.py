"""The scripts, definitions and examples that the pages show are run as they are there."""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from crates import crate_problems
from prov.model import ProvDocument

from stoa.cli.main import VERBS
from stoa.commands import demo
from stoa.meta.columns import COLUMNS
from stoa.meta.xml import from_xml
from stoa.model import Status
from stoa.provenance import definitions, records
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.index import Index
from stoa.provenance.yamltree import DefinitionError

DOCS = Path(__file__).resolve().parents[1] / "docs"
FILE = re.compile(r"```\w+\n((?:#![^\n]*\n)?# (\S+/\S+)\n.*?)```", re.DOTALL)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def write_files(name: str, folder: Path) -> None:
    """Write every block of a page that begins with the name of a file."""
    found = FILE.findall(page(name))
    assert found
    for content, path in found:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        file.chmod(0o755)


@pytest.fixture
def project(repo: Path, archive: Callable, cli, monkeypatch) -> Path:
    """A described project with three targets, the second without a pixel, and the processes of scripts.md."""
    cli.ok("init", cwd=repo)
    cli.ok("root", "add", "alma", archive(3, {1: "NaN"}).top, cwd=repo)
    cli.ok("target", "add", "alma", "**/product", cwd=repo)
    cli.ok("meta", "build", cwd=repo)
    write_files("scripts.md", repo)
    monkeypatch.chdir(repo)
    return repo


def test_the_definitions_that_the_page_shows_are_sound(project, cli):
    assert "2 processes" in cli.ok("process", "check")


def test_the_chain_runs_and_is_drawn_as_the_page_says(project, cli):
    write_files("chains.md", project)
    shown = page("chains.md").split("$ stoa plan --all lines\n")[1].split("$ stoa run")[0]
    assert cli.ok("plan", "--all", "lines") == shown
    assert [report["counts"] for report in cli.json("run", "--all", "lines")] == [
        {"ok": 2, "failed": 1}, {"ok": 2, "blocked": 1},
    ]  # fmt: skip


def test_the_python_script_finds_peaks_and_says_what_failed(project, cli):
    assert cli.json("run", "peak")["counts"] == {"ok": 2, "failed": 1}
    assert "all pixels are NaN" in cli("status").stdout


def test_the_python_script_skips_what_is_too_faint(project, cli):
    assert cli.json("run", "peak", "--set", "floor=1000")["counts"] == {"failed": 1, "skipped": 2}


def test_the_shell_script_reports_the_size_of_the_files(project, cli):
    assert cli.json("run", "sizes")["counts"] == {"ok": 3}
    (folder,) = project.glob("products/sizes/*/A001_X100_X3")
    content = (folder / "stoa-result.json").read_text(encoding="utf-8")
    assert re.fullmatch(r'\{"bytes": [1-9]\d+\}\n', content)


def test_the_python_examples_print_what_the_page_shows(project, cli):
    cli("run", "peak")
    text = "\n".join(re.findall(r"```pycon\n(.*?)```", page("python.md"), re.DOTALL))
    examples = doctest.DocTestParser().get_doctest(text, {}, "python.md", None, 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    failed, tried = runner.run(examples, clear_globs=False)
    examples.globs["project"].__exit__()
    assert (failed, tried > 10) == (0, True)


def yaml_block(heading: str) -> bytes:
    """The first YAML block of a section of formats.md."""
    return section("formats.md", heading).split("```yaml\n")[1].split("```")[0].encode()


def test_the_definitions_of_formats_are_read():
    process = definitions.read_process(yaml_block("## Processes"), "process")
    assert (process.timeout_s, process.memory_mb, process.results["peak"].tolerance) == (300, 1000, 0.01)
    assert read_environment(yaml_block("## Environments"), "environment").inherit == ("CASA_*",)
    assert definitions.read_config(yaml_block("## Settings"), "config").roots["alma"] == "data"


def test_the_fields_of_a_process_are_all_explained():
    shown = set(re.findall(r"^(\w+):", yaml_block("## Processes").decode(), re.MULTILINE))
    assert first_cells(section("formats.md", "## Processes")) == shown
    with pytest.raises(DefinitionError) as wrong:
        definitions.read_process(b"name: x\ncommand: [x]\nno_such: 1\n", "process")
    assert set(wrong.value.hint.removeprefix("known fields: ").split(", ")) == shown


def test_the_records_of_formats_are_read():
    assert records.read_run(yaml_block("## Runs"), "run").rerun_of == "20261122T103000-k3f9q2"
    assert records.read_review(yaml_block("## Reviews"), "review").reason == "check"
    (outcome,) = records.read_outcomes(yaml_block("## Outcomes"), "outcomes")
    assert outcome.status == Status.BLOCKED
    (target,) = records.read_targets(yaml_block("## Target lists"), "targets")
    assert target.root == "alma"


def test_the_metadata_document_of_formats_is_read():
    text = section("formats.md", "## Metadata documents").split("```xml\n")[1].split("```")[0]
    document = from_xml(text.encode())
    assert [file.role for file in document.groups[0].files] == ["correctedImage", "primaryBeam"]
    assert document.package["made_by"] == "hand"


@pytest.mark.parametrize("condition", re.findall(r"```sql\n(.*?)```", page("index-schema.md"), re.DOTALL))
def test_the_conditions_that_the_page_shows_can_be_asked(condition, project, cli):
    cli.ok("target", "list", "--where", condition)


CODE = re.compile(r"```(?:sh|console)\n(.*?)```|`([^`\n]+)`", re.DOTALL)
PAGES = [*DOCS.rglob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", DOCS.parent / "CHANGELOG.md"]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_the_commands_that_a_page_names_exist(file):
    code = "\n".join(block or span for block, span in CODE.findall(file.read_text(encoding="utf-8")))
    assert set(re.findall(r"(?:^|[\n;&] ?)stoa ([a-z]+)", code)) <= set(VERBS)


def test_the_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (DOCS.parent / "README.md").read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (DOCS.parent / link).exists()] == []


def first_cells(text: str) -> set[str]:
    return {line.split("|")[1].strip(" `") for line in text.splitlines() if line.startswith("| `")}


def section(name: str, heading: str) -> str:
    return page(name).split(f"\n{heading}\n")[1].split("\n## ")[0].split("\n### ")[0]


def test_every_metadata_column_is_described():
    assert first_cells(section("index-schema.md", "### `metadata`")) == {"target", *COLUMNS}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path / "index.sqlite", {})
    yield made
    made.close()


def test_every_table_of_the_index_is_described(index):
    names = {row[0] for row in index.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")}
    assert names == set(re.findall(r"^### `(\w+)`", page("index-schema.md"), re.MULTILINE))


def test_every_column_of_a_table_is_described(index):
    names = [row[0] for row in index.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'metadata'")]
    columns = {name: {row[0] for row in index.rows("SELECT name FROM pragma_table_info(?)", [name])} for name in names}
    assert {name: first_cells(section("index-schema.md", f"### `{name}`")) for name in names} == columns


def test_every_column_of_where_is_described_and_can_be_asked_for(project, cli):
    listed = first_cells(section("index-schema.md", "## What `--where` sees"))
    refused = cli("target", "list", "--where", "no_such_column = 1")
    known = set(refused.stderr.partition("columns: ")[2].split("\n")[0].split(", "))
    assert listed == known - set(COLUMNS) - {"target"}
    for column in sorted(listed | set(COLUMNS)):
        cli.ok("target", "list", "--where", f"{column} IS NOT NULL OR 1")


@pytest.fixture(scope="module")
def tutorial() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tutorial", DOCS / "make_tutorial.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tutorial_shows_the_commands_of_the_demo(tutorial):
    assert tutorial.commands(page("tutorial.md")) == [shlex.join(step.command) for step in demo.steps()]


def test_a_command_that_prints_something_else_makes_the_tutorial_out_of_date(tutorial):
    shown = "```console\n$ stoa runs\nold\n```\n"
    assert tutorial.refreshed(shown, [("stoa runs", "new")]) == "```console\n$ stoa runs\nnew\n```\n"


def test_a_command_that_is_played_twice_keeps_the_order_of_its_outputs(tutorial):
    shown = "```console\n$ stoa runs\n```\nthen\n```console\n$ stoa runs\n```\n"
    fresh = tutorial.refreshed(shown, [("stoa runs", "one"), ("git status", "x"), ("stoa runs", "two")])
    assert fresh == "```console\n$ stoa runs\none\n```\nthen\n```console\n$ stoa runs\ntwo\n```\n"


def test_what_differs_between_two_demos_is_replaced(tutorial):
    log = "the demo is in /tmp/a\n$ stoa init\nmade /tmp/a/.stoa (project a-0123abcd, commit 123456789)\n"
    other = "the demo is in /tmp/b\n$ stoa init\nmade /tmp/b/.stoa (project b-89abcdef, commit 987654321)\n"
    assert tutorial.normal(log) == tutorial.normal(other)


NUMBER = re.compile(r"[-+]?\d+\.\d+(?:e[-+]?\d+)?")
OF_THIS_MACHINE = re.compile(r"\b[0-9a-f]{12,64}\b|environment host \(.*\)|STOA \d\S*")


@pytest.mark.slow
@pytest.mark.service
def test_the_story_of_the_quasars_prints_what_the_page_shows(tutorial, tmp_path, require_service, monkeypatch):
    """Words and counts to the letter, measured values to 2 per cent; digests are those of the machine.

    The validators have nothing to say of the tables, the crate and the provenance that it makes.
    """
    require_service("Source Extractor", shutil.which("source-extractor"), "Debian package source-extractor")
    require_service("stilts", shutil.which("stilts"), "Debian package stilts")
    shown = page("tutorial-quasars.md")
    typed = tutorial.refreshed(shown, tutorial.outputs(tutorial.normal(tutorial.type_page(shown, tmp_path))))
    for line, now in zip(shown.splitlines(), typed.splitlines(), strict=True):
        line, now = (OF_THIS_MACHINE.sub("", text) for text in (line, now))
        assert NUMBER.sub("#", now).split() == NUMBER.sub("#", line).split()
        values = [[float(text) for text in NUMBER.findall(each)] for each in (now, line)]
        assert values[0] == pytest.approx(values[1], rel=0.02, abs=0.01), line
    for name in tutorial.pictures(shown):
        assert (DOCS / "pictures" / name).is_file()
        assert list(tmp_path.glob(f"*/catalogues/{name}"))
    tables = [path for folder in ("catalogues", "paper") for path in tmp_path.glob(f"*/{folder}/*.vot")]
    assert len(tables) == 5
    for path in tables:
        said = subprocess.run(["stilts", "votlint", path], capture_output=True, text=True, timeout=120, check=False)
        assert said.stdout + said.stderr == "", path.name
    (paper,) = tmp_path.glob("*/paper")
    assert crate_problems(paper, monkeypatch) == []
    assert ProvDocument.deserialize(paper / "prov.json").get_records()


@pytest.mark.slow
def test_the_loop_of_the_readme_can_be_typed(tmp_path, example_archive, git):
    """As it is there, in a shell; a remote is added, for `stoa sync`."""
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    loop = (
        text.split("## The loop\n")[1].split("```sh\n")[1].split("```")[0].replace("/data/ALMA", str(example_archive))
    )
    first, rest = loop.split("\n", 1)
    git(tmp_path, "init", "--quiet", "--bare", "hub.git")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    typed = f"{first}\ngit remote add origin ../hub.git\n{rest}"
    done = subprocess.run(
        ["sh", "-c", typed], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith(("error:", "Usage:", "sh:"))] == []
    assert (tmp_path / "quasars/paper/catalogue.vot").is_file()
    project = tmp_path / "quasars"
    subjects = git(tmp_path / "hub.git", "log", "--format=%s", "--all").splitlines()
    assert subjects == git(project, "log", "--format=%s").splitlines()
    assert [subject for subject in subjects if subject.startswith("sep @ deep: ")]
