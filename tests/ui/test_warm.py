"""What is loaded beside everything else when the dashboard has started."""

from __future__ import annotations

import subprocess
import sys

from stoa.ui.warm import LATE

SCRIPT = """
import sys, threading
from pathlib import Path
from stoa.ui.warm import warm
warm(Path(sys.argv[1]))
for thread in threading.enumerate():
    if thread.name == "warm":
        thread.join()
print(*sorted(name for name in sys.modules))
"""


def loaded(top):
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(top)], capture_output=True, text=True, check=True)
    return done.stdout.split(), done.stderr


def test_modules_are_loaded_and_the_index_is_made(survey):
    survey("run", "measure")
    index = survey.top / ".stoa/cache/index.sqlite"
    index.unlink()
    modules, errors = loaded(survey.top)
    assert set(LATE) <= set(modules)
    assert errors == ""
    assert index.stat().st_size > 0


def test_a_project_that_cannot_be_read_is_left_to_the_first_page(survey):
    (survey.top / ".stoa/config.yaml").write_text("project: [\n")
    assert loaded(survey.top)[1] == ""
