"""What describing an archive costs: STOA beside astropy, fitsio and dfits, and beside the bare read of the headers.

Headers alone are compared with headers alone. A document is more than its headers: the folder and what is beside it
are listed, roles and facts follow, a row of pixels of each image and beam is read, XML is written. No file is read
whole, because checksums of whole files (`checksums: files`) are not the default.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from archive_copies import EXAMPLE, make_copies
from metadata_calls import make_folders
from run_overhead import machine, quiet_environ

from stoa.meta.build import build
from stoa.meta.header import read
from stoa.meta.many import Request, describe_many
from stoa.meta.table import BUILT_IN
from stoa.meta.xml import to_xml

REFERENCE = "astropy getheader"
SLICE = 250
"""Folders that one contender takes before it is the next one's turn."""

LOOP = """
import sys
from pathlib import Path
from astropy.io import fits
for path in sorted(Path(sys.argv[1]).rglob("*.fits*")):
    try:
        fits.getheader(path)
    except Exception:
        pass
"""
"""The reference as a program of its own, which has to start, and to find the files, as `stoa` has."""


@dataclass(frozen=True)
class File:
    """A FITS file and the length of its first header, which the bare read needs to know."""

    path: str
    header: int

    @property
    def is_plain(self) -> bool:
        return self.path.endswith(".fits")


@dataclass(frozen=True)
class Part:
    """Some folders with their FITS files."""

    folders: list[Path]
    files: list[File]


@dataclass
class Cost:
    """Seconds that a contender took for all parts of one round."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    files: int = 0


@dataclass
class Report:
    """What was measured, and where."""

    machine: dict[str, str | int | float]
    folders: int
    files: int
    jobs: int
    costs: dict[str, dict[str, list[Cost]]] = field(default_factory=dict)  # by kind of file and contender, a round each
    missing: dict[str, str] = field(default_factory=dict)  # contender and why it could not take part
    commands: dict[str, dict[str, list[Cost]]] = field(default_factory=dict)  # by folders and files, a round each


def read_bare(part: Part) -> None:
    """The header blocks and nothing else, their number known beforehand; nothing is made of them."""
    for file in part.files:
        descriptor = os.open(file.path, os.O_RDONLY)
        data = os.pread(descriptor, file.header, 0)
        if not file.is_plain:
            zlib.decompressobj(wbits=31).decompress(data, file.header)
        os.close(descriptor)


def read_astropy(part: Part) -> None:
    """The loop that everybody writes."""
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in part.files:
            try:
                fits.getheader(file.path)
            except Exception:  # noqa: BLE001 -- damaged files belong to the archive
                continue


def read_fitsio(part: Part) -> None:
    """The C library cfitsio, from Python."""
    import fitsio

    for file in part.files:
        try:
            fitsio.read_header(file.path)
        except OSError:
            continue


def read_dfits(part: Part) -> None:
    """The C program `dfits` prints the headers of many files in one process; it does not read compressed ones."""
    names = "\0".join(file.path for file in part.files)
    subprocess.run(["xargs", "-0", "dfits"], input=names, text=True, capture_output=True, check=False)


def read_headers(part: Part) -> None:
    """STOA's header reader, which looks at all extensions and at the length of the file as well."""
    for file in part.files:
        read(file.path)


def describe(part: Part) -> None:
    """Everything that `stoa meta build` does for a folder but the commit: roles, facts, beams, XML."""
    for folder in part.folders:
        to_xml(build(folder))


def describe_together(jobs: int) -> Callable[[Part], None]:
    """The same in several processes."""

    def work(part: Part) -> None:
        requests = [Request(str(number), folder) for number, folder in enumerate(part.folders)]
        with tempfile.TemporaryDirectory() as folder:
            for _ in describe_many(requests, BUILT_IN, Path(folder) / "cache.sqlite", jobs):
                pass

    return work


