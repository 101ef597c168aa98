"""Starts the jobs of one worker: cold or from a warm interpreter, on the machine itself or in a container."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from stoa.control import Control
from stoa.exec.job.child import run_child
from stoa.exec.job.container.server import sweep_at
from stoa.exec.job.container.shell import Limits
from stoa.exec.job.container.vessel import Vessel
from stoa.exec.job.ending import Ending, NotStarted
from stoa.exec.job.warm.kept import Interpreter, Key, NotWarm, key_of
from stoa.model import Container, Job

_MOST_DEATHS = 3  # of interpreters for the same jobs; after that these start cold
_MOST_KEPT = 4  # interpreters of one worker


class Starter:
    """Starts jobs, one at a time; a context manager that ends its containers and interpreters."""

    def __init__(self) -> None:
        self._vessels: list[Vessel] = []
        self._swept: set[str] = set()
        self._interpreters: dict[Key, Interpreter] = {}
        self._deaths: dict[Key, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for vessel in self._vessels:
            vessel.close()
        for interpreter in self._interpreters.values():
            interpreter.close()
        self._vessels, self._interpreters = [], {}

    def run(self, job: Job, log: int, control: Control) -> Ending:
        """Run a job's command to its end.

        A job that a warm interpreter cannot run, or whose interpreter has died before the job began, starts cold.

        Parameters
        ----------
        log
            File descriptor that takes standard output and error.

        Raises
        ------
        NotStarted
            If the command, or the container for it, cannot be started.
        """
        key = key_of(job)
        if job.container is not None:
            return self._run_contained(job, job.container, control, key)
        if key is not None and (interpreter := self._interpreter(key, control, job.timeout_s)):
            try:
                started = interpreter.start(job, log)
            except NotWarm:
                self._interpreters.pop(key).close()
                self._note_death(key)
            else:
                return run_child(job, log, control, lambda *_: started)
        return run_child(job, log, control)

    def _interpreter(self, key: Key, control: Control, timeout_s: float) -> Interpreter | None:
        """The interpreter for a job; None where there can be none."""
        if key not in self._interpreters:
            if self._deaths.get(key, 0) >= _MOST_DEATHS or len(self._interpreters) >= _MOST_KEPT:
                return None
            try:
                self._interpreters[key] = Interpreter(key, control, timeout_s)
            except NotWarm:
                self._note_death(key)
        return self._interpreters.get(key)

    def _note_death(self, key: Key) -> None:
        self._deaths[key] = self._deaths.get(key, 0) + 1

    def _run_contained(self, job: Job, container: Container, control: Control, key: Key | None) -> Ending:
        if container.server not in self._swept:
            self._swept.add(container.server)
            sweep_at(container.server)
        if container.isolation == "target":
            vessel = Vessel(container, _limits(job), (job.work,))
            try:
                return vessel.run(job, control)
            finally:
                vessel.close()
        vessel = self._vessel(job, container, key)
        try:
            return vessel.run(job, control)
        finally:
            if vessel.lost:
                self._vessels.remove(vessel)
                vessel.close()

    def _vessel(self, job: Job, container: Container, key: Key | None) -> Vessel:
        limits = _limits(job)
        if key is not None and self._deaths.get(key, 0):
            key = None
        for vessel in self._vessels:
            if vessel.limits == limits and vessel.container == container and vessel.warm == key:
                return vessel
        try:
            made = Vessel(container, limits, container.writable, key)
        except NotStarted:
            if key is None:
                raise
            self._note_death(key)  # no Python in the image, or one that is too old
            return self._vessel(job, container, None)
        self._vessels.append(made)
        return made


def _limits(job: Job) -> Limits:
    return Limits(memory_mb=job.memory_mb, processes=job.processes, cpu_s=job.cpu_limit_s, file_mb=job.file_mb)
