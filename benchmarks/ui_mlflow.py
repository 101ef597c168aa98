"""MLflow's own pages over many runs, for `ui.py`: installed into a venv of its own, served, looked at in Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

PATIENCE_MS = 120_000
START_S = 180.0
LOOK_S = 0.5
ROWS = "document.querySelectorAll('[role=row] a[href*=\"/runs/\"]')"

MAKE = """
import sys, random, uuid

from mlflow.store.tracking.dbmodels import models as m
from mlflow.tracking import MlflowClient
import sqlalchemy
from sqlalchemy.orm import Session
place, count = sys.argv[1], int(sys.argv[2])
experiment = MlflowClient(place).create_experiment("sep")
chance = random.Random(1)
with Session(sqlalchemy.create_engine(place)) as session:
    for number in range(count):
        run = uuid.UUID(int=chance.getrandbits(128)).hex
        at = 1_700_000_000_000 + number * 1000
        name = f"A001_X{number + 4096:x}"
        session.add(m.SqlRun(
            run_uuid=run, name=name, status="FINISHED", experiment_id=int(experiment), start_time=at,
            end_time=at + 900, lifecycle_stage="active", artifact_uri="", user_id="bench", source_type="LOCAL",
        ))
        session.flush()
        session.add(m.SqlTag(run_uuid=run, key="mlflow.runName", value=name))
        session.add(m.SqlParam(run_uuid=run, key="snr", value="5.0"))
        for key in ("n_sources", "rms"):
            facts = dict(run_uuid=run, key=key, value=chance.random(), timestamp=at, step=0, is_nan=False)
            session.add(m.SqlLatestMetric(**facts))
            session.add(m.SqlMetric(**facts))
    session.commit()
print(experiment)
"""


class Missing(Exception):
    """Why MLflow cannot be measured here."""


def _called(*words: str | Path, why: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise Missing(f"{why}: {last[:200]}")
    return done.stdout.strip()


@contextmanager
def served(top: Path, runs: int) -> Iterator[tuple[str, str]]:
    """MLflow over so many runs: the address of their list, and its version; `Missing` where it cannot be had."""
    venv = top / "mlflow"
    python = venv / "bin/python"
    _called(sys.executable, "-m", "venv", venv, why="no venv could be made")
    _called(python, "-m", "pip", "install", "--quiet", "mlflow", why="it could not be installed")
    place = f"sqlite:///{top}/mlflow.db"
    version = _called(python, "-c", "import mlflow; print(mlflow.__version__)", why="it does not start")
    experiment = _called(python, "-c", MAKE, place, str(runs), why="runs could not be made").splitlines()[-1]
    port = _free_port()
    command = [venv / "bin/mlflow", "server", "--backend-store-uri", place, "--host", "127.0.0.1", "--port", str(port)]
    environ = {**os.environ, "PATH": f"{venv}/bin:{os.environ['PATH']}"}
    server = subprocess.Popen(
        command, cwd=top, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}/#/experiments/{experiment}/runs", version
    finally:
        os.killpg(server.pid, 15)  # its workers with it
        server.wait(60)


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(LOOK_S)
    raise Missing("its server does not answer")


def _opened(browser: Any, address: str) -> tuple[float, Page]:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    begin = time.perf_counter()
    page.goto(address)
    page.wait_for_function(f"{ROWS}.length > 5")
    return time.perf_counter() - begin, page


def first_page(browser: Any, address: str) -> float:
    """Seconds until the first runs are listed in a new browser."""
    taken, page = _opened(browser, address)
    page.context.close()
    return taken


def first_pages(browser: Any, address: str) -> list[float]:
    """The same three times."""
    return [first_page(browser, address) for _ in range(3)]


def filters(browser: Any, address: str) -> list[float]:
    """From the key that ends a condition to other runs in the list."""
    _, page = _opened(browser, address)
    box = page.get_by_placeholder("metrics.rmse")
    found = []
    for word in ("X10", "X11", "X12", "X13", "X14"):
        box.fill(f"attributes.run_name LIKE '%{word}%'")
        begin = time.perf_counter()
        box.press("Enter")
        page.wait_for_function(
            f"(word) => {ROWS}.length > 5 && [...{ROWS}].every((each) => each.innerText.includes(word))", arg=word
        )
        found.append(time.perf_counter() - begin)
    page.context.close()
    return found
