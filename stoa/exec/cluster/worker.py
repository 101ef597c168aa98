"""Runs chunks of jobs on a machine of a cluster: ``python -m stoa.exec.cluster.worker FOLDER NUMBER``.

It needs STOA, the folder of the chunks and the roots of the data, and nothing else: no git,
no scheduler, no connection to who asked for the run. Each job runs as on one's own machine;
what became of it is written to the worker's journal beside the chunk, and whoever comes next
puts it into git.

With ``--serve`` it reads folders and numbers from standard input, a line of JSON each, answers
each with a line, and ends its jobs when standard input is closed, as the death of its parent
does.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import msgspec

from stoa.control import Control
from stoa.errors import StoaError
from stoa.exec.cluster.chunks import ChunkJournal, ChunkReader, Done, Ended, Started, as_attempt, read_chunk
from stoa.exec.local import LocalEngine, run_job
from stoa.exec.signals import keep_from_children
from stoa.model import Job, Outcome, Status

STOP_FILE = "stop"
DRAIN, CANCEL = "drain", "cancel"
"""Content of the file `stop` beside the chunks: begin no further job, or end those that run too."""

_LOOK_EVERY_S = 0.5
_MOST_MARGIN_S = 30.0
_NOT_STARTED = "stopped before it started"
_POLITE = ("SIGTERM", "SIGCONT", "SIGHUP", "SIGKILL")
_SIGNAL_S = 0.3


class Brake:
    """Why the jobs of this worker are to end, if they are; the first reason counts."""

    def __init__(self) -> None:
        self.control = Control()
        self.words = ""
        self.walltime = False
        self.lost = False

    def cancel(self, words: str, *, walltime: bool = False, lost: bool = False) -> None:
        """End the jobs that run; may be called from a signal handler."""
        if not self.words:
            self.words, self.walltime, self.lost = words, walltime, lost
        self.control.cancel()

    def drain(self) -> None:
        """Begin no further job."""
        self.control.drain()

    def obey(self, folder: Path) -> None:
        """Do what the file `stop` says."""
        with suppress(OSError):
            if (folder / STOP_FILE).read_text(encoding="ascii").strip() == CANCEL:
                self.cancel("stopped by the user")
            self.drain()


def run_chunk(folder: Path, number: int, worker: str, brake: Brake, at_once: int = 1) -> Path:
    """Run what of a chunk has no outcome yet.

    Parameters
    ----------
    worker
        Who runs it, in the engine's words.
    at_once
        How many jobs run at once.

    Returns
    -------
    journal
        The file that says how each ended.

    Raises
    ------
    ChunkError
        If the chunk is gone or the journal cannot be written; then the jobs that run are ended.
    """
    jobs = read_chunk(folder, number)
    journal = ChunkJournal(folder, number, worker, _now())
    try:
        before = ChunkReader(folder)
        ended = {(o.target, o.group) for o in before.read() if o.status is not Status.INTERRUPTED}
        todo = [as_attempt(job, journal.attempt) for job in jobs if (job.target, job.group) not in ended]
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(folder, brake, over), daemon=True)
        brake.obey(folder)
        watcher.start()
        try:
            _run(todo, journal, brake, worker, at_once)
        finally:
            over.set()
            watcher.join()
        if not brake.lost:
            journal.append(Done())
    finally:
        journal.close()
    return journal.file


def _run(todo: list[Job], journal: ChunkJournal, brake: Brake, worker: str, at_once: int) -> None:
    taken = 0

    def started() -> Iterator[Job]:
        nonlocal taken
        for job in todo:
            taken += 1
            journal.append(Started(job.target, job.group, _now()))
            yield job

    first = {(job.target, job.group) for job in todo[:at_once]}
    for outcome in LocalEngine(at_once).execute(started(), brake.control):
        journal.append(Ended(_explained(outcome, brake, worker, first)))
    if not brake.lost:  # else another worker takes them up
        for job in todo[taken:]:
            journal.append(Ended(_explained(run_job(job, brake.control), brake, worker, first)))


def _explained(outcome: Outcome, brake: Brake, worker: str, first: set[tuple[str, str]]) -> Outcome:
    """The outcome with the name of the worker and, where the worker was stopped, the reason for it."""
    status, cause = outcome.status, outcome.cause
    if status is Status.KILLED and outcome.signal in _POLITE and not brake.words:
        time.sleep(_SIGNAL_S)  # Slurm signals the script together with the worker, and the script may be faster
    if brake.words and status not in (Status.OK, Status.SKIPPED):
        status, ran = Status.INTERRUPTED, cause != _NOT_STARTED
        cause = brake.words if ran else f"{brake.words} before it started"
        # A job that had all of the time and did not end needs more of it. Of another one nothing is known.
        if ran and brake.walltime and (outcome.target, outcome.group) in first:
            status = Status.TIMEOUT
    return msgspec.structs.replace(outcome, status=status, cause=cause, worker=worker)


def _watch(folder: Path, brake: Brake, over: threading.Event) -> None:
    while not over.wait(_LOOK_EVERY_S):
        brake.obey(folder)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def slurm_name(environ: Mapping[str, str]) -> str:
    """Array element, restart and machine, as Slurm tells them to a job; "" outside of one."""
    job = environ.get("SLURM_JOB_ID", "")
    if not job:
        return ""
    if "SLURM_ARRAY_JOB_ID" in environ:
        job = f"{environ['SLURM_ARRAY_JOB_ID']}_{environ.get('SLURM_ARRAY_TASK_ID', '')}"
    restart = environ.get("SLURM_RESTART_COUNT", "0")
    return f"slurm {job}{f' restart {restart}' if restart != '0' else ''} on {socket.gethostname()}"


def _signals(brake: Brake, worker: str) -> None:
    who = worker.partition(" on ")[0]

    def cancelled(_number: int, _frame: object) -> None:
        brake.cancel(f"{who} was cancelled")

    def walltime(_number: int, _frame: object) -> None:
        brake.cancel(f"the walltime of {who} was over", walltime=True)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, cancelled)
    signal.signal(signal.SIGUSR1, walltime)


def _end_before(walltime_s: float) -> None:
    """Have this process told when its walltime is nearly over."""
    margin_s = min(_MOST_MARGIN_S, 0.1 * walltime_s)
    timer = threading.Timer(max(0.0, walltime_s - margin_s), os.kill, (os.getpid(), signal.SIGUSR1))
    timer.daemon = True
    timer.start()


def serve(worker: str) -> None:
    """Run the chunks that standard input names, one after the other, until it is closed."""
    asked: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    brakes: list[Brake] = []  # of the chunk that runs; a stop of one run is no stop of the next one
    lost = threading.Event()

    def lose() -> None:
        for brake in brakes:
            brake.cancel(f"{worker.partition(' on ')[0]} was lost", lost=True)

    def listen() -> None:
        for line in sys.stdin:
            asked.put(json.loads(line))
        lost.set()
        lose()
        asked.put(None)

    threading.Thread(target=listen, daemon=True).start()
    while (one := asked.get()) is not None:
        brake = Brake()
        brakes[:] = [brake]
        if lost.is_set():
            lose()
        try:
            answer = {"journal": str(run_chunk(Path(one["folder"]), one["number"], worker, brake, one["at_once"]))}
        except StoaError as problem:
            answer = {"problem": problem.message}
        with suppress(BrokenPipeError):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def main(words: list[str]) -> int:
    """The command; exit code 0 says that every job of the chunk has an outcome."""
    import argparse  # others import this module too, and have no use for it

    parser = argparse.ArgumentParser(prog="python -m stoa.exec.cluster.worker", description="Run a chunk of jobs.")
    parser.add_argument("folder", nargs="?", type=Path, help="folder of the chunks")
    parser.add_argument("number", nargs="?", type=int, help="of the chunk")
    parser.add_argument("--at-once", type=int, default=1, help="how many jobs run at once")
    parser.add_argument("--walltime", type=float, default=0.0, help="seconds that this process may take")
    parser.add_argument("--serve", metavar="NAME", default="", help="take chunks from standard input")
    options = parser.parse_args(words)
    worker = options.serve or slurm_name(os.environ) or f"{socket.gethostname()} pid {os.getpid()}"
    if options.serve:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
        keep_from_children()
        serve(worker)
        return 0
    if options.folder is None or options.number is None:
        parser.error("folder and number of a chunk are needed")
    brake = Brake()
    _signals(brake, worker)
    if options.walltime:
        _end_before(options.walltime)
    try:
        run_chunk(options.folder, options.number, worker, brake, options.at_once)
    except StoaError as problem:
        sys.stderr.write(f"{worker}: {problem.message}\n")  # into the log of the batch system
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
