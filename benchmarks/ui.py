"""How long a person waits for the dashboard, in a real Chromium over a synthetic project.

`python benchmarks/ui.py --outcomes 10000` makes a project of one run, serves it as `stoa ui` does, and measures from
the key or click until the effect is on the screen, or in git. A page that Streamlit draws with nothing on it, in the
same browser, says what of a new page is STOA's own share. MLflow's pages are measured over as many runs, where it can
be installed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import synthetic
import ui_mlflow
from astropy.io import fits
from playwright.sync_api import Page, sync_playwright

SIDE = 300
IMAGES = 1000
PATIENCE_MS = 120_000
PARTS = ("times", "memory", "empty", "mlflow")
WARM_ACTIONS = 100
"""After so many actions memory is compared with that of the end: by then each page has been drawn."""

HEADING = "| what | median, s | slowest, s | times | processor of the server, s | goal, s |\n|---|---|---|---|---|---|"
CHROMIUM = "/usr/bin/chromium"
READY = """() => {
  const app = document.querySelector('[data-testid=stApp]');
  return app && app.dataset.testScriptState === 'notRunning' && app.dataset.testConnectionState === 'CONNECTED'
    && !document.querySelector('[data-stale=true]');
}"""
DRAWN = "() => document.querySelector('iframe')?.contentDocument?.body?.dataset?.shown"
EMPTY = "import streamlit as st\nst.set_page_config(page_icon='🔭')\nst.text('nothing')\n"


def make(top: Path, outcomes: int) -> Path:
    """A project with one run, and images for its first targets."""
    project, data = top / "project", top / "data"
    top.mkdir()
    with closing(synthetic.make_project(project, outcomes, data)) as workspace:
        workspace.store.commit(dict(synthetic.one_run(0, outcomes, outcomes)), "a run", author=synthetic.AUTHOR)
    first = data / "image.fits"
    header = fits.Header(
        {"BUNIT": "Jy/beam", "BMAJ": 1e-4, "BMIN": 1e-4, "BPA": 0.0, "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN"}
    )
    header.update({"CRVAL1": 10.0, "CRVAL2": -30.0, "CRPIX1": 150.0, "CRPIX2": 150.0, "CDELT1": -2e-5, "CDELT2": 2e-5})
    noise = np.random.default_rng(1).normal(size=(SIDE, SIDE)).astype(np.float32)
    fits.PrimaryHDU(noise, header).writeto(first)
    for one in sorted(map(synthetic.target, range(outcomes)), key=lambda one: one.name)[:IMAGES]:
        folder = data / one.path
        folder.mkdir(parents=True, exist_ok=True)
        os.link(first, folder / synthetic.image(one.name))
    for words in (("user.name", "Bench"), ("user.email", "bench@example.org")):
        subprocess.run(["git", "-C", project, "config", *words], check=True)
    return project


@contextmanager
def started(command: list[str], cwd: Path) -> Iterator[tuple[str, int]]:
    """A server, its address and its process."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                yield found[0], process.pid
                return
        sys.exit("error: the server did not start")
    finally:
        process.terminate()
        process.wait(60)


def dashboard(project: Path) -> AbstractContextManager[tuple[str, int]]:
    """The dashboard over a project."""
    return started([sys.executable, "-m", "stoa", "ui", "--port", "0"], project)


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else 0.0


def waited(act: Callable[[], Any], until: Callable[[], Any]) -> float:
    """Seconds from an act until something has happened."""
    begin = time.perf_counter()
    act()
    until()
    return time.perf_counter() - begin


