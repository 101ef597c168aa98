"""One suite for all environments: every way a job can end, its limits, and that it leaves nothing behind."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import time
from pathlib import Path

import pytest
from places import once_limited
from users import end_all_of

from stoa.control import Control
from stoa.exec.local import LocalEngine
from stoa.model import OutputSpec, Status

CONTAINER = pytest.mark.service
PLACES = [
    pytest.param(("host", {}), id="host"),
    pytest.param(("venv", {}), id="venv"),
    pytest.param(("docker", {}), id="docker", marks=CONTAINER),
    pytest.param(("docker", {"isolation": "target"}), id="docker-target", marks=CONTAINER),
    pytest.param(("podman", {}), id="podman", marks=CONTAINER),
    pytest.param(("warm", {}), id="warm"),
    pytest.param(("warm-docker", {}), id="warm-docker", marks=CONTAINER),
    pytest.param(("rootless", {}), id="rootless", marks=CONTAINER),
]


@pytest.fixture(params=PLACES)
def place(request, make_place):
    kind, fields = request.param
    kind, _, rest = kind.partition("-")
    return make_place(rest or "host", warm=True) if kind == "warm" else make_place(kind, **fields)


def owner_of(path: Path) -> int:
    try:
        return path.stat().st_uid
    except OSError:
        return -1


def wait_for(condition, what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_a_job_that_is_ok_lies_at_its_place_with_its_outputs(place):
    outcome = place.run("echo hello; printf abc > m.fits", outputs={"map": OutputSpec(path="m.fits", kind="image")})
    assert (outcome.status, outcome.cause, outcome.exit_code) == (Status.OK, "", 0), outcome
    assert outcome.log == "hello\n"
    assert outcome.outputs["map"].size == 3
    assert (place.work.parent / "A001/m.fits").read_text() == "abc"


@pytest.mark.parametrize(
    ("script", "status", "cause", "code"),
    [
        ("exit 3", Status.FAILED, "exit code 3", 3),
        ("echo no beam; exit 77", Status.SKIPPED, "no beam", 77),
        ("nothing-of-that-name", Status.FAILED, None, 127),
        ("exit 0", Status.FAILED, "declared output 'map' (m.fits) is missing", 0),
    ],
    ids=["failed", "skipped", "shell", "output"],
)
def test_statuses_by_exit_code(place, script, status, cause, code):
    outputs = {"map": OutputSpec(path="m.fits")}
    outcome = place.run(script, outputs=outputs)
    assert (outcome.status, outcome.exit_code) == (status, code)
    assert cause is None or outcome.cause == cause
    assert "not found" in outcome.cause or cause


@pytest.mark.parametrize("name", ["HUP", "INT", "ABRT", "KILL", "SEGV", "PIPE", "TERM", "USR1"])
def test_a_signal_is_killed_and_named(place, name):
    outcome = place.run(f"ulimit -c 0; kill -{getattr(signal, 'SIG' + name).value} $$")
    assert (outcome.status, outcome.signal, outcome.exit_code) == (Status.KILLED, f"SIG{name}", None)


def test_commands_that_cannot_be_started_are_errors(place):
    assert place.run(argv=("aegeann", "x")).cause.startswith("command 'aegeann' not found")
    assert place.run(argv=("/nowhere/find.py",)).cause.startswith("script '/nowhere/find.py' not found")
    script = place.data / "find.sh"
    script.write_text("#!/bin/sh\n")
    outcome = place.run(argv=(str(script),))
    assert outcome.status is Status.ERROR
    assert outcome.cause.startswith(f"script '{script}' is not executable")


@pytest.mark.parametrize(
    "argument", ["two words", "a\nb", "Véron ΔЙקم๗あ", "$(touch x)", "-rf", "", "'\"`;|&", "{}\\n"]
)
def test_arguments_and_variables_reach_the_script_as_they_are(place, argument):
    job = place.job()
    script = 'printf "%s" "$1" > argument; printf "%s" "$VALUE" > variable'
    outcome = place.run(argv=("/bin/sh", "-c", script, "sh", argument), environ=job.environ | {"VALUE": argument})
    folder = place.work.parent / "A001"
    assert outcome.status is Status.OK, outcome
    assert (folder / "argument").read_text("utf-8") == (folder / "variable").read_text("utf-8") == argument


def test_there_is_no_input_and_no_terminal(place):
    assert place.run("if read line; then echo got; else echo end of file; fi; tty").log.startswith(
        "end of file\nnot a tty"
    )


def test_what_is_printed_is_shown_without_control_characters(place):
    outcome = place.run(r"printf '\033[2J\033]0;owned\007 \377\376 fine\n'; exit 1")
    assert "\x1b" not in outcome.log + outcome.cause
    assert "fine" in outcome.log


def test_output_is_whole_on_disk_and_short_in_the_record(place):
    outcome = place.run("head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo last; exit 1")
    assert (place.work.parent / "failed/A001/stoa-log.txt").stat().st_size == 3_000_006
    assert len(outcome.log) < 50_000
    assert outcome.log.endswith("last\n")


def test_a_timeout_is_said_politely_first(place):
    outcome = place.run("trap 'echo told; exit 5' TERM; echo up; sleep 300 & wait", timeout_s=1.0, grace_s=60.0)
    assert (outcome.status, outcome.exit_code) == (Status.TIMEOUT, 5)
    assert outcome.log == "up\ntold\n"
    assert place.left_running() == []


def test_a_timeout_ends_what_ignores_it(place):
    outcome = place.run("trap '' TERM INT HUP; while :; do sleep 1; done", timeout_s=1.0, grace_s=0.3)
    assert (outcome.status, outcome.signal, outcome.cause) == (Status.TIMEOUT, "SIGKILL", "timeout after 1 s")
    assert place.left_running() == []


def test_a_stopped_script_runs_into_its_timeout(place):
    outcome = place.run("kill -STOP $$", timeout_s=1.0, grace_s=0.3)
    assert outcome.status is Status.TIMEOUT
    assert place.left_running() == []


def test_cancelled_it_is_interrupted(place):
    job = place.job("echo > up; sleep 300", timeout_s=120.0)
    (outcome,) = place.outcomes([job], cancel_at=place.work / "A001" / "up")
    assert (outcome.status, outcome.cause) == (Status.INTERRUPTED, "stopped by the user")
    assert place.left_running() == []


DAEMONS = {
    "background": "sleep 300 &",
    "setsid": "setsid sleep 300 &",
    "double fork": "(setsid sh -c 'sleep 300 & sleep 300' &) &",
    "ignores": "(trap '' TERM HUP INT; setsid sleep 300 &)",
    "many": "for i in 1 2 3 4 5 6 7 8 9 10; do (setsid sleep 300 &); done",
}


@pytest.mark.parametrize("name", DAEMONS)
def test_daemons_end_with_their_job(place, name):
    outcome = place.run(f"{DAEMONS[name]}\nsleep 0.2; echo fine")
    assert outcome.status is Status.OK
    assert place.left_running() == []


@pytest.mark.parametrize("place", PLACES[:-1], indirect=True)  # looked at between: the last is another process
def test_two_jobs_at_once_end_only_their_own_daemons(place):
    first = place.job("setsid sleep 300 & sleep 300", target="first")
    second = place.job("setsid sleep 300 & exit 0", target="second")
    done = []
    outcomes = LocalEngine(2).execute([first, second], Control())
    done.append(next(outcomes))
    assert done[0].target == "second"
    assert place.left_running("second") == []
    wait_for(lambda: len(place.left_running("first")) >= 2, "the daemon of the first job never came up")
    outcomes.close()
    assert place.left_running("first") == []


def test_memory_is_limited_and_the_cause_says_so(place):
    outcome = place.run(once_limited("d", "head -c 400000000 /dev/zero | tail -n 1 > /dev/null"), memory_mb=60)
    assert outcome.status is Status.KILLED, outcome
    assert outcome.cause.startswith("memory limit of 60 MB reached")
    assert outcome.limit == "memory"


def test_processor_time_is_limited_and_the_cause_says_so(place):
    outcome = place.run("while :; do :; done", cpu_limit_s=1.0, timeout_s=120.0)
    assert outcome.status is Status.KILLED, outcome
    assert outcome.cause.startswith("CPU time limit of 1 s reached")
    assert outcome.limit == "cpu_time"


def test_the_size_of_a_file_is_limited_and_the_cause_says_so(place):
    outcome = place.run(once_limited("f", "ulimit -c 0; head -c 5000000 /dev/zero > big.fits"), file_mb=1)
    assert outcome.status is Status.KILLED, outcome
    assert outcome.cause.startswith("file size limit of 1 MB reached")
    assert outcome.limit == "file_size"
    assert (place.work.parent / "failed/A001/big.fits").stat().st_size <= 1_000_000


def test_after_any_trouble_the_next_job_runs(place):
    scripts = [
        "kill -9 $$",
        "exit 9",
        "sleep 300",
        once_limited("d", "head -c 400000000 /dev/zero | tail -n 1 >/dev/null"),
        "echo fine",
    ]
    jobs = [
        place.job(script, target=f"T{n}", timeout_s=6.0, grace_s=0.3, memory_mb=60) for n, script in enumerate(scripts)
    ]
    found = {outcome.target: outcome for outcome in place.outcomes(jobs)}
    assert [found[f"T{n}"].status.value for n in range(5)] == ["killed", "failed", "timeout", "killed", "ok"]
    assert found["T4"].log == "fine\n"


def test_processor_time_is_recorded(place):
    outcome = place.run("i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done")
    assert outcome.cpu_s > 0.01


def test_the_umask_of_the_environment_holds(make_place):
    place = make_place("host", umask=0o027)
    place.run("echo > x; mkdir y")
    folder = place.work.parent / "A001"
    assert [oct(os.stat(folder / name).st_mode & 0o777) for name in ("x", "y")] == ["0o640", "0o750"]


@pytest.mark.service
def test_the_umask_of_a_container_holds(make_place):
    place = make_place("docker", umask=0o027)
    place.run("echo > x")
    assert (Path(place.work.parent / "A001/x").stat().st_mode & 0o777) == 0o640


def test_a_thicket_of_processes_ends_with_its_timeout(make_place):
    """Hundreds in sessions of their own, deaf to SIGTERM, forked as fast as they can; bounded, as root has no limit."""
    place = make_place("host")
    branch = "trap '' TERM; [ $0 -gt 0 ] && for n in 1 2; do setsid sh -c \"$B\" $(($0 - 1)) & done; sleep 300"
    outcome = place.run(f'echo up; B={shlex.quote(branch)}; export B; sh -c "$B" 7', timeout_s=3.0, grace_s=0.3)
    assert outcome.status is Status.TIMEOUT, outcome
    assert outcome.left_running >= 100
    assert place.left_running() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes of a user whose number of them is limited")
@pytest.mark.skipif(not shutil.which("perl"), reason="no perl, whose fork may fail without ending it")
@pytest.mark.parametrize(
    ("user", "alone"), [(64243, ""), (64244, "$pid or POSIX::setsid();")], ids=["group", "sessions"]
)
def test_a_fork_bomb_of_an_ordinary_user_ends_with_its_timeout(make_place, user, alone):
    """Deaf to SIGTERM; the users are such as run nothing else."""
    place = make_place("host")
    place.uid, place.most_processes = user, 150
    bomb = f"use POSIX; $SIG{{TERM}} = 'IGNORE'; while (1) {{ defined(my $pid = fork) or next; {alone} }}"
    try:
        outcome = place.run(f"echo up; exec perl -e {shlex.quote(bomb)}", timeout_s=3.0, grace_s=0.3)
        left = [folder for folder in Path("/proc").glob("[0-9]*") if owner_of(folder) == user]  # dead ones too
    finally:
        end_all_of(user)
    assert outcome.status is Status.TIMEOUT, outcome
    assert outcome.log.startswith("up\n")
    assert left == []


def test_a_timeout_may_be_longer_than_any_machine_lives(make_place):
    assert make_place("host").run("printf fine", timeout_s=1e9).status is Status.OK
