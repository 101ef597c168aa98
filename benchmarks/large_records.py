"""What a document of many images, or a long record, costs each command: `python benchmarks/large_records.py`.

Processor time of a whole command, start of Python included. Whoever can push can make such records; no figure may grow
faster than what it is measured over.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROCESS = 'schema: 1\nname: p\nscript: p.sh\ncommand: [sh, "{script}"]\n'
GROUPS = (1250, 5000, 20_000)
KILOBYTES = (225, 450, 900)


def stoa(top: Path, *words: str) -> float:
    """Seconds of processor time that a command takes."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "stoa", *words], cwd=top, capture_output=True, check=False)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def git(top: Path, *words: str) -> None:
    """Run git in the project."""
    subprocess.run(["git", *words], cwd=top, check=True, capture_output=True)


def make_project(top: Path) -> None:
    """A project with one target and one run."""
    (top / "data/a").mkdir(parents=True)
    git(top, "init", "-q")
    git(top, "config", "user.name", "B")
    git(top, "config", "user.email", "b@example.org")
    (top / "p.sh").write_text("echo hi\n", encoding="utf-8")
    stoa(top, "init")
    (top / ".stoa/processes/p.yaml").write_text(PROCESS, encoding="utf-8")
    for words in (["root", "add", "data", "data"], ["target", "add", "data", "a"], ["run", "p"]):
        stoa(top, *words)


def save(top: Path, file: Path, text: str) -> None:
    """Commit a file."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "larger")


def main() -> None:
    """Print what each command takes."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        make_project(top)
        for count in GROUPS:
            files = (
                f'<group key="g{n}"><file FILETYPE="image" NAXIS1="1">g{n}.image.fits</file></group>'
                for n in range(count)
            )
            save(top, top / ".stoa/meta/a.xml", f'<project><group key="P">{"".join(files)}</group></project>\n')
            verbs = (["status"], ["meta", "check"], ["plan", "p"], ["fsck"])
            print(f"{count} images:", ", ".join(f"{' '.join(words)} {stoa(top, *words):.2f} s" for words in verbs))
        (outcomes,) = (top / ".stoa/runs").glob("*/outcomes-0000.yaml")
        record = json.loads(outcomes.read_text(encoding="utf-8")[2:])
        for size in KILOBYTES:
            text = json.dumps(record | {"status": "failed", "cause": "a 1/1/" * (size * 1000 // 6)})
            save(top, outcomes, f"- {text}\n")
            verbs = (["status"], ["show", "a"], ["why", "p", "a"], ["fsck"])
            print(f"{size} kB:", ", ".join(f"{' '.join(words)} {stoa(top, *words):.2f} s" for words in verbs))


if __name__ == "__main__":
    main()
