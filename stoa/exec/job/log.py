"""What a script printed, as a bounded and harmless text.

The whole output stays in the job's directory; a record holds its head and tail.
"""

from __future__ import annotations

import os
import re

HEAD_BYTES = 1000
TAIL_BYTES = 3000
OK_TAIL_BYTES = 600
_WINDOW = 64 * 1024  # read at either end; wider than the tail because progress bars collapse

# Control characters of C0 (but tab and newline) and C1, and what reorders or breaks lines in a
# terminal or a browser: bidirectional marks, line and paragraph separators, lone surrogates.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


# Sequences that a terminal obeys (ECMA-48): those that only colour or end a line, and all of them.
_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,60}[mK]")
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,60}[ -/]{0,4}[@-~]"
    r"|\x1b\][^\x07\x1b\n]{0,400}(?:\x07|\x1b\\)"
    r"|\x1b[ -/]{1,2}[0-~]|\x1b[0-Z\\^-~]"
)
_MARK = "\ufeff"  # byte order mark, which editors of Windows put before a text


def without_colours(text: str) -> str:
    """The text without the sequences that only colour it on a terminal."""
    return _COLOUR.sub("", text)


def plain(raw: bytes) -> str:
    """Output as text for finding a cause: also without cursor movements, titles, links and byte order marks."""
    text = raw.decode("utf-8", "backslashreplace").replace(_MARK, "")
    return printable(_SEQUENCE.sub("", text).encode("utf-8", "backslashreplace"))


def visible(text: str) -> str:
    r"""The text with control characters but newline and tab written out, as ``\x1b``."""
    return _HIDDEN.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def printable(raw: bytes) -> str:
    r"""Output as text: bytes that are not UTF-8 and control characters written out.

    Of a line that a carriage return rewrites, such as a progress bar, only the last state is kept.
    Colours are left out.
    """
    lines = without_colours(raw.decode("utf-8", "backslashreplace")).split("\n")
    return visible("\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines))


def tail(descriptor: int, size: int = 16 * 1024) -> str:
    """The last part of a log as plain text, at most `size` bytes before characters are written out."""
    whole = os.fstat(descriptor).st_size
    return plain(os.pread(descriptor, size, max(0, whole - size))) if whole else ""


def excerpt(descriptor: int, head: int = HEAD_BYTES, tail: int = TAIL_BYTES) -> str:
    """Head and tail of a log, with a line between them that says how many bytes were left out.

    Parameters
    ----------
    descriptor
        Of the open log. It is read through the descriptor, because a script can delete or
        replace the file in its directory.
    head, tail
        Most bytes (UTF-8) of either end. Cut at ends of lines, within a line only if it is
        longer than the limit.
    """
    size = os.fstat(descriptor).st_size
    if not size:
        return ""
    first = os.pread(descriptor, _WINDOW, 0)
    if size <= _WINDOW:
        whole = printable(first)
        if _width(whole) <= head + tail:
            return whole
    begin, used = _first_lines(first, head)
    offset = max(used, size - _WINDOW)
    end, kept = _last_lines(os.pread(descriptor, size - offset, offset), tail)
    gap = "\n" if begin and not begin.endswith("\n") else ""
    return f"{begin}{gap}[... {size - used - kept} bytes left out ...]\n{end}"


def _width(text: str) -> int:
    return len(text.encode())


def _first_lines(raw: bytes, limit: int) -> tuple[str, int]:
    """The first lines that fit in `limit` bytes of text, and how many raw bytes they were."""
    kept, used, room = "", 0, limit
    for line in raw.split(b"\n")[:-1] if limit else ():
        text = printable(line) + "\n"
        room -= _width(text)
        if room < 0:
            break
        kept += text
        used += len(line) + 1
    return (kept, used) if kept else _cut(raw[:limit], limit, from_end=False)


def _last_lines(raw: bytes, limit: int) -> tuple[str, int]:
    """The last lines that fit in `limit` bytes of text, and how many raw bytes they were."""
    kept: list[str] = []
    used, room = -1, limit + 1  # a newline less than there are lines
    for line in reversed(raw.split(b"\n")[1:]):
        text = printable(line)
        room -= _width(text) + 1
        if room < 0:
            break
        kept.append(text)
        used += len(line) + 1
    return ("\n".join(reversed(kept)), used) if any(kept) else _cut(raw[-limit:], limit, from_end=True)


def _cut(raw: bytes, limit: int, *, from_end: bool) -> tuple[str, int]:
    """A part of one long line whose text fits, whole UTF-8 characters only."""
    piece = raw
    while True:
        piece = _without_broken_start(piece) if from_end else _without_broken_end(piece)
        text = printable(piece)
        if (width := _width(text)) <= limit:
            return text, len(piece)
        fits = len(piece) * limit // width
        piece = piece[len(piece) - fits :] if from_end else piece[:fits]


def _without_broken_start(raw: bytes) -> bytes:
    start = 0
    while start < min(3, len(raw)) and raw[start] & 0xC0 == 0x80:
        start += 1
    return raw[start:]


def _without_broken_end(raw: bytes) -> bytes:
    for back in range(1, min(3, len(raw)) + 1):
        byte = raw[-back]
        if byte & 0xC0 == 0x80:
            continue
        length = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return raw[:-back] if length > back else raw
    return raw
