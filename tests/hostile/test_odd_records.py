"""Records and definitions that are YAML and yet odd: who looks is told what is wrong, or sees the rest.

Each play puts an odd value into a place of one file, commits it as the one who wrote the file would, and types all that
looks. What nobody can mend (a traceback) comes through the `Terminal`. `STOA_ODD=2000 STOA_ODD_SEED=x` plays longer.
"""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from found_sources import LOOK, table
from stepped import with_steps

from stoa.workspace.open import Workspace
from stoa.workspace.views import save_view

PLAYS = int(os.environ.get("STOA_ODD", "25"))
SEED = os.environ.get("STOA_ODD_SEED", "a")

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**480, -(10**30), math.nan, math.inf, -math.inf, 1e308, "", " ", "x" * 200_000, "\u202ea",
    "a\nb", "..", "../../etc", "/etc/passwd", "~", "a:b", "data:../..", "%s%n", "$(touch sentinel)", "$x_{1}$", "1e999",
    "٣", "-0", "0x10", "2026-13-45T99:00:00Z", "9999-12-31T23:59:59+23:59", "20261122T103000-k3f9q2", "ok", "lost",
    [], [[]], [None], {}, {"": ""}, {"a": {"b": {"c": [1, 2, {"d": None}]}}}, ["a"] * 3000,
)  # fmt: skip
"""Values that someone may have written, by hand or in malice."""

LOOKS = (
    "status", "status --look", "status find@default --targets", "results find", "runs", "show a", "show last", "log a",
    "reviews", "plan find", "why find a", "diff find@default find@other", "diff find@default find@other --sky", "fsck",
    "catalogue stack find@default --out stacked.vot", "catalogue export find@default --out all.csv",
    "publish find@default --to paper --stale-ok", "report find@default -o report.html", "process list",
    "process show find", "process check find", "params list find", "params show find@other",
    "params diff find@default other", "env list", "env show host", "target list", "target show a", "root list",
    "meta check", "meta show a", "reproduce last a", "open a", "doctor", "todo --all",
    "todo --disputed", "tag",
)  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a record of each kind."""
    from survey import make_survey
    from terminal import Terminal

    from stoa.cli.main import app

    survey = make_survey(tmp_path_factory.mktemp("odd") / "project", Terminal(app))
    (survey.top / ".stoa/processes/measure.yaml").unlink()
    (survey.top / ".stoa/processes/find.yaml").write_text(
        LOOK.replace("catalogue}", "catalogue, share: git}").replace('{target}"]', '{target}", "{params.snr}"]')
        + "params: {snr: {type: float, default: 5, min: 1}}\nresults: {n: {type: int, unit: beam, tolerance: 5%}}\n"
    )
    (survey.top / "find.sh").write_text('cp "$1/table" sources.csv\necho "{\\"n\\": $2}" | cut -d. -f1 > /dev/null\n'
                                        'echo "{\\"n\\": 3}" > stoa-result.json\n')  # fmt: skip
    for name in "ab":
        (survey.top / "data" / name / "table").write_text(table((10.0, -30.0, 20.0), (10.1, -30.0, 6.0)))
    survey.git("add", "--all")
    survey.git("commit", "--quiet", "--message", "a finder")
    survey.ok("meta", "build")
    survey.ok("params", "new", "other", "--process", "find", "--set", "snr=4")
    survey("run", "find")
    survey("run", "find@other")
    survey.ok("flag", "a", "--reason", "artefacts", "-m", "x")
    survey.ok("unflag", "a")
    survey.ok("comment", "b", "-m", "y")
    with_steps(survey)
    survey.ok("step", "a", "weblog", "done")
    survey.ok("assign", "b", "Ben Cook", "--step", "weblog")
    survey.ok("tag", "a", "golden sample")
    ws = Workspace(survey.top)
    save_view(ws, "bad", "failures", [("status", "failed")])
    ws.close()
    return survey.top


def places(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a tree of mappings and lists, itself too."""
    yield above
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from places(child, (*above, key))


def changed(node: Any, place: tuple[Any, ...], value: Any, chance: random.Random) -> Any:
    """The tree with another value at a place; now and then a key is missing, or another one there."""
    if not place:
        return value
    key, *rest = place
    copy = dict(node) if isinstance(node, dict) else list(node)
    if rest:
        copy[key] = changed(node[key], tuple(rest), value, chance)
    elif isinstance(copy, dict) and chance.random() < 0.15:
        del copy[key]
    elif isinstance(copy, dict) and chance.random() < 0.1:
        copy[f"{key}s"] = copy.pop(key)
    else:
        copy[key] = value
    return copy


def content(tree: Any) -> str:
    """As the file may look: outcomes and targets are lines of JSON, so that most files are read as JSON in YAML."""
    if isinstance(tree, list) and all(isinstance(each, dict) for each in tree):
        return "".join(f"- {json.dumps(each)}\n" for each in tree)
    return json.dumps(tree) + "\n"


def play(top: Path, terminal: Any, chance: random.Random) -> str:
    """One odd value in one file; gives in words what was done."""

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=top, check=True, capture_output=True)

    files = sorted(path for path in (top / ".stoa").rglob("*.yaml") if not {"cache", "spool"} & set(path.parts))
    kinds = sorted({path.relative_to(top / ".stoa").parts[0] for path in files})
    kind = chance.choice(kinds)
    file = chance.choice([path for path in files if path.relative_to(top / ".stoa").parts[0] == kind])
    name = file.relative_to(top).as_posix()
    tree = yaml.safe_load(file.read_text())
    place, value = chance.choice(list(places(tree))), chance.choice(ODD)
    said = f"{name} {place} = {str(value)[:60]!r}"
    file.write_text(content(changed(tree, place, value, chance)), encoding="utf-8")
    parts = Path(name).parts
    trailer = f"Stoa-Run: {parts[2]}" if parts[1] == "runs" else "Stoa-Process: find"
    if name != ".stoa/local.yaml":
        git("commit", "--quiet", "--allow-empty", "--all", "-m", "odd", "-m", trailer)
    for words in LOOKS:
        try:
            result = terminal(*words.split(), cwd=top)
        except Exception as problem:
            raise AssertionError(f"{said}: stoa {words}: {type(problem).__name__}: {problem}") from problem
        assert result.exit_code in (0, 1, 2, 3), f"{said}: stoa {words}: {result.exit_code}"
        assert len(result.output) < 2_000_000, f"{said}: stoa {words}: {len(result.output)} characters"
    assert not (top / "sentinel").exists(), said
    return said


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    top = tmp_path / "project"
    subprocess.run(["cp", "-a", written, top], check=True)
    local = top / ".stoa/local.yaml"
    local.write_text(local.read_text().replace(str(written), str(top)))
    return top


def test_without_an_odd_value_all_that_looks_succeeds(copied, cli):
    ended = {words: cli(*words.split(), cwd=copied) for words in LOOKS}
    assert {words for words, result in ended.items() if result.exit_code} == {"meta check"}  # which finds no FITS file


@pytest.mark.parametrize("number", range(PLAYS))
def test_odd_values_end_in_words(copied, cli, number):
    play(copied, cli, random.Random(f"{SEED}-{number}"))