def contenders(jobs: int, kind: str) -> dict[str, Callable[[Part], None]]:
    """Who can read files of a kind here."""
    found: dict[str, Callable[[Part], None]] = {"bare read": read_bare, REFERENCE: read_astropy}
    if find_spec("fitsio"):
        found["fitsio read_header"] = read_fitsio
    if shutil.which("dfits") and kind == "plain":
        found["dfits"] = read_dfits
    found["STOA headers"] = read_headers
    if kind == "all":
        found["STOA documents"] = describe
        found[f"STOA documents, {jobs} processes"] = describe_together(jobs)
    return found


def measure(work: Callable[[Part], None], part: Part) -> Cost:
    """Cost in a process of its own, so that no one profits from what another one has read and remembered."""
    start = time.perf_counter()
    child = os.fork()
    if not child:
        work(part)
        os._exit(0)
    _, status, used = os.wait4(child, 0)
    if status:
        sys.exit(f"{work} ended with {status}")
    return Cost(time.perf_counter() - start, used.ru_utime + used.ru_stime, len(part.files))


def missing() -> dict[str, str]:
    """Who cannot take part here, and why."""
    reasons = {"fitsio read_header": "" if find_spec("fitsio") else "no module named fitsio: `pip install fitsio`"}
    reasons["dfits"] = "" if shutil.which("dfits") else "no program dfits"
    return {name: reason for name, reason in reasons.items() if reason}


def compare(parts: list[Part], rounds: int, jobs: int) -> dict[str, dict[str, list[Cost]]]:
    """Costs of all contenders by round; they take turns, so that a drift of the machine hits all alike."""
    found: dict[str, dict[str, list[Cost]]] = {}
    import astropy.io.fits  # noqa: F401 -- before the clock runs, for the processes that use it

    if find_spec("fitsio"):
        import fitsio  # noqa: F401 -- likewise

    for kind in ("all", "plain", "gz"):
        known = contenders(jobs, kind)
        costs = found[kind] = {name: [Cost() for _ in range(rounds)] for name in known}
        for number in range(rounds):
            for part in parts:
                chosen = [f for f in part.files if kind == "all" or f.is_plain == (kind == "plain")]
                names = list(known) if number % 2 == 0 else list(known)[::-1]
                for name in names:
                    cost = measure(known[name], Part(part.folders, chosen))
                    total = costs[name][number]
                    total.wall_s += cost.wall_s
                    total.cpu_s += cost.cpu_s
                    total.files += cost.files
    return found


def split(folders: list[Path]) -> Iterator[Part]:
    """Parts of the archive, whose files are in the memory of the system afterwards."""
    for start in range(0, len(folders), SLICE):
        some = folders[start : start + SLICE]
        paths = [path for folder in some for path in sorted(folder.iterdir()) if ".fits" in path.name]
        yield Part(some, [File(str(path), _header_length(path)) for path in paths])


def _fits_files(folder: Path) -> int:
    return sum(".fits" in path.name for path in folder.iterdir())


def _header_length(path: Path) -> int:
    path.read_bytes()
    header = read(path).header
    return len(header.raw) if header else 2880


def time_commands(top: Path, stoa: list[str], jobs: int, rounds: int, glob: str) -> dict[str, list[Cost]]:
    """The whole command in turn with the reference: all folders of a new project, none changed, one changed."""
    first, project, environ = top / "first", top / "project", quiet_environ(os.environ, top)
    first.mkdir()

    def run(folder: Path, *words: str) -> Cost:
        before, start = os.times(), time.perf_counter()
        done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(words)}: {done.stderr.decode(errors='replace')}")
        after = os.times()
        return Cost(time.perf_counter() - start, sum(after[2:4]) - sum(before[2:4]))

    run(first, "git", "init", "--quiet")
    run(first, *stoa, "init")
    run(first, *stoa, "root", "add", "data", str(top / "data"))
    run(first, *stoa, "target", "add", "data", glob)
    build = [*stoa, "meta", "build", "-j", str(jobs)]
    image = next((top / "data").rglob("*.fits"))
    found: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(first, project)
        costs = {"stoa meta build": run(project, *build), "stoa meta build, nothing to do": run(project, *build)}
        image.write_bytes(image.read_bytes() + b"\0" * 2880)
        costs["stoa meta build, one file again"] = run(project, *build)
        loop = [sys.executable, "-W", "ignore", "-c", LOOP, str(top / "data")]
        costs["python: astropy getheader loop"] = run(top, *loop)
        for name, cost in costs.items():
            found.setdefault(name, []).append(cost)
    return found


