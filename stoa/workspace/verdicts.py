"""Verdicts of people on targets, and how far two people agree.

A verdict is the reasons for which a person has flagged a target, or none: that they looked and pass it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

import msgspec

from stoa.workspace.open import Workspace

ANY = "any flag"
"""Stands for all reasons together."""

_VERDICTS = "SELECT target, id, kind, reason, author, email FROM reviews WHERE kind IN ('flag', 'pass') ORDER BY id"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one person says of a target."""

    author: str
    email: str
    reasons: tuple[str, ...]  # none: nothing to flag

    @property
    def words(self) -> str:
        return ", ".join(self.reasons) or "pass"


class Kappa(msgspec.Struct, frozen=True, kw_only=True):
    """How far two people agree on one reason, over the targets that both have judged.

    Attributes
    ----------
    kappa
        Cohen's kappa (1960): agreement beyond what chance gives, 1 for complete agreement, 0 for chance. None where
        chance alone gives complete agreement, because both always say the same.
    error
        Its standard error for large samples (Fleiss, Cohen and Everitt 1969).
    """

    reason: str
    a: str  # names
    b: str
    targets: int
    both: int  # targets that both flag with the reason
    only_a: int
    only_b: int
    neither: int
    kappa: float | None
    error: float | None


def judged_by(ws: Workspace) -> dict[str, set[str]]:
    """Target -> emails of those who have given a verdict, folded to small letters."""
    found: dict[str, set[str]] = {}
    for target, _, _, _, _, email in ws.index.rows(_VERDICTS):
        found.setdefault(target, set()).add(email.casefold())
    return found


def first_verdicts(ws: Workspace) -> dict[str, dict[str, Verdict]]:
    """What each person said of a target at first, before anyone answered: target -> email -> verdict.

    Further flags of a person belong to their first verdict until someone else gives one. What is said or cleared
    later may come from talking about it, and says nothing about agreement.
    """
    found: dict[str, dict[str, Verdict]] = {}
    speaks: dict[str, str] = {}  # target -> email of who may still add to a first verdict
    for target, _, kind, reason, author, email in ws.index.rows(_VERDICTS):
        of_target = found.setdefault(target, {})
        who = email.casefold()
        if who not in of_target:
            said = (reason,) if kind == "flag" else ()
            of_target[who] = Verdict(author=author, email=email, reasons=said)
            speaks[target] = who if said else ""
        elif speaks[target] == who and kind == "flag":
            before = of_target[who]
            reasons = dict.fromkeys([*before.reasons, reason])
            of_target[who] = msgspec.structs.replace(before, reasons=tuple(reasons))
        else:
            speaks[target] = ""
    return found


def present_verdicts(ws: Workspace, targets: Collection[str]) -> dict[str, dict[str, Verdict]]:
    """What the flags that are open now say, of each person who has ever given a verdict: target -> email -> verdict."""
    is_open = set(ws.index.rows("SELECT target, id FROM open_flags"))
    found: dict[str, dict[str, Verdict]] = {}
    for target, event, kind, reason, author, email in ws.index.rows(_VERDICTS):
        if target not in targets:
            continue
        of_target = found.setdefault(target, {})
        said = of_target.get(email.casefold(), Verdict(author=author, email=email, reasons=()))
        more = [reason] if kind == "flag" and (target, event) in is_open else []
        reasons = dict.fromkeys([*said.reasons, *more])
        of_target[email.casefold()] = msgspec.structs.replace(said, reasons=tuple(reasons))
    return found


def passed(ws: Workspace) -> set[str]:
    """Targets of which someone said that there is nothing to flag."""
    return {row[0] for row in ws.index.rows("SELECT DISTINCT target FROM reviews WHERE kind = 'pass'")}


def agreement(ws: Workspace, among: Collection[str] | None = None) -> list[Kappa]:
    """How far each two people agree on each reason, and on whether there is anything to flag.

    Parameters
    ----------
    among
        Only these targets; None for all.
    """
    verdicts = {
        target: by for target, by in first_verdicts(ws).items()
        if target in ws.targets and (among is None or target in among) and len(by) > 1
    }  # fmt: skip
    names = {email: verdict.author for by in verdicts.values() for email, verdict in by.items()}
    known = list(ws.project.config.reasons)
    found = []
    for a, b in combinations(sorted(names, key=lambda email: (names[email], email)), 2):
        both = [(set(by[a].reasons), set(by[b].reasons)) for by in verdicts.values() if a in by and b in by]
        if not both:
            continue
        used = {reason for pair in both for said in pair for reason in said}
        reasons = [*(reason for reason in known if reason in used), *sorted(used - set(known))]
        found.append(_of_two(ANY, names[a], names[b], [(bool(x), bool(y)) for x, y in both]))
        found += [_of_two(r, names[a], names[b], [(r in x, r in y) for x, y in both]) for r in reasons]
    return found


def _of_two(reason: str, a: str, b: str, said: Iterable[tuple[bool, bool]]) -> Kappa:
    pairs = list(said)
    both, neither = pairs.count((True, True)), pairs.count((False, False))
    only_a, only_b = pairs.count((True, False)), pairs.count((False, True))
    kappa, error = cohens_kappa(both, only_a, only_b, neither)
    return Kappa(
        reason=reason, a=a, b=b, targets=len(pairs), both=both, only_a=only_a, only_b=only_b, neither=neither,
        kappa=kappa, error=error,
    )  # fmt: skip


def cohens_kappa(both: int, only_a: int, only_b: int, neither: int) -> tuple[float | None, float | None]:
    """Cohen's kappa of two people who say yes or no, and its standard error; None where it has no value.

    The error is that of a large sample that is not without agreement: equation 13 of Fleiss, Cohen and Everitt,
    Psychological Bulletin 72 (1969) 323. Below some twenty targets it is too small.
    """
    n = both + only_a + only_b + neither
    if not n:
        return None, None
    p = {(1, 1): both / n, (1, 0): only_a / n, (0, 1): only_b / n, (0, 0): neither / n}
    a = {1: p[1, 1] + p[1, 0], 0: p[0, 1] + p[0, 0]}
    b = {1: p[1, 1] + p[0, 1], 0: p[1, 0] + p[0, 0]}
    by_chance = a[1] * b[1] + a[0] * b[0]
    if math.isclose(by_chance, 1.0):
        return None, None
    kappa = (p[1, 1] + p[0, 0] - by_chance) / (1 - by_chance)
    same = sum(p[i, i] * (1 - (a[i] + b[i]) * (1 - kappa)) ** 2 for i in (0, 1))
    other = (1 - kappa) ** 2 * sum(p[i, 1 - i] * (b[i] + a[1 - i]) ** 2 for i in (0, 1))
    variance = (same + other - (kappa - by_chance * (1 - kappa)) ** 2) / (n * (1 - by_chance) ** 2)
    return kappa, math.sqrt(max(variance, 0.0))


def are_disputed(verdicts: Mapping[str, Verdict]) -> bool:
    """Whether two people say different things."""
    return len({frozenset(each.reasons) for each in verdicts.values()}) > 1
