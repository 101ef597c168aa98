"""Fixtures for every test: real git repositories and real FITS files, in temporary folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dask_cluster
import home_guard
import pytest
import slurm_server
from alma_archive import Archive, Defect, make_archive
from hypothesis import settings
from loop_disk import Disk
from survey import Survey, make_survey
from terminal import Terminal

settings.register_profile("no-deadline", deadline=None)  # a loaded machine is no fault of the code
settings.load_profile("no-deadline")

REPOSITORY = Path(__file__).resolve().parents[1]
USUAL_SIGNALS = {
    signal.SIGHUP: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
    signal.SIGQUIT: signal.SIG_DFL,
}


def pytest_configure(config: pytest.Config) -> None:
    """Shut off home, XDG folders and git's settings before any module under test is imported."""
    home = Path(tempfile.mkdtemp(prefix="stoa-test-home-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    for name in home_guard.strays(dict(os.environ)):
        del os.environ[name]
    os.environ.update(home_guard.isolated_environ(home))
    home_guard.guard(home_guard.real_home(), REPOSITORY)
    for number, usual in USUAL_SIGNALS.items():  # `nohup` and `&` have them ignored, by our children too
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


def require_service(name: str, found: object, reason: str) -> None:
    """Skip the test when a real component is missing, or fail it under STOA_REQUIRE_SERVICES=1.

    Parameters
    ----------
    found
        Anything that is false when the component is missing, such as `shutil.which("sshd")`.
    reason
        What is missing, and the package that has it.
    """
    if found:
        return
    if os.environ.get("STOA_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{name} is required here: {reason}", pytrace=False)
    pytest.skip(f"{name}: {reason}")


@pytest.fixture(name="require_service", scope="session")
def require_service_fixture() -> Callable[[str, object, str], None]:
    """`require_service`, for tests and for fixtures of any scope."""
    return require_service


@pytest.fixture
def git() -> Callable[..., str]:
    """Run git in a folder, `git(folder, "log", "--oneline")`, and give what it printed."""

    def run(folder: Path, *words: str) -> str:
        done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def repo(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A git repository on branch main with one commit, of README.md."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "README.md").write_text("# Quasars\n", encoding="utf-8")
    git(folder, "add", "README.md")
    git(folder, "commit", "--quiet", "--message", "First commit")
    return folder


@pytest.fixture
def cli() -> Iterator[Terminal]:
    """The command line, called inside this process; the working directory is the caller's again afterwards."""
    from stoa.cli.main import app

    before = Path.cwd()
    yield Terminal(app)
    os.chdir(before)


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Archive]:
    """Maker of a small archive: `archive(3, {1: "truncated"})`; at most one a test."""

    def make(count: int = 3, defects: Mapping[int, Defect] | None = None, *, size: int = 64) -> Archive:
        return make_archive(tmp_path / "archive", count, defects, size=size)

    return make


@pytest.fixture
def example_archive(tmp_path: Path) -> Path:
    """A copy of examples/archive, with the folders that git cannot hold."""
    copy = tmp_path / "example-archive"
    shutil.copytree(REPOSITORY / "examples" / "archive", copy)
    for line in (copy / "empty_folders.txt").read_text(encoding="utf-8").splitlines():
        (copy / line).mkdir(parents=True, exist_ok=True)
    return copy


@pytest.fixture(scope="session")
def survey_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project to copy; making one takes several commits."""
    from stoa.cli.main import app

    top = tmp_path_factory.mktemp("template") / "survey"
    make_survey(top, Terminal(app))
    return top


@pytest.fixture
def survey(survey_template: Path, tmp_path: Path, cli: Terminal) -> Survey:
    """A project with targets a, b and c and the process `measure`, and nothing run yet."""
    top = tmp_path / "survey"
    shutil.copytree(survey_template, top, symlinks=True)
    return Survey(top, cli)


@pytest.fixture(scope="session")
def slurm_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slurm_server.Slurm]:
    """A real Slurm of one node, for as long as the tests run."""
    absent = slurm_server.missing()
    require_service("Slurm", not absent, f"no {absent} (Debian: slurm-wlm, munge)")
    try:
        running = slurm_server.running_slurm(tmp_path_factory.mktemp("slurm") / "s")
        cluster = running.__enter__()
    except (RuntimeError, OSError) as problem:
        require_service("Slurm", None, f"it does not start: {problem}")
        raise AssertionError from problem
    yield cluster
    running.__exit__(None, None, None)


@pytest.fixture(scope="session")
def shared_dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dask_cluster.Dask]:
    """A real Dask scheduler with two workers, for as long as the tests run; tests that kill take one of their own."""
    require_service("Dask", find_spec("distributed"), "no package distributed (PyPI: dask[distributed])")
    with dask_cluster.running_dask(tmp_path_factory.mktemp("dask")) as dask:
        yield dask


@pytest.fixture
def slurm(slurm_cluster: slurm_server.Slurm, monkeypatch: pytest.MonkeyPatch) -> slurm_server.Slurm:
    """The commands of Slurm reach it from this process and from those that it starts."""
    monkeypatch.setenv("SLURM_CONF", str(slurm_cluster.config))
    return slurm_cluster


@pytest.fixture(scope="session")
def container_servers(require_service: Any) -> Iterator[Callable[[str], Any]]:
    """Starts a Docker daemon or podman's service once, when a test asks for it."""
    import container_servers as servers

    started: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:

        def get(kind: str) -> Any:
            reason = servers.missing(kind)
            require_service(kind, not reason, reason)
            if kind not in started:
                started[kind] = stack.enter_context(servers.container_server(kind))
            return started[kind]

        yield get


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("a file system in a file needs root and mkfs.ext4")
    made = Disk(tmp_path)
    try:
        made.make()
    except subprocess.CalledProcessError as problem:
        pytest.skip(f"no loop devices here: {problem.stderr.decode().strip()}")
    try:
        yield made
    finally:
        made.close()
