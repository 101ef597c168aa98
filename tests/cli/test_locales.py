"""Files are UTF-8 whatever the locale, and a terminal of another one gets what it can show."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PLAIN = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LOCALES = {
    "C": {"LC_ALL": "C"},
    "C, as old Pythons take it": {**PLAIN, "LC_ALL": "C"},
    "POSIX, the same": {**PLAIN, "LC_ALL": "POSIX"},
    "a terminal in Latin-1": {"PYTHONIOENCODING": "latin-1"},
}


@pytest.mark.parametrize("locale", LOCALES)
def test_text_beyond_ascii_is_read_written_and_shown(survey, locale):
    survey.ok("comment", "a", "-m", "Größe 中 →")
    survey.edit(".stoa/config.yaml", "reasons:", 'reasons:\n  small: "Größe zu klein, 中"')
    survey.does("a", "echo 'Fehler: größe 中' >&2; exit 3")
    survey.git("commit", "--quiet", "-a", "-m", "a reason")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    for words in (
        ["root", "add", "more", "data", "--doc", "Größe"], ["run", "measure", "--target", "a"], ["status"],
        ["flag", "a", "--reason", "small", "-m", "größe 中"], ["reviews"], ["log", "a"], ["root", "remove", "more"],
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "stoa", *words],
            cwd=survey.top, env=environ | LOCALES[locale] | {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            capture_output=True, check=False,
        )  # fmt: skip
        assert b"Traceback" not in done.stderr, done.stderr.decode("utf-8", "replace")
        assert done.returncode in (0, 3), done.stderr.decode("utf-8", "replace")
    assert "größe 中" in survey.ok("reviews")
    assert "Fehler: größe 中" in survey.ok("log", "a")
    assert "Größe zu klein, 中" in survey.committed(".stoa/config.yaml")