def opened(browser: Any, address: str, until: Callable[[Page], Any]) -> tuple[float, Page]:
    """A page in a browser profile of its own, and the seconds until it is drawn."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    return waited(lambda: page.goto(address), lambda: until(page)), page


def ready(page: Page) -> None:
    """Wait until nothing is being drawn."""
    page.wait_for_function(READY, timeout=PATIENCE_MS)


def first_page(browser: Any, address: str) -> float:
    """Seconds until the overview is drawn in a new browser."""
    taken, page = opened(
        browser, address, lambda page: (page.get_by_text("Newest failures").first.wait_for(), ready(page))
    )
    page.context.close()
    return taken


def empty_page(browser: Any, address: str) -> float:
    """The same of a page with nothing on it."""
    taken, page = opened(browser, address, lambda page: page.get_by_text("nothing").wait_for())
    page.context.close()
    return taken


def filters(page: Page, words: list[str]) -> list[float]:
    """From the key that ends a word to the counts of what it leaves."""
    box = page.get_by_label("Target, object or cause contains")
    found = []
    for word in words:
        old = page.get_by_test_id("stText").all_inner_texts()
        box.fill(word)
        texts = "[...document.querySelectorAll('[data-testid=stText]')].map(e => e.innerText)"
        changed = f"(old) => JSON.stringify({texts}) !== old"

        then = json.dumps(old, ensure_ascii=False, separators=(",", ":"))
        found.append(waited(lambda: box.press("Enter"), lambda: page.wait_for_function(changed, arg=then)))  # noqa: B023
        ready(page)
    return found


def steps(page: Page, times: int, key: str = "j") -> list[float]:
    """From the key to the next image on the screen."""
    found = []
    for _ in range(times):
        old = page.evaluate(DRAWN)
        until = f"(old) => {{ const now = ({DRAWN})(); return now && now !== old; }}"
        found.append(waited(lambda: page.keyboard.press(key), lambda: page.wait_for_function(until, arg=old)))  # noqa: B023
        ready(page)
    return found


def verdicts(page: Page, project: Path, times: int) -> list[float]:
    """From the key to the commit in git."""
    branch = subprocess.run(
        ["git", "symbolic-ref", "HEAD"], cwd=project, capture_output=True, text=True, check=True
    ).stdout
    ref = project / ".git" / branch.strip()
    found = []
    for _ in range(times):
        old = ref.read_text()

        def committed() -> None:
            while ref.read_text() == old:  # noqa: B023
                time.sleep(0.005)

        found.append(waited(lambda: page.keyboard.press("1"), committed))
        page.wait_for_timeout(1500)
        ready(page)
    return found


PICTURES = """() => {
  const wall = document.querySelector('.stoa-wall');
  if (!wall || wall.children.length < 500) return false;
  const bottom = wall.getBoundingClientRect().bottom; // of tiles, not of what they hold: that would lay out all of it
  for (const tile of wall.children) {
    if (tile.getBoundingClientRect().top > bottom) return true;
    const picture = tile.firstElementChild;
    if (!picture.complete || !picture.naturalWidth) return false;
  }
  return true;
}"""


def wall(browser: Any, address: str) -> float:
    """Until a thousand tiles are there and all those in sight have their pictures, in a new browser."""
    taken, page = opened(browser, f"{address}/wall", lambda page: page.wait_for_function(PICTURES))
    page.context.close()
    return taken


def wall_by_click(browser: Any, address: str) -> float:
    """The same for someone who has the dashboard open, from the click on the page's name; no thumbnail is kept yet."""
    _, page = opened(browser, f"{address}/failures", ready)
    page.wait_for_timeout(1000)
    link = page.get_by_role("link", name="Wall")
    taken = waited(lambda: link.dispatch_event("click"), lambda: page.wait_for_function(PICTURES))
    page.context.close()
    return taken


ANSWER = """() => { window.stoaAnswer = new Promise((done) => {
  const texts = () => [...document.querySelectorAll('[data-testid=stText]')].map((e) => e.innerText).join();
  const old = texts();
  let begun;
  addEventListener('keydown', () => { begun = performance.now(); }, { capture: true, once: true });
  new MutationObserver((_, me) => {
    if (begun && texts() !== old) { me.disconnect(); done((performance.now() - begun) / 1000); }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}); }"""


def together(browser: Any, address: str, people: int) -> list[float]:
    """From the key to the changed counts, for each of several people who filter at once."""
    crowd = [opened(browser, f"{address}/failures", ready)[1] for _ in range(people)]
    crowd[0].wait_for_timeout(2000)
    boxes = [page.get_by_label("Target, object or cause contains") for page in crowd]
    for number, (page, box) in enumerate(zip(crowd, boxes, strict=True)):
        box.fill(f"X1{number}")
        page.evaluate(ANSWER)
    for box in boxes:
        box.press("Enter")
    found = [page.evaluate("window.stoaAnswer") for page in crowd]
    for page in crowd:
        page.context.close()
    return found


def row(what: str, act: Callable[[], list[float]], goal: str, pid: int = 0) -> None:
    """Do something several times and print a row of the table.

    Parameters
    ----------
    pid
        The server, whose processor time is printed for each: it says the same on a busy machine.
    """
    before = processor_s(pid)
    taken = act()
    each = f"{(processor_s(pid) - before) / len(taken):.2f}" if pid else ""
    times = f"{statistics.median(taken):.2f} | {max(taken):.2f} | {len(taken)}"
    print(f"| {what} | {times} | {each} | {goal} |", flush=True)


