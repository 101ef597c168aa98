"""A warm interpreter: imports modules once, then forks for each job; run as a file by the Python of the environment.

On the machine itself (``interpreter.py SOCKET SETTINGS``) it takes jobs from a socket and forks twice, so that the
job's process becomes a child of STOA, which watches it as it watches any other. In a container
(``interpreter.py --container SETTINGS``) it is process 1 and does what `shim.sh` does there: it takes jobs from a pipe,
waits for each, and ends what the job has left running.

The job's process returns from `main` and runs the script at the bottom of this file, so that little is below the
script's own frames. Needs the standard library only, of Python 3.6 or newer.
"""

import array
import atexit
import builtins
import contextlib
import ctypes
import gc
import importlib
import importlib.util
import io
import json
import os
import resource
import signal
import socket
import struct
import sys
import threading
import types
import warnings
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import Any, Dict, Iterable  # noqa: UP035 - as Python 3.6 has them

Job = Dict[str, Any]  # noqa: UP006 - and settings and reports: what JSON holds

ROOM = "STOA_ROOM"
"""Variable that is nothing but room: what is to be seen of a job in /proc/PID/environ is written over it."""

_CONTROL = "/run/stoa"
_compiled: "dict[tuple[str, int, int], types.CodeType]" = {}  # by path, size and time of a script


def main() -> Job:
    """Import the modules, then serve; returns, in the process of a job only, what it is to run."""
    where, settings = sys.argv[1], json.loads(sys.argv[2])
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]  # the folder of this file
    room = _room()
    os.environ.pop(ROOM, None)
    if where == "--container":
        _catch_output()
    report = _import_all(settings)
    if report["again"]:
        _start_again(settings, report)
    gc.collect()
    if hasattr(gc, "freeze"):
        gc.freeze()  # else the first collection of every job copies all of the memory
    if where == "--container":
        return _serve_container()
    return _serve_socket(socket.socket(fileno=int(where)), room, report)


# Imports.


def _import_all(settings: Job) -> Job:
    """Import the modules that can be shared; says which these are, and why others are left out."""
    report: Job = {"modules": {}, "left_out": dict(settings.get("left_out", {})), "again": False}
    for name in settings["modules"]:
        if name in report["left_out"]:
            continue
        module, why, begun = _import(name, settings["own"])
        if why:
            report["left_out"][name] = why
            report["again"] = report["again"] or begun
        else:
            report["modules"][module] = _version(module)
    return report


def _import(name: str, own: "list[str]") -> "tuple[str, str, bool]":
    """The module that was imported, why it cannot be shared ("" if it can), and whether it has left anything here."""
    before = _traces()
    top, module = name.partition(".")[0], name
    try:
        found = importlib.util.find_spec(top)
        if found is None:
            return name, "is not installed", False
        if _is_own(found, own):
            return name, "is the script's own", False
        importlib.import_module(name)
    except ModuleNotFoundError as problem:
        module, _, last = name.rpartition(".")  # `from x import function` names no module
        if problem.name != name or not hasattr(sys.modules.get(module), last):
            return name, f"cannot be imported: {problem}", top in sys.modules
    except BaseException as problem:  # noqa: BLE001 - whatever it does, it does in the job
        return name, f"cannot be imported: {type(problem).__name__}: {problem}", True
    return module, _trouble(before), True


def _traces() -> "tuple[int, set[str], int]":
    """What an import may leave behind that jobs cannot share: bytes printed, descriptors, threads that a fork loses."""
    sys.stdout.flush()
    sys.stderr.flush()
    printed = os.fstat(1).st_size + (0 if os.path.sameopenfile(1, 2) else os.fstat(2).st_size)
    return printed, set(os.listdir("/proc/self/fd")), _threads_lost()


def _trouble(before: "tuple[int, set[str], int]") -> str:
    """Why what has been imported since then cannot be shared, or ""."""
    printed, descriptors, threads = _traces()
    if printed > before[0]:
        return "prints when it is imported"
    if descriptors - before[1]:
        return "opens files when it is imported"
    return "starts threads when it is imported" if threads > before[2] else ""


def _is_own(spec: ModuleSpec, own: "list[str]") -> bool:
    places = map(os.path.realpath, [*(spec.submodule_search_locations or ()), spec.origin or ""])
    folders = tuple(os.path.realpath(folder) + os.sep for folder in own)
    return any(place.startswith(folders) for place in places)


def _threads_lost() -> int:
    """How many threads a fork would lose; libraries such as OpenBLAS end theirs before a fork, and start new ones."""
    if len(os.listdir("/proc/self/task")) == 1:
        return 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of forks where there are threads
        pid = os.fork()
        if not pid:
            os._exit(0)
    os.waitpid(pid, 0)
    return len(os.listdir("/proc/self/task")) - 1


def _version(name: str) -> str:
    version = getattr(sys.modules.get(name.partition(".")[0]), "__version__", "")
    return version if isinstance(version, str) else ""


