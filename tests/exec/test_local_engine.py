"""The engine as a whole: many jobs, their directories, faults of the machine."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from stoa.control import Control
from stoa.errors import NotFoundError
from stoa.exec.engines import make_engine
from stoa.exec.local import LocalEngine
from stoa.model import Job, OutputSpec, Status
from stoa.project import Local


@contextmanager
def lowered(limit: int, value: int) -> Iterator[None]:
    """A soft limit of this process, and so of the children it starts, for a while."""
    soft, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (value, hard))
    try:
        yield
    finally:
        resource.setrlimit(limit, (soft, hard))


@pytest.fixture
def engine():
    return LocalEngine(2)


def test_every_job_has_one_outcome(engine, make_job):
    jobs = [make_job(f"exit {n % 2}", target=f"t{n}") for n in range(40)]
    outcomes = list(engine.execute(jobs, Control()))
    assert {o.target: o.status for o in outcomes} == {f"t{n}": Status.FAILED if n % 2 else Status.OK for n in range(40)}
    assert len(outcomes) == 40


def test_no_jobs_give_no_outcomes(engine):
    assert list(engine.execute([], Control())) == []


def test_jobs_are_taken_late_and_in_the_thread_of_the_caller(engine, make_job):
    taken: list[int] = []

    def jobs() -> Iterator[Job]:
        for n in range(30):
            taken.append(threading.get_ident())
            yield make_job("exit 0", target=f"t{n}")

    outcomes = engine.execute(jobs(), Control())
    assert taken == []
    for done, _ in enumerate(outcomes, start=1):
        assert len(taken) <= done + 3  # two that run, two that wait, one of these has just ended
    assert set(taken) == {threading.get_ident()}


def test_two_workers_run_two_jobs_at_once(make_job, products):
    # each ends only when it sees the other
    def script(other: str) -> str:
        return f"touch up; until [ -e ../{other}/up ]; do sleep 0.01; done; touch seen; sleep 0.2"

    jobs = [make_job(script("b"), target="a", timeout_s=60), make_job(script("a"), target="b", timeout_s=60)]
    assert [o.status for o in LocalEngine(2).execute(jobs, Control())] == [Status.OK, Status.OK]


def test_an_unknown_engine_names_the_nearest(tmp_path):
    with pytest.raises(NotFoundError, match="no engine named 'locl'; did you mean 'local'"):
        make_engine("locl", 1, Local(), tmp_path)


def test_without_a_number_there_is_a_worker_for_each_processor():
    assert LocalEngine(0).workers == len(os.sched_getaffinity(0))


def test_what_an_earlier_attempt_left_in_the_directory_is_removed(run, products):
    old = products / "p/r/.work/A001/sub"
    old.mkdir(parents=True)
    (old / "sources.vot").write_text("old")
    outcome = run("exit 0", outputs={"sources": OutputSpec(path="sub/sources.vot")})
    assert outcome.cause == "declared output 'sources' (sub/sources.vot) is missing"


def test_a_link_in_the_place_of_the_directory_is_removed_and_not_followed(run, products, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (products / "p/r/.work").mkdir(parents=True)
    (products / "p/r/.work/A001").symlink_to(precious)
    assert run("exit 0").status is Status.OK
    assert (precious / "file").exists()


def test_products_of_an_earlier_attempt_are_replaced_as_a_whole(run, products):
    run("echo 1 > one")
    run("echo 2 > two", attempt=2)
    assert sorted(p.name for p in (products / "p/r/A001").iterdir()) == ["stoa-job.json", "stoa-log.txt", "two"]
    assert [p.name for p in (products / "p/r").iterdir() if ".old-" in p.name] == []


def test_products_of_an_ok_job_survive_a_later_failure(run, products):
    run("echo 1 > one")
    assert run("exit 1", attempt=2).status is Status.FAILED
    assert (products / "p/r/A001/one").exists()


def test_a_script_that_removes_its_own_directory_gives_an_outcome(run):
    outcome = run('echo gone; rm -r "$STOA_OUT"')
    assert outcome.status is Status.ERROR
    assert outcome.cause == "the products could not be moved to their place: No such file or directory"
    assert (outcome.log, outcome.place) == ("gone\n", "")


def test_a_script_that_replaces_its_log_by_a_link_does_not_change_what_is_recorded(run):
    outcome = run("echo mine; rm stoa-log.txt; ln -s /etc/passwd stoa-log.txt; exit 1")
    assert outcome.log == "mine\n"


def test_a_products_root_that_cannot_be_written_is_an_error_not_an_exception(run, products):
    products.write_text("a file where the root should be")
    outcome = run("exit 0")
    assert outcome.status is Status.ERROR
    assert outcome.cause == "the job's directory could not be made: Not a directory"


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_no_half_directory(run, products):
    with lowered(resource.RLIMIT_FSIZE, 0):  # as on a full disk, but for the words
        outcome = run("exit 0")
    assert (outcome.status, outcome.cause) == (Status.ERROR, "the job's directory could not be made: File too large")
    assert not (products / "p/r/.work/A001").exists()


def _all_descriptors() -> list[int]:
    taken = []
    with suppress(OSError):
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    return taken


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


@pytest.mark.parametrize("spare", [0, 1, 2, 3])
def test_a_machine_without_free_descriptors_is_an_error_not_an_exception(make_job, spare):
    control, job = Control(), make_job("exit 0")
    with lowered(resource.RLIMIT_NOFILE, 100), ExitStack() as taken:
        taken.callback(_close_all, full := _all_descriptors())
        _close_all([full.pop() for _ in range(spare)])
        (outcome,) = LocalEngine(1).execute([job], control)
    assert outcome.status is Status.ERROR
    assert outcome.cause.endswith("Too many open files")


def test_the_name_of_a_target_may_hold_anything_a_file_name_may(run):
    name = " Véron 'q' \"d\" $(x) ;&| \n ΔЙקم๗あ"
    outcome = run("exit 0", target=name)
    assert (outcome.status, outcome.place) == (Status.OK, f"products:p/r/{name}")


def test_a_directory_below_an_image_group_is_made(run, products):
    deep = products / "p" / "r" / "A001" / "CS_AGN51"
    outcome = run("exit 0", place=str(deep), place_ref="products:p/r/A001/CS_AGN51")
    assert outcome.status is Status.OK
    assert (deep / "stoa-log.txt").exists()


def test_descriptors_are_given_back(make_job):
    control = Control()
    list(LocalEngine(2).execute([make_job("exit 0", target="warm")], control))
    before = len(list(Path("/proc/self/fd").iterdir()))
    jobs = [make_job("exit 1", target=f"t{n}") for n in range(20)]
    jobs += [make_job(argv=("nothing",), target=f"n{n}") for n in range(20)]
    assert len(list(LocalEngine(2).execute(jobs, control))) == 40
    assert len(list(Path("/proc/self/fd").iterdir())) == before
