"""stoa adopt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    DryOption,
    EnvOption,
    ForceOption,
    JsonOption,
    ParamsOption,
    SelectOption,
    TagOption,
    TargetOption,
    workspace,
)
from stoa.cli.say import as_json, out, table, tell
from stoa.commands import adopt
from stoa.show.adopt import adopted_in_words, adopted_table, left_lines
from stoa.workspace.selections import picked

app = new_app()


@verb(
    app, "adopt",
    "stoa adopt sep --from /data/old-sep --dry-run",
    "stoa adopt sep@deep --from /data/old-sep --pattern '{name}_out' --log 'logs/{name}.txt'",
)  # fmt: skip
def adopt_command(
    ctx: typer.Context,
    process: Annotated[str, typer.Argument(metavar="PROCESS", help="Process that made them, or PROCESS@SET.")],
    tree: Annotated[Path, typer.Option("--from", metavar="FOLDER", help="Folder with the products, below a root.")],
    patterns: Annotated[
        list[str] | None,
        typer.Option(
            "--pattern", metavar="PATTERN",
            help="Where the folder of a job is: '{name}_out', '{path}', '{-2}/{group}'. Can be repeated; the first"
            " one that fits counts (default: the target's name, or its path).",
        ),
    ] = None,
    log: Annotated[
        str,
        typer.Option(
            "--log", metavar="PATTERN",
            help="Log in the folder, or with {name} below --from (default: the only *.log in the folder).",
        ),
    ] = "",
    params: ParamsOption = "",
    env: EnvOption = "",
    target: TargetOption = None,
    tags: TagOption = None,
    select: SelectOption = None,
    force: ForceOption = False,
    dry_run: DryOption = False,
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Record products that were made before STOA as outcomes.

    Each job's folder is found by its name or by --pattern, and nothing is guessed. Declared outputs and results are
    read and checked as after a run. The files stay where they are, and the outcomes are marked as adopted. What does
    not fit is listed.
    """
    ws = workspace(ctx)
    chosen = picked(ws, target or (), tags or (), select or ())
    report = adopt.adopt(
        ws, process, tree, params=params, environment=env, patterns=tuple(patterns or ()), log=log,
        targets=chosen, force=force, dry_run=dry_run, asked=("stoa", *sys.argv[1:]),
    )  # fmt: skip
    if json:
        as_json(report)
        return
    if dry_run and report.adopted:
        table(adopted_table(report))
    out(adopted_in_words(report, dry_run=dry_run))
    for line in left_lines(report):
        tell(line)
