"""stoa process."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, fail, out, table, tell
from stoa.commands import process
from stoa.errors import StoaError
from stoa.model import Process
from stoa.show.runs import warmth_words
from stoa.show.words import count, duration, shown
from stoa.workspace import listing, writing

app = typer.Typer(no_args_is_help=True, help="Scripts with declared inputs, parameters, outputs and results.")


SetOption = Annotated[list[str] | None, typer.Option("--set", help="Parameter and value: snr=4. May be repeated.")]


@app.command("add")
def process_add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A shipped process: sep, sextractor, aegean.")],
    json: JsonOption = False,
) -> None:
    """Copy a process that comes with STOA into the project, where it may be changed."""
    show_made(process.add_process(workspace(ctx), name), json)
    if not json:
        tell(f"next: `stoa run {name}`")


def show_made(made: writing.Made, json: bool) -> None:
    """Say which files were written."""
    if json:
        as_json(made)
    else:
        *first, last = made.files
        out(f"wrote {', '.join(first)}{' and ' if first else ''}{last} (commit {made.commit[:9]})")


@app.command("new")
def process_new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the process.")],
    script: Annotated[str, typer.Option("--from", help="The script, in this repository.")],
    over: Annotated[
        str,
        typer.Option(
            "--over", help="target: once a folder; image: once an image group; else what the script suggests."
        ),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Write a definition for a script of yours.

    The script is read, not run. Options of a Python script (argparse, click, typer, sys.argv) or the cell of parameters
    of a notebook are proposed as parameters, files as inputs and outputs. What was not understood is said.
    """
    if over not in ("", "target", "image"):
        raise typer.BadParameter("--over is target or image")
    ws = workspace(ctx)
    made = process.new_process(ws, name, script, over)
    show_made(made, json)
    if json:
        return
    for note in made.notes:
        tell(f"note: {note}")
    complete = f" when {made.files[0]} is complete" if made.notes else ""
    tell(f"next: `stoa run {name}`{complete}; with --canary 3 it tries only a few jobs")


@app.command("list")
def process_list(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the processes."""
    listed = process.list_processes(workspace(ctx))
    if json:
        as_json(listed)
        return
    if listed:
        table(("process", "what"), [(row.name, listed_words(row)) for row in listed])
    tell(f"shipped, for `stoa process add`: {', '.join(process.shipped())}")


def listed_words(row: listing.Listed) -> str:
    """The description of a definition, or what is wrong with it."""
    return f"broken: {row.problem}" if row.problem else row.doc


@app.command("show")
def process_show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="A process.")], json: JsonOption = False
) -> None:
    """Show a process: its command, inputs, parameters with limits, outputs and results."""
    process = workspace(ctx).library.process(name)
    if json:
        as_json(process)
        return
    out(f"{process.name}: {process.doc}" if process.doc else process.name)
    out(f"command: {' '.join(process.command)}" + (" (by the shell)" if process.shell else ""))
    files = f" (with {', '.join(process.files)})" if process.files else ""
    out(f"script: {process.script or 'none'}{files}   over: {process.over}   environment: {process.environment}")
    out(_limits(process))
    for key, given in process.inputs.items():
        out(f"input {key}: role {' or '.join(given.role)}{' (optional)' if given.optional else ''}")
    if process.params:
        rows = [
            (k, s.type, *(None if v is None else shown(v) for v in (s.default, s.min, s.max)),
             ", ".join(map(shown, s.choices)), s.unit, s.doc)
            for k, s in process.params.items()
        ]  # fmt: skip
        headings = ("parameter", "type", "default", "min", "max", "choices", "unit", "what")
        table(headings, rows, maybe=("min", "max", "choices", "unit", "what"))
    for key, promised in process.outputs.items():
        out(f"output {key}: {promised.path} ({promised.kind}){' (optional)' if promised.optional else ''}")
    for key, result in process.results.items():
        tolerance = f", tolerance {100 * result.tolerance:g} %" if result.tolerance else ""
        out(f"result {key}: {result.type} {result.unit}".rstrip() + tolerance)


def _limits(process: Process) -> str:
    timeout = duration(process.timeout_s) if process.timeout_s else "none"
    memory = f"{process.memory_mb} MB" if process.memory_mb else "no limit"
    return f"timeout: {timeout}   memory: {memory}   skipped by exit code: {', '.join(map(str, process.skip_codes))}"


@app.command("check")
def process_check(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Processes; by default all, and the environments.")] = None,
    json: JsonOption = False,
) -> None:
    """Check definitions, scripts, parameter sets and environments before anything runs."""
    checked = process.check_all(workspace(ctx), tuple(names or ()))
    if json:
        as_json(checked)
    else:
        for message, hint in checked.problems:
            fail(StoaError(message, hint or None))
        for warmth in checked.warm:
            tell(warmth_words(warmth))
        out(f"{count(checked.checked, 'process', 'processes')} checked, {count(len(checked.problems), 'problem')}")
    if checked.problems:
        raise typer.Exit(1)
