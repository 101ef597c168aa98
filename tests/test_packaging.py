"""What a wheel and an editable install hold."""

from __future__ import annotations

import configparser
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

import stoa

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


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
    assert Path(wheel.filename).name == f"stoa-{stoa.__version__}-py3-none-any.whl"


@pytest.mark.parametrize(
    ("folder", "place"), [(".stoa-template", "stoa/template/"), ("examples", "stoa/examples/"), ("stoa", "stoa/")]
)
def test_a_wheel_holds_every_file_as_it_is(wheel, folder, place):
    packed = below(wheel, place)
    kept = files_below(folder)
    assert kept
    assert {name: packed.get(name) == content for name, content in kept.items()} == dict.fromkeys(kept, True)


def test_a_wheel_holds_nothing_else(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"stoa", f"stoa-{stoa.__version__}.dist-info"}


def test_the_command_is_installed(wheel):
    (name,) = (n for n in wheel.namelist() if n.endswith("entry_points.txt"))
    points = configparser.ConfigParser()
    points.read_string(wheel.read(name).decode())
    assert dict(points["console_scripts"]) == {"stoa": "stoa.cli.main:main"}


def test_an_editable_install_copies_no_template(tmp_path):
    packed = build("editable", tmp_path)
    outside = [name for name in packed.namelist() if ".dist-info/" not in name]
    assert outside == ["_stoa.pth"]
    assert packed.read("_stoa.pth").decode().split() == [str(REPOSITORY)]
