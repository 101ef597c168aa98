"""Results as HTML for a notebook.

Every text is escaped and nothing is run. There is no colour but that of the page, so that a dark page stays dark, and a
status is a symbol with its word. The classes keep MathJax from taking dollar signs of a log for formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from stoa.commands.catalogue.limits import LimitsReport
from stoa.commands.catalogue.match import MatchReport
from stoa.commands.catalogue.quality import QualityReport
from stoa.commands.diff import DiffReport
from stoa.commands.results import ResultsTable
from stoa.commands.show import RunView, TargetView
from stoa.commands.status import StatusReport
from stoa.commands.stop import StopReport
from stoa.model import CauseGroup, Review, Status
from stoa.runs.launch import RunReport
from stoa.runs.planned import Plan, PlannedJob
from stoa.show.catalogues import cuts_table, limits_lines, match_lines
from stoa.show.diff import changes_table, images_table, sources_table, standing_lines
from stoa.show.diff import results_table as medians_table  # results have a table of this name, too
from stoa.show.html import bullets, text
from stoa.show.html import table as html_table  # `table` makes the value that it draws
from stoa.show.outcomes import ending_in_words, review_lines, run_lines, target_lines, trace_lines
from stoa.show.page import sky_in_words, transition_in_words
from stoa.show.plans import plan_table, reason_in_words, sum_in_words
from stoa.show.reports import advice, forecast_in_words, report_lines
from stoa.show.results import results_table
from stoa.show.reviews import reviews_table
from stoa.show.runs import some, unreached_words
from stoa.show.status import flag_lines, headline, live_lines, origin_lines, trouble_lines
from stoa.show.stopping import stop_in_words
from stoa.show.symbols import with_symbol
from stoa.show.table import Column, Table, table
from stoa.show.words import count, duration, one_line
from stoa.sources.trace import Trace
from stoa.workspace.watch import Watched

MOST_ROWS = 30
"""Rows of a table in a notebook; it says how many more there are."""

A_FEW = 5
"""Targets that are named for a cause."""

REST = "the object has them all"

STYLE = (
    "<style>.stoa-shown table{border-collapse:collapse;font-size:13px;margin:.3em 0}"
    ".stoa-shown th,.stoa-shown td{text-align:left!important;padding:.15em .6em;max-width:32em;overflow-wrap:anywhere}"
    ".stoa-shown th.n,.stoa-shown td.n{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".stoa-shown th{border-bottom:1px solid currentColor}.stoa-shown .wide{overflow-x:auto}"
    ".stoa-shown .note{opacity:.75}.stoa-shown p{margin:.2em 0}.stoa-shown h2{font-size:1.1em;margin:.6em 0 .2em}"
    ".stoa-shown pre{white-space:pre-wrap;margin:.2em 0}</style>"
)
_STATES = frozenset({"status", "state"})


def fragment(parts: Iterable[str]) -> str:
    """Pieces of HTML as one output of a cell."""
    return f'<div class="stoa-shown tex2jax_ignore mathjax_ignore">{STYLE}{"".join(parts)}</div>'


def paragraphs(lines: Iterable[str]) -> str:
    """Lines as paragraphs; blank ones are left out."""
    return "".join(f"<p>{text(line.strip())}</p>\n" for line in lines if line.strip())


def preformatted(lines: Iterable[str]) -> str:
    """Lines as a terminal shows them."""
    return f"<pre>{text(chr(10).join(lines).strip())}</pre>\n"


def link(address: str, words: str) -> str:
    """A link that opens in a page of its own."""
    return f'<p><a href="{text(address)}" target="_blank" rel="noopener">{text(words)}</a></p>\n'


def drawn(made: Table, *, states: Iterable[str] = _STATES, rest: str = REST) -> str:
    """A table of `stoa.show` as HTML, cells of the columns `states` with a symbol."""
    headings = [column.heading for column in made.columns]
    marked = {place for place, heading in enumerate(headings) if heading in set(states)}
    rows = [[marked_state(cell) if n in marked else cell for n, cell in enumerate(row)] for row in made.rows]
    numbers = [column.heading for column in made.columns if column.right]
    return html_table(headings, rows, numbers=numbers, most=MOST_ROWS, rest=rest) if rows else "<p>no rows</p>\n"


def marked_state(cell: str) -> str:
    """``failed (stale)`` with the symbol of the status."""
    word, blank, rest = cell.partition(" ")
    return f"{with_symbol(word)}{blank}{rest}" if not rest or rest.startswith("(") else with_symbol(cell)


def records(headings: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[str] = (), total: int) -> str:
    """The first rows of a long table of texts.

    Parameters
    ----------
    total
        Its number of rows.
    """
    columns = tuple(Column(heading, right=heading in set(numbers)) for heading in headings)
    made = drawn(table(columns, list(rows)[:MOST_ROWS]))
    left = total - MOST_ROWS
    return made + (f'<p class="note">{count(left, "more row")} left out; {REST}.</p>\n' if left > 0 else "")


# What is shown of each kind of value.


def _status(report: StatusReport) -> Iterator[str]:
    yield paragraphs([headline(report), *live_lines(report)])
    if report.pairs:
        columns = (Column("pair"), Column("outcomes"), Column("without an outcome", right=True),
                   Column("stale", right=True), Column("last run"))  # fmt: skip
        yield drawn(table(columns, [(p.name, _counts(p.counts), p.new, p.stale, p.run) for p in report.pairs]))
    for pair in report.pairs:
        if pair.causes or pair.origins.made:
            yield paragraphs([pair.name, *origin_lines(pair.origins)])
        if pair.causes:
            yield _causes(pair.causes)
    yield preformatted(flag_lines(report)) if report.flags else ""
    yield paragraphs(trouble_lines(report))


def _counts(counts: Mapping[str, int]) -> str:
    """``35 ✓ ok, 39 ✗ failed``."""
    return ", ".join(f"{counts[each]} {with_symbol(each.value)}" for each in Status if counts.get(each)) or "nothing"


def _causes(causes: Sequence[CauseGroup]) -> str:
    columns = (Column("jobs", right=True), Column("status"), Column("cause", text=True), Column("targets", text=True))
    return drawn(
        table(columns, [(c.count, c.status.value, one_line(c.cause), some(c.targets, A_FEW)) for c in causes])
    )  # fmt: skip


def _plan(plan: Plan) -> Iterator[str]:
    made = plan_table(plan)
    order = sorted(range(len(plan.jobs)), key=lambda place: not plan.jobs[place].runs)  # what would run comes first
    yield paragraphs([sum_in_words(plan, None, 0), *(unreached_words(*each) for each in plan.out_of_reach.items())])
    yield drawn(Table(made.columns, tuple(made.rows[place] for place in order)))


def _report(report: RunReport) -> Iterator[str]:
    yield paragraphs(report_lines(report, ""))
    yield paragraphs([f"run {report.run}: {_counts(report.counts)}"]) if report.run else ""
    yield _causes(report.causes) if report.causes else ""
    yield paragraphs([forecast_in_words(report.forecast)]) if report.forecast else ""
    yield paragraphs([advice(report, "")]) if report.stopped or report.left else ""


def _diff(report: DiffReport) -> Iterator[str]:
    yield paragraphs([f"a is {report.a} (run {report.run_a}), b is {report.b} (run {report.run_b})"])
    yield paragraphs(standing_lines(report))
    yield bullets([*report.definitions, *report.mixtures]) if report.definitions or report.mixtures else ""
    yield preformatted(report.script_diff) if report.script_diff else ""
    if report.is_equal:
        yield "<p>✓ Nothing differs beyond the tolerances.</p>\n"
    columns = (Column("jobs", right=True), Column("change"), Column("which", text=True))
    rows = [
        (len(change.jobs), transition_in_words(report, change), some(map(_job_words, change.jobs), A_FEW))
        for change in report.transitions
    ]
    yield drawn(table(columns, rows)) if rows else ""
    if report.causes:
        yield records(("target", "image group", "cause a", "cause b"), report.causes, total=len(report.causes))
    if report.changes:
        yield drawn(medians_table(report)) + drawn(changes_table(report.changes))
    if report.sky:
        yield paragraphs(sky_in_words(report.sky))
        yield drawn(images_table(report.sky.images)) if report.sky.images else ""
        changed = [each for each in report.sky.sources if each.what]
        yield drawn(sources_table(changed)) if changed else ""


def _job_words(job: tuple[str, str]) -> str:
    return " ".join(job).strip()


def _results(found: ResultsTable) -> Iterator[str]:
    yield paragraphs([f"{found.process}@{found.params}"])
    yield drawn(results_table(found, wide=False))


def _target(view: TargetView) -> Iterator[str]:
    yield preformatted(target_lines(view))


def _run(view: RunView) -> Iterator[str]:
    yield preformatted([*run_lines(view), ending_in_words(view)])
    yield _causes(view.summary.causes) if view.summary and view.summary.causes else ""
    for review in view.reviews:
        yield preformatted(review_lines(review, ""))


def _trace(found: Trace) -> Iterator[str]:
    yield preformatted(trace_lines(found))


def _match(report: MatchReport) -> Iterator[str]:
    yield paragraphs(match_lines(report))


def _limits(report: LimitsReport) -> Iterator[str]:
    yield paragraphs(limits_lines(report))


def _quality(report: QualityReport) -> Iterator[str]:
    yield drawn(cuts_table(report))


def watched_lines(run: Watched) -> Iterator[str]:
    """How far a run is, in two lines; of one that could not begin, why."""
    name = f"{run.process}@{run.params}" if run.params else run.process
    if not run.run:
        yield f"{with_symbol(run.state)}  {name}"
        yield from run.said.splitlines()
        return
    yield f"{with_symbol(run.state)}  {name}  run {run.run} by {one_line(run.author)}"
    to_go = f", about {duration(run.remaining_s)} to go" if run.remaining_s is not None else ""
    so_far = "" if run.over else " so far"
    yield f"{run.ended} of {count(run.jobs, 'job')}: {_counts(run.counts)}; {duration(run.elapsed_s)}{so_far}{to_go}"


def failure_lines(run: Watched) -> Iterator[str]:
    """The newest failures of a live run."""
    for each in run.failures:
        yield f"{with_symbol(each.status.value)}  {each.target} {each.group}  {one_line(each.cause)}"


def _watched(run: Watched) -> Iterator[str]:
    yield paragraphs(watched_lines(run))
    yield paragraphs(failure_lines(run))
    yield _causes(run.causes) if run.causes else ""


def _stop(report: StopReport) -> Iterator[str]:
    yield paragraphs([stop_in_words(report)])


def reviews_html(found: Iterable[Review]) -> str:
    """Flags, clearings and comments."""
    return fragment([drawn(reviews_table(found), rest="the list has them all")])


def reasons_html(jobs: Iterable[PlannedJob]) -> str:
    """Why jobs run or do not run."""
    columns = (
        Column("target"),
        Column("image group", optional=True),
        Column("state"),
        Column("runs"),
        Column("why", text=True),
    )
    rows = [(j.target, j.group, j.state, "yes" if j.runs else "no", reason_in_words(j)) for j in jobs]
    return fragment([drawn(table(columns, rows), rest="the list has them all")])


PARTS: dict[type, Callable[[Any], Iterator[str]]] = {
    StatusReport: _status, Plan: _plan, RunReport: _report, DiffReport: _diff, ResultsTable: _results,
    TargetView: _target, RunView: _run, Trace: _trace, MatchReport: _match, LimitsReport: _limits,
    QualityReport: _quality, StopReport: _stop, Watched: _watched,
}  # fmt: skip
"""Type of a value -> pieces of HTML that show it."""


def html_of(value: object) -> str:
    """A value of a type in `PARTS` as one output of a cell."""
    return fragment(PARTS[type(value)](value))
