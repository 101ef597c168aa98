"""Regular expressions that came from others, searched for in linear time whatever they are.

Python's own engine goes back and tries again: `(a?){30}a{30}` takes longer than anybody lives. Google's RE2 does not;
it knows neither references to a group nor looks around.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

Search = Callable[[str], Any]
"""Gives a match, as `re.Pattern.search`, or None."""

_MOST_BYTES = 1 << 20  # of the compiled expression


class PatternError(ValueError):
    """Text that is no regular expression, or one that RE2 has no way to search for."""


@lru_cache(maxsize=1024)  # the same patterns are asked for one by one and together
def search_of(pattern: str) -> Search:
    """The search for a pattern in a text; a text that is not Unicode matches nothing.

    Raises
    ------
    PatternError
        If the pattern cannot be used, with the reason.
    """
    import re2  # 6 ms

    try:
        compiled = re2.compile(pattern, _options(_MOST_BYTES))
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


def found_of(patterns: Sequence[str]) -> Callable[[str], Collection[int]]:
    """What gives the numbers of the patterns that are in a text, by one pass over it.

    Raises
    ------
    PatternError
        As `search_of`.
    """
    import re2

    searches = [search_of(pattern) for pattern in patterns]
    together = re2.Set.SearchSet(_options(_MOST_BYTES * max(len(patterns), 1)))
    for pattern in patterns:
        together.Add(pattern)
    together.Compile()

    def found(text: str) -> Collection[int]:
        try:
            numbers = together.Match(text)
        except UnicodeEncodeError:
            return ()
        # No number can also mean that the memory was too small for all patterns together.
        return numbers or [number for number, search in enumerate(searches) if search(text)]

    return found


def _options(most_bytes: int) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = most_bytes
    return options
