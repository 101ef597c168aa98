"""Types commands of STOA in one process and says how each ended: `python hostile_worker.py FOLDER`.

The commands come as JSON, a list of lists of words, on standard input. The answer is a line of JSON for each: its
words, seconds of processor time, exit code, the end of a traceback (or ""), the peak memory of the process in MB until
then, and the end of what it printed.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import sys
import traceback

from typer.testing import CliRunner

from stoa.cli.main import app

MOST_S = 60
"""A command that is not done by then is ended, with the process; whoever reads sees that its line is missing."""


def used() -> float:
    """Seconds of processor time of this process and of those that it waited for; a busy machine does not count."""
    return sum(os.times()[:4])


def main() -> None:
    os.chdir(sys.argv[1])
    top = os.getcwd()
    answers = os.fdopen(os.dup(1), "w")
    runner = CliRunner()
    for words in json.load(sys.stdin):
        faulthandler.dump_traceback_later(MOST_S, exit=True)
        start = used()
        result = runner.invoke(app, words)
        took = used() - start
        faulthandler.cancel_dump_traceback_later()
        problem = ""
        if result.exception and not isinstance(result.exception, SystemExit):
            problem = "".join(traceback.format_exception(result.exception)[-3:])
        elif "Traceback" in result.output:
            problem = result.output[-500:]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            json.dumps([words, took, result.exit_code, problem, peak, result.output[-300:]]), file=answers, flush=True
        )
        os.chdir(top)


if __name__ == "__main__":
    main()
