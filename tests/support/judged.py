"""What the records of judgements say, folded by hand from the files that git holds, without the index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from collaborators import Person

from stoa.workspace.open import Workspace
from stoa.workspace.tags import tagged, tagged_groups, tagged_pairs, tagged_runs


def records(person: Person, folder: str) -> list[dict[str, Any]]:
    """The records below a folder of `.stoa` at HEAD, in the order of their ids."""
    paths = person.git("ls-tree", "-r", "--name-only", "HEAD", f".stoa/{folder}").splitlines()
    found = [yaml.safe_load(person.git("show", f"HEAD:{path}")) for path in paths if path.endswith(".yaml")]
    return sorted(found, key=lambda record: record["id"])


def carried(ws: Workspace) -> set[tuple[str, ...]]:
    """What STOA says of tags, in the form of `folded`."""
    found: set[tuple[str, ...]] = set()
    for tag, names in tagged(ws).items():
        found |= {(name, "", "", "", "", "", tag) for name in names}
    for tag, jobs in tagged_groups(ws).items():
        found |= {(*job, "", "", "", "", tag) for job in jobs}
    for tag, runs in tagged_runs(ws).items():
        found |= {("", "", run, "", "", "", tag) for run in runs}
    for tag, pairs in tagged_pairs(ws).items():
        found |= {("", "", "", pair.process, pair.params, pair.environment, tag) for pair in pairs}
    return found


def folded(person: Person, formerly: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Steps, assignments, tags and selections as the last word about each has them.

    Parameters
    ----------
    formerly
        Former name of a target or process -> its present name.

    Returns
    -------
    folded
        A tag is listed with what carries it: target, image group, run, process, set, environment; "" for none.
    """
    steps: dict[tuple[str, str], str] = {}
    people: dict[tuple[str, str], str] = {}
    tags: dict[tuple[str, ...], bool] = {}
    for one in records(person, "reviews"):
        target = (formerly or {}).get(one["target"], one["target"])
        if one["kind"] == "step":
            steps[target, one["step"]] = one["state"]
        elif one["kind"] == "assign":
            people[target, one.get("step", "")] = one.get("person", "")
        elif one["kind"] in ("tag", "untag"):
            process = (formerly or {}).get(one.get("process", ""), one.get("process", ""))
            rest = (one.get(name, "") for name in ("params", "environment", "tag"))
            tags[target, one.get("group", ""), one.get("run", ""), process, *rest] = one["kind"] == "tag"
    named = {one["name"]: one for one in records(person, "selections")}
    return {
        "steps": steps,
        "people": {key: name for key, name in people.items() if name},
        "tags": {key for key, has in tags.items() if has},
        "selections": {name: one["where"] for name, one in named.items() if not one.get("removed")},
    }
