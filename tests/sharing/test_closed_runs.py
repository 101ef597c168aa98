"""The folder of a run takes records of that run alone: what others add is named and not merged."""

from __future__ import annotations

import re
import shlex

import pytest
from collaborators import Person

from stoa.commands.fsck import fsck
from stoa.errors import StoaError
from stoa.workspace.open import Workspace

FORGED = '- {"schema": 1, "run": "%s", "target": "a", "status": "ok", "results": {"answer": 42.0}, "attempt": 9}\n'


@pytest.fixture
def run(anna: Person, ben: Person) -> str:
    """A run of Anna's that Ben has as well."""
    anna.run()
    anna.sync()
    ben.sync()
    (folder,) = (anna.folder / ".stoa/runs").iterdir()
    return folder.name


def findings(person: Person) -> list[str]:
    ws = Workspace(person.folder)
    try:
        return [f"{found.where}: {found.message}" for found in fsck(ws).findings]
    finally:
        ws.close()


@pytest.mark.parametrize("name", ["outcomes-0001.yaml", "frozen/script/json.py", "more.yaml"])
def test_what_somebody_adds_to_a_run_of_another_one_is_refused_and_named(anna, ben, run, name):
    path = f".stoa/runs/{run}/{name}"
    ben.save(path, FORGED % run)
    ben.git("push", "-q")
    with pytest.raises(
        StoaError, match=rf"adds to runs of others.*{path} was added by Ben Cook in [0-9a-f]+"
    ) as caught:
        anna.sync()
    assert not (anna.folder / path).exists()
    anna.git("pull", "-q", "--no-rebase")
    assert any(
        f"runs/{run}/{name}: does not belong to the run: it was added by Ben Cook" in text for text in findings(anna)
    )
    revert, commit = re.findall("`git ([^`]*)`", caught.value.hint or "")
    ben.git(*shlex.split(revert.replace("COMMIT", "HEAD")))
    ben.git(*shlex.split(commit))
    ben.sync()
    anna.sync()
    assert not (anna.folder / path).exists()
    assert findings(anna) == []


def test_what_one_adds_to_a_run_of_another_one_is_not_sent(ben, run):
    ben.save(f".stoa/runs/{run}/outcomes-0001.yaml", FORGED % run)
    with pytest.raises(StoaError, match="your branch adds to runs of others.*nothing was sent"):
        ben.sync()


def test_what_the_run_itself_adds_later_is_taken(anna, ben, run):
    ws = Workspace(anna.folder)
    try:
        ws.store.commit({f"runs/{run}/more.yaml": b"x: 1\n"}, "more", {"Run": run})
    finally:
        ws.close()
    anna.sync()
    ben.sync()
    assert (ben.folder / f".stoa/runs/{run}/more.yaml").exists()


def test_a_run_whose_history_was_squashed_may_not_be_removed_either(anna, ben, run):
    squashed = anna.git("commit-tree", "-m", "all of it", anna.git("rev-parse", "HEAD^{tree}"))
    for person in (anna, ben):
        person.git("fetch", "-q", str(anna.folder), squashed)
        person.git("reset", "-q", "--hard", squashed)
    anna.git("push", "-q", "--force")
    ben.git("fetch", "-q")
    ben.sync(rejoin=True)
    ben.git("rm", "-q", f".stoa/runs/{run}/outcomes-0000.yaml")
    ben.git("commit", "-q", "-m", "wrong", "-m", "Stoa-Removed: yes")
    ben.git("push", "-q")
    with pytest.raises(StoaError, match="outcomes-0000.yaml was deleted by Ben Cook"):
        anna.sync(rejoin=True)


def test_runs_of_a_history_that_was_squashed_are_not_blamed(anna, run):
    tree = anna.git("rev-parse", "HEAD^{tree}")
    anna.git("reset", "-q", "--hard", anna.git("commit-tree", "-m", "all of it", tree))
    assert findings(anna) == []
