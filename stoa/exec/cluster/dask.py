"""The engine `dask`: chunks of jobs as tasks of a Dask scheduler.

A task names a chunk and no more. On the Dask worker a process of our own runs it
(`stoa.exec.cluster.worker`), one for each thread, so that the death of the Dask worker ends the jobs:
that process sees its standard input close. Dask then gives the chunk to another worker, which
runs what has no outcome yet as a new attempt.
"""

from __future__ import annotations

import json
import logging
import math
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from stoa.control import Control
from stoa.errors import StoaError
from stoa.exec.cluster.chunks import journals, read_chunk
from stoa.exec.cluster.remote import Follower, Loss, Placed, place_chunks, tell_workers
from stoa.exec.local import run_job
from stoa.model import Job, Outcome
from stoa.project import DaskSettings

MOST_JOBS = 50
"""Of one chunk, where the settings say nothing; fewer where there are few jobs for each worker."""

_ROUNDS = 4  # chunks of each worker, so that slow ones do not decide when all is done
_AHEAD = 3  # tasks for each thread that Dask knows of at once: a future costs memory and time there
_CONNECT_S = 10.0
_CLOSE_S = 3.0
_PAUSE_S = 0.1
_TALKATIVE = ("distributed.client", "distributed.core", "distributed.comm", "distributed.utils", "distributed.batched")

Answer = tuple[int, bytes]
_here = threading.local()


class DaskError(StoaError):
    """Dask that is missing, out of reach, or refuses."""


# On the Dask worker.


def run_on_worker(folder: str, number: int) -> Answer:
    """Run a chunk; gives the number of the attempt and the content of its journal."""
    server: subprocess.Popen[str] | None = getattr(_here, "server", None)
    if server is None or server.poll() is not None:
        server = _here.server = _start_server()
    if server.stdin is None or server.stdout is None:
        raise RuntimeError("the process that runs jobs has no pipes")
    server.stdin.write(json.dumps({"folder": folder, "number": number, "at_once": 1}) + "\n")
    server.stdin.flush()
    said = server.stdout.readline()
    if not said:
        raise RuntimeError(f"the process that ran the jobs has ended with exit code {server.wait()}")
    answer = json.loads(said)
    if "problem" in answer:
        raise RuntimeError(answer["problem"])
    file = Path(answer["journal"])
    return int(file.name.split(".")[1]), file.read_bytes()


def _start_server() -> subprocess.Popen[str]:
    name = f"dask {_distributed().get_worker().name} on {socket.gethostname()}"
    words = [sys.executable, "-P", "-m", "stoa.exec.cluster.worker", "--serve", name]
    # A session of its own: Ctrl-C in a terminal is for who started the run.
    return subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip


# Here.


