"""Plans as values: every job that a run would look at, and what is to be done with it."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from stoa.model import FileRef, LiveState, Outcome, Override
from stoa.runs.definitions import Definitions
from stoa.workspace.build_report import BuildReport


class Held(msgspec.Struct, frozen=True):
    """A live run that a job is left to."""

    run: str
    state: LiveState


Because = Literal[
    "new", "stale", "forced", "failed", "flagged", "cause", "asked", "again",  # it runs
    "up to date", "not selected", "ended", "held", "waits", "sample",  # it is left alone
]  # fmt: skip
"""Why a job runs or is left alone; `again` follows an outcome that says nothing about the target."""


class PlannedJob(msgspec.Struct, frozen=True, kw_only=True):
    """One target (or image group of it) and what is to be done with it."""

    target: str
    group: str
    state: str  # new, stale or the status of the latest outcome
    reason: str  # why it runs or why it is left alone
    state_reason: str = ""  # what its state rests on
    runs: bool
    because: Because = "asked"
    held: Held | None = None  # the live run that it belongs to
    missing: str = ""  # what the process needs and is not there: such a job ends as blocked
    skips: bool = False  # or as skipped, where it says that the process is not for this target
    inputs: dict[str, str | None] = {}  # input -> file below the target's folder
    meta: str = ""  # object id of the metadata document
    needs: dict[str, FileRef] = {}  # outputs of other processes, by their names in the outcome's inputs
    restores: Outcome | None = None  # an earlier outcome that is taken over in the place of running
    waits: str = ""  # why a job is left alone that the chain would run, after what it needs
    environment: str = ""  # where a rule chose another one than the run's
    environment_reason: str = ""
    overrides: dict[str, Override] = {}  # values that rules of the parameter set give to the target

    @property
    def ends_blocked(self) -> bool:
        """Whether it takes part in the run only to say what is missing."""
        return self.runs and bool(self.missing) and not self.skips

    @property
    def ends_skipped(self) -> bool:
        """Whether it takes part in the run only to say that the process is not for its target."""
        return self.runs and self.skips


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The strata of the jobs of a plan, when a few of them run first.

    Attributes
    ----------
    strata
        Job (target and image group) -> number of its stratum, for all jobs that would run.
    left
        How many of them are not among the few.
    """

    strata: dict[tuple[str, str], int]
    left: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Every job that a run would look at."""

    definitions: Definitions
    jobs: tuple[PlannedJob, ...]
    described: BuildReport | None = None  # metadata that were built first
    out_of_reach: dict[str, tuple[str, ...]] = {}  # why -> flagged targets that were asked for and cannot take part
    sample: Sample | None = None  # where a few of its jobs stand for the rest

    @property
    def to_run(self) -> tuple[PlannedJob, ...]:
        return tuple(job for job in self.jobs if job.runs)

    @property
    def held(self) -> dict[str, int]:
        """How many jobs belong to live runs, by run."""
        return dict(Counter(job.held.run for job in self.jobs if job.held))

    def left_alone(self, *, chain: bool = False) -> dict[str, int]:
        """How many jobs do not run, by reason without what differs from target to target.

        Parameters
        ----------
        chain
            What they need runs first.
        """
        found: dict[str, int] = {}
        for job in self.jobs:
            if not job.runs:
                reason = f"{job.state} before" if job.because == "ended" else job.reason
                reason = f"after that, as {job.waits}" if chain and job.waits else reason
                found[reason] = found.get(reason, 0) + 1
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))
