"""Eight people at once: everything arrives, whatever the transport."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from collaborators import Person, clone_for
from git_servers import SSHD, http_hub, real_sshd, ssh_wrapper

PEOPLE = 8
WORKER = Path(__file__).resolve().parents[1] / "support" / "busy_collaborator.py"
PACKAGE = str(Path(__file__).resolve().parents[2])


def at_once(people: list[Person], actions: int, environ: dict[str, str]) -> list[dict]:
    """What each of them made, all working at the same time."""
    environ = os.environ | environ | {"PYTHONPATH": f"{PACKAGE}:{WORKER.parent}"}
    workers = [
        subprocess.Popen(
            [sys.executable, WORKER, person.folder, person.name, str(actions), str(seed)],
            env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for seed, person in enumerate(people)
    ]  # fmt: skip
    try:
        ends = [worker.communicate(timeout=500) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    assert [worker.returncode for worker in workers] == [0] * len(workers), [err.decode()[-500:] for _, err in ends]
    return [json.loads(out) for out, _ in ends]


@contextmanager
def transport(kind: str, hub: Path, folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Address of the hub and the environ that it takes."""
    if kind == "http":
        with http_hub(hub.parent) as server:
            yield server.url("hub.git"), {}
    elif kind == "ssh wrapper":
        yield f"nowhere.example:{hub}", {"GIT_SSH_COMMAND": str(ssh_wrapper(folder))}
    else:
        with real_sshd(folder) as (host, command):
            yield f"ssh://{host}{hub}", {"GIT_SSH_COMMAND": command}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "actions"), [("http", 25), ("ssh wrapper", 25), pytest.param("sshd", 3, marks=pytest.mark.service)]
)
def test_everything_that_eight_people_do_at_once_arrives(
    kind, actions, hub, tmp_path, monkeypatch, require_service, record_property
):
    if kind == "sshd":
        require_service("sshd", SSHD, "package openssh-server")
    with transport(kind, hub, tmp_path) as (address, environ):
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        people = [clone_for(f"Person{n} Smith", address, tmp_path / f"clone{n}") for n in range(PEOPLE)]
        reports = at_once(people, actions, environ)
        people[0].sync()
    made = {each for report in reports for each in report["made"]}
    assert len(made) == PEOPLE * actions
    first = people[0]
    arrived = first.rows("SELECT id FROM reviews UNION SELECT run FROM runs JOIN outcomes USING (run)")
    assert {row[0] for row in arrived} == made
    assert first.rows("SELECT count(*) FROM problems") == [(0,)]
    assert subprocess.check_output(["git", "rev-parse", "main"], cwd=hub, text=True).strip() == first.head()
    subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=hub, check=True, capture_output=True)
    for person in people:
        assert person.git("status", "--porcelain") == ""
        assert first.git("merge-base", "--is-ancestor", person.head(), first.head()) == ""
    syncs = [sync for report in reports for sync in report["syncs"]]
    note_figures(record_property, syncs)


def note_figures(record_property: Callable[[str, object], None], syncs: list[tuple[float, int]]) -> None:
    """Leave attempts and seconds a sync in the test report (`--junit-xml`)."""
    for name, values in (("seconds", [each[0] for each in syncs]), ("attempts", [each[1] for each in syncs])):
        record_property(f"{name} a sync", f"mean {sum(values) / len(values):.2f}, worst {max(values):.1f}")
