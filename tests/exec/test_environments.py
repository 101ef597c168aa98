"""Environments: variables, interpreter, facts."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from stoa.exec.environments import EnvironmentProblem, Prepared, prepare
from stoa.model import Environment

CALLER = {"PATH": "/usr/bin:/bin", "HOME": "/home/ada", "LC_TIME": "C", "CONDA_PREFIX": "/opt/c"}


def test_variables_are_taken_from_a_list_and_secrets_are_not():
    secrets = {"AWS_SECRET_ACCESS_KEY": "x", "GITHUB_TOKEN": "x", "CONDA_TOKEN": "x", "EDITOR": "vi", "LD_PRELOAD": "x"}
    environ = prepare(Environment(name="host"), CALLER | secrets).environ
    assert set(environ) == {"PATH", "HOME", "LC_TIME", "CONDA_PREFIX", "PYTHONUNBUFFERED"}


def test_an_environment_inherits_more_and_sets_more():
    environment = Environment(name="e", inherit=("CASAPATH", "OMP_*", "MY_TOKEN"), environ={"HOME": "/tmp", "A": "1"})
    caller = CALLER | {"CASAPATH": "/casa", "OMP_NUM_THREADS": "2", "MY_TOKEN": "t", "OTHER": "x"}
    environ = prepare(environment, caller).environ
    assert (environ["CASAPATH"], environ["OMP_NUM_THREADS"], environ["MY_TOKEN"]) == ("/casa", "2", "t")
    assert (environ["HOME"], environ["A"]) == ("/tmp", "1")
    assert "OTHER" not in environ


def test_a_variable_may_hold_any_bytes_and_is_in_no_fact():
    odd = {"CASAPATH": os.fsdecode(b"/casa/\xff\x1b[31m"), "OMP_PLACES": "x" * 100_000}
    prepared = prepare(
        Environment(name="e", inherit=("CASAPATH", "OMP_*")), CALLER | odd | {"PATH": os.environ["PATH"]}
    )
    argv = ("sh", "-c", 'printf %s "$CASAPATH"; printf %s "$OMP_PLACES" | wc -c')
    printed = subprocess.run(prepared.argv(argv), env=prepared.environ, capture_output=True, check=True).stdout
    assert printed == b"/casa/\xff\x1b[31m100000\n"
    assert not any("casa" in value or "xxx" in value for value in prepared.facts.values())


def test_the_directory_of_the_interpreter_comes_first_in_path():
    own = os.path.dirname(sys.executable)
    assert prepare(Environment(name="host"), CALLER).environ["PATH"] == f"{own}:/usr/bin:/bin"
    twice = prepare(Environment(name="host"), {"PATH": f"/bin:{own}"}).environ["PATH"]
    assert twice == f"{own}:/bin"


def test_facts_say_what_it_was_without_a_path():
    prepared = prepare(Environment(name="host"), CALLER)
    assert prepared.facts["kind"] == "host"
    assert prepared.facts["python"] == ".".join(map(str, sys.version_info[:3]))
    assert prepared.facts["machine"] == platform.machine()
    names = {"kind", "python", "implementation", "platform", "kernel", "machine", "packages"}
    assert set(prepared.facts) == names
    assert not any(value.startswith("/") for value in prepared.facts.values())


def test_python_as_a_command_is_the_interpreter_of_the_environment():
    prepared = Prepared(environ={}, facts={}, interpreter="/opt/py/bin/python3.12", argv_prefix=("nice",))
    assert prepared.argv(("python", "x.py")) == ("nice", "/opt/py/bin/python3.12", "x.py")
    assert prepared.argv(("sh", "python")) == ("nice", "sh", "python")


def test_another_interpreter_is_asked_for_its_version(tmp_path):
    other = tmp_path / "python-9"
    other.write_text('#!/bin/sh\necho \'["9.8.7", "PyPy", ["numpy==1.0"]]\'\n')
    other.chmod(0o755)
    prepared = prepare(Environment(name="e", python=str(other)), CALLER)
    assert (prepared.facts["python"], prepared.facts["implementation"]) == ("9.8.7", "PyPy")
    assert prepared.interpreter == str(other)
    assert prepared.environ["PATH"].startswith(f"{tmp_path}:")


def test_an_interpreter_is_found_by_name_in_the_path_of_the_caller(tmp_path):
    (tmp_path / "python9").symlink_to(sys.executable)
    caller = {"PATH": str(tmp_path)}
    assert prepare(Environment(name="e", python="python9"), caller).interpreter == str(tmp_path / "python9")


def test_a_prepared_environment_runs_a_script():
    prepared = prepare(Environment(name="host", environ={"A": "1"}), os.environ)
    argv = prepared.argv(("python", "-c", "import os; print(os.environ['A'])"))
    assert subprocess.run(argv, env=prepared.environ, capture_output=True, text=True, check=True).stdout == "1\n"


def problem(caller: dict[str, str] = CALLER, **fields: str) -> EnvironmentProblem:
    with pytest.raises(EnvironmentProblem) as caught:
        prepare(Environment(name="e", **fields), caller)
    return caught.value


def test_an_unknown_kind_names_the_nearest():
    assert problem(kind="hosts").message == "environment 'e' is of unknown kind 'hosts'; did you mean 'host'?"


def test_an_interpreter_that_does_not_exist_names_the_nearest(tmp_path):
    (tmp_path / "python3.12").touch()
    by_name = problem({"PATH": str(tmp_path)}, python="python3.13").message
    assert by_name == "interpreter 'python3.13' of environment 'e' does not exist; did you mean 'python3.12'?"
    assert "did you mean 'python3.12'?" in problem(python=f"{tmp_path}/python312").message


def test_an_interpreter_that_is_not_executable_says_so(tmp_path):
    (tmp_path / "python9").touch()
    caught = problem(python=str(tmp_path / "python9"))
    assert caught.message.endswith("is not executable")
    assert caught.hint == f"`chmod +x {tmp_path}/python9`"


def test_a_relative_interpreter_is_refused():
    assert "relative path" in problem(python="venv/bin/python").message


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho hello\n", "", "#!/nowhere/x\n"])
def test_a_program_that_is_no_python_is_refused(tmp_path, script):
    other = tmp_path / "python9"
    other.write_text(script)
    other.chmod(0o755)
    assert problem(python=str(other)).message.endswith("does not start or is not a Python")


def test_the_home_is_taken_for_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "py").symlink_to(sys.executable)
    assert Path(prepare(Environment(name="e", python="~/py"), CALLER).interpreter) == tmp_path / "py"
