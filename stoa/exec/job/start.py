"""Starts the jobs of one worker, on the machine itself or in a container that outlives the job."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from stoa.control import Control
from stoa.exec.job.child import run_child
from stoa.exec.job.container.server import sweep_at
from stoa.exec.job.container.shell import Limits
from stoa.exec.job.container.vessel import Vessel
from stoa.exec.job.ending import Ending
from stoa.model import Container, Job


class Starter:
    """Starts jobs, one at a time; a context manager that ends its containers."""

    def __init__(self) -> None:
        self._vessels: list[Vessel] = []
        self._swept: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for vessel in self._vessels:
            vessel.close()
        self._vessels = []

    def run(self, job: Job, log: int, control: Control) -> Ending:
        """Run a job's command to its end.

        Parameters
        ----------
        log
            File descriptor that takes standard output and error.

        Raises
        ------
        NotStarted
            If the command, or the container for it, cannot be started.
        """
        if job.container is None:
            return run_child(job, log, control)
        if job.container.server not in self._swept:
            self._swept.add(job.container.server)
            sweep_at(job.container.server)
        if job.container.isolation == "target":
            vessel = Vessel(job.container, _limits(job), (job.work,))
            try:
                return vessel.run(job, control)
            finally:
                vessel.close()
        vessel = self._vessel(job, job.container)
        try:
            return vessel.run(job, control)
        finally:
            if vessel.lost:
                self._vessels.remove(vessel)
                vessel.close()

    def _vessel(self, job: Job, container: Container) -> Vessel:
        limits = _limits(job)
        for vessel in self._vessels:
            if vessel.limits == limits and vessel.container == container:
                return vessel
        made = Vessel(container, limits, container.writable)
        self._vessels.append(made)
        return made


def _limits(job: Job) -> Limits:
    return Limits(memory_mb=job.memory_mb, processes=job.processes, cpu_s=job.cpu_limit_s, file_mb=job.file_mb)
