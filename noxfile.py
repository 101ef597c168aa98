"""Sessions in environments of their own: `nox -s tests-3.12`; for daily work `make` is quicker."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "tests"]


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting and types."""
    session.install("--editable", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """All tests, or those that the arguments after -- name."""
    session.install("--editable", ".[dev]")
    session.run("pytest", *(session.posargs or ["-n", "2"]))


@nox.session
def docs(session: nox.Session) -> None:
    """Command reference and HTML pages; a warning fails."""
    session.install("--editable", ".[docs]")
    session.run("python", "docs/make_cli_reference.py")
    session.run("sphinx-build", "--fail-on-warning", "--builder", "html", "docs", "docs/_build/html")
