"""Runs STOA's verbs in processes of their own, forked from one that has loaded everything: `python chaos_worker.py`.

Reads lines of JSON from standard input and answers each with one. ``{"start": [folder, verb, ...], "out": FILE}`` gives
the number of the new process, which leads a group of its own; ``{"wait": NUMBER}`` its exit code, as `subprocess`
counts it. What a verb has told is in FILE, a line each: ``outcome RUN TARGET STATUS`` as soon as it was told,
``review ID TARGET``, ``done``, ``error TEXT``.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stoa.commands import comment, flag, fsck, run, status, sync, unflag
from stoa.errors import StoaError
from stoa.model import Outcome
from stoa.request import Request, Selection
from stoa.workspace.open import Workspace


def told_by_run(ws: Workspace, *targets: str) -> Iterator[str]:
    request = Request(process="count", selection=Selection(targets=targets, force=True), workers=2)
    for event in run.run(ws, request):
        if isinstance(event, Outcome):
            yield f"outcome {event.run} {event.target} {event.status.value}"


def told_by_review(ws: Workspace, kind: str, target: str) -> Iterator[str]:
    if kind == "flag":
        report = flag.flag(ws, [target], reason="check", text="by chance")
    elif kind == "unflag":
        report = unflag.unflag(ws, [target], text="by chance")
    else:
        report = comment.comment(ws, [target], text="by chance")
    yield f"review {report.id} {target}"


def told_by_sync(ws: Workspace) -> Iterator[str]:
    sync.sync(ws)
    yield from ()


def told_by_status(ws: Workspace) -> Iterator[str]:
    ws.heal()
    status.status(ws)
    yield from ()


def told_by_fsck(ws: Workspace) -> Iterator[str]:
    for finding in fsck.fsck(ws).findings:
        yield f"finding {finding.where}: {finding.message}"


VERBS = {
    "run": told_by_run, "review": told_by_review, "sync": told_by_sync, "status": told_by_status, "fsck": told_by_fsck,
}  # fmt: skip


def work(folder: str, verb: str, *words: str, out: str, most_bytes: int = 0) -> int:
    """Do what a verb does, in this process; its exit code."""
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(text: str) -> None:
        os.write(descriptor, " ".join(text.split()).encode() + b"\n")

    if most_bytes:  # as on a disk that is full: what is written beyond is refused
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))
    os.chdir(folder)
    try:
        ws = Workspace(Path.cwd())
        for text in VERBS[verb](ws, *words):
            tell(text)
        ws.close()
    except StoaError as problem:
        tell(f"error {problem.message}")
        return 1
    except BaseException:  # noqa: BLE001 -- whatever it is, the test tells
        tell(f"crash {traceback.format_exc()}")
        return 2
    tell("done")
    return 0


def main() -> None:
    gc.freeze()
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        if "wait" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1])
        else:
            answer = os.fork()
            if not answer:
                os.setpgid(0, 0)
                null = os.open(os.devnull, os.O_RDWR)
                for number in (0, 1, 2):
                    os.dup2(null, number)
                os._exit(work(*asked["start"], out=asked["out"], most_bytes=asked.get("most_bytes", 0)))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
