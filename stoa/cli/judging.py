"""What flag, unflag and comment share on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.say import as_json, out
from stoa.show.words import count
from stoa.workspace import writing

TargetsArgument = Annotated[list[str] | None, typer.Argument(help="Targets or globs.")]


WhereOption = Annotated[str, typer.Option("--where", help="SQL expression over the targets' columns.")]


TextOption = Annotated[str, typer.Option("--message", "-m", help="Free text.")]


RunOption = Annotated[str, typer.Option("--run", help="The run whose outcome is meant.")]


GroupOption = Annotated[str, typer.Option("--group", help="The image group that is meant.")]


def show_written(report: writing.ReviewReport, json: bool) -> None:
    """Say what was written about which targets."""
    if json:
        as_json(report)
        return
    whom = (
        f"run {report.run}"
        if report.run
        else report.targets[0]
        if len(report.targets) == 1
        else count(len(report.targets), "target")
    )
    verb = {"flag": "flagged", "unflag": "cleared the flags of", "comment": "commented on"}[report.kind]
    out(f"{verb} {whom} (commit {report.commit[:9]})")
