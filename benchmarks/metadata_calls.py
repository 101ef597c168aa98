"""How many calls of the system `stoa meta build` makes for each folder and file, counted by strace."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from archive_copies import EXAMPLE, changed
from run_overhead import quiet_environ

CALL = re.compile(r'^\d+\s+(\w+)\((?:(\d+)|AT_FDCWD, "([^"]*)"|"([^"]*)").*?(?:= (\d+))?(?:<.*)?$')
KINDS = {
    "openat": "open", "getdents64": "getdents", "pread64": "read", "read": "read", "newfstatat": "stat",
    "statx": "stat",
    "fsync": "sync", "fdatasync": "sync", "syncfs": "sync", "rename": "rename", "renameat": "rename", "write": "write",
}  # fmt: skip


def make_folders(top: Path, count: int) -> None:
    """Folders with one plain image each, whose headers all differ."""
    image = next(EXAMPLE.rglob("*.pbcor.fits")).read_bytes()
    for number in range(count):
        folder = top / f"t{number:06d}"
        folder.mkdir(parents=True)
        (folder / f"t{number:06d}.image.pbcor.fits").write_bytes(changed(image, number))


def calls(trace: str, data: Path, project: Path) -> dict[str, Counter[str]]:
    """Calls by kind: on folders of the data, on their files, and on files of the project's work tree."""
    found = {"folder": Counter[str](), "file": Counter[str](), "document": Counter[str]()}
    opened: dict[tuple[str, str], str] = {}  # process and descriptor -> what it is of

    def place(path: str) -> str:
        if path.startswith(f"{data}/"):
            return "file" if path.endswith(".fits") else "folder"
        return "document" if path.startswith(f"{project}/.stoa/meta/") else ""

    for line in whole_lines(trace):
        match = CALL.match(line)
        if not match or match[1] not in KINDS:
            continue
        process, name = line.split(maxsplit=1)[0], match[1]
        path = match[3] or match[4] or ""
        what = place(path) if path else opened.get((process, match[2] or ""), "")
        if name == "openat":
            opened[process, match[5] or ""] = what
        if what:
            found[what][KINDS[name]] += 1
    return found


def whole_lines(trace: str) -> list[str]:
    """Lines of strace; a call that was interrupted by one of another process in one piece."""
    begun: dict[str, str] = {}
    lines = []
    for line in trace.splitlines():
        process = line.split(maxsplit=1)[0]
        if line.endswith("<unfinished ...>"):
            begun[process] = line.removesuffix("<unfinished ...>")
        elif "resumed>" in line:
            lines.append(begun.pop(process, "") + line.partition("resumed>")[2])
        else:
            lines.append(line)
    return lines


def main(words: list[str]) -> None:
    """Set up, trace, count, print, and remove what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folders", type=int, default=1000, metavar="N", help="how many folders (1000)")
    parser.add_argument("--stoa", default=str(Path(sys.executable).with_name("stoa")), help="the program to measure")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made (the system's place)")
    options = parser.parse_args(words)
    if not shutil.which("strace"):
        sys.exit("strace is not there (Debian: apt-get install strace)")
    with tempfile.TemporaryDirectory(prefix="stoa-bench-", dir=options.folder) as top:
        data, project, trace = Path(top) / "data", Path(top) / "project", Path(top) / "trace"
        make_folders(data, options.folders)
        project.mkdir()
        environ = quiet_environ(os.environ, Path(top))
        stoa = [options.stoa]
        for command in (
            ["git", "init", "--quiet"],
            [*stoa, "init"],
            [*stoa, "root", "add", "data", str(data)],
            [*stoa, "target", "add", "data", "*"],
            ["strace", "-f", "-s", "300", "-o", str(trace), *stoa, "meta", "build"],
        ):
            subprocess.run(command, cwd=project, env=environ, check=True, capture_output=True)
        found = calls(trace.read_text(errors="replace"), data, project)
    for what, counts in found.items():
        each = ", ".join(f"{count / options.folders:.2f} {kind}" for kind, count in sorted(counts.items()))
        print(f"for each {what}: {each}")


if __name__ == "__main__":
    main(sys.argv[1:])
