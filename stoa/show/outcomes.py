"""Targets with their outcomes, runs, and rows of catalogues, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stoa.model import FileRef, Review
from stoa.show.reviews import said, threaded
from stoa.show.words import clock, count, counts_in_words, duration, number, one_line, safe, shown

if TYPE_CHECKING:
    from stoa.commands.show import OutcomeView, RunView, TargetView
    from stoa.sources.trace import Trace

FACTS = ("object", "freq_ghz", "band", "n_files", "n_images", "beam_arcsec", "problems")
"""Metadata columns that are shown below the name of a target."""

ROW_FACTS = ("id", "name", "ra_deg", "dec_deg", "peak_flux", "flux", "snr", "separation_arcsec", "cat_name")
"""Columns of a catalogue that come first in the history of a row."""


def trace_lines(found: Trace) -> Iterator[str]:
    """What made a row of a catalogue, back to script and inputs."""
    shown_values = {key: value for key, value in found.values.items() if value is not None and key in ROW_FACTS}
    facts = ", ".join(f"{key} {_fact(value)}" for key, value in shown_values.items())
    yield f"row {found.row} of {found.catalogue}: {one_line(facts)}"
    yield f"product: {found.product.path} ({found.product_state}), sha256 {found.product.sha256 or 'not computed'}"
    yield f"target: {found.target}" + (f"   image group: {found.group}" if found.group else "")
    yield f"run: {found.run} by {one_line(found.author)} on {found.host}, {found.started}, STOA {found.stoa_version}"
    yield f"script: {found.script or 'none'}, digest {found.digests.get('script') or 'none'}"
    by_rule = {key: f" by rule {given.rule}" for key, given in found.overrides.items()}
    values = ", ".join(f"{key}={value}{by_rule.get(key, '')}" for key, value in found.params.items())
    yield f"parameters: {found.params_name} ({values}), digest {found.digests.get('params')}"
    content = found.digests.get(f"content of {found.environment}")
    words = f"environment: {found.environment}, digest {found.digests.get('environment')}"
    yield words + (f", content {content}" if content else "")
    for name, ref in found.inputs.items():
        yield f"input {name}: {ref.path}, {_amount(ref)}, sha256 {ref.sha256 or 'not computed'}"
    yield f"metadata document: digest {found.metadata or 'none'}"


def _fact(value: object) -> str:
    return number(value) if isinstance(value, float | int) else str(value)


def target_lines(view: TargetView) -> Iterator[str]:
    """A target with its latest outcomes and everything that was said about it."""
    place = f"{view.target.name}  {view.target.root}:{view.target.path}"
    yield place + ("" if view.folder_exists else "  (not on this machine)")
    facts = [f"{key} {_fact(v)}" for key, v in view.metadata.items() if key in FACTS and v not in (None, "")]
    if facts:
        yield "  " + one_line(", ".join(facts))
    if view.tags or view.group_tags:
        yield "  tags: " + one_line(", ".join([*view.tags, *(f"{tag} ({group})" for group, tag in view.group_tags)]))
    for entry in view.latest:
        yield from outcome_lines(entry)
    if view.hidden:
        yield "\nwhat others say is hidden until you have judged this target (a blind sample)"
    for depth, review in threaded(view.reviews):
        on_group = f" on {one_line(review.group)}" if review.group else ""
        yield from review_lines(review, on_group + (" (open)" if review.id in view.open_flags else ""), depth)


def review_lines(review: Review, more: str, depth: int = 0) -> Iterator[str]:
    """A flag, clearing or comment.

    Parameters
    ----------
    depth
        How many comments it answers, one below the other.
    """
    what = "reply" if depth else one_line(f"{review.kind} {said(review)}".rstrip())
    when = clock(review.time, 16)
    edge = "  " * depth
    yield f"\n{edge}{what}{more} by {one_line(review.author.name)}, {when}  [{review.id}]"
    if review.text:
        yield f"{edge}  " + safe(review.text).replace("\n", f"\n{edge}  ")
    if review.picture:
        yield f"{edge}  picture: .stoa/reviews/{review.about}/{review.picture}"


def outcome_lines(view: OutcomeView) -> Iterator[str]:
    """An outcome: how the job ended, what it used, what it made."""
    o = view.outcome
    group = f" {o.group}" if o.group else ""
    cause = f", {one_line(o.cause)}" if o.cause else ""
    yield f"\n{view.pair.replace('@', ' @ ', 1)}{group}: {o.status.value}{cause}"
    yield from _origin_lines(view)
    peak = f", peak {number(o.memory_mb, 3)} MB" if o.memory_mb else ""
    yield f"  run {o.run}" + (f", {clock(o.start)}, {duration(o.duration_s)}{peak}" if o.start else "")
    for name, ref in o.inputs.items():
        yield f"  input {name}: {ref.path} ({_amount(ref)}, sha256 {ref.sha256[:12]})"
    if o.environment:
        yield f"  environment {o.environment}: {one_line(o.environment_reason)}"
    if o.overrides:
        ruled = (f"{key}={shown(given.value)} (rule {given.rule})" for key, given in o.overrides.items())
        yield f"  values by rule: {', '.join(ruled)}"
    if o.results:
        yield "  results: " + ", ".join(f"{key} {shown(value)}" for key, value in o.results.items())
    for name, ref in o.outputs.items():
        yield f"  output {name}: {ref.path} ({_amount(ref)}, sha256 {ref.sha256[:12]})"
    if view.folder:
        yield f"  in {view.folder}"
    if o.log and o.status.value != "ok":
        yield "  log ends:\n    " + "\n    ".join(o.log.strip().splitlines()[-6:])


def _origin_lines(view: OutcomeView) -> Iterator[str]:
    """Where an outcome comes from if no job of its run made it, and what happened since."""
    if view.outcome.restored:
        yield f"  restored from {view.outcome.restored}"
    if view.outcome.adopted:
        yield f"  adopted: made before STOA, and found in {view.outcome.place}"
    if view.interrupted_since:
        yield f"  interrupted since, in run {view.interrupted_since}; this outcome stays current"


def run_lines(view: RunView) -> Iterator[str]:
    """A run: what was asked by whom, with which definitions."""
    run = view.run
    yield f"run {run.id}: {run.process} @ {run.params.name} in {run.environment} on {run.host} ({run.engine})"
    author = one_line(f"{run.author.name} <{run.author.email}>")
    yield f"  by {author}, started {clock(run.started)}, STOA {run.stoa_version}"
    yield f"  asked: {one_line(' '.join(run.asked))}"
    if run.message:
        yield f"  why: {one_line(run.message)}"
    if view.tags:
        yield f"  tags: {one_line(', '.join(view.tags))}"
    if run.rerun_of:
        yield f"  rerun of {run.rerun_of}"
    yield "  parameters: " + (", ".join(f"{key}={shown(value)}" for key, value in run.params.values.items()) or "none")
    yield "  environment: " + ", ".join(f"{key} {value}" for key, value in run.environment_facts.items())
    yield "  digests: " + ", ".join(f"{key} {value}" for key, value in run.digests.items() if value)


def ending_in_words(view: RunView) -> str:
    """How many jobs of a run ended how."""
    jobs = count(view.run.jobs, "job")
    if not view.summary:
        return f"  {jobs}; not finished"
    untouched = f", {view.summary.untouched} untouched" if view.summary.untouched else ""
    return f"  {jobs}: {counts_in_words(view.summary.counts)}{untouched}; {duration(view.summary.duration_s)}"


def _amount(ref: FileRef) -> str:
    return f"{count(ref.files, 'file')}, {ref.size} bytes" if ref.files else f"{ref.size} bytes"
