"""What a reviewing session costs: clicks, keys and seconds in the dashboard, and the same with the command line.

80 targets, of which 50 failed for 4 causes. The session: see the causes, flag the 12 targets of one of them, run what
failed again after the script was mended, compare before and after, send the catalogue to TOPCAT. A real Chromium at
`stoa ui`, real commands, and a SAMP hub in the place of TOPCAT's. Git is asked after each step whether it was done.

`python benchmarks/session.py`. Seconds are those of the programs: nobody thinks, and nobody types. Keys of the command
line are the characters of the commands with their Enter.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import synthetic
from pyvo import samp

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "support"))

import browser  # noqa: E402 - a helper of the tests, beside them
from web_profile import Yes  # noqa: E402

CAUSES = {
    "no beam in the header": 20,
    "the file is cut off": 12,
    "all pixels are NaN": 10,
    "no primary beam": 8,
}
OK = 30
WEB_PORT = 21012  # of the Web Profile, fixed by its standard
FLAGGED = "the file is cut off"

PROCESS = """\
schema: 1
name: find
script: find.sh
command: [sh, "{script}", "{target}"]
outputs: {sources: {path: sources.csv, kind: catalogue}}
results: {n_sources: {type: int}}
"""

SCRIPT = """\
if [ -f "$1/cause" ]; then echo "Error: $(cat "$1/cause")" >&2; exit 1; fi
cp "$1/sources.csv" sources.csv
echo '{"n_sources": 2}' > stoa-result.json
"""

MENDED = SCRIPT.replace('if [ -f "$1/cause" ]', "if grep -q 'cut off' \"$1/cause\" 2> /dev/null")

QUERY = f"SELECT target FROM latest WHERE cause LIKE '%{FLAGGED}%'"
COMMANDS = {
    "see the causes": ["stoa status find"],
    "flag the 12 of one cause": [f'stoa flag -r incomplete $(stoa query -q --csv "{QUERY}" | tail -n +2)'],
    "run again what failed": ["stoa plan find --failed", "stoa run find --failed"],
    "compare": ["stoa runs", "stoa diff {first} last"],
    "send the catalogue": ["stoa samp send find@default"],
}


class Counted:
    """A person at a page, whose clicks and keys are counted."""

    def __init__(self, page: Any, address: str) -> None:
        self.visitor = browser.Visitor(page, address)
        self.clicks = self.keys = 0

    def click(self, name: str, *, role: str = "button", exact: bool = True) -> None:
        self.clicks += 1
        self.visitor.page.get_by_role(role, name=name, exact=exact).last.click()
        self.visitor.ready()

    def goto(self, title: str) -> None:
        """Choose a page in the sidebar."""
        self.click(title, role="link")
        self.visitor.page.get_by_role("heading", name=title, exact=True).wait_for()
        self.visitor.ready()

    def tick(self, table: int, row: int) -> None:
        self.clicks += 1
        self.visitor.select(table, row).ready()

    def type(self, words: str) -> None:
        self.keys += len(words)
        self.visitor.page.keyboard.type(words)

    def press(self, key: str) -> None:
        self.keys += 1
        self.visitor.page.keyboard.press(key)

    def see(self, text: Any) -> None:
        self.visitor.see(text).ready()


def make(top: Path) -> Path:
    """The project after the first run of the night."""
    project, data = top / "project", top / "project" / "data"
    data.mkdir(parents=True)
    os.environ.update(synthetic.quiet_environ(os.environ, top))
    causes = [cause for cause, number in CAUSES.items() for _ in range(number)]
    for number in range(OK + len(causes)):
        folder = data / f"t{number:03d}"
        folder.mkdir()
        rows = [f"{number + 0.1 * n},{n},{10 + n},0.01,0.001" for n in range(2)]
        (folder / "sources.csv").write_text("\n".join(["ra_deg,dec_deg,snr,flux,e_flux", *rows, ""]))
        if number >= OK:
            (folder / "cause").write_text(causes[(number - OK) * 7 % len(causes)])
    (project / ".gitignore").write_text("/data/\n")
    (project / "find.sh").write_text(SCRIPT)
    for line in ("git init -q", "git config user.name Bench", "git config user.email bench@example.org", "stoa init",
                 "stoa root add data data", "stoa target add data *"):  # fmt: skip
        run(project, line.split())
    (project / ".stoa/processes/find.yaml").write_text(PROCESS)
    run(project, ["git", "add", "--all"])
    run(project, ["git", "commit", "-qm", "the finder"])
    run(project, ["stoa", "run", "find"])
    return project


def run(project: Path, words: list[str]) -> None:
    """A command of the preparation."""
    command = [sys.executable, "-m", *words] if words[0] == "stoa" else words
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"error: {' '.join(words)}: {done.stderr}")


def asked(project: Path, *words: str) -> str:
    """What git says."""
    return subprocess.run(["git", *words], cwd=project, capture_output=True, text=True, check=True).stdout


def runs(project: Path) -> list[str]:
    """Ids of the runs in git, the oldest first."""
    return asked(project, "ls-tree", "--name-only", "HEAD:.stoa/runs").split()


def flagged(project: Path) -> int:
    """Targets with a review."""
    return len(asked(project, "ls-tree", "--name-only", "HEAD:.stoa").split("reviews")) > 1 and len(
        asked(project, "ls-tree", "--name-only", "HEAD:.stoa/reviews").split()
    )


def must(holds: object, what: str) -> None:
    """Stop where something is not so."""
    if not holds:
        sys.exit(f"error: this does not hold: {what}")


def until(holds: Callable[[], object], what: str) -> None:
    """Wait for something to be so."""
    end = time.monotonic() + 120
    while not holds():
        must(time.monotonic() < end, what)
        time.sleep(0.02)


@contextmanager
def hub(place: Path) -> Iterator[list[dict[str, str]]]:
    """A hub with a program that takes tables; gives what it was sent."""
    with socket.socket() as probe:
        must(probe.connect_ex(("127.0.0.1", WEB_PORT)), f"port {WEB_PORT} is free: end the other SAMP hub")
    samp.conf.use_internet = False
    os.environ["SAMP_HUB"] = f"std-lockurl:{(place / 'samp').as_uri()}"
    dialog, got = Yes(), []
    server = samp.SAMPHubServer(addr="127.0.0.1", web_profile=True, web_profile_dialog=dialog)
    server.start()
    answering = threading.Thread(target=dialog.answer)
    answering.start()
    client = samp.SAMPIntegratedClient(name="tables", addr="127.0.0.1")
    client.connect()

    def take(_key: str, _sender: str, _id: str, _kind: str, params: dict[str, str], *_more: object) -> None:
        got.append(params)

    def take_and_answer(_key: str, sender: str, number: str, kind: str, params: dict[str, str], *_m: object) -> None:
        take(_key, sender, number, kind, params)
        client.reply(number, {"samp.status": "samp.ok", "samp.result": {}})

    for kind in ("table.load.fits", "table.load.votable"):
        client.bind_receive_notification(kind, take)
        client.bind_receive_call(kind, take_and_answer)
    try:
        yield got
    finally:
        client.disconnect()
        dialog.over.set()
        answering.join()
        server.stop()


def in_the_browser(project: Path, got: list[dict[str, str]]) -> Iterator[tuple[str, int, int, float]]:
    """Each step with its clicks, keys and seconds."""
    from playwright.sync_api import sync_playwright

    with browser.served(project) as address, sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        page = chrome.new_context(viewport={"width": 1280, "height": 1400}).new_page()
        person = Counted(page, address)
        person.visitor.open().see("Newest failures")  # the dashboard is open in the morning
        for what, step in BROWSER.items():
            before, begin = (person.clicks, person.keys), time.perf_counter()
            step(person, project, got)
            yield what, person.clicks - before[0], person.keys - before[1], time.perf_counter() - begin
            if what.startswith("flag"):
                mend(project)
        chrome.close()


def see_causes(person: Counted, _project: Path, _got: list[dict[str, str]]) -> None:
    """Open the failures of the night."""
    person.goto("Failures")
    person.see("50 outcomes of 50 targets, 4 causes")


def flag_cause(person: Counted, project: Path, _got: list[dict[str, str]]) -> None:
    """Choose a cause, and flag all of it."""
    person.tick(0, 1)  # the second cause of the list
    person.see("the buttons are about all 12 that match")
    person.click("Flag …")
    dialog = person.visitor.page.get_by_role("dialog")
    dialog.get_by_role("combobox").last.click()
    person.clicks += 1
    person.type("incomplete")
    person.press("Enter")
    person.clicks += 1
    person.visitor.confirm("Flag")
    person.see("flagged 12 targets")
    must(flagged(project) == 12, "12 flags")


def run_again(person: Counted, project: Path, _got: list[dict[str, str]]) -> None:
    """Look at the plan for what failed, start it, and wait for the run."""
    person.goto("Run")
    person.clicks += 1
    person.visitor.page.get_by_text("failed", exact=True).last.click()
    person.see("stoa run find --failed")
    person.click("Show the plan")
    person.see("50 of 80 jobs would run")
    person.click("Start: 50 targets")
    until(lambda: len(runs(project)) == 2, "a second run")


def compare(person: Counted, _project: Path, _got: list[dict[str, str]]) -> None:
    """Look at what the second run changed."""
    person.goto("Compare")
    person.see("12 jobs with the same status")


def send(person: Counted, _project: Path, got: list[dict[str, str]]) -> None:
    """Send the sources to TOPCAT."""
    person.goto("Catalogue")
    person.click("Export", exact=False)
    person.click("Send to TOPCAT")
    until(lambda: got or person.visitor.page.wait_for_timeout(20), "a table at the hub")


BROWSER: dict[str, Callable[[Counted, Path, list[dict[str, str]]], None]] = dict(
    zip(COMMANDS, (see_causes, flag_cause, run_again, compare, send), strict=True)
)


def mend(project: Path) -> None:
    """What the astronomer does between the two halves of the session, in an editor: it is counted on neither side."""
    (project / "find.sh").write_text(MENDED)
    run(project, ["git", "commit", "-qam", "the finder takes images without a beam"])


def typed(project: Path, got: list[dict[str, str]]) -> Iterator[tuple[str, int, int, float]]:
    """The same steps as commands of a shell."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for what, commands in COMMANDS.items():
        keys, begin = 0, time.perf_counter()
        for command in commands:
            line = command.format(first=runs(project)[0][:15]) if "{first}" in command else command
            keys += len(line) + 1
            done = subprocess.run(
                ["sh", "-c", line], cwd=project, env=os.environ | {"PATH": path}, capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            must(done.returncode in (0, 3), f"{line}: {done.stderr}")
        if what.startswith("send"):
            until(lambda: got, "a table at the hub")
        yield what, 0, keys, time.perf_counter() - begin
        if what.startswith("flag"):
            must(flagged(project) == 12, "12 flags")
            mend(project)


def main() -> None:
    """Play both sessions, each in a project of its own, and print the table."""
    logging.disable(logging.INFO)
    print(f"{synthetic.where()}; load before: {os.getloadavg()[0]:.1f}\n")
    print("| step | clicks | keys | seconds | keys, command line | seconds |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="stoa-session-") as folder:
        places = [Path(folder, name) for name in ("browser", "shell")]
        with hub(Path(folder)) as got:
            first = list(in_the_browser(make(places[0]), got))
            got.clear()
            second = list(typed(make(places[1]), got))
    rows = [[*one, *other[2:]] for one, other in zip(first, second, strict=True)]
    total = ["all", *(sum(row[n] for row in rows) for n in range(1, 6))]
    for what, clicks, keys, seconds, typed_keys, typed_seconds in [*rows, total]:
        print(f"| {what} | {clicks} | {keys} | {seconds:.1f} | {typed_keys} | {typed_seconds:.1f} |")


if __name__ == "__main__":
    main()
