"""Runs a script with CASA's tasks: ``python casa_run.py SCRIPT [ARGUMENT...]``, or by ``casa -c``.

CASA reads the arguments of the program when it is imported, so it gets to see none. Its log is ``casa.log`` and its
cache ``.casa``, both in the working directory, and it fetches no data, whatever ~/.casa/config.py says: parallel jobs
share nothing that CASA writes. Where CASA crashes, ``casa.log`` ends with the line of the script. Needs the standard
library and casatasks.
"""

import contextlib
import faulthandler
import os
import resource
import runpy
import sys
import traceback

LEAST_MB = 500
"""A smaller memory limit is refused: CASA 6.7 on 2 processors takes 400 MB for the smallest image, and between 180 and
380 MB its threads, or those of numpy, waited for one another for ever instead of failing."""


def check_memory() -> None:
    """End where the memory limit of the process is too low for CASA itself."""
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    if limit != resource.RLIM_INFINITY and limit < LEAST_MB * 1_000_000:
        sys.exit(f"MemoryError: CASA itself needs {LEAST_MB} MB, and the limit is {limit // 1_000_000} MB (`memory`)")


def keep_here(log: str) -> None:
    """Have CASA write to the working directory alone. CASA before 6.6 has no such settings."""
    with contextlib.suppress(ImportError):
        from casaconfig import config

        config.logfile, config.cachedir = log, os.path.abspath(".casa")
        config.measures_auto_update = config.data_auto_update = False


def end_at_once() -> None:
    """End after an error without CASA's own end: without memory its threads wait for ever there."""
    traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def main(words: "list[str]") -> None:
    """Import CASA, then run the script as if it had been called by itself."""
    script, log = words[0], os.path.abspath("casa.log")
    sys.argv = [""]
    check_memory()
    faulthandler.enable(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666), all_threads=False)
    try:
        keep_here(log)
        from casatasks import casalog
    except Exception:  # noqa: BLE001 - without memory it may be any
        end_at_once()

    before = os.path.abspath(casalog.logfile())
    casalog.setlogfile(log)
    if before != log and os.path.dirname(before) == os.getcwd() and os.path.exists(before):
        os.unlink(before)  # begun before its name could be said
    sys.argv = words
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    try:
        runpy.run_path(script, run_name="__main__")
    except MemoryError:
        end_at_once()


if __name__ == "__main__":
    main(sys.argv[1:])
