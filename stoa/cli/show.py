"""stoa show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, as_json, out
from stoa.cli.shared import print_causes, print_contradictions, print_disagreements
from stoa.commands import show
from stoa.errors import StoaError
from stoa.model import Review
from stoa.show.words import clock, count, counts_in_words, duration, number, one_line, safe, shown
from stoa.sources.trace import Trace, trace

app = typer.Typer()


FACTS = ("object", "freq_ghz", "band", "n_files", "n_images", "beam_arcsec", "problems")


ROW_FACTS = ("id", "name", "ra_deg", "dec_deg", "peak_flux", "flux", "snr", "separation_arcsec", "cat_name")


@app.command("show")
def show_command(
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


def _show_target(view: show.TargetView) -> None:
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
    print_disagreements(view.disagreements)
    print_contradictions(view.contradictions)


def _show_review(review: Review, more: str) -> None:
    reason = f" {review.reason}" if review.reason else ""
    when = clock(review.time, 16)
    out(f"\n{review.kind}{reason}{more} by {one_line(review.author.name)}, {when}  [{review.id}]")
    if review.text:
        out("  " + safe(review.text).replace("\n", "\n  "))


def _show_outcome(view: show.OutcomeView) -> None:
    o = view.outcome
    group = f" {o.group}" if o.group else ""
    out(
        f"\n{view.pair.replace('@', ' @ ', 1)}{group}: {o.status.value}" + (f", {one_line(o.cause)}" if o.cause else "")
    )
    if view.interrupted_since:
        out(f"  interrupted since, in run {view.interrupted_since}; this outcome stays current")
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


def _show_run(view: show.RunView) -> None:
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
        untouched = f", {view.summary.untouched} untouched" if view.summary.untouched else ""
        words = f"{counts_in_words(view.summary.counts)}{untouched}"
        out(f"  {count(run.jobs, 'job')}: {words}; {duration(view.summary.duration_s)}")
        print_causes(view.summary.causes)
    else:
        out(f"  {count(run.jobs, 'job')}; not finished")
    out(f"  {view.commit_hint}")
    for review in view.reviews:
        _show_review(review, f" on {review.target} {review.group}".rstrip() if review.target else "")