def _start_again(settings: Job, report: Job) -> None:
    """Begin in a fresh process without the modules that cannot be shared: an import cannot be undone."""
    settings = dict(settings, left_out=report["left_out"])
    for number in (1, 2):
        if os.fstat(number).st_size:
            os.ftruncate(number, 0)
    environ = dict(os.environ, **{ROOM: " " * settings["room"]})
    words = [sys.executable, os.path.abspath(__file__), sys.argv[1], json.dumps(settings)]
    os.execve(sys.executable, words, environ)  # noqa: S606 - it is to become another process


def _catch_output() -> None:
    import tempfile

    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


# Jobs on the machine itself.


def _serve_socket(link: socket.socket, room: "tuple[int, int]", report: Job) -> Job:
    _send(link, report)
    while True:
        try:
            job, descriptors = _receive(link)
        except EOFError:
            os._exit(0)  # STOA is done, or gone
        code = _code(job["argv"][0])
        middle = _fork()
        if middle == 0:
            child = _fork()
            if child:
                os._exit(child < 0)  # the job's process has lost its parent, and becomes a child of STOA
            _begin(link, room, job, descriptors)
            return dict(job, code=code)
        _close(descriptors)
        forked = middle > 0 and os.waitpid(middle, 0)[1] == 0
        _send(link, {"forked": forked})


def _fork() -> int:
    """As `os.fork`; -1 where there is no room for another process."""
    try:
        return os.fork()
    except OSError:
        return -1


def _begin(link: socket.socket, room: "tuple[int, int]", job: Job, descriptors: "Iterable[int]") -> None:
    """In the process of a job: say its number, and wait until STOA watches it."""
    log, go = descriptors
    os.setsid()
    _show(room, job["shown"])
    _send(link, {"pid": os.getpid()})
    link.close()
    if not os.read(go, 1):
        os._exit(1)  # STOA is gone
    os.close(go)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _send(link: socket.socket, message: Job) -> None:
    data = json.dumps(message).encode("ascii")
    link.sendall(struct.pack("=Q", len(data)) + data)


def _receive(link: socket.socket) -> "tuple[Job, Iterable[int]]":
    """A message and the descriptors that came with it: those of its log, and of the pipe that says go."""
    size = struct.calcsize("=Q")
    head, ancillary, _, _ = link.recvmsg(size, socket.CMSG_SPACE(2 * array.array("i").itemsize))
    if not head:
        raise EOFError
    descriptors = array.array("i")
    for _, _, data in ancillary:
        descriptors.frombytes(data)
    (length,) = struct.unpack("=Q", head + _exactly(link, size - len(head)))
    return json.loads(_exactly(link, length).decode("ascii")), descriptors


def _exactly(link: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = link.recv(length - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _close(descriptors: "Iterable[int]") -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _room() -> "tuple[int, int]":
    """Address and length of the variable `ROOM` in this process's memory, where /proc/PID/environ is read from."""
    with open("/proc/self/environ", "rb") as file:
        environ = file.read()
    at = (b"\0" + environ).find(b"\0" + ROOM.encode() + b"=")
    if at < 0:
        return 0, 0
    with open("/proc/self/stat", "rb") as file:
        start = int(file.read().rpartition(b")")[2].split()[47])
    return start + at, environ.index(b"\0", at) - at


def _show(room: "tuple[int, int]", variables: "dict[str, str]") -> None:
    """Put variables where other processes read which job this is; too long ones are left out."""
    address, length = room
    text = b"\0".join(os.fsencode(f"{name}={value}") for name, value in variables.items())
    if length and len(text) <= length:
        try:
            with open("/proc/self/mem", "r+b", buffering=0) as memory:
                memory.seek(address)
                memory.write(text.ljust(length, b"\0"))
        except OSError:
            pass


# Jobs in a container.


def _serve_container() -> Job:
    """Take jobs from the pipe, one after the other, as `shim.sh` does; the answers are those that it gives."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # which process 1 never gets; a job could end it otherwise
    jobs = os.open(_CONTROL + "/in", os.O_RDONLY)
    answers = os.open(_CONTROL + "/out", os.O_WRONLY)
    _answer(answers, f"ready {_memory_ran_out()}")
    with os.fdopen(jobs, "r") as lines:
        for line in lines:
            token = line.strip()
            with open(f"{_CONTROL}/{token}", encoding="utf-8") as file:
                job = json.load(file)
            code = _code(job["argv"][0])
            child = os.fork()
            if not child:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                os.setsid()
                os.close(answers)
                return dict(job, code=code, inside=True)
            status = _wait_for(child)
            _end_all()
            ended = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            _answer(answers, f"{token} ended {ended} {_memory_ran_out()}")
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            _answer(answers, f"0m{used.ru_utime:.3f}s 0m{used.ru_stime:.3f}s\n{token} done")
    os._exit(0)


def _answer(answers: int, words: str) -> None:
    os.write(answers, (words + "\n").encode("ascii"))


def _wait_for(child: int) -> int:
    """The status of a job's process; what else ends meanwhile is reaped."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return status


def _end_all() -> None:
    """End what a job has left running: all processes of the container but this one."""
    try:
        os.kill(-1, signal.SIGKILL)
        while True:
            os.wait()
    except (ProcessLookupError, ChildProcessError):
        pass


def _memory_ran_out() -> int:
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    if line.startswith("oom_kill "):
                        return int(line.split()[1])
        except (OSError, ValueError):
            pass
    return 0


def _settle_inside(job: Job) -> None:
    """What the shell does in a container before a job's command: log, input, and limits that are the job's own."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="utf-8") as file:
            file.write("100")
    except OSError:
        pass
    log = os.open(job["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, number)
    _close((nothing, log))
    for name, soft, hard in job["limits"]:
        kind = getattr(resource, name)
        most = resource.getrlimit(kind)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(kind, (soft, hard))


# The job itself.


def _code(script: str) -> "types.CodeType | None":
    """The script's code, compiled once; None where it cannot be, which the job will say."""
    try:
        with open(script, "rb") as file:
            state = os.fstat(file.fileno())
            key = script, state.st_size, state.st_mtime_ns
            if key not in _compiled:
                _compiled.clear()
                _compiled[key] = compile(file.read(), script, "exec", dont_inherit=True)
        return _compiled[key]
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _prepare(job: Job) -> "dict[str, Any]":
    """Make this process look as if it had just been started for the job; gives the variables of its `__main__`."""
    if job.get("inside"):
        _settle_inside(job)
    os.chdir(job["work"])
    if job["umask"] >= 0:
        os.umask(job["umask"])
    os.environ.update(job["environ"])
    script = job["argv"][0]
    sys.argv[:] = job["argv"]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = job["command"] + job["argv"]
    if not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, os.path.dirname(os.path.realpath(script)))
    importlib.invalidate_caches()
    _reseed()
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=script, __cached__=None, __annotations__={}, __builtins__=builtins)
    module.__loader__ = SourceFileLoader("__main__", script)
    sys.modules["__main__"] = module
    return module.__dict__


