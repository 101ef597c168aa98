"""A small project whose outcomes are known by hand, and what has to hold in it whatever was killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from terminal import content

DRIVER = Path(__file__).resolve().with_name("crash_driver.py")
SOURCES = Path(__file__).resolve().parents[2]

TARGETS = 12
EXPECTED = {f"t{n:02}": {3: "failed", 7: "skipped"}.get(n % 10, "ok") for n in range(TARGETS)}

SCRIPT = """\
case "$STOA_TARGET" in
  *3) echo "no beam in $STOA_TARGET"; exit 3 ;;
  *7) exit 77 ;;
esac
echo "$STOA_TARGET" > table.txt
echo '{"n": 4}' > stoa-result.json
"""

PROCESS = """\
schema: 1
name: mixed
script: scripts/mixed.sh
command: [sh, "{script}"]
outputs:
  table: {path: table.txt}
results:
  n: {type: int}
"""

LOCKS = ("stoa.lock", ".lock", "definitions.lock", "latest.lock")
"""Files of locks that die with their holders, and so may stay."""


@dataclass
class Killed:
    """What a driver said before it ended, and how it ended."""

    code: int
    outcomes: dict[str, str] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    victims: list[str] = field(default_factory=list)
    durable: dict[str, str] = field(default_factory=dict)
    unsynced: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    errors: str = ""

    @property
    def was_killed(self) -> bool:
        return self.code == -9


@dataclass(frozen=True)
class Site:
    """A project folder, and STOA in processes of its own."""

    top: Path

    def copy(self, top: Path) -> Site:
        return Site(shutil.copytree(self.top, top, symlinks=True))

    def stoa(self, *words: str, code: int | None = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "stoa", *words], cwd=self.top, env=environ(), capture_output=True, text=True
        )
        assert code is None or done.returncode == code, f"stoa {' '.join(words)}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout

    def start_stoa(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "stoa", *words],
            cwd=self.top, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def told(self, *words: str, code: int | None = 0) -> Any:
        return content(self.stoa(*words, "--json", code=code))

    def start(self, **words: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, DRIVER, json.dumps(words)],
            cwd=self.top, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    def drive(self, **words: Any) -> Killed:
        return listen(self.start(**words))

    def git(self, *words: str) -> str:
        done = subprocess.run(["git", *words], cwd=self.top, capture_output=True, text=True)
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout

    def records(self) -> list[dict[str, Any]]:
        """Every outcome in git, read without STOA."""
        names = self.git("ls-tree", "-r", "--name-only", "HEAD", ".stoa/runs").split()
        lines = [yaml.safe_load(self.git("show", f"HEAD:{name}")) for name in names if "/outcomes-" in name]
        return [record for found in lines for record in found]

    def summaries(self) -> dict[str, dict[str, int]]:
        names = self.git("ls-tree", "-r", "--name-only", "HEAD", ".stoa/runs").split()
        found = [yaml.safe_load(self.git("show", f"HEAD:{name}")) for name in names if name.endswith("/summary.yaml")]
        return {summary["run"]: summary["counts"] for summary in found}

    def runs(self) -> set[str]:
        return set(self.git("ls-tree", "--name-only", "HEAD:.stoa/runs").split()) if self.has_runs() else set()

    def has_runs(self) -> bool:
        return bool(self.git("ls-tree", "HEAD", ".stoa/runs"))

    def status_when_quiet(self) -> Any:
        """`stoa status --json` once no job of a killed STOA runs any more."""
        deadline = time.monotonic() + 20
        while True:
            found = self.told("status")
            if not found["live"] or time.monotonic() > deadline:
                return found
            assert {row["state"] for row in found["live"]} == {"orphaned"}, found["live"]
            time.sleep(0.05)


def environ() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(SOURCES)}


def listen(process: subprocess.Popen[str]) -> Killed:
    out, err = process.communicate(timeout=120)
    return understood(process.returncode, out, err)


def understood(code: int, out: str, err: str = "") -> Killed:
    """What a driver said, as far as its lines are whole."""
    said = Killed(code, errors=err)
    for line in out.splitlines(keepends=True):
        if not line.endswith("\n"):
            continue
        kind, *rest = line.split()
        if kind == "outcome":
            said.outcomes[rest[0]] = rest[1]
        elif kind == "commit":
            said.commits.append(rest[0])
        elif kind == "victim":
            said.victims.append(rest[0])
        elif kind == "durable":
            said.durable[rest[0]] = rest[1]
        elif kind == "unsynced":
            said.unsynced.append(line.removeprefix("unsynced ").strip())
        elif kind == "counts":
            said.counts = json.loads(line.removeprefix("counts "))
    return said


def check_truth(site: Site, said: Killed, expected: dict[str, str] | None = None) -> None:
    """The next commands show the truth, and the rest can be done; nothing is repaired by hand.

    Parameters
    ----------
    said
        What was acknowledged before the kill.
    expected
        How each target ends when it may run to its end.
    """
    wanted = expected or EXPECTED
    status = site.status_when_quiet()
    assert status["hindered"] == ""
    check_acknowledged(site, said, wanted)
    check_shown(site, status)
    left = [name for name, state in shown_states(status).items() if state in ("new", "interrupted")]
    site.stoa("run", "mixed", "--quiet", code=None)
    check_complete(site, EXPECTED | {name: wanted[name] for name in wanted if name not in left})


def check_acknowledged(site: Site, said: Killed, wanted: dict[str, str]) -> None:
    """Everything that was told is in git, as it was told; everything in git is true."""
    records = site.records()
    times = Counter((record["run"], record["target"], record.get("attempt", 1)) for record in records)
    assert [key for key, number in times.items() if number > 1] == []
    in_git = {record["target"]: record["status"] for record in records}
    assert {name: in_git.get(name) for name in said.outcomes} == said.outcomes
    assert {name: status for name, status in in_git.items() if status != "interrupted"}.items() <= wanted.items()
    for commit in said.commits:
        site.git("merge-base", "--is-ancestor", commit, "HEAD")


def check_shown(site: Site, status: Any) -> None:
    """What `stoa status` shows is what git holds."""
    in_git = {record["target"]: record["status"] for record in site.records()}
    assert shown_states(status) == {name: in_git.get(name, "new") for name in EXPECTED}


def shown_states(status: Any) -> dict[str, str]:
    return {target["name"]: target["states"].get("mixed@default", "new") for target in status["targets"]}


def check_complete(site: Site, expected: dict[str, str]) -> None:
    """Every target has its outcome; repository, work tree, index, spool and products are as after a quiet run."""
    status = site.told("status")
    assert shown_states(status) == expected
    assert (status["live"], status["hindered"], status["unreadable"]) == ([], "", [])
    check_tidy(site)
    counts = Counter((record["run"], record["status"]) for record in site.records())
    assert {(run, name): n for run, found in site.summaries().items() for name, n in found.items()} == dict(counts)
    assert set(site.summaries()) == site.runs()


def check_tidy(site: Site) -> None:
    site.git("fsck", "--strict", "--no-dangling")
    assert site.git("status", "--porcelain") == ""
    assert sorted(path.name for path in (site.top / ".git/stoa/spool").iterdir()) in (
        [".lock", ".probe"],
        [".lock"],
        [],
    )
    assert [file.name for file in (site.top / ".git").rglob("*.lock") if file.name not in LOCKS] == []
    assert not list((site.top / "products").glob("*/*/.work/*"))
