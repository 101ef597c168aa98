"""What is latest, stale, failed and flagged, worked out from the YAML records alone: git and PyYAML, nothing of STOA.

This is deliberately another way than the index takes: every record is read again each time, in no clever order.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

INCONCLUSIVE = ("interrupted", "error")
BAD = ("failed", "timeout", "killed", "blocked", *INCONCLUSIVE)


@dataclass
class Recomputed:
    """What the records of a clone say of one pair."""

    status: dict[str, str] = field(default_factory=dict)  # target -> of the current outcome
    run: dict[str, str] = field(default_factory=dict)
    since: set[str] = field(default_factory=set)  # targets that were interrupted since
    stale: set[str] = field(default_factory=set)
    flagged: set[str] = field(default_factory=set)

    @property
    def failed(self) -> set[str]:
        return {target for target, status in self.status.items() if status in BAD}


def records(top: Path, folder: str) -> dict[str, str]:
    """Content of every file of a folder at HEAD, by path."""
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "HEAD", f"{folder}/"], cwd=top, capture_output=True, check=True, text=True
    ).stdout
    entries = [line.split("\t") for line in listed.splitlines()]
    oids = [words.split()[2] for words, _ in entries]
    said = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=top, input="\n".join(oids).encode(), capture_output=True, check=True
    ).stdout
    found = {}
    for _, path in entries:
        head, said = said.split(b"\n", 1)
        size = int(head.split()[2])
        found[path], said = said[:size].decode(), said[size + 1 :]
    return found


def recompute(top: Path, process: str, params: str, environment: str, data: Path) -> Recomputed:
    """Work it out for one pair.

    Parameters
    ----------
    data
        Where the root of the inputs is.
    """
    runs: dict[str, dict[str, Any]] = {}
    outcomes: list[dict[str, Any]] = []
    scripts: dict[str, str] = {}
    for path, text in records(top, ".stoa/runs").items():
        run = path.split("/")[2]
        if path.endswith("/run.yaml"):
            runs[run] = yaml.safe_load(text)
        elif "/outcomes-" in path:
            outcomes += [json.loads(line.removeprefix("- ")) for line in text.splitlines()]
        elif "/frozen/script/" in path:
            scripts[run] = text
    targets, processes = _former_targets(top), _former(top, "processes")
    outcomes = [o | {"target": targets.get(o["target"], o["target"])} for o in outcomes]
    listed = _listed(top)
    mine = [
        o
        for o in outcomes
        if _pair(runs[o["run"]], processes, top) == (process, params, environment) and o["target"] in listed
    ]
    found = Recomputed(flagged={target for target in _flagged(top, targets) if target in listed})
    current: dict[str, dict[str, Any]] = {}
    for outcome in sorted(mine, key=lambda o: (_rank(runs[o["run"]]), o.get("attempt", 1))):
        target = outcome["target"]
        if outcome["status"] in INCONCLUSIVE:
            if target in current and current[target]["status"] not in INCONCLUSIVE:
                found.since.add(target)
                continue
        else:
            found.since.discard(target)
        current[target] = outcome
    values = _present_values(top, process, params)
    script = (top / "look.sh").read_text(encoding="utf-8")
    for target, outcome in current.items():
        run = outcome["run"]
        found.status[target], found.run[target] = outcome["status"], run
        changed = scripts[run] != script or runs[run]["params"]["values"] != values
        changed = changed or any(_is_another(ref, data) for ref in outcome.get("inputs", {}).values())
        if changed and outcome["status"] not in INCONCLUSIVE:  # these say nothing
            found.stale.add(target)
    return found


def _pair(run: dict[str, Any], processes: dict[str, str], top: Path) -> tuple[str, str, str]:
    process = processes.get(run["process"], run["process"])
    sets = _former(top, f"params/{process}")
    return process, sets.get(run["params"]["name"], run["params"]["name"]), run["environment"]


def _former(top: Path, folder: str) -> dict[str, str]:
    """Former name -> present name, of the definitions of a folder."""
    found = {}
    for file in (top / ".stoa" / folder).glob("*.yaml"):
        for old in yaml.safe_load(file.read_text(encoding="utf-8")).get("formerly", ()):
            found[old] = file.stem
    return found


def _lines(top: Path) -> list[dict[str, Any]]:
    files = sorted((top / ".stoa/targets").glob("*.yaml"))
    return [json.loads(line.removeprefix("- ")) for file in files for line in file.read_text().splitlines()]


def _former_targets(top: Path) -> dict[str, str]:
    return {old: line["name"] for line in _lines(top) for old in line.get("formerly", ())}


def _listed(top: Path) -> set[str]:
    return {line["name"] for line in _lines(top) if not line.get("removed")}


def _rank(run: dict[str, Any]) -> str:
    return f"{run['after']}+{run['id']}" if run.get("after") else run["id"]


def _present_values(top: Path, process: str, params: str) -> dict[str, Any]:
    declared = yaml.safe_load((top / f".stoa/processes/{process}.yaml").read_text(encoding="utf-8"))["params"]
    values = {name: spec["default"] for name, spec in declared.items()}
    file = top / f".stoa/params/{process}/{params}.yaml"
    return values | (yaml.safe_load(file.read_text(encoding="utf-8"))["values"] if file.exists() else {})


def _is_another(ref: dict[str, Any], data: Path) -> bool:
    content = (data / ref["path"].partition(":")[2]).read_bytes()
    return (len(content), hashlib.sha256(content).hexdigest()) != (ref["size"], ref["sha256"])


def _flagged(top: Path, targets: dict[str, str]) -> set[str]:
    reviews = [yaml.safe_load(text) for text in records(top, ".stoa/reviews").values()]
    reviews = [review | {"target": targets.get(review["target"], review["target"])} for review in reviews]
    cleared = {(review["target"], flag) for review in reviews for flag in review.get("clears", ())}
    return {r["target"] for r in reviews if r["kind"] == "flag" and (r["target"], r["id"]) not in cleared}
