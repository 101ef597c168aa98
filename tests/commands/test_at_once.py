"""Every verb that changes definitions, twelve times at the same moment, and pairs of them: nothing is lost."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from at_once import at_once
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
        (top / f"data/new{n}").mkdir()
        for name in (f"t{n}", f"gone{n}", f"described{n}"):
            (top / "data" / name).mkdir()
            lines.append(f'- {{"name": "{name}", "root": "data", "path": "{name}"}}\n')
        roots.append(f"  old{n}: data\n")
        for name in (f"p{n}", f"gone{n}"):
            (stoa / f"processes/{name}.yaml").write_text(f"schema: 1\nname: {name}\ncommand: [echo]\n")
        for name in (f"s{n}", f"gone{n}"):
            (stoa / f"params/base/{name}.yaml").write_text("schema: 1\nprocess: base\nvalues: {snr: 20.0}\n")
        for name in (f"e{n}", f"gone{n}"):
            (stoa / f"environments/{name}.yaml").write_text(f"schema: 1\nname: {name}\nkind: host\n")
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
    "build metadata": "meta/described{}",
}  # fmt: skip
LOST = {
    "remove target": "targets/gone{}", "rename target": "targets/t{}", "remove root": "roots/old{}",
    "remove process": "processes/gone{}", "rename process": "processes/p{}", "remove params": "params/base/gone{}",
    "rename params": "params/base/s{}", "remove env": "environments/gone{}", "rename env": "environments/e{}",
    "remove what is renamed": "targets/t{}", "remove the process": "processes/p{}", "remove the set": "params/base/s{}",
}  # fmt: skip


def check(survey: Survey, before: set[str], ends: dict[tuple[str, int], str]) -> None:
    """What succeeded is there, and nothing else has changed."""
    done = [deed for deed, refused in ends.items() if not refused]
    gained = {GAINED[verb].format(number) for verb, number in done if verb in GAINED}
    lost = {LOST[verb].format(number) for verb, number in done if verb in LOST}
    assert definitions(survey) == (before - lost) | gained
    assert survey.git("status", "--porcelain", ".stoa") == ""
    survey.ok("fsck")


def test_every_verb_twelve_times_at_once_loses_nothing(project):
    before = definitions(project)
    verbs = [*dict.fromkeys([*GAINED, "remove target", "remove root", "remove process", "remove params", "remove env"])]
    ends = at_once(project.top, *([(verb, number) for number in range(TIMES)] for verb in verbs))
    assert {deed: refused for deed, refused in ends.items() if refused} == {}
    check(project, before, ends)


def test_all_verbs_at_the_same_moment_lose_nothing(project):
    before = definitions(project)
    verbs = [*GAINED, "remove target", "remove params"]
    rounds = ([(verb, (start + place) % TIMES) for place, verb in enumerate(verbs)] for start in range(3))
    ends = at_once(project.top, *rounds)
    assert set(ends.values()) == {""}
    check(project, before, ends)


def test_flags_and_clearings_of_one_target_at_once_are_all_there(project):
    at_once(project.top, [("flag", number) for number in range(TIMES)])
    assert len(project.git("ls-files", ".stoa/reviews/a").splitlines()) == TIMES
    project.ok("fsck")


def test_of_two_verbs_about_one_thing_one_is_done_and_the_other_refused(project):
    before = definitions(project)
    pairs = (
        ("rename target", "remove what is renamed"), ("rename process", "remove the process"),
        ("rename params", "remove the set"),
    )  # fmt: skip
    ends = at_once(project.top, *([(verb, n) for n in range(4) for verb in pair] for pair in pairs))
    for first, second in pairs:
        assert [bool(ends[first, n]) + bool(ends[second, n]) for n in range(4)] == [1, 1, 1, 1]
    check(project, before, ends)


def test_a_target_that_is_renamed_while_it_is_described_leaves_no_document_behind(project):
    at_once(project.top, [(verb, n) for n in range(6) for verb in ("rename target", "describe what is renamed")])
    assert not {name for name in definitions(project) if name.startswith("meta/t") and "target" not in name}
    project.ok("fsck")


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
