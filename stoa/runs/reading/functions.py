"""Options that are the parameters of a function: typer."""

from __future__ import annotations

import ast
from typing import Any

from stoa.runs.reading.arguments import KINDS
from stoa.runs.reading.option import NOTHING, Option, Options
from stoa.runs.reading.source import Source, first_paragraph, last_name


def typer_options(script: Source) -> Options | None:
    """What a script's typer command takes; None if it has none."""
    if "typer" not in script.imports:
        return None
    found = Options(options=[], style="click")  # typer's options are click's
    commands = _commands(script)
    if len(commands) != 1:
        found.notes.append(f"the script has {len(commands)} commands of typer: put the wanted one into the command")
        return found
    function = commands[0]
    found.doc = first_paragraph(ast.get_docstring(function) or "")
    given = function.args
    missing: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults))
    pairs = [*zip(given.args, [*missing, *given.defaults], strict=True)]
    pairs += [*zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    for argument, default in pairs:
        if last_name(argument.annotation or ast.Name("")) != "Context":
            found.options.append(_option(argument, default, script))
    return found


def _commands(script: Source) -> list[ast.FunctionDef]:
    functions = {node.name: node for node in ast.walk(script.tree) if isinstance(node, ast.FunctionDef)}
    run = [last_name(call.args[0]) for call in script.calls if last_name(call.func) == "run" and call.args]
    decorated = [
        node
        for node in functions.values()
        if any(last_name(d.func if isinstance(d, ast.Call) else d) == "command" for d in node.decorator_list)
    ]
    return decorated or [functions[name] for name in run if name in functions]


def _option(argument: ast.arg, default: ast.expr | None, script: Source) -> Option:
    annotation, extra = _parts(argument.annotation)
    if isinstance(default, ast.Call) and last_name(default.func) in ("Option", "Argument"):
        extra, default = default, (default.args[0] if default.args else None)
        names = extra.args[1:]
    else:
        names = extra.args if extra is not None else []
    if isinstance(default, ast.Constant) and default.value is ...:
        default = None
        has_default = False
    else:
        has_default = default is not None
    value = script.value(default) if default is not None else None
    usable = value is None or isinstance(value, bool | int | float | str)
    keys = {key.arg: script.value(key.value) for key in extra.keywords if key.arg} if extra is not None else {}
    kind, kind_text, more = _kind(annotation, script)
    declared = last_name(extra.func) if extra is not None else ""
    positional = declared == "Argument" or (declared == "" and not has_default)
    flags = [text for text in map(script.value, names) if isinstance(text, str) and text.startswith("-")]
    long = next((flag for flag in flags if flag.startswith("--")), f"--{argument.arg.replace('_', '-')}")
    limits = {"least": keys.get("min"), "most": keys.get("max")}
    more |= {key: float(number) for key, number in limits.items() if isinstance(number, int | float)}
    if keys.get("file_okay") is False:
        kind = "folder"
    return Option(
        dest=argument.arg, flag="" if positional else long, kind=kind, kind_text=kind_text,
        default=value if usable else NOTHING, default_text=ast.unparse(default) if default is not None else "",
        required=not has_default, help=str(keys["help"]) if isinstance(keys.get("help"), str) else "",
        switch=kind == "bool" and not positional, **more,
    )  # fmt: skip


def _parts(annotation: ast.expr | None) -> tuple[ast.expr | None, ast.Call | None]:
    """The type of ``Annotated[TYPE, typer.Option(...)]`` and the call in it."""
    if not isinstance(annotation, ast.Subscript) or last_name(annotation.value) != "Annotated":
        return annotation, None
    parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    calls = [
        part for part in parts[1:] if isinstance(part, ast.Call) and last_name(part.func) in ("Option", "Argument")
    ]
    return parts[0], (calls[0] if calls else None)


def _kind(node: ast.expr | None, script: Source) -> tuple[str, str, dict[str, Any]]:
    if node is None:
        return "", "", {}
    if isinstance(node, ast.BinOp):  # X | None
        sides = [
            each for each in (node.left, node.right) if not (isinstance(each, ast.Constant) and each.value is None)
        ]
        return _kind(sides[0], script) if len(sides) == 1 else ("", ast.unparse(node), {})
    if isinstance(node, ast.Subscript):
        outer = last_name(node.value)
        if outer == "Optional":
            return _kind(node.slice, script)
        if outer in ("list", "List", "tuple", "Tuple", "Sequence"):
            return "", "", {"several": True}
        if outer == "Literal":
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return "", "", {"choices": tuple(script.value(part) for part in parts)}
    name = last_name(node)
    if name in KINDS:
        return KINDS[name], "", {}
    if choices := _members(name, script):
        return "", "", {"choices": choices}
    return "", ast.unparse(node), {}


def _members(name: str, script: Source) -> tuple[Any, ...]:
    """Values of an enumeration that the script defines."""
    for node in ast.walk(script.tree):
        if isinstance(node, ast.ClassDef) and node.name == name and any("Enum" in last_name(b) for b in node.bases):
            values = [script.value(each.value) for each in node.body if isinstance(each, ast.Assign)]
            return tuple(value for value in values if isinstance(value, str | int | float))
    return ()
