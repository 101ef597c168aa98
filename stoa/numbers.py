"""What holds for numbers everywhere: whether two agree, and how far values scatter."""

from __future__ import annotations

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
