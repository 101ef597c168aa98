"""``%load_ext stoa``: the command line in a notebook, and cells that run over targets.

``%stoa status`` types a command; ``%%stoa run NAME`` makes the code of its cell the script of the process NAME.
"""

from __future__ import annotations

import ast
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stoa.api.following import FollowedRun, begin
from stoa.api.opened import text_of
from stoa.commands.process import process_of_cell
from stoa.errors import StoaError
from stoa.show.words import safe
from stoa.workspace.open import Workspace

ENDLESS = {
    ("ui",): "`stoa.open().dashboard()`", ("samp", "listen"): "`stoa.open().listen()`",
    ("samp", "bridge"): "a terminal", ("vo", "serve"): "a terminal",
}  # fmt: skip
"""Commands that run until they are stopped -> what serves better in a notebook."""

COMPLETION_S = 5.0


def load_ipython_extension(running: Any) -> None:
    """Called by ``%load_ext stoa``."""
    running.register_magic_function(stoa_line, "line", "stoa")
    running.register_magic_function(stoa_cell, "cell", "stoa")
    for key in ("%stoa", "%%stoa"):
        running.set_hook("complete_command", completions, str_key=key)


def unload_ipython_extension(running: Any) -> None:
    """Called by ``%unload_ext stoa``."""
    for kind in ("line", "cell"):
        running.magics_manager.magics[kind].pop("stoa", None)


def stoa_line(line: str) -> None:
    """Type a command of STOA and show what it prints: ``%stoa status``."""
    try:
        words = _split(line)
        _refuse_endless(words)
    except StoaError as problem:
        _fail(problem)
        return
    environ = {name: value for name, value in os.environ.items() if name not in _COLOURS}
    child = subprocess.Popen(
        [sys.executable, "-m", "stoa", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", env=environ, start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    with child:
        while True:
            try:
                for text in child.stdout:
                    _tell(text.rstrip("\n"))
                break
            except KeyboardInterrupt:  # as Ctrl-C in a terminal
                child.send_signal(signal.SIGINT)


_COLOURS = frozenset({"FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"})
"""Variables by which a kernel asks for colours; the output of a cell has none, so that it stays as it is in a diff."""


def _refuse_endless(words: Sequence[str]) -> None:
    instead = next((found for name, found in ENDLESS.items() if tuple(words[: len(name)]) == name), "")
    if instead and "--help" not in words:
        raise StoaError(f"`stoa {words[0]}` runs until it is stopped and would keep the kernel busy", f"use {instead}")


def stoa_cell(line: str, cell: str) -> FollowedRun | None:
    """Make this cell the script of a process and run it over targets: ``%%stoa run NAME --param snr=4``.

    ``%%stoa run NAME [--param NAME=VALUE]... [--over target|image] [options of stoa run]``. The code is written to
    scripts/NAME.py and committed with its definition. What is committed is what runs. A parameter is declared with its
    first value as the default; another value later is that of one run.
    """
    try:
        name, values, over, rest = _asked(_split(line))
        _check_python(cell)
        return _run_cell(name, cell, values, over, rest)
    except StoaError as problem:
        _fail(problem)
        return None


_USAGE = "`%%stoa run NAME [--param NAME=VALUE]... [--over target|image] [options of stoa run]`"


def _asked(words: Sequence[str]) -> tuple[str, dict[str, str], str, list[str]]:
    """Name, values, ``over`` and further words of the first line of a cell."""
    if len(words) < 2 or words[0] != "run" or words[1].startswith("-"):
        raise StoaError("a cell is run as a named process", _USAGE)
    values: dict[str, str] = {}
    over, rest, left = "", [], list(words[2:])
    while left:
        word, equals, value = left.pop(0).partition("=")
        if word not in ("--param", "--over"):
            rest.append(word + equals + value)
            continue
        given = value if equals else left.pop(0) if left else ""
        key, is_set, text = given.partition("=")
        if word == "--param" and not (is_set and key.isidentifier()):
            raise StoaError(
                f"{given!r} is not a parameter with a value", "write --param NAME=VALUE, as in --param snr=4"
            )
        if word == "--over" and given not in ("target", "image"):
            raise StoaError(f"{given!r} is neither target nor image", _USAGE)
        if word == "--param":
            values[key] = text
        else:
            over = given
    return words[1], values, over, rest


def _check_python(code: str) -> None:
    try:
        ast.parse(code)
    except SyntaxError as problem:
        raise StoaError(
            f"line {problem.lineno} of the cell is not Python: {problem.msg}",
            "the cell is run as a script: % and ! of notebooks do not work in it",
        ) from None


def _run_cell(name: str, code: str, values: dict[str, str], over: str, rest: list[str]) -> FollowedRun:
    ws = Workspace(Path.cwd())
    try:
        made = process_of_cell(ws, name, code, values, over)
        if made.commit:
            _tell(f"process {name}: {', '.join(made.files)} (commit {made.commit[:9]})")
        for note in made.notes:
            _tell(f"note: {note}")
        ws.reread()
        params = ws.library.process(name).params
        defaults = {key: text_of(spec.default) for key, spec in params.items() if spec.default is not None}
        differs = {key: text for key, text in values.items() if defaults.get(key) != text}
        words = [word for key, text in differs.items() for word in ("--set", f"{key}={text}")]
        return begin(ws, ["stoa", "run", name, *words, *rest], (name, ""))
    finally:
        ws.close()


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as problem:
        raise StoaError(f"{line!r} cannot be read: {problem}", "close the quote") from None


def _tell(words: str) -> None:
    print(safe(words))  # noqa: T201 - the output of the cell


def _fail(problem: StoaError) -> None:
    _tell(f"error: {problem.message}" + (f"\nhint: {problem.hint}" if problem.hint else ""))


def completions(_shell: Any, event: Any) -> list[str]:
    """What may follow in a line that begins with ``%stoa``, as a shell completes it."""
    words = event.text_until_cursor.lstrip("%").split(" ")
    environ = os.environ | {
        "_STOA_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1),
    }  # fmt: skip
    command = [sys.executable, "-m", "stoa"]
    try:
        asked = subprocess.run(
            command, env=environ, capture_output=True, text=True, check=False, timeout=COMPLETION_S
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return []
    known = words[-1].removesuffix(event.symbol)  # IPython completes what is behind the last `@` or `=`
    return [word.removeprefix(known) for word in asked.stdout.splitlines() if word]
