"""The engines by name: where jobs run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Protocol

from stoa.control import Control
from stoa.errors import NotFoundError
from stoa.exec.cluster.dask import DaskEngine
from stoa.exec.cluster.slurm import SlurmEngine
from stoa.exec.local import LocalEngine
from stoa.model import Job, Outcome
from stoa.project import Local


class Engine(Protocol):
    """Somewhere that jobs can run."""

    def execute(self, jobs: Iterable[Job], control: Control) -> Generator[Outcome, None, None]:
        """One outcome a job, each as it ends.

        Jobs are taken from the iterable in the thread that asks for outcomes, as workers become
        free or, by engines of other machines, all before the first outcome. Every job that was
        taken has exactly one outcome that counts, that of its last attempt. If the caller closes
        the generator they are cancelled, or continue without it where the engine can do that.
        """
        ...


ENGINES: dict[str, Callable[[int, Local, Path], Engine]] = {
    "local": lambda workers, local, _spool: LocalEngine(workers or local.jobs),
    "dask": lambda workers, local, spool: DaskEngine(workers, local.dask, spool),
    "slurm": lambda workers, local, spool: SlurmEngine(workers, local.slurm, spool),
}
"""Engines by name, each made from the number of its workers, this machine's settings and the folder of live runs."""

GO_ON_ALONE = frozenset({"slurm"})
"""Engines whose jobs continue when who has started them ends."""

TAKES_MORE = frozenset({"local"})
"""Engines that take further jobs of a run after its first ones; the others place all of its chunks at once."""


def check_engine(name: str) -> None:
    """Raise `NotFoundError` if there is no engine of that name."""
    if name not in ENGINES:
        raise NotFoundError("engine", name, list(ENGINES), f"engines: {', '.join(ENGINES)}")


def make_engine(name: str, workers: int, local: Local, spool: Path) -> Engine:
    """The engine of that name.

    Parameters
    ----------
    workers
        How many jobs run at once; 0 is what the settings say, or one per CPU core.
    spool
        Folder with a folder for each live run; engines of other machines put their chunks there.

    Raises
    ------
    NotFoundError
        If there is no such engine.
    """
    check_engine(name)
    return ENGINES[name](workers, local, spool)
