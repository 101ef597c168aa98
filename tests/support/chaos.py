"""Three people on one project, with git by hand, kills and full disks in between, and what has to hold then."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from collaborators import TARGETS, clone_for, make_project

WORKER = Path(__file__).with_name("chaos_worker.py")
SOURCES = Path(__file__).resolve().parents[2]
NAMES = ("Anna Jansky", "Ben Cook", "Cara Ryle")
EDITOR = "sh -c 'sleep 0.3; echo by hand > \"$1\"' sh"

BY_HAND = (
    "gc -q", "gc -q --prune=now", "repack -q -a -d", "prune --expire=now", "reflog expire --expire=now --all",
    "stash push -q", "stash push -q --all", "stash pop -q", "clean -qfdx",
    "reset -q --hard HEAD~1", "reset -q --hard", "reset -q HEAD~1", "add -A", "rm -q -r --cached .stoa/reviews",
    "checkout -q main", "checkout -q -B side", "checkout -q -", "branch -m trunk", "branch -m main", "branch -D side",
    "commit -q -a", "commit -q -a --amend --no-edit", "commit -q --allow-empty -m x", "cherry-pick --abort",
    "pull -q --no-rebase --no-edit", "pull -q --rebase", "rebase -q HEAD~3", "rebase -q --abort", "merge --abort",
    "merge -q --no-edit origin/main", "push -q origin HEAD:main", "fetch -q --prune",
)  # fmt: skip
"""Commands of git as people type them; some of them take records off the branch."""


class Chaos:
    """A project of three people and everything that its commands have told.

    Parameters
    ----------
    folder
        Where all of it is made.
    seed
        Of the choices.
    """

    def __init__(self, folder: Path, seed: str) -> None:
        self.chance = random.Random(seed)
        self.folder = folder
        self.hub = make_project(folder / "founding")
        shutil.rmtree(folder / "founding/founder")
        self.people = [clone_for(name, str(self.hub), folder / name.split()[0].lower()) for name in NAMES]
        for person in self.people:
            person.git("config", "core.editor", EDITOR)
            person.git("config", "gc.autoDetach", "false")
        self.outcomes: set[tuple[str, str]] = set()  # run and target, of those that were told
        self.reviews: set[tuple[str, str]] = set()
        self.said: list[str] = []  # steps, for whoever reads a failure
        self.crashes: list[str] = []
        self._outs = 0
        environ = os.environ | {"PYTHONPATH": str(SOURCES)}
        self._worker = subprocess.Popen(
            [sys.executable, WORKER], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        self._worker.communicate()

    # STOA.

    def _ask(self, **words: Any) -> int:
        self._worker.stdin.write(json.dumps(words) + "\n")
        self._worker.stdin.flush()
        return int(self._worker.stdout.readline())

    def start(self, person: int, *words: str, most_bytes: int = 0) -> tuple[int, Path]:
        """A verb in a process of its own: its number, and the file of what it tells."""
        self._outs += 1
        out = self.folder / f"out-{self._outs}"
        folder = str(self.people[person].folder)
        self.ready(person)
        return self._ask(start=[folder, *words], out=str(out), most_bytes=most_bytes), out

    def end(self, started: tuple[int, Path]) -> tuple[int, list[str]]:
        """Exit code of a verb and what it has told."""
        code = self._ask(wait=started[0])
        lines = started[1].read_text().splitlines() if started[1].exists() else []
        for line in lines:
            what, *words = line.split()
            if what == "outcome":
                self.outcomes.add((words[0], words[1]))
            elif what == "review":
                self.reviews.add((words[0], words[1]))
            elif what == "crash":
                self.crashes.append(line)
        return code, lines

    def stoa(self, person: int, *words: str, most_bytes: int = 0) -> tuple[int, list[str]]:
        return self.end(self.start(person, *words, most_bytes=most_bytes))

    def ready(self, person: int) -> None:
        """Say again where the data are, as a person does after `git clean -fdx`."""
        top = self.people[person].folder
        for target in TARGETS:
            (top / "data" / target).mkdir(parents=True, exist_ok=True)
        if (top / ".stoa").is_dir() and not (top / ".stoa/local.yaml").exists():
            self.people[person].write(".stoa/local.yaml", "schema: 1\nroots: {data: data}\n")

    # Git by hand.

    def git(self, person: int, *words: str) -> int:
        done = subprocess.run(
            ["git", *words], cwd=self.people[person].folder, capture_output=True, stdin=subprocess.DEVNULL, timeout=60
        )
        return done.returncode

    def settle(self, person: int) -> None:
        """End what git has under way, and go back to a branch."""
        for words in ("rebase --abort", "merge --abort", "cherry-pick --abort", "reset -q --hard"):
            self.git(person, *words.split())
        if self.git(person, "symbolic-ref", "-q", "HEAD"):  # not 0: no branch is checked out
            self.git(person, "checkout", "-q", "main")

    # Steps.

    def step(self) -> None:
        """One thing that happens to one of the three."""
        person = self.chance.randrange(len(self.people))
        kind = self.chance.choices(
            ("run", "review", "sync", "git", "run and git", "killed", "full", "settle"), (3, 3, 3, 6, 4, 3, 1, 2)
        )[0]
        getattr(self, f"_{kind.replace(' ', '_')}")(person)

    def _say(self, person: int, *words: str) -> None:
        self.said.append(f"{self.people[person].name.split()[0]}: {' '.join(words)}")

    def _targets(self) -> list[str]:
        return self.chance.sample(TARGETS, self.chance.randint(1, len(TARGETS)))

    def _some_verb(self) -> list[str]:
        verbs = (["run", *self._targets()], ["review", "flag", self.chance.choice(TARGETS)], ["sync"])
        return self.chance.choices(verbs, (4, 1, 2))[0]

    def _some_git(self) -> list[str]:
        return self.chance.choice(BY_HAND).split()

    def _run(self, person: int) -> None:
        words = ["run", *self._targets()]
        self._say(person, *words, str(self.stoa(person, *words)[1][-1:]))

    def _review(self, person: int) -> None:
        words = ["review", self.chance.choice(("flag", "unflag", "comment")), self.chance.choice(TARGETS)]
        self._say(person, *words, str(self.stoa(person, *words)[1][-1:]))

    def _sync(self, person: int) -> None:
        self._say(person, "sync", str(self.stoa(person, "sync")[1][-1:]))

    def _git(self, person: int) -> None:
        words = self._some_git()
        self._say(person, "git", *words, str(self.git(person, *words)))

    def _settle(self, person: int) -> None:
        self._say(person, "settle")
        self.settle(person)

    def _run_and_git(self, person: int) -> None:
        """Git by hand in the middle of a command."""
        words, by_hand = self._some_verb(), self._some_git()
        started = self.start(person, *words)
        time.sleep(self.chance.uniform(0, 0.4))
        code = self.git(person, *by_hand)
        self._say(person, *words, "and git", *by_hand, str(code), str(self.end(started)[1][-1:]))

    def _killed(self, person: int) -> None:
        words = self._some_verb()
        started = self.start(person, *words)
        time.sleep(self.chance.uniform(0, 0.6))
        with_git = self.chance.random() < 0.5
        with suppress(ProcessLookupError):
            os.killpg(started[0], signal.SIGKILL) if with_git else os.kill(started[0], signal.SIGKILL)
        self._say(person, *words, "killed", str(self.end(started)))

    def _full(self, person: int) -> None:
        words = self._some_verb()
        most = self.chance.choice((0x100, 0x400, 0x1000, 0x4000))
        self._say(person, *words, f"with {most} bytes left", str(self.stoa(person, *words, most_bytes=most)[1][-1:]))

    # What has to hold.

    def recover(self) -> None:
        """What anybody does afterwards: end what git has under way, and type the next command."""
        for person in range(len(self.people)):
            self.settle(person)
            for lock in self._locks(person):
                lock.unlink(missing_ok=True)
            deadline = time.monotonic() + 20
            while self.stoa(person, "status")[0] == 0 and time.monotonic() < deadline and self._is_live(person):
                time.sleep(0.2)  # jobs of a killed STOA still run

    def _locks(self, person: int) -> list[Path]:
        """Locks of git itself that a kill has left; messages name them and the command that removes them."""
        control = self.people[person].folder / ".git"
        found = [*control.glob("*.lock"), *(control / "refs").rglob("*.lock")]
        return [lock for lock in found if not lock.name.startswith("stoa")]

    def _is_live(self, person: int) -> bool:
        spool = self.people[person].folder / ".git/stoa/spool"
        return any(name.is_dir() and name.name[0] != "." for name in spool.glob("*"))

    def missing(self) -> list[str]:
        """What was told and is in no branch, nor in a spool, nor on a branch that `stoa fsck` says is gone."""
        tops = [*(person.folder for person in self.people), self.hub]
        told = {("outcome", *one) for one in self.outcomes} | {("review", *one) for one in self.reviews}
        gone = told.difference(*(recorded(top, "--branches", "--remotes") for top in tops))
        spools = [file.read_text("utf-8") for top in tops for file in (top / ".git/stoa/spool").glob("*/journal")]
        gone = {one for one in gone if not any(one[1] in text and f'"{one[2]}"' in text for text in spools)}
        for number, person in enumerate(self.people):
            if gone and any("branch" in line for line in self.stoa(number, "fsck")[1]):
                gone -= recorded(person.folder, "--glob=refs/stoa/last")
        return sorted(map(" ".join, gone))


def recorded(top: Path, *which: str) -> set[tuple[str, str, str]]:
    """Outcomes and reviews in the history of references of a repository, read without STOA."""

    def git(*words: str, stdin: str = "") -> str:
        done = subprocess.run(["git", *words], cwd=top, input=stdin, capture_output=True, text=True)
        assert done.returncode == 0, f"git {' '.join(words)} in {top}: {done.stderr}"
        return done.stdout

    listed = git("rev-list", "--objects", *which)
    named = dict(line.split(" ", 1) for line in listed.splitlines() if " " in line)
    content = git("cat-file", "--batch", stdin="".join(f"{o}\n" for o, name in named.items() if "/outcomes-" in name))
    outcomes = [json.loads(line[2:]) for line in content.splitlines() if line.startswith("- {")]
    # Two reviews of one content are one object, which git lists under one name only: the trees have all names.
    trees = {tree for tree, name in named.items() if re.fullmatch(r"\.stoa/reviews/\w+", name)}
    reviews = set()
    for tree in trees:
        for name in git("ls-tree", "--name-only", tree).split():
            reviews.add(("review", name.removesuffix(".yaml"), named[tree].rpartition("/")[2]))
    return {("outcome", one["run"], one["target"]) for one in outcomes} | reviews
