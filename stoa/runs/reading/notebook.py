"""A Jupyter notebook (nbformat 4): its code, and the cell of parameters that papermill replaces."""

from __future__ import annotations

import ast
import json
from pathlib import PurePosixPath
from typing import Any

from msgspec import Struct

from stoa.errors import StoaError
from stoa.runs.reading.option import NOTHING, Option
from stoa.runs.reading.source import Source


class Notebook(Struct):
    """What a notebook takes and how it is run."""

    source: Source
    options: list[Option]
    notes: list[str]
    command: list[str]


def read(text: bytes, name: str) -> Notebook:
    """Read a notebook.

    Raises
    ------
    StoaError
        If the file is not a notebook.
    """
    cells = _cells(text, name)
    notes: list[str] = []
    sources: list[str] = []
    for number, (_, code) in enumerate(cells, 1):
        lines = [line for line in code.splitlines() if not line.lstrip().startswith(("%", "!"))]
        try:
            Source("\n".join(lines))
        except SyntaxError as problem:
            notes.append(f"cell {number} cannot be read as Python 3: {problem.msg}")
        else:
            sources.append("\n".join(lines))
    source = Source("\n".join(sources))
    leaf = PurePosixPath(name).name
    parameters = next((code for tags, code in cells if "parameters" in tags), None)
    if parameters is None:
        notes.append(
            "no cell has the tag `parameters`: the notebook runs as it is (with nbconvert); in it,"
            " `from stoa import job` gives inputs and parameters"
        )
        command = ["python", "-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", "{out}", "{script}"]
        return Notebook(source=source, options=[], notes=notes, command=command)
    notes.append("the environment needs papermill, which runs the notebook with the values of its cell of parameters")
    return Notebook(
        source=source, options=_options(parameters), notes=notes,
        command=["python", "-m", "papermill", "--no-progress-bar", "--log-output", "{script}", f"{{out}}/{leaf}"],
    )  # fmt: skip


def _cells(text: bytes, name: str) -> list[tuple[list[str], str]]:
    """Tags and code of every cell of code."""
    try:
        book: Any = json.loads(text)
        cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        return [(list(cell.get("metadata", {}).get("tags", [])), "".join(cell["source"])) for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise StoaError(
            f"{name} is not a Jupyter notebook of format 4", "open it in Jupyter and save it, or export it as a script"
        ) from None


def _options(code: str) -> list[Option]:
    """The names that the cell of parameters gives values to."""
    try:
        script = Source(code)
    except SyntaxError:
        return []
    found = []
    for node in script.tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, expression = node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            name, expression = node.target.id, node.value
        else:
            continue
        value = script.value(expression)
        usable = isinstance(value, bool | int | float | str)
        default = value if usable else NOTHING
        found.append(Option(dest=name, flag="-p", default=default, default_text=ast.unparse(expression)))
    return found
