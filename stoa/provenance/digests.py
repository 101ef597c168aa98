"""What makes two definitions the same: digests over what can change a product, and nothing else."""

from __future__ import annotations

import hashlib
import io
import json
import tokenize
from collections.abc import Mapping
from typing import Any

import msgspec

from stoa.model import Environment, Process, Value

_ENVIRONMENT_FIELDS = ("executable", "image", "dockerfile", "network", "umask", "rules")
_INPUT_FIELDS = ("role", "optional", "choose", "accept")
_PROCESS_FIELDS = ("command", "shell", "over", "inputs", "outputs", "results", "needs", "intent")


def digest(value: Any) -> str:
    """The first 16 hexadecimal digits of the sha256 of a value's canonical JSON."""
    text = json.dumps(msgspec.to_builtins(value), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def process_digest(process: Process) -> str:
    """Digest of what the process does: not of its limits, words or parameter declarations.

    A changed default or limit shows in the parameter set, a changed script in `script_digest`.
    """
    parts = {name: getattr(process, name) for name in _PROCESS_FIELDS}
    # What most inputs do not have is left out, so that digests of older records stay as they are.
    parts["inputs"] = {
        name: {
            key: value
            for key, value in msgspec.to_builtins(spec).items()
            if key in _INPUT_FIELDS or (key == "pattern" and value)
        }
        for name, spec in process.inputs.items()
    }
    parts["outputs"] = {
        name: {"path": spec.path, "kind": spec.kind, "optional": spec.optional}
        for name, spec in process.outputs.items()
    }
    parts["results"] = {name: (spec.type, spec.unit) for name, spec in process.results.items()}
    return digest(parts)


def params_digest(values: dict[str, Value]) -> str:
    """Digest of the values of a parameter set, whatever its name."""
    return digest(values)


def environment_digest(environment: Environment, files: Mapping[str, bytes] | None = None) -> str:
    """Digest of the environment's definition, without its name and words.

    What nearly no environment says is left out where it is not said, so that digests of older
    records stay as they are.

    Parameters
    ----------
    files
        Content of the files that the definition names.
    """
    parts: list[Any] = [environment.kind, environment.python, environment.environ, environment.inherit]
    further = {name: getattr(environment, name) for name in _ENVIRONMENT_FIELDS}
    further = {name: value for name, value in further.items() if value not in ("", -1, (), "none")}
    if files:
        further["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return digest([*parts, further] if further else parts)


def script_digest(content: bytes, name: str) -> str:
    """Digest of a script; comments, blank lines and the kind of line end of Python do not count.

    The line that names the interpreter (``#!``) does. What cannot be read as Python in UTF-8 is
    hashed as it is.
    """
    if name.endswith(".py"):
        content = _without_comments(content)
    return hashlib.sha256(content).hexdigest()[:16]


def scripts_digest(script: bytes, name: str, files: Mapping[str, bytes]) -> str:
    """Digest of a script with the files that are frozen beside it; that of the script where there is none."""
    own = script_digest(script, name)
    return digest([own, {file: script_digest(content, file) for file, content in files.items()}]) if files else own


def _without_comments(content: bytes) -> bytes:
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        tokens = list(tokenize.tokenize(io.BytesIO(text.encode("utf-8")).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return content
    if tokens[0].string != "utf-8" or any(token.type == tokenize.ERRORTOKEN for token in tokens):
        return content
    lines = text.split("\n")
    inside: set[int] = set()  # rows that end in a string over several lines, where blanks count
    for token in tokens:
        inside.update(range(token.start[0], token.end[0]))
        if token.type == tokenize.COMMENT and not (token.start == (1, 0) and token.string.startswith("#!")):
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    kept = (line if row in inside else line.rstrip() for row, line in enumerate(lines, 1))
    return "\n".join(line for row, line in enumerate(kept, 1) if line or row in inside).encode("utf-8")
