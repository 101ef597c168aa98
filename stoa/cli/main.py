"""The command line's root: which verb lives where, in which group, and what every command has in common."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from stoa.cli.grammar import Boundary, be_quiet, work_in
from stoa.cli.say import hush
from stoa.errors import nearest

GROUPS: dict[str, dict[str, str]] = {
    "Set up": {
        "init": "Make a STOA project in a git repository.",
        "clone": "Copy a project from a collaborator or a server.",
        "root": "Named places for data.",
        "target": "The data folders to process.",
        "meta": "XML descriptions of the targets' FITS files.",
        "demo": "Play the tutorial in a new repository.",
    },
    "Define": {
        "process": "Scripts with declared inputs, parameters, outputs and results.",
        "params": "Named parameter sets of a process.",
        "env": "Environments that processes run in.",
    },
    "Run": {
        "plan": "Show what a run would do, and why.",
        "why": "Show why a target would run or would not.",
        "run": "Run a process over targets.",
        "rerun": "Run jobs of an earlier run again.",
        "reproduce": "Run again from frozen definitions and compare the results.",
        "stop": "Stop a live run.",
        "collect": "Commit the outcomes of runs on a cluster.",
        "update": "Do what new data need: add, describe, run, sync. For cron.",
        "adopt": "Record products that were made before STOA as outcomes.",
    },
    "Look": {
        "ui": "Open the dashboard in a browser.",
        "status": "Show the state of the project: failures by cause, flags, stale outcomes.",
        "results": "Show what a process reported for each target.",
        "runs": "List the runs.",
        "show": "Show everything about a target or a run.",
        "log": "Print the log of a target.",
        "open": "List the files of a target on this machine, or open one.",
        "diff": "Compare two runs or parameter sets.",
        "report": "Write a run as HTML to mail, archive or print.",
        "query": "Query the index in SQL.",
    },
    "Judge": {
        "flag": "Flag targets with a reason.",
        "unflag": "Clear the flags of targets.",
        "comment": "Comment on targets.",
        "step": "Record a review step of targets: done, not needed, undone.",
        "assign": "Assign targets to a person for review.",
        "todo": "List the open steps of a review.",
        "tag": "Give targets a tag, or list the tags.",
        "select": "Save a condition over targets under a name, or list the selections.",
        "review": "Second looks: draw samples for another person, pass targets.",
        "reviews": "List flags, comments, steps and tags.",
    },
    "Use and share": {
        "catalogue": "Stack, match and plot tables of sources.",
        "samp": "Exchange tables, images and selections with TOPCAT, DS9 and Aladin.",
        "vo": "Use services of the Virtual Observatory, and be one.",
        "publish": "Write a folder for a paper: catalogue, plots, texts, records, provenance.",
        "sync": "Exchange commits with the collaborators.",
        "push": "Put large products into the store of the project.",
        "fetch": "Fetch large products from the store of the project.",
        "store": "The store of large products.",
    },
    "Check": {
        "fsck": "Check that every record is readable and unchanged.",
        "doctor": "Check that this machine and this clone are ready for work.",
    },
    "Help": {
        "help": "Show the help of a command.",
    },
}
"""Group -> verb -> first line of its help. Each verb is in the module of its name, which is loaded when it is used."""

VERBS = {name: text for verbs in GROUPS.values() for name, text in verbs.items()}


class LazyGroup(Boundary):
    """Loads a verb's module when the verb is used."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        group = typer.main.get_group(import_module(f"stoa.cli.{cmd_name}").app)
        if not gc.isenabled():  # it waits until the verb is loaded
            gc.freeze()
            gc.enable()
        return group.commands.get(cmd_name, group)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        near = nearest(args[0], list(VERBS)) if args[0] not in VERBS else None
        if near and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        wide = max(map(len, VERBS))
        for heading, verbs in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(wide), text) for name, text in verbs.items()])


app = typer.Typer(
    cls=LazyGroup, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\
stoa demo                  play the tutorial
stoa run sep -j 4          run a process over all targets
stoa status                look at the outcomes
stoa help run              show the help of a command, with examples""",
)  # fmt: skip


def _show_version(wanted: bool) -> None:
    if wanted:
        from stoa import __version__

        typer.echo(f"stoa {__version__}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    directory: Annotated[str, typer.Option("-C", help="Work as if started in this folder.", metavar="FOLDER")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,  # noqa: ARG001
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
    _version: Annotated[bool, typer.Option("--version", help="Show the version.", callback=_show_version)] = False,
) -> None:
    """Run a script over many data folders, record each outcome in git, look, flag, change, run again.

    These options can also follow the verb, and `stoa VERB -h` shows the help of a verb.
    """
    hush(quiet=False)
    work_in(ctx, None, directory)
    be_quiet(ctx, None, quiet)


def main() -> None:
    """Entry point of the `stoa` command; file names are the same bytes, and the same text, in every locale."""
    if sys.getfilesystemencoding().lower() != "utf-8" and "utf8" not in sys._xoptions:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - itself
    if isinstance(sys.stdout, TextIOWrapper):  # a folder's name may have letters that the terminal's encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    gc.freeze()  # modules stay; that they are no garbage would be found out at the end, in a fifth of a short command
    app()
