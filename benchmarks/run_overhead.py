"""What STOA adds to a target: `stoa run -j 2` beside `xargs -P 2` of the same script, and the start of commands."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SCRIPT = "#!/bin/sh\nexec sleep {seconds}\n"
EMPTY_SCRIPT = "#!/bin/sh\nexit 0\n"
PROCESS = """\
schema: 1
name: trivial
doc: does nothing, so that only the cost of starting and recording is left
script: trivial.sh
command: ["{script}"]
"""
LOOP = """\
import subprocess, sys
from concurrent.futures import ThreadPoolExecutor
script, jobs, *folders = sys.argv[1:]
with ThreadPoolExecutor(int(jobs)) as pool:
    list(pool.map(lambda folder: subprocess.run([script, folder]), folders))
"""
"""The shortest program in Python that does what xargs does."""


@dataclass(frozen=True)
class Round:
    """One measurement of each, one after the other."""

    xargs_s: float
    stoa_s: float
    python_s: float

    @property
    def ratio(self) -> float:
        return self.stoa_s / self.xargs_s


@dataclass(frozen=True)
class Report:
    """What was measured, and where."""

    machine: dict[str, str | int | float]
    targets: int
    jobs: int
    script_ms: float
    rounds: list[Round]
    commands_s: dict[str, float]  # median wall time by command line

    @property
    def ratio(self) -> float:
        return statistics.median(one.ratio for one in self.rounds)


class Bench:
    """A project with trivial targets in a temporary folder.

    Parameters
    ----------
    top
        An empty folder.
    stoa
        Command line that starts STOA.
    jobs
        How many scripts at a time.
    script_ms
        What the script takes, in milliseconds; at 0 it ends at once.
    """

    def __init__(self, top: Path, stoa: Sequence[str], jobs: int, script_ms: float = 0.0) -> None:
        self.project = top / "project"
        self.data = top / "data"
        self.script = self.project / "trivial.sh"
        self.stoa = list(stoa)
        self.jobs = jobs
        self.script_text = SCRIPT.format(seconds=script_ms / 1000) if script_ms else EMPTY_SCRIPT
        self.environ = quiet_environ(os.environ, top)

    def set_up(self, targets: int) -> None:
        """Make the folders, the repository and the process definition."""
        for number in range(targets):
            (self.data / f"t{number:06d}").mkdir(parents=True)
        self._do(["git", "init", "--quiet", str(self.project)], cwd=self.data)
        self.write_script()
        self._do([*self.stoa, "init"])
        self._do([*self.stoa, "root", "add", "data", str(self.data)])
        self._do([*self.stoa, "target", "add", "data", "*"])
        definition = self.project / ".stoa" / "processes" / "trivial.yaml"
        definition.write_text(PROCESS, encoding="utf-8")

    def write_script(self) -> None:
        self.script.parent.mkdir(exist_ok=True)
        self.script.write_text(self.script_text, encoding="utf-8")
        self.script.chmod(0o755)

    def run_xargs(self) -> None:
        """The script over every folder, as a shell user would do it; nothing is recorded."""
        names = b"".join(os.fsencode(folder) + b"\0" for folder in sorted(self.data.iterdir()))
        self._do(["xargs", "-0", "-n", "1", "-P", str(self.jobs), str(self.script)], stdin=names)

    def run_python(self) -> None:
        """The same with two threads of Python; nothing is recorded either."""
        folders = [str(folder) for folder in sorted(self.data.iterdir())]
        self._do([sys.executable, "-c", LOOP, str(self.script), str(self.jobs), *folders])

    def run_stoa(self) -> None:
        """The script over every target, with a full record each and a commit at the end."""
        self._do([*self.stoa, "run", "trivial", "-j", str(self.jobs), "--force"])

    def command(self, *words: str) -> Callable[[], None]:
        return lambda: self._do([*self.stoa, *words])

    def interpreter(self) -> None:
        """What starting Python costs, before any of STOA is imported."""
        self._do([sys.executable, "-c", "pass"])

    def _do(self, words: list[str], *, cwd: Path | None = None, stdin: bytes = b"") -> None:
        folder = cwd or self.project
        done = subprocess.run(words, cwd=folder, env=self.environ, input=stdin, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}")


def quiet_environ(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Variables for the measured commands: no settings of the user, and Python keeps its bytecode as usual."""
    kept = {k: v for k, v in environ.items() if not k.startswith(("GIT_", "STOA_", "XDG_", "PYTHONDONTWRITEBYTECODE"))}
    names = {"GIT_AUTHOR_NAME": "Bench", "GIT_COMMITTER_NAME": "Bench"}
    mail = {"GIT_AUTHOR_EMAIL": "bench@example.org", "GIT_COMMITTER_EMAIL": "bench@example.org"}
    return kept | names | mail | {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


def wall_s(work: Callable[[], None]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median_s(work: Callable[[], None], times: int = 5) -> float:
    """Median of several, after one that fills the caches and is not counted."""
    work()
    return statistics.median(wall_s(work) for _ in range(times))


def compare(bench: Bench, rounds: int) -> list[Round]:
    """Rounds of all; which of them is first alternates, so that a drift of the machine hits all alike."""
    works = {"xargs_s": bench.run_xargs, "python_s": bench.run_python, "stoa_s": bench.run_stoa}
    for work in works.values():
        work()
    done = []
    for number in range(rounds):
        names = sorted(works, reverse=bool(number % 2))
        done.append(Round(**{name: wall_s(works[name]) for name in names}))
    return done


def time_commands(bench: Bench) -> dict[str, float]:
    """Median wall time of commands that a person waits for, and of the bare interpreter."""
    work = {
        "python -c pass": bench.interpreter,
        "stoa --help": bench.command("--help"),
        "stoa status": bench.command("status"),
    }
    return {name: median_s(each) for name, each in work.items()}


def machine() -> dict[str, str | int | float]:
    """The size of this machine and the versions that matter."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    return {
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_gb": round(memory_gb, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "git": git,
    }


def render(report: Report) -> str:
    """The report as text for a terminal."""
    facts = ", ".join(f"{name} {value}" for name, value in report.machine.items())
    rows = [
        f"{n:>5} {one.xargs_s:>9.3f} {one.python_s:>9.3f} {one.stoa_s:>9.3f} {one.ratio:>7.2f}"
        for n, one in enumerate(report.rounds, 1)
    ]
    times = [f"{name:<16} {seconds:.3f} s" for name, seconds in report.commands_s.items()]
    head = f"{report.targets} targets, {report.jobs} at a time, a script of {report.script_ms:g} ms"
    title = f"{'round':>5} {'xargs, s':>9} {'python, s':>9} {'stoa, s':>9} {'ratio':>7}"
    return "\n".join([facts, head, "", title, *rows, f"median ratio {report.ratio:.2f}", "", *times])


def as_json(report: Report) -> str:
    """The report as JSON, with the median of the ratios."""
    return json.dumps(asdict(report) | {"ratio": report.ratio}, indent=2)


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000, metavar="N", help="how many folders (1000)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how often both are measured (5)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many at a time (2)")
    parser.add_argument(
        "--script-ms", type=float, default=0.0, metavar="MS", help="what the script takes (0: ends at once)"
    )
    parser.add_argument("--stoa", default=str(Path(sys.executable).with_name("stoa")), help="the program to measure")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Set up, measure, print, and remove what was made."""
    options = parse(words)
    if not shutil.which("xargs"):
        sys.exit("xargs is not there (Debian: apt-get install findutils)")
    with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder) as top:
        bench = Bench(Path(top), [options.stoa], options.jobs, options.script_ms)
        bench.set_up(options.targets)
        rounds = compare(bench, options.rounds)
        report = Report(machine(), options.targets, options.jobs, options.script_ms, rounds, time_commands(bench))
    print(as_json(report) if options.json else render(report))


if __name__ == "__main__":
    main(sys.argv[1:])
