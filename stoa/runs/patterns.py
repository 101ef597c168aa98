"""Inputs found by their names in a target's folder, such as measurement sets; metadata documents lack these."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping

import msgspec

from stoa import trees
from stoa.model import FileRef, Process, Target
from stoa.runs.images import Choice

_NAMED = 5


def with_found(process: Process, choice: Choice, target: Target, folder: str, before: Mapping[str, FileRef]) -> Choice:
    """A job with its inputs by pattern.

    Parameters
    ----------
    folder
        The target's folder; "" where its root is not on this machine, and the inputs are those of the last outcome.
    before
        Inputs of the last outcome.
    """
    patterns = {name: spec for name, spec in process.inputs.items() if spec.pattern}
    if not patterns:
        return choice
    found, missing, skips = dict(choice.inputs), choice.missing, False
    start = f"{target.root}:{target.path}/" if target.path else f"{target.root}:"
    for name, spec in patterns.items():
        if not folder:
            found[name] = before[name].path.removeprefix(start) if name in before else None
            continue
        names = _matches(folder, spec.pattern)
        problem = _problem(folder, names, spec.pattern, optional=spec.optional)
        found[name] = None if problem or not names else names[0]
        if problem and not missing:
            missing = f"input {name}: {problem}"
            skips = not names and spec.missing == "skip"
    ordered = {name: found[name] for name in process.inputs if name in found}
    return msgspec.structs.replace(choice, inputs=ordered, missing=missing, skips=skips)


def _matches(folder: str, pattern: str) -> list[str]:
    """Files and folders below a folder that a pattern names, without those inside of another one."""
    found: list[str] = []
    for path in sorted(glob.glob(pattern, root_dir=folder, recursive=True)):
        path = path.rstrip("/")
        if not any(path == other or path.startswith(f"{other}/") for other in found):
            found.append(path)
    return found


def _problem(folder: str, names: list[str], pattern: str, *, optional: bool) -> str:
    if not names:
        return "" if optional else f"no file or folder matches {pattern!r}"
    if len(names) > 1:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"{len(names)} files or folders match {pattern!r}, and it takes one: {', '.join(names[:_NAMED])}{more}"
    place = os.path.join(folder, names[0])
    try:
        if os.path.isdir(place):
            trees.look(place)
        elif not os.path.isfile(place):
            return f"{names[0]} is neither a file nor a folder"
    except OSError as problem:
        return f"{names[0]} cannot be taken: {problem.strerror}"
    return ""
