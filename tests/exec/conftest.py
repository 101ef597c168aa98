"""Jobs that run real scripts in a temporary products root."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stoa.exec.control import Control
from stoa.exec.local import LocalEngine
from stoa.model import Job, Outcome

JobMaker = Callable[..., Job]


@pytest.fixture
def products(tmp_path: Path) -> Path:
    return tmp_path / "products"


@pytest.fixture
def make_job(tmp_path: Path, products: Path) -> JobMaker:
    """A job that runs a shell script, given as its text, or an argument vector."""

    def make(script: str = "", target: str = "A001", **fields: Any) -> Job:
        work = products / "p" / "r" / ".work" / target
        given: dict[str, Any] = {
            "run": "r",
            "target": target,
            "argv": ("/bin/sh", "-c", script),
            "environ": {"PATH": os.environ["PATH"], "STOA_OUT": str(work)},
            "work": str(work),
            "place": str(products / "p" / "r" / target),
            "place_ref": f"products:p/r/{target}",
            "failed_place": str(products / "p" / "r" / "failed" / target),
            "failed_ref": f"products:p/r/failed/{target}",
            "description": b'{"schema": 1}',
            "grace_s": 10.0,
        }
        return Job(**(given | fields))

    return make


@pytest.fixture
def run(make_job: JobMaker) -> Callable[..., Outcome]:
    """The outcome of one job."""

    def run(script: str = "", **fields: Any) -> Outcome:
        (outcome,) = LocalEngine(1).execute([make_job(script, **fields)], Control())
        return outcome

    return run
