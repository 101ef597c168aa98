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

from stoa.commands.env import add_environment
from stoa.commands.meta import build_documents
from stoa.commands.params import new_parameter_set
from stoa.commands.process import add_process
from stoa.commands.root import add_root

ACTIONS = st.one_of(
    st.tuples(st.just("flag"), st.sampled_from(TARGETS), st.sampled_from(["check", "artefacts"])),
    st.tuples(st.just("unflag"), st.sampled_from(TARGETS), st.just("")),
    st.tuples(st.just("comment"), st.sampled_from(TARGETS), st.text(min_size=1, max_size=20).filter(str.strip)),
    st.tuples(st.just("target"), st.sampled_from(["m1", "m2", "m3"]), st.just("")),
    st.tuples(st.just("run"), st.sampled_from(TARGETS), st.just("")),
    st.tuples(st.just("root"), st.sampled_from(["alma", "check", "vla"]), st.just("")),
    st.tuples(st.just("params"), st.sampled_from(["deep", "wide"]), st.just("")),
    st.tuples(st.just("env"), st.sampled_from(["here", "there"]), st.just("")),
    st.tuples(st.just("process"), st.sampled_from(["aegean", "sep", "sextractor"]), st.just("")),
    st.tuples(st.just("meta"), st.sampled_from(TARGETS), st.sampled_from(["", "first delivery", "second delivery"])),
    st.tuples(st.just("sync"), st.just(""), st.just("")),
)
LINE = '- {{"name": "{0}", "root": "data", "path": "{0}"}}\n'


def act(person: Person, action: str, name: str, text: str) -> str:
    """Do one thing; gives the id of the review or run that was made, "" for none."""
    if action == "flag":
        return person.flag(name, text)
    if action == "unflag":
        return person.unflag(name) if person.rows(f"SELECT 1 FROM open_flags WHERE target = '{name}'") else ""
    if action == "comment":
        return person.comment(name, text)
    if action == "run":
        return person.run(name)
    if action == "sync":
        person.sync()
    elif action == "target":
        file = ".stoa/targets/all.yaml"
        before = (person.folder / file).read_text()
        if name not in before:
            person.save(file, before + LINE.format(name))
    elif action == "meta":
        build(person, name, text)
    else:
        define(person, action, name)
    return ""


def build(person: Person, target: str, file: str) -> None:
    """Describe a target, of which this clone has perhaps another file than the others."""
    if file:
        (person.folder / "data" / target / f"{file}.fits").write_text("no FITS file\n")
    with person.open() as ws:
        build_documents(ws, (target,), jobs=1)


def define(person: Person, kind: str, name: str) -> None:
    """Make a definition, unless the person knows of one with that name: the same, whoever makes it."""
    with person.open() as ws:
        if kind == "root":
            add_root(ws, name, str(person.folder / "data"))
        elif kind == "params" and name not in ws.library.parameter_sets("count"):
            new_parameter_set(ws, name, "count", {"answer": "2.5"})
        elif kind == "env" and name not in ws.library.environments():
            add_environment(ws, name, {"doc": "this machine"})
        elif kind == "process" and name not in ws.library.processes():
            add_process(ws, name)


def defined(person: Person) -> dict[str, set[str]]:
    """Names of what can be defined, by kind."""
    with person.open() as ws:
        return {
            "root": set(ws.project.config.roots),
            "params": set(ws.library.parameter_sets("count")),
            "env": set(ws.library.environments()),
            "process": set(ws.library.processes()),
            "target": set(ws.targets),
            "meta": set(ws.documents()),
        }


def everything(person: Person) -> tuple[bytes, list, list]:
    """What `stoa status --json` says, and every review and outcome."""
    reviews = person.rows("SELECT id, target, kind, reason, text, author FROM reviews ORDER BY id, target")
    outcomes = person.rows("SELECT run, target, grp, attempt, status FROM outcomes ORDER BY run, target, grp, attempt")
    status = person.status()
    pairs = tuple(msgspec.structs.replace(pair, looked="") for pair in status.pairs)  # of this machine, to the second
    return msgspec.json.encode(msgspec.structs.replace(status, pairs=pairs)), reviews, outcomes


@pytest.mark.slow
@settings(
    max_examples=30,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes; the failing order is printed anyway
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(st.lists(st.tuples(st.booleans(), ACTIONS), min_size=4, max_size=14))
def test_any_interleaving_merges_and_both_see_the_same(founded: Path, steps):
    with tempfile.TemporaryDirectory() as name:
        hub = shutil.copytree(founded, Path(name) / "hub.git")
        anna, ben = (clone_for(who, str(hub), Path(name) / who.split()[0]) for who in ("Anna Jansky", "Ben Cook"))
        made = [act(anna if first else ben, *action) for first, action in steps]
        for person in (anna, ben, anna):
            person.sync()
        seen = everything(anna)
        assert seen == everything(ben)
        assert anna.git("rev-parse", "HEAD^{tree}") == ben.git("rev-parse", "HEAD^{tree}")
        assert {row[0] for row in [*seen[1], *seen[2]]} == {each for each in made if each}
        for kind, names in defined(anna).items():
            assert {action[1] for _, action in steps if action[0] == kind} <= names
        assert anna.rows("SELECT * FROM problems") == []
        subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=hub, check=True, capture_output=True)
