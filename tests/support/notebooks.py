"""Cells that a real Jupyter kernel executes in a folder, and what they put out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

PATIENCE_S = 240


class Notebook:
    """A notebook that has been executed.

    Parameters
    ----------
    cells
        Source of its cells of code.
    """

    def __init__(self, folder: Path, *cells: str, errors: bool = False) -> None:
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        self.cells = executed(made, folder, errors=errors)

    def html(self, cell: int) -> str:
        """The HTML of a cell's outputs."""
        return "".join(_each(self.cells[cell], "text/html"))

    def text(self, cell: int) -> str:
        """What a cell printed, and its values as plain text."""
        outputs = self.cells[cell]["outputs"]
        printed = "".join(each["text"] for each in outputs if each["output_type"] == "stream")
        return printed + "".join(_each(self.cells[cell], "text/plain"))

    def data(self, cell: int, kind: str) -> list[Any]:
        """Everything of one media type that a cell put out."""
        return _each(self.cells[cell], kind)

    def words(self, cell: int) -> str:
        """The HTML of a cell as a reader sees it, without tags."""
        return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", self.html(cell)))


def _each(cell: Any, kind: str) -> list[Any]:
    return [each["data"][kind] for each in cell["outputs"] if kind in each.get("data", {})]


def executed(book: Any, folder: Path, *, errors: bool = False) -> list[Any]:
    """The cells of code of a notebook, executed in a folder."""
    NotebookClient(
        book,
        timeout=PATIENCE_S,
        kernel_name="python3",
        allow_errors=errors,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    return [cell for cell in book.cells if cell.cell_type == "code"]


def words_of(book: Notebook, cell: int) -> str:
    """All that a cell put out: HTML without tags, text, and the names of other media types."""
    kinds = [kind for each in book.cells[cell]["outputs"] for kind in each.get("data", {})]
    return " ".join([book.words(cell), book.text(cell), *kinds])
