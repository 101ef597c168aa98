"""How long a table of many rows takes from the command, or the click, until a real TOPCAT says that it has loaded it.

    python benchmarks/samp.py [ROWS] [--clicks]

TOPCAT runs on a screen that no one sees, with its own hub, and so does a Chromium. Measured are `stoa samp send` as a
process of its own, the Python call in a process that runs, and a click in the dashboard, through the browser and
through `stoa samp bridge`; each some times, with TOPCAT already there. What astropy takes to write the file, and
TOPCAT to read it, is measured alone.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "support"))

import browser  # noqa: E402 - what the tests drive programs with
import topcat  # noqa: E402
from joined import join  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

import stoa  # noqa: E402
from stoa.vo.samp import LOAD_FITS, address_of, connected  # noqa: E402

TIMES = 5
TARGETS = 20
TAKEN = re.compile(r"[Ss]ent:? sources_find\S*[:,] (?:to )?topcat")
ALLOW = (263, 307)
PROCESS = """\
name: find
script: find.sh
command: [sh, "{script}", "{target}"]
outputs: {sources: {path: sources.fits, kind: catalogue}}
"""


def stoa_does(*words: str, cwd: Path) -> None:
    """Run a command that has to succeed."""
    subprocess.run([sys.executable, "-m", "stoa", *words], cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def make(top: Path, rows: int) -> Path:
    """A project whose process finds `rows` sources of eleven columns, in twenty targets."""
    random = np.random.default_rng(1)
    project = top / "project"
    each = rows // TARGETS
    for number in range(TARGETS):
        folder = project / "data" / f"t{number:02}"
        folder.mkdir(parents=True)
        columns = {"ra_deg": random.uniform(0, 360, each), "dec_deg": random.uniform(-80, 80, each)}
        for name in ("snr", "flux", "e_flux", "peak_flux", "rms", "gain", "a", "b"):
            columns[name] = random.lognormal(0, 1, each)
        Table(columns).write(folder / "table.fits")
    for words in (["init", "-q"], ["config", "user.name", "Bench"], ["config", "user.email", "bench@example.org"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    (project / ".gitignore").write_text("/data/\n", encoding="utf-8")
    for words in (["init"], ["root", "add", "data", "data"], ["target", "add", "data", "*"]):
        stoa_does(*words, cwd=project)
    (project / "find.sh").write_text('cp "$1/table.fits" sources.fits\n', encoding="utf-8")
    (project / ".stoa/processes/find.yaml").write_text(PROCESS, encoding="utf-8")
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)
    subprocess.run(["git", "commit", "-qm", "a finder"], cwd=project, check=True)
    stoa_does("run", "find", cwd=project)
    return project


def show(what: str, times: list[float]) -> None:
    """A line of the table."""
    print(f"| {what} | {statistics.median(times):.2f} | {max(times):.2f} | {len(times)} |", flush=True)


def measured(act: Callable[[], Any]) -> list[float]:
    """Seconds that an act takes, some times."""
    found = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        act()
        found.append(time.perf_counter() - begun)
    return found


def alone(top: Path, table: Table) -> None:
    """Writing the file, and TOPCAT's loading of it, without anything of STOA's between."""
    file = top / "alone.fits"
    show("astropy writes the file, alone", measured(lambda: table.write(file, overwrite=True)))
    with connected() as hub:
        (application,) = [each for each in hub.receivers(LOAD_FITS) if each.name == "topcat"]
        count = iter(range(100))

        def load() -> None:
            hub.send(application, LOAD_FITS, {"url": address_of(file), "table-id": f"alone-{next(count)}"})

        show("TOPCAT loads the file, alone", measured(load))


def commands(project: Path, file: Path) -> None:
    """By the command line, and from Python."""
    send = ["samp", "send", "--to", "topcat"]
    show("`stoa samp send FILE`, the whole command", measured(lambda: stoa_does(*send, str(file), cwd=project)))
    show("`stoa samp send find@default`, the whole command", measured(lambda: stoa_does(*send, "find", cwd=project)))
    with stoa.open(project) as opened:
        show("`project.send(FILE)` in Python", measured(lambda: opened.send(str(file), to="topcat")))


def clicks(project: Path, screen: topcat.Screen) -> None:
    """In the dashboard, by both ways."""
    with browser.served(project) as address, sync_playwright() as play:
        chrome = play.chromium.launch(executable_path=browser.chromium(), args=["--no-sandbox"])
        visitor = browser.Visitor(chrome.new_page(), address).open("catalogue")
        visitor.click("Connect to TOPCAT")

        def allowed() -> bool:
            if window := screen.window("SAMP Hub Security"):
                screen.click(window, *ALLOW)
            return bool(visitor.page.get_by_text("Connected with your desktop.").count())

        topcat.until(allowed, "TOPCAT's leave", pause=1)
        show("click in the dashboard, through the browser", one_by_one(visitor, words_of(visitor)))
        visitor.click("Disconnect from TOPCAT")
        bridge = join(visitor)
        try:
            show("click in the dashboard, through a bridge", one_by_one(visitor, lambda: "".join(bridge.lines)))
        finally:
            bridge.end()
        chrome.close()


def words_of(visitor: browser.Visitor) -> Callable[[], str]:
    """What the page has said about messages since."""
    visitor.page.evaluate(
        "() => { const say = stoaDesk.say; stoaDesk.all = ''; Object.defineProperty(stoaDesk, 'words', "
        "{ set: (words) => { stoaDesk.all += words; }, get: () => '' }); say(''); }"
    )
    return lambda: str(visitor.page.evaluate("() => stoaDesk.all"))


def one_by_one(visitor: browser.Visitor, said: Callable[[], str]) -> list[float]:
    """Seconds from the click until TOPCAT has the table, with the menu opened before."""
    found = []
    for _ in range(TIMES):
        visitor.ready()
        if not visitor.page.get_by_role("button", name="Send to TOPCAT").count():
            visitor.click("Export", exact=False)
        visitor.page.wait_for_timeout(500)
        known = len(TAKEN.findall(said()))
        begun = time.perf_counter()
        visitor.page.get_by_role("button", name="Send to TOPCAT").click()
        while len(TAKEN.findall(said())) == known:
            if time.perf_counter() - begun > 120:
                sys.exit(f"error: after two minutes there is only {said()!r}")
            visitor.page.wait_for_timeout(20)
        found.append(time.perf_counter() - begun)
    return found


def main(rows: int) -> None:
    """Measure all of it."""
    with (
        tempfile.TemporaryDirectory(prefix="stoa-bench-") as place,
        topcat.running_topcat(Path(place, "home")) as screen,
    ):
        top = Path(place)
        os.environ["SAMP_HUB"] = f"std-lockurl:{(top / 'home' / '.samp').as_uri()}"
        project = make(top, rows)
        file = project / "sources.fits"
        stoa_does("catalogue", "export", "find", "--out", str(file), cwd=project)
        table = Table.read(file)
        print(f"{len(table)} rows, {len(table.colnames)} columns, {file.stat().st_size / 1e6:.1f} MB as FITS")
        print(f"load {os.getloadavg()[0]:.1f}\n\n| what | median, s | slowest, s | times |\n|---|---|---|---|")
        alone(top, table)
        if "--clicks" not in sys.argv:
            commands(project, file)
        clicks(project, screen)
        print(f"\nload {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdecimal() else 100_000)
