"""stoa status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out, table, tell
from stoa.cli.shared import print_causes, print_disagreements
from stoa.commands.status import PairStatus, StatusReport
from stoa.commands.status import status as get_status
from stoa.show.runs import state_in_words
from stoa.show.words import clock, count, counts_in_words, one_line
from stoa.workspace.names import asked_pair

app = typer.Typer()


FRESH_S = 60
"""A look this young is not mentioned."""

MOST_TROUBLE = 5  # files that `status` names


@app.command("status")
def status_command(
    ctx: typer.Context,
    process: Annotated[str, typer.Option("--process", help="Of this process only, or PROCESS@SET.")] = "",
    params: Annotated[str, typer.Option("--params", "-p", help="Of this parameter set only.")] = "",
    env: Annotated[str, typer.Option("--env", help="Of this environment only.")] = "",
    look: Annotated[
        bool,
        typer.Option("--look", help="Look at all inputs for changes, even if that takes longer than 0.5 s."),
    ] = False,
    targets: Annotated[bool, typer.Option("--targets", help="List every target.")] = False,
    json: JsonOption = False,
) -> None:
    """Show how things stand: failures by cause, flags, stale outcomes, live runs."""
    ws = workspace(ctx)
    process, params, env = asked_pair(ws, process, params, env, "")
    report = get_status(ws, process, params, env, every_target=json or targets, look=look)
    if json:
        as_json(report)
        return
    described = (
        f", {report.target_count - report.described} without metadata" if report.described < report.target_count else ""
    )
    flags = f", {report.flagged} flagged" if report.flagged else ""
    branch = report.branch or "(detached)"
    out(f"{report.project} on branch {branch}: {count(report.target_count, 'target')}{described}{flags}")
    for run in report.healed:
        tell(f"run {run} had been cut off; what had ended is committed, what ran is marked interrupted")
    for row in report.live:
        words = state_in_words(row)
        out(f"{words}: {row.run} {row.process} @ {row.params}: {counts_in_words(row.counts)} of {row.jobs}")
    if report.hindered:
        tell(report.hindered)
    for folder in report.damaged_journals:
        tell(f"a journal was damaged: what could be read of it is in git, the file is kept in {folder}")
    for one in report.pairs:
        _show_pair(one)
    if not report.pairs:
        tell("nothing has run yet: `stoa run PROCESS`")
    _show_flags(report)
    print_disagreements(report.disagreements)
    if targets:
        _show_targets(report)
    _show_trouble(report)


def _show_trouble(report: StatusReport) -> None:
    for found in report.ahead[:MOST_TROUBLE]:
        tell(f"{found.where} is {found.message}")
    if len(report.ahead) > MOST_TROUBLE:
        tell(f"{len(report.ahead) - MOST_TROUBLE} more are dated ahead: `stoa fsck`")
    files: dict[str, list[str]] = {}
    for path, message in report.unreadable:
        files.setdefault(path, []).append(message)
    for path, messages in list(files.items())[:MOST_TROUBLE]:
        more = f" (and {count(len(messages) - 1, 'other line')}: `stoa fsck`)" if len(messages) > 1 else ""
        tell(f"cannot read {path}: {messages[0]}{more}")
    if len(files) > MOST_TROUBLE:
        tell(f"{count(len(files) - MOST_TROUBLE, 'more file')} cannot be read: `stoa fsck`")


def _show_pair(pair: PairStatus) -> None:
    words = counts_in_words(pair.counts)
    new = f", {pair.new} without an outcome" if pair.new else ""
    out(f"\n{pair.name.replace('@', ' @ ', 1)}: {words}{new}  (last run {pair.run})")
    if pair.stale:
        out(f"  {pair.stale} stale: {one_line('; '.join(pair.stale_reasons))}")
    if look := _look_words(pair.looked):
        out(f"  {look}")
    if pair.interrupted_since:
        out(f"  {pair.interrupted_since} interrupted since; the earlier outcome stays current")
    if pair.unlisted:
        out(f"  {pair.unlisted} more of targets that are in no list any more")
    print_causes(pair.causes)


def _look_words(looked: str) -> str:
    """When the inputs were looked at, if that is not now."""
    if not looked:
        return "inputs were not looked at (`stoa status --look`)"
    age_s = (datetime.now(UTC) - datetime.fromisoformat(looked)).total_seconds()
    return f"inputs were last looked at {clock(looked, 16)} (`stoa status --look`)" if age_s > FRESH_S else ""


def _show_flags(report: StatusReport) -> None:
    if report.flags:
        out("\nflags")
    for reason, names in sorted(report.flags.items(), key=lambda pair: -len(pair[1])):
        out(
            f"  {len(names)} {reason}: {', '.join(names[:5])}"
            + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        )


def _show_targets(report: StatusReport) -> None:
    pairs = [pair.name for pair in report.pairs]
    out()
    table(
        ("target", *pairs, "flags"),
        [
            (t.name, *(t.states[p] + " (stale)" * (p in t.stale) for p in pairs), " ".join(t.flags))
            for t in report.targets
        ],
    )
