"""Projects whose outcomes are known by hand, to be killed in the middle."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("crash_site")  # before it is imported, so that its asserts tell what they met

from crash_site import EXPECTED, PROCESS, SCRIPT, Killed, Site  # noqa: E402


@pytest.fixture(scope="session")
def pristine_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    top = tmp_path_factory.mktemp("crash") / "project"
    for name in EXPECTED:
        (top / "data" / name).mkdir(parents=True)
    (top / ".gitignore").write_text("/data/\n/products/\n")
    site = Site(top)
    site.git("init", "--quiet")
    site.stoa("init")
    site.stoa("root", "add", "data", "data")
    site.stoa("target", "add", "data", "t*")
    (top / "scripts").mkdir()
    (top / "scripts" / "mixed.sh").write_text(SCRIPT)
    (top / ".stoa" / "processes").mkdir(exist_ok=True)
    (top / ".stoa" / "processes" / "mixed.yaml").write_text(PROCESS)
    site.git("add", "--all")
    site.git("commit", "--quiet", "--message", "a process whose outcomes are known")
    return site


@pytest.fixture
def new_site(pristine_site: Site, tmp_path: Path) -> Iterator[Callable[[], Site]]:
    """Maker of fresh copies of the project."""
    made: list[Site] = []

    def make() -> Site:
        made.append(pristine_site.copy(tmp_path / f"site{len(made)}"))
        return made[-1]

    yield make
    for site in made:
        shutil.rmtree(site.top, ignore_errors=True)


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Site:
    return new_site()


@pytest.fixture(scope="session")
def cut_off(pristine_site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, Killed]:
    """A project whose run was killed in the middle, and what that had acknowledged."""
    site = pristine_site.copy(tmp_path_factory.mktemp("cut_off") / "site")
    said = site.drive(verb="run", region="journal", step=40)
    assert said.was_killed
    assert said.outcomes
    return site, said


@pytest.fixture(scope="session")
def shared(pristine_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project that has been run, and a hub where a colleague has added something meanwhile."""
    folder = tmp_path_factory.mktemp("shared")
    site = pristine_site.copy(folder / "site")
    site.git("clone", "--quiet", "--bare", ".", "../hub.git")
    site.git("remote", "add", "origin", "../hub.git")
    site.stoa("sync")
    site.git("clone", "--quiet", "../hub.git", "../colleague")
    colleague = Site(folder / "colleague")
    (colleague.top / "notes.txt").write_text("".join(f"line {n}\n" for n in range(2000)))
    colleague.git("add", "notes.txt")
    colleague.git("commit", "--quiet", "--message", "a colleague was here")
    colleague.git("push", "--quiet")
    site.stoa("run", "mixed", "--quiet", code=3)
    return folder


@pytest.fixture
def shared_site(shared: Path, tmp_path: Path) -> Callable[[], Site]:
    """Maker of a copy of `shared`; gives the project in it."""
    return lambda: Site(shutil.copytree(shared, tmp_path / "shared", symlinks=True) / "site")