def processor_s(pid: int) -> float:
    """Processor time that a process has had; 0 for none."""
    if not pid:
        return 0.0
    facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def measure(project: Path, outcomes: int, people: int) -> None:
    """Print the times of one project."""
    print(f"\n{outcomes} outcomes; {synthetic.machine()}; load before: {os.getloadavg()[0]:.1f}\n\n{HEADING}")
    small = outcomes <= 10_000
    with dashboard(project) as (address, pid), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def tell(what: str, act: Callable[[], list[float]], goal: str = "", larger: str = "") -> None:
            row(what, act, goal if small else larger, pid)

        def often(look: Callable[[Any, str], float], times: int) -> Callable[[], list[float]]:
            return lambda: [look(browser, address) for _ in range(times)]

        tell("first page, nothing read yet", often(first_page, 1))
        tell("first page, new browser", often(first_page, 3), "2", "4")
        _, page = opened(browser, f"{address}/failures", ready)
        page.wait_for_timeout(1000)
        tell("filter", lambda: filters(page, ["X10", "X11", "X12", "X13", "X1", "A0", "X14"]), "0.3", "0.6")
        page.context.close()
        _, seen = opened(browser, f"{address}/review?has=A001_X1", lambda page: page.wait_for_function(DRAWN))
        ready(seen)
        tell("J, to the next image drawn", lambda: steps(seen, 20), "0.4")
        tell("verdict key to commit, and the next image", lambda: verdicts(seen, project, 10), "0.3")
        seen.context.close()
        tell("wall of a thousand, new thumbnails", often(wall, 1))
        tell("wall of a thousand, new browser", often(wall, 3), "2")
        tell("wall of a thousand, by a click", often(wall_by_click, 5), "2")
        crowd = f"{people} people filter at once, the last one"
        tell(crowd, lambda: [max(together(browser, address, people)) for _ in range(3)], "2")
        browser.close()
    print(f"\nload after: {os.getloadavg()[0]:.1f}\n")


def measure_memory(project: Path, minutes: float) -> None:
    """Print the memory of the server while one person goes through all pages, filters and steps, again and again."""
    print("\n| minutes | actions | server, MB | of the first |\n|---|---|---|---|")
    with dashboard(project) as (address, pid), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _, page = opened(browser, address, ready)
        actions, first, begin, told = 0, 0.0, time.monotonic(), 0.0
        while (now := (time.monotonic() - begin) / 60) < minutes or not first:
            actions += around_once(page, actions // 40)
            if actions >= WARM_ACTIONS and (not first or now >= told + minutes / 6):
                told, mb = now, rss_mb(pid)
                first = first or mb
                print(f"| {now:.1f} | {actions} | {mb:.0f} | {mb / first:.2f} |", flush=True)
        mb = rss_mb(pid)
        print(f"| {now:.1f} | {actions} | {mb:.0f} | {mb / first:.2f} |", flush=True)
        browser.close()


def around_once(page: Page, time_of: int) -> int:
    """Look at every page, filter, and step through some images; the number of actions."""
    actions = 0
    for name in ("Overview", "Failures", "Wall", "Sky", "Targets", "Catalogue", "Compare", "Run", "Runs"):
        page.get_by_role("link", name=name, exact=True).dispatch_event("click")
        page.get_by_role("heading", name=name, exact=True).first.wait_for()
        ready(page)
        actions += 1
    page.get_by_role("link", name="Failures", exact=True).dispatch_event("click")
    page.get_by_role("heading", name="Failures", exact=True).first.wait_for()
    ready(page)
    digit = time_of % 3 + 1
    words = [f"X1{digit}", f"X1{digit}2", "X1", f"X1{digit}3", "A0"]  # one and the next leave different numbers
    actions += 1 + len(filters(page, words))
    page.get_by_role("link", name="Review", exact=True).dispatch_event("click")
    page.wait_for_function(DRAWN)
    ready(page)
    return actions + len(steps(page, 20))


def measure_empty(top: Path) -> None:
    """Print the figure of a page with nothing on it."""
    (top / "empty.py").write_text(EMPTY)
    command = [sys.executable, "-m", "streamlit", "run", "empty.py", "--server.headless", "true", "--server.port", "0"]
    command += ["--server.address", "127.0.0.1", "--browser.gatherUsageStats", "false"]
    print(f"\n{HEADING}")
    with started(command, top) as (address, _), sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        empty_page(browser, address)
        row("an empty page of Streamlit, new browser", lambda: [empty_page(browser, address) for _ in range(3)], "")
        browser.close()


def measure_mlflow(top: Path, runs: int) -> None:
    """Print the same of MLflow's own pages over as many runs as there are outcomes."""
    print(f"\n{HEADING}")
    try:
        with ui_mlflow.served(top, runs) as (address, version), sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            ui_mlflow.first_page(browser, address)
            row(
                f"MLflow {version}, {runs} runs: list of runs, new browser", ui_mlflow.first_pages(browser, address), ""
            )
            row(f"MLflow {version}, {runs} runs: filter", ui_mlflow.filters(browser, address), "")
            browser.close()
    except ui_mlflow.Missing as problem:
        print(f"| MLflow: skipped, {problem} | | | | | |")


def main() -> None:
    """Make a project, serve it, and look at it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outcomes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--people", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=15.0, help="of use while memory is watched")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stoa-ui-") as folder:
        top = Path(folder)
        for outcomes in given.outcomes:
            if {"times", "memory"} & set(given.parts):
                project = make(top / str(outcomes), outcomes)
            if "times" in given.parts:
                measure(project, outcomes, given.people)
            if "memory" in given.parts:
                measure_memory(project, given.minutes)
        if "empty" in given.parts:
            measure_empty(top)
        if "mlflow" in given.parts:
            measure_mlflow(top, given.outcomes[0])


if __name__ == "__main__":
    main()
