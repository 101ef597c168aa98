"""flag, unflag, comment, reviews."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, clock, count, one_line, out, table, tell
from stoa.commands import history
from stoa.commands import review as reviewing
from stoa.commands.agreement import Contradiction, contradictions

app = typer.Typer()

TargetsArgument = Annotated[list[str] | None, typer.Argument(help="Targets or globs.")]
WhereOption = Annotated[str, typer.Option("--where", help="SQL expression over the targets' columns.")]
TextOption = Annotated[str, typer.Option("--message", "-m", help="Free text.")]
RunOption = Annotated[str, typer.Option("--run", help="The run whose outcome is meant.")]
GroupOption = Annotated[str, typer.Option("--group", help="The image group that is meant.")]


@app.command()
def flag(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Reason code of .stoa/config.yaml.")] = "check",
    text: TextOption = "",
    run: RunOption = "",
    group: GroupOption = "",
    where: WhereOption = "",
    json: JsonOption = False,
) -> None:
    """Flag targets with a reason; the flag is open until it is cleared."""
    _told(
        reviewing.flag(workspace(ctx), targets or (), reason=reason, text=text, run=run, group=group, where=where), json
    )


@app.command()
def unflag(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Only flags with this reason.")] = "",
    text: TextOption = "",
    where: WhereOption = "",
    json: JsonOption = False,
) -> None:
    """Clear the open flags of targets."""
    _told(reviewing.unflag(workspace(ctx), targets or (), reason=reason, text=text, where=where), json)


@app.command()
def comment(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    text: TextOption = "",
    run: RunOption = "",
    group: GroupOption = "",
    where: WhereOption = "",
    json: JsonOption = False,
) -> None:
    """Comment on targets; with --run on their outcomes in it, or without targets on the run as such."""
    _told(reviewing.comment(workspace(ctx), targets or (), text=text, run=run, group=group, where=where), json)


def _told(report: reviewing.ReviewReport, json: bool) -> None:
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


@app.command()
def reviews(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="Of this target or run only.")] = "",
    flags_only: Annotated[bool, typer.Option("--flags", help="Open flags only.")] = False,
    json: JsonOption = False,
) -> None:
    """List flags, clearings and comments in the order they were made."""
    ws = workspace(ctx)
    if flags_only:
        rows = [row for row in history.flag_rows(ws) if target in ("", row["target"])]
        if json:
            as_json(rows)
            return
        if rows:
            cells = [(r["target"], r["group"], r["reason"], r["author"], clock(r["time"], 16), r["text"]) for r in rows]
            table(("target", "image group", "reason", "by", "when", "text"), cells, maybe=("image group",))
        else:
            tell("no flag is open")
        show_contradictions(contradictions(ws, target))
        return
    found = history.reviews_of(ws, target)
    if json:
        as_json(found)
        return
    if not found:
        tell("nobody has flagged or commented yet: `stoa flag TARGET`, `stoa comment TARGET -m TEXT`")
        return
    table(
        ("when", "what", "target", "image group", "reason", "by", "text"),
        [
            (clock(r.time, 16), r.kind, r.target or f"run {r.run}", r.group, r.reason, r.author.name, one_line(r.text))
            for r in found
        ],
        maybe=("image group",),
    )
    show_contradictions(contradictions(ws, target))


def show_contradictions(found: tuple[Contradiction, ...]) -> None:
    """Print what people say who contradict each other, side by side."""
    if not found:
        return
    out("\ncontradictory flags")
    table(
        ("target", "by", "says", "when", "text"),
        [(c.target, j.author, j.says, clock(j.time, 16), one_line(j.text)) for c in found for j in c.judgements],
    )
