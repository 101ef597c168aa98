"""A project on a hub, and people with clones of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from collaborators import Person, clone_for, make_project


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with a project, to be copied."""
    return make_project(tmp_path_factory.mktemp("founded"))


@pytest.fixture
def hub(founded: Path, tmp_path: Path) -> Path:
    """A bare repository with a project of four targets and one process."""
    return shutil.copytree(founded, tmp_path / "hub.git")


@pytest.fixture
def join(hub: Path, tmp_path: Path) -> Callable[[str], Person]:
    """Maker of people with a clone of the hub."""
    return lambda name: clone_for(name, str(hub), tmp_path / name.split()[0].lower())


@pytest.fixture
def anna(join: Callable[[str], Person]) -> Person:
    return join("Anna Jansky")


@pytest.fixture
def ben(join: Callable[[str], Person]) -> Person:
    return join("Ben Cook")
