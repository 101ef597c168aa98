"""Runs STOA for real and kills it with SIGKILL at a chosen step: `python crash_driver.py '{"verb": "run", ...}'`.

A step is a call to the system that changes something (open for writing, write, sync, rename, unlink, mkdir, start of
a child, ...), the entry into a region or the way out of it. A region is a function of STOA, with all that it calls.
Nothing of STOA is replaced: its functions are wrapped, and steps are seen through audit events and wrapped system
calls. With `moment` instead of a step it is killed that many seconds after it has entered the region, and with it all
of its process group: the git commands that it has started, not the jobs.

What is acknowledged is printed, a line each: `outcome TARGET STATUS`, `commit ID`, at the end `report JSON`; with
`count` set the number of steps of every region, with `durable` what of the journal is on disk, with `ledger` what was
not on disk when a commit was acknowledged.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import importlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sync_ledger import Ledger

REGIONS = {
    "open": ("stoa.provenance.spool", "Spool.open"),
    "script": ("stoa.runs.joblist", "_place_script"),
    "spawn": ("stoa.exec.job.child", "start_cold"),
    "child": ("stoa.exec.job.child", "_wait"),
    "ended": ("stoa.exec.local", "judge"),
    "rename": ("stoa.exec.local", "move_folder"),
    "journal": ("stoa.provenance.journal", "Journal.append"),
    "shorten": ("stoa.provenance.journal", "Journal.shorten"),
    "batch": ("stoa.provenance.committer", "RunWriter._commit"),
    "objects": ("stoa.provenance.git.repository", "Repository._write"),
    "branch": ("stoa.provenance.git.repository", "Repository.move"),
    "worktree": ("stoa.provenance.git.checkout", "Checkout.write"),
    "index": ("stoa.provenance.git.checkout", "Checkout.stage"),
    "summary": ("stoa.provenance.committer", "RunWriter.finish"),
    "remove": ("stoa.provenance.spool", "Spool.remove"),
    "recover": ("stoa.workspace.live", "recover_run"),
    "fetch": ("stoa.provenance.git.remote", "_Exchange._fetch"),
    "merge": ("stoa.provenance.git.remote", "join"),
    "push": ("stoa.provenance.git.remote", "_Exchange._push"),
}
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "subprocess.Popen", "os.utime"}
CALLS = ("write", "pwrite", "fsync", "fdatasync", "ftruncate", "replace")

LEDGER = Ledger()
say_directly = os.write
renamed = os.rename


def say(*words: object) -> None:
    say_directly(1, (" ".join(str(word) for word in words) + "\n").encode())


class Killer:
    """Counts the steps of regions and kills this process at one of them."""

    def __init__(self, region: str, step: int, moment: float | None, chance: random.Random) -> None:
        self.region = region
        self.step = step
        self.moment = moment
        self.chance = chance
        self.counts: dict[str, int] = dict.fromkeys([*REGIONS, "anything"], 0)
        self._inside = threading.local()
        self._lock = threading.Lock()

    def install(self) -> None:
        for name, (module, path) in REGIONS.items():
            *owner, last = path.split(".")
            place = functools.reduce(getattr, owner, importlib.import_module(module))
            setattr(place, last, self._wrapped(name, getattr(place, last)))
        for name in CALLS:
            setattr(os, name, self.watched(name, getattr(os, name)))
        sys.addaudithook(self._audit)

    def _wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inside(*arguments: Any, **options: Any) -> Any:
            before = self._regions()
            self._inside.names = (*before, name)
            if name == self.region:
                self.wait_for_moment()
            try:
                self.count()
                result = function(*arguments, **options)
                self.count()
                return result
            finally:
                self._inside.names = before

        return inside

    def watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def step(*arguments: Any, **options: Any) -> Any:
            if name not in ("write", "pwrite"):
                self.count()
            elif self.count(kill=False):
                call(arguments[0], arguments[1][: self.chance.randrange(len(arguments[1]) + 1)], *arguments[2:])
                self.kill()
            return call(*arguments, **options)

        return step

    def _audit(self, event: str, details: tuple[Any, ...]) -> None:
        if event in CHANGES or (event == "open" and isinstance(details[2], int) and details[2] & os.O_ACCMODE):
            self.count()

    def _regions(self) -> tuple[str, ...]:
        return getattr(self._inside, "names", ())

    def count(self, *, kill: bool = True) -> bool:
        """Count a step in the regions of this thread; True (or the end) if it is the one to die at."""
        with self._lock:
            for name in {*self._regions(), "anything"}:
                self.counts[name] += 1
            hit = self.region in {*self._regions(), "anything"} and self.counts[self.region] == self.step
        if hit and kill:
            self.kill()
        return hit

    def wait_for_moment(self) -> None:
        """Let the end come by itself, wherever everybody is then."""
        if self.moment is not None:
            moment, self.moment = self.moment, None
            timer = threading.Timer(moment, os.killpg, (os.getpgrp(), signal.SIGKILL))
            timer.daemon = True
            timer.start()

    def kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # the signal comes at once; nothing may be done in between


def kill_git(chance: random.Random, times: int) -> None:
    """Kill some of the `git update-index` that STOA starts, each after a moment, and see STOA's own way with it."""
    plumbing = importlib.import_module("stoa.provenance.git.plumbing")
    left = [times]

    class Killed(subprocess.Popen[bytes]):
        def __init__(self, words: list[str], **options: Any) -> None:
            super().__init__(words, **options)
            if "update-index" in words and left[0] and chance.random() < 0.5:
                left[0] -= 1
                time.sleep(chance.uniform(0.0, 0.006))
                self.send_signal(signal.SIGKILL)

    plumbing.subprocess.Popen = Killed


