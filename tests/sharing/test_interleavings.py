"""Whatever two people do in whatever order: it merges, and both see the same."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import msgspec
import pytest
from collaborators import TARGETS, Person, clone_for
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

ACTIONS = st.one_of(
    st.tuples(st.just("flag"), st.sampled_from(TARGETS), st.sampled_from(["check", "artefacts"])),
    st.tuples(st.just("unflag"), st.sampled_from(TARGETS), st.just("")),
    st.tuples(st.just("comment"), st.sampled_from(TARGETS), st.text(min_size=1, max_size=20).filter(str.strip)),
    st.tuples(st.just("target"), st.sampled_from(["m1", "m2", "m3"]), st.just("")),
    st.tuples(st.just("run"), st.sampled_from(TARGETS), st.just("")),
    st.tuples(st.just("sync"), st.just(""), st.just("")),
)
LINE = '- {{"name": "{0}", "root": "data", "path": "{0}"}}\n'


def act(person: Person, action: str, target: str, text: str) -> str:
    """Do one thing; gives the id of what was made, "" for nothing."""
    if action == "flag":
        return person.flag(target, text)
    if action == "unflag":
        return person.unflag(target) if person.rows(f"SELECT 1 FROM open_flags WHERE target = '{target}'") else ""
    if action == "comment":
        return person.comment(target, text)
    if action == "run":
        return person.run(target)
    if action == "sync":
        person.sync()
    else:
        file = ".stoa/targets/all.yaml"
        text = (person.folder / file).read_text()
        if target not in text:
            person.save(file, text + LINE.format(target))
    return ""


def everything(person: Person) -> tuple[bytes, list, list]:
    """What `stoa status --json` says, and every review and outcome."""
    reviews = person.rows("SELECT id, target, kind, reason, text, author FROM reviews ORDER BY id, target")
    outcomes = person.rows("SELECT run, target, grp, attempt, status FROM outcomes ORDER BY run, target, grp, attempt")
    return msgspec.json.encode(person.status()), reviews, outcomes


@pytest.mark.slow
@settings(
    max_examples=8,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes; the failing order is printed anyway
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(st.lists(st.tuples(st.booleans(), ACTIONS), min_size=4, max_size=12))
def test_any_interleaving_merges_and_both_see_the_same(founded: Path, steps):
    with tempfile.TemporaryDirectory() as name:
        hub = shutil.copytree(founded, Path(name) / "hub.git")
        anna, ben = (clone_for(who, str(hub), Path(name) / who.split()[0]) for who in ("Anna Jansky", "Ben Cook"))
        made = [act(anna if first else ben, *action) for first, action in steps]
        for person in (anna, ben, anna):
            person.sync()
        seen = everything(anna)
        assert seen == everything(ben)
        assert {row[0] for row in [*seen[1], *seen[2]]} == {each for each in made if each}
        assert {action[1] for _, action in steps if action[0] == "target"} <= {t.name for t in anna.status().targets}
        subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=hub, check=True, capture_output=True)
