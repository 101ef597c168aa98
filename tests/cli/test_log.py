"""stoa log: what a script printed."""

from __future__ import annotations


def test_a_log_is_printed_whole_where_the_products_are(looked):
    assert looked.ok("log", "b") == "first\nOSError: truncated\n"
    assert looked.json("log", "b") == {
        "target": "b", "group": "", "run": looked.runs()[0], "status": "failed", "whole": True,
        "text": "first\nOSError: truncated\n", "message": "",
    }  # fmt: skip


def test_without_the_products_the_record_has_the_ends_of_the_log(looked):
    (looked.top / "products").rename(looked.top / "gone")
    view = looked.json("log", "b")
    assert (view["whole"], view["text"].splitlines()) == (False, ["first", "OSError: truncated"])


def test_a_log_of_an_earlier_run(looked):
    looked.does("b", "echo second")
    looked.ok("run", "measure", "--failed")
    assert looked.ok("log", "b") == "second\n"
    assert looked.ok("log", "b", "--run", looked.runs()[0]) == "first\nOSError: truncated\n"


def test_an_empty_log_is_said_so(survey):
    survey.ok("run", "measure", "--target", "a")
    result = survey("log", "a")
    assert (result.stdout, result.stderr) == ("", f"a printed nothing in run {survey.runs()[0]} (ok)\n")


def test_terminal_escapes_in_a_log_are_shown(survey):
    survey.does("a", r"printf '\033[31mred\007\n'")
    survey.ok("run", "measure", "--target", "a")
    assert survey.ok("log", "a") == "red\\x07\n"
