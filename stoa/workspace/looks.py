"""What the last look at the inputs of a pair has found, remembered on this machine.

A look at a hundred thousand folders takes seconds, which is too long for every `stoa status`. What it found is kept
below `.stoa/cache/`, where it can be deleted at any time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from stoa.durable import write_whole
from stoa.workspace.names import Pair
from stoa.workspace.open import Workspace


class Finding(msgspec.Struct, frozen=True, array_like=True):
    """A job whose current outcome is stale, or still blocked."""

    target: str
    group: str
    run: str  # of the outcome
    state: str  # stale or blocked
    reason: str

    @property
    def job(self) -> tuple[str, str]:
        return self.target, self.group


MOST_REASONS = 5


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many outcomes of a run or pair are stale or flagged, and how many targets have none."""

    outcomes: int
    stale: int
    flagged: int  # targets
    missing: int  # targets
    reasons: tuple[str, ...] = ()  # why outcomes are stale, the most frequent first

    @property
    def facts(self) -> dict[str, int]:
        """What a catalogue that is made of them says of itself."""
        return {"outcomes": self.outcomes, "stale": self.stale, "flagged": self.flagged, "missing": self.missing}


def counts_in(facts: Mapping[str, object]) -> Counts | None:
    """The counts that a catalogue says of itself; None where it says none."""
    names = ("outcomes", "stale", "flagged", "missing")
    found = {name: int(str(facts[name])) for name in names if name in facts}
    if len(found) < len(names):
        return None
    return Counts(outcomes=found["outcomes"], stale=found["stale"], flagged=found["flagged"], missing=found["missing"])


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at all jobs of a pair found."""

    pair: Pair
    digests: dict[str, str]  # of the definitions at that time
    at: str  # UTC, ISO 8601
    findings: tuple[Finding, ...]


def remembered(ws: Workspace, pair: Pair, digests: dict[str, str]) -> Look | None:
    """The last look at a pair with these definitions; None where there was none on this machine."""
    with suppress(OSError, msgspec.DecodeError, msgspec.ValidationError):
        look = msgspec.json.decode(_file(ws, pair).read_bytes(), type=Look)
        return look if (look.pair, look.digests) == (pair, digests) else None
    return None


def remember(ws: Workspace, look: Look) -> None:
    """Keep a look; where nothing can be written, do without."""
    file = _file(ws, look.pair)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, msgspec.json.encode(look))


def amend(ws: Workspace, look: Look, targets: Collection[str], findings: Iterable[Finding]) -> None:
    """Keep what a look at some targets found, beside what was known of the others."""
    others = [finding for finding in look.findings if finding.target not in targets]
    if set(fresh := (*others, *findings)) != set(look.findings):
        remember(ws, msgspec.structs.replace(look, findings=fresh))


def _file(ws: Workspace, pair: Pair) -> Path:
    name = hashlib.sha256("\0".join(msgspec.structs.astuple(pair)).encode()).hexdigest()[:32]
    return ws.project.cache / "looks" / f"{name}.json"
