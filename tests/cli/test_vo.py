"""`stoa vo` as it is typed."""

from __future__ import annotations

import signal

import requests


def test_a_table_is_served_until_it_is_stopped(survey):
    (survey.top / "sources.csv").write_text("name,ra,dec\na,10,-30\nb,,\n", encoding="utf-8")
    process = survey.start("vo", "serve", "sources.csv", "--port", "0")
    address = process.stdout.readline().strip()
    assert process.stderr.readline() == "2 rows; 1 row without a position; Ctrl-C ends it\n"
    assert "<TD>a</TD>" in requests.get(f"{address}RA=10&DEC=-30&SR=1", timeout=30).text
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_what_cannot_be_served_is_said(survey):
    (survey.top / "plain.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "has no columns for right ascension" in survey.error("vo", "serve", "plain.csv")[0]
