"""Pages of the dashboard over small projects, without a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from streamlit.testing.v1 import AppTest
from survey import Survey

from stoa.ui.serve import PROJECT

_SCRIPT = "from stoa.ui.pages import {name}\nfrom stoa.ui.frame import around\naround({name}.page)\n"


@pytest.fixture
def judged(survey: Survey, monkeypatch: pytest.MonkeyPatch) -> Survey:
    """A project whose run of three targets left one failure, and that the pages show."""
    monkeypatch.setenv(PROJECT, str(survey.top))
    survey.does("b", "echo 'Error: no beam in header' >&2; exit 1")
    survey("run", "measure")
    return survey


@pytest.fixture
def page(judged: Survey) -> Iterator[Callable[..., AppTest]]:
    """A page that has been drawn once: `page("failures")`."""

    def open_page(name: str, **state: object) -> AppTest:
        test = AppTest.from_string(_SCRIPT.format(name=name), default_timeout=60)
        for key, value in state.items():
            test.session_state[key] = value
        test.run()
        assert not test.exception, test.exception[0].stack_trace
        return test

    return open_page
