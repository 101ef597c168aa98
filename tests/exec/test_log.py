"""Logs: bounded, harmless, and still readable."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.exec.job.log import excerpt, plain, printable, tail

Excerpt = Callable[..., str]


@pytest.fixture
def excerpt_of(tmp_path: Path) -> Excerpt:
    def of(content: bytes, **limits: int) -> str:
        path = tmp_path / "log"
        path.write_bytes(content)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            return excerpt(descriptor, **limits)
        finally:
            os.close(descriptor)

    return of


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain\n\ttab\n", "plain\n\ttab\n"),
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"\x1b[1;38;5;9mred\x1b[m\x1b[K", "red"),
        (b"\x1b[2Jcleared\x1b[1A", "\\x1b[2Jcleared\\x1b[1A"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"a\0b", "a\\x00b"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"\xc2\x9b31m", "\\x9b31m"),  # C1 control sequence introducer in UTF-8
        ("Véron ΔЙקม".encode(), "Véron ΔЙקม"),
        ("a\u202eb\u2028c".encode(), "a\\u202eb\\u2028c"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),  # a surrogate, which UTF-8 forbids
        (b"10%\r50%\r100%\n", "100%\n"),
        (b"10%\r100%\r", "100%"),
        (b"windows\r\nlines\r\n", "windows\nlines\n"),
        (b"back\x08space\x7f\x0b\x0c", "back\\x08space\\x7f\\x0b\\x0c"),
        (b"", ""),
    ],
)
def test_output_is_made_visible(raw, text):
    assert printable(raw) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b[1;31mERROR: no beam\x1b[0m\n", "ERROR: no beam\n"),
        (b"\x1b[2J\x1b[HERROR: no beam", "ERROR: no beam"),
        (b"\x1b]8;;file:///x.fits\x1b\\x.fits\x1b]8;;\x1b\\: no beam", "x.fits: no beam"),
        (b"\x1b]0;title\x07ERROR: no beam", "ERROR: no beam"),
        (b"\x1b(BERROR: no beam\x1b7", "ERROR: no beam"),
        (b"\xc2\x9b31mERROR: no beam", "ERROR: no beam"),
        ("\ufeffERROR: no beam".encode(), "ERROR: no beam"),
        (b"\x1b]0;never ends ERROR", "\\x1b]0;never ends ERROR"),
    ],
)
def test_a_cause_is_looked_for_in_text_without_sequences(raw, text):
    assert plain(raw) == text


@given(st.binary(max_size=300))
def test_no_output_keeps_a_control_character(raw):
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", printable(raw))


def test_a_short_log_is_kept_whole(excerpt_of):
    assert excerpt_of(b"a\nb\n") == "a\nb\n"
    assert excerpt_of(b"") == ""


def test_a_long_log_keeps_whole_lines_of_both_ends(excerpt_of):
    lines = [f"line {n:03d}\n" for n in range(100)]  # 9 bytes each
    text = excerpt_of("".join(lines).encode(), head=20, tail=30)
    assert text == "line 000\nline 001\n[... 855 bytes left out ...]\nline 097\nline 098\nline 099\n"


def test_a_log_without_a_last_newline_keeps_its_last_line(excerpt_of):
    assert excerpt_of(b"aaaa\nbbbb\ncccc", head=5, tail=5) == "aaaa\n[... 5 bytes left out ...]\ncccc"


def test_only_a_tail_is_kept_if_no_head_is_asked_for(excerpt_of):
    assert excerpt_of(b"aaaa\nbbbb\ncccc\n", head=0, tail=6) == "[... 10 bytes left out ...]\ncccc\n"


def test_a_line_longer_than_the_limit_is_cut(excerpt_of):
    assert excerpt_of(b"x" * 100, head=3, tail=4) == "xxx\n[... 93 bytes left out ...]\nxxxx"


def test_a_cut_leaves_characters_whole(excerpt_of):
    assert excerpt_of("é".encode() * 50, head=5, tail=5) == "éé\n[... 92 bytes left out ...]\néé"


@pytest.mark.parametrize(
    "content",
    [
        b"x" * 5_000_000,
        b"\x1b" * 200_000,
        b"\xff\n" * 100_000,
        b"50%\r" * 1_000_000,
        b"\n" * 300_000,
        "ok é\n".encode() * 100_000,
        os.urandom(300_000),
        b"x" * 65536,
        b"x\n" * 32768,
        "é".encode() * 40_000,
    ],
)
def test_the_excerpt_is_bounded_whatever_was_printed(excerpt_of, content):
    assert len(excerpt_of(content).encode()) < 4096


@given(lines=st.lists(st.text("ab\r\x1bé", max_size=12), max_size=60), head=st.integers(0, 40), last=st.integers(1, 40))
def test_head_and_tail_never_hold_more_than_asked(tmp_path_factory, lines, head, last):
    path = tmp_path_factory.mktemp("log") / "log"
    content = "\n".join(lines).encode()
    path.write_bytes(content)
    with path.open("rb") as file:
        text = excerpt(file.fileno(), head=head, tail=last)
    begin, mark, end = re.fullmatch(r"(.*?)(\[\.\.\. \d+ bytes left out \.\.\.\]\n|$)(.*)", text, re.DOTALL).groups()
    assert len(begin.encode()) <= head + 1 if mark else len(text.encode()) <= head + last
    assert len(end.encode()) <= last


def test_progress_bars_do_not_push_out_the_lines_before(excerpt_of):
    content = b"opened x.fits\n" + b"".join(b"%3d%%\r" % n for n in range(100)) + b"\nTypeError: beam\n"
    assert excerpt_of(content, head=0, tail=100) == "opened x.fits\n 99%\nTypeError: beam\n"


def test_the_tail_of_a_log_is_its_last_bytes(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        assert tail(file.fileno(), 4) == "6789"


def test_50_megabytes_are_kept_on_disk_and_bounded_in_the_outcome(run, products):
    outcome = run("head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last; exit 1")
    assert (products / "p/r/failed/A001/stoa-log.txt").stat().st_size == 50_000_006
    assert len(outcome.log) < 4096
    assert outcome.log.endswith("\nlast\n")


def test_the_outcome_of_an_ok_job_holds_a_short_tail(run):
    outcome = run("seq 1 10000")
    assert len(outcome.log) < 650
    assert outcome.log.endswith("9999\n10000\n")
