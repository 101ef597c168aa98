"""What each engine adds to a target, beside `xargs -P`, GNU parallel, a plain `sbatch --array` and a plain Dask map.

A script that does nothing is run over N folders, by each of them in turn, several rounds; the printed figure is the
median of (wall time - the time for one target) / (N - 1), so that what each needs to start is told apart. Schedulers
are started before on loopback (Slurm of one node, Dask with two workers) and are not part of the time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "support")]

from dask_cluster import Dask, running_dask  # noqa: E402
from run_overhead import Bench, machine, wall_s  # noqa: E402
from slurm_server import Slurm, missing, running_slurm  # noqa: E402

DASK_MAP = """\
import subprocess, sys
from distributed import Client, Security
address, ca, cert, key, script = sys.argv[1:]
folders = sys.stdin.read().split("\\n")[:-1]
safe = Security(require_encryption=True, tls_ca_file=ca, tls_client_cert=cert, tls_client_key=key)
with Client(address, security=safe) as client:
    client.gather(client.map(lambda f: subprocess.call([script, f]), folders, pure=False))
"""


@dataclass(frozen=True)
class Row:
    """One way to run the script, with the wall time of each round."""

    name: str
    few_s: list[float]
    many_s: list[float]

    def per_target_ms(self, few: int, many: int) -> float:
        slopes = [(b - a) / (many - few) for a, b in zip(self.few_s, self.many_s, strict=True)]
        return 1000 * statistics.median(slopes)

    @property
    def start_s(self) -> float:
        return statistics.median(self.few_s)


class Ways(Protocol):
    """What can be measured."""

    def ways(self) -> Iterator[tuple[str, Callable[[int], None]]]:
        """Names, and functions of the number of targets."""

    def targets(self, name: str, count: int) -> int:
        """How many targets a way is given where so many are asked for."""


class Engines:
    """The ways, each as a function of the number of targets."""

    def __init__(self, bench: Bench, slurm: Slurm | None, dask: Dask | None, plain_slurm: int) -> None:
        self.bench = bench
        self.slurm = slurm
        self.dask = dask
        self.plain_slurm = plain_slurm

    def ways(self) -> Iterator[tuple[str, Callable[[int], None]]]:
        jobs = str(self.bench.jobs)
        yield "xargs -P", lambda n: self._fed(["xargs", "-d", "\n", "-n", "1", "-P", jobs, str(self.bench.script)], n)
        if shutil.which("parallel"):
            words = ["parallel", "--will-cite", "-j", jobs, str(self.bench.script)]
            yield "GNU parallel -j", lambda n: self._fed(words, n)
        yield "stoa, local", lambda n: self._stoa(n, "local")
        if self.dask:
            yield "dask map, a target a task", self._dask_map
            yield "stoa, dask", lambda n: self._stoa(n, "dask")
        if self.slurm:
            yield "sbatch --array, a target an element", self._array
            yield "stoa, slurm", lambda n: self._stoa(n, "slurm")

    def folders(self, count: int) -> list[str]:
        return [str(folder) for folder in sorted(self.bench.data.iterdir())[:count]]

    def _fed(self, words: list[str], count: int) -> None:
        text = "".join(f"{folder}\n" for folder in self.folders(count))
        subprocess.run(words, input=text, text=True, check=True, env=self.bench.environ, capture_output=True)

    def _stoa(self, count: int, engine: str) -> None:
        chosen = "t000000" if count == 1 else "*"
        words = [*self.bench.stoa, "run", "trivial", "--engine", engine, "--force", "--target", chosen, "--json"]
        if engine == "local":
            words += ["-j", str(self.bench.jobs)]
        environ = self.bench.environ | ({"SLURM_CONF": str(self.slurm.config)} if self.slurm else {})
        done = subprocess.run(words, cwd=self.bench.project, env=environ, capture_output=True, text=True, check=False)
        if done.returncode or json.loads(done.stdout)["counts"] != {"ok": count}:
            sys.exit(f"{' '.join(words)}: {done.stdout}{done.stderr}")

    def _dask_map(self, count: int) -> None:
        words = [sys.executable, "-c", DASK_MAP, self.dask.address, *self.dask.files.values(), str(self.bench.script)]
        self._fed(words, count)

    def _array(self, count: int) -> None:
        """A target an element costs so much that fewer of them have to do; asking for the end costs little."""
        script = f"#!/bin/sh\nexec {self.bench.script} {self.bench.data}/$SLURM_ARRAY_TASK_ID\n"
        environ = self.slurm.environ
        words = [
            "sbatch",
            "--parsable",
            f"--array=0-{min(count, self.plain_slurm) - 1}%{self.bench.jobs}",
            "-o/dev/null",
        ]
        done = subprocess.run(words, input=script, text=True, check=True, capture_output=True, env=environ)
        while self.slurm("squeue", "-h", "-j", done.stdout.strip(), "-o", "%T", "--states=PENDING,RUNNING,COMPLETING"):
            time.sleep(0.05)

    def targets(self, name: str, count: int) -> int:
        return min(count, self.plain_slurm) if name.startswith("sbatch") else count


def measure(engines: Ways, targets: int, rounds: int) -> list[Row]:
    """All ways, one after the other, in each round."""
    rows = {name: Row(name, [], []) for name, _ in engines.ways()}
    for number in range(rounds + 1):  # the first one fills caches and is not counted
        for name, way in engines.ways():
            few, many = wall_s(lambda way=way: way(1)), wall_s(lambda way=way: way(targets))
            if number:
                rows[name].few_s.append(few)
                rows[name].many_s.append(many)
            print(f"round {number}: {name}: {few:.2f} s for 1, {many:.2f} s for {targets}", file=sys.stderr)
    return list(rows.values())


def configure(bench: Bench, dask: Dask | None) -> None:
    """Settings of the engines, as someone who uses them would write."""
    local = bench.project / ".stoa" / "local.yaml"
    text = f"{local.read_text()}slurm: {{chunk: 250, cpus: 1, settle: 1s}}\n"
    if dask:
        files = ", ".join(f"{name}: {file}" for name, file in dask.files.items())
        text += f"dask: {{address: '{dask.address}', {files}}}\n"
    local.write_text(text, encoding="utf-8")


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000, metavar="N", help="how many folders (1000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often all are measured (3)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many at a time (2)")
    parser.add_argument("--plain-slurm", type=int, default=50, metavar="N", help="elements of the plain array (50)")
    parser.add_argument("--stoa", default=str(Path(sys.executable).with_name("stoa")), help="the program to measure")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Start what is there, measure, print."""
    options = parse(words)
    with ExitStack() as opened:
        top = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="stoa-bench-")))
        bench = Bench(top, [options.stoa], options.jobs)
        bench.set_up(options.targets)
        slurm = opened.enter_context(running_slurm(top / "slurm")) if not missing() else None
        dask = opened.enter_context(running_dask(top / "dask", options.jobs)) if find_spec("distributed") else None
        configure(bench, dask)
        engines = Engines(bench, slurm, dask, options.plain_slurm)
        rows = measure(engines, options.targets, options.rounds)
    print(told(rows, engines, options))


def told(rows: list[Row], ways: Ways, options: argparse.Namespace) -> str:
    """The figures as text, or as JSON where that was asked for."""
    found = {
        row.name: {
            "per_target_ms": round(row.per_target_ms(1, ways.targets(row.name, options.targets)), 2),
            "one_target_s": round(row.start_s, 2),
        }
        for row in rows
    }
    if options.json:
        return json.dumps({"machine": machine(), "targets": options.targets, "ways": found}, indent=2)
    lines = [f"{', '.join(f'{name} {value}' for name, value in machine().items())} load {os.getloadavg()[0]:.1f}"]
    lines.append(f"{options.targets} targets, {options.jobs} at a time, median of {options.rounds}")
    for name, row in found.items():
        lines.append(f"{name:<40} {row['per_target_ms']:>8.2f} ms a target   {row['one_target_s']:>6.2f} s for one")
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
