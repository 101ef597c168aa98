"""Every verb that changes definitions, twelve times at the same moment, and pairs of them: nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
from itertools import chain

import pytest
from at_once import VERBS, at_once
from survey import Survey

TIMES = 12


@pytest.fixture(scope="module")
def crowd(tmp_path_factory, survey_template):
    """A project with twelve of everything that can be renamed or removed."""
    top = tmp_path_factory.mktemp("crowd") / "survey"
    shutil.copytree(survey_template, top, symlinks=True)
    stoa = top / ".stoa"
    lines = []
    roots = ["roots:\n  data: data\n"]
    (stoa / "params/base").mkdir(parents=True)
    (stoa / "processes/base.yaml").write_text(
        "schema: 1\nname: base\ncommand: [echo]\nparams: {snr: {type: float, default: 5}}\n"
    )
    (top / "p.py").write_text("print(1)\n")
    for n in range(TIMES):
        for folder in (f"t{n}", f"new{n}"):
            (top / "data" / folder).mkdir()
        lines.append(f'- {{"name": "t{n}", "root": "data", "path": "t{n}"}}\n')
        roots.append(f"  old{n}: data\n")
        (stoa / f"processes/p{n}.yaml").write_text(f"schema: 1\nname: p{n}\ncommand: [echo]\n")
        (stoa / f"params/base/s{n}.yaml").write_text(f"schema: 1\nprocess: base\nvalues: {{snr: {n + 20}.0}}\n")
        (stoa / f"environments/e{n}.yaml").write_text(f"schema: 1\nname: e{n}\nkind: host\n")
    (stoa / "targets/crowd.yaml").write_text("".join(sorted(lines)))
    config = (stoa / "config.yaml").read_text()
    before, _, after = config.partition("roots:")
    rest = "".join(line for line in after.splitlines(keepends=True)[1:] if not line.startswith("  data:"))
    (stoa / "config.yaml").write_text(before + "".join(roots) + rest)
    subprocess.run(["git", "add", "-A"], cwd=top, check=True)
    subprocess.run(["git", "commit", "-qm", "crowd"], cwd=top, check=True)
    return top


@pytest.fixture
def project(crowd, tmp_path, cli) -> Survey:
    shutil.copytree(crowd, tmp_path / "survey", symlinks=True)
    return Survey(tmp_path / "survey", cli)


def definitions(survey: Survey) -> set[str]:
    """Every definition that is in git, by its kind; removed targets are none."""
    found = set()
    for path in survey.git("ls-tree", "-r", "--name-only", "HEAD", ".stoa").splitlines():
        kind = path.split("/")[1]
        if kind in ("processes", "params", "environments", "meta"):
            found.add(path.removeprefix(".stoa/").rpartition(".")[0])
        elif kind == "reviews":
            found.add("/".join(path.split("/")[1:3]))
    found |= {f"targets/{row['name']}" for row in survey.json("target", "list")}
    return found | {f"roots/{row['name']}" for row in survey.json("root", "list")}


GAINED = {
    "add target": "targets/new{}", "rename target": "targets/target{}", "add root": "roots/root{}",
    "new process": "processes/made{}", "rename process": "processes/process{}", "new params": "params/base/made{}",
    "rename params": "params/base/set{}", "add env": "environments/made{}", "rename env": "environments/env{}",
    "flag": "reviews/t{}", "build metadata": "meta/t{}",
}  # fmt: skip
LOST = {
    "remove target": "targets/t{}", "rename target": "targets/t{}", "remove root": "roots/old{}",
    "remove process": "processes/p{}", "rename process": "processes/p{}", "remove params": "params/base/s{}",
    "rename params": "params/base/s{}", "remove env": "environments/e{}", "rename env": "environments/e{}",
}  # fmt: skip


def check(survey: Survey, before: set[str], deeds: list[tuple[str, int]], ends: dict[tuple[str, int], str]) -> None:
    """What succeeded is there, and nothing else has changed."""
    assert ends.keys() == set(deeds)
    done = [deed for deed in deeds if not ends[deed]]
    gained = {GAINED[verb].format(number) for verb, number in done if verb in GAINED}
    lost = {LOST[verb].format(number) for verb, number in done if verb in LOST}
    assert definitions(survey) == (before - lost) | gained
    assert survey.git("status", "--porcelain", ".stoa") == ""
    survey.ok("fsck")


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb in GAINED or verb in LOST])
def test_a_verb_twelve_times_at_once_loses_nothing(project, verb):
    before = definitions(project)
    deeds = [(verb, number) for number in range(TIMES)]
    ends = at_once(project.top, deeds)
    assert set(ends.values()) == {""}
    check(project, before, deeds, ends)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("add target", "rename target"), ("remove target", "rename target"), ("rename target", "build metadata"),
        ("remove target", "flag"), ("remove process", "rename process"), ("rename params", "remove params"),
        ("add root", "remove root"), ("rename env", "new process"),
    ],
)  # fmt: skip
def test_two_verbs_at_once_lose_nothing(project, first, second):
    before = definitions(project)
    deeds = [*chain.from_iterable(((first, number), (second, number)) for number in range(TIMES // 2))]
    ends = at_once(project.top, deeds)
    for number in range(TIMES // 2):
        assert not (ends[first, number] and ends[second, number])  # of two that exclude each other one is done
    if (first, second) == ("rename target", "build metadata"):
        moved = {f"meta/target{n}" for n in range(TIMES // 2)} | {f"meta/t{n}" for n in range(TIMES // 2)}
        survivors = definitions(project)
        assert not {f"meta/t{n}" for n in range(TIMES // 2)} & survivors
        assert survivors - moved == (before - {f"targets/t{n}" for n in range(6)}) | {
            f"targets/target{n}" for n in range(6)
        }
        project.ok("fsck")
    elif (first, second) == ("remove target", "flag"):
        assert not any(ends[first, number] for number in range(TIMES // 2))
        project.ok("fsck")
    else:
        check(project, before, deeds, ends)


def test_sets_that_are_made_while_their_process_is_renamed_go_with_it_or_are_refused(project):
    deeds = [("rename the base", 1), *(("new params", number) for number in range(8))]
    ends = at_once(project.top, deeds)
    assert ends["rename the base", 1] == ""
    made = {f"params/base1/made{number}" for verb, number in deeds if verb == "new params" and not ends[verb, number]}
    there = definitions(project)
    assert {name for name in there if name.startswith("params/base1/made")} == made
    assert not {name for name in there if name.startswith("params/base/")}
    assert set(ends.values()) <= {"", "no process named 'base'; it was renamed 'base1'"}
    project.ok("fsck")


def test_what_comes_by_sync_stays_beside_what_is_added_meanwhile(project, tmp_path):
    hub, other = tmp_path / "hub.git", tmp_path / "other"
    subprocess.run(["git", "clone", "-q", "--bare", project.top, hub], check=True)
    project.git("remote", "add", "origin", str(hub))
    subprocess.run(["git", "clone", "-q", hub, other], check=True, capture_output=True)
    shutil.copytree(project.top / "data", other / "data", dirs_exist_ok=True)
    for word, value in (("user.name", "B"), ("user.email", "b@example.org")):
        subprocess.run(["git", "config", word, value], cwd=other, check=True)
    (other / ".stoa/local.yaml").write_text("schema: 1\nroots: {data: data}\n")
    colleague = Survey(other, project.terminal)
    colleague.ok("target", "rename", "t11", "far")
    colleague.ok("sync")
    deeds = [*(("add target", number) for number in range(8)), ("sync", 0), ("sync", 1)]
    ends = at_once(project.top, deeds)
    assert not [words for (verb, _), words in ends.items() if verb != "sync" and words]
    project.ok("sync")
    colleague.ok("sync")
    for survey in (project, colleague):
        names = {row["name"] for row in survey.json("target", "list")}
        assert {"far", *(f"new{number}" for number in range(8))} <= names
        assert "t11" not in names
        survey.ok("fsck")
