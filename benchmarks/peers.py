"""The same script over the same folders by STOA, Snakemake, DVC, DataLad and `xargs`, in one run.

    python -m venv peers && peers/bin/pip install snakemake dvc datalad
    python benchmarks/peers.py --peers peers/bin [--targets 1000] [--slow 100]

Each tool is asked for what it is made for: an input folder and an output file a target, known to the tool, and a
second pass in which nothing has changed. DVC and DataLad are given fewer targets, because one of theirs takes long.
DataLad runs one target after the other, since each of its runs is a commit, and has no pass in which nothing is to
do. What is not installed is left out, with a word.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent)]

from run_overhead import machine, quiet_environ, wall_s  # noqa: E402

SCRIPT = """\
#!/bin/sh
wc -c < "$1/in.dat" > "$2/out.txt"
"""
PROCESS = """\
schema: 1
name: count
doc: counts the bytes of one file
script: count.sh
command: ["{script}", "{target}", "{out}"]
outputs:
  count: {path: out.txt}
"""
SNAKEFILE = """\
names = {names!r}
rule all:
    input: expand("out/{{name}}/out.txt", name=names)
rule count:
    input: "data/{{name}}/in.dat"
    output: "out/{{name}}/out.txt"
    shell: "./count.sh data/{{wildcards.name}} out/{{wildcards.name}}"
"""
DVC_FILE = """\
stages:
  count:
    foreach: [{names}]
    do:
      cmd: mkdir -p out/${{item}} && ./count.sh data/${{item}} out/${{item}}
      deps: [count.sh, "data/${{item}}/in.dat"]
      outs: ["out/${{item}}/out.txt": {{cache: false}}]
