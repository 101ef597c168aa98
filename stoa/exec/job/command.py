"""A process's command template as an argument vector.

Each argument may hold placeholders: ``{script}``, ``{target}`` (the folder), ``{name}``,
``{group}``, ``{meta}``, ``{out}``, ``{params.NAME}``, the name of an input, and
``{needs.PROCESS.OUTPUT}``. A literal brace is doubled.

An output of another process that has several files (one per image group) is as many
arguments, and has to be an argument of its own.

An optional input that a target lacks expands to nothing, and so does an optional output that the
needed process did not write. An argument that is just its
placeholder vanishes together with the option name before it (``["--beam", "{beam}"]``); where
no option name precedes, it stays as an empty argument, so that positions hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from stoa.errors import StoaError, nearest
from stoa.model import Process

FIXED = ("script", "target", "name", "group", "meta", "out")
"""Placeholders that every process has."""

_TOKEN = re.compile(r"(\{\{|\}\}|\{[^{}]*\}|[{}])")

Piece = tuple[str, str]  # literal text and the placeholder after it; "" for none
Values = Mapping[str, str | tuple[str, ...]]  # by placeholder


class CommandProblem(StoaError):
    """A command template that cannot be expanded."""

    def __init__(self, process: str, message: str, *, placeholder: str = "", near: str | None = None) -> None:
        hint = f"`stoa process show {process}` lists the inputs and parameters; a literal brace is doubled: {{{{ }}}}"
        super().__init__(f"command of process {process!r}: {message}", hint)
        self.process = process
        self.placeholder = placeholder
        self.near = near


def check_command(process: Process) -> None:
    """Check a command before anything runs.

    Raises
    ------
    CommandProblem
        If the command is empty, a brace is neither doubled nor part of a placeholder, a
        placeholder stands for nothing in this process, an input has the name of another
        placeholder, or a placeholder of a shell command is in single quotes or after a backslash.
    """
    if not process.command:
        raise CommandProblem(process.name, "is empty")
    for name in process.inputs:
        if name in FIXED:
            raise CommandProblem(process.name, f"input {name!r} has the name of a placeholder that always exists")
    for number, argument in enumerate(process.command, start=1):
        for _, placeholder in _pieces(process.name, argument):
            _check_placeholder(process, placeholder, number)
    if process.shell:
        _shell_text(process, process.command)


def needed_outputs(process: Process) -> list[tuple[str, str, bool]]:
    """Process and output of each ``{needs.PROCESS.OUTPUT}`` in a command, and whether it is an argument of its own."""
    found = []
    for argument in process.command:
        pieces = _pieces(process.name, argument)
        for literal, name in pieces:
            if _is_needed(process, name):
                needed, _, output = name.removeprefix("needs.").rpartition(".")
                found.append((needed, output, len(pieces) == 1 and not literal and not process.shell))
    return found


def expand(process: Process, values: Values) -> tuple[str, ...]:
    """The argument vector of one job.

    A shell command's arguments are joined by blanks into one script for ``/bin/sh -c``. Its
    values are never part of that script: they are the shell's positional parameters, quoted
    where they are (``"${1}"``), so that no value can be taken for shell code.

    Parameters
    ----------
    values
        By placeholder: ``script``, ``params.snr``, the name of an input, and so on. An
        optional input may be absent or empty. Several texts are several arguments.

    Raises
    ------
    CommandProblem
        As `check_command`, and if a placeholder that is used has no value.
    """
    if process.shell:
        return _shell_argv(process, values)
    return tuple(text for argument in _present(process, values) for text in _expanded(process, argument, values))


def _expanded(process: Process, argument: str, values: Values) -> tuple[str, ...]:
    pieces = _pieces(process.name, argument)
    if len(pieces) == 1 and not pieces[0][0] and isinstance(several := values.get(pieces[0][1]), tuple):
        return several
    return ("".join(literal + _value(process, name, values) for literal, name in pieces),)


@lru_cache(maxsize=1024)
def _pieces(process: str, argument: str) -> tuple[Piece, ...]:
    """An argument as literals, each with the placeholder that follows it."""
    pieces: list[Piece] = []
    literal = ""
    for token in _TOKEN.split(argument):
        if token in ("{{", "}}"):
            literal += token[0]
        elif token in ("{", "}"):
            raise CommandProblem(process, f"a single {token!r} in argument {argument!r}")
        elif token.startswith("{") and token.endswith("}"):
            if token == "{}":
                raise CommandProblem(process, f"an empty placeholder in argument {argument!r}")
            pieces.append((literal, token[1:-1]))
            literal = ""
        else:
            literal += token
    if literal or not pieces:
        pieces.append((literal, ""))
    return tuple(pieces)


def _check_placeholder(process: Process, name: str, number: int) -> None:
    if not name:
        return
    if name == "script" and not process.script:
        raise CommandProblem(process.name, "{script} is used, but the process has no script", placeholder=name)
    if name in _known(process) or _is_needed(process, name):
        return
    near = _nearest_placeholder(process, name)
    guess = f"; did you mean {{{near}}}?" if near else ""
    message = f"unknown placeholder {{{name}}} in argument {number}{guess}"
    raise CommandProblem(process.name, message, placeholder=name, near=near)


def _known(process: Process) -> list[str]:
    return [*FIXED, *(f"params.{name}" for name in process.params), *process.inputs]


def _is_needed(process: Process, name: str) -> bool:
    kind, _, rest = name.partition(".")
    needed, _, output = rest.rpartition(".")
    return kind == "needs" and bool(output) and any(need.process == needed for need in process.needs)


def _nearest_placeholder(process: Process, name: str) -> str | None:
    """The likeliest meaning; ``snr`` and ``param.snr`` find ``params.snr`` by its last part."""
    known = _known(process) + [f"needs.{need.process}.OUTPUT" for need in process.needs]
    by_end = {placeholder.rpartition(".")[2]: placeholder for placeholder in known}
    near_end = nearest(name.rpartition(".")[2], list(by_end))
    return nearest(name, known) or (by_end[near_end] if near_end else None)


def _is_missing(process: Process, name: str, values: Values) -> bool:
    may_lack = process.inputs[name].optional if name in process.inputs else _is_needed(process, name)
    return may_lack and not values.get(name)


def _value(process: Process, name: str, values: Values) -> str:
    if not name or _is_missing(process, name, values):
        return ""
    if name not in values:
        near = nearest(name, list(values))
        raise CommandProblem(process.name, f"no value for placeholder {{{name}}}", placeholder=name, near=near)
    value = values[name]
    if isinstance(value, str):
        return value
    message = f"{{{name}}} stands for {len(value)} files and has to be an argument of its own"
    raise CommandProblem(process.name, message, placeholder=name)


def _present(process: Process, values: Values) -> list[str]:
    """The arguments of the template without those that belong to a missing input."""
    kept: list[str] = []
    before = ""
    for argument in process.command:
        pieces = _pieces(process.name, argument)
        alone = len(pieces) == 1 and not pieces[0][0] and _is_missing(process, pieces[0][1], values)
        if alone and _is_option_name(before):
            kept.pop()
        else:
            kept.append(argument)
        before = argument
    return kept


def _is_option_name(argument: str) -> bool:
    return argument.startswith("-") and argument not in ("-", "--") and "=" not in argument


def _shell_argv(process: Process, values: Values) -> tuple[str, ...]:
    text, names = _shell_text(process, _present(process, values))
    return ("/bin/sh", "-c", text, process.name, *(_value(process, name, values) for name in names))


def _shell_text(process: Process, arguments: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """A shell script whose placeholders are positional parameters, and the names of these in order."""
    text = ""
    names: dict[str, int] = {}
    for literal, name in _pieces(process.name, " ".join(arguments)):
        text += literal
        if not name:
            continue
        quote = _open_quote(text)
        if quote in ("'", "\\"):
            where = "in single quotes" if quote == "'" else "after a backslash"
            message = f"placeholder {{{name}}} is {where}, where the shell expands nothing"
            raise CommandProblem(process.name, message, placeholder=name)
        position = f"${{{names.setdefault(name, len(names) + 1)}}}"
        text += position if quote else f'"{position}"'
    return text, tuple(names)


def _open_quote(text: str) -> str:
    """What a shell script's end is in: a quote, ``#`` for a comment, a backslash, or "" for none."""
    inside = [""]  # quotes, comments and parentheses that are open, the innermost last
    escaped = False
    for before, char in pairwise("\n" + text):
        if escaped:
            escaped = False
        elif char == "\\" and inside[-1] not in ("'", "#"):
            escaped = True
        elif char == _CLOSED_BY.get(inside[-1]):
            inside.pop()
        elif char in _OPENING.get(inside[-1], ()) and _opens(before, char, inside[-1]):
            inside.append(char)
    return "\\" if escaped else inside[-1].replace("(", "")


_CLOSED_BY = {"'": "'", '"': '"', "#": "\n", "(": ")"}
_OPENING = {"": "'\"#(", "(": "'\"#(", '"': "("}


def _opens(before: str, char: str, state: str) -> bool:
    if char == "(" and state == '"':
        return before == "$"
    return char != "#" or before in " \t\n;&|("
