"""Options that are declared by calls: argparse's ``add_argument``, click's decorators."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from stoa.runs.reading.option import NOTHING, Option, Options
from stoa.runs.reading.source import Source, first_paragraph, last_name, owner_name

KINDS = {
    "float": "float", "int": "int", "str": "str", "bool": "bool", "Path": "file", "PosixPath": "file",
    "FLOAT": "float", "INT": "int", "STRING": "str", "BOOL": "bool",
}  # fmt: skip
_SWITCHES = ("store_true", "store_false", "store_const", "count", "append", "append_const", "BooleanOptionalAction")
_SILENT = ("version", "help")
_EXCLUSIVE = "add_mutually_exclusive_group"


# argparse.


def argparse_options(script: Source) -> Options | None:
    """What a script declares with argparse; None if nothing."""
    calls = [call for call in script.calls if last_name(call.func) == "add_argument"]
    if not calls:
        return None
    commands, exclusive = _assigned(script, "add_parser"), _assigned(script, _EXCLUSIVE)
    found = Options(options=[], style="argparse", doc=_argparse_doc(script))
    if commands or any(last_name(call.func) == "add_parser" for call in script.calls):
        found.notes.append("the script has subcommands: put the wanted one, and its options, into the command")
    for call in calls:
        flags = _flags(call, script)
        where = owner_name(call.func)
        if flags is None:
            found.notes.append(f"line {call.lineno}: the name of an option is computed and was not understood")
        elif where in exclusive:
            found.notes.append(f"{flags[0]} excludes other options and was left out: add the one that is wanted")
        elif where not in commands and (option := _argparse_option(call, flags, script)):
            found.options.append(option)
    return found


def _argparse_option(call: ast.Call, flags: list[str], script: Source) -> Option | None:
    given = {key.arg: key.value for key in call.keywords if key.arg}
    action = _text(given.get("action"), script)
    if action in _SILENT:
        return None
    long = next((flag for flag in flags if flag.startswith("--")), flags[0])
    positional = not flags[0].startswith("-")
    nargs = script.value(given["nargs"]) if "nargs" in given else None
    kind, kind_text = argparse_kind(given.get("type"))
    default, default_text = _default(given.get("default"), script)
    required = nargs not in ("?", "*") if positional else _is_true(given.get("required"), script)
    return Option(
        dest=str(_text(given.get("dest"), script) or long.lstrip("-")).replace("-", "_"),
        flag="" if positional else long, kind=kind, kind_text=kind_text, default=default, default_text=default_text,
        required=required and default is None, choices=_choices(given.get("choices"), script),
        help=str(_text(given.get("help"), script)), switch=action in _SWITCHES,
        several=nargs in ("*", "+", NOTHING) or (isinstance(nargs, int) and nargs > 1),
    )  # fmt: skip


def argparse_kind(node: ast.expr | None) -> tuple[str, str]:
    """The kind that ``type=`` gives, and its text where it is not known."""
    if node is None:
        return "", ""
    name = last_name(node.func) if isinstance(node, ast.Call) else last_name(node)
    if name == "FileType":
        mode = node.args[0] if isinstance(node, ast.Call) and node.args else None
        writes = isinstance(mode, ast.Constant) and str(mode.value)[:1] in "wax"
        return ("outfile" if writes else "infile"), ""
    return (KINDS[name], "") if name in KINDS else ("", ast.unparse(node))


def _argparse_doc(script: Source) -> str:
    for call in script.calls:
        if last_name(call.func) == "ArgumentParser":
            keys = [key.value for key in call.keywords if key.arg == "description"]
            for node in keys:
                text = script.value(node)
                return " ".join(text.split()) if isinstance(text, str) and text.count("\n\n") == 0 else first_paragraph(
                    text if isinstance(text, str) else "")  # fmt: skip
    return ""


def _assigned(script: Source, function: str) -> set[str]:
    """Names that are given what a function of that name returns."""
    found: set[str] = set()
    for node in ast.walk(script.tree):
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.Assign) and isinstance(value, ast.Call) and last_name(value.func) == function:
            found |= {last_name(target) for target in node.targets}
    return found


# click.


def click_options(script: Source) -> Options | None:
    """What a script declares with click's decorators; None if it does not."""
    if not script.imports & {"click", "rich_click"}:
        return None
    found = Options(options=[], style="click")
    commands = [node for node in ast.walk(script.tree) if isinstance(node, ast.FunctionDef) and _is_command(node)]
    if len(commands) != 1:
        found.notes.append(f"the script has {len(commands)} commands of click: put the wanted one into the command")
        return found
    found.doc = first_paragraph(ast.get_docstring(commands[0]) or "")
    for node in commands[0].decorator_list:
        if isinstance(node, ast.Call) and last_name(node.func) in ("option", "argument"):
            option = _click_option(node, script)
            if option is None:
                found.notes.append(f"line {node.lineno}: an option was not understood")
            else:
                found.options.append(option)
    return found


