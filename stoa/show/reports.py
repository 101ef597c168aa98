"""The report of a run in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from stoa.model import BAD
from stoa.show.words import count, counts_in_words, duration, one_line

if TYPE_CHECKING:
    from stoa.runs.canary import Forecast
    from stoa.runs.launch import RunReport


def report_lines(report: RunReport, rerun_of: str) -> Iterator[str]:
    """What a run did and what it did not run, without the causes of failures."""
    if not report.run:
        pair = f"{report.process} @ {report.params}"
        none = "" if report.targets else ": no target is selected"
        yield f"no job of {rerun_of} is selected" if rerun_of else f"nothing to do for {pair}{none}"
    elif not report.left:
        jobs = f" ({count(report.jobs, 'job')})" if report.jobs != report.targets else ""
        causes = f" ({count(len(report.causes), 'cause')})" if report.causes else ""
        yield (
            f"processed {count(report.targets, 'target')}{jobs}: {_counts(report)}{causes};"
            f" {count(report.commits, 'commit')}; {duration(report.duration_s)}"
        )
    for run, held in report.held.items() if rerun_of else ():
        yield f"not run: {count(held, 'job')} of run {run}, which has not ended (`stoa status`)"
    if report.up_to_date and not rerun_of:
        yield "not run: " + ", ".join(_several(how_many, one_line(why)) for why, how_many in report.up_to_date.items())


def _several(how_many: int, why: str) -> str:
    """``1 is running in RUN``, ``6 are running in RUN``."""
    verb, _, rest = why.partition(" ")
    plural = {"is": "are", "was": "were"}.get(verb, verb) if how_many > 1 else verb
    return f"{how_many} {plural} {rest}".rstrip()


def _counts(report: RunReport) -> str:
    words = [counts_in_words(report.counts)] if report.counts or not report.untouched else []
    words += [f"{report.restored} of them restored"] if report.restored else []
    return ", ".join([*words, *([f"{report.untouched} untouched"] if report.untouched else [])])


def ended_facts(verb: str, reports: list[RunReport], *, stopped: bool, problems: tuple[str, ...]) -> dict[str, Any]:
    """What the command `on_end` gets, as fields of a JSON document."""
    counts: dict[str, int] = {}
    for report in reports:
        for status, number in report.counts.items():
            counts[status] = counts.get(status, 0) + number
    return {
        "command": verb, "counts": counts, "stopped": stopped, "problems": problems,
        "runs": [
            {"run": one.run, "commit": one.commit, "process": one.process, "params": one.params, "counts": one.counts}
            for one in reports if one.run
        ],
    }  # fmt: skip


def advice(report: RunReport, rerun_of: str) -> str:
    """The next step; "" if there is none."""
    if report.left:
        return (
            f"{count(report.left, 'job')} of run {report.run} continue without this command: `stoa collect` (or any"
            f" later command) commits the outcomes, `stoa stop {report.run}` ends the jobs"
        )
    if report.stopped:
        if rerun_of:
            again = f"`stoa rerun {rerun_of}` with the same options runs again what they select"
        else:
            again = "`stoa run` with the same options continues, and with --force begins again"
        return f"stopped before every job had run: {again}"
    if report.run:
        return "next: `stoa status`, `stoa show TARGET`, `stoa log TARGET`"
    if any(why.split()[0] in BAD for why in report.up_to_date):
        return f"failed jobs do not run again by themselves; `stoa run {report.process} --failed` runs them"
    return ""


def forecast_in_words(forecast: Forecast) -> str:
    """What the jobs of a canary run say about the rest."""
    kinds, tried = forecast.strata
    some = f"canary: {count(forecast.jobs, 'job')} of {tried} of {count(kinds, 'kind')} of targets"
    if not forecast.left:
        return f"{some}; no job is left"
    bad, least, most = (round(100 * rate) for rate in (forecast.bad, forecast.bad_least, forecast.bad_most))
    return (
        f"{some}; of the {count(forecast.left, 'job')} left about {bad} % would not succeed ({least} to {most} %),"
        f" in about {duration(forecast.duration_s)}"
    )
