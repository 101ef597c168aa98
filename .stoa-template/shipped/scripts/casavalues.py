#!/usr/bin/env python
"""Run a script for CASA with the values of a job: ``python casavalues.py SCRIPT``.

The script stays as it is. In what Python read of it, the values of `stoa-job.json` take the place of those written at
the top (``robust = 0.5``) and of those given to CLEAN (``tclean(robust=0.5)``). Tasks and tools are there without an
import, as in CASA's own shell. A parameter or input that the script gives no value to ends the job.

Needs CASA's tasks, and nothing of STOA.
"""

import ast
import json
import sys
from pathlib import Path

CLEANERS = ("tclean", "clean")
TOOLS = {
    "cb": "calibrater", "cl": "componentlist", "ia": "image", "im": "imager", "me": "measures", "ms": "ms",
    "msmd": "msmetadata", "qa": "quanta", "rg": "regionmanager", "sm": "simulator", "tb": "table",
}  # fmt: skip
"""Names of tools in CASA's shell, and what makes them."""


class ScriptError(Exception):
    """The script cannot be run with these values; the message says why."""


class Placed(ast.NodeTransformer):
    """Puts values into a syntax tree, and remembers for which names it found a place."""

    def __init__(self, values):
        self.values, self.placed = values, set()

    def visit_Module(self, node):
        """Names at the top."""
        for each in node.body:
            if isinstance(each, ast.Assign) and len(each.targets) == 1 and isinstance(each.targets[0], ast.Name):
                each.value = self.value_for(each.targets[0].id, each.value)
        return self.generic_visit(node)

    def visit_Call(self, node):
        """What CLEAN is given, and the measurement set of every task."""
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for key in node.keywords:
            if name in CLEANERS or key.arg == "vis":
                key.value = self.value_for(key.arg, key.value)
        return node

    def value_for(self, name, node):
        """The value of the job for a literal of that name, else what is there."""
        if name not in self.values or not is_literal(node):
            return node
        self.placed.add(name)
        return ast.copy_location(ast.Constant(self.values[name]), node)


def is_literal(node):
    """Whether an expression is a plain value."""
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def with_values(script, values):
    """The code of a script, with values in it.

    Raises
    ------
    ScriptError
        If it is not Python 3, or gives no value to one of the names.
    """
    name = script.name
    try:
        tree = ast.parse(script.read_bytes(), name)
    except SyntaxError as problem:
        raise ScriptError(
            f"{name}, line {problem.lineno}: this is not Python 3 ({problem.msg}), and CASA 6 runs nothing else"
        ) from None
    placed = Placed(values)
    tree = ast.fix_missing_locations(placed.visit(tree))
    if left := sorted(values.keys() - placed.placed):
        raise ScriptError(
            f"{name} gives no plain value to {', '.join(left)}, neither at the top nor in a call of tclean: "
            "take it out of the definition, or write it into the script"
        )
    return compile(tree, str(script), "exec")


def shell():
    """Tasks and tools under the names that CASA's shell gives them."""
    import casatasks
    import casatools

    names = {name: getattr(casatasks, name) for name in dir(casatasks) if not name.startswith("_")}
    tools = {name: getattr(casatools, made)() for name, made in TOOLS.items() if hasattr(casatools, made)}
    return {**names, **tools, "casatasks": casatasks, "casatools": casatools}


def main(argv):
    """Run the script that the last word names, which is beside this one."""
    script = Path(__file__).resolve().parent / argv[-1]
    job = json.loads(Path("stoa-job.json").read_text(encoding="utf-8"))
    values = job["params"] | {name: path for name, path in job["inputs"].items() if path is not None}
    try:
        code = with_values(script, values)
    except ScriptError as problem:
        print(f"ScriptError: {problem}", file=sys.stderr)
        sys.exit(1)
    exec(code, {**shell(), "__name__": "__main__", "__file__": str(script)})  # noqa: S102 -- the user's own script


if __name__ == "__main__":
    main(sys.argv[1:])
