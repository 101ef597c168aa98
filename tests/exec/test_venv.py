"""Virtual environments that are built from a requirements file; nothing is fetched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from local_package import make_wheel

from stoa.exec.environments import EnvironmentProblem, NotBuilt, Prepared, Setting, identity_of, prepare
from stoa.model import Environment

VENV = Environment(name="sky", kind="venv", requirements="requirements.txt")


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    make_wheel(tmp_path / "wheels")
    (tmp_path / "requirements.txt").write_text("--no-index\n--find-links wheels\nskymap\n")
    return Setting(caller=dict(os.environ), top=tmp_path, cache=tmp_path / "cache", build=True)


def version_in(prepared: Prepared) -> str:
    argv = prepared.argv(("python", "-c", "import skymap; print(skymap.__version__)"))
    return subprocess.run(argv, env=prepared.environ, capture_output=True, text=True, check=True).stdout.strip()


def test_it_is_built_once_and_its_lock_is_recorded(setting):
    first = prepare(VENV, setting)
    assert version_in(first) == "1.0"
    assert first.files["requirements.lock"] == b"skymap==1.0\n"
    assert b"skymap==1.0\n" in first.files["packages.txt"]
    assert first.facts["lock"] == first.identity == identity_of(VENV, setting)
    marker = Path(first.environ["VIRTUAL_ENV"]) / "marker"
    marker.touch()
    assert prepare(VENV, setting).identity == first.identity
    assert marker.exists()


def test_what_the_shell_of_the_user_says_about_python_does_not_reach_it(setting, tmp_path):
    (tmp_path / "stray").mkdir()
    (tmp_path / "stray" / "skymap.py").write_text("__version__ = 'stray'\n")
    caller = {**setting.caller, "PYTHONPATH": str(tmp_path / "stray")}
    assert version_in(prepare(VENV, msgspec.structs.replace(setting, caller=caller))) == "1.0"


def test_other_requirements_make_another_environment_beside_it(setting, tmp_path):
    first = prepare(VENV, setting)
    make_wheel(tmp_path / "wheels", version="2.0")
    assert version_in(prepare(VENV, setting)) == "1.0", "equal requirements are not resolved again"
    (tmp_path / "requirements.txt").write_text("--no-index\n--find-links wheels\nskymap >= 2\n")
    assert version_in(prepare(VENV, setting)) == "2.0"
    assert version_in(first) == "1.0"


def test_built_again_it_has_what_there_is_now_and_another_lock(setting, tmp_path):
    first = prepare(VENV, setting)
    make_wheel(tmp_path / "wheels", version="2.0")
    again = prepare(VENV, msgspec.structs.replace(setting, again=True))
    assert again.files["requirements.lock"] == b"skymap==2.0\n"
    assert again.identity != first.identity


def test_nothing_is_built_unasked(setting):
    asked = msgspec.structs.replace(setting, build=False)
    with pytest.raises(NotBuilt) as caught:
        prepare(VENV, asked)
    assert "`stoa env build sky`" in str(caught.value.hint)
    assert identity_of(VENV, asked) == ""


def test_what_pip_complains_about_is_said_and_nothing_half_built_stays(setting, tmp_path):
    (tmp_path / "requirements.txt").write_text("--no-index\n--find-links wheels\nskymapp\n")
    with pytest.raises(EnvironmentProblem) as caught:
        prepare(VENV, setting)
    assert caught.value.message == (
        "environment 'sky' cannot be built: pip: ERROR: Could not find a version that satisfies the requirement"
        " skymapp (from versions: none)"
    )
    assert "No matching distribution found for skymapp" in str(caught.value.hint)
    assert [path.name for path in (tmp_path / "cache/environments").iterdir() if path.is_dir()] == []


def test_a_build_that_was_cut_off_is_begun_anew(setting):
    folder = Path(prepare(VENV, setting).environ["VIRTUAL_ENV"])
    (folder / "stoa-lock.txt").unlink()
    (folder / "bin" / "python").unlink()
    assert version_in(prepare(VENV, setting)) == "1.0"


def test_a_requirements_file_that_is_not_there_is_named(setting, tmp_path):
    (tmp_path / "requirements.txt").unlink()
    with pytest.raises(EnvironmentProblem, match="cannot read the requirements file 'requirements.txt'"):
        prepare(VENV, setting)


def test_two_at_once_build_it_once(setting):
    code = (
        "import sys, os; from pathlib import Path; from stoa.exec.environments import Setting, prepare;"
        "from stoa.model import Environment; top = Path(sys.argv[1]);"
        "s = Setting(caller=os.environ, top=top, cache=top / 'cache', build=True);"
        "p = prepare(Environment(name='sky', kind='venv', requirements='requirements.txt'), s); print(p.identity)"
    )
    command = [sys.executable, "-c", code, str(setting.top)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [one.communicate(timeout=300) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert len({stdout for stdout, _ in said}) == 1
