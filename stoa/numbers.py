"""What holds for numbers everywhere: whether two agree, and how far values scatter."""

from __future__ import annotations

import math
from typing import TypeGuard

from stoa.model import Value

MAD_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation, 1 / Phi^-1(3/4)."""


def agree(a: Value | None, b: Value | None, tolerance: float) -> bool:
    """Whether two results are the same, numbers within a tolerance relative to the larger one."""
    if _is_number(a) and _is_number(b):
        return abs(a - b) <= tolerance * max(abs(a), abs(b))
    return a == b


def _is_number(value: Value | None) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def with_error(number: float, error: float, sign: str = "±") -> str:
    """A number with its error to one digit, such as ``6.9 ± 0.8``; alone, to two digits, where it has none."""
    if not error > 0:
        return f"{number:.2g}"
    places = min(max(0, -math.floor(math.log10(error))), 3)
    return f"{number:.{places}f} {sign} {error:.{places}f}"
