"""Text cells of CSV files that a spreadsheet would run as a formula: an apostrophe in front keeps them text."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*(?:[=@\t\r]|[-+](?![\d\s.:hmsd\u00b0'\"]*$))", re.DOTALL)
"""What a spreadsheet takes for a formula; a sign alone and numbers or angles after it are none."""


def guarded(text: str) -> str:
    """A text as it is written; `unguarded` gives it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """A text without the apostrophe that `guarded` put in front."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