def _is_command(node: ast.FunctionDef) -> bool:
    return any(last_name(d.func if isinstance(d, ast.Call) else d) == "command" for d in node.decorator_list)


def _click_option(call: ast.Call, script: Source) -> Option | None:
    names = _flags(call, script)
    if not names:
        return None
    given = {key.arg: key.value for key in call.keywords if key.arg}
    positional = last_name(call.func) == "argument"
    flags = [name for name in names if name.startswith("-")]
    long = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")
    own = [name for name in names if not name.startswith("-")]
    kind, kind_text, more = click_kind(given.get("type"), script)
    default, default_text = _default(given.get("default"), script)
    nargs = script.value(given["nargs"]) if "nargs" in given else 1
    required = _is_true(given.get("required"), script) or (positional and "required" not in given)
    return Option(
        dest=(own[0] if own else long.lstrip("-").partition("/")[0]).replace("-", "_").lower(),
        flag="" if positional else long, kind=kind, kind_text=kind_text, default=default, default_text=default_text,
        required=required and default is None, help=str(_text(given.get("help"), script)),
        switch="/" in long or any(_is_true(given.get(key), script) for key in ("is_flag", "count")),
        several=nargs != 1 or _is_true(given.get("multiple"), script), **more,
    )  # fmt: skip


def click_kind(node: ast.expr | None, script: Source) -> tuple[str, str, dict[str, Any]]:
    """The kind that click's ``type=`` gives, its text where it is not known, and limits or choices."""
    if node is None:
        return "", "", {}
    name = last_name(node.func) if isinstance(node, ast.Call) else last_name(node)
    arguments = node.args if isinstance(node, ast.Call) else []
    keys = {key.arg: script.value(key.value) for key in node.keywords if key.arg} if isinstance(node, ast.Call) else {}
    if name in ("IntRange", "FloatRange"):
        limits = [*(script.value(each) for each in arguments), None, None][:2]
        least, most = (keys.get("min", limits[0]), keys.get("max", limits[1]))
        numbers = {"least": least, "most": most}
        kept = {key: float(value) for key, value in numbers.items() if isinstance(value, int | float)}
        return ("int" if name == "IntRange" else "float"), "", kept
    if name == "Choice":
        return "", "", {"choices": _choices(arguments[0] if arguments else None, script)}
    if name == "File":
        mode = script.value(arguments[0]) if arguments else keys.get("mode", "r")
        return ("outfile" if str(mode)[:1] in "wax" else "infile"), "", {}
    if name == "Path":
        return ("folder" if keys.get("file_okay") is False else "file"), "", {}
    return (KINDS[name], "", {}) if name in KINDS else ("", ast.unparse(node), {})


# Both.


def _flags(call: ast.Call, script: Source) -> list[str] | None:
    """The names of an option; None where one is computed."""
    words = [script.value(each) for each in call.args if not isinstance(each, ast.Starred)]
    if not words or len(words) != len(call.args) or not all(isinstance(word, str) and word for word in words):
        return None
    return words


def _default(node: ast.expr | None, script: Source) -> tuple[Any, str]:
    if node is None:
        return None, ""
    value = script.value(node)
    usable = value is None or isinstance(value, bool | int | float | str)
    return (value if usable else NOTHING), ast.unparse(node)


def _choices(node: ast.expr | None, script: Source) -> tuple[Any, ...]:
    value = script.value(node) if node is not None else ()
    return tuple(_choices_of(value)) if isinstance(value, list | tuple | set) else ()


def _choices_of(value: list[Any] | tuple[Any, ...] | set[Any]) -> Iterator[Any]:
    for each in value if not isinstance(value, set) else sorted(value, key=str):
        if isinstance(each, bool | int | float | str):
            yield each


def _text(node: ast.expr | None, script: Source) -> str:
    """A text that is given, or the name of what is given in its place."""
    if node is None:
        return ""
    value = script.value(node)
    return value if isinstance(value, str) else last_name(node)


def _is_true(node: ast.expr | None, script: Source) -> bool:
    return node is not None and script.value(node) is True
