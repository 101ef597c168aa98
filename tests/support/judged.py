"""What the records of judgements say, folded by hand from the files that git holds, without the index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from collaborators import Person


def records(person: Person, folder: str) -> list[dict[str, Any]]:
    """The records below a folder of `.stoa` at HEAD, in the order of their ids."""
    paths = person.git("ls-tree", "-r", "--name-only", "HEAD", f".stoa/{folder}").splitlines()
    found = [yaml.safe_load(person.git("show", f"HEAD:{path}")) for path in paths if path.endswith(".yaml")]
    return sorted(found, key=lambda record: record["id"])


def folded(person: Person, formerly: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Steps, assignments, tags and selections as the last word about each has them.

    Parameters
    ----------
    formerly
        Former name of a target -> its present name.
    """
    steps: dict[tuple[str, str], str] = {}
    people: dict[tuple[str, str], str] = {}
    tags: dict[tuple[str, str], bool] = {}
    for one in records(person, "reviews"):
        target = (formerly or {}).get(one["target"], one["target"])
        if one["kind"] == "step":
            steps[target, one["step"]] = one["state"]
        elif one["kind"] == "assign":
            people[target, one.get("step", "")] = one.get("person", "")
        elif one["kind"] in ("tag", "untag"):
            tags[target, one["tag"]] = one["kind"] == "tag"
    named = {one["name"]: one for one in records(person, "selections")}
    return {
        "steps": steps,
        "people": {key: name for key, name in people.items() if name},
        "tags": {key for key, has in tags.items() if has},
        "selections": {name: one["where"] for name, one in named.items() if not one.get("removed")},
    }
