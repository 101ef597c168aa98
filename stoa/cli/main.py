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

VERBS: dict[str, tuple[str, str]] = {
    "init": ("setup", "Make a STOA project in a git repository."),
    "root": ("setup", "Named places where data lie."),
    "target": ("setup", "The data folders that are processed."),
    "meta": ("setup", "XML descriptions of the targets' FITS files."),
    "process": ("define", "Scripts with declared inputs, parameters, outputs and results."),
    "params": ("define", "Named parameter sets of a process."),
    "env": ("define", "What processes run in."),
    "plan": ("run", "Show what a run would do, and why."),
    "why": ("run", "Say why a target would run or is left alone."),
    "run": ("run", "Run a process over targets."),
    "rerun": ("run", "Run again what failed or was flagged."),
    "reproduce": ("run", "Run again from frozen definitions and compare what comes out."),
    "stop": ("run", "Stop a run that is under way."),
    "collect": ("collect", "Commit what has ended of runs at a cluster."),
    "status": ("look", "Show how things stand: failures by cause, flags, stale outcomes."),
    "runs": ("look", "List the runs."),
    "show": ("look", "Show everything about a target or a run."),
    "log": ("look", "Print what the script printed for a target."),
    "diff": ("diff", "Compare two runs or parameter sets."),
    "flag": ("review", "Flag targets with a reason."),
    "unflag": ("review", "Clear the flags of targets."),
    "comment": ("review", "Comment on targets."),
    "reviews": ("review", "List flags and comments."),
    "query": ("query", "Ask the index in SQL."),
    "catalogue": ("sky", "Stack, match and plot tables of sources."),
    "publish": ("publish", "Write a folder for a paper: catalogue, plots, texts, records, provenance."),
    "sync": ("share", "Fetch, merge and push until everybody has everything."),
    "clone": ("share", "Copy a project from a collaborator or a server."),
    "fsck": ("check", "Check that every record is readable and unchanged."),
    "doctor": ("check", "Say whether this machine and clone are fit for work."),
    "demo": ("demo", "Play the tutorial in a new repository."),
}
"""Verb -> module of this package, first line of its help. The modules are loaded when they are used."""


class LazyGroup(TyperGroup):
    """Loads a verb's module when the verb is used, and shows every `StoaError`."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        module = import_module(f"stoa.cli.{VERBS[cmd_name][0]}")
        return typer.main.get_group(module.app).commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        near = nearest(args[0], list(VERBS)) if args[0] not in VERBS else None
        if near and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])

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
    """Entry point of the `stoa` command."""
    if isinstance(sys.stdout, TextIOWrapper):  # a folder's name may have letters that the terminal's encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
