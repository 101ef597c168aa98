"""A Python script as a syntax tree, and what its text says of names."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from stoa.runs.reading.option import NOTHING

_FITS_READERS = {"getdata", "getheader", "getval", "info"}
_WRITERS = {"writeto", "savefig", "savetxt", "save", "savez", "to_csv", "imsave"}
_LISTERS = {"listdir", "scandir", "walk", "glob", "rglob", "iglob"}


class Source:
    """A script that was parsed.

    Raises
    ------
    SyntaxError
        If Python cannot read it.
    """

    def __init__(self, text: bytes | str) -> None:
        try:
            self.tree = ast.parse(text)
        except ValueError as problem:  # a null byte, before Python 3.12
            raise SyntaxError(str(problem)) from None
        except RecursionError:
            raise SyntaxError("it is nested too deeply") from None

    @cached_property
    def doc(self) -> str:
        """The first paragraph of the module's docstring on one line."""
        return first_paragraph(ast.get_docstring(self.tree) or "")

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call, in the order of the lines."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    @cached_property
    def imports(self) -> set[str]:
        """Names of modules that are imported, without what follows the first dot."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
        return found

    @cached_property
    def asked(self) -> dict[str, dict[str, Any]]:
        """What it asks STOA for by name: ``job()["params"]["snr"]``, ``job()["inputs"].get("mask")``.

        Returns
        -------
        asked
            ``params`` and ``inputs``: name -> default of a call of ``get``, None where there is none.
        """
        found: dict[str, dict[str, Any]] = {"params": {}, "inputs": {}}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Subscript):
                kind, name, default = _key(node.value), _text(node.slice), None
            elif isinstance(node, ast.Call) and last_name(node.func) == "get" and isinstance(node.func, ast.Attribute):
                kind, name = _key(node.func.value), _text(node.args[0]) if node.args else ""
                default = self.value(node.args[1]) if len(node.args) > 1 else None
            else:
                continue
            if kind in found and name:
                found[kind][name] = default
        return found

    @property
    def asks_stoa(self) -> bool:
        """Whether it asks STOA what job it is: by `stoa.job`, by variables, or by ``stoa-job.json``."""
        texts = (n.value for n in ast.walk(self.tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
        names = {alias.name for n in ast.walk(self.tree) if isinstance(n, ast.ImportFrom) for alias in n.names}
        asks = "stoa" in self.imports and ("job" in names or any(last_name(c.func) == "job" for c in self.calls))
        return asks or any(text.startswith(("STOA_", "stoa-job")) for text in texts)

    @cached_property
    def constants(self) -> dict[str, Any]:
        """Names at the top of the module that are given a plain value once, docstring included."""
        found: dict[str, Any] = {"__doc__": ast.get_docstring(self.tree) or ""}
        again: set[str] = set()
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name, value = node.targets[0].id, plain(node.value, found)
                again |= {name} & found.keys()
                found[name] = value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                found[node.target.id] = plain(node.value, found)
        return {name: value for name, value in found.items() if name not in again and value is not NOTHING}

    def value(self, node: ast.expr) -> Any:
        """The plain value of an expression, `NOTHING` where it has to be computed."""
        return plain(node, self.constants)

    # How names are used: `args.NAME` and `NAME` count alike.

    @cached_property
    def opened_as_fits(self) -> set[str]:
        """Names that a reader of FITS files is given."""
        found: set[str] = set()
        for call in self.calls:
            name, owner = last_name(call.func), owner_name(call.func)
            reads = name in _FITS_READERS or (name == "open" and "fits" in owner.lower())
            if reads or (name == "read" and owner in ("SpectralCube", "CCDData", "Cube")):
                found |= set(_first_argument(call))
        return found

    @cached_property
    def written(self) -> set[str]:
        """Names that something which writes a file is given."""
        found: set[str] = set()
        for call in self.calls:
            name = last_name(call.func)
            table = name == "write" and any(key.arg in ("overwrite", "format") for key in call.keywords)
            if name in _WRITERS or table or (name == "open" and _opens_to_write(call)):
                found |= set(_first_argument(call))
        return found - self.opened_as_fits

    @cached_property
    def listed(self) -> set[str]:
        """Names that something which looks into a folder is given."""
        found: set[str] = set()
        for call in self.calls:
            if last_name(call.func) in _LISTERS:
                found |= set(_first_argument(call))
                if isinstance(call.func, ast.Attribute):
                    found |= set(_names(call.func.value))
        return found


def plain(node: ast.expr, constants: dict[str, Any]) -> Any:
    """The value of a literal or of a name that stands for one; `NOTHING` for what has to be computed."""
    if isinstance(node, ast.Name):
        return constants.get(node.id, NOTHING)
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return NOTHING
    return NOTHING if isinstance(value, float) and not math.isfinite(value) else value


def last_name(node: ast.expr) -> str:
    """The name of a function or attribute without what precedes its last dot."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def owner_name(node: ast.expr) -> str:
    """What precedes the last dot: ``fits`` of ``fits.open``."""
    return last_name(node.value) if isinstance(node, ast.Attribute) else ""


def first_paragraph(text: str) -> str:
    """The first paragraph of a text on one line."""
    return " ".join(text.strip().split("\n\n")[0].split())


def _key(node: ast.expr) -> str:
    """``params`` of ``anything["params"]``."""
    return _text(node.slice) if isinstance(node, ast.Subscript) else ""


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _opens_to_write(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(key.value for key in call.keywords if key.arg == "mode")]
    return any(isinstance(mode, ast.Constant) and str(mode.value)[:1] in "wax" for mode in modes)


def _first_argument(call: ast.Call) -> Iterator[str]:
    if call.args:
        yield from _names(call.args[0])
    if isinstance(call.func, ast.Attribute) and last_name(call.func) in ("write_text", "write_bytes"):
        yield from _names(call.func.value)


def _names(node: ast.expr) -> Iterator[str]:
    """Names that an expression is about: ``x``, ``args.x``, ``str(x)``, ``Path(args.x)``."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Call) and len(node.args) == 1:
        yield from _names(node.args[0])
