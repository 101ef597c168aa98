"""What a warm interpreter would have: the modules that can be shared, and the processor time that this saves a job."""

from __future__ import annotations

import subprocess

from stoa.control import Control
from stoa.exec.environments.base import Prepared, ask
from stoa.exec.job.warm.kept import Interpreter, Key, NotWarm, Report
from stoa.model import Warm

_IMPORT = """\
import importlib, sys, time
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException:
        pass
print()
print(time.process_time())
"""


def report_of(prepared: Prepared, warm: Warm) -> Report | None:
    """Which modules can be shared in an environment of this machine; None where that cannot be found out."""
    if prepared.container or prepared.script_prefix or not prepared.interpreter:
        return None
    try:
        interpreter = Interpreter(Key(prepared.interpreter, tuple(prepared.environ.items()), warm), Control(), 0.0)
    except NotWarm:
        return None
    interpreter.close()
    return interpreter.report


def import_seconds(prepared: Prepared, modules: tuple[str, ...]) -> float:
    """Processor time that importing modules takes in an environment of this machine; 0 where it cannot be measured."""
    if prepared.container or prepared.script_prefix or not prepared.interpreter:
        return 0.0
    try:
        asked = ask([prepared.interpreter, "-c", _IMPORT, *modules], prepared.environ)
        return float(asked.stdout.split()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return 0.0
