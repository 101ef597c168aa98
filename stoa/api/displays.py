"""How a notebook shows what the verbs give: values stay as they are, IPython learns how to draw them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from stoa.show.notebook import PARTS, html_of
from stoa.show.plain import plain_text

T = TypeVar("T")


class ShownList(list[T]):
    """A list that a notebook shows as a table.

    Parameters
    ----------
    html
        Makes the table.
    """

    def __init__(self, items: Iterable[T], html: Callable[[Iterable[T]], str]) -> None:
        super().__init__(items)
        self._html = html

    def _repr_html_(self) -> str:
        return self._html(self)


def shell() -> Any:
    """The IPython that this interpreter runs in; None outside of one, which imports nothing."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module else None


def register() -> None:
    """Let a running IPython show the values of the verbs as HTML, or as lines where it runs in a terminal."""
    running = shell()
    if not running:
        return
    formatters = running.display_formatter.formatters
    for kind in PARTS:
        formatters["text/html"].for_type(kind, html_of)
    if not hasattr(running, "kernel"):
        for kind in PARTS:
            formatters["text/plain"].for_type(kind, lambda value, printer, _cycle: _print(html_of(value), printer))
        formatters["text/plain"].for_type(
            ShownList, lambda value, printer, _cycle: _print(value._repr_html_(), printer)
        )


def _print(html: str, printer: Any) -> None:
    for number, line in enumerate(plain_text(html, shutil.get_terminal_size().columns).splitlines()):
        if number:
            printer.break_()
        printer.text(line)
