"""`stoa samp` as it is typed; what goes over a hub is in tests/vo/test_samp.py."""

from __future__ import annotations


def test_what_is_sent_has_to_be_there(survey):
    assert survey.error("samp", "send", "nothing") == [
        "error: nothing has run yet",
        "hint: `stoa run PROCESS` runs a process",
    ]


def test_something_has_to_be_sent(survey):
    result = survey("samp", "send")
    assert result.exit_code == 2
    assert "RUN|FILE|TARGET" in result.stderr


def test_only_flagging_follows(survey):
    result = survey("samp", "listen", "--then", "delete")
    assert result.exit_code == 2
    assert "'delete' is not flag" in result.stderr
