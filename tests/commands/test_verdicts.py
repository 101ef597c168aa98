"""Kappa and its error against an independent calculation, and the shares of a sample."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.workspace.samples import draw_from
from stoa.workspace.verdicts import cohens_kappa

counts = st.integers(0, 40)


def kappa_of(p: np.ndarray) -> float:
    chance = float(p.sum(axis=1) @ p.sum(axis=0))
    return (float(np.trace(p)) - chance) / (1 - chance)


def error_by_the_delta_method(table: np.ndarray) -> float:
    """The error from numerical derivatives of kappa and the covariance of a multinomial distribution."""
    n, p = table.sum(), table / table.sum()
    step, gradient = 1e-6, np.zeros(4)
    for k in range(4):
        up, down = p.ravel().copy(), p.ravel().copy()
        up[k] += step
        down[k] -= step
        gradient[k] = (kappa_of(up.reshape(2, 2)) - kappa_of(down.reshape(2, 2))) / (2 * step)
    flat = p.ravel()
    return math.sqrt(max(float(gradient @ (np.diag(flat) - np.outer(flat, flat)) @ gradient) / n, 0.0))


@given(counts, counts, counts, counts)
def test_kappa_and_its_error_are_those_of_the_delta_method(both, only_a, only_b, neither):
    kappa, error = cohens_kappa(both, only_a, only_b, neither)
    table = np.array([[both, only_a], [only_b, neither]], dtype=float)
    n = table.sum()
    if not n or (both in (0, n) and neither in (0, n) and only_a == only_b == 0):
        if kappa is not None:
            assert both
            assert neither
        return
    assert kappa == pytest.approx(kappa_of(table / n), abs=1e-12)
    assert error == pytest.approx(error_by_the_delta_method(table), abs=2e-4)


def test_a_textbook_example():
    """20 both yes, 5 and 10 one of them, 15 both no: kappa 0.4 (observed 0.7, by chance 0.5)."""
    kappa, error = cohens_kappa(20, 5, 10, 15)
    assert kappa == pytest.approx(0.4)
    assert error == pytest.approx(0.1264, abs=2e-3)


def test_two_who_always_say_the_same_have_no_kappa():
    assert cohens_kappa(0, 0, 0, 9) == (None, None)
    assert cohens_kappa(5, 0, 0, 0) == (None, None)
    assert cohens_kappa(0, 0, 0, 0) == (None, None)
    assert cohens_kappa(3, 0, 0, 6) == (1.0, 0.0)


def test_the_error_is_how_much_kappa_scatters():
    draws, generator = [], random.Random(3)
    for _ in range(2000):
        said = generator.choices(("yy", "yn", "ny", "nn"), (0.3, 0.1, 0.15, 0.45), k=100)
        kappa, _ = cohens_kappa(*(said.count(each) for each in ("yy", "yn", "ny", "nn")))
        draws.append(kappa)
    _, error = cohens_kappa(30, 10, 15, 45)
    assert float(np.std(draws)) == pytest.approx(error, rel=0.08)


groups = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 60), min_size=1).map(
    lambda sizes: {name: [f"{name}{number}" for number in range(size)] for name, size in sizes.items()}
)


@given(groups, st.integers(1, 120), st.integers(0, 2**31))
def test_a_sample_has_as_many_as_asked_and_some_of_each_group(groups, number, seed):
    found = draw_from(groups, number, seed)
    total = sum(map(len, groups.values()))
    assert len(set(found.targets)) == len(found.targets) == min(number, total)
    assert all(each.drawn <= each.targets for each in found.strata)
    if number >= len(groups):
        assert all(each.drawn for each in found.strata)
    assert draw_from(groups, number, seed) == found


def test_every_target_has_the_same_chance_in_its_group():
    names = [f"t{number}" for number in range(10)]
    counted = dict.fromkeys(names, 0)
    for seed in range(2000):
        for name in draw_from({"ok": names}, 3, seed).targets:
            counted[name] += 1
    assert all(abs(number - 600) < 5 * math.sqrt(2000 * 0.3 * 0.7) for number in counted.values())
