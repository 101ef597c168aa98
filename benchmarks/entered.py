"""Which modules of STOA a command enters, and by how many hops it reaches git: `python benchmarks/entered.py`.

A module is entered when one of its functions is called after the imports are done. A hop is a call from one module
to another, counted along the stack on which the commit is written, all of `cli/` being its start. The project is a
small one that has run before, so that its index is up to date.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1] / "stoa"
COMMIT = ("provenance/git/repository.py", "Repository.commit")


class Watch:
    """Notes the modules that are entered, and the stacks on which a commit is written."""

    def __init__(self) -> None:
        self.entered: dict[str, set[str]] = {}
        self.stacks: list[list[str]] = []

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_flags & inspect.CO_OPTIMIZED:  # bodies of classes are no functions
            return
        if (module := _module(frame)) is None or _is_importing(frame):
            return
        self.entered.setdefault(module, set()).add(code.co_qualname)
        if (module, code.co_qualname) == COMMIT:
            self.stacks.append(_stack(frame))


def _module(frame: FrameType) -> str | None:
    file = frame.f_code.co_filename
    return file[len(str(PACKAGE)) + 1 :] if file.startswith(f"{PACKAGE}{os.sep}") else None


def _is_importing(frame: FrameType | None) -> bool:
    while frame := frame.f_back if frame else None:
        if frame.f_code.co_name == "<module>" and _module(frame):
            return True
    return False


def _stack(frame: FrameType | None) -> list[str]:
    """Modules from `cli/` to the commit, each once where it calls itself."""
    found: list[str] = []
    while frame:
        if (module := _module(frame)) and (not found or found[-1] != module):
            found.append(module)
        frame = frame.f_back
    inner = [module for module in reversed(found) if not module.startswith("cli/")]
    return ["cli", *inner]


def watched(folder: Path, *words: str) -> Watch:
    """Run a command in this process and say what it entered."""
    from stoa.cli.main import main

    watch = Watch()
    before = Path.cwd(), sys.argv
    os.chdir(folder)
    sys.argv = ["stoa", *words]
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        os.chdir(before[0])
        sys.argv = before[1]
    return watch


def make_project(folder: Path) -> Path:
    """A project of three targets whose process has run once and has to run again."""
    project, data = folder / "project", folder / "data"
    for name in "abc":
        (data / name).mkdir(parents=True)
        (data / name / "x.txt").write_text(name, encoding="utf-8")
    project.mkdir()
    script = project / "look.sh"
    script.write_text('#!/bin/sh\nls "$1"\n', encoding="utf-8")
    script.chmod(0o755)

    def do(*words: str) -> None:
        subprocess.run(words, cwd=project, check=True, capture_output=True)

    stoa = (sys.executable, "-m", "stoa")
    do("git", "init", "-q")
    do("git", "config", "user.name", "Test Astronomer")
    do("git", "config", "user.email", "test@example.org")
    do(*stoa, "init")
    do(*stoa, "root", "add", "data", str(data))
    do(*stoa, "target", "add", "data", "*")
    do(*stoa, "process", "new", "look", "--from", "look.sh")
    do("git", "add", "look.sh")
    do("git", "commit", "-qm", "a script")
    do(*stoa, "run", "look")
    return project


def main_() -> None:
    """Print what `stoa run` and `stoa flag` enter."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder))
        found = {
            "run": watched(project, "run", "look", "--force", "-j", "1", "--quiet"),
            "flag": watched(project, "flag", "a", "--reason", "check"),
        }
    for verb, watch in found.items():
        shortest = min(watch.stacks, key=len)
        print(f"stoa {verb}: {len(watch.entered)} modules entered, {len(shortest) - 1} hops to git")
        print("  " + " -> ".join(shortest))
        rooms: dict[str, list[str]] = {}
        for module in sorted(watch.entered):
            room, _, name = module.removesuffix(".py").rpartition("/")
            rooms.setdefault(room or "base", []).append(name)
        for room, names in sorted(rooms.items()):
            print(f"  {room}: {', '.join(names)}")


if __name__ == "__main__":
    main_()
