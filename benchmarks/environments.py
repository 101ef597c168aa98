"""What each environment adds to a target, beside `xargs -P` of the same script and of a plain `docker run`.

A script that does nothing is run over N folders, by each of them in turn, several rounds, with STOA's local engine;
the printed figure is the median of (wall time - the time for one target) / (N - 1), so that what each needs to start is
told apart. A Docker daemon and podman's service, with an image of busybox, are started before and are no part of it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "support")]

from container_servers import IMAGE, Server, container_server, missing  # noqa: E402
from engines import measure, told  # noqa: E402
from run_overhead import PROCESS, Bench  # noqa: E402

DEFINITIONS = {
    "host": "",
    "venv": "kind: venv\nrequirements: requirements.txt\n",
    "docker": f"kind: docker\nimage: {IMAGE}\n",
    "docker-target": f"kind: docker\nimage: {IMAGE}\nisolation: target\n",
    "podman": f"kind: docker\nimage: {IMAGE}\n",
    "podman-target": f"kind: docker\nimage: {IMAGE}\nisolation: target\n",
}
"""Environment -> its definition; `host` is there."""


class Environments:
    """The ways, each as a function of the number of targets."""

    def __init__(self, bench: Bench, servers: dict[str, Server], dear: int) -> None:
        self.bench = bench
        self.servers = servers
        self.dear = dear  # targets where each has a container of its own

    def configure(self) -> None:
        """A process and an environment each."""
        stoa = self.bench.project / ".stoa"
        (self.bench.project / "requirements.txt").write_text("--no-index\n")
        for name, text in self._definitions().items():
            if text:
                head = f"schema: 1\nname: {name}\n"
                (stoa / "environments" / f"{name}.yaml").write_text(head + text, encoding="utf-8")
            process = PROCESS.replace("name: trivial", f"name: in-{name}") + f"environment: {name}\n"
            (stoa / "processes" / f"in-{name}.yaml").write_text(process, encoding="utf-8")

    def ways(self) -> Iterator[tuple[str, Callable[[int], None]]]:
        yield "xargs -P", lambda n: self._fed([str(self.bench.script)], n)
        for name in self._definitions():
            yield f"stoa, {name}", lambda n, name=name: self._stoa(n, name)
        if "docker" in self.servers and shutil.which("docker"):
            seen = f"{self.bench.script}:/script:ro"
            words = ["docker", "-H", self.servers["docker"].address, "run", "--rm", "--network=none", "-v", seen]
            name = "xargs -P docker run, a container a target"
            yield name, lambda n: self._fed([*words, IMAGE, "/script"], self.targets(name, n))

    def targets(self, name: str, count: int) -> int:
        return min(count, self.dear) if "target" in name else count

    def _definitions(self) -> dict[str, str]:
        kinds = ("docker", "podman")
        lacking = tuple(kind for kind in kinds if kind not in self.servers)
        return {name: text for name, text in DEFINITIONS.items() if not name.startswith(lacking or ("none",))}

    def _fed(self, words: list[str], count: int) -> None:
        text = "".join(f"{folder}\n" for folder in sorted(self.bench.data.iterdir())[:count])
        xargs = ["xargs", "-d", "\n", "-n", "1", "-P", str(self.bench.jobs), *words]
        subprocess.run(xargs, input=text, text=True, check=True, env=self.bench.environ, capture_output=True)

    def _stoa(self, count: int, name: str) -> None:
        count = self.targets(name, count)
        chosen = [word for number in range(count) for word in ("--target", f"t{number:06d}")] if count < 1000 else []
        words = [*self.bench.stoa, "run", f"in-{name}", "--force", "--json", "-j", str(self.bench.jobs), *chosen]
        kind = name.partition("-")[0]
        environ = self.bench.environ | ({"DOCKER_HOST": self.servers[kind].address} if kind in self.servers else {})
        done = subprocess.run(words, cwd=self.bench.project, env=environ, capture_output=True, text=True, check=False)
        if done.returncode or json.loads(done.stdout)["counts"] != {"ok": count}:
            sys.exit(f"{' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000, metavar="N", help="how many folders (1000)")
    parser.add_argument("--dear", type=int, default=50, metavar="N", help="where each has a container of its own (50)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often all are measured (3)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="how many at a time (2)")
    parser.add_argument("--stoa", default=str(Path(sys.executable).with_name("stoa")), help="the program to measure")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Start what is there, measure, print."""
    options = parse(words)
    with ExitStack() as opened:
        # Not below the home folder, which containers are not shown.
        top = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="stoa-bench-")))
        (top / "home").mkdir()
        bench = Bench(top, [options.stoa], options.jobs)
        bench.environ["HOME"] = str(top / "home")
        bench.set_up(options.targets)
        kinds = [kind for kind in ("docker", "podman") if not missing(kind)]
        servers = {kind: opened.enter_context(container_server(kind)) for kind in kinds}
        environments = Environments(bench, servers, options.dear)
        environments.configure()
        rows = measure(environments, options.targets, options.rounds)
    print(told(rows, environments, options))
    for kind in ("docker", "podman"):
        if reason := missing(kind):
            print(f"left out: {kind}: {reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
