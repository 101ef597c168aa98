"""Warm interpreters: jobs that are forked end as jobs that are started cold, and nothing leaks from one to the next."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from stoa import procfs
from stoa.control import Control
from stoa.exec.job.warm.kept import Interpreter, Key
from stoa.exec.local import LocalEngine
from stoa.exec.orphans import orphans
from stoa.model import Outcome, Status, Warm

MARK = "xml.dom.minidom"
"""A module that no script of these tests imports: who has it was forked."""


class Scripts:
    """Runs Python scripts in a place, cold or warm."""

    def __init__(self, place, folder: Path) -> None:
        self.place = place
        self.folder = folder
        folder.mkdir()

    def jobs(self, text: str, count: int = 1, *, warm=(MARK,), args=(), **fields):
        script = self.folder / "script.py"
        script.write_text(text, encoding="utf-8")
        modules = None if warm is None else Warm(script=str(script), modules=tuple(warm), own=(str(self.folder),))
        argv = (sys.executable, str(script), *args)
        names = [f"T{number:04d}" for number in range(count)]
        return [self.place.job(target=name, argv=argv, warm=modules, **fields) for name in names]

    def run(self, text: str, count: int = 1, workers: int = 1, **fields) -> list[Outcome]:
        found = LocalEngine(workers).execute(self.jobs(text, count, **fields), Control())
        return sorted(found, key=lambda outcome: outcome.target)

    def said(self, text: str, count: int = 1, **fields) -> list[str]:
        """What jobs printed that all have to be ok."""
        found = self.run(text, count, **fields)
        assert {outcome.status for outcome in found} == {Status.OK}, found
        return [outcome.log for outcome in found]


@pytest.fixture
def scripts(make_place, open_folder) -> Scripts:
    place = make_place("host")
    return Scripts(place, open_folder / "scripts")


def comparable(outcome: Outcome) -> dict:
    found = msgspec.to_builtins(outcome)
    return {name: value for name, value in found.items() if name not in ("start", "duration_s", "cpu_s", "memory_mb")}


ENDINGS = {
    "ok": "print('fine')",
    "exit code": "import sys; sys.exit(3)",
    "exit none": "raise SystemExit",
    "exit text": "import sys; sys.exit('no beam in the image')",
    "skipped": "import sys; print('no image'); sys.exit(77)",
    "hard exit": "import os; os._exit(4)",
    "exception": "def f():\n    return 1 / 0\n\nf()",
    "chain": "try:\n    1 / 0\nexcept ZeroDivisionError as problem:\n    raise ValueError('no beam') from problem",
    "group": "raise ExceptionGroup('several', [ValueError('a'), TypeError('b')])",
    "excepthook": "import sys\nsys.excepthook = lambda *_: print('ours')\n1 / 0",
    "interrupt": "raise KeyboardInterrupt",
    "syntax": "def f(:\n    pass",
    "bytes": "print('\udcff')",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "aborted": "import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()",
    "atexit": "import atexit; atexit.register(print, 'last'); print('first'); raise SystemExit(5)",
    "thread": "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()",
    "thread fails": "import threading\nthread = threading.Thread(target=lambda: 1 / 0)\nthread.start(); thread.join()",
    "input": "import sys; print(repr(sys.stdin.read())); input()",
    "unflushed": "file = open('m.fits', 'w')\nfile.write('abc')",
    "warning": "import warnings\nwarnings.warn('doubtful')\nwarnings.warn('doubtful')",
    "subprocess": "import subprocess; print(subprocess.run(['echo', 'child'], capture_output=True).stdout)",
    "daemon": "import subprocess; subprocess.Popen(['sleep', '300'], start_new_session=True)",
    "fork": "import os\nif not os.fork():\n    os._exit(3)\nprint(os.waitstatus_to_exitcode(os.wait()[1]))",
    "del": "class C:\n    def __del__(self):\n        print('gone')\n\nc = C()\nd = [C()]\nd.append(d)",
    "finalize": "import weakref\nclass C:\n    pass\n\nc = C()\nweakref.finalize(c, print, 'finalized')",
    "held file": "import json\njson.held = open('m.fits', 'w')\njson.held.write('abc')",
    "text file": "class C:\n    log = open('m.txt', 'w', encoding='utf-16')\n\nC.log.write('abc')",
    "temporary": "import tempfile\nfolder = tempfile.TemporaryDirectory(dir='.')\nprint('made')",
    "daemon thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()",
    "logging": "import logging\nlogging.basicConfig(filename='l.txt')\nlogging.error('bad')\nlogging.shutdown = None",
    "codes": "raise SystemExit(259)",
    "negative": "raise SystemExit(-1)",
    "true": "raise SystemExit(True)",
    "forks on": "import os, atexit\nif os.fork():\n    os.wait()\natexit.register(os.write, 1, b'end')",
    "full": "import sys\nsys.stdout = open('/dev/full', 'w')\nprint('x')",
    "main": "if __name__ == '__main__':\n    print('main')",
    "declared": "# -*- coding: latin-1 -*-\nfrom __future__ import annotations\nprint(__annotations__)\nx: nothing = 1",
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_forked_job_ends_as_one_that_is_started_cold(scripts, name):
    text = ENDINGS[name].replace("'\udcff'", r"'\udcff'")
    (cold,), (warm,) = scripts.run(text, warm=None), scripts.run(text)
    assert comparable(warm) == comparable(cold)


SEEN = {
    "arguments": "import sys; print(sys.argv, sys.orig_argv[1:], sys.executable)",
    "paths": "import sys, os; print(sys.path, os.getcwd(), __file__)",
    "names": "print(sorted(globals()), __doc__, __spec__, __package__, type(__builtins__), __loader__.name)",
    "flags": "import sys; print(sys.flags, sys.dont_write_bytecode, sys.getrecursionlimit())",
    "variables": "import os\nprint(sorted(os.environ.items()))",
    "child's variables": "import subprocess; subprocess.run(['env', '-u', '_'])",
    "files": "import os; print(sorted(os.listdir('/proc/self/fd')), os.readlink('/proc/self/fd/0'))",
    "signals": "import signal\nprint([signal.getsignal(n) for n in signal.valid_signals()])",
    "session": "import os; print(os.getpid() == os.getsid(0) == os.getpgrp(), os.getppid())",
    "umask": "import os; print(oct(os.umask(0)))",
    "locale": "import locale, sys; print(locale.setlocale(locale.LC_ALL), sys.stdout.encoding, sys.stdout.errors)",
    "warnings": "import warnings; print(warnings.filters)",
    "threads": "import threading; print(threading.enumerate()[0].name, len(threading.enumerate()))",
    "main module": "import sys, __main__; print(sys.modules['__main__'].__dict__ is globals(), __main__.__name__)",
    "helper": "import helper; print(helper.__file__, helper.VALUE)",
    "source": "import inspect\ndef f():\n    pass\n\nprint(inspect.getsource(f))",
    "pickle": "import pickle\nclass C:\n    pass\n\nprint(type(pickle.loads(pickle.dumps(C()))))",
    "pool": "import multiprocessing as m\ndef f(x):\n    return x * x\n\nif __name__ == '__main__':\n"
    "    with m.get_context('fork').Pool(2) as pool:\n        print(pool.map(f, range(5)))",
    "spawn": "import multiprocessing as m\ndef f(x):\n    print(x)\n\nif __name__ == '__main__':\n"
    "    child = m.get_context('spawn').Process(target=f, args=('spawned',))\n    child.start()\n    child.join()",
}


@pytest.mark.parametrize("name", SEEN)
def test_a_forked_job_sees_what_one_sees_that_is_started_cold(scripts, name):
    (scripts.folder / "helper.py").write_text("VALUE = 1\n")
    (cold,), (warm,) = (scripts.said(SEEN[name], warm=modules, args=("--snr", "5")) for modules in (None, (MARK,)))
    assert warm == cold


def test_modules_are_there_before_the_job(scripts):
    assert scripts.said(f"import sys; print({MARK!r} in sys.modules)") == ["True\n"]


LEAKS = {
    "umask": ("oct(os.umask(0o22))", "os.umask(0o777)"),
    "directory": ("os.path.basename(os.getcwd()) == os.path.basename(os.environ['STOA_OUT'])", "os.chdir('/')"),
    "variable": ("os.environ.get('X')", "os.environ['X'] = 'leaked'"),
    "signal": ("signal.getsignal(signal.SIGTERM)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"),
    "locale": ("locale.setlocale(locale.LC_NUMERIC)", "locale.setlocale(locale.LC_ALL, 'C')"),
    "helper": ("'helper' in sys.modules", "import helper"),
    "file": ("sorted(os.listdir('/proc/self/fd'))", "kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(9)]"),
    "socket": ("len(os.listdir('/proc/self/fd'))", "kept = socket.socket(socket.AF_UNIX); kept.detach()"),
    "module": ("minidom.parseString('<a/>').toxml()", "minidom.parseString = None"),
    "limit": ("resource.getrlimit(resource.RLIMIT_CPU)", "resource.setrlimit(resource.RLIMIT_CPU, (1000, 1000))"),
    "path": ("'/leaked' in sys.path", "sys.path.append('/leaked')"),
    "filter": ("len(warnings.filters)", "warnings.simplefilter('error')"),
    "atexit": ("'none'", "atexit.register(print, 'leaked')"),
    "session": ("os.getpid() == os.getsid(0)", "os.nice(1)"),
    "priority": ("os.getpriority(os.PRIO_PROCESS, 0)", "os.nice(5)"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_nothing_leaks_from_job_to_job(scripts, name):
    look, leak = LEAKS[name]
    modules = "atexit, locale, os, resource, signal, socket, sys, warnings"
    (scripts.folder / "helper.py").write_text("")
    text = f"import {modules}\nfrom xml.dom import minidom\nprint({look})\n{leak}\nos._exit(0)"
    first, second, third = scripts.said(text, 3)
    assert first.replace("T0000", "T") == second.replace("T0001", "T") == third.replace("T0002", "T")


def test_a_warning_is_shown_by_each_job(scripts):
    text = "import warnings\nfor _ in range(2):\n    warnings.warn('doubtful')"
    assert all(said.count("UserWarning: doubtful") == 1 for said in scripts.said(text, 3))


@pytest.mark.parametrize(
    "number",
    [
        "numpy.random.random()",
        "numpy.random.default_rng().random()",
        "random.random()",
        "uuid.uuid4()",
        "tempfile.mktemp()",
        "os.urandom(9)",
        "secrets.token_hex()",
    ],
)
def test_random_numbers_of_jobs_differ(scripts, number):
    text = f"import numpy, os, random, secrets, tempfile, uuid\nprint({number})"
    said = scripts.said(text, 20, warm=("numpy", "random", "uuid", "tempfile", "secrets"))
    assert len(set(said)) == 20


def test_a_seed_gives_the_numbers_that_it_always_gives(scripts):
    text = "import numpy\nnumpy.random.seed(1)\nprint(numpy.random.random())"
    assert len({*scripts.said(text, 2, warm=("numpy",)), *scripts.said(text, warm=None)}) == 1


def test_variables_that_libraries_read_when_they_are_imported_are_those_of_the_job(scripts):
    text = "import os, matplotlib; print(matplotlib.get_backend(), os.environ['OMP_NUM_THREADS'])"
    jobs = []
    for number, backend in enumerate(("svg", "pdf", "svg")):
        environ = scripts.place.job().environ | {"MPLBACKEND": backend, "OMP_NUM_THREADS": str(number)}
        (job,) = scripts.jobs(text, warm=("matplotlib",), environ=environ)
        jobs.append(msgspec.structs.replace(job, target=f"T{number}", place=f"{job.place}{number}"))
    said = {outcome.target: outcome.log for outcome in LocalEngine(1).execute(jobs, Control())}
    assert said == {"T0": "svg 0\n", "T1": "pdf 1\n", "T2": "svg 2\n"}


def interpreters() -> list[int]:
    """Warm interpreters that this process has started."""

    def have_room() -> list[int]:
        return [pid for pid in procfs.children() if "STOA_ROOM" in procfs.environ_of(pid)]

    first = have_room()
    time.sleep(0.05)  # until a job that has just been forked shows whose it is
    return [pid for pid in have_room() if pid in first]


def memory_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def test_a_job_that_leaks_does_not_make_the_interpreter_grow(scripts):
    text = "import os\nkept = bytearray(b'x') * 50_000_000\nos.open('/dev/null', os.O_RDONLY)\nos._exit(0)"
    sizes = []
    for _ in LocalEngine(1).execute(iter(scripts.jobs(text, 30)), Control()):
        (pid,) = interpreters()
        sizes.append((memory_kb(pid), len(os.listdir(f"/proc/{pid}/fd"))))
    (first_kb, first_files), (last_kb, last_files) = sizes[3], sizes[-1]
    assert last_kb < first_kb + 1000
    assert last_files <= first_files + 2  # a job may just be begun
    assert interpreters() == []


def test_where_an_interpreter_dies_the_next_job_starts_cold_and_those_after_it_warm(scripts):
    text = f"import sys; print({MARK!r} in sys.modules)"
    said = {}
    for outcome in LocalEngine(1).execute(iter(scripts.jobs(text, 6)), Control()):
        assert outcome.status is Status.OK
        said[outcome.target] = outcome.log
        if outcome.target == "T0001":
            for pid in interpreters():
                os.kill(pid, signal.SIGKILL)
    assert said["T0000"] == said["T0005"] == "True\n"
    assert "False\n" in said.values()


def test_an_interpreter_that_dies_leaves_the_job_that_runs_alone(scripts):
    text = "import pathlib, time\npathlib.Path('up').touch()\ntime.sleep(1)\nprint('fine')"

    def kill() -> None:
        up = scripts.place.work / "T0000" / "up"
        while not up.exists():
            time.sleep(0.02)
        for pid in interpreters():
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert scripts.said(text) == ["fine\n"]
    killer.join()


TROUBLE = {
    "printer": ("print('hello')", "prints when it is imported"),
    "warner": ("import warnings; warnings.warn('old')", "prints when it is imported"),
    "opener": ("kept = open('/dev/null')", "opens files when it is imported"),
    "threader": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(999,), daemon=True).start()",
        "starts threads when it is imported",
    ),
    "raiser": ("raise ValueError('no licence')", "cannot be imported: ValueError: no licence"),
    "leaver": ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
    "needer": ("import nothing_of_that_name", "cannot be imported: No module named 'nothing_of_that_name'"),
    "absent": (None, "is not installed"),
}


@pytest.fixture
def library(scripts, tmp_path, monkeypatch) -> Path:
    """A folder of modules that `PYTHONPATH` names."""
    folder = tmp_path / "library"
    folder.mkdir()
    for name, (text, _) in TROUBLE.items():
        if text is not None:
            (folder / f"{name}.py").write_text(text + "\n")
    return folder


def report(scripts, folder: Path, *modules: str):
    environ = scripts.place.prepared.environ | {"PYTHONPATH": f"{folder}:{scripts.folder}"}
    warm = Warm(script=str(scripts.folder / "script.py"), modules=modules, own=(str(scripts.folder),))
    interpreter = Interpreter(Key(sys.executable, tuple(environ.items()), warm), Control(), 60.0)
    interpreter.close()
    return interpreter.report


def test_modules_that_cannot_be_shared_are_left_out_with_the_reason(scripts, library):
    found = report(scripts, library, "json", *TROUBLE, "numpy", "os.path.join")
    assert found.left_out == {name: why for name, (_, why) in TROUBLE.items()}
    assert set(found.modules) == {"json", "numpy", "os.path"}
    assert found.modules["numpy"]


def test_modules_beside_the_script_are_its_own(scripts, library):
    (scripts.folder / "helper.py").write_text("")
    (scripts.folder / "numpy.py").write_text("")
    environ_of_a_job = report(scripts, scripts.folder, "helper", "numpy", "json")
    assert environ_of_a_job.left_out == dict.fromkeys(("helper", "numpy"), "is the script's own")


@pytest.mark.parametrize("name", [name for name in TROUBLE if name not in ("leaver", "absent", "needer", "raiser")])
def test_a_script_with_such_a_module_runs_as_ever(scripts, library, name):
    environ = scripts.place.job(target="T0000").environ | {"PYTHONPATH": str(library)}
    text = f"import sys; print({name!r} in sys.modules, {MARK!r} in sys.modules); import {name}"
    (outcome,) = scripts.run(text, warm=(MARK, name), environ=environ)
    assert outcome.log.startswith("False True\n")
    assert outcome.status is Status.OK


def test_an_interpreter_that_never_comes_up_costs_no_outcome(scripts, library):
    (library / "crasher.py").write_text("import os; os.kill(os.getpid(), 9)")
    environ = scripts.place.job().environ | {"PYTHONPATH": str(library)}
    assert scripts.said("print('fine')", 5, warm=("crasher",), environ=environ) == ["fine\n"] * 5


def test_a_cancel_does_not_wait_for_an_import(scripts, library):
    (library / "sleeper.py").write_text("import time; time.sleep(300)")
    environ = scripts.place.job().environ | {"PYTHONPATH": str(library)}
    control = Control()
    threading.Timer(1.0, control.cancel).start()
    began = time.monotonic()
    (outcome,) = LocalEngine(1).execute(
        scripts.jobs("import time; time.sleep(300)", warm=("sleeper",), environ=environ), control
    )
    assert outcome.status is Status.INTERRUPTED
    assert time.monotonic() - began < 60
    assert interpreters() == []


def test_a_forked_job_can_be_found_by_its_run_when_its_stoa_is_gone(scripts):
    control, found = Control(), []

    def look() -> None:
        deadline = time.monotonic() + 60
        while not found and time.monotonic() < deadline:
            found.extend(orphan for orphan in orphans(["r-warm"]) if orphan.target == "T0000")
        control.cancel()

    (job,) = scripts.jobs("import time; time.sleep(300)", grace_s=1.0)
    environ = job.environ | {"STOA_RUN": "r-warm", "STOA_TARGET": "T0000", "STOA_GROUP": "spw 1"}
    watcher = threading.Thread(target=look)
    watcher.start()
    list(LocalEngine(1).execute([msgspec.structs.replace(job, environ=environ)], control))
    watcher.join()
    assert {(orphan.target, orphan.image_group) for orphan in found} == {("T0000", "spw 1")}


def test_memory_of_a_forked_job_is_its_own(scripts):
    (outcome,) = scripts.run("x = bytearray(b'x') * 200_000_000")
    assert 200 < outcome.memory_mb < 300


def test_two_workers_have_an_interpreter_each(scripts):
    seen = set()
    for _ in LocalEngine(2).execute(iter(scripts.jobs("import time; time.sleep(0.1)", 12)), Control()):
        seen.update(interpreters())
    assert len(seen) == 2


def test_a_command_with_options_of_python_starts_cold(scripts):
    (job,) = scripts.jobs(f"import sys; print({MARK!r} in sys.modules)")
    job = msgspec.structs.replace(job, argv=(job.argv[0], "-B", *job.argv[1:]))
    (outcome,) = LocalEngine(1).execute([job], Control())
    assert outcome.log == "False\n"


@pytest.mark.service
@pytest.mark.parametrize("isolation", ["worker", "target"])
def test_in_a_container_an_interpreter_is_process_1(make_place, open_folder, isolation):
    place = make_place("docker", warm=True, isolation=isolation)
    scripts = Scripts(place, place.data / "scripts")
    text = f"import os, sys; print({MARK!r} in sys.modules, os.getppid(), sorted(os.listdir('/proc/self/fd')))"
    said = scripts.said(text, 3)
    assert {line.split()[0] for line in said} == {str(isolation == "worker")}
    assert {line.partition("[")[2] for line in said} == {"'0', '1', '2', '3']\n"}


@pytest.mark.service
@pytest.mark.parametrize("name", ["exit text", "skipped", "chain", "killed", "atexit", "thread", "daemon"])
def test_in_a_container_a_forked_job_ends_as_one_that_is_started_cold(make_place, name):
    place = make_place("docker", warm=True)
    scripts = Scripts(place, place.data / "scripts")
    (cold,), (warm,) = scripts.run(ENDINGS[name], warm=None), scripts.run(ENDINGS[name])
    assert comparable(warm) == comparable(cold)


@pytest.mark.service
def test_where_the_image_has_no_python_jobs_start_cold_and_say_so(make_place):
    place = make_place("docker")
    scripts = Scripts(place, place.data / "scripts")
    (outcome,) = scripts.run("print('fine')")
    assert outcome.cause.startswith("script") or outcome.cause.startswith("command")
    assert outcome.status is Status.ERROR
