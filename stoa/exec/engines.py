"""The engines by name: where jobs run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Protocol

from stoa.errors import NotFoundError
from stoa.exec.control import Control
from stoa.exec.local import LocalEngine
from stoa.model import Job, Outcome


class Engine(Protocol):
    """Somewhere that jobs can run."""

    def execute(self, jobs: Iterable[Job], control: Control) -> Generator[Outcome, None, None]:
        """One outcome a job, each as it ends.

        Jobs are taken from the iterable as workers become free, in the thread that asks for
        outcomes. Every job that was taken has exactly one outcome, unless the caller closes the
        generator: then they are cancelled.
        """
        ...


ENGINES: dict[str, Callable[[int], Engine]] = {"local": LocalEngine}
"""Engines by name, each made from the number of its workers."""


def make_engine(name: str, workers: int) -> Engine:
    """The engine of that name.

    Parameters
    ----------
    workers
        How many jobs run at once; 0 is one a processor that this process may use.

    Raises
    ------
    NotFoundError
        If there is no such engine.
    """
    if name not in ENGINES:
        raise NotFoundError("engine", name, list(ENGINES), f"engines: {', '.join(ENGINES)}")
    return ENGINES[name](workers)