def kill_jobs(chance: random.Random) -> None:
    """Kill one job that runs, and say which."""
    child = importlib.import_module("stoa.exec.job.child")
    spawn = child.start_cold
    victim = chance.randrange(1, 10)
    numbers = iter(range(1, 1000))

    def spawned(job: Any, log: int) -> Any:
        found = spawn(job, log)
        if next(numbers) == victim:
            say("victim", job.target)
            os.kill(found.pid, signal.SIGKILL)  # Popen's own way would take its exit code
        return found

    child.start_cold = spawned


def run(batch: int, workers: int) -> None:
    """What `stoa run mixed` does, with the acknowledgements printed as they come."""
    from stoa.control import Control
    from stoa.provenance.committer import Batch
    from stoa.request import Request
    from stoa.runs.launch import launch
    from stoa.runs.requested import plans_of
    from stoa.workspace.open import Workspace

    ws = Workspace(Path.cwd())
    ws.ready()
    request = Request(process="mixed", workers=workers)
    (plan,) = plans_of(ws, request)
    if not plan.to_run:
        say("nothing to do")
        return
    known = 0
    with launch(ws, plan, request, batch=Batch(outcomes=batch)) as started:
        for outcome in started.outcomes(Control()):
            say("outcome", outcome.target, outcome.status.value)
            known = acknowledge(started, known)
        report = started.finish()
        acknowledge(started, known)
    say("report", report.run, json.dumps(report.counts))


def acknowledge(started: Any, known: int) -> int:
    commits = started._writer.commits
    for commit in commits[known:]:
        say("commit", commit)
        for path in LEDGER.open_items():
            say("unsynced", path)
        for path in LEDGER.breaches:
            say("unsynced", path)
    return len(commits)


def sync() -> None:
    from stoa.commands.sync import sync
    from stoa.workspace.open import Workspace

    say("commit", sync(Workspace(Path.cwd())).commit)


def heal() -> None:
    from stoa.workspace.open import Workspace

    say("healed", *Workspace(Path.cwd()).heal().runs)


def without_locks() -> None:
    """As on a file system that has no flock."""

    def refused(_descriptor: int, _kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    fcntl.flock = refused  # type: ignore[assignment]


def tell_what_is_durable() -> None:
    """Say which outcomes a journal has on disk, each time that it has synced."""
    journal = importlib.import_module("stoa.provenance.journal")
    append, sync = journal.Journal.append, journal.Journal.sync
    ended: list[str] = []

    def appended(self: Any, entry: Any) -> None:
        append(self, entry)
        if isinstance(entry, journal.End):
            ended.append(f"{entry.outcome.target} {entry.outcome.status.value}")

    def synced(self: Any) -> None:
        before = len(ended)
        sync(self)
        for line in ended[:before]:
            say("durable", line)

    journal.Journal.append, journal.Journal.sync = appended, synced


def without(broken: str) -> None:
    """Break a promise that the checks are to notice the breach of."""
    if broken == "fsync":
        os.fsync = os.fdatasync = lambda _descriptor: None  # type: ignore[assignment]
    if broken == "replace":
        os.replace = os.rename = copied  # type: ignore[assignment]


def copied(source: Any, target: Any, **_options: Any) -> None:
    """A rename that is none: the target is written bit by bit, and that of the branch never to its end."""
    if os.path.isdir(source):
        renamed(source, target)
        return
    content = Path(os.fsdecode(source)).read_bytes()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(descriptor, content[:7])
    if os.fsdecode(target).endswith("/refs/heads/main"):
        os.kill(os.getpid(), signal.SIGKILL)
    os.write(descriptor, content[7:])
    os.close(descriptor)
    os.unlink(source)


def prepare(words: dict[str, Any], chance: random.Random) -> None:
    """Break and watch what is asked for."""
    if words.get("ledger"):
        LEDGER.install()
    if words.get("broken"):
        without(words["broken"])
    if words.get("no_locks"):
        without_locks()
    if words.get("durable"):
        tell_what_is_durable()
    if words.get("kill") == "git":
        kill_git(chance, 2)
    if words.get("kill") == "job":
        kill_jobs(chance)


def main(words: dict[str, Any]) -> None:
    chance = random.Random(words.get("seed", 0))
    killer = Killer(words.get("region", ""), words.get("step", 0), words.get("moment"), chance)
    for name in {module for module, _ in REGIONS.values()}:
        importlib.import_module(name)
    prepare(words, chance)
    killer.install()
    if words.get("region") == "anything":
        killer.wait_for_moment()
    if words["verb"] == "run":
        run(words.get("batch", 3), words.get("workers", 2))
    else:
        {"heal": heal, "sync": sync}[words["verb"]]()
    if words.get("count"):
        say("counts", json.dumps(killer.counts))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
