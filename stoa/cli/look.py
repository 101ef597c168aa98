"""status, runs, show, log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.play import show_causes
from stoa.cli.review import show_contradictions
from stoa.cli.say import (
    JsonOption,
    as_json,
    clock,
    count,
    counts_in_words,
    duration,
    number,
    one_line,
    out,
    safe,
    shown,
    table,
    tell,
)
from stoa.commands import history
from stoa.commands.agreement import Disagreement
from stoa.commands.resolve import pair
from stoa.commands.status import PairStatus, StatusReport
from stoa.commands.status import status as get_status
from stoa.commands.trace import Trace, trace
from stoa.errors import StoaError
from stoa.model import Review

app = typer.Typer()
MOST = 20
MOST_TROUBLE = 5  # files that `status` names
FACTS = ("object", "freq_ghz", "band", "n_files", "n_images", "beam_arcsec", "problems")


ROW_FACTS = ("id", "name", "ra_deg", "dec_deg", "peak_flux", "flux", "snr", "separation_arcsec", "cat_name")


@app.command()
def status(
    ctx: typer.Context,
    process: Annotated[str, typer.Option("--process", help="Of this process only, or PROCESS@SET.")] = "",
    params: Annotated[str, typer.Option("--params", "-p", help="Of this parameter set only.")] = "",
    targets: Annotated[bool, typer.Option("--targets", help="List every target.")] = False,
    json: JsonOption = False,
) -> None:
    """Show how things stand: failures by cause, flags, stale outcomes, live runs."""
    process, params = pair(process, params, "")
    report = get_status(workspace(ctx), process, params, every_target=json or targets)
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
    _show_disagreements(report.disagreements)
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


def state_in_words(row: history.RunRow) -> str:
    """The state of a run; of one that nobody watches over, where it is and what is left of it."""
    if row.state == "orphaned":
        pids = ", ".join(str(pid) for pid in row.pids)
        goes_on = "runs" if row.still_running == 1 else "run"
        return f"lost its STOA; {count(row.still_running, 'job')} still {goes_on} (pids {pids})"
    if row.state == "submitted":
        return "at a cluster"
    if row.state == "elsewhere":
        return f"on {row.host}, which cannot be seen from here (last sign of life {duration(row.silent_s)} ago)"
    return row.state


def _show_pair(pair: PairStatus) -> None:
    words = counts_in_words(pair.counts)
    new = f", {pair.new} without an outcome" if pair.new else ""
    out(f"\n{pair.process} @ {pair.params}: {words}{new}  (last run {pair.run})")
    if pair.stale:
        out(f"  {pair.stale} stale: {one_line('; '.join(pair.stale_reasons))}")
    if pair.unlisted:
        out(f"  {pair.unlisted} more of targets that are in no list any more")
    show_causes(pair.causes)


def _show_flags(report: StatusReport) -> None:
    if report.flags:
        out("\nflags")
    for reason, names in sorted(report.flags.items(), key=lambda pair: -len(pair[1])):
        out(
            f"  {len(names)} {reason}: {', '.join(names[:5])}"
            + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        )


def _show_disagreements(found: tuple[Disagreement, ...]) -> None:
    if not found:
        return
    out(f"\n2 results, they differ: {count(len(found), 'job')}")
    for each in found[:MOST]:
        group = f" {each.group}" if each.group else ""
        for difference in each.differences[:3]:
            sides = ", ".join(
                f"{difference.name} {_said(value)} by {voice.author}" if difference.name != "status" else
                f"{value} by {voice.author}"
                for value, voice in zip(difference.values, each.voices, strict=True)
            )  # fmt: skip
            out("  " + one_line(f"{each.target}{group} ({each.process} @ {each.params}): {sides}"))
    if len(found) > MOST:
        tell(f"{len(found) - MOST} more: --json lists all")


def _said(value: object) -> str:
    return "none" if value is None else number(value) if isinstance(value, float) else str(value)


def _show_targets(report: StatusReport) -> None:
    pairs = [f"{pair.process}@{pair.params}" for pair in report.pairs]
    out()
    table(
        ("target", *pairs, "flags"),
        [
            (t.name, *(t.states[p] + " (stale)" * (p in t.stale) for p in pairs), " ".join(t.flags))
            for t in report.targets
        ],
    )


@app.command()
def runs(
    ctx: typer.Context,
    last: Annotated[int, typer.Option("--last", "-n", help="So many, the latest.", min=1)] = MOST,
    json: JsonOption = False,
) -> None:
    """List the runs, the latest last."""
    rows = history.list_runs(workspace(ctx))[-last:]
    if json:
        as_json(rows)
        return
    if not rows:
        tell("nothing has run yet: `stoa run PROCESS`")
        return
    table(
        ("run", "process", "set", "state", "jobs", "outcomes", "took", "by"),
        [
            (r.run, r.process, r.params, state_in_words(r), r.jobs, counts_in_words(r.counts),
             duration(r.duration_s) if r.duration_s is not None else "", r.author)
            for r in rows
        ],
        right=("jobs",),
    )  # fmt: skip


@app.command()
def show(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A target, a run id, `last`, PROCESS@SET; with --row a catalogue.")],
    row: Annotated[
        int, typer.Option("--row", help="Row of a catalogue, from 1: what made it, back to script and inputs.")
    ] = 0,
    json: JsonOption = False,
) -> None:
    """Show everything about a target (outcomes, metadata, flags, comments), a run, or a row of a catalogue."""
    ws = workspace(ctx)
    if row:
        traced = trace(ws, Path(name), row)
        as_json(traced) if json else _show_trace(traced)
        return
    if name in ws.targets:
        view = history.show_target(ws, name)
        as_json(view) if json else _show_target(view)
        return
    try:
        run = history.show_run(ws, name)
    except StoaError:
        if name == "last" or "@" in name or name[:8].isdigit():
            raise
        history.show_target(ws, name)  # says which target comes nearest
        raise
    as_json(run) if json else _show_run(run)


def _show_trace(found: Trace) -> None:
    shown = {key: value for key, value in found.values.items() if value is not None and key in ROW_FACTS}
    facts = ", ".join(f"{key} {number(v) if isinstance(v, float | int) else v}" for key, v in shown.items())
    out(f"row {found.row} of {found.catalogue}: {one_line(facts)}")
    out(f"product: {found.product.path} ({found.product_state}), sha256 {found.product.sha256 or 'not computed'}")
    out(f"target: {found.target}" + (f"   image group: {found.group}" if found.group else ""))
    out(f"run: {found.run} by {one_line(found.author)} on {found.host}, {found.started}, STOA {found.stoa_version}")
    out(f"script: {found.script or 'none'}, digest {found.digests.get('script') or 'none'}")
    by_rule = {key: f" by rule {given.rule}" for key, given in found.overrides.items()}
    values = ", ".join(f"{key}={value}{by_rule.get(key, '')}" for key, value in found.params.items())
    out(f"parameters: {found.params_name} ({values}), digest {found.digests.get('params')}")
    content = found.digests.get(f"content of {found.environment}")
    out(f"environment: {found.environment}, digest {found.digests.get('environment')}"
        + (f", content {content}" if content else ""))  # fmt: skip
    for name, ref in found.inputs.items():
        out(f"input {name}: {ref.path}, {ref.size} bytes, sha256 {ref.sha256 or 'not computed'}")
    out(f"metadata document: digest {found.metadata or 'none'}")


def _show_target(view: history.TargetView) -> None:
    out(
        f"{view.target.name}  {view.target.root}:{view.target.path}"
        + ("" if view.folder_exists else "  (not on this machine)")
    )
    facts = [
        f"{key} {number(value) if isinstance(value, float | int) else value}"
        for key, value in view.metadata.items()
        if key in FACTS and value not in (None, "")
    ]
    if facts:
        out("  " + one_line(", ".join(facts)))
    for entry in view.latest:
        _show_outcome(entry)
    for review in view.reviews:
        _show_review(review, " (open)" if review.id in view.open_flags else "")
    _show_disagreements(view.disagreements)
    show_contradictions(view.contradictions)


def _show_review(review: Review, more: str) -> None:
    reason = f" {review.reason}" if review.reason else ""
    when = clock(review.time, 16)
    out(f"\n{review.kind}{reason}{more} by {one_line(review.author.name)}, {when}  [{review.id}]")
    if review.text:
        out("  " + safe(review.text).replace("\n", "\n  "))


def _show_outcome(view: history.OutcomeView) -> None:
    o = view.outcome
    group = f" {o.group}" if o.group else ""
    out(f"\n{view.process} @ {view.params}{group}: {o.status.value}" + (f", {one_line(o.cause)}" if o.cause else ""))
    peak = f", peak {number(o.memory_mb, 3)} MB" if o.memory_mb else ""
    out(f"  run {o.run}, {clock(o.start)}, {duration(o.duration_s)}{peak}")
    for name, ref in o.inputs.items():
        out(f"  input {name}: {ref.path} ({ref.size} bytes, sha256 {ref.sha256[:12]})")
    if o.environment:
        out(f"  environment {o.environment}: {one_line(o.environment_reason)}")
    if o.overrides:
        ruled = (f"{key}={shown(given.value)} (rule {given.rule})" for key, given in o.overrides.items())
        out(f"  values by rule: {', '.join(ruled)}")
    if o.results:
        out("  results: " + ", ".join(f"{key} {shown(value)}" for key, value in o.results.items()))
    for name, ref in o.outputs.items():
        out(f"  output {name}: {ref.path} ({ref.size} bytes, sha256 {ref.sha256[:12]})")
    if view.folder:
        out(f"  in {view.folder}")
    if o.log and o.status.value != "ok":
        out("  log ends:\n    " + "\n    ".join(o.log.strip().splitlines()[-6:]))


def _show_run(view: history.RunView) -> None:
    run = view.run
    out(f"run {run.id}: {run.process} @ {run.params.name} in {run.environment} on {run.host} ({run.engine})")
    author = one_line(f"{run.author.name} <{run.author.email}>")
    out(f"  by {author}, started {clock(run.started)}, STOA {run.stoa_version}")
    out(f"  asked: {one_line(' '.join(run.asked))}")
    if run.rerun_of:
        out(f"  rerun of {run.rerun_of}")
    out("  parameters: " + (", ".join(f"{key}={shown(value)}" for key, value in run.params.values.items()) or "none"))
    out("  environment: " + ", ".join(f"{key} {value}" for key, value in run.environment_facts.items()))
    out("  digests: " + ", ".join(f"{key} {value}" for key, value in run.digests.items() if value))
    if view.summary:
        out(f"  {count(run.jobs, 'job')}: {counts_in_words(view.summary.counts)}; {duration(view.summary.duration_s)}")
        show_causes(view.summary.causes)
    else:
        out(f"  {count(run.jobs, 'job')}; not finished")
    out(f"  {view.commit_hint}")
    for review in view.reviews:
        _show_review(review, f" on {review.target} {review.group}".rstrip() if review.target else "")


@app.command()
def log(
    ctx: typer.Context,
    target: Annotated[str, typer.Argument(help="A target.")],
    run: Annotated[str, typer.Option("--run", help="A run, or PROCESS@SET; by default the target's latest.")] = "",
    group: Annotated[str, typer.Option("--group", help="Image group.")] = "",
    json: JsonOption = False,
) -> None:
    """Print what the script printed for a target: whole where the products are, else its ends from the record.

    Of several image groups, one that did not end ok comes first.
    """
    view = history.read_log(workspace(ctx), target, run, group)
    if json:
        as_json(view)
        return
    if not view.text:
        tell(f"{f'{target} {view.group}'.rstrip()} printed nothing in run {view.run} ({view.status})")
    sys.stdout.write(safe(view.text) if view.text.endswith("\n") or not view.text else safe(view.text) + "\n")
