"""The command line's root: which verb lives where, and the one place where errors are shown."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from stoa.cli.say import fail
from stoa.errors import StoaError, nearest

VERBS: dict[str, str] = {
    "init": "Make a STOA project in a git repository.",
    "root": "Named places where data lie.",
    "target": "The data folders that are processed.",
    "meta": "XML descriptions of the targets' FITS files.",
    "process": "Scripts with declared inputs, parameters, outputs and results.",
    "params": "Named parameter sets of a process.",
    "env": "What processes run in.",
    "plan": "Show what a run would do, and why.",
    "why": "Say why a target would run or is left alone.",
    "run": "Run a process over targets.",
    "rerun": "Run again what failed or was flagged.",
    "reproduce": "Run again from frozen definitions and compare what comes out.",
    "stop": "Stop a run that is under way.",
    "collect": "Commit what has ended of runs at a cluster.",
    "status": "Show how things stand: failures by cause, flags, stale outcomes.",
    "results": "Show what a process reported for each target.",
    "runs": "List the runs.",
    "show": "Show everything about a target or a run.",
    "log": "Print what the script printed for a target.",
    "diff": "Compare two runs or parameter sets.",
    "flag": "Flag targets with a reason.",
    "unflag": "Clear the flags of targets.",
    "comment": "Comment on targets.",
    "reviews": "List flags and comments.",
    "query": "Ask the index in SQL.",
    "catalogue": "Stack, match and plot tables of sources.",
    "publish": "Write a folder for a paper: catalogue, plots, texts, records, provenance.",
    "sync": "Fetch, merge and push until everybody has everything.",
    "clone": "Copy a project from a collaborator or a server.",
    "fsck": "Check that every record is readable and unchanged.",
    "doctor": "Say whether this machine and clone are fit for work.",
    "demo": "Play the tutorial in a new repository.",
}
"""Verb -> first line of its help. Each verb is in the module of its name, which is loaded when the verb is used."""


class LazyGroup(TyperGroup):
    """Loads a verb's module when the verb is used, and shows every `StoaError`."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        group = typer.main.get_group(import_module(f"stoa.cli.{cmd_name}").app)
        return group.commands.get(cmd_name, group)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        near = nearest(args[0], list(VERBS)) if args[0] not in VERBS else None
        if near and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StoaError as problem:
            fail(problem)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=LazyGroup, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


def _show_version(wanted: bool) -> None:
    if wanted:
        from stoa import __version__

        typer.echo(f"stoa {__version__}")
        raise typer.Exit


@app.callback()
def root(
    directory: Annotated[
        Path | None, typer.Option("-C", help="Work as if started in this folder.", metavar="PATH")
    ] = None,
    _version: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_show_version)] = False,
) -> None:
    """Run a script over many data folders, keep an honest record of each, look, flag, change, run again.

    The loop: init, root add, target add, meta build, process add, run, status, flag, rerun, diff, catalogue.
    """
    if directory is not None:
        try:
            os.chdir(directory)
        except OSError as problem:
            raise typer.BadParameter(f"cannot work in {directory}: {problem.strerror}") from None


def main() -> None:
    """Entry point of the `stoa` command; file names are the same bytes, and the same text, in every locale."""
    if sys.getfilesystemencoding().lower() != "utf-8" and "utf8" not in sys._xoptions:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - itself
    if isinstance(sys.stdout, TextIOWrapper):  # a folder's name may have letters that the terminal's encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