class DaskEngine:
    """Hands jobs to Dask: to a scheduler that runs already, or to a cluster for this run.

    Parameters
    ----------
    workers
        Workers of a cluster that is started; 0: one per CPU core here, one job elsewhere.
    spool
        A folder that the workers see too; each run has one of its own in it.

    Raises
    ------
    DaskError
        If the package is missing or the scheduler cannot be reached.
    """

    def __init__(self, workers: int, settings: DaskSettings, spool: Path) -> None:
        self._workers = workers
        self._settings = settings
        self._spool = spool.absolute()
        _need("distributed")
        if settings.address:
            with closing(self._connected()):
                pass
        elif settings.cluster != "local":
            _cluster_class(settings.cluster)

    def execute(self, jobs: Iterable[Job], control: Control) -> Generator[Outcome, None, None]:
        """One outcome a job, each as the journals tell of it. All jobs are taken before the first outcome."""
        some = iter(jobs)
        first = next(some, None)
        if first is None:
            return
        with ExitStack() as opened:
            opened.enter_context(_quiet())
            client = self._open(opened)
            threads = max(1, sum(client.nthreads().values()), self._workers)
            size, all_jobs = self._chunk_size(chain([first], some), threads)
            placed = place_chunks(self._spool, all_jobs, size)
            if placed is None:
                return
            tasks = _Tasks(client, placed, _AHEAD * threads)
            try:
                yield from tasks.outcomes(control)
            except BaseException:
                with suppress(StoaError):
                    tell_workers(placed.folder, at_once=True)
                raise
            finally:
                tasks.forget()

    def _chunk_size(self, jobs: Iterator[Job], threads: int) -> tuple[int, Iterator[Job]]:
        """The size, and the jobs again; it looks at as many as full chunks for all would hold."""
        if self._settings.chunk:
            return self._settings.chunk, jobs
        begin = list(islice(jobs, MOST_JOBS * _ROUNDS * threads))
        return max(1, min(MOST_JOBS, math.ceil(len(begin) / (_ROUNDS * threads)))), chain(begin, jobs)

    def _open(self, opened: ExitStack) -> Any:
        """A client, closed with `opened`; so is the cluster where it was started here."""
        if self._settings.address:
            return _closed_with(opened, self._connected())
        cluster = opened.enter_context(closing(self._cluster()))
        return _closed_with(opened, _distributed().Client(cluster, set_as_default=False))

    def _connected(self) -> Any:
        settings = self._settings
        try:
            return _distributed().Client(
                settings.address, security=_security(settings), timeout=_CONNECT_S, set_as_default=False
            )  # fmt: skip
        except (OSError, TimeoutError, TypeError, ValueError, RuntimeError) as problem:
            raise DaskError(
                f"no Dask scheduler answers at {settings.address}: {_first_line(problem)}",
                "`dask: address:` in .stoa/local.yaml says where it is; tls:// needs tls_ca, tls_cert and tls_key",
            ) from None

    def _cluster(self) -> Any:
        try:
            if self._settings.cluster == "local":
                return _local_cluster(self._workers)
            cluster = _cluster_class(self._settings.cluster)(**self._settings.options)
            cluster.scale(jobs=self._workers or 1)
            return cluster
        except (OSError, RuntimeError, TypeError, ValueError) as problem:
            raise DaskError(
                f"the cluster {self._settings.cluster} does not start: {_first_line(problem)}",
                "`dask: options:` in .stoa/local.yaml are its arguments",
            ) from problem


class _Tasks:
    """The chunks of one run as tasks, a few of them known to Dask at a time."""

    def __init__(self, client: Any, placed: Placed, ahead: int) -> None:
        self._client = client
        self._folder = placed.folder
        self._ahead = ahead
        self._follower = Follower(placed.folder, range(placed.count))
        self._waiting = iter(range(placed.count))
        self._futures: dict[int, Any] = {}
        self._answers: SimpleQueue[int] = SimpleQueue()
        self._abandoned: dict[int, Loss] = {}
        self._stopping = False

    def outcomes(self, control: Control) -> Generator[Outcome, None, None]:
        told = ""
        while True:
            if not control.draining:
                self._submit()
            elif told != (now := "cancel" if control.cancelled else "drain"):
                told = now
                self._stop(at_once=control.cancelled)
                yield from self._not_submitted(control)
            news = self._follower.read()
            yield from news
            yield from self._answered()
            yield from self._lost()
            if not self._follower.open:
                return
            if not news:
                self._wait()

    def forget(self) -> None:
        """Let Dask forget what is left."""
        for future in self._futures.values():
            with suppress(Exception):
                future.release()

    def _submit(self) -> None:
        for number in islice(self._waiting, max(0, self._ahead - len(self._futures))):
            future = self._client.submit(run_on_worker, str(self._folder), number, pure=False)
            self._futures[number] = future
            future.add_done_callback(lambda _future, number=number: self._answers.put(number))

    def _stop(self, *, at_once: bool) -> None:
        self._stopping = True
        tell_workers(self._folder, at_once=at_once)
        begun = {number for number, _ in journals(self._folder)}
        for number, future in self._futures.items():
            if number not in begun:
                with suppress(Exception):
                    future.cancel()

    def _not_submitted(self, control: Control) -> Iterator[Outcome]:
        for number in self._waiting:
            for job in read_chunk(self._folder, number):
                yield run_job(job, control)
            self._follower.open.discard(number)

    def _answered(self) -> Iterator[Outcome]:
        while True:
            try:
                number = self._answers.get_nowait()
            except Empty:
                return
            future = self._futures.pop(number, None)
            if future is None:
                continue
            if answer := _answer(future):
                yield from self._follower.take(number, *answer)
            if number in self._follower.open:
                self._abandoned[number] = self._loss(future)
            future.release()

    def _lost(self) -> Iterator[Outcome]:
        """Outcomes of chunks that Dask has given up, when no one is at them any more."""
        for number in list(self._abandoned):
            if not self._follower.reader.has_worker(number):
                yield from self._follower.lose(number, self._abandoned.pop(number))

    def _loss(self, future: Any) -> Loss:
        if future.status == "error":
            return Loss(f"Dask gave up its chunk ({_first_line(future.exception())})")
        return Loss("stopped by the user" if self._stopping else "the Dask scheduler was lost")

    def _wait(self) -> None:
        """Until Dask tells of a task, or a moment."""
        with suppress(Empty):
            self._answers.put(self._answers.get(timeout=_PAUSE_S))


