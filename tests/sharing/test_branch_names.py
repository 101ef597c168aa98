"""Branches whose names are bytes that are not UTF-8 work like all others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from stoa.commands.fsck import fsck
from stoa.provenance.git import from_writable, writable

NAMES = (b"b\xe4ume", b"\xff/x%41", b"caf\xc3\xa9")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_written_and_read_as_it_is(name):
    text = os.fsdecode(name)
    assert from_writable(writable(text)) == text
    writable(text).encode("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_runs_flags_and_syncs_on_a_branch_of_any_name(anna, ben, name):
    branch = os.fsdecode(name)
    for person in (anna, ben):
        person.git("checkout", "-q", "-b", branch)
    anna.run()
    anna.flag("b")
    anna.sync()
    ben.run("c")
    report = ben.sync()
    assert report.received >= 2
    anna.sync()
    assert anna.head() == ben.head()
    assert anna.status().branch == writable(branch)
    assert anna.rows("SELECT count(*) FROM runs") == [(2,)]
    assert ben.rows("SELECT count(*) FROM runs") == [(2,)]
    ben.git("reset", "-q", "--hard", "HEAD~1")
    assert ben.rows("SELECT count(*) FROM runs") == [(2,)]  # put back
    with anna.open() as ws:
        assert fsck(ws).findings == ()


@pytest.mark.parametrize("verb", [["status"], ["status", "--json"], ["doctor"], ["fsck"], ["sync", "--json"], ["runs"]])
def test_what_is_printed_on_such_a_branch_can_be(anna, verb):
    anna.git("checkout", "-q", "-b", os.fsdecode(NAMES[0]))
    done = subprocess.run([sys.executable, "-m", "stoa", *verb], cwd=anna.folder, capture_output=True)
    assert b"Traceback" not in done.stderr
    done.stdout.decode("utf-8")
    if "--json" in verb:
        assert json.loads(done.stdout)["branch"] == r"b\xe4ume"


def test_a_run_that_was_cut_off_there_is_recovered(anna):
    anna.git("checkout", "-q", "-b", os.fsdecode(NAMES[0]))
    anna.write("count.sh", "echo > $STOA_FOLDER/began; exec sleep 2\n")
    words = [sys.executable, "-m", "stoa", "run", "count", "-t", "a"]
    stoa = subprocess.Popen(words, cwd=anna.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (anna.folder / "data/a/began").exists() and stoa.poll() is None:
        time.sleep(0.05)
    stoa.kill()
    stoa.wait()
    while anna.status().live:
        time.sleep(0.2)
    assert anna.rows("SELECT target, status FROM outcomes") == [("a", "interrupted")]
    assert "count" in anna.git("log", "-1", "--format=%s")
