"""The tutorial over a sky, from its tables on, in two clones: a bare one over http, and a whole one over ssh."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from git_servers import http_hub, ssh_wrapper

DOCS = Path(__file__).resolve().parents[2] / "docs"
TABLES = ("quasars.csv", "archive/truth.csv")
"""Tables of the tutorial's user, which are no products."""

FROM_PIXELS = ("catalogues/sep@final-limits-quasars.fits", "catalogues/sep@final-limits-quasars.vot")
"""Limits look at the noise of each image where it is."""

OF_THE_CLONE = (
    "paper/.zenodo.json", "paper/CITATION.cff", "paper/DEPOSIT.md", "paper/README.md", "paper/methods.tex",
    "paper/prov.json", "paper/prov.provn", "paper/ro-crate-metadata.json",
)  # fmt: skip
"""Texts that say where the clone is from, its commit, and when they were written."""


@pytest.fixture
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tutorial", DOCS / "make_tutorial.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(place: Path) -> dict[str, bytes]:
    """The files of tables, figures and the paper."""
    files = [file for name in ("catalogues", "paper") for file in (place / name).rglob("*") if file.is_file()]
    return {str(file.relative_to(place)): file.read_bytes() for file in files}


@pytest.mark.slow
def test_a_clone_without_archive_and_products_makes_the_same_tables_and_figures(tmp_path, maker):
    (tmp_path / "home").mkdir()
    environ = maker._environ(str(tmp_path / "home"))

    def run(command: str, place: Path, **more: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command], env=environ | more, cwd=place, capture_output=True, text=True, check=False
        )
        assert done.returncode in (0, 1, 3), f"{command}: {done.stderr}"
        return done.stderr

    commands = maker.commands((DOCS / "tutorial-quasars.md").read_text(encoding="utf-8"))
    split = next(number for number, command in enumerate(commands) if command.startswith("stoa diff"))
    project = tmp_path
    for command in commands[:split]:
        if command.startswith("cd "):
            project /= command.removeprefix("cd ")
        else:
            run(command, project)
    run(f"git clone -q --bare {project} hub.git", tmp_path)
    bare, whole = tmp_path / "bare", tmp_path / "whole"
    with http_hub(tmp_path) as hub:
        run(f"git clone -q {hub.url('hub.git')} {bare}", tmp_path)
    run(f"git clone -q ssh://localhost{tmp_path}/hub.git {whole}", tmp_path, GIT_SSH_COMMAND=str(ssh_wrapper(tmp_path)))
    for name in ("archive", "products"):
        shutil.copytree(project / name, whole / name, symlinks=True, dirs_exist_ok=True)
    run("stoa root add alma archive", whole)
    for place in (bare, whole):
        for name in TABLES:
            (place / name).parent.mkdir(exist_ok=True)
            shutil.copy(project / name, place / name)
    said = {command: [run(command, place) for place in (bare, whole)] for command in commands[split:]}
    assert "tables came with their records" in said["stoa catalogue quality sep@final"][0]
    assert not list(bare.rglob("*pbcor*.fits"))
    mine, theirs = written(bare), written(whole)
    assert mine.keys() == theirs.keys()
    assert len(mine) > 40
    differ = {name for name in mine if mine[name] != theirs[name]}
    assert differ <= {*FROM_PIXELS, *OF_THE_CLONE}
