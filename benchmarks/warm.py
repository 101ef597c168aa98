"""Warm interpreters: `stoa run -j 2` beside `xargs -P 2` of the same script with the same arguments, and cold runs."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from archive_copies import make_copies
from run_overhead import machine, quiet_environ

from stoa.exec.job.command import expand
from stoa.exec.job.jobs import JobContext, placeholder_values
from stoa.provenance.definitions import read_process

PLOT = """\
import sys
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from astropy.io import fits

image = np.squeeze(fits.getdata(sys.argv[1]))
plane = image if image.ndim == 2 else image[0]
plt.imshow(plane, origin="lower")
plt.colorbar()
plt.savefig(sys.argv[2], dpi=60)
"""
PLOT_PROCESS = """\
schema: 1
name: plot
script: scripts/plot.py
command: [python, "{script}", "{image}", "{out}/image.png"]
warm: true
over: image
inputs:
  image: {role: [correctedImage, image, dirtyImage]}
outputs:
  picture: {path: image.png}
"""

_FILES_OF_IMAGE = 2.2  # of the example archive: the image, its primary beam, sometimes more


@dataclass(frozen=True)
class Cost:
    """Of one whole command, with all processes that it started."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Round:
    """One measurement of each, one after the other."""

    xargs: Cost
    warm: Cost
    cold: Cost | None


@dataclass(frozen=True)
class Report:
    """What was measured, and where."""

    machine: dict[str, str | int | float]
    process: str
    images: int
    jobs: int
    rounds: list[Round]
    same_products: int  # of warm and cold, byte for byte
    other_products: int

    def ratio(self, one: str, other: str, what: str) -> float:
        """Median ratio of a cost of two."""
        return statistics.median(
            getattr(getattr(each, one), what) / getattr(getattr(each, other), what) for each in self.rounds
        )


class Bench:
    """A project with copies of the example archive and one process.

    Parameters
    ----------
    top
        An empty folder.
    """

    def __init__(self, top: Path, stoa: str, process: str, jobs: int) -> None:
        self.project = top / "project"
        self.data = top / "data"
        self.out = top / "xargs"
        self.stoa = stoa
        self.process = process
        self.jobs = jobs
        # One thread for each job, as the environment `host` has it: two jobs run at once.
        self.environ = quiet_environ(os.environ, top) | {"OMP_NUM_THREADS": "1"}

    @property
    def definition(self) -> Path:
        return self.project / ".stoa" / "processes" / f"{self.process}.yaml"

    def set_up(self, images: int) -> None:
        """Make folders until there are so many images or some more, and the project with its process."""
        while sum(1 for _ in self.data.rglob("*.fits*")) < _FILES_OF_IMAGE * images:
            copies = len(list(self.data.iterdir())) if self.data.exists() else 0
            make_copies(self.data / f"part{copies:03d}", 1)
        self._do(["git", "init", "--quiet", str(self.project)], cwd=self.data)
        self._do([self.stoa, "init"])
        self._do([self.stoa, "root", "add", "data", str(self.data)])
        self._do([self.stoa, "target", "add", "data", "**/product"])
        self._do([self.stoa, "meta", "build"])
        if self.process == "plot":
            (self.project / "scripts").mkdir()
            (self.project / "scripts" / "plot.py").write_text(PLOT, encoding="utf-8")
            self.definition.write_text(PLOT_PROCESS, encoding="utf-8")
        else:
            self._do([self.stoa, "process", "add", self.process])

    def run_stoa(self, *, warm: bool) -> list[Path]:
        """A whole run, records and commit included; gives the directories of its jobs."""
        text = self.definition.read_text(encoding="utf-8")
        self.definition.write_text(text.replace(*(("warm: false", "warm: true")[:: 1 if warm else -1])), "utf-8")
        self._do([self.stoa, "run", self.process, "-j", str(self.jobs), "--force"], good=(0, 3))
        last = max(
            path
            for path in (self.project / "products" / self.process).iterdir()
            if path.name not in (".work", "latest")
        )
        return sorted(file.parent for file in last.rglob("stoa-job.json"))

    def commands(self, jobs: list[Path]) -> list[str]:
        """The command lines of jobs, for xargs: each with a directory of its own to write to."""
        process = read_process(self.definition.read_bytes(), str(self.definition))
        lines = []
        for number, folder in enumerate(jobs):
            said = json.loads((folder / "stoa-job.json").read_bytes())
            out = self.out / f"{number:06d}"
            context = JobContext(
                run="", process=self.process, target=said["target"], group=said["group"], folder=said["folder"],
                out=str(out), inputs=said["inputs"], params=said["params"],
            )  # fmt: skip
            words = expand(process, placeholder_values(context, str(self.project / process.script)))
            lines.append(" ".join(map(shlex.quote, (sys.executable, *words[1:]))))
        return lines

    def run_xargs(self, commands: list[str]) -> None:
        """The same script with the same arguments, as a shell user would do it; nothing is recorded."""
        shutil.rmtree(self.out, ignore_errors=True)
        for number in range(len(commands)):
            (self.out / f"{number:06d}").mkdir(parents=True)
        words = ["xargs", "-d", "\\n", "-P", str(self.jobs), "-I", "{}", "sh", "-c", "exec {}"]
        self._do(words, stdin="\n".join(commands).encode(), good=(0, 123))  # some images of the archive are damaged

    def _do(self, words: list[str], *, cwd: Path | None = None, stdin: bytes = b"", good: Sequence[int] = (0,)) -> None:
        folder = cwd or self.project
        done = subprocess.run(words, cwd=folder, env=self.environ, input=stdin, capture_output=True, check=False)
        if done.returncode not in good:
            sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr.decode(errors='replace')}")