def _closed_with(opened: ExitStack, client: Any) -> Any:
    """The client, which does not wait long for a scheduler that is gone when it is closed."""
    opened.callback(client.close, timeout=_CLOSE_S)
    return client


def _answer(future: Any) -> Answer | None:
    """What a task gave; None if it gave nothing or that is out of reach."""
    if future.status != "finished":
        return None
    try:
        answer: Answer = future.result(timeout=_CONNECT_S)
    except (OSError, TimeoutError, RuntimeError, _distributed().CancelledError):
        return None
    return answer


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what Dask logs about lost connections, which the outcomes say."""
    logs = [logging.getLogger(name) for name in ("distributed", *_TALKATIVE)]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def _first_line(problem: BaseException) -> str:
    lines = str(problem).strip().splitlines()
    return f"{type(problem).__name__}: {lines[0]}" if lines else type(problem).__name__


def _distributed() -> Any:
    """The package, which is optional and takes a third of a second to import."""
    return import_module("distributed")


def _need(package: str) -> None:
    if find_spec(package) is None:
        raise DaskError(
            f"the engine dask needs the package {package.replace('_', '-')}, which is not installed",
            "`pip install 'stoa-tracking[dask]'`",
        )


def _security(settings: DaskSettings) -> Any:
    if not settings.tls_ca:
        return None
    files = {
        "tls_ca_file": settings.tls_ca,
        "tls_client_cert": settings.tls_cert,
        "tls_client_key": settings.tls_key,
    }
    return _distributed().Security(require_encryption=True, **files)


def _cluster_class(name: str) -> Any:
    _need("dask_jobqueue")
    dask_jobqueue = import_module("dask_jobqueue")
    found = getattr(dask_jobqueue, name, None)
    if found is None or not name.endswith("Cluster"):
        known = sorted(each for each in vars(dask_jobqueue) if each.endswith("Cluster"))
        raise DaskError(f"dask-jobqueue has no cluster {name!r}", f"it has {', '.join(known)}; or `cluster: local`")
    return found


def _local_cluster(workers: int) -> Any:
    """Processes of this machine that no one else can reach: without certificates anyone here could run code as us."""
    _need("cryptography")
    distributed = _distributed()
    return distributed.LocalCluster(
        n_workers=workers or None, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None,
        security=distributed.Security.temporary(), protocol="tls://", silence_logs=50,
    )  # fmt: skip
