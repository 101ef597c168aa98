"""What a definition could say about a script, from the options that it declares with argparse.

The script is read, not run.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from stoa.model import Value

_FOLDERS = ("target", "folder", "dir", "directory", "path", "input_dir", "indir")
_IMAGES = ("image", "fits", "file", "infile", "input", "input_file", "filename", "map")
_OUT_FOLDERS = ("outdir", "out_dir", "output_dir", "outputdir", "workdir")
_OUTPUTS = ("out", "output", "outfile", "output_file", "outname")
_TYPES = {"float": "float", "int": "int", "str": "str", "Path": "str"}
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")


class Proposal(Struct):
    """Pieces of a definition; what is to be written for ``params`` and the like is YAML on one line each."""

    words: list[str]  # of the command, after the interpreter and the script
    params: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # what could not be proposed, and why
    doc: str = ""


class _Option(Struct):
    """One call of ``add_argument``."""

    flags: list[str]
    given: dict[str, Any]  # keyword -> literal, or the name of what stands there

    @property
    def dest(self) -> str:
        long = [flag for flag in self.flags if flag.startswith("--")] or self.flags
        return str(self.given.get("dest") or long[0].lstrip("-")).replace("-", "_")

    @property
    def is_positional(self) -> bool:
        return not self.flags[0].startswith("-")


def propose(source: bytes) -> Proposal | None:
    """What a Python script's argparse options suggest; None if it cannot be read or has none."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    options = list(_options(tree))
    if not options:
        return None
    found = Proposal(words=[], doc=_description(tree))
    for option in sorted(options, key=lambda one: not one.is_positional):
        _take(option, found)
    return found


def _options(tree: ast.AST) -> Iterator[_Option]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == "add_argument"]
    for call in sorted(calls, key=lambda node: node.lineno):
        flags = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if flags and len(flags) == len(call.args) and all(flags):
            yield _Option(flags=flags, given={key.arg: _literal(key.value) for key in call.keywords if key.arg})


def _description(tree: ast.AST) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "ArgumentParser":
            for key in node.keywords:
                text = _literal(key.value)
                if key.arg == "description" and isinstance(text, str):
                    return " ".join(text.split())
    return ""


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _literal(node: ast.AST) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        return _name(node)


def _take(option: _Option, found: Proposal) -> None:
    flag = "" if option.is_positional else next((f for f in option.flags if f.startswith("--")), option.flags[0])
    dest, given = option.dest, option.given
    if given.get("action") not in (None, "", "store"):
        found.notes.append(f"{flag or dest} is a switch; add it to the command where it is wanted")
    elif given.get("nargs") not in (None, "", "?"):
        found.notes.append(f"{flag or dest} takes several values; add them to the command")
    elif dest in _OUT_FOLDERS:
        _argument(found, flag, "{out}")
    elif dest in _OUTPUTS:
        name = str(given.get("default") or "out.dat").rsplit("/", 1)[-1]
        _argument(found, flag, f"{{out}}/{name}")
        found.outputs[dest] = f"{{path: {_scalar(name)}}}"
    elif option.is_positional and dest in _FOLDERS:
        _argument(found, flag, "{target}")
    elif dest in _IMAGES and (option.is_positional or given.get("required")):
        _argument(found, flag, f"{{{dest}}}")
        found.inputs[dest] = "{role: [correctedImage, image]}"
    elif not _IDENTIFIER.fullmatch(dest):
        found.notes.append(f"{flag or dest} cannot name a parameter")
    else:
        _argument(found, flag, f"{{params.{dest}}}")
        found.params[dest] = _declaration(given)


def _argument(found: Proposal, flag: str, value: str) -> None:
    found.words += [flag, value] if flag else [value]


def _declaration(given: dict[str, Any]) -> str:
    default, choices = given.get("default"), given.get("choices")
    sample = default if default is not None else choices[0] if isinstance(choices, list | tuple) and choices else None
    kind = _TYPES.get(str(given.get("type") or ""), "") or _kind_of(sample)
    fields = [f"type: {kind}"]
    if isinstance(default, bool | int | float | str) and not isinstance(default, bool) and default != "":
        fields.append(f"default: {_scalar(default)}")
    if isinstance(choices, list | tuple):
        fields.append(f"choices: [{', '.join(_scalar(each) for each in choices)}]")
    if isinstance(given.get("help"), str) and given["help"]:
        text = " ".join(given["help"].split())
        words = re.sub(r"\s*[(\[]?default:? ?%\(default\)s[)\]]?", "", text).replace("%%", "%")
        fields.append(f"doc: {_scalar(words)}")
    return f"{{{', '.join(fields)}}}"


def _kind_of(value: Any) -> str:
    return "int" if isinstance(value, int) else "float" if isinstance(value, float) else "str"


def _scalar(value: Value) -> str:
    text = str(value)
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_./ -]*[A-Za-z0-9]|[A-Za-z]", text):
        return json.dumps(text, ensure_ascii=False)
    return text
