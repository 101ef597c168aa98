"""The folder of a run takes records of that run alone: what others add is named and not merged."""

from __future__ import annotations

import re
import shlex

import pytest
from collaborators import Person

from stoa.commands.fsck import fsck
from stoa.errors import StoaError
from stoa.provenance.index import decode_run
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
        f"runs/{run}/{name}: does not belong to the run" in text and "added by Ben Cook" in text
        for text in findings(anna)
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


def values(person: Person) -> list[tuple]:
    return person.rows("SELECT target, value FROM results WHERE name = 'answer' AND current ORDER BY target")


def pulled(anna: Person, ben: Person, path: str, text: str) -> None:
    """Ben pushes a file with plain git, and Anna pulls it with plain git."""
    ben.save(path, text)
    ben.git("push", "-q")
    anna.git("pull", "-q", "--no-rebase")


def test_outcomes_that_came_by_plain_pull_do_not_count_and_are_named(anna, ben, run):
    before = values(anna)
    pulled(anna, ben, f".stoa/runs/{run}/outcomes-0009.yaml", FORGED % run)
    for person in (anna, ben):
        assert values(person) == before
        ((path, message),) = person.status().unreadable
        assert path == f"runs/{run}/outcomes-0009.yaml"
        assert "does not count: it was added by Ben Cook in" in message
        assert len(findings(person)) == 1
    anna.git("revert", "--no-edit", "HEAD")
    assert findings(anna) == []
    assert anna.status().unreadable == ()
    assert values(anna) == before


def test_outcomes_that_somebody_else_changed_do_not_count(anna, ben, run):
    (count,) = anna.rows("SELECT count(*) FROM outcomes")[0]
    file = ben.folder / f".stoa/runs/{run}/outcomes-0000.yaml"
    text = file.read_text()
    pulled(anna, ben, f".stoa/runs/{run}/outcomes-0000.yaml", text.replace('"answer": 1.0', '"answer": 42.0'))
    assert text != file.read_text()
    assert anna.rows("SELECT count(*) FROM outcomes") == [(count - 1,)]
    assert "was changed by Ben Cook" in anna.status().unreadable[0][1]
    assert any("was changed by Ben Cook" in text for text in findings(anna))
    anna.git("revert", "--no-edit", "HEAD")
    assert anna.rows("SELECT count(*) FROM outcomes") == [(count,)]
    assert findings(anna) == []


def test_a_summary_or_head_of_somebody_else_does_not_count(anna, ben, run):
    summary = (ben.folder / f".stoa/runs/{run}/summary.yaml").read_text()
    pulled(anna, ben, f".stoa/runs/{run}/summary.yaml", summary.replace("ok: 1", "ok: 7"))
    assert anna.rows("SELECT summary FROM runs") == [(None,)]
    head = (ben.folder / f".stoa/runs/{run}/run.yaml").read_text()
    pulled(anna, ben, f".stoa/runs/{run}/run.yaml", head.replace("jobs: 1", "jobs: 2"))
    assert anna.rows("SELECT count(*) FROM runs") == [(0,)]
    assert len(anna.status().unreadable) >= 2


def test_the_same_is_decided_from_nothing_as_bit_by_bit(anna, ben, run):
    pulled(anna, ben, f".stoa/runs/{run}/outcomes-0009.yaml", FORGED % run)
    told = anna.status().unreadable
    shown = values(anna)
    (anna.folder / ".stoa/cache/index.sqlite").unlink()
    assert anna.status().unreadable == told
    assert values(anna) == shown
    assert not any("index.sqlite" in text for text in findings(anna))


def test_what_git_by_hand_put_on_another_branch_still_counts(anna, ben, run):
    """Records that a branch lost are put back by someone else, and by a squash."""
    before = values(anna)
    assert values(ben) == before
    ben.git("reset", "-q", "--hard", "HEAD~1")
    assert values(ben) == before  # put back, by Ben
    assert ben.status().unreadable == ()
    anna.git("checkout", "-q", "--orphan", "fresh")
    anna.git("commit", "-q", "-m", "all of it")
    assert values(anna) == before
    assert anna.status().unreadable == ()


def test_a_stranger_that_turns_out_to_be_the_run_s_own_counts_again(anna, ben, run):
    """Ben has the file before the commit that made it."""
    with anna.open() as ws:
        line = f"runs/{run}/outcomes-0001.yaml"
        text = FORGED % run
        ws.store.commit({line: text.encode()}, "more", {"Run": run})
    ben.save(f".stoa/{line}", text)
    assert len(ben.status().unreadable) == 1
    ben.git("fetch", "-q", str(anna.folder), "main:refs/heads/hers")
    ben.git("merge", "-q", "--no-edit", "hers")
    assert ben.status().unreadable == ()
    assert ("a", 42.0) in values(ben)


def test_a_run_takes_nothing_from_what_others_put_into_its_folder(anna, ben, run):
    """So that neither a summary ends a run that is under way, nor an outcome takes the place of one in its journal."""
    pulled(anna, ben, f".stoa/runs/{run}/outcomes-0001.yaml", FORGED % run)
    summary = (ben.folder / f".stoa/runs/{run}/summary.yaml").read_text()
    pulled(anna, ben, f".stoa/runs/{run}/summary.yaml", summary.replace("ok: 1", "ok: 7"))
    with anna.open() as ws:
        (record,) = ws.index.rows("SELECT record FROM runs")[0]
        known = decode_run(record)
        branch = ws.repository.branch()
        assert ws.store.has_record(known, "run.yaml", branch)
        assert not ws.store.has_record(known, "summary.yaml", branch)
        outcomes, number = ws.store.outcomes(known, ws.repository.tip(branch))
    assert ([o.results for o in outcomes], number) == ([{"answer": 1.0}], 1)
