from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from stoa.commands.ui import is_loopback


def start(folder: Path, *words: str) -> tuple[subprocess.Popen[str], str]:
    """A dashboard and the address that it prints."""
    command = [sys.executable, "-m", "stoa", "ui", *words]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True)
    assert running.stdout is not None
    line = running.stdout.readline()
    if not line:
        pytest.fail(running.communicate()[1])
    return running, line.split()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_its_address_answers_there_and_stops_cleanly(survey, number):
    running, address = start(survey.top, "--port", "0")
    try:
        assert urllib.request.urlopen(f"{address}/_stcore/health", timeout=60).read() == b"ok"
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    assert (running.returncode, out, err) == (0, "", "Ctrl-C stops it\n")


def test_others_may_not_reach_it_without_logging_in(survey):
    done = survey("ui", "--host", "0.0.0.0")
    assert done.exit_code == 1
    assert "others can reach 0.0.0.0, and the dashboard could not tell who they are" in done.stderr
    assert "--read-only" in done.stderr


def test_a_proxy_that_names_people_needs_the_dashboard_on_this_machine_alone(survey):
    local = survey.top / ".stoa/local.yaml"
    local.write_text(local.read_text() + "ui:\n  proxy: {name: X-Name, email: X-Email}\n")
    done = survey("ui", "--host", "0.0.0.0")
    assert "anyone could send the headers that name a person" in done.stderr


def test_a_port_that_is_taken_is_refused_and_the_usual_one_gives_way(survey):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = survey("ui", "--port", str(taken.getsockname()[1]))
    assert done.exit_code == 1
    assert "cannot be used: Address already in use" in done.stderr


def test_outside_a_project_it_says_so(cli, tmp_path):
    done = cli("ui", cwd=tmp_path)
    assert done.exit_code == 1
    assert "stoa init" in done.stderr


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("localhost.example.org", False),
    ],
)
def test_only_addresses_of_this_machine_count_as_such(host, alone):
    assert is_loopback(host) is alone


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("ui:\n  roles: {a@b.org: boss}", "a role is one of read, review, run, got 'boss'"),
        ("ui:\n  oidc: {server: x}", "client_id"),
        ("ui:\n  proxy: {name: '', email: X}", "name is empty"),
        ("ui:\n  colour: red", "colour"),
    ],
)
def test_settings_that_make_no_sense_name_their_line(survey, lines, words):
    local = survey.top / ".stoa/local.yaml"
    local.write_text(local.read_text() + lines + "\n")
    done = survey("ui")
    assert done.exit_code == 1
    assert words in done.stderr
    assert "local.yaml, line" in done.stderr
