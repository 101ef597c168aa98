"""Stopping a run from another terminal, also one whose STOA was killed."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import msgspec

from stoa.errors import StoaError
from stoa.exec.cluster.remote import chunk_folder
from stoa.exec.cluster.standing import stop_chunks
from stoa.exec.engines import GO_ON_ALONE
from stoa.exec.orphans import end_orphans
from stoa.exec.signals import STOP, STOP_NOW, is_caught, is_ignored
from stoa.provenance.definitions import read_process
from stoa.workspace.live import LiveRun, recover_run
from stoa.workspace.open import Workspace

__all__ = ["STOP", "STOP_NOW", "StopReport", "stop"]

GRACE_S = 5.0


class StopReport(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was told to stop, or was ended."""

    run: str
    pid: int  # of its STOA; 0 where that is gone
    at_once: bool
    ended: tuple[int, ...] = ()  # processes of its jobs that had outlived it
    in_git: bool = False  # whether it is over, and in git
    at_cluster: bool = False  # whether its jobs are on other machines, which need a moment to end them


def stop(ws: Workspace, run: str = "", *, at_once: bool = False, forget: bool = False) -> StopReport:
    """Tell a live run to start nothing more (what runs ends by itself), or to stop at once.

    Of a run whose STOA was killed, the jobs that still run are ended and the run is put into git.

    Parameters
    ----------
    run
        Its id or the start of it, or `last` for the latest one that is live; may be left out when one is.
    forget
        Put a run that another machine holds into git as cut off. Should it live, it finds out at
        its next commit, and stops; what it had not recorded is to be run again.

    Raises
    ------
    StoaError
        If no run of that name is live, several are and none is named, or it is out of reach.
    """
    ws.heal()
    name, live = _chosen(ws, run)
    if live.state == "orphaned":
        ended = end_orphans(name, _grace_s(live))
        ws.ready()
        return StopReport(run=name, pid=0, at_once=at_once, ended=ended, in_git=name not in ws.live())
    if live.run.engine in GO_ON_ALONE or live.standing:
        return _stop_elsewhere(ws, name, live, at_once=at_once, forget=forget)
    if live.state == "elsewhere":
        return _forget(ws, name, live, forget=forget)
    _tell(live.owner.pid, name, at_once=at_once)
    return StopReport(run=name, pid=live.owner.pid, at_once=at_once)


def _stop_elsewhere(ws: Workspace, run: str, live: LiveRun, *, at_once: bool, forget: bool) -> StopReport:
    """End jobs that are on a cluster; who follows them or comes next commits what becomes of them."""
    if forget:
        ws.ready()
        with suppress(StoaError):
            stop_chunks(chunk_folder(ws.store.spool.folder, run), at_once=True)
        return _forget(ws, run, live, forget=True)
    stop_chunks(chunk_folder(ws.store.spool.folder, run), at_once=at_once)
    return StopReport(run=run, pid=0, at_once=at_once, at_cluster=True)


def _chosen(ws: Workspace, run: str) -> tuple[str, LiveRun]:
    under_way = {name: live for name, live in ws.live().items() if live.state != "cut off"}
    if run == "last" and under_way:
        return max(under_way.items(), key=lambda pair: pair[1].run.rank)
    found = {name: live for name, live in under_way.items() if name.startswith(run)}
    if not found:
        named = f" named {run!r}" if run not in ("", "last") else ""
        raise StoaError(f"no live run{named}", "`stoa runs` lists the runs")
    if len(found) > 1:
        raise StoaError(f"{len(found)} runs are live: {', '.join(found)}", "`stoa stop RUN` stops one")
    return next(iter(found.items()))


def _grace_s(live: LiveRun) -> float:
    """What the frozen process grants between the polite signal and the final one."""
    try:
        return read_process(live.opened.frozen["process.yaml"], "process.yaml").grace_s
    except (StoaError, KeyError):
        return GRACE_S


def _forget(ws: Workspace, run: str, live: LiveRun, *, forget: bool) -> StopReport:
    if not forget:
        raise StoaError(
            f"run {run} is held on {live.owner.host}, last sign of life {live.silent_s / 60:.0f} minutes ago",
            f"`stoa stop {run}` there stops it; if that machine is gone for good, `stoa stop {run} --forget` here",
        )
    ws.ready()
    with ws.store.spool.lock():
        recover_run(ws.store, run)
    return StopReport(run=run, pid=0, at_once=True, in_git=True)


def _tell(pid: int, run: str, *, at_once: bool) -> None:
    """Send a run's STOA the signal that it listens to; the ones of a terminal may be ignored in the background."""
    own, usual = (STOP_NOW, signal.SIGTERM) if at_once else (STOP, signal.SIGINT)
    number = own if is_caught(pid, own) else usual
    try:
        if is_ignored(pid, number):
            raise StoaError(
                f"process {pid}, which has run {run} under way, was started with {number.name} ignored",
                f"`kill {pid}` ends it; what had ended is committed by the next command",
            )
        os.kill(pid, number)
    except ProcessLookupError:
        raise StoaError(f"run {run} has just ended", "`stoa runs` lists the runs") from None
    except PermissionError:
        raise StoaError(f"run {run} belongs to another user", "`stoa runs` says to whom") from None
