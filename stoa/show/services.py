"""What services of the Virtual Observatory gave, in words."""

from __future__ import annotations

from collections.abc import Iterator

from stoa.show.words import clock, count, one_line
from stoa.sources.answers import AnswerReport


def table_lines(report: AnswerReport) -> Iterator[str]:
    """How much came, and where it was written."""
    size = f"{count(report.rows, 'row')}, {count(report.columns, 'column')}"
    yield f"{size} from {one_line(report.origin.service)}"
    yield f"wrote {' and '.join(report.files)}"


def table_notes(report: AnswerReport) -> Iterator[str]:
    """What to know of a table: that it is not all, and not of today."""
    if report.origin.is_cut:
        yield "this is not all: the service cut its answer (OVERFLOW); narrow the question, or raise --most"
    if report.is_known:
        yield f"as the service answered on {clock(report.origin.retrieved)}; --again asks it once more"
