"""Values as a person reads them: numbers, times, counts, texts that no terminal obeys."""

from __future__ import annotations

from collections.abc import Mapping

from stoa.model import Status, Value


def safe(text: object) -> str:
    """A text whose control characters are visible instead of obeyed; line ends and tabs stay."""
    words = str(text)
    if words.isprintable():
        return words
    return "".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in words)


def one_line(text: object) -> str:
    """A text on one line, its control characters visible."""
    return safe(text).replace("\n", " ").replace("\t", " ")


def number(value: float | None, digits: int = 4) -> str:
    """A number as a person reads it."""
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.{digits}g}"


def shown(value: Value | None) -> str:
    """A parameter's value or a result as a person writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(value) if isinstance(value, str) else number(value, 6)


def count(how_many: int, noun: str, plural: str = "") -> str:
    """``1 target``, ``3 targets``."""
    return f"{how_many} {noun if how_many == 1 else plural or noun + 's'}"


def clock(time: str, length: int = 19) -> str:
    """A recorded time for a line or, with a length of 16, a table: ``2026-11-22T10:30:00Z``; Z is UTC."""
    return time[:length] + ("Z" if time.endswith(("Z", "+00:00")) else time[-6:])


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3:05``, ``2:10:00``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def counts_in_words(counts: Mapping[str, int]) -> str:
    """``35 ok, 39 failed``, in the order of the statuses."""
    return ", ".join(f"{counts[status]} {status.value}" for status in Status if counts.get(status)) or "nothing"
