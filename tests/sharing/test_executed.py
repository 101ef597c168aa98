"""Commands that only look execute nothing of a definition that came from someone else before its user accepts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoa.commands import env, process
from stoa.commands.reproduce import reproduce
from stoa.errors import StoaError
from stoa.runs.environments import setting_of
from stoa.workspace.trust import NotUsedYet, prepare_trusted, trusts_modules


@pytest.fixture
def sentinel(tmp_path: Path) -> Path:
    """A file that is there as soon as something of the definitions was executed."""
    return tmp_path / "executed"


def hostile(sentinel: Path, kind: str) -> dict[str, str]:
    """Files of an environment that touches a file when it is made ready."""
    program = f"#!/bin/sh\ntouch {sentinel}\n"
    fields = {
        "versions": f"kind: host\nversions: {{tool: [touch, {sentinel}]}}\n",
        "interpreter": "kind: host\npython: {top}/tool.sh\n",
        "casa": "kind: casa\npython: {top}/tool.sh\n",
        "program": "kind: casa\nexecutable: {top}/tool.sh\n",
    }
    return {"tool.sh": program, ".stoa/environments/evil.yaml": f"schema: 1\nname: evil\n{fields[kind]}"}


@pytest.mark.parametrize("kind", ["versions", "interpreter", "casa", "program"])
def test_an_environment_that_came_is_not_executed_by_commands_that_look(anna, ben, sentinel, kind):
    for path, text in hostile(sentinel, kind).items():
        anna.save(path, text.replace("{top}", str(ben.folder)))
    anna.save(".stoa/processes/use.yaml", "schema: 1\nname: use\ncommand: [true]\nenvironment: evil\n")
    anna.sync()
    ben.sync()
    (ben.folder / "tool.sh").chmod(0o755)
    with ben.open() as ws:
        _, facts = env.environment_facts(ws, "evil")
        assert "came from someone else" in facts["state"]
        checked = process.check_all(ws)
        assert (checked.problems, checked.left_out) == ((), ("evil",))
        assert not sentinel.exists()
        try:
            env.build_environment(ws, "evil")  # this is the word of its user
        except StoaError:
            assert kind != "versions"  # a tool that is no Python
        assert sentinel.exists()
        assert process.check_all(ws).left_out == ()


@pytest.mark.parametrize("way", ["pull", "rebase", "merge", "cherry-pick", "am"])
def test_whichever_way_of_git_it_came(anna, ben, sentinel, way):
    for path, text in hostile(sentinel, "versions").items():
        anna.save(path, text)
    anna.sync()
    ben.comment("b")
    ben.git("fetch", "-q")
    if way == "am":
        mails = ben.git("format-patch", "--stdout", "HEAD..origin/main")
        ben.git("am", "-q", stdin=mails.encode() + b"\n")
    else:
        words = {
            "pull": "pull -q --no-rebase --no-edit",
            "rebase": "pull -q --rebase",
            "merge": "merge -q --no-edit origin/main",
        }
        words["cherry-pick"] = "cherry-pick HEAD..origin/main"
        ben.git(*words[way].split())
    with ben.open() as ws, pytest.raises(NotUsedYet, match="came from someone else"):
        prepare_trusted(ws, ws.library.environment("evil"), setting_of(ws.project))
    assert not sentinel.exists()


def test_ones_own_environment_is_executed_also_after_it_was_shared(anna, sentinel):
    for path, text in hostile(sentinel, "versions").items():
        anna.write(path, text)
    with anna.open() as ws:
        assert "tool" in env.environment_facts(ws, "evil")[1]  # not committed yet
        sentinel.unlink()
    for path, text in hostile(sentinel, "versions").items():
        anna.save(path, text)
    anna.sync()
    with anna.open() as ws:
        assert "tool" in env.environment_facts(ws, "evil")[1]
    assert sentinel.exists()


def test_a_change_that_came_is_not_covered_by_what_was_accepted(anna, ben, sentinel):
    harmless = "schema: 1\nname: evil\nkind: host\nversions: {tool: [echo, '1']}\n"
    anna.save(".stoa/environments/evil.yaml", harmless)
    anna.sync()
    ben.sync()
    with ben.open() as ws:
        assert env.build_environment(ws, "evil")["tool"] == "1"
        assert env.environment_facts(ws, "evil")[1]["tool"] == "1"
    anna.save(".stoa/environments/evil.yaml", harmless.replace("echo, '1'", f"touch, {sentinel}"))
    anna.sync()
    ben.sync()
    with ben.open() as ws:
        assert "state" in env.environment_facts(ws, "evil")[1]
    assert not sentinel.exists()


def test_modules_beside_a_script_that_came_are_not_imported_to_see_whether_it_could_be_warm(anna, ben, sentinel):
    anna.save("scripts/shared.py", f"open({str(sentinel)!r}, 'w')\n")
    anna.save("scripts/use.py", "import shared\n")
    definition = 'schema: 1\nname: use\nscript: scripts/use.py\ncommand: [python, "{script}"]\nwarm: [shared]\n'
    anna.save(".stoa/processes/use.yaml", definition)
    anna.sync()
    ben.sync()
    with ben.open() as ws:
        assert not trusts_modules(ws, ws.library.process("use"))
        assert process.check_all(ws).warm == ()
    assert not sentinel.exists()
    with anna.open() as ws:
        assert trusts_modules(ws, ws.library.process("use"))


def test_what_was_put_beside_the_frozen_definitions_of_a_run_is_not_used(anna, ben, sentinel):
    run = anna.run("a")
    anna.sync()
    ben.sync()
    frozen = f".stoa/runs/{run}/frozen"
    ben.save(
        f"{frozen}/environments/evil.yaml", f"schema: 1\nname: evil\nkind: host\nversions: {{t: [touch, {sentinel}]}}\n"
    )
    file = f".stoa/runs/{run}/outcomes-0000.yaml"
    ben.save(file, (ben.folder / file).read_text().replace('"place"', '"environment": "evil", "place"'))
    pretended = ("--author=Anna Jansky <anna@example.org>", "-m", "mine", "-m", f"Stoa-Run: {run}")
    ben.git("commit", "-q", "--amend", *pretended)  # else the outcomes would not count at all
    ben.git("push", "-q")
    anna.git("pull", "-q")
    with anna.open() as ws, pytest.raises(StoaError, match="'evil' is not among those of the run"):
        reproduce(ws, run)
    assert not sentinel.exists()
