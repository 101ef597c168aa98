"""What a run was asked to do, as one value: made by the command line, the dashboard and Python alike."""

from __future__ import annotations

from msgspec import Struct


class Selection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which jobs are asked for; empty fields ask for nothing.

    Targets come from `targets` and `where` (all when both are empty). With `tags` only those jobs count that carry all
    of them, by their target or by their image group. Of those, `new`, `stale`, `failed` and `flagged` choose the jobs
    for which any of them holds, by the current outcomes of the pair; with none of them, new and stale ones are chosen.
    `like` narrows the choice to jobs whose cause contains it.
    """

    targets: tuple[str, ...] = ()  # names or glob patterns
    where: str = ""  # SQL expression over the columns of the target's row
    tags: tuple[str, ...] = ()
    new: bool = False
    stale: bool = False
    failed: bool = False
    flagged: bool = False
    like: str = ""  # part of a cause
    force: bool = False

    @property
    def names_states(self) -> bool:
        """Whether jobs are asked for by their states."""
        return self.names_kinds or bool(self.like)

    @property
    def names_kinds(self) -> bool:
        """Whether jobs are asked for by what holds for them, not by their cause alone."""
        return self.new or self.stale or self.failed or self.flagged


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that a run was asked: process, set, environment, selection, engine, workers.

    Attributes
    ----------
    process
        A process; "" with `chain` for every process, and where a run is run again.
    source
        The run, or ``PROCESS@SET``, that is run again; "" for a run of its own.
    params
        Parameter set; "" is the usual one, or that of the run which is run again.
    environment
        None for the process's own, or that of the run which is run again.
    settings
        Parameter -> value as typed. ``3,5,7`` makes one run for each of these values of a number.
    sets
        Whole sets of values, one run for each, combined with `settings`.
    chain
        Whether what the process needs runs first.
    canary
        How many jobs to run as a sample of all kinds of targets; 0 runs all.
    workers
        Number of parallel jobs; 0 is one for each processor core.
    asked
        The command line or call, in words.
    message
        Why, in words; kept with the run.
    """

    process: str = ""
    source: str = ""
    params: str = ""
    environment: str | None = None
    settings: dict[str, str] = {}
    sets: tuple[dict[str, str], ...] = ()
    selection: Selection = Selection()
    chain: bool = False
    canary: int = 0
    engine: str = "local"
    workers: int = 0
    asked: tuple[str, ...] = ()
    message: str = ""
