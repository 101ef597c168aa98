"""Runs a script with CASA's tasks: ``python casa_run.py SCRIPT [ARGUMENT...]``, or by ``casa -c``.

CASA reads the arguments of the program when it is imported, so it gets to see none; its log goes
to ``casa.log`` in the working directory. Needs the standard library and casatasks.
"""

import os
import runpy
import sys
import traceback


def main(words: "list[str]") -> None:
    """Import CASA, then run the script as if it had been called by itself."""
    script, log = words[0], os.path.abspath("casa.log")
    sys.argv = [""]
    from casatasks import casalog

    before = os.path.abspath(casalog.logfile())
    casalog.setlogfile(log)
    if before != log and os.path.dirname(before) == os.getcwd() and os.path.exists(before):
        os.unlink(before)  # begun before its name could be said
    sys.argv = words
    sys.path[0] = os.path.dirname(os.path.abspath(script))
    try:
        runpy.run_path(script, run_name="__main__")
    except MemoryError:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)  # CASA's own threads wait for ever at the end of a process without memory


if __name__ == "__main__":
    main(sys.argv[1:])
