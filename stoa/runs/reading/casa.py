"""A script for CASA: the values that it sets, its measurement sets and images, and what no job can do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from stoa.runs.reading import python2
from stoa.runs.reading.option import NOTHING
from stoa.runs.reading.source import Source, last_name

CLEANERS = ("tclean", "clean")
_TASKS = {
    *CLEANERS, "applycal", "bandpass", "concat", "exportfits", "feather", "flagdata", "gaincal", "imcontsub", "imhead",
    "immath", "immoments", "impbcor", "importasdm", "importfits", "imstat", "imsubimage", "listobs", "mstransform",
    "plotms", "setjy", "split", "statwt", "uvcontsub",
}  # fmt: skip
_WINDOWS = {"viewer", "imview", "msview", "plotms", "plotxy", "plotcal", "browsetable", "casabrowser"}
_GLOBALS = {"default", "inp", "go", "tget", "tput", "saveinputs"}
_SHELL = {"system", "popen", "call", "check_call", "check_output", "Popen"}
_OLD_NAMES = {"execfile", "raw_input", "xrange", "unicode", "has_key", "iteritems", "itervalues"}
_OLD_MODULES = {"taskinit", "tasks", "casac", "casadef", "task_tclean", "task_clean"}
_MADE = ("outputvis", "outfile", "concatvis")
_DEEPEST = 20  # names of names; a script with more goes in a circle
_PAIRS = ("imsize", "cell")  # one number or text for both axes, or a list


class CasaScript(Struct):
    """What was read; nothing of it was run."""

    doc: str
    values: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)  # name -> pattern
    outputs: dict[str, tuple[str, str, bool]] = field(default_factory=dict)  # name -> path, kind, optional
    notes: list[str] = field(default_factory=list)


def read(text: bytes) -> CasaScript | None:
    """What a script for CASA sets and makes; None if it calls none of CASA's tasks."""
    found = python2.read(text)
    if found is None or not _is_casa(found.source):
        return None
    return _Reader(found).read()


def _is_casa(script: Source) -> bool:
    own = {node.name for node in ast.walk(script.tree) if isinstance(node, ast.FunctionDef)}
    called = {call.func.id for call in script.calls if isinstance(call.func, ast.Name)} - own
    if "casatasks" in script.imports:
        called |= {last_name(call.func) for call in script.calls}
        return bool(called & _TASKS)
    return bool(called & set(CLEANERS)) or len(called & _TASKS) > 1


