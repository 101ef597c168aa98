"""Calls the command line as a user does, inside this process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typer import Typer
from typer.testing import CliRunner, Result


class Terminal:
    """A user at a prompt: `terminal("status", "--json", cwd=repo)`."""

    def __init__(self, app: Typer) -> None:
        self.app = app

    def __call__(self, *words: str | Path, cwd: Path | None = None, stdin: str | None = None) -> Result:
        """What a command printed and its exit code; an exception that no person can mend comes through."""
        with _inside(cwd):
            return CliRunner().invoke(self.app, [str(word) for word in words], input=stdin, catch_exceptions=False)

    def ok(self, *words: str | Path, cwd: Path | None = None, stdin: str | None = None) -> str:
        """Standard output of a command that has to succeed."""
        result = self(*words, cwd=cwd, stdin=stdin)
        assert result.exit_code == 0, f"stoa {' '.join(map(str, words))}: exit code {result.exit_code}\n{result.output}"
        return result.stdout

    def json(self, *words: str | Path, cwd: Path | None = None) -> Any:
        """What a command says with --json, of a list the entries; its exit code is not looked at."""
        return content(self(*words, "--json", cwd=cwd).stdout)


def content(printed: str) -> Any:
    """What a document of --json holds below its schema: the entries of a list, or the fields of an object."""
    said = json.loads(printed)
    assert next(iter(said)) == "schema"
    assert said.pop("schema") == 1
    only = next(iter(said.values())) if len(said) == 1 else None
    return only if isinstance(only, list) else said


@contextmanager
def _inside(folder: Path | None) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder or before)
    try:
        yield
    finally:
        os.chdir(before)
