"""How a notebook shows what the verbs give: values stay as they are, IPython learns how to draw them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from stoa.show.notebook import PARTS, html_of

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
    """Let a running IPython show the values of the verbs as HTML."""
    if running := shell():
        formatter = running.display_formatter.formatters["text/html"]
        for kind in PARTS:
            formatter.for_type(kind, html_of)
