"""What a user has staged, half staged, changed or left untracked is the same after every verb."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from survey import Survey


@pytest.fixture
def busy(survey) -> Survey:
    """A work tree in the middle of someone's work, also in the folder of the definitions."""
    top = survey.top
    for name in ("half.py", "gone.py", "moved.py", "run.sh"):
        (top / name).write_text(f"one\ntwo\nthree\n{name}\n" * (1 + (name == "moved.py")), encoding="utf-8")
    survey.git("add", "half.py", "gone.py", "moved.py", "run.sh")
    survey.git("commit", "--quiet", "--message", "scripts")
    survey.edit("half.py", "one", "ONE")
    survey.git("add", "half.py")
    survey.edit("half.py", "three", "THREE")
    survey.git("rm", "--quiet", "gone.py")
    survey.git("mv", "moved.py", "renamed.py")
    (top / "run.sh").chmod(0o755)
    (top / "new.txt").write_text("staged\n", encoding="utf-8")
    survey.git("add", "new.txt")
    (top / "intended.txt").write_text("not yet\n", encoding="utf-8")
    survey.git("add", "--intent-to-add", "intended.txt")
    (top / "untracked ü.txt").write_text("mine\n", encoding="utf-8")
    survey.edit(".stoa/environments/host.yaml", "kind: host", "kind: host\ndoc: changed, not staged")
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    survey.edit(".stoa/params/measure/deep.yaml", "4.0", "4.5")
    survey.git("add", ".stoa/params/measure/deep.yaml")
    survey.edit(".stoa/params/measure/deep.yaml", "4.5", "4.25")
    return survey


def state(survey: Survey) -> dict[str, object]:
    """What git says of the work tree and the index, and every file on disk that is the user's."""
    ours = ("runs/", "reviews/", "cache/", "spool/", "meta/", "local.yaml")
    files = {
        path: (path.stat().st_mode, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in sorted(survey.top.rglob("*"))
        if path.is_file() and not _is_ours(path.relative_to(survey.top), ours)
    }
    index = [line for line in survey.git("ls-files", "--stage", "--debug").split("\n") if not line.startswith("  ")]
    return {
        "unstaged": survey.git("diff", "--binary"),
        "staged": survey.git("diff", "--cached", "--binary"),
        "status": survey.git("status", "--porcelain=v2"),
        "index": [line for line in index if not any(f".stoa/{folder}" in line for folder in ours)],
        "files": files,
    }


def _is_ours(path: Path, folders: tuple[str, ...]) -> bool:
    text = path.as_posix()
    return text.startswith((".git/", "products/", *(f".stoa/{folder}" for folder in folders)))


@pytest.mark.parametrize(
    "words",
    [
        ("run", "measure"),
        ("run", "measure", "--params", "deep"),
        ("flag", "a", "b", "--reason", "check"),
        ("comment", "a", "-m", "hello"),
        ("meta", "build"),
        ("status",),
        ("plan", "measure"),
    ],
    ids=" ".join,
)
def test_a_verb_leaves_the_work_of_the_user_as_it_is(busy, words):
    before, head = state(busy), busy.head()
    busy.ok(*words)
    assert state(busy) == before
    changed = busy.changed(head)
    assert all(path.startswith((".stoa/runs/", ".stoa/reviews/", ".stoa/meta/")) for path in changed)
    assert bool(changed) == (words[0] not in ("status", "plan"))


def test_the_run_took_the_definition_as_it_stood_on_disk(busy):
    busy.ok("run", "measure", "--params", "deep")
    assert busy.outcomes()["a"]["results"] == {"snr": 4.25}
    frozen = busy.committed(f".stoa/runs/{busy.runs()[0]}/frozen/params.yaml")
    assert "  snr: 4.25\n" in frozen


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("params", "new", "deeper", "--process", "measure", "--set", "snr=3"), ".stoa/params/measure/deeper.yaml"),
        (("env", "add", "mine", "--environ", "X=1"), ".stoa/environments/mine.yaml"),
        (("process", "new", "half", "--from", "half.py"), ".stoa/processes/half.yaml"),
    ],
)
def test_a_new_definition_is_committed_alone(busy, words, path):
    before, head = state(busy), busy.head()
    busy.ok(*words)
    assert busy.changed(head) == [path]
    after = state(busy)
    assert (after["unstaged"], after["staged"], after["status"]) == (
        before["unstaged"], before["staged"], before["status"],
    )  # fmt: skip


def test_what_was_staged_can_be_committed_afterwards(busy):
    busy.ok("run", "measure")
    busy.git("commit", "--quiet", "--message", "mine")
    names = busy.git("show", "--name-status", "--format=", "HEAD").split("\n")
    assert sorted(filter(None, names)) == [
        "A\tnew.txt", "D\tgone.py", "M\t.stoa/params/measure/deep.yaml", "M\thalf.py", "R100\tmoved.py\trenamed.py",
    ]  # fmt: skip
