"""Files written whole, and lines that carry a checksum."""

from __future__ import annotations

import os
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.durable import append_whole, body_of_line, checked_line, write_whole


@given(st.binary().filter(lambda body: b"\n" not in body))
def test_a_line_gives_its_body_back(body):
    assert body_of_line(checked_line(body)) == body
    assert body_of_line(checked_line(body).removesuffix(b"\n")) == body


@given(st.binary(min_size=1).filter(lambda body: b"\n" not in body), st.data())
def test_a_damaged_or_torn_line_has_no_body(body, data):
    line = bytearray(checked_line(body))
    place = data.draw(st.integers(0, len(line) - 2))
    damaged = bytes(line[:place]) + bytes([line[place] ^ 1]) + bytes(line[place + 1 :])
    assert body_of_line(damaged) is None
    assert body_of_line(bytes(line[: data.draw(st.integers(0, 9))])) is None


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path, durable):
    file = tmp_path / "settings"
    write_whole(file, b"old")
    write_whole(file, b"new", durable=durable)
    assert file.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["settings"]


def test_where_a_file_cannot_be_replaced_nothing_is_left_beside_it(tmp_path):
    (tmp_path / "settings" / "full").mkdir(parents=True)
    with pytest.raises(OSError, match="settings"):
        write_whole(tmp_path / "settings", b"new")
    assert os.listdir(tmp_path) == ["settings"]


def test_what_a_full_disk_takes_in_part_is_taken_back(tmp_path):
    file = tmp_path / "journal"
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    with file.open("ab", buffering=0) as stream:
        stream.write(b"first\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (9, most))
        try:
            with pytest.raises(OSError, match="too large"):
                append_whole(stream.fileno(), b"second\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert file.read_bytes() == b"first\n"