def cost(work: Callable[[], object]) -> Cost:
    """Wall and processor time of a command and of all that it has started."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    wall_s = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def digests(jobs: list[Path]) -> dict[str, str]:
    """Digest of each product, by its path below the run; not of what names the run itself."""
    found = {}
    for folder in jobs:
        for file in sorted(folder.iterdir()):
            if file.name != "stoa-job.json":
                key = "/".join(file.parts[file.parts.index("products") + 3 :])
                found[key] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def compare(bench: Bench, rounds: int, *, cold: bool) -> Report:
    """All in turn, after a warm run that is not counted; products of the last warm and cold runs are compared."""
    commands = bench.commands(bench.run_stoa(warm=True))
    jobs: dict[bool, list[Path]] = {}

    def run(*, warm: bool) -> None:
        jobs[warm] = bench.run_stoa(warm=warm)

    done = [
        Round(
            xargs=cost(lambda: bench.run_xargs(commands)),
            warm=cost(lambda: run(warm=True)),
            cold=cost(lambda: run(warm=False)) if cold else None,
        )
        for _ in range(rounds)
    ]
    made, others = digests(jobs[True]), digests(jobs.get(False, []))
    same = sum(made.get(name) == digest for name, digest in others.items())
    return Report(machine(), bench.process, len(commands), bench.jobs, done, same, len(others) - same)


def render(report: Report) -> str:
    """The report as text for a terminal."""
    facts = ", ".join(f"{name} {value}" for name, value in report.machine.items())
    lines = [facts, f"{report.process}: {report.images} images, {report.jobs} at a time", ""]
    lines.append(f"{'round':>5} {'xargs, s':>16} {'stoa warm, s':>16} {'stoa cold, s':>16}   (wall, processor)")
    for number, one in enumerate(report.rounds, 1):
        each = [cost for cost in (one.xargs, one.warm, one.cold) if cost]
        lines.append(f"{number:>5}" + "".join(f" {cost.wall_s:>8.2f}{cost.cpu_s:>8.2f}" for cost in each))
    for other in ("xargs", "cold") if report.rounds[0].cold else ("xargs",):
        wall, cpu = (report.ratio("warm", other, what) for what in ("wall_s", "cpu_s"))
        lines.append(f"warm over {other}: {wall:.2f} of its wall time, {cpu:.2f} of its processor time")
    lines.append(f"products of warm and cold jobs: {report.same_products} the same, {report.other_products} not")
    return "\n".join(lines)


def main(words: list[str]) -> None:
    """Set up, measure, print, and remove what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--process", default="sep", choices=("sep", "sextractor", "aegean", "plot"), help="(sep)")
    parser.add_argument("--images", type=int, default=400, metavar="N", help="how many images (400)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is measured (3)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many at a time (2)")
    parser.add_argument("--stoa", default=str(Path(sys.executable).with_name("stoa")), help="the program to measure")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    parser.add_argument("--without-cold", action="store_true", help="leave out the cold runs, which take longest")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder) as top:
        bench = Bench(Path(top), options.stoa, options.process, options.jobs)
        bench.set_up(options.images)
        report = compare(bench, options.rounds, cold=not options.without_cold)
    print(json.dumps(asdict(report), indent=2) if options.json else render(report))


if __name__ == "__main__":
    main(sys.argv[1:])
