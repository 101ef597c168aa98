"""Hypothesis strategies: texts that YAML readers stumble over, and records of every kind."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from stoa.model import (
    SCHEMA,
    Author,
    CauseGroup,
    FileRef,
    Outcome,
    ParameterSet,
    Review,
    Run,
    Status,
    Summary,
    Target,
)

TRAPS = (
    "", "~", "null", "no", "off", "y", "true", "012", "0o17", "0x1f", "1:30", "12:30:45", "2026-11-22", "1e5", "1_000",
    ".5", "5.", ".inf", "NaN", "=", "<<", "*a", "&a", "!t", "- x", "# x", "a # b", "a: b", "{x}", "[", "%", "@", "`",
    "'", '"', "\\", "|", ">", " lead", "trail ", "a\nb\n", "\n\n x", "\r\n", "\t", "\x1b[31m", "\x7f", "\x85",
    "a\u2028b", "\u2029", "\u202e", "\ufeff", "\ufffe", "e\u0301", "\U0001f600", "..", "<<<<<<< ours",
)  # fmt: skip

texts = st.sampled_from(TRAPS) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,20}", fullmatch=True)
words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
moments = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year >= 1000)
ids = st.builds("{:%Y%m%dT%H%M%S}-{}".format, moments, st.from_regex(r"[a-z0-9]{6}", fullmatch=True))
centuries = st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
times = centuries.map(datetime.isoformat)
integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
durations = st.floats(0, 1e10)
values = st.booleans() | integers | floats | texts

segments = texts.map(lambda text: text.replace("/", "_")).filter(lambda text: text not in ("", ".", ".."))
paths = st.lists(segments, max_size=4).map("/".join)
refs = st.tuples(names, paths).map(":".join)
files = st.builds(FileRef, path=refs, size=st.integers(0, 2**62), sha256=st.just("") | st.just("3e5" * 21 + "a"))

targets = st.builds(Target, name=names, root=names, path=paths)
authors = st.builds(Author, name=texts, email=texts)
outcomes = st.builds(
    Outcome,
    schema=st.just(SCHEMA), run=ids, target=names, group=paths, attempt=st.integers(1, 9),
    status=st.sampled_from(Status), cause=texts, exit_code=st.none() | st.integers(0, 255), start=st.just("") | times,
    duration_s=durations, cpu_s=durations, memory_mb=floats, meta=texts,
    inputs=st.dictionaries(words, files, max_size=2),
    outputs=st.dictionaries(words, files, max_size=2), results=st.dictionaries(texts, values | st.none(), max_size=4),
    place=st.just("") | refs, log=texts,
)  # fmt: skip
parameter_sets = st.builds(
    ParameterSet, process=names, name=texts, values=st.dictionaries(words, values, max_size=4), doc=texts
)
runs = st.builds(
    Run,
    schema=st.just(SCHEMA), id=ids, process=names, params=parameter_sets, environment=names, engine=texts,
    author=authors, host=texts, started=times, asked=st.lists(texts, max_size=3).map(tuple), jobs=st.integers(0, 10**6),
    targets=st.integers(0, 10**6), digests=st.dictionaries(words, texts, max_size=2),
    environment_facts=st.dictionaries(texts, texts, max_size=2), stoa_version=texts, rerun_of=st.just("") | ids,
)  # fmt: skip
causes = st.builds(
    CauseGroup, status=st.sampled_from(Status), cause=texts, count=st.integers(1, 99),
    targets=st.lists(names, max_size=3).map(tuple),
)  # fmt: skip
summaries = st.builds(
    Summary,
    schema=st.just(SCHEMA), run=ids, finished=times, duration_s=durations,
    counts=st.dictionaries(st.sampled_from([status.value for status in Status]), st.integers(0, 9), max_size=3),
    skipped_up_to_date=st.integers(0, 9), causes=st.lists(causes, max_size=2).map(tuple),
)  # fmt: skip
reviews = st.builds(
    Review,
    schema=st.just(SCHEMA), id=ids, kind=st.sampled_from(["flag", "unflag", "comment"]), target=names,
    run=st.just("") | ids, group=paths, reason=texts, text=texts, clears=st.lists(ids, max_size=2).map(tuple),
    author=authors, time=times,
)  # fmt: skip
