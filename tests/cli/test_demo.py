"""The tutorial as a user plays it, once; what it leaves is compared with the truth and read by other means."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from astropy.table import Table
from crates import crate_problems
from terminal import content

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PAIR = "sep@deep"
pytestmark = pytest.mark.slow


class Played(NamedTuple):
    """The demo's folder and everything it printed."""

    folder: Path
    said: str


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("tutorial") / "demo"
    done = stoa(folder.parent, "demo", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return Played(folder, done.stdout)


def stoa(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    command = [sys.executable, "-m", "stoa", *words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def truth() -> list[dict[str, Any]]:
    """The sources that were put into the images."""
    with (EXAMPLES / "archive" / "truth.csv").open() as stream:
        return [{**row, "name": name_of(row["folder"]), "snr": float(row["snr"])} for row in csv.DictReader(stream)]


def name_of(folder: str) -> str:
    found = re.search(r"member\.uid___(A\w+)/", folder)
    assert found
    return found[1]


def rows(file: Path) -> list[dict[str, Any]]:
    from astropy.table import Table

    return [dict(zip(table.colnames, row, strict=True)) for table in [Table.read(file)] for row in table]


def separation_arcsec(a: dict[str, Any], b: dict[str, Any]) -> float:
    ra, dec = (math.radians(float(a[key]) - float(b[key])) for key in ("ra_deg", "dec_deg"))
    return math.degrees(math.hypot(ra * math.cos(math.radians(float(a["dec_deg"]))), dec)) * 3600


def nearest(source: dict[str, Any], found: list[dict[str, Any]]) -> float:
    """Separation of the nearest row of the same target."""
    here = [separation_arcsec(source, row) for row in found if str(row["target"]) == source["name"]]
    return min(here, default=math.inf)


def test_what_the_demo_says_to_look_at_can_be_typed(played: Played) -> None:
    hints = re.findall(r"^  ((?:stoa|git) .+?)  +\w", played.said.partition("Explore:")[2], re.MULTILINE)
    assert len(hints) >= 4
    commands = [command.split() for hint in hints for command in hint.split("; ")]
    for program, *words in commands:
        shown = git(played.folder, *words) if program == "git" else stoa(played.folder, *words).stdout
        assert shown
    (commit,) = [words for program, *words in commands if program == "git"]
    assert "outcomes-0000.yaml" in git(played.folder, *commit)


def test_every_source_of_signal_to_noise_ten_is_found_at_its_place(played: Played) -> None:
    found = rows(played.folder / f"catalogues/{PAIR}.fits")
    bright = [source for source in truth() if source["snr"] >= 10]
    offsets = [nearest(source, found) for source in bright]
    assert len(bright) >= 50
    assert sum(offset < 1.0 for offset in offsets) == len(bright)
    assert max(offsets) < 0.3


def test_nothing_is_found_that_is_not_there(played: Played) -> None:
    known = truth()
    strange = [
        row
        for row in rows(played.folder / f"catalogues/{PAIR}.fits")
        if all(separation_arcsec(row, s) > 1.0 for s in known if s["name"] == str(row["target"]))
    ]
    assert strange == []


def test_the_matched_quasars_are_exactly_the_true_ones(played: Played) -> None:
    matched = {
        (str(row["target"]).strip(), str(row["cat_name"]).strip())
        for row in rows(played.folder / f"catalogues/{PAIR}-x-quasars.fits")
    }
    true = {
        (source["name"], source["nearest_quasar"])
        for source in truth()
        if source["within_5arcsec"] == "True" and source["intent"] == "science"
    }
    objects = {name for _, name in true}
    assert len(objects) == 15
    assert {name for _, name in matched} == objects
    assert matched <= true


def test_each_match_is_of_a_true_source_with_its_own_quasar(played: Played, tmp_path: Path) -> None:
    """Without --unique: every source that was found of a true pair, paired with that quasar, and no other pair."""
    file = tmp_path / "all.fits"
    done = stoa(played.folder, "catalogue", "match", f"catalogues/{PAIR}.vot", "quasars.csv", "--out", str(file))
    assert done.returncode == 0, done.stderr
    paired = {(place_of(row), str(row["cat_name"]).strip()) for row in rows(file)}
    true = {
        (f"{source['name']} {source['source']}", source["nearest_quasar"])
        for source in truth()
        if source["within_5arcsec"] == "True" and source["intent"] == "science" and is_found(source, played)
    }
    assert paired == true
    assert len(true) >= 15


def place_of(row: dict[str, Any]) -> str:
    """Target and number of the true source that a row is, within 1 arcsec."""
    name = str(row["target"]).strip()
    (source,) = {s["source"] for s in truth() if s["name"] == name and separation_arcsec(row, s) <= 1.0}
    return f"{name} {source}"


def is_found(source: dict[str, Any], played: Played) -> bool:
    return nearest(source, rows(played.folder / f"catalogues/{PAIR}.fits")) <= 1.0


def test_failures_are_the_planted_defects(played: Played) -> None:
    report = content(stoa(played.folder, "status", "--process", "sep", "-p", "default", "--json").stdout)
    causes = {target["name"]: target["causes"] for target in report["targets"] if target["causes"]}
    words = {name: cause["sep@default"] for name, cause in causes.items()}
    known = ("is shorter than its header says", "no beam", "NaN", "no file at all", "README")
    assert {name: next(word for word in known if word in cause) for name, cause in words.items()} == {
        "A001_X1917_X451": "is shorter than its header says",
        "A001_X2a1e_X790": "no beam",
        "A001_Xc6e_Xca1": "NaN",
        "A001_X1dcc_X847": "no file at all",
        "A001_X391d_Xf0e": "README",
    }  # fmt: skip


WORST_FIRST = ("error", "failed", "timeout", "killed", "blocked", "interrupted", "skipped", "ok")


class SecondReader:
    """What the records say, read with `git show` and a plain YAML library alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = git(folder, "ls-tree", "-r", "--name-only", "HEAD", ".stoa").split()
        self.runs = {name.split("/")[2]: self.read(name) for name in self.matching(r"runs/[^/]+/run\.yaml")}
        self.targets = [line["name"] for name in self.matching(r"targets/.*") for line in self.read(name)]
        self.pairs = {run: f"{head['process']}@{head['params']['name']}" for run, head in self.runs.items()}

    def matching(self, pattern: str) -> list[str]:
        return sorted(name for name in self.files if re.fullmatch(rf"\.stoa/{pattern}", name))

    def read(self, name: str) -> Any:
        return yaml.safe_load(git(self.folder, "show", f"HEAD:{name}"))

    def outcomes(self, run: str) -> list[dict[str, Any]]:
        return [one for name in self.matching(rf"runs/{run}/outcomes-.*") for one in self.read(name)]

    def latest(self) -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
        """Pair -> target -> image group -> outcome; groups take the place of the whole target, and the other way."""
        found: dict[str, dict[str, dict[str, dict[str, Any]]]] = {pair: {} for pair in self.pairs.values()}
        for run in sorted(self.runs):
            for one in sorted(self.outcomes(run), key=lambda one: one.get("attempt", 1)):
                groups = found[self.pairs[run]].setdefault(one["target"], {})
                group = one.get("group", "")
                for other in [name for name in groups if (name == "") != (group == "") and groups[name]["run"] < run]:
                    del groups[other]
                groups[group] = one
        return found

    def table(self) -> dict[str, dict[str, dict[str, str]]]:
        """Target -> the states and the causes of the worst of its outcomes, by pair."""
        rows: dict[str, dict[str, dict[str, str]]] = {name: {"states": {}, "causes": {}} for name in self.targets}
        for pair, targets in self.latest().items():
            for name, row in rows.items():
                groups = [one for _, one in sorted(targets.get(name, {}).items())]
                worst = min(groups, key=lambda one: WORST_FIRST.index(one["status"]), default={"status": "new"})
                row["states"][pair] = worst["status"]
                if worst.get("cause"):
                    row["causes"][pair] = worst["cause"]
        return rows

    def open_flags(self) -> dict[str, list[str]]:
        """Reasons by target."""
        events = [self.read(name) for name in self.matching(r"reviews/.*")]
        cleared = {(one["target"], flag) for one in events for flag in one.get("clears", ())}
        found: dict[str, list[str]] = {}
        for one in sorted(events, key=lambda one: str(one["id"])):
            if one["kind"] == "flag" and (one["target"], one["id"]) not in cleared:
                found.setdefault(one["target"], []).append(one["reason"])
        return found


def told(played: Played, *words: str) -> Any:
    return content(stoa(played.folder, *words, "--json").stdout)


def counted(statuses: list[str]) -> dict[str, int]:
    return {status: statuses.count(status) for status in statuses}


def test_a_second_reader_gets_the_same_table(played: Played) -> None:
    reader = SecondReader(played.folder)
    shown = told(played, "status")["targets"]
    assert len(shown) == 24
    assert [target["name"] for target in shown] == sorted(reader.targets)
    table = {target["name"]: {"states": target["states"], "causes": target["causes"]} for target in shown}
    assert table == reader.table()
    assert {state for row in table.values() for state in row["states"].values()} == {"ok", "failed", "blocked"}


def test_a_second_reader_gets_the_same_counts(played: Played) -> None:
    shown = {f"{pair['process']}@{pair['params']}": pair for pair in told(played, "status")["pairs"]}
    latest = {
        pair: [one for groups in targets.values() for one in groups.values()]
        for pair, targets in SecondReader(played.folder).latest().items()
    }
    assert latest.keys() == {"sep@default", "sep@deep"}
    assert {pair: one["counts"] for pair, one in shown.items()} == {
        pair: counted([one["status"] for one in outcomes]) for pair, outcomes in latest.items()
    }
    assert {pair: one["run"] for pair, one in shown.items()} == {
        pair: max(one["run"] for one in outcomes) for pair, outcomes in latest.items()
    }


def test_a_second_reader_gets_the_same_open_flags(played: Played) -> None:
    flags = SecondReader(played.folder).open_flags()
    report = told(played, "status")
    assert flags == {"A001_X2ca9_Xf03": ["check"]}
    assert {target["name"]: target["flags"] for target in report["targets"] if target["flags"]} == flags
    assert report["flags"] == {"check": ["A001_X2ca9_Xf03"]}


def test_a_second_reader_gets_the_same_runs(played: Played) -> None:
    """Each summary fits the outcomes that it sums up, and `stoa runs` says what both say."""
    reader = SecondReader(played.folder)
    shown = {row["run"]: row for row in told(played, "runs")}
    assert len(shown) == 3
    assert shown.keys() == reader.runs.keys()
    for run, head in reader.runs.items():
        summary, outcomes = reader.read(f".stoa/runs/{run}/summary.yaml"), reader.outcomes(run)
        assert summary["counts"] == shown[run]["counts"] == counted([one["status"] for one in outcomes])
        assert summary["duration_s"] == shown[run]["duration_s"]
        causes = sorted((one["status"], one["target"]) for one in outcomes if one["status"] in ("failed", "blocked"))
        told_causes = [(cause["status"], name) for cause in summary.get("causes", []) for name in cause["targets"]]
        assert sorted(told_causes) == causes
        said = {name: shown[run][name] for name in ("process", "params", "environment", "started", "jobs", "state")}
        assert said == {
            "process": head["process"], "params": head["params"]["name"], "environment": head["environment"],
            "started": head["started"], "jobs": head["jobs"], "state": "done",
        }  # fmt: skip


def test_every_record_is_read_the_same_by_json_and_yaml(played: Played) -> None:
    for name in git(played.folder, "ls-tree", "-r", "--name-only", "HEAD", ".stoa/runs", ".stoa/targets").split():
        if "/outcomes-" in name or "/targets/" in name:
            text = git(played.folder, "show", f"HEAD:{name}")
            assert yaml.safe_load(text) == [json.loads(line[2:]) for line in text.splitlines()]


def test_the_repository_is_sound_and_one_commit_stands_for_each_action(played: Played) -> None:
    assert git(played.folder, "fsck", "--strict") == ""
    changed = [line for line in git(played.folder, "status", "--porcelain").splitlines() if not line.startswith("??")]
    assert changed == []
    logged = git(played.folder, "log", "--reverse", "--format=%s").splitlines()
    subjects = [subject for subject in logged if not subject.endswith("so far")]  # a slow machine commits in between
    assert [subject.split(":")[0] for subject in subjects][-5:] == [
        "flag A001_X2ca9_Xf03 (check)",
        "comment A001_X1917_X451",
        "parameter set deep of sep",
        "sep @ deep",
        "sep @ deep",
    ]
    assert stoa(played.folder, "fsck", "--products").returncode == 0


def test_plots_are_pictures(played: Played) -> None:
    for name in ("sky", "flux"):
        assert (played.folder / f"catalogues/{PAIR}-{name}.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_published_holds_the_catalogue_and_is_a_research_object(
    played: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paper = tmp_path / "paper"
    done = stoa(played.folder, "publish", PAIR, "--to", str(paper), "--keep", "snr >= 7", "--json")
    assert done.returncode == 0, done.stderr
    report = content(done.stdout)
    published = Table.read(paper / "catalogue.fits")
    assert (len(published), report["sources"]) == (report["sources"], int((published["snr"] >= 7).sum()))
    assert {"plots/sky.png", "plots/sky.pdf", "plots/flux.png", "catalogue.vot"} <= report["files"].keys()
    assert "removed by snr \\ensuremath{\\geq} 7" in (paper / "table.tex").read_text()
    assert {"astropy2022", "sep2016", "numpy2020"} <= set(
        re.findall(r"{(\w+),$", (paper / "software.bib").read_text(), re.MULTILINE)
    )
    assert crate_problems(paper, monkeypatch) == []


def test_each_command_is_printed_before_it_runs(played: Played) -> None:
    printed = [line for line in played.said.splitlines() if line.startswith("$ ")]
    assert printed[0] == "$ git init --quiet"
    assert "$ stoa run sep" in printed
    assert len(printed) > 20