"""


@dataclass(frozen=True)
class Figure:
    """What one tool took."""

    tool: str
    targets: int
    run_s: float
    again_s: float | None  # nothing to do; None where the tool has no such pass

    @property
    def run_ms(self) -> float:
        return 1000 * self.run_s / self.targets


class Site:
    """A folder with data, the script, and one tool's project in it."""

    def __init__(self, top: Path, targets: int, peers: Path, jobs: int) -> None:
        self.top = top
        self.names = [f"t{number:05d}" for number in range(targets)]
        self.peers = peers
        self.jobs = jobs
        self.environ = quiet_environ(os.environ, top) | {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "Bench",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "bench@example.org",
            "DVC_NO_ANALYTICS": "1",
            "PATH": f"{peers}{os.pathsep}{os.environ['PATH']}",
        }
        self.project = top / "project"
        for name in self.names:
            folder = self.project / "data" / name
            folder.mkdir(parents=True)
            (folder / "in.dat").write_text(name * 10)
        script = self.project / "count.sh"
        script.write_text(SCRIPT)
        script.chmod(0o755)

    def do(self, *words: str, given: str = "") -> None:
        """Run a command in the project; the benchmark ends where it fails."""
        done = subprocess.run(
            words, cwd=self.project, env=self.environ, input=given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = f"{done.stdout[-1000:]}{done.stderr[-1000:]}"
            sys.exit(f"{' '.join(words)[:200]}: exit code {done.returncode}\n{said}")

    def check(self, pattern: str) -> None:
        """Whether the tool really made one output a target."""
        found = sum(1 for _ in self.project.glob(pattern))
        if found != len(self.names):
            sys.exit(f"{found} outputs for {len(self.names)} targets ({pattern})")


def xargs(site: Site) -> Figure:
    """The script alone, nothing recorded."""
    lines = "".join(f"data/{name}\0out/{name}\0" for name in site.names)
    for name in site.names:
        (site.project / "out" / name).mkdir(parents=True)
    run = wall_s(lambda: site.do("xargs", "-0", "-n", "2", "-P", str(site.jobs), "./count.sh", given=lines))
    site.check("out/*/out.txt")
    return Figure("xargs", len(site.names), run, None)


def stoa(site: Site) -> Figure:
    """A run with a record of every target and a commit."""
    program = str(Path(sys.executable).with_name("stoa"))
    site.do("git", "init", "--quiet", ".")
    site.do(program, "init")
    site.do(program, "root", "add", "data", str(site.project / "data"))
    site.do(program, "target", "add", "data", "*")
    (site.project / ".stoa" / "processes" / "count.yaml").write_text(PROCESS)
    words = [program, "run", "count", "-j", str(site.jobs)]
    run, again = wall_s(lambda: site.do(*words)), wall_s(lambda: site.do(*words))
    site.do(program, "fsck")
    return Figure("stoa", len(site.names), run, again)


def snakemake(site: Site) -> Figure:
    """One rule with a wildcard."""
    (site.project / "Snakefile").write_text(SNAKEFILE.format(names=site.names))
    words = ["snakemake", "--cores", str(site.jobs), "--quiet", "all"]
    run, again = wall_s(lambda: site.do(*words)), wall_s(lambda: site.do(*words))
    site.check("out/*/out.txt")
    return Figure("snakemake", len(site.names), run, again)


def dvc(site: Site) -> Figure:
    """One stage with `foreach`; outputs are not copied into the cache."""
    site.do("git", "init", "--quiet", ".")
    site.do("dvc", "init", "--quiet")
    (site.project / "dvc.yaml").write_text(DVC_FILE.format(names=", ".join(site.names)))
    run, again = wall_s(lambda: site.do("dvc", "repro", "--quiet")), wall_s(lambda: site.do("dvc", "repro", "--quiet"))
    site.check("out/*/out.txt")
    return Figure("dvc", len(site.names), run, again)


def datalad(site: Site) -> Figure:
    """`datalad run` for each target."""
    site.do("datalad", "create", "--force", "-c", "text2git", ".")
    site.do("datalad", "save", "-m", "data")

    def all_of_them() -> None:
        for name in site.names:
            command = f"mkdir -p out/{name} && ./count.sh data/{name} out/{name}"
            site.do("datalad", "run", "--input", f"data/{name}/in.dat", "--output", f"out/{name}/out.txt", command)

    run = wall_s(all_of_them)
    site.check("out/*/out.txt")
    return Figure("datalad", len(site.names), run, None)


TOOLS: dict[str, Callable[[Site], Figure]] = {
    "xargs": xargs, "stoa": stoa, "snakemake": snakemake, "dvc": dvc, "datalad": datalad,
}  # fmt: skip
SLOW = ("dvc", "datalad")


def measure(options: argparse.Namespace) -> list[Figure]:
    """Every tool on a fresh folder; STOA and `xargs` also at the slow tools' number of targets."""
    figures = []
    for targets, tools in ((options.targets, ("xargs", "stoa", "snakemake")), (options.slow, ("xargs", "stoa", *SLOW))):
        for name in tools:
            if name != "stoa" and not shutil.which(name, path=f"{options.peers}{os.pathsep}{os.environ['PATH']}"):
                print(f"left out, not installed: {name}")
                continue
            with tempfile.TemporaryDirectory(prefix="stoa-peers-") as top:
                figures.append(TOOLS[name](Site(Path(top), targets, options.peers, options.jobs)))
                print(f"{figures[-1].tool}: {figures[-1].run_s:.2f} s", file=sys.stderr)
    return figures


def render(figures: list[Figure]) -> str:
    """The figures as text."""
    ours = {one.targets: one for one in figures if one.tool == "stoa"}
    lines = [f"{'tool':10} {'targets':>8} {'run, s':>8} {'ms a target':>12} {'x stoa':>8} {'nothing to do, s':>17}"]
    for one in figures:
        again = "" if one.again_s is None else f"{one.again_s:.2f}"
        ratio = one.run_s / ours[one.targets].run_s
        lines.append(f"{one.tool:10} {one.targets:8d} {one.run_s:8.2f} {one.run_ms:12.1f} {ratio:8.2f} {again:>17}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", type=Path, default=Path(sys.executable).parent, help="folder of the peers' programs")
    parser.add_argument("--targets", type=int, default=1000, help="for xargs, STOA and Snakemake (1000)")
    parser.add_argument("--slow", type=int, default=100, help="for DVC and DataLad, beside xargs and STOA (100)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (2)")
    options = parser.parse_args()
    options.peers = options.peers.resolve()
    print(", ".join(f"{name} {value}" for name, value in machine().items()))
    print(render(measure(options)))


if __name__ == "__main__":
    main()