class _Reader:
    def __init__(self, found: python2.Read) -> None:
        self._found, self._script = found, found.source
        self._made = CasaScript(doc=found.source.doc, values={})
        self._cleans = [call for call in self._script.calls if last_name(call.func) in CLEANERS]
        self._once, self._again, self._nodes = self._assigned()
        self._fixed: set[str] = set()  # names that outputs rest on
        self._top = {id(n.value) for n in self._script.tree.body if isinstance(n, ast.Expr | ast.Assign)}

    def read(self) -> CasaScript:
        self._say_versions()
        self._take_inputs()
        self._take_outputs()
        self._take_values()
        self._say_headless()
        return self._made

    def _note(self, text: str) -> None:
        self._made.notes.append(text)

    def _assigned(self) -> tuple[dict[str, tuple[Any, int]], set[str], dict[str, ast.expr]]:
        """Names that get one plain value, at the top, and no other anywhere; all other names; what a name gets once.

        Returns
        -------
        once
            Name -> value, line.
        again
            Names that get values elsewhere too, or computed ones.
        nodes
            Name -> expression, of those that get something once, at the top.
        """
        stored = [n.id for n in ast.walk(self._script.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        once, nodes = {}, {}
        for node in self._script.tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name, value = node.targets[0].id, _literal(node.value)
                if stored.count(name) == 1:
                    nodes[name] = node.value
                    if value is not NOTHING:
                        once[name] = (value, node.lineno)
        return once, set(stored) - once.keys(), nodes

    def _text(self, node: ast.expr | None, depth: int = 0) -> str:
        """A text that is written, named or put together from such; "" where it has to be computed."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self._text(node.left, depth + 1), self._text(node.right, depth + 1)
            return left + right if left and right else ""
        if isinstance(node, ast.Name):
            self._fixed.add(node.id)
            return self._text(self._nodes.get(node.id), depth + 1) if depth < _DEEPEST else ""
        value = _literal(node) if node is not None else ""
        return value if isinstance(value, str) else ""

    def _take_inputs(self) -> None:
        made = {self._text(key.value) for call in self._script.calls for key in call.keywords if key.arg in _MADE}
        names: dict[str, tuple[str, int]] = {}
        several: set[str] = set()
        for call in self._script.calls:
            for key in call.keywords:
                if key.arg == "vis":
                    self._take_visibilities(key.value, names, several)
        vis, line = self._once.get("vis", ("", 0))
        if isinstance(vis, str) and vis:
            names.setdefault("vis", (vis, line))
        given = {name: at for name, at in names.items() if at[0] not in made and name not in several | self._again}
        for name, (path, line) in given.items():
            leaf = path.rstrip("/").rpartition("/")[2]
            one = len(given) == 1 and leaf.endswith(".ms")
            self._made.inputs[name] = "**/*.ms" if one else f"**/{leaf}"
            self._fixed.add(name)
            self._note(f"line {line}: {path} is the input {name!r}: the one folder {self._made.inputs[name]}"
                       " below each target; change the pattern where that is another")  # fmt: skip

    def _take_visibilities(self, node: ast.expr, names: dict[str, tuple[str, int]], several: set[str]) -> None:
        if isinstance(node, ast.Name):
            value, line = self._once.get(node.id, ("", 0))
            name = node.id
        else:
            value, line, name = _literal(node), node.lineno, "vis"
        if isinstance(value, list):
            several.add(name)
            self._note(f"line {line}: {name} is a list of measurement sets, and an input is one: concatenate them"
                       " in a process of its own")  # fmt: skip
        elif not isinstance(value, str) or not value:
            self._note(f"line {node.lineno}: which measurement set vis is was not understood")
        elif names.setdefault(name, (value, line))[0] != value:
            several.add(name)
            self._note(f"line {line}: vis={value!r} is another measurement set than that of line {names[name][1]}:"
                       " give each a name at the top of the script")  # fmt: skip

    def _take_outputs(self) -> None:
        for call in self._script.calls:
            given = {key.arg: key.value for key in call.keywords if key.arg}
            task = last_name(call.func)
            if task in CLEANERS and "imagename" in given:
                ends = [(".image", "image")]
                if "pbcor" in given and _literal(given["pbcor"]) is True:
                    ends.append((".image.pbcor", "pbcor"))
                many = "deconvolver" in given and _literal(given["deconvolver"]) == "mtmfs"
                if many:
                    ends = [(f"{end}.tt0", name) for end, name in ends]
                    self._fixed.add("deconvolver")
                self._put_outputs(call, given["imagename"], ends, "folder")
            elif task == "exportfits" and (node := given.get("fitsimage", call.args[1] if call.args[1:] else None)):
                self._put_outputs(call, node, [("", "fits")], "image")

    def _put_outputs(self, call: ast.Call, node: ast.expr, ends: list[tuple[str, str]], kind: str) -> None:
        stem, task = self._text(node), last_name(call.func)
        if not stem:
            self._note(f"line {call.lineno}: the name that {task} writes to is computed: declare it under outputs")
        elif stem.startswith(("/", "~", "..")) or "/../" in stem:
            self._note(f"line {call.lineno}: {task} writes to {stem}, outside of the job's directory: nothing there is"
                       " an output; give a name without folders")  # fmt: skip
        else:
            for end, name in ends:
                paths = [path for path, _, _ in self._made.outputs.values()]
                if stem + end not in paths:
                    same = sum(each.rstrip("0123456789").rstrip("_") == name for each in self._made.outputs)
                    key = f"{name}_{same + 1}" if same else name
                    self._made.outputs[key] = (stem + end, kind, id(call) not in self._top)

    def _take_values(self) -> None:
        seen: dict[str, list[tuple[Any, int]]] = {name: [where] for name, where in self._once.items()}
        for call in self._cleans:
            for key in call.keywords:
                if key.arg and (value := _literal(key.value)) is not NOTHING:
                    seen.setdefault(key.arg, []).append((value, key.value.lineno))
        left: dict[str, list[str]] = {}
        for name, places in seen.items():
            if name in ("vis", "imagename", "pbcor", *self._fixed) or name.startswith("__") or places[0][0] is None:
                continue
            if name == "interactive" and any(value is True or value == 1 for value, _ in places):
                lines = _lines([line for value, line in places if value])
                self._note(f"{lines}: interactive waits for a person: the parameter interactive has the default false")
                self._made.values[name] = False
            else:
                self._take_value(name, places, left)
        for reason, names in left.items():
            self._note(f"{', '.join(names)}: {reason}, so the script keeps what it has")

    def _take_value(self, name: str, places: list[tuple[Any, int]], left: dict[str, list[str]]) -> None:
        values = [_one(name, value) for value, _ in places]
        shown = f"{name} (line {', '.join(str(line) for _, line in places)})"
        if name in self._again or any(value != values[0] or type(value) is not type(values[0]) for value in values):
            left.setdefault("it has several values", []).append(shown)
        elif not isinstance(values[0], bool | int | float | str):
            left.setdefault("no parameter can hold a list", []).append(shown)
        elif isinstance(values[0], str) and values[0].startswith(("/", "~")):
            return  # said with all other paths
        else:
            self._made.values[name] = values[0]

    def _say_versions(self) -> None:
        old = {words: list(lines) for words, lines in self._found.old.items()}
        for node in ast.walk(self._script.tree):
            name = last_name(node) if isinstance(node, ast.Name | ast.Attribute) else ""
            if isinstance(node, ast.BinOp) and _is_old_print(node):
                old.setdefault(python2.PRINT, []).append(node.lineno)
            if name in _OLD_NAMES and isinstance(node, ast.Name | ast.Attribute):
                old.setdefault(name, []).append(node.lineno)
        if old:
            named = "; ".join(f"{words} (line {', '.join(map(str, sorted(set(at))))})" for words, at in old.items())
            self._note(f"the script is in Python 2, and CASA 6 runs Python 3 alone: {named}. Nothing was converted:"
                       " rewrite these lines first")  # fmt: skip
        for line, words in self._found.unread:
            self._note(f"line {line} cannot be read as Python ({words}) and was passed over")
        if lines := [call.lineno for call in self._script.calls if last_name(call.func) == "clean"]:
            self._note(f"{_lines(lines)}: CASA 6 has no task clean; tclean takes its place, with other arguments")
        if modules := sorted(self._script.imports & _OLD_MODULES):
            self._note(f"the script imports {', '.join(modules)}, which CASA 5 had and CASA 6 does not")

    def _say_headless(self) -> None:
        for call in self._script.calls:
            name = last_name(call.func)
            if name in _WINDOWS:
                self._note(f"line {call.lineno}: {name} opens a window, and a job has no screen")
            elif name in ("raw_input", "input") and isinstance(call.func, ast.Name):
                self._note(f"line {call.lineno}: {name} waits for a person, and a job ends there")
            elif name == "execfile":
                path = self._text(call.args[0]) if call.args else ""
                self._note(f"line {call.lineno}: execfile runs {path or 'another script'}, which was not read: add it"
                           " to `files` of the definition")  # fmt: skip
            elif name in _SHELL and isinstance(call.func, ast.Attribute):
                words = self._text(call.args[0]) if call.args else ""
                self._note(f"line {call.lineno}: a command of the shell ({words or 'computed'}): its relative paths are"
                           " those of the job's directory, which is empty at first")  # fmt: skip
            elif name == "chdir":
                self._note(f"line {call.lineno}: chdir leaves the job's directory, and outputs are looked for there")
            elif isinstance(call.func, ast.Name) and (name in _GLOBALS or (name in CLEANERS and not call.keywords)):
                self._note(f"line {call.lineno}: {name}() takes its values from names of CASA's shell: write them as"
                           " arguments of the task")  # fmt: skip
        for line, path in sorted(set(self._absolute())):
            self._note(f"line {line}: {path} is a path of this machine, which no parameter holds")

    def _absolute(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self._script.tree):
            text = node.value if isinstance(node, ast.Constant) else ""
            if isinstance(text, str) and text.startswith(("/", "~/")) and len(text) > 2 and " " not in text:
                yield node.lineno, text  # type: ignore[attr-defined]


def _is_old_print(node: ast.BinOp) -> bool:
    """Whether Python 3 reads ``print >>file, words`` or ``print ("%s") % word``, and stumbles when it runs."""
    left = node.left.func if isinstance(node.left, ast.Call) and isinstance(node.op, ast.Mod) else node.left
    return isinstance(node.op, ast.RShift | ast.Mod) and isinstance(left, ast.Name) and left.id == "print"


def _lines(numbers: list[int]) -> str:
    return f"line {', '.join(map(str, numbers))}"


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return NOTHING


def _one(name: str, value: Any) -> Any:
    """One value of a list of the same, where CASA takes that as well."""
    several = name in _PAIRS and isinstance(value, list | tuple) and value and len({repr(one) for one in value}) == 1
    return value[0] if several else value
