"""A run on the screen: its progress, its signals, its report, its exit code."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from types import FrameType

import typer

from stoa.cli.grammar import SOME_NOT_OK
from stoa.cli.say import as_json, is_quiet, out, tell
from stoa.cli.shared import print_causes
from stoa.commands.stop import STOP, STOP_NOW
from stoa.control import Control
from stoa.model import Outcome, Run
from stoa.runs.launch import Began, Described, Ended, Event, NotBegun, RunReport
from stoa.show.reports import advice, ended_facts, forecast_in_words, report_lines
from stoa.show.runs import described_words, saving_words, unreached_words
from stoa.show.words import count, counts_in_words
from stoa.workspace.on_end import tell_end
from stoa.workspace.open import Workspace


def play(ws: Workspace, events: Generator[Event, None, None], control: Control, *, json: bool) -> None:
    """Show runs as they happen and set the exit code.

    Raises
    ------
    typer.Exit
        With 130 if the user stopped a run, with 3 if some jobs did not succeed.
    """
    reports, stopped = watch(events, control, quiet=json)
    if json:
        as_json(reports[0] if len(reports) == 1 else reports, several="" if len(reports) == 1 else "runs")
    end(ws, "run", reports, stopped=stopped)


def watch(events: Generator[Event, None, None], control: Control, *, quiet: bool) -> tuple[list[RunReport], bool]:
    """Show runs as they happen; gives their reports, and whether the user stopped one.

    Parameters
    ----------
    quiet
        Show nothing, as something else is printed.
    """
    reports: list[RunReport] = []
    stopped = False
    with _stop_signals(control), closing(events), ExitStack() as live:
        show: Callable[[Outcome], None] = _nothing
        for event in events:
            match event:
                case Described(described) if not quiet:
                    tell(described_words(described))
                case Began(run, goes_on_alone):
                    live.enter_context(_signals(control, goes_on=goes_on_alone))
                    show = live.enter_context(_progress(run, quiet=quiet or is_quiet()))
                case Ended(report, rerun_of):
                    live.close()
                    reports.append(report)
                    if not quiet:
                        _show_report(report, rerun_of)
                case NotBegun():
                    stopped = True
                case Outcome():
                    show(event)
    return reports, stopped or any(report.stopped for report in reports)


def end(ws: Workspace, verb: str, reports: list[RunReport], *, stopped: bool, problems: tuple[str, ...] = ()) -> None:
    """Tell the command `on_end` of this machine how it ended, and set the exit code.

    Parameters
    ----------
    problems
        What could not be done.

    Raises
    ------
    typer.Exit
        With 130 if the user stopped a run, with 1 if something could not be done, with 3 if some jobs did not succeed.
    """
    if problem := tell_end(ws, ended_facts(verb, reports, stopped=stopped, problems=problems)):
        tell(problem)
    if stopped:
        raise typer.Exit(130)
    if problems:
        raise typer.Exit(1)
    if not all(report.all_ok for report in reports):
        raise typer.Exit(SOME_NOT_OK)


def _nothing(_outcome: Outcome) -> None:
    """Show nothing."""


@contextmanager
def _stop_signals(control: Control) -> Iterator[None]:
    """What `stoa stop` of another terminal sends; it is heard also where SIGINT is ignored."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if number == STOP_NOW:
            control.cancel()
        else:
            control.drain()
        with suppress(OSError):
            os.write(2, b"\nstopped by `stoa stop`\n")

    before = {number: signal.signal(number, stop) for number in (STOP, STOP_NOW)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _signals(control: Control, *, goes_on: bool) -> Iterator[None]:
    """Ctrl-C once drains, twice cancels; SIGTERM and SIGHUP cancel. Jobs that can continue without us are not stopped.

    An ignored signal stays ignored: a run under `nohup` continues when its terminal closes.
    """

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if goes_on:
            control.drain()
            words = "the jobs continue without this command"
        elif number != signal.SIGINT or control.draining:
            control.cancel()
            words = "stopping the running jobs ..."
        else:
            control.drain()
            words = "no further job starts; running jobs may end (Ctrl-C again stops them)"
        with suppress(OSError):  # the terminal may be gone; `print` may be what the signal interrupted
            os.write(2, f"\n{words}\n".encode())

    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    numbers = [number for number in asked if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(run: Run, *, quiet: bool) -> Iterator[Callable[[Outcome], None]]:
    """A function that shows each outcome: a bar on a terminal, nothing elsewhere."""
    if not quiet:
        tell(f"run {run.id}: {run.process} @ {run.params.name}, {count(run.jobs, 'job')}")
    if quiet or not sys.stderr.isatty():
        yield _nothing
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(bar_width=30), MofNCompleteColumn(), TextColumn("{task.fields[words]}"),
        TimeElapsedColumn(), TextColumn("to go"), TimeRemainingColumn(elapsed_when_finished=False),
    )  # fmt: skip
    counts: dict[str, int] = {}
    last = 0.0
    with Progress(*columns, console=Console(stderr=True), auto_refresh=True) as bar:
        handle = bar.add_task("", total=run.jobs, words="")

        def show(outcome: Outcome) -> None:
            nonlocal last
            counts[outcome.status.value] = counts.get(outcome.status.value, 0) + 1
            done = sum(counts.values())
            if time.monotonic() - last > 0.1 or done == run.jobs:  # the bar must not cost more than the jobs
                last = time.monotonic()
                bar.update(handle, completed=done, words=counts_in_words(counts))

        yield show


def _show_report(report: RunReport, rerun_of: str) -> None:
    for line in report_lines(report, rerun_of):
        out(line)
    for why, targets in report.out_of_reach.items():
        tell(unreached_words(why, targets))
    print_causes(report.causes)
    if report.forecast:
        out(forecast_in_words(report.forecast))
    if report.saving:
        tell(saving_words(report.saving))
    if next_step := advice(report, rerun_of):
        tell(next_step)
