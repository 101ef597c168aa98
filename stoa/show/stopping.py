"""Runs that are stopped or collected, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoa.show.words import count, counts_in_words, one_line

if TYPE_CHECKING:
    from stoa.commands.collect import Collected
    from stoa.commands.stop import StopReport


def stop_in_words(report: StopReport) -> str:
    """What happened to the jobs of a run that was stopped."""
    rest = "running jobs are ended" if report.at_once else "the jobs that run end by themselves"
    if report.at_cluster:
        return f"run {report.run}: waiting jobs are out of the queue, {rest}; `stoa collect` shows the progress"
    if report.in_git:
        pids = ", ".join(str(pid) for pid in report.ended)
        killed = f"its jobs that still ran are ended (pids {pids}); " if pids else ""
        return f"run {report.run} is over: {killed}finished jobs are committed, the others are marked interrupted"
    return f"told run {report.run} to stop" + ("" if report.at_once else f"; {rest}")


def collected_in_words(one: Collected) -> str:
    """How far a run on a cluster is."""
    ended = f"run {one.run}: {counts_in_words(one.counts)} of {count(one.jobs, 'job')}"
    if one.over:
        return f"{ended}; it is over and in git"
    rest = f"{count(one.working, 'chunk')} at work, {one.waiting} waiting"
    return f"{ended}; {rest}" + (f" (unknown: {one_line(one.problem)})" if one.problem else "")
