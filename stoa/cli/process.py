"""stoa process."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import JsonOption, NewNameArgument, workspace
from stoa.cli.say import as_json, fail, out, table, tell
from stoa.cli.shared import print_made, print_removed, print_renamed
from stoa.commands import process
from stoa.errors import StoaError
from stoa.show.definitions import listed_table, parameters_table, process_lines, promised_lines
from stoa.show.runs import left_out_lines, warmth_words
from stoa.show.words import count

app = new_app("Scripts with declared inputs, parameters, outputs and results.")


@verb(app, "add", "stoa process add sep")
def process_add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Process that comes with STOA: sep, sextractor, aegean.")],
    json: JsonOption = False,
) -> None:
    """Copy a process that comes with STOA into the project. You can change the copy."""
    print_made(process.add_process(workspace(ctx), name), json)
    if not json:
        tell(f"next: `stoa run {name}`")


@verb(app, "new", "stoa process new find --from find.py", "stoa process new find --from find.py --over image")
def process_new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new process.")],
    script: Annotated[str, typer.Option("--from", metavar="FILE", help="Script, in this repository.")],
    over: Annotated[
        str,
        typer.Option(
            "--over",
            metavar="target|image",
            help="Run once for each target or each image group (default: what the script suggests).",
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Write a definition for a script of yours.

    The script is read, not run. Options of a Python script (argparse, click, typer, sys.argv), the parameter cell of
    a notebook or the values of a script for CASA (Python 2 too) are proposed as parameters, files as inputs and
    outputs. Notes name what was not understood.
    """
    if over not in ("", "target", "image"):
        raise typer.BadParameter(f"{over!r} is neither target nor image", param_hint="--over")
    made = process.new_process(workspace(ctx), name, script, over)
    print_made(made, json)
    if json:
        return
    for note in made.notes:
        tell(f"note: {note}")
    complete = f" when {made.files[0]} is complete" if made.notes else ""
    tell(f"next: `stoa run {name}`{complete}; with --canary 3 it tries only a few jobs")


@verb(app, "list", "stoa process list")
def process_list(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the processes."""
    listed = process.list_processes(workspace(ctx))
    if json:
        as_json(listed, several="processes")
        return
    if listed:
        table(listed_table("process", listed))
    tell(f"STOA has these too, for `stoa process add`: {', '.join(process.shipped())}")


@verb(app, "show", "stoa process show sep")
def process_show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PROCESS", help="Name of a process.")],
    json: JsonOption = False,
) -> None:
    """Show a process: its command, inputs, parameters with limits, outputs and results."""
    found = workspace(ctx).library.process(name.partition("@")[0])
    if json:
        as_json(found)
        return
    for line in process_lines(found):
        out(line)
    if found.params:
        table(parameters_table(found))
    for line in promised_lines(found):
        out(line)


@verb(app, "check", "stoa process check", "stoa process check sep")
def process_check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROCESS...", help="Processes (default: all, and all environments)."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Check definitions, scripts, parameter sets and environments before anything runs.

    The exit code is 1 if there is a problem.
    """
    checked = process.check_all(workspace(ctx), tuple(names or ()))
    if json:
        as_json(checked)
    else:
        for message, hint in checked.problems:
            fail(StoaError(message, hint or None))
        for warmth in checked.warm:
            tell(warmth_words(warmth))
        for line in left_out_lines(checked.left_out, checked.not_imported):
            tell(line)
        out(f"{count(checked.checked, 'process', 'processes')} checked, {count(len(checked.problems), 'problem')}")
    if checked.problems:
        raise typer.Exit(1)


@verb(app, "remove", "stoa process remove sep")
def process_remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PROCESS", help="Name of a process.")],
    json: JsonOption = False,
) -> None:
    """Remove a process with its parameter sets. Its script and all outcomes stay."""
    print_removed(process.remove_process(workspace(ctx), name), json)


@verb(app, "rename", "stoa process rename find find-lines")
def process_rename(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PROCESS", help="Name of a process.")],
    new: NewNameArgument,
    json: JsonOption = False,
) -> None:
    """Give a process another name. Its parameter sets go with it.

    What was recorded under the old name belongs to the new one from then on. No record changes.
    """
    print_renamed(process.rename_process(workspace(ctx), name, new), json)
