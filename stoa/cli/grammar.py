"""What all commands have in common: the look of their help, options that every one takes, errors."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from stoa.cli.say import as_json, fail, hush
from stoa.errors import StoaError

USAGE_ERROR: Any = typer.BadParameter.__mro__[1]
"""What wrong usage raises; typer has it without a public name."""

SOME_NOT_OK = 3
"""Exit code of a command that did what was asked, where some jobs did not succeed."""


COMMON = ("json", "C", "directory", "quiet", "help")
"""Names of the options that every command takes."""

_LIMITS = re.compile(r"\s*\[(x>=\d+|required)\]$")
"""What is added to the help of an option and says nothing to a reader."""


def work_in(ctx: Any, _option: Any, folder: str | None) -> None:
    """Callback of `-C`."""
    if folder and not ctx.resilient_parsing:
        try:
            os.chdir(folder)
        except OSError as problem:
            raise typer.BadParameter(f"cannot work in {folder}: {problem.strerror}") from None


def be_quiet(ctx: Any, _option: Any, quiet: bool) -> None:
    """Callback of `--quiet`."""
    if quiet and not ctx.resilient_parsing:
        hush(quiet=True)


def _everywhere() -> list[TyperOption]:
    """Options that every verb takes, also before the verb."""
    return [
        TyperOption(
            param_decls=["-C"], type=str, metavar="FOLDER", help="Work as if started in this folder.",
            callback=work_in, expose_value=False, is_eager=True,
        ),
        TyperOption(
            param_decls=["--quiet", "-q"], type=None, is_flag=True, default=False, help="Print nothing but errors.",
            callback=be_quiet, expose_value=False,
        ),
    ]  # fmt: skip


class Verb(TyperCommand):
    """A command with the options of every command and with examples below them."""

    aliases: ClassVar[dict[str, str]] = {}
    """Former spelling of an option -> the present one; understood, but not shown."""

    def __init__(self, *words: Any, **fields: Any) -> None:
        super().__init__(*words, **fields)
        self.params += _everywhere()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [self._present_spelling(word) for word in args])

    def _present_spelling(self, word: str) -> str:
        name, equals, value = word.partition("=")
        return f"{self.aliases.get(name, name)}{equals}{value}"

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return ["[OPTIONS]", *usage_pieces(self.get_params(ctx))]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        write_options(self.get_params(ctx), ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        write_examples(self.epilog, formatter)


class Family(TyperGroup):
    """A verb with verbs of its own; they are listed in the order in which they are used."""

    command_class = Verb

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(self.commands)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        write_options(self.get_params(ctx), ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.get_short_help_str(limit=500)) for name, each in self.commands.items()])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        write_examples(self.epilog, formatter)


class Boundary(Family):
    """The root: shows every `StoaError`, as JSON too where JSON is asked for."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        ctx.meta["stoa.json"] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StoaError as problem:
            fail(problem)
            _fail_as_json(ctx, problem.message, problem.hint or "")
            raise typer.Exit(1) from None
        except USAGE_ERROR as problem:
            _fail_as_json(ctx, problem.format_message(), "")
            raise
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def _fail_as_json(ctx: Any, message: str, hint: str) -> None:
    if ctx.meta["stoa.json"]:
        as_json({"error": {"message": message, "hint": hint}})


def write_options(params: Iterable[Any], ctx: Any, formatter: Any) -> None:
    """The arguments, the options of the command, and the options that every command takes."""
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Options of every command": []}
    for each in params:
        record = each.get_help_record(ctx)
        if record is not None:
            own = "Options of every command" if each.name in COMMON else "Options"
            section = "Arguments" if each.param_type_name == "argument" else own
            sections[section].append((record[0], _LIMITS.sub("", record[1])))
    for heading, records in sections.items():
        if records:
            with formatter.section(heading):
                formatter.write_dl(records)


def write_examples(text: str | None, formatter: Any) -> None:
    """The section with examples: one command on each line, comments after two blanks and a #."""
    if text:
        with formatter.section("Examples"):
            for line in text.splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


def usage_pieces(params: Iterable[Any]) -> list[str]:
    """The arguments in the line that shows how a command is called."""
    arguments = [each for each in params if each.param_type_name == "argument"]
    return [_name(each) if each.required else f"[{_name(each)}]" for each in arguments]


def _name(argument: Any) -> str:
    return argument.metavar or (argument.name or "").upper() + ("..." if argument.nargs != 1 else "")


def new_app(about: str = "") -> typer.Typer:
    """An app for a file of this folder: a verb, or with a text a family of verbs."""
    return typer.Typer(cls=Family, help=about or None, no_args_is_help=bool(about), rich_markup_mode=None)


def verb(
    app: typer.Typer, name: str, *examples: str, aliases: dict[str, str] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a verb, with examples for its help and former spellings of its options."""
    cls = type("Verb", (Verb,), {"aliases": aliases or {}})
    return app.command(name, cls=cls, epilog="\n".join(examples))
