"""Regular expressions that came from others, searched for in linear time whatever they are.

Python's own engine goes back and tries again: `(a?){30}a{30}` takes longer than anybody lives. Google's RE2 does not;
it knows neither references to a group nor looks around.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Search = Callable[[str], Any]
"""Gives a match, as `re.Pattern.search`, or None."""

_MOST_BYTES = 1 << 20  # of the compiled expression


class PatternError(ValueError):
    """Text that is no regular expression, or one that RE2 has no way to search for."""


def search_of(pattern: str) -> Search:
    """The search for a pattern in a text; a text that is not Unicode matches nothing.

    Raises
    ------
    PatternError
        If the pattern cannot be used, with the reason.
    """
    import re2  # 6 ms

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_BYTES
    try:
        compiled = re2.compile(pattern, options)
    except UnicodeEncodeError:
        raise PatternError("it is not Unicode") from None
    except re2.error as problem:
        said = problem.args[0]
        raise PatternError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None

    def search(text: str) -> Any:
        try:
            return compiled.search(text)
        except UnicodeEncodeError:
            return None

    return search
