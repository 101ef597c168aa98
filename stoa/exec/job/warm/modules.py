"""Which modules of a script a warm interpreter imports before there is a job: found by parsing, never by running."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator, Mapping

from stoa.model import Process, Warm

HARMLESS = frozenset({"getLogger", "Path", "compile", "frozenset", "set", "dict", "list", "tuple", "namedtuple"})
"""Functions that a script may call between its imports: what follows is imported as if it had not."""


def warm_of(process: Process, script: str, sources: Mapping[str, bytes], home: str) -> Warm | None:
    """What the jobs of a process share; None for a process whose jobs start cold.

    Parameters
    ----------
    script
        Absolute path of the copy that runs; the files of the process are beside it.
    sources
        Content of the script and of those files by name.
    home
        Absolute path of the folder of the script in the project, where its jobs find further modules.
    """
    if not process.warm or not script:
        return None
    return Warm(script=script, modules=wanted(process, sources), own=(os.path.dirname(script), home))


def wanted(process: Process, sources: Mapping[str, bytes]) -> tuple[str, ...]:
    """The modules that a process names, or those that are found in its sources."""
    if not isinstance(process.warm, bool):
        return process.warm
    python = {name: content for name, content in sources.items() if name.endswith(".py")}
    return imported_first(python.values(), {name.removesuffix(".py") for name in python})


def imported_first(sources: Iterable[bytes], own: Iterable[str]) -> tuple[str, ...]:
    """Third-party modules that Python sources import at top level before they do anything else.

    What is imported after the first statement that acts (sets a variable of the system, changes `sys.path`, calls a
    function that may) is left out: whatever that statement does, the import would come before it. Calls into modules
    that are taken, as ``matplotlib.use("Agg")``, do not count as acting.

    Parameters
    ----------
    own
        Names of modules that are beside the script.

    Returns
    -------
    names
        In the order of the imports. ``from a import b`` gives ``a.b``, be `b` a module or not. None of a source that
        cannot be parsed.
    """
    found: dict[str, None] = {}
    others = sys.stdlib_module_names | set(own)
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        found |= dict.fromkeys(name for name in _Reader(others).names(tree.body) if name)
    return tuple(found)


class _Reader:
    """Reads statements until one acts."""

    def __init__(self, others: Iterable[str]) -> None:
        self._others = frozenset(others)
        self._taken: set[str] = set()  # names in the script that stand for modules that are taken
        self.acts = False

    def names(self, body: Iterable[ast.stmt]) -> Iterator[str]:
        for statement in body:
            if self.acts:
                return
            yield from self._in(statement)

    def _in(self, statement: ast.stmt) -> Iterator[str]:
        match statement:
            case ast.Import(names=aliases):
                for alias in aliases:
                    yield self._take(alias.name, alias.asname or alias.name.partition(".")[0])
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                for alias in aliases:
                    name = module if alias.name == "*" else f"{module}.{alias.name}"
                    yield self._take(name, alias.asname or alias.name)
            case ast.If(test=test) if _is_for_checkers(test):
                yield from self.names(statement.orelse)
            case ast.If(test=test):
                self.acts = self._calls(test)
                yield from self.names([*statement.body, *statement.orelse])
            case ast.Try():
                handlers = [each for handler in statement.handlers for each in handler.body]
                yield from self.names([*statement.body, *handlers, *statement.orelse, *statement.finalbody])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Pass() | ast.ImportFrom():
                pass
            case _:
                self.acts = self._calls(statement) or _sets_elsewhere(statement)

    def _take(self, module: str, name: str) -> str:
        if module.partition(".")[0] in self._others:
            return ""
        self._taken.add(name)
        return module

    def _calls(self, node: ast.AST) -> bool:
        calls = (each for each in ast.walk(node) if isinstance(each, ast.Call))
        return any(_last(call.func) not in HARMLESS and _first(call.func) not in self._taken for call in calls)


def _first(node: ast.expr) -> str:
    """`np` of ``np.random.default_rng``."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else _first(node)


def _is_for_checkers(test: ast.expr) -> bool:
    return _last(test) == "TYPE_CHECKING"


def _sets_elsewhere(statement: ast.stmt) -> bool:
    """Whether a statement stores into, or deletes from, something that is not the script's own name."""
    stores = (ast.Store, ast.Del)
    places = (each for each in ast.walk(statement) if isinstance(each, ast.Attribute | ast.Subscript))
    return any(isinstance(place.ctx, stores) for place in places)
