"""Jobs that run real scripts in a temporary products root."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from container_servers import IMAGE, Server
from places import Place

from stoa.control import Control
from stoa.exec.environments import Setting, prepare
from stoa.exec.local import LocalEngine
from stoa.model import Environment, Job, Outcome

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


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="stoa-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def venv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one virtual environment is built for all tests."""
    top = tmp_path_factory.mktemp("venv")
    (top / "requirements.txt").write_text("--no-index\n")
    return top


@pytest.fixture
def make_place(open_folder: Path, container_servers: Callable[[str], Server], venv_cache: Path) -> Callable[..., Place]:
    """Maker of places: `make_place("docker", isolation="target")`, `make_place("host", warm=True)`."""

    def make(kind: str, *, warm: bool = False, **fields: Any) -> Place:
        caller = dict(os.environ)
        if kind in ("docker", "podman", "rootless"):
            server = container_servers(kind)
            setting = Setting(caller=caller | {"DOCKER_HOST": server.address}, cache=open_folder / "cache", build=True)
            environment = Environment(name="e", kind="docker", image=IMAGE, **fields)
            return Place(open_folder, prepare(environment, setting), server, warm=warm)
        setting = Setting(caller=caller, top=venv_cache, cache=venv_cache, build=True)
        if kind == "venv":
            fields = {"requirements": "requirements.txt"} | fields
        return Place(open_folder, prepare(Environment(name="e", kind=kind, **fields), setting), warm=warm)

    return make
