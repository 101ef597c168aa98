"""How one job ends, for every way a script can end."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import sys
from datetime import datetime, timedelta

import pytest

from stoa.model import FileRef, OutputSpec, ResultSpec, Status

SOURCES = {"sources": OutputSpec(path="sources.vot", kind="catalogue")}

# signal(7): default action "terminate" or "core"
FATAL = ["HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM"]
FATAL += ["TERM", "STKFLT", "XCPU", "XFSZ", "VTALRM", "PROF", "IO", "PWR", "SYS"]


def test_exit_code_0_is_ok_and_lies_at_its_place(run, products):
    outcome = run("echo hello")
    assert (outcome.status, outcome.cause, outcome.exit_code, outcome.signal) == (Status.OK, "", 0, "")
    assert outcome.place == "products:p/r/A001"
    assert outcome.log == "hello\n"
    assert (products / "p/r/A001/stoa-log.txt").read_text() == "hello\n"
    assert (products / "p/r/A001/stoa-job.json").read_bytes() == b'{"schema": 1}'
    assert not (products / "p/r/.work/A001").exists()


def test_another_exit_code_is_failed_and_keeps_its_directory_apart(run, products):
    outcome = run("echo partial > half.fits; exit 3")
    assert (outcome.status, outcome.cause, outcome.exit_code) == (Status.FAILED, "exit code 3", 3)
    assert outcome.place == "products:p/r/failed/A001"
    assert (products / "p/r/failed/A001/half.fits").exists()
    assert not (products / "p/r/A001").exists()


def test_the_exception_of_a_python_script_is_the_cause(run):
    outcome = run(argv=(sys.executable, "-c", "raise KeyError('BMAJ')"))
    assert (outcome.status, outcome.cause) == (Status.FAILED, "KeyError: 'BMAJ'")
    assert "Traceback" in outcome.log


def test_exit_code_77_is_skipped_with_the_last_line_as_its_cause(run):
    outcome = run("echo looking; echo no primary beam; exit 77")
    assert (outcome.status, outcome.cause, outcome.exit_code) == (Status.SKIPPED, "no primary beam", 77)


def test_a_process_declares_its_own_codes_for_skipped(run):
    assert run("exit 4", skip_codes=(4,)).status is Status.SKIPPED
    assert run("exit 77", skip_codes=(4,)).status is Status.FAILED


@pytest.mark.parametrize("name", FATAL)
def test_a_fatal_signal_is_killed_and_named(run, name):
    outcome = run(f"ulimit -c 0; kill -{getattr(signal, 'SIG' + name).value} $$")
    assert (outcome.status, outcome.exit_code) == (Status.KILLED, None)
    # SIGIO has an older name with the same number, which Python prefers on some systems
    assert signal.Signals[outcome.signal] == signal.Signals[f"SIG{name}"]
    assert outcome.cause.startswith(f"killed by {outcome.signal} (")


@pytest.mark.parametrize("number", [signal.SIGRTMIN, signal.SIGRTMIN + 3, signal.SIGRTMAX])
def test_a_real_time_signal_is_killed_and_named(run, number):
    expected = {signal.SIGRTMIN: "SIGRTMIN", signal.SIGRTMIN + 3: "SIGRTMIN+3", signal.SIGRTMAX: "SIGRTMAX"}
    outcome = run(argv=(sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(number)})"))
    assert (outcome.status, outcome.signal) == (Status.KILLED, expected[number])


@pytest.mark.parametrize("name", ["CHLD", "URG", "WINCH", "CONT"])
def test_a_signal_that_does_nothing_changes_nothing(run, name):
    assert run(f"kill -{name} $$").status is Status.OK


def test_a_child_killed_inside_the_script_is_failed_and_says_so(run):
    outcome = run("sh -c 'kill -KILL $$' 2>/dev/null; exit $?")
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, 137)
    assert "137 (SIGKILL in a child)" in outcome.cause or "Killed" in outcome.cause


def test_a_command_that_does_not_exist_is_an_error(run, products):
    outcome = run(argv=("aegeann", "x.fits"))
    assert (outcome.status, outcome.cause, outcome.exit_code) == (Status.ERROR, "command 'aegeann' not found", None)
    assert outcome.place == "products:p/r/failed/A001"
    assert (products / "p/r/failed/A001/stoa-job.json").exists()


def test_a_script_that_does_not_exist_is_an_error(run):
    outcome = run(argv=("/nowhere/find.py",))
    assert (outcome.status, outcome.cause) == (Status.ERROR, "script '/nowhere/find.py' not found")


def test_a_script_that_is_not_executable_says_how_to_mend_it(run, tmp_path):
    script = tmp_path / "find.sh"
    script.write_text("#!/bin/sh\n")
    outcome = run(argv=(str(script),))
    assert outcome.status is Status.ERROR
    assert outcome.cause == f"script '{script}' is not executable: `chmod +x {script}`"


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"echo no first line\n", "exec format error: {!r} has no #! line and is not a program for this machine"),
        (b"#!/nowhere/python9\n", "interpreter of script {!r} not found: its first line is '#!/nowhere/python9'"),
    ],
)
def test_a_script_that_cannot_be_interpreted_is_an_error(run, tmp_path, content, cause):
    script = tmp_path / "find"
    script.write_bytes(content)
    script.chmod(0o755)
    outcome = run(argv=(str(script),))
    assert (outcome.status, outcome.cause) == (Status.ERROR, cause.format(str(script)))


def test_a_directory_as_command_is_an_error(run, tmp_path):
    outcome = run(argv=(str(tmp_path),))
    assert (outcome.status, outcome.cause) == (Status.ERROR, f"command '{tmp_path}' is a directory")


def test_a_command_is_looked_up_in_the_path_of_the_job(run, tmp_path):
    tool = tmp_path / "bin" / "finder"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    assert run(argv=("finder",), environ={"PATH": str(tool.parent)}).log == "found\n"


@pytest.mark.parametrize("argv", [("echo", "a\0b"), ()])
def test_an_argument_vector_that_no_system_takes_is_an_error(run, argv):
    outcome = run(argv=argv)
    assert outcome.status is Status.ERROR
    assert outcome.cause.startswith("command cannot be started")


def test_an_argument_longer_than_the_system_takes_is_an_error(run):
    outcome = run(argv=("echo", "x" * 3_000_000))
    assert (outcome.status, outcome.cause) == (
        Status.ERROR,
        "command 'echo' cannot be started: Argument list too long",
    )


@pytest.mark.parametrize("argument", ["two words", "a\nb", "Véron ΔЙקم๗あ", "$(touch x)", "-rf", "", "'\"`;|&"])
def test_arguments_reach_the_script_as_they_are(run, argument):
    code = "import sys; print(ascii(sys.argv[1:]))"
    assert run(argv=(sys.executable, "-c", code, argument)).log == f"[{argument!a}]\n"


def test_a_declared_output_that_is_missing_fails_the_job(run):
    outcome = run("exit 0", outputs=SOURCES)
    assert (outcome.status, outcome.exit_code) == (Status.FAILED, 0)
    assert outcome.cause == "declared output 'sources' (sources.vot) is missing"


def test_the_path_of_an_output_is_no_pattern(run):
    outcome = run(": > a.csv; echo x > '[b].csv'", outputs={"table": OutputSpec(path="*.csv")})
    assert outcome.cause == "declared output 'table' (*.csv) is missing (its path is taken as it is, not as a pattern)"
    assert run("echo x > '[b].csv'", outputs={"table": OutputSpec(path="[b].csv")}).status is Status.OK


def test_outputs_are_recorded_with_size_and_checksum(run):
    outcome = run("mkdir sub; printf abc > sub/m.fits", outputs={"map": OutputSpec(path="sub/m.fits", kind="image")})
    # sha256 of "abc": FIPS 180-4, example B.1
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert outcome.outputs == {"map": FileRef(path="products:p/r/A001/sub/m.fits", size=3, sha256=digest)}


def test_a_large_output_has_the_checksum_of_all_of_it(run):
    outcome = run("head -c 5000000 /dev/zero > m.fits", outputs={"map": OutputSpec(path="m.fits")})
    assert outcome.outputs["map"].sha256 == hashlib.sha256(bytes(5_000_000)).hexdigest()


def test_an_optional_output_may_be_missing(run):
    outcome = run("exit 0", outputs={"map": OutputSpec(path="m.fits", optional=True)})
    assert (outcome.status, outcome.outputs) == (Status.OK, {})


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (": > sources.vot", "is empty"),
        ("mkdir sources.vot", "is not a regular file, but a folder (`kind: folder` declares one)"),
        ("mkfifo sources.vot", "is not a regular file"),
        ("ln -s nothing sources.vot", "is missing"),
        ("ln -s sources.vot sources.vot", "is unreadable"),
        ("ln -s /etc/passwd sources.vot", "is outside the job's directory"),
        ("ln -s ../../../../../../../../../../etc/passwd sources.vot", "is outside the job's directory"),
        ('echo x > y; ln -s "$STOA_OUT/y" sources.vot', "is a link with an absolute path"),
    ],
)
def test_an_output_that_is_no_file_of_the_job_fails_it(run, script, words):
    outcome = run(script, outputs=SOURCES)
    assert outcome.status is Status.FAILED
    assert outcome.cause.startswith(f"declared output 'sources' (sources.vot) {words}")


def test_an_output_beyond_a_linked_directory_fails_the_job(run):
    outcome = run("ln -s /etc sub", outputs={"list": OutputSpec(path="sub/passwd")})
    assert outcome.cause == "declared output 'list' (sub/passwd) is outside the job's directory"


def test_a_relative_link_inside_the_directory_is_an_output(run):
    assert run("echo x > y; ln -s y sources.vot", outputs=SOURCES).outputs["sources"].size == 2


def test_a_plain_file_may_be_empty(run):
    assert run(": > list.txt", outputs={"list": OutputSpec(path="list.txt")}).status is Status.OK


def test_an_output_without_read_permission_fails_the_job(run, tmp_path):
    (tmp_path / "locked").touch(mode=0o000)
    if os.access(tmp_path / "locked", os.R_OK):
        pytest.skip("this user reads everything")
    outcome = run("echo x > sources.vot; chmod 000 sources.vot", outputs=SOURCES)
    assert outcome.cause == "declared output 'sources' (sources.vot) is unreadable: Permission denied"


def test_results_are_read_and_typed(run):
    declared = {"rms": ResultSpec(type="float"), "n": ResultSpec(type="int")}
    outcome = run("""echo '{"rms": 2, "n": 3}' > stoa-result.json""", results=declared)
    assert outcome.results == {"rms": 2.0, "n": 3}
    assert isinstance(outcome.results["rms"], float)


def test_a_result_of_the_wrong_type_fails_the_job(run):
    outcome = run("""echo '{"rms": "low"}' > stoa-result.json""", results={"rms": ResultSpec(type="float")})
    assert (outcome.status, outcome.cause) == (Status.FAILED, "result 'rms' must be of type float, got str")


def test_results_of_a_failed_job_are_kept(run):
    outcome = run("""echo '{"rms": 2.5}' > stoa-result.json; exit 1""", results={"rms": ResultSpec(type="float")})
    assert (outcome.status, outcome.results) == (Status.FAILED, {"rms": 2.5})


def test_a_script_has_no_standard_input_and_no_terminal(run):
    outcome = run("cat; (: < /dev/tty) 2>/dev/null || echo no terminal")
    assert (outcome.status, outcome.log) == (Status.OK, "no terminal\n")


def test_a_script_sees_the_environ_of_its_job_and_its_directory(run, products):
    outcome = run("pwd; echo $SNR; env | grep -c SECRET", environ={"PATH": os.environ["PATH"], "SNR": "5"})
    assert outcome.log.splitlines() == [str(products / "p/r/.work/A001"), "5", "0"]


def test_memory_above_the_limit_is_killed_with_the_limit_in_the_cause(run):
    outcome = run(argv=(sys.executable, "-c", "x = bytes(400_000_000)"), memory_mb=200)
    assert outcome.status is Status.KILLED
    assert outcome.cause == "memory limit of 200 MB reached: MemoryError"


def test_memory_below_the_limit_is_ok(run):
    assert run(argv=(sys.executable, "-c", "x = bytes(100_000_000)"), memory_mb=200).status is Status.OK


def test_peak_memory_and_processor_time_are_recorded(run):
    # The kernel counts a job's peak from that of the process that started it: only a larger one can be told.
    megabytes = 500 + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 1_000_000
    code = f"x = b'1' * {megabytes}_000_000\nfor i in range(3_000_000): pass"
    outcome = run(argv=(sys.executable, "-c", code))
    assert megabytes < outcome.memory_mb < megabytes + 300
    assert outcome.cpu_s > 0.05


def test_times_carry_their_zone_and_durations_do_not_go_backwards(run):
    outcome = run("sleep 0.05")
    assert datetime.fromisoformat(outcome.start).utcoffset() == timedelta(0)
    assert 0.05 <= outcome.duration_s < 30


def test_what_directed_a_job_is_handed_on_to_its_outcome(run):
    image = {"image": FileRef(path="alma:A/x.fits", size=5)}
    outcome = run("exit 0", inputs=image, meta="d1", group="CS_AGN51", attempt=2)
    assert (outcome.run, outcome.target, outcome.inputs, outcome.meta) == ("r", "A001", image, "d1")
    assert (outcome.group, outcome.attempt) == ("CS_AGN51", 2)
