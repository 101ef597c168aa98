"""`stoa push` and `stoa fetch`, each in a process that kills itself at a chosen step.

`killed_store.py MODULE ...` imports the modules once. Then it reads orders, a line of JSON each, does each in a child
of its own, and answers with a line: the exit code, and after a whole command its number of steps.

A step is what `crash_driver` counts, or that a socket sends or receives. At its step a command is killed at once, in
the middle of what it writes or sends, or a moment later, wherever it is then.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any, Self

from crash_driver import Killer

REPOSITORY = Path(__file__).resolve().parents[2]
LATER_S = 0.003
VERBS = ("push", "fetch")


class Victims:
    """Commands that are killed; asked from a test."""

    def __init__(self, *modules: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *modules],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip

    def do(self, folder: Path, verb: str, step: int = 0, seed: str = "") -> tuple[int, int]:
        """Exit code (-9 after a kill) and number of steps of a command; without a step nothing is killed."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(folder), verb, step, seed]) + "\n")
        self._process.stdin.flush()
        code, steps = json.loads(self._process.stdout.readline())
        return code, steps

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


class StoreKiller(Killer):
    """Kills at a step, or a moment after it; in the middle of what is written or sent always at once."""

    def count(self, *, kill: bool = True) -> bool:
        hit = super().count(kill=False)
        if hit and kill:
            if self.chance.random() < 0.5:
                self.kill()
            timer = threading.Timer(self.chance.uniform(0, LATER_S), self.kill)
            timer.daemon = True
            timer.start()
        return hit


def watch(killer: Killer) -> None:
    killer.install()
    sender: Any = socket.socket
    for name in ("send", "sendmsg", "recv", "recv_into"):
        setattr(sender, name, killer.watched("write" if name == "send" else name, getattr(sender, name)))


def do(folder: str, verb: str, step: int, seed: str) -> int:
    """The command, in this process; its number of steps."""
    from stoa.workspace.open import Workspace

    os.chdir(folder)
    killer = StoreKiller("anything", step, None, random.Random(seed))
    watch(killer)
    report = getattr(importlib.import_module(f"stoa.commands.{verb}"), verb)(Workspace(Path(folder)))
    assert not report.problems, report
    assert not report.absent, report
    if step:
        killer.kill()  # it had fewer steps this time
    return killer.counts["anything"]


def child(order: list[Any], answer: int) -> None:
    try:
        os.write(answer, str(do(*order)).encode())
    except BaseException:  # noqa: BLE001 - this process ends here
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main(modules: list[str]) -> None:
    for name in (*modules, *(f"stoa.commands.{verb}" for verb in VERBS)):
        importlib.import_module(name)
    for line in sys.stdin:
        answer, side = os.pipe()
        pid = os.fork()
        if not pid:
            child(json.loads(line), side)
        os.close(side)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        steps = os.read(answer, 100)
        os.close(answer)
        print(json.dumps([code, int(steps or 0)]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