def _reseed() -> None:
    """Give this process random numbers of its own; Python's `random` and OpenSSL see to that themselves."""
    numbers = sys.modules.get("numpy.random")
    if numbers is not None:
        numbers.seed()


def _without_us(problem: BaseException) -> "types.TracebackType | None":
    """The traceback of an exception from the script's own frames on."""
    trace = problem.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def _run(job: Job) -> None:
    """Run the script and end as Python ends, but for taking all modules apart: that would copy the shared memory."""
    there = set(sys.modules)
    variables, code = _prepare(job), job["code"]
    try:
        if code is None:
            with open(job["argv"][0], "rb") as file:
                code = compile(file.read(), job["argv"][0], "exec", dont_inherit=True)
        exec(code, variables)  # noqa: S102 - the user's script
        exit_code = 0
    except SystemExit as problem:
        exit_code = _exit_code(problem)
    except BaseException as problem:  # noqa: BLE001 - it ends here, as at the end of any script
        problem = problem.with_traceback(_without_us(problem))
        sys.excepthook(type(problem), problem, problem.__traceback__)
        exit_code = _INTERRUPTED if isinstance(problem, KeyboardInterrupt) else 1
    if not _finish(variables, there):
        exit_code = 120  # as Python says that the last of its output could not be written
    if exit_code == _INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    ctypes.PyDLL(None).exit(exit_code)  # what C libraries do at the end is done; the lock of Python stays held


_INTERRUPTED = -1


def _exit_code(problem: SystemExit) -> int:
    if problem.code is None:
        return 0
    if isinstance(problem.code, int):
        return problem.code & 0xFF
    sys.stderr.write("{}\n".format(problem.code))  # noqa: UP032 - as Python 3.6 has it
    return 1


def _finish(variables: "dict[str, Any]", there: "set[str]") -> bool:
    """What Python does at its end for what the job has made; whether all output could be written.

    Threads are waited for, `atexit` runs, the variables of the script and of the modules that it has imported go, and
    files that are still open are flushed.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):  # Python has shown it, and continues
        atexit._run_exitfuncs()
    _clear(variables)
    for name in set(sys.modules) - there:
        _clear(getattr(sys.modules[name], "__dict__", {}))
    gc.collect()
    done = True
    for each in gc.get_objects():  # what was there before the job is frozen, and not among them
        if isinstance(each, io.IOBase) and not isinstance(each, io.RawIOBase):
            with contextlib.suppress(OSError, ValueError):  # it is closed, or was not written to
                each.flush()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError) as problem:
            if stream is sys.stdout:
                sys.stderr.write(f"Exception ignored in: {stream!r}\n{type(problem).__name__}: {problem}\n")
                done = False
    return done


def _clear(variables: "dict[str, Any]") -> None:
    """Let go of variables as Python does at its end: those with one underscore first, builtins last."""
    for private in (True, False):
        for name in list(variables):
            if name not in ("__builtins__", "__name__") and (name.startswith("_") and name[1:2] != "_") is private:
                variables[name] = None


if __name__ == "__main__":
    _run(main())
