"""Writes docs/cli.md from the help of every command; `--check` says whether it is up to date."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from stoa.cli.main import app

# Made from what the commands declare and not from typer's own help, whose look changes with its version.
Parameter = TyperArgument | TyperOption
TYPERS_OWN = {"help", "install_completion", "show_completion"}
PAGE = Path(__file__).with_name("cli.md")
INTRODUCTION = """\
# Command line

<!-- Made by docs/make_cli_reference.py; edit the help texts in stoa/cli/ instead. -->

Every command prints data to standard output and all else to standard error. Exit codes: 0 done, 1 an error or a job
that is not ok, 2 wrong usage, 130 interrupted. Each command takes `--help`; `stoa --install-completion` teaches the
shell to complete words.
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


def section(context: typer.Context) -> str:
    """One command: what it does, how it is called, its arguments and options."""
    words = [context.command_path, *map(_placed, parameters(context))]
    words += ["COMMAND ..."] if isinstance(context.command, TyperGroup) else []
    parts = [f"## `{context.command_path}`", inspect.cleandoc(context.command.help or "")]
    parts += [f"```\n{' '.join(filter(None, words))}\n```", "\n".join(_rows(context))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _placed(parameter: Parameter) -> str:
    """The parameter in the line that shows how a command is called; most options are left to the table."""
    if parameter.param_type_name == "option":
        return _name(parameter) if parameter.required else ""
    name = _name(parameter) + (" ..." if parameter.nargs != 1 else "")
    return name if parameter.required else f"[{name}]"


def _rows(context: typer.Context) -> list[str]:
    rows = [f"| `{_cell(_name(each))}` | {_cell(_meaning(each))} |" for each in parameters(context)]
    return ["| argument or option | |", "|---|---|", *rows] if rows else []


def _name(parameter: Parameter) -> str:
    value = parameter.metavar or (parameter.name or "").upper()
    if parameter.param_type_name == "argument":
        return value
    spellings = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return spellings if getattr(parameter, "is_flag", False) else f"{spellings} {value}"


def _meaning(parameter: Parameter) -> str:
    default = parameter.default
    shown = default is not None and not callable(default) and str(default) not in {"", "False", "()", "[]"}
    return f"{getattr(parameter, 'help', None) or ''}" + (f" Default: `{default}`." if shown else "")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def reference() -> str:
    """Content of docs/cli.md."""
    return "\n".join([INTRODUCTION, *map(section, commands())])


def main(arguments: list[str]) -> int:
    """Write the page, or with --check compare it; 1 if it is out of date."""
    if "--check" not in arguments:
        PAGE.write_text(reference(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == reference():
        return 0
    print(f"{PAGE} is out of date; `python docs/make_cli_reference.py` writes it anew", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
