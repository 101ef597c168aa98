"""A sync that was killed leaves nothing that a person has to mend."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import killed_sync
import pytest
from collaborators import Person

from stoa.provenance.git import GitError

SUPPORT = Path(killed_sync.__file__)
PACKAGE = str(Path(__file__).resolve().parents[2])
LINE = '- {{"name": "{0}", "root": "data", "path": "{0}"}}\n'


def add_target(person: Person, name: str) -> None:
    file = ".stoa/targets/all.yaml"
    person.save(file, (person.folder / file).read_text() + LINE.format(name))


def kill(person: Person, point: str) -> None:
    environ = os.environ | {"PYTHONPATH": PACKAGE}
    done = subprocess.run(
        [sys.executable, SUPPORT, person.folder, point], env=environ, capture_output=True, check=False
    )
    assert done.returncode == -9, done.stderr.decode()


@pytest.fixture
def parted(anna: Person, ben: Person) -> None:
    """Anna and Ben each have something that the other has not, and Ben is in the middle of something."""
    anna.flag("a")
    add_target(anna, "m1")
    anna.sync()
    ben.flag("b")
    ben.write("count.sh", "half an idea\n")
    ben.write("plot.py", "new\n")
    ben.git("add", "plot.py")


def check_all_is_well(anna: Person, ben: Person, flagged: set[str]) -> None:
    anna.sync()
    assert anna.head() == ben.head()
    assert {row[0] for row in anna.rows("SELECT target FROM open_flags")} == flagged
    assert ben.git("status", "--porcelain").splitlines() == ["M count.sh", "A  plot.py"]
    ben.git("fsck", "--strict")


@pytest.mark.parametrize("point", killed_sync.POINTS | killed_sync.TORN)
def test_the_next_sync_finishes_what_a_killed_one_began(anna, ben, parted, point):
    kill(ben, point)
    ben.sync()
    check_all_is_well(anna, ben, {"a", "b"})


@pytest.mark.parametrize("point", killed_sync.POINTS)
def test_work_goes_on_between_the_kill_and_the_next_sync(anna, ben, parted, point):
    kill(ben, point)
    ben.flag("c")
    add_target(anna, "m2")  # the list that the killed sync was about to write changes again
    anna.flag("d")
    anna.git("pull", "-q", "--no-rebase", "--no-edit")
    anna.sync()
    ben.sync()
    check_all_is_well(anna, ben, {"a", "b", "c", "d"})
    with ben.open() as ws:
        assert {"m1", "m2"} <= set(ws.targets)


def test_a_file_of_the_users_own_is_not_taken_for_the_half_of_a_new_one(anna, ben):
    """A killed sync has left its marker; what the user then wrote where a new file is to be is no beginning of it."""
    anna.write("notes.txt", "a long note by Anna\n")
    anna.git("add", "notes.txt")
    anna.git("commit", "-qm", "notes")
    anna.sync()
    kill(ben, "before the work tree")
    ben.write("notes.txt", "mine\n")
    with pytest.raises(GitError, match=r"brings notes\.txt, where you have notes\.txt"):
        ben.sync()
    assert (ben.folder / "notes.txt").read_text() == "mine\n"


@pytest.mark.parametrize("most", [0, 60, 200, 400, 1000, 3000])
def test_a_disk_without_room_is_said_and_the_next_sync_finishes(anna, ben, parted, most):
    """At every place where a sync writes; no file may be larger than this many bytes."""
    limited = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    done = subprocess.run(
        [sys.executable, "-B", "-m", "stoa", "sync"], cwd=ben.folder, preexec_fn=limited, capture_output=True,
        text=True, check=False, env=os.environ | {"PYTHONPATH": PACKAGE},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1), done.stderr
    ben.sync()
    check_all_is_well(anna, ben, {"a", "b"})


@pytest.mark.slow
def test_syncs_killed_at_any_moment_lose_nothing(anna, ben, parted):
    chance = random.Random(7)
    environ = os.environ | {"PYTHONPATH": PACKAGE}
    targets = "abcd"
    for turn in range(12):
        anna.comment(targets[turn % 4], f"turn {turn}")
        anna.sync()
        ben.comment(targets[turn % 4], f"turn {turn}")
        child = subprocess.Popen([sys.executable, "-m", "stoa", "sync"], cwd=ben.folder, env=environ)
        time.sleep(chance.uniform(0.2, 0.8))
        child.kill()
        child.wait()
    ben.sync()
    check_all_is_well(anna, ben, {"a", "b"})
    assert anna.rows("SELECT count(*) FROM reviews WHERE kind = 'comment'") == [(24,)]
