"""Chunks of jobs in files, and the worker that runs them in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stoa.exec.cluster.chunks import (
    ChunkError,
    ChunkReader,
    as_attempt,
    chunk_numbers,
    journals,
    read_chunk,
    write_chunk,
)
from stoa.exec.cluster.worker import CANCEL, DRAIN, STOP_FILE, Brake, run_chunk, slurm_name
from stoa.model import Job, Outcome, Status

REPOSITORY = Path(__file__).resolve().parents[2]
WAITS = 'touch "$STOA_OUT/../../up-$0"; while [ ! -e "$STOA_OUT/../../go" ]; do sleep 0.02; done'
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "chunks"
    made.mkdir()
    return made


@pytest.fixture
def start(folder) -> Iterator[Start]:
    """A worker as a process of its own."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*words: str, **environ: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "stoa.exec.cluster.worker", *words]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        given = os.environ | {"PYTHONPATH": str(REPOSITORY)} | environ
        begun.append(subprocess.Popen(command, env=given, text=True, **pipes))
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def wait_for(there: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def waiting_job(make_job: Callable[..., Job], target: str) -> Job:
    return make_job(argv=("/bin/sh", "-c", WAITS, target), target=target)


def outcomes(folder: Path) -> dict[tuple[str, int], Outcome]:
    found = ChunkReader(folder).read()
    keys = {(o.target, o.attempt): o for o in found}
    assert len(keys) == len(found)
    return keys


def statuses(folder: Path) -> dict[str, str]:
    return {target: o.status.value for (target, _), o in outcomes(folder).items()}


def test_a_chunk_is_read_as_it_was_written(folder, make_job):
    jobs = tuple(make_job("exit 0", target=f"t{n}", environ={"PATH": "/bin", "N": str(n)}) for n in range(3))
    write_chunk(folder, 7, jobs)
    assert read_chunk(folder, 7) == jobs
    assert chunk_numbers(folder) == [7]


@pytest.mark.parametrize("data", [b"", b"\x00", b"not msgpack"])
def test_a_damaged_chunk_says_so(folder, data):
    (folder / "00001.jobs").write_bytes(data)
    with pytest.raises(ChunkError, match="chunk 1 cannot be read"):
        read_chunk(folder, 1)


def test_every_job_of_a_chunk_has_one_outcome_with_the_name_of_its_worker(folder, make_job):
    write_chunk(folder, 0, [make_job(f"exit {n % 2}", target=f"t{n}") for n in range(10)])
    run_chunk(folder, 0, "slurm 12_0 on node1", Brake(), at_once=2)
    assert statuses(folder) == {f"t{n}": "failed" if n % 2 else "ok" for n in range(10)}
    assert {o.worker for o in outcomes(folder).values()} == {"slurm 12_0 on node1"}
    reader = ChunkReader(folder)
    reader.read()
    assert reader.chunks[0].done


def test_a_worker_is_a_process_that_needs_no_more_than_the_folder(folder, make_job, start, products):
    write_chunk(folder, 3, [make_job("echo hello > out.txt", target="a")])
    worker = start(str(folder), "3", SLURM_JOB_ID="78", SLURM_ARRAY_JOB_ID="77", SLURM_ARRAY_TASK_ID="3")
    assert worker.communicate(timeout=60) == ("", "")
    assert worker.returncode == 0
    assert outcomes(folder)["a", 1].worker.startswith("slurm 77_3 on ")
    assert (products / "p/r/a/out.txt").read_text() == "hello\n"


def test_a_chunk_of_a_run_that_is_over_is_left_alone(folder, start):
    worker = start(str(folder), "3")
    _, said = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert "there is no chunk 3 any more: its run is over" in said


def test_a_worker_that_was_killed_leaves_what_had_ended(folder, make_job, start, products):
    write_chunk(folder, 0, [make_job("exit 3", target="a"), waiting_job(make_job, "b"), make_job("exit 0", target="c")])
    worker = start(str(folder), "0")
    wait_for((products / "p/r/up-b").exists, "the second job")
    reader = ChunkReader(folder)
    reader.read()
    assert reader.has_worker(0)
    worker.kill()
    worker.wait()
    assert statuses(folder) == {"a": "failed"}
    assert not reader.has_worker(0)
    assert not reader.chunks[0].done
    (products / "p/r/go").touch()


def test_a_worker_that_took_a_chunk_up_after_the_journals_were_read_is_seen(folder, make_job, start, products):
    write_chunk(folder, 0, [waiting_job(make_job, "a")])
    reader = ChunkReader(folder)
    reader.read()
    assert not reader.has_worker(0)
    worker = start(str(folder), "0")
    wait_for((products / "p/r/up-a").exists, "the job")
    assert reader.has_worker(0)
    worker.kill()
    worker.wait()
    reader.read()
    assert not reader.has_worker(0)
    (products / "p/r/go").touch()


def test_a_second_attempt_runs_what_has_no_outcome_and_meets_nobody(folder, make_job, start, products):
    jobs = [make_job("exit 0", target="a"), waiting_job(make_job, "b")]
    write_chunk(folder, 0, jobs)
    first = start(str(folder), "0")  # believed dead, and still at it
    wait_for((products / "p/r/up-b").exists, "the second job")
    (products / "p/r/up-b").unlink()
    second = start(str(folder), "0")
    wait_for((products / "p/r/up-b").exists, "its second attempt")
    (products / "p/r/go").touch()
    for worker in (first, second):
        worker.communicate(timeout=60)
    found = outcomes(folder)
    assert {key: o.status.value for key, o in found.items()} == {("a", 1): "ok", ("b", 1): "ok", ("b", 2): "ok"}
    assert found["b", 1].place == "products:p/r/b"
    assert found["b", 2].place == "products:p/r/b~2"
    assert journals(folder) == [(0, 1), (0, 2)]


@pytest.mark.parametrize(
    ("number", "status", "cause"),
    [
        (signal.SIGTERM, "interrupted", "slurm 77_0 was cancelled"),
        (signal.SIGUSR1, "timeout", "the walltime of slurm 77_0 was over"),
    ],
)
def test_a_signal_of_slurm_ends_the_jobs_and_gives_the_reason(folder, make_job, start, products, number, status, cause):
    write_chunk(folder, 0, [waiting_job(make_job, "a"), make_job("exit 0", target="b"), make_job("", target="c")])
    worker = start(str(folder), "0", SLURM_JOB_ID="78", SLURM_ARRAY_JOB_ID="77", SLURM_ARRAY_TASK_ID="0")
    wait_for((products / "p/r/up-a").exists, "the first job")
    worker.send_signal(number)
    worker.communicate(timeout=60)
    found = outcomes(folder)
    assert (found["a", 1].status, found["a", 1].cause) == (status, cause)
    for later in ("b", "c"):
        assert found[later, 1].status is Status.INTERRUPTED
        assert found[later, 1].cause == f"{cause} before it started"


def test_a_job_that_began_late_is_interrupted_by_the_walltime_and_not_to_blame(folder, make_job, start, products):
    write_chunk(folder, 0, [make_job("exit 0", target="a"), waiting_job(make_job, "b")])
    worker = start(str(folder), "0")
    wait_for((products / "p/r/up-b").exists, "the second job")
    worker.send_signal(signal.SIGUSR1)
    worker.communicate(timeout=60)
    assert statuses(folder) == {"a": "ok", "b": "interrupted"}


def test_the_walltime_is_kept_by_the_worker_itself(folder, make_job, start):
    write_chunk(folder, 0, [make_job("sleep 300", target="a")])
    start(str(folder), "0", "--walltime", "0.5").communicate(timeout=60)
    assert statuses(folder) == {"a": "timeout"}


def test_drain_lets_the_running_job_end(folder, make_job, start, products):
    write_chunk(folder, 0, [waiting_job(make_job, "a"), *(make_job("exit 0", target=t) for t in "bcd")])
    worker = start(str(folder), "0")
    wait_for((products / "p/r/up-a").exists, "the first job")
    (folder / STOP_FILE).write_text(DRAIN)
    time.sleep(1.5)  # longer than it takes the worker to look
    (products / "p/r/go").touch()
    worker.communicate(timeout=60)
    assert statuses(folder) == {"a": "ok", "b": "interrupted", "c": "interrupted", "d": "interrupted"}


def test_a_chunk_that_begins_after_a_stop_runs_nothing(folder, make_job, products):
    write_chunk(folder, 0, [make_job("exit 0", target="a")])
    (folder / STOP_FILE).write_text(CANCEL)
    run_chunk(folder, 0, "w", Brake())
    assert statuses(folder) == {"a": "interrupted"}
    assert not (products / "p/r/failed/a").exists()


def test_a_serving_worker_runs_one_chunk_after_the_other(folder, make_job, start):
    for number in (0, 1):
        write_chunk(folder, number, [make_job("exit 0", target=f"t{number}")])
    worker = start("--serve", "dask w1 on here")
    for number in (0, 1, 5):
        worker.stdin.write(json.dumps({"folder": str(folder), "number": number, "at_once": 1}) + "\n")
        worker.stdin.flush()
        answer = json.loads(worker.stdout.readline())
        assert ("journal" in answer) == (number < 5)
    worker.stdin.close()
    assert worker.wait(60) == 0
    assert statuses(folder) == {"t0": "ok", "t1": "ok"}


def test_a_stop_of_one_run_is_no_stop_of_the_next(folder, tmp_path, make_job, start):
    other = tmp_path / "other"
    other.mkdir()
    write_chunk(folder, 0, [make_job("exit 0", target="a")])
    write_chunk(other, 0, [make_job("exit 0", target="b")])
    (folder / STOP_FILE).write_text(CANCEL)
    worker = start("--serve", "dask w1 on here")
    for place in (folder, other):
        worker.stdin.write(json.dumps({"folder": str(place), "number": 0, "at_once": 1}) + "\n")
        worker.stdin.flush()
        worker.stdout.readline()
    assert (statuses(folder), statuses(other)) == ({"a": "interrupted"}, {"b": "ok"})


def test_a_serving_worker_whose_parent_is_gone_ends_its_job_and_leaves_the_rest(folder, make_job, start, products):
    write_chunk(folder, 0, [waiting_job(make_job, "a"), make_job("exit 0", target="b"), make_job("", target="c")])
    worker = start("--serve", "dask w1 on here")
    worker.stdin.write(json.dumps({"folder": str(folder), "number": 0, "at_once": 1}) + "\n")
    worker.stdin.flush()
    wait_for((products / "p/r/up-a").exists, "the first job")
    worker.stdin.close()
    worker.wait(60)
    assert outcomes(folder)["a", 1].cause == "dask w1 was lost"
    assert ("c", 1) not in outcomes(folder)
    reader = ChunkReader(folder)
    reader.read()
    assert not reader.chunks[0].done


def test_a_torn_or_damaged_line_hides_no_other(folder, make_job):
    write_chunk(folder, 0, [make_job("exit 0", target=t) for t in "ab"])
    file = run_chunk(folder, 0, "w", Brake())
    lines = file.read_bytes().splitlines(keepends=True)
    damaged = next(place for place, line in enumerate(lines) if b'"k":"end"' in line and b'"target":"a"' in line)
    lines[damaged] = lines[damaged].replace(b"ok", b"no")
    file.write_bytes(b"".join(lines) + b"12345678 {torn")
    assert statuses(folder) == {"b": "ok"}


def test_a_reader_gives_each_outcome_once(folder, make_job):
    reader = ChunkReader(folder)
    write_chunk(folder, 0, [make_job("exit 0", target="a")])
    assert reader.read() == []
    run_chunk(folder, 0, "w", Brake())
    assert [o.target for o in reader.read()] == ["a"]
    assert reader.read() == []


def test_a_later_attempt_has_directories_of_its_own(make_job, products):
    work = str(products / "p/r/.work/A1")
    job = make_job(
        argv=("x", f"{work}/sub", f"--out={work}", f"{work}2", work), target="A1", environ={"STOA_OUT": work},
        description=json.dumps({"out": work, "attempt": 1}).encode(),
    )  # fmt: skip
    second = as_attempt(job, 2)
    assert second.argv == ("x", f"{work}~2/sub", f"--out={work}~2", f"{work}2", f"{work}~2")
    assert second.environ == {"STOA_OUT": f"{work}~2"}
    assert json.loads(second.description) == {"out": f"{work}~2", "attempt": 2}
    assert (second.work, second.place_ref) == (f"{work}~2", "products:p/r/A1~2")


@pytest.mark.parametrize(
    ("environ", "begin"),
    [
        ({}, ""),
        ({"SLURM_JOB_ID": "5"}, "slurm 5 on "),
        ({"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "3"}, "slurm 5_3 on "),
        ({"SLURM_JOB_ID": "5", "SLURM_RESTART_COUNT": "2"}, "slurm 5 restart 2 on "),
    ],
)
def test_a_worker_of_slurm_names_its_element_and_restart(environ, begin):
    assert slurm_name(environ).startswith(begin)
    assert bool(slurm_name(environ)) == bool(begin)
