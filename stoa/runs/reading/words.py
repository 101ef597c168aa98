"""Words that a script takes from ``sys.argv`` itself."""

from __future__ import annotations

import ast
from typing import Any

from stoa.runs.reading.option import NOTHING, Option, Options
from stoa.runs.reading.source import Source, last_name

_CONVERSIONS = {"float": "float", "int": "int", "str": "str", "Path": "file"}
_MOST = 50  # words; more are no command line that a person types


def argv_options(script: Source) -> Options | None:
    """The words that a script reads by their positions in ``sys.argv``; None if it does not."""
    if not any(_is_argv(node) for node in ast.walk(script.tree) if isinstance(node, ast.expr)):
        return None
    found = Options(options=[], style="argv")
    words: dict[int, Option] = {}
    for node in ast.walk(script.tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            words |= dict(_assigned(node.targets[0], node.value, script))
    for node in ast.walk(script.tree):
        number = _position(node)
        if number and number not in words:
            words[number] = _unnamed(number, _used_as(script, node), found.notes)
    for number in range(1, max(words, default=0) + 1):
        if number not in words:
            found.notes.append(f"word {number} of the command line is not named in the script")
        found.options.append(words.get(number, Option(dest=f"word_{number}", required=True)))
    if not words:
        found.notes.append("the script reads sys.argv in a way that was not understood: complete the command by hand")
        found.options = [Option(dest="folder", required=True)]
    return found


def _unnamed(number: int, use: str, notes: list[str]) -> Option:
    """A word that is used where it is, without a name of its own."""
    if not use and number == 1:
        use = "folder"
        notes.append("the first word of the command line has no name in the script: it gets the folder")
    return Option(dest=use or f"word_{number}", required=True)


def _assigned(target: ast.expr, value: ast.expr, script: Source) -> list[tuple[int, Option]]:
    """Words that an assignment names: ``x = float(sys.argv[1])``, ``a, b = sys.argv[1:]``."""
    if isinstance(target, ast.Tuple | ast.List):
        first = _slice_start(value)
        if first is None:
            return []
        names = [(number, last_name(each)) for number, each in enumerate(target.elts, first) if number]
        return [(number, Option(dest=name, required=True)) for number, name in names if name][:_MOST]
    if not isinstance(target, ast.Name):
        return []
    default: Any = None
    text = ""
    if isinstance(value, ast.IfExp) and any(_is_argv(each) for each in ast.walk(value.test)):
        default, text, value = script.value(value.orelse), ast.unparse(value.orelse), value.body
    kind = ""
    while isinstance(value, ast.Call) and len(value.args) == 1:
        kind = kind or _CONVERSIONS.get(last_name(value.func), "")
        value = value.args[0]
    number = _position(value)
    if not number:
        return []
    usable = default is None or isinstance(default, bool | int | float | str)
    option = Option(
        dest=target.id, kind=kind, required=default is None, default=default if usable else NOTHING, default_text=text
    )
    return [(number, option)]


def _is_argv(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "argv") or (
        isinstance(node, ast.Name) and node.id == "argv"
    )


def _position(node: ast.AST) -> int:
    """The number of the word of ``sys.argv[N]``, 0 for anything else."""
    if isinstance(node, ast.Subscript) and _is_argv(node.value) and isinstance(node.slice, ast.Constant):
        number = node.slice.value
        return number if isinstance(number, int) and 0 < number <= _MOST else 0
    return 0


def _slice_start(node: ast.expr) -> int | None:
    """Where the words begin of ``sys.argv`` (0) or ``sys.argv[1:]`` (1)."""
    if _is_argv(node):
        return 0
    if isinstance(node, ast.Subscript) and _is_argv(node.value) and isinstance(node.slice, ast.Slice):
        lower = node.slice.lower
        return lower.value if isinstance(lower, ast.Constant) and isinstance(lower.value, int) else 0
    return None


def _used_as(script: Source, word: ast.AST) -> str:
    """A name for a word that is used where it is: by what it is given to."""
    for call in script.calls:
        if call.args and any(each is word for each in ast.walk(call.args[0])):
            name = last_name(call.func)
            if name in ("open", "getdata", "getheader", "read"):
                return "image"
            if name in ("listdir", "glob", "scandir", "walk"):
                return "folder"
    return ""
