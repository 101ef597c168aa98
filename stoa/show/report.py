"""A run or a pair as pages of HTML that need nothing else."""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from stoa.model import Outcome
from stoa.show.definitions import process_lines
from stoa.show.html import bullets, document, picture_address, table, text
from stoa.show.outcomes import review_lines
from stoa.show.reviews import threaded
from stoa.show.runs import some, standing_words
from stoa.show.symbols import with_symbol
from stoa.show.words import clock, count, counts_in_words, duration, number, shown

if TYPE_CHECKING:
    from stoa.commands.report import Report

A_PAGE = 500
"""Outcomes of one page, in a report of several."""

A_FEW = 20
"""Targets that are named for a cause."""

INDEX = "index.html"

_ALL = 1_000_000


def report_page(report: Report) -> str:
    """Everything on one page, pictures included."""
    pictures = {job: f"data:image/png;base64,{b64encode(png).decode()}" for job, png in report.pictures.items()}
    parts = [*_head(report), *_outcomes(report, report.outcomes, pictures), *_rest(report)]
    return document(f"{report.source}: {counts_in_words(report.counts)}", _note(report), parts)


def report_files(report: Report) -> Iterator[tuple[str, bytes]]:
    """The same as the files of a folder: an index, pages of outcomes, and pictures beside them."""
    names = [
        (f"outcomes-{n // A_PAGE + 1:03d}.html", report.outcomes[n : n + A_PAGE])
        for n in range(0, len(report.outcomes), A_PAGE)
    ]
    pictures = {job: f"pictures/{n:06d}.png" for n, job in enumerate(report.pictures)}
    yield from ((pictures[job], png) for job, png in report.pictures.items())
    links = "".join(f'<a href="{name}">{text(_span(part))}</a>\n' for name, part in names)
    pages = f"<h2>Outcomes</h2>\n<nav>{links}</nav>\n"
    title = f"{report.source}: {counts_in_words(report.counts)}"
    yield INDEX, document(title, _note(report), [*_head(report), pages, *_rest(report)]).encode()
    for name, part in names:
        back = f'<nav><a href="{INDEX}">{text(report.source)}</a></nav>\n'
        yield (
            name,
            document(
                f"{report.source}: {_span(part)}", _note(report), [back, *_outcomes(report, part, pictures)]
            ).encode(),
        )


def _span(outcomes: tuple[Outcome, ...]) -> str:
    return f"{outcomes[0].target} to {outcomes[-1].target}"


def _note(report: Report) -> str:
    run = report.run
    when = f"{clock(run.started)} by {run.author.name} on {run.host}"
    return f"Project {report.project} at commit {report.commit[:12]}. Run {run.id}, {when}, STOA {run.stoa_version}."


def _head(report: Report) -> Iterator[str]:
    """Counts and causes."""
    yield "<h2>Counts</h2>\n"
    rows = [
        (with_symbol(name), str(jobs), f"{100 * jobs / max(len(report.outcomes), 1):.1f} %")
        for name, jobs in report.counts.items()
    ]
    yield table(("status", "jobs", "share"), rows, numbers=("jobs", "share"))
    if words := standing_words(report.standing):
        yield bullets(words)
    yield "<h2>Causes</h2>\n"
    if not report.causes:
        yield "<p>✓ Nothing failed.</p>\n"
        return
    causes = [
        (str(group.count), with_symbol(group.status.value), group.cause, some(group.targets, A_FEW))
        for group in report.causes
    ]
    yield table(("jobs", "status", "cause", "targets"), causes, numbers=("jobs",))


def _outcomes(report: Report, outcomes: tuple[Outcome, ...], pictures: Mapping[tuple[str, str], str]) -> Iterator[str]:
    headings = ("target", "image group", "status", "cause", "flags", "took")
    rows = [
        (
            outcome.target, outcome.group, with_symbol(outcome.status.value), outcome.cause,
            ", ".join(report.flags.get(outcome.target, ())), duration(outcome.duration_s),
        )
        for outcome in outcomes
    ]  # fmt: skip
    yield "<h2>Outcomes</h2>\n"
    drawn = [pictures.get((outcome.target, outcome.group), "") for outcome in outcomes]
    yield table(headings, rows, numbers=("took",), pictures=drawn if any(drawn) else (), most=_ALL)
    names = [name for name in report.units if any(outcome.results.get(name) is not None for outcome in outcomes)]
    if names:
        yield "<h2>Results of each job</h2>\n"
        titles = ["target", "image group", *(_heading(report, name) for name in names)]
        cells = [
            (o.target, o.group, *(shown(o.results[name]) if o.results.get(name) is not None else "" for name in names))
            for o in outcomes
            if o.results
        ]
        yield table(titles, cells, numbers=titles[2:], most=_ALL)


def _heading(report: Report, name: str) -> str:
    unit = report.units.get(name)
    return f"{name} ({unit})" if unit else name


def _rest(report: Report) -> Iterator[str]:
    yield from _results(report)
    yield from _reviews(report)
    yield from _definitions(report)


def _results(report: Report) -> Iterator[str]:
    if report.results:
        yield "<h2>Results</h2>\n"
        headings = ("result", "unit", "jobs", "least", "median", "most")
        rows = [
            (one.name, one.unit, str(one.jobs), number(one.least), number(one.median), number(one.most))
            for one in report.results
        ]
        yield table(headings, rows, numbers=headings[2:])


def _reviews(report: Report) -> Iterator[str]:
    if report.reviews:
        yield "<h2>Flags and comments</h2>\n"
        for depth, review in threaded(report.reviews):
            words = "\n".join(review_lines(review, f" on {review.about}", depth)).strip("\n")
            yield f"<pre>{text(words)}</pre>\n"
            if picture := report.notes.get((review.about, review.id)):
                yield f'<p><img class="note" alt="picture of {text(review.id)}" src="{picture_address(picture)}"></p>\n'


def _definitions(report: Report) -> Iterator[str]:
    """What the outcomes rest on, and how to make them again."""
    run = report.run
    yield "<h2>Process</h2>\n"
    if report.process:
        yield f"<pre>{text(chr(10).join(process_lines(report.process)))}</pre>\n"
    yield f"<h2>Parameters</h2>\n<p>Set {text(run.params.name)}</p>\n"
    values = [(name, shown(value)) for name, value in run.params.values.items()]
    yield table(("parameter", "value"), values) if values else "<p>None.</p>\n"
    yield f"<h2>Environment and versions</h2>\n<p>{text(run.environment)}</p>\n"
    facts = {
        **run.environment_facts,
        "STOA": run.stoa_version,
        **{f"digest of {k}": v for k, v in run.digests.items() if v},
    }
    yield table(("what", "value"), list(facts.items()))
    yield "<h2>Runs</h2>\n"
    rows = [
        (one.id, clock(one.started), one.author.name, str(one.jobs), shlex.join(one.asked), one.rerun_of)
        for one in report.runs
    ]
    yield table(("run", "started", "by", "jobs", "asked", "rerun of"), rows, numbers=("jobs",))
    earlier = f" {count(len(report.runs) - 1, 'earlier run')} made the other outcomes." if len(report.runs) > 1 else ""
    yield f"<p>{text(f'`stoa reproduce {run.id}` makes the last run again and compares.{earlier}')}</p>\n"
