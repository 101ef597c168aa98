"""A few seconds of what `fuzz_readers.py` does for as long as one likes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def test_readers_survive_bytes_that_are_led_by_coverage(tmp_path):
    pytest.importorskip("atheris", reason="PyPI has wheels of it for some Pythons only")
    script = Path(__file__).with_name("fuzz_readers.py")
    done = subprocess.run(
        [sys.executable, script, "--seconds", "5", "--corpus", tmp_path / "corpus"],
        env=os.environ | {"PYTHONWARNINGS": "ignore"}, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