def render(report: Report) -> str:
    """The report as text for a terminal: medians of the rounds."""
    lines = [", ".join(f"{name} {value}" for name, value in report.machine.items())]
    lines += [f"{report.folders} folders, {report.files} FITS files", ""]
    for kind, costs in report.costs.items():
        lines += [f"{kind + ' files':<32} {'CPU us a file':>14} {'x astropy, CPU':>15} {'x astropy, wall':>16}"]
        for name, rounds in costs.items():
            pairs = list(zip(rounds, costs[REFERENCE], strict=True))
            each = median(cost.cpu_s / cost.files * 1e6 for cost in rounds)
            cpu = median(reference.cpu_s / cost.cpu_s for cost, reference in pairs)
            wall = median(reference.wall_s / cost.wall_s for cost, reference in pairs)
            lines.append(f"{name:<32} {each:>14.0f} {cpu:>15.1f} {wall:>16.1f}")
        lines.append("")
    lines += [f"{name}: left out, {reason}" for name, reason in report.missing.items()]
    for size, commands in report.commands.items():
        lines += ["", f"{size:<32} {'CPU, s':>14} {'wall, s':>15} {'x astropy, wall':>16}"]
        *_, loop = commands.values()
        for name, rounds in commands.items():
            cpu_s, wall_s = median(cost.cpu_s for cost in rounds), median(cost.wall_s for cost in rounds)
            times = median(reference.wall_s / cost.wall_s for cost, reference in zip(rounds, loop, strict=True))
            lines.append(f"{name:<32} {cpu_s:>14.2f} {wall_s:>15.2f} {times:>16.1f}")
    return "\n".join(lines)


def parse(words: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folders", type=int, default=1000, metavar="N", help="how many folders (1000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often all are measured (3)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes of STOA where it uses several (2)")
    parser.add_argument(
        "--source", type=Path, default=EXAMPLE, help="archive whose folders are copied (examples/archive)"
    )
    parser.add_argument("--stoa", default=str(Path(sys.executable).with_name("stoa")), help="the program to measure")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    parser.add_argument(
        "--grow", type=int, default=0, metavar="N", help="time the commands with N folders, too; 6000 have 20 000 files"
    )
    parser.add_argument("--commands-only", action="store_true", help="leave out the comparison of readers of headers")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    return parser.parse_args(words)


def main(words: list[str]) -> None:
    """Set up, measure, print, and remove what was made."""
    options = parse(words)
    stoa, report = options.stoa.split(), Report(machine(), 0, 0, options.jobs)
    with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder) as name:
        top = Path(name)
        folders = make_copies(top / "data", options.folders, options.source)
        report.folders, report.files = len(folders), sum(map(_fits_files, folders))
        if not options.commands_only:
            report.missing = missing()
            report.costs = compare(list(split(folders)), options.rounds, options.jobs)
        title = f"{report.folders} folders, {report.files} files"
        report.commands[title] = time_commands(top, stoa, options.jobs, options.rounds, "**/product")
    with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder) as name:
        make_folders(Path(name) / "data", options.folders)
        title = f"{options.folders} folders, an image each"
        report.commands[title] = time_commands(Path(name), stoa, options.jobs, options.rounds, "*")
    if options.grow:
        with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder) as name:
            grown = make_copies(Path(name) / "data", options.grow, options.source)
            title = f"{len(grown)} folders, {sum(map(_fits_files, grown))} files"
            report.commands[title] = time_commands(Path(name), stoa, options.jobs, 1, "**/product")
    print(json.dumps(asdict(report), indent=2) if options.json else render(report))


if __name__ == "__main__":
    main(sys.argv[1:])
