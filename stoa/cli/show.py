"""stoa show."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import AtOption, JsonOption, workspace
from stoa.cli.say import as_json, out
from stoa.cli.shared import print_causes, print_contradictions, print_disagreements
from stoa.commands import show
from stoa.errors import StoaError
from stoa.show.outcomes import ending_in_words, review_lines, run_lines, target_lines, trace_lines
from stoa.show.reviews import threaded
from stoa.sources.trace import trace

app = new_app()


@verb(
    app, "show",
    "stoa show A001_X121_X28b",
    "stoa show last",
    "stoa show sep@deep",
    "stoa show catalogues/sep@deep.vot --row 12",
)  # fmt: skip
def show_command(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="TARGET|RUN", help="Target, run, `last`, PROCESS@SET; a table file with --row.")
    ],
    row: Annotated[
        int,
        typer.Option(
            "--row", metavar="N", min=0, show_default=False,
            help="Row of a catalogue, counted from 1: show what made it, back to script and inputs.",
        ),
    ] = 0,
    at: AtOption = "",
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Show everything about a target (outcomes, metadata, flags, comments), a run, or a row of a catalogue."""
    ws = workspace(ctx, at)
    if row:
        traced = trace(ws, Path(name), row)
        as_json(traced) if json else _print(trace_lines(traced))
        return
    if name in ws.targets:
        view = show.show_target(ws, name)
        as_json(view) if json else _show_target(view)
        return
    try:
        run = show.show_run(ws, name)
    except StoaError:
        if name == "last" or "@" in name or name[:8].isdigit():
            raise
        show.show_target(ws, name)  # says which target comes nearest
        raise
    as_json(run) if json else _show_run(run)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        out(line)


def _show_target(view: show.TargetView) -> None:
    _print(target_lines(view))
    print_disagreements(view.disagreements)
    print_contradictions(view.contradictions)


def _show_run(view: show.RunView) -> None:
    _print(run_lines(view))
    out(ending_in_words(view))
    if view.summary:
        print_causes(view.summary.causes)
    out(f"  {view.commit_hint}")
    for depth, review in threaded(view.reviews):
        _print(review_lines(review, f" on {review.target} {review.group}".rstrip() if review.target else "", depth))
