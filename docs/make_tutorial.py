"""Brings what commands print in the tutorials up to date; `--check` says whether it is.

The pages are written by hand, but for the blocks that begin with a prompt: what is below the prompt was printed,
its ids, commits, times and folder replaced by fixed ones. The commands of `tutorial.md` are those of `stoa demo`;
`--log FILE` takes the output of a demo that was played already, instead of playing one for a minute. The commands of
`tutorial-quasars.md` are typed as the page has them, and the pictures that it shows are taken from what they draw.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import count
from pathlib import Path

PAGE = Path(__file__).with_name("tutorial.md")
STORY = Path(__file__).with_name("tutorial-quasars.md")
FOLDER = "/home/you/stoa-demo"

_BLOCK = re.compile(r"```console\n\$ (?P<command>.*)\n(?:(?!```).*\n)*```")
_RUN = re.compile(r"\b\d{8}T\d{6}-[a-z0-9]{6}\b")
_COMMIT = re.compile(r"(?<=commit )[0-9a-f]{9}\b|^[0-9a-f]{7}(?= )", re.MULTILINE)
_DURATION = re.compile(r"(?<=commit; )(?:\d+(?:\.\d+)? s|\d+:\d\d)$", re.MULTILINE)
_TIME = re.compile(r"(?<=> on )\S+, \d{4}-\d\d-\d\dT[\d:.]+(?:\+00:00|Z)")
_LONG_COMMIT = re.compile(r"(commit \\texttt\{)[0-9a-f]{12}(?=\})")
_TRACEBACK = re.compile(r"(Traceback \(most recent call last\):\n)(?:[ ].*\n)+")


def play() -> str:
    """What `stoa demo` prints in an empty home."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "stoa", "demo", f"{home}/stoa-demo"]
        done = subprocess.run(
            command,
            env=_environ(home),
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.exit(f"`stoa demo` ended with exit code {done.returncode}:\n{done.stdout}")
    return done.stdout


def type_page(page: str, home: Path) -> str:
    """What a page's commands print when they are typed one after the other, in the form of a demo's log.

    A check that finds something exits with 1, a run with failures with 3; anything else is a mistake.
    """
    folder = home
    log = ""
    for command in commands(page):
        if command.startswith("cd "):
            folder = folder / command.removeprefix("cd ")
            log = f"the demo is in {folder}\n{log}$ {command}\n"
            continue
        done = subprocess.run(
            ["bash", "-c", command], env=_environ(str(home)), cwd=folder, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        log += f"$ {command}\n{done.stdout}"
        if done.returncode not in (0, 1, 3):
            sys.exit(f"`{command}` ended with exit code {done.returncode}:\n{done.stdout}")
    return log


def pictures(page: str) -> list[str]:
    """Names of the pictures that a page shows."""
    return re.findall(r"!\[[^\]]*\]\(pictures/([^)]+)\)", page)


def _environ(home: str) -> dict[str, str]:
    """An empty home with this interpreter's programs first."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {
        "PATH": path, "HOME": home, "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", "COLUMNS": "200",
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "init.defaultBranch", "GIT_CONFIG_VALUE_0": "main",
        "GIT_CONFIG_KEY_1": "user.name", "GIT_CONFIG_VALUE_1": "Demo User",
        "GIT_CONFIG_KEY_2": "user.email", "GIT_CONFIG_VALUE_2": "demo@example.org",
    }  # fmt: skip


def normal(log: str) -> str:
    """The output of a demo without what differs from one time to the next."""
    folder = re.search(r"^the demo is in (.*)$", log, re.MULTILINE)
    if not folder:
        sys.exit("this is not what `stoa demo` prints")
    log = log.replace(folder[1], FOLDER)
    log = re.sub(rf"\b{re.escape(Path(folder[1]).name)}-[0-9a-f]{{8}}\b", "stoa-demo-5e1f00aa", log)
    log = _renamed(
        _RUN, log, (f"20261122T10{minute:02d}00-k3f9q2" for minute in count(30, 5)), len("20261122T103000-k3f9q2")
    )
    log = _renamed(_COMMIT, log, (f"{0x1A2B3C4D5 + 0x10305070B * number:09x}"[:9] for number in count()), 7)
    log = re.sub(r"on branch \w+", "on branch main", log)
    log = _DURATION.sub("30 s", log)
    log = _TIME.sub(r"somehost, 2026-11-22T10:30:00", log)
    log = _LONG_COMMIT.sub(r"\g<1>1a2b3c4d5e6f", log)
    return _TRACEBACK.sub(r"\1  ...\n", log)


def _renamed(pattern: re.Pattern[str], text: str, names: Iterable[str], significant: int) -> str:
    """The text with each distinct match replaced by the next name; matches are distinct in their first characters."""
    known: dict[str, str] = {}
    fresh = iter(names)

    def name(found: re.Match[str]) -> str:
        key = found[0][:significant]
        known.setdefault(key, next(fresh) if key not in known else "")
        return known[key][: len(found[0])]

    return pattern.sub(name, text)


def outputs(log: str) -> list[tuple[str, str]]:
    """Each command of a demo and what it printed, in order."""
    parts = re.split(r"^\$ (.*)\n", re.split(r"^done in .*", log, flags=re.MULTILINE)[0], flags=re.MULTILINE)
    printed = (re.sub(r"\n*(\n# .*)?\n*\Z", "", text) for text in parts[2::2])
    return list(zip(parts[1::2], printed, strict=True))


def commands(page: str) -> list[str]:
    """The commands that a page shows, in order."""
    return [found["command"] for found in _BLOCK.finditer(page)]


def refreshed(page: str, played: list[tuple[str, str]]) -> str:
    """The page with the present output below each of its commands."""
    left = iter(played)

    def block(found: re.Match[str]) -> str:
        said = next((said for command, said in left if command == found["command"]), None)
        if said is None:
            sys.exit(f"the tutorial shows `{found['command']}`, which the demo does not play here")
        return f"```console\n$ {found['command']}\n" + (f"{said}\n" if said else "") + "```"

    return _BLOCK.sub(block, page)


def log_of(arguments: argparse.Namespace) -> str:
    """The output of the demo that is asked for."""
    log = arguments.log.read_text(encoding="utf-8") if arguments.log else play()
    if arguments.keep:
        arguments.keep.write_text(log, encoding="utf-8")
    return log


def parser() -> argparse.ArgumentParser:
    """Arguments that this script and `make_terminal_picture.py` share."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--log", type=Path, help="what a demo has printed")
    asked.add_argument("--keep", type=Path, help="where to keep what the demo prints")
    return asked


def _story(*, check: bool) -> str:
    """The page of the quasars with what its commands print now; its pictures are put in place unless it is a check."""
    page = STORY.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as home:
        log = type_page(page, Path(home))
        for name in () if check else pictures(page):
            STORY.with_name("pictures").mkdir(exist_ok=True)
            shutil.copy(next(Path(home).glob(f"*/catalogues/{name}")), STORY.with_name("pictures") / name)
    return refreshed(page, outputs(normal(log)))


def main() -> int:
    """Write the pages, or with --check compare them; 1 if one is out of date."""
    asked = parser()
    asked.add_argument("--check", action="store_true", help="write nothing, say whether the pages are up to date")
    arguments = asked.parse_args()
    first = refreshed(PAGE.read_text(encoding="utf-8"), outputs(normal(log_of(arguments))))
    old = 0
    for page, fresh in ((PAGE, first), (STORY, _story(check=arguments.check))):
        shown = page.read_text(encoding="utf-8")
        if not arguments.check:
            page.write_text(fresh, encoding="utf-8")
        elif shown != fresh:
            old = 1
            sys.stderr.writelines(difflib.unified_diff(shown.splitlines(True), fresh.splitlines(True), "page", "now"))
            print(f"{page} is out of date; `python docs/make_tutorial.py` writes it again", file=sys.stderr)
    return old


if __name__ == "__main__":
    sys.exit(main())
