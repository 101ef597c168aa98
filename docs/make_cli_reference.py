"""Writes docs/cli.md and stoa/cli/spelled.py from what the commands declare; `--check` says if both are up to date."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from stoa.cli.grammar import COMMON
from stoa.cli.main import app

# Made from what the commands declare and not from typer's own help, whose look changes with its version.
Parameter = TyperArgument | TyperOption
TYPERS_OWN = {"help", "install_completion", "show_completion"}
PAGE = Path(__file__).with_name("cli.md")
SPELLED = Path(__file__).resolve().parents[1] / "stoa/cli/spelled.py"
INTRODUCTION = """\
# Command line

<!-- Made by docs/make_cli_reference.py; edit the help texts in stoa/cli/ instead. -->

Every command prints data to standard output and everything else to standard error. Exit codes: 0 done, 1 an error (or a
check that found something), 2 wrong usage, 3 done and some jobs did not succeed, 130 interrupted.

Every command takes these options, before the verb or after it. `stoa help VERB` shows the help of a verb, and
`stoa --install-completion` teaches bash, zsh or fish to complete commands, options and values such as targets and runs.

| option of every command | |
|---|---|
| `-C FOLDER` | Work as if started in this folder. |
| `--json` | Print one JSON document ([its shape](formats.md#json)). |
| `--quiet, -q` | Print nothing but errors. |
| `--help, -h` | Show the help, with examples. |
"""
SPELLED_HEAD = """\
\"\"\"Commands, their options and placeholders, for completion. Made by docs/make_cli_reference.py.\"\"\"

from __future__ import annotations

COMMANDS: dict[str, tuple[dict[str, str], dict[str, tuple[str, str]], tuple[str, ...]]] = {
"""


def commands() -> Iterator[typer.Context]:
    """A context a command, groups before what they hold, in the order in which the help lists them."""
    yield from _below(_context(get_command(app), "stoa", None))


def _context(command: TyperCommand | TyperGroup, name: str, parent: typer.Context | None) -> typer.Context:
    return typer.Context(command, info_name=name, parent=parent, **command.context_settings)


def _below(context: typer.Context) -> Iterator[typer.Context]:
    yield context
    group = context.command
    if not isinstance(group, TyperGroup):
        return
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None and not command.hidden:
            yield from _below(_context(command, name, context))


def parameters(context: typer.Context) -> list[Parameter]:
    """Arguments and options that STOA gives a command itself."""
    hidden = (each for each in context.command.get_params(context) if not getattr(each, "hidden", False))
    return [each for each in hidden if each.name not in TYPERS_OWN]


def own_parameters(context: typer.Context) -> list[Parameter]:
    """Parameters without those of every command."""
    return [each for each in parameters(context) if each.name not in COMMON]


def section(context: typer.Context) -> str:
    """One command: what it does, how it is called, its arguments and options."""
    words = [context.command_path, *map(_placed, own_parameters(context))]
    words += ["COMMAND ..."] if isinstance(context.command, TyperGroup) else []
    parts = [f"## `{context.command_path}`", inspect.cleandoc(context.command.help or "")]
    parts += [f"```\n{' '.join(filter(None, words))}\n```", "\n".join(_rows(context)), _examples(context)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _examples(context: typer.Context) -> str:
    return f"```sh\n{context.command.epilog}\n```" if context.command.epilog else ""


def spelled() -> str:
    """Content of stoa/cli/spelled.py: each command with its verbs, options and arguments."""
    lines = []
    for context in commands():
        command = context.command
        verbs = {}
        if isinstance(command, TyperGroup):
            below = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
            verbs = {name: each.get_short_help_str(limit=200) for name, each in below if each is not None}
        options = {
            spelling: ("" if each.is_flag else each.metavar or "", each.help or "")
            for each in parameters(context)
            if isinstance(each, TyperOption)
            for spelling in each.opts
        }
        arguments = tuple(each.metavar or "" for each in parameters(context) if isinstance(each, TyperArgument))
        path = context.command_path.partition(" ")[2]
        lines.append(f"    {path!r}: ({verbs!r}, {options!r}, {arguments!r}),")
    text = "\n".join([SPELLED_HEAD.rstrip("\n"), *lines, "}", ""])
    return (
        text
        + '"""Command -> verbs with their help, options with placeholder and help, placeholders of the arguments."""\n'
    )


def _placed(parameter: Parameter) -> str:
    """The parameter in the line that shows how a command is called; most options are left to the table."""
    if parameter.param_type_name == "option":
        return _name(parameter) if parameter.required else ""
    name = _name(parameter)
    name += "..." if parameter.nargs != 1 and not name.endswith("...") else ""
    return name if parameter.required else f"[{name}]"


def _rows(context: typer.Context) -> list[str]:
    rows = [f"| `{_cell(_name(each))}` | {_cell(_meaning(each))} |" for each in own_parameters(context)]
    return ["| argument or option | |", "|---|---|", *rows] if rows else []


def _name(parameter: Parameter) -> str:
    value = parameter.metavar or (parameter.name or "").upper()
    if parameter.param_type_name == "argument":
        return value
    spellings = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return spellings if getattr(parameter, "is_flag", False) else f"{spellings} {value}"


def _meaning(parameter: Parameter) -> str:
    default, text = parameter.default, getattr(parameter, "help", None) or ""
    shown = default is not None and not callable(default) and str(default) not in {"", "False", "()", "[]"}
    return text + (f" Default: `{default}`." if shown and "(default" not in text else "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def reference() -> str:
    """Content of docs/cli.md."""
    return "\n".join([INTRODUCTION, *map(section, commands())])


def main(arguments: list[str]) -> int:
    """Write the page and the table, or with --check compare them; 1 if one is out of date."""
    made = {PAGE: reference(), SPELLED: spelled()}
    if "--check" not in arguments:
        for file, text in made.items():
            file.write_text(text, encoding="utf-8")
        return 0
    stale = [file for file, text in made.items() if not file.is_file() or file.read_text(encoding="utf-8") != text]
    for file in stale:
        print(f"{file} is out of date; `python docs/make_cli_reference.py` writes it again", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
