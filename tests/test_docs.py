"""The pages say what the program does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from stoa.model import Outcome, Review, Status

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_cli_reference", DOCS / "make_cli_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_after(heading: str, page: str) -> set[str]:
    """First cells of the table under a heading, the words in backquotes."""
    text = (DOCS / page).read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    cells = (line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_the_command_reference_is_up_to_date(maker):
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == maker.reference(), "run docs/make_cli_reference.py"


def test_every_command_says_what_it_does(maker):
    silent = [context.command_path for context in maker.commands() if not context.command.help]
    assert silent == []


def test_every_option_says_what_it_does(maker):
    found = [(context.command_path, each) for context in maker.commands() for each in maker.parameters(context)]
    assert found
    assert [f"{path} {each.name}" for path, each in found if not each.help] == []


def test_no_help_has_brackets_that_the_terminal_takes_for_markup(maker):
    helps = [context.command.help for context in maker.commands()]
    helps += [each.help for context in maker.commands() for each in maker.parameters(context)]
    assert [text for text in helps if re.search(r"\[/?[a-z]", text or "")] == []


def test_the_verbs_of_the_loop_are_in_the_reference(maker):
    verbs = {context.command_path.split()[-1] for context in maker.commands()}
    assert {"init", "run", "status", "show", "flag", "comment", "rerun", "diff", "sync"} <= verbs


def test_every_status_is_explained():
    assert rows_after("Statuses", "words.md") == {str(status) for status in Status}


@pytest.mark.parametrize(("heading", "kind"), [("Outcomes", Outcome), ("Reviews", Review)])
def test_every_field_of_a_record_is_explained(heading, kind):
    assert rows_after(heading, "formats.md") == set(kind.__struct_fields__) - ({"schema"} if kind is Review else set())


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
