"""`stoa run --engine dask` with a real scheduler and workers: deaths, stops, certificates."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from dask_cluster import Dask, running_dask
from survey import Survey, wait_for

pytestmark = pytest.mark.service

LONG_S = 60.0
Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def own_dask(tmp_path, require_service) -> Iterator[Dask]:
    """One whose processes may be killed."""
    require_service("Dask", find_spec("distributed"), "no package distributed (PyPI)")
    with running_dask(tmp_path / "dask", workers=1) as dask:
        yield dask


def use(survey: Survey, settings: str) -> Survey:
    local = survey.top / ".stoa/local.yaml"
    local.write_text(local.read_text() + settings)
    return survey


def make_slow(survey: Survey) -> None:
    for name in "abc":
        survey.does(name, 'echo $$ >> "$1/started"\nwhile [ ! -e "$1/go" ]; do sleep 0.05; done')


def starts(survey: Survey, target: str) -> int:
    file = survey.top / "data" / target / "started"
    return len(file.read_text().split()) if file.exists() else 0


def go(survey: Survey, *targets: str) -> None:
    for target in targets or "abc":
        (survey.top / "data" / target / "go").touch()


@pytest.fixture
def begin(survey) -> Iterator[Begin]:
    """Start a run of slow jobs in a process of its own, and return when the first one runs."""
    started: list[subprocess.Popen[str]] = []
    make_slow(survey)

    def start(settings: str, *words: str) -> subprocess.Popen[str]:
        use(survey, settings)
        started.append(survey.start("run", "measure", "--engine", "dask", *words))
        wait_for(lambda: starts(survey, "a"), "the first job", LONG_S)
        return started[-1]

    yield start
    go(survey)
    for process in started:
        process.kill()
        process.communicate()


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    told, said = process.communicate(timeout=LONG_S)
    return process.returncode, told + said


def test_a_run_with_dask_is_recorded_as_one_here_is(survey, shared_dask):
    use(survey, shared_dask.settings).does("b", "echo 'ValueError: no beam' >&2; exit 3")
    assert survey.json("run", "measure", "--engine", "dask")["counts"] == {"ok": 2, "failed": 1}
    found = survey.outcomes()
    assert found["b"]["cause"] == "ValueError: no beam"
    assert {o["worker"].split()[1] for o in found.values()} <= {"w0", "w1"}
    assert not list((survey.top / ".git/stoa/spool").glob("2*"))
    assert survey.ok("fsck")


def test_ctrl_c_once_lets_what_runs_end(survey, shared_dask, begin):
    process = begin(shared_dask.settings, "--target", "a")
    process.send_signal(signal.SIGINT)
    wait_for(lambda: "no further job" in process.stderr.readline(), "the message")
    go(survey)
    end(process)
    assert survey.statuses() == {"a": "ok"}


def test_ctrl_c_twice_ends_the_children_at_the_workers(survey, shared_dask, begin):
    process = begin(shared_dask.settings)
    pid = int((survey.top / "data/a/started").read_text())
    process.send_signal(signal.SIGINT)
    wait_for(lambda: "no further job" in process.stderr.readline(), "the message")
    process.send_signal(signal.SIGINT)
    assert end(process)[0] == 130
    assert set(survey.statuses().values()) == {"interrupted"}
    assert survey.outcomes()["a"]["cause"] == "stopped by the user"
    assert not Path(f"/proc/{pid}").exists()


def test_the_death_of_a_worker_is_another_attempt_and_no_second_count(survey, own_dask, begin):
    go(survey, "b", "c")
    process = begin(own_dask.settings)
    own_dask.workers[0].kill()
    own_dask.add_worker("second")
    wait_for(lambda: starts(survey, "a") == 2, "the second attempt", LONG_S)
    go(survey)
    assert end(process)[0] == 0
    (run,) = survey.runs()
    lines = survey.committed(f".stoa/runs/{run}/outcomes-0000.yaml").splitlines()
    of_a = [line for line in lines if '"target": "a"' in line]
    assert len(of_a) == 2
    assert any('"attempt": 2' in line and '"status": "ok"' in line and "dask second" in line for line in of_a)
    assert any('"status": "interrupted"' in line and "dask w0 was lost" in line for line in of_a)
    assert survey.json("status")["pairs"][0]["counts"] == {"ok": 3}
    assert survey.json("show", "last")["summary"]["counts"] == {"ok": 3}
    assert survey.ok("fsck")


def test_a_scheduler_that_is_killed_loses_nothing_that_had_ended(survey, own_dask, begin):
    go(survey, "a")
    process = begin(own_dask.settings)
    wait_for(lambda: starts(survey, "b"), "the second job", LONG_S)
    # Dask's worker ends what it runs once it misses its scheduler; held up, it cannot do so before b has ended.
    own_dask.workers[0].send_signal(signal.SIGSTOP)
    own_dask.scheduler.kill()
    own_dask.scheduler.wait()
    go(survey, "b")
    code, said = end(process)
    own_dask.workers[0].send_signal(signal.SIGCONT)
    assert code == 3, said
    assert "Traceback" not in said
    found = survey.outcomes()
    assert {found[name]["status"] for name in "ab"} == {"ok"}
    assert "c" not in found  # it never began
    assert "the Dask scheduler was lost before it started" in said


def test_stoa_that_is_killed_loses_nothing_that_ends_meanwhile(survey, shared_dask, begin):
    process = begin(shared_dask.settings)
    wait_for(lambda: starts(survey, "b"), "the second job", LONG_S)
    process.kill()
    process.communicate()
    assert survey.json("runs")[0]["state"] == "submitted"
    go(survey, "a", "b")
    wait_for(lambda: survey.ok("status") and survey.runs(), "the run", LONG_S)
    assert {survey.statuses()[name] for name in "ab"} == {"ok"}
    assert len(survey.runs()) == 1


def test_a_worker_process_that_is_killed_is_an_outcome(survey, shared_dask):
    use(survey, shared_dask.settings).does("b", "kill -9 $PPID; sleep 60")
    survey("run", "measure", "--engine", "dask")
    found = survey.outcomes()
    assert {found[name]["status"] for name in "ac"} == {"ok"}
    assert found["b"]["status"] == "interrupted"


def test_a_job_at_its_memory_limit_has_one_outcome_also_where_a_second_try_is_allowed(survey, shared_dask):
    survey.edit(
        ".stoa/processes/measure.yaml", "script: measure.sh", "script: measure.sh\nmemory: 100MB\nmemory_most: 400MB"
    )
    use(survey, shared_dask.settings).does("b", "exec python3 -c 'bytearray(300_000_000)'")
    assert survey("run", "measure", "--engine", "dask").exit_code == 3
    assert survey.statuses() == {"a": "ok", "b": "killed", "c": "ok"}
    assert "attempt" not in survey.outcomes()["b"]
    assert survey.ok("fsck")


def counts_of_a_process(survey: Survey) -> dict[str, int]:
    """What a run says that is a process of its own, since a cluster that is started here leaves warnings behind."""
    process = survey.start("run", "measure", "--engine", "dask", "-j", "1", "--json")
    out, said = process.communicate(timeout=2 * LONG_S)
    assert process.returncode == 0, said
    return json.loads(out)["counts"]


def test_a_cluster_of_ones_own_needs_no_setting(survey):
    assert counts_of_a_process(survey) == {"ok": 3}


def test_a_cluster_through_slurm(survey, slurm, shared_dask):
    pytest.importorskip("dask_jobqueue")
    options = (
        "{queue: main, cores: 1, processes: 1, memory: 1GiB, walltime: '00:10:00', interface: lo,"
        " job_directives_skip: [--mem], death_timeout: 60,"
        " scheduler_options: {host: 127.0.0.1, port: 0, dashboard_address: null}}"
    )
    use(survey, f"dask: {{cluster: SLURMCluster, options: {options}}}\n")
    assert counts_of_a_process(survey) == {"ok": 3}


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_who_has_no_certificate_is_refused_before_anything_is_recorded(survey, shared_dask, protocol):
    use(survey, f"dask: {{address: '{shared_dask.address.replace('tls', protocol)}'}}\n")
    (first, *_) = survey.error("run", "measure", "--engine", "dask")
    assert first.startswith("error: no Dask scheduler answers at ")
    assert survey.runs() == []


def test_a_missing_package_is_named(survey, monkeypatch):
    monkeypatch.setattr("stoa.exec.cluster.dask.find_spec", lambda _name: None)
    assert survey.error("run", "measure", "--engine", "dask") == [
        "error: the engine dask needs the package distributed, which is not installed",
        "hint: `pip install 'stoa-tracking[dask]'`",
    ]


def test_an_unknown_cluster_is_named_with_those_there_are(survey):
    pytest.importorskip("dask_jobqueue")
    use(survey, "dask: {cluster: SlurmCluster}\n")
    first, hint = survey.error("run", "measure", "--engine", "dask")
    assert first == "error: dask-jobqueue has no cluster 'SlurmCluster'"
    assert "SLURMCluster" in hint
