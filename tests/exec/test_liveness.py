"""Whether the owner of something still lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from stoa import procfs
from stoa.exec.liveness import Owner, alive
from stoa.procfs import has_members


def owner_of(child: subprocess.Popen[bytes]) -> Owner:
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return replace(Owner.here(), pid=child.pid, start_ticks=int(fields[19]))


def test_this_process_is_alive():
    here = Owner.here()
    assert (here.host, here.pid) == (socket.gethostname(), os.getpid())
    assert here.start_ticks > 0
    assert alive(here) is True


def test_a_process_that_ended_is_not_alive():
    child = subprocess.Popen(["sleep", "60"])
    owner = owner_of(child)
    assert alive(owner) is True
    child.kill()
    child.wait()
    assert alive(owner) is False


def test_a_process_that_only_waits_to_be_reaped_is_not_alive():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    owner = owner_of(child)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert alive(owner) is False
    child.wait()


def test_a_later_process_with_the_same_number_is_another():
    assert alive(replace(Owner.here(), start_ticks=1)) is False


def test_a_process_before_the_last_boot_is_not_alive():
    assert alive(replace(Owner.here(), boot_id="11111111-2222-3333-4444-555555555555")) is False


def test_of_a_process_on_another_host_nothing_is_known():
    assert alive(replace(Owner.here(), host="elsewhere.example.org")) is None


@pytest.fixture
def without_proc(monkeypatch, tmp_path):
    monkeypatch.setattr(procfs, "_PROC", tmp_path)


def test_without_proc_the_number_alone_tells(without_proc):
    here = Owner.here()
    assert (here.boot_id, here.start_ticks) == ("", 0)
    assert alive(here) is True
    child = subprocess.Popen(["true"])
    child.wait()
    assert alive(replace(here, pid=child.pid)) is False


def test_a_name_with_blanks_and_parentheses_does_not_mislead(monkeypatch, tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text("7 (a) R (b) S " + " ".join(str(n) for n in range(4, 53)))
    monkeypatch.setattr(procfs, "_PROC", tmp_path)
    assert alive(Owner(socket.gethostname(), "", 7, 22)) is True


def test_a_group_has_members_until_the_last_one_ends():
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    assert has_members(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not has_members(child.pid)
    child.wait()
