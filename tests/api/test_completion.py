"""What the tab key offers in a cell: the verbs of a project, and their keywords with types."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import jedi
import pytest

import stoa
from stoa.api import OpenProject

VERBS = {
    name: method for name, method in inspect.getmembers(OpenProject, inspect.isfunction) if not name.startswith("_")
}


@pytest.fixture(scope="module")
def project(survey_template) -> Iterator[OpenProject]:
    with stoa.open(survey_template) as opened:
        yield opened


def asked(project: OpenProject, line: str) -> jedi.Interpreter:
    """What IPython asks jedi behind a line of a cell."""
    return jedi.Interpreter(line, [{"project": project, "stoa": stoa}])


def test_a_project_offers_every_verb(project):
    offered = {one.name for one in asked(project, "project.").complete()}
    assert offered >= VERBS.keys()


def test_a_verb_offers_its_keywords_and_what_it_gives_has_its_own(project):
    assert "force=" in {one.name for one in asked(project, "project.run(fo").complete()}
    assert [one.name for one in asked(project, "project.start('sep').wa").complete()] == ["wait"]


def test_every_verb_shows_its_signature_with_types_and_what_it_does(project):
    lacking = []
    for name, method in VERBS.items():
        (shown,) = asked(project, f"project.{name}(").get_signatures()
        wanted = list(inspect.signature(method).parameters)[1:]
        typed = all(":" in one.to_string() for one in shown.params)
        if [one.name for one in shown.params] != wanted or not typed or not shown.docstring(raw=True).strip():
            lacking.append(name)
    assert lacking == []
