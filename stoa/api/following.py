"""Runs that continue without the kernel: started from a cell, found again after a restart, stopped by a button."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec

from stoa.api.displays import shell
from stoa.api.progress import show_progress
from stoa.commands.stop import StopReport, stop
from stoa.errors import StoaError
from stoa.runs.launch import RunReport
from stoa.show.notebook import fragment, paragraphs, watched_lines
from stoa.workspace.child import Child, start_child
from stoa.workspace.open import Workspace
from stoa.workspace.watch import ENDED, FAILED, STARTING, Watched, not_begun, watch, watched_run

WAIT_S = 0.25
"""How often one who waits looks at a run."""

BEGAN = 0, 3
"""Exit codes of a command that could begin."""


class _Refusal(msgspec.Struct):
    """What `stoa run --json` prints instead of a report."""

    message: str
    hint: str = ""


class _Refused(msgspec.Struct):
    error: _Refusal


class FollowedRun:
    """A run that is a process of its own.

    A notebook shows it as a bar with buttons, which follow the run while the kernel does other things. The end of the
    kernel does not end the run.
    """

    def __init__(self, top: Path, run: str = "", child: Child | None = None, asked: tuple[str, str] = ("", "")) -> None:
        self._top = top
        self._run = run
        self._child = child
        self._asked = asked

    def __repr__(self) -> str:
        return "\n".join(watched_lines(self.look()))

    def _ipython_display_(self) -> None:
        show_progress(self, shell())

    @property
    def run(self) -> str:
        """Id of the run; "" before it has begun, and if it could not."""
        return self._run or self.look().run

    @property
    def log(self) -> str:
        """What the command has printed to standard error; "" for a run that was started elsewhere."""
        return self._child.log.read_text("utf-8", "replace") if self._child else ""

    def look(self) -> Watched:
        """How far it is now."""
        ended = self._child is None or self._child.poll() is not None  # asked first: what is looked at later is newer
        with closing(Workspace(self._top)) as ws:
            if not self._run and self._child:
                self._run = next((each.run for each in watch(ws) if each.pid == self._child.pid), "")
            if not self._run and ended:
                self._run = self._reported_run()
            if self._run:
                return self._seen(ws)
        return not_begun(*self._asked, *self._unrecorded(ended=ended))

    def _seen(self, ws: Workspace) -> Watched:
        try:
            return watched_run(ws, self._run)
        except StoaError:
            ws.heal()  # its STOA was killed: what had ended is put into git
            return watched_run(ws, self._run)

    def _unrecorded(self, *, ended: bool) -> tuple[str, str]:
        """State and words of a run without a record."""
        if not ended or self._child is None:
            return STARTING, ""
        if self._child.poll() in BEGAN:
            return ENDED, "nothing to do: no job is new or stale"
        return FAILED, str(self._problem())

    def _problem(self) -> StoaError:
        """Why it could not begin."""
        with suppress(msgspec.MsgspecError, OSError):
            if self._child:
                said = msgspec.json.decode(self._child.answer.read_bytes(), type=_Refused).error
                return StoaError(said.message, said.hint or None)
        return StoaError(self.log.strip() or "the run could not begin")  # its STOA was killed, or broke

    def _reported_run(self) -> str:
        report = self.report
        return report.run if report else ""

    @property
    def report(self) -> RunReport | None:
        """What `run` would have given; None before the end, and for a run that was started elsewhere."""
        if self._child is None or self._child.poll() is None:
            return None
        with suppress(msgspec.MsgspecError, OSError):
            return msgspec.json.decode(self._child.answer.read_bytes(), type=RunReport)
        return None

    def stop(self, *, now: bool = False) -> StopReport:
        """Start no more jobs, those that run may end; with `now` end these, too.

        Raises
        ------
        StoaError
            If it has ended.
        """
        seen = self.look()
        if seen.state == STARTING and self._child:
            os.kill(self._child.pid, signal.SIGTERM)
            return StopReport(run="", pid=self._child.pid, at_once=True)
        if seen.over:
            raise StoaError(f"run {seen.run or self._asked[0]} has ended", "`project.live()` lists the runs under way")
        with closing(Workspace(self._top)) as ws:
            return stop(ws, seen.run, at_once=now)

    def wait(self, timeout_s: float | None = None) -> Watched:
        """Wait for its end and give what came of it; to interrupt the kernel ends the waiting, not the run.

        Raises
        ------
        StoaError
            If it could not begin, or has not ended in time.
        """
        begun = time.monotonic()
        while not (seen := self.look()).over:
            if timeout_s is not None and time.monotonic() - begun > timeout_s:
                raise StoaError(f"the run has not ended within {timeout_s:g} s", "`wait()` without a time waits on")
            time.sleep(WAIT_S)
        while self._child and self._child.poll() is None:  # its last words are its report
            time.sleep(WAIT_S)
        if seen.state == FAILED:
            raise self._problem()
        return seen


_newest: dict[Path, FollowedRun] = {}
"""The run of each project that was started last from this interpreter: until it has begun no one else knows of it."""


def _beginning(ws: Workspace) -> FollowedRun | None:
    """The run that was started last from here, as long as it has not begun."""
    newest = _newest.get(ws.project.top)
    return newest if newest and newest.look().state == STARTING else None


def begin(ws: Workspace, command: Sequence[str], asked: tuple[str, str]) -> FollowedRun:
    """Start a ``stoa run`` and follow it.

    Parameters
    ----------
    asked
        Process and parameter set, for as long as there is no record.

    Raises
    ------
    StoaError
        If records cannot be committed now.
    """
    ws.ready()
    child = start_child(ws, [*command, "--json"], os.environ, answer_apart=True)
    _newest[ws.project.top] = FollowedRun(ws.project.top, child=child, asked=asked)
    return _newest[ws.project.top]


def followed(ws: Workspace, name: str) -> FollowedRun:
    """A run by its name, see `watched_run`; ``last`` may be one that was started from here and has not begun."""
    if name == "last" and (beginning := _beginning(ws)):
        return beginning
    return FollowedRun(ws.project.top, watched_run(ws, name).run)


def under_way(ws: Workspace) -> list[FollowedRun]:
    """The live runs, the newest first; also one that was started from here and has not begun."""
    beginning = _beginning(ws)
    live = [FollowedRun(ws.project.top, each.run) for each in watch(ws)]
    return [beginning, *(each for each in live if each.run != beginning.run)] if beginning else live


def followed_html(runs: Iterable[FollowedRun]) -> str:
    """Some runs, each with how far it is."""
    lines = [line for each in runs for line in watched_lines(each.look())]
    return fragment([paragraphs(lines or ["no run is under way"])])
