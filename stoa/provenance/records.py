"""How records are written and read: outcomes as lines, runs, summaries and reviews as blocks.

What comes out of git is input from outside: strict types, size limits, names checked, and a
newer schema is distinguished from a damaged record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from stoa.model import (
    SCHEMA,
    Outcome,
    ParameterSet,
    Pattern,
    Review,
    Run,
    Sample,
    SavedSelection,
    Summary,
    Target,
    View,
)
from stoa.provenance.definitions import NAME
from stoa.provenance.dialect import INTEGERS, RecordError, block, line, refuse_repeated, strip_line
from stoa.provenance.ids import is_id
from stoa.provenance.scalars import brief
from stoa.provenance.yamltree import DefinitionError, read_yaml

MAX_BLOCK = 16_000_000  # a summary names every target that failed
STATES = ("done", "not-needed", "undone")
MOST_LABEL = 80
MAX_VIEW_NAME = 80
MAX_CONDITION = 10_000
MAX_TEXT = 10_000
"""Characters of a comment, or of the reason for a run."""
_PICTURE = re.compile(r"([0-9]{8}T[0-9]{6}-[a-z0-9]{6})\.(png|jpg)")
MAX_FILTERS = 4000  # what an address can have
_PAGE = re.compile(r"[a-z]{0,20}")
MOST_S = 1e10  # three centuries
S = TypeVar("S", bound=msgspec.Struct)
N = TypeVar("N", View, SavedSelection, Sample)
_OUTCOME = msgspec.json.Decoder(Outcome)
_TARGET = msgspec.json.Decoder(Target)
_PATTERN = msgspec.json.Decoder(Pattern)
_encode = msgspec.json.Encoder().encode
_UP = re.compile(r"(?:^|[:/])\.\.(?:/|$)")


def write_outcomes(outcomes: Iterable[Outcome]) -> bytes:
    """Outcomes as the content of an ``outcomes-NNNN.yaml``, a line each.

    Raises
    ------
    RecordError
        With the target, if an outcome holds what no record can.
    """
    return b"".join(map(_outcome_line, outcomes))


def _outcome_line(outcome: Outcome) -> bytes:
    try:
        return line(msgspec.to_builtins(outcome))
    except RecordError as problem:
        raise RecordError(f"{problem.message} (the outcome of {brief(outcome.target)})") from None


def read_outcomes(data: bytes, file: str) -> Iterator[Outcome | RecordError]:
    """Each line's outcome, or what is wrong with that line; its neighbours are read all the same."""
    for found in outcome_lines(data, file):
        yield found if isinstance(found, RecordError) else found[1]


def outcome_lines(data: bytes, file: str) -> Iterator[tuple[str, Outcome] | RecordError]:
    """As `read_outcomes`, each outcome with its JSON as it is in the file."""
    for number, text in enumerate(data.split(b"\n"), 1):
        try:
            record = _json(text)
            if record is not None:
                yield record, _checked(_decode(record, _OUTCOME))
        except RecordError as problem:
            yield RecordError(f"{problem.message} ({file}, line {number})", problem.hint)


def _json(text: bytes) -> str | None:
    body = strip_line(text)
    try:
        return body.decode() if body is not None else None
    except UnicodeDecodeError as problem:
        raise RecordError(f"not a record: not UTF-8 text at byte {problem.start}") from None


def _decode(record: str, decoder: msgspec.json.Decoder[S]) -> S:
    """A line's record; none of its fields is given twice.

    msgspec takes the last one of two without a word. A second one has at least two quotation
    marks more than what was decoded; only when their number differs is the line parsed again.
    """
    try:
        found = decoder.decode(record)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as problem:
        raise _unreadable(record, problem) from None
    if "\\u0022" in record or record.count('"') != _encode(found).count(b'"'):
        refuse_repeated(record)
    return found


def _unreadable(record: str, problem: Exception) -> RecordError:
    try:
        _refuse_newer(msgspec.json.decode(record))
    except RecordError as newer:
        return newer
    except (msgspec.DecodeError, RecursionError):
        pass
    return RecordError(f"not a record: {_words(problem)}")


def _words(problem: Exception) -> str:
    """What msgspec says, which may quote a value of any length."""
    text = "".join(char if char.isprintable() else "?" for char in str(problem))
    return text if len(text) <= 200 else f"{text[:100]}...{text[-60:]}"


def _refuse_newer(loose: Any) -> None:
    number = loose.get("schema") if isinstance(loose, dict) else None
    if isinstance(number, int) and number > SCHEMA:
        raise RecordError(
            f"a record of schema {str(number)[:20]} is newer than this STOA reads (up to {SCHEMA})",
            "`pip install --upgrade stoa-tracking`",
        )


def _check_schema(number: int) -> None:
    _refuse_newer({"schema": number})
    if number != SCHEMA:
        raise RecordError(f"there is no schema {str(number)[:20]}")


def _checked(outcome: Outcome) -> Outcome:
    if outcome.schema != SCHEMA:
        _check_schema(outcome.schema)
    if not NAME.fullmatch(outcome.target) or not is_id(outcome.run):
        raise RecordError(f"{brief(outcome.target)} in run {brief(outcome.run)} names no target")
    if outcome.start and not is_time(outcome.start):
        raise RecordError(f"start: {brief(outcome.start)} is not a time with an offset")
    if _leaves(outcome.group):
        raise RecordError(f"image group {brief(outcome.group)} leaves its target")
    if not (0 <= outcome.duration_s <= MOST_S and 0 <= outcome.cpu_s <= MOST_S):
        raise RecordError(f"no job takes {outcome.duration_s:g} s, or {outcome.cpu_s:g} s of processors")
    for path in (outcome.place, *(ref.path for ref in (*outcome.inputs.values(), *outcome.outputs.values()))):
        if _leaves(path) or (":/" in path and _leaves(path.partition(":")[2])):
            raise RecordError(f"path {brief(path)} leaves its root")
    ruled = (given.value for given in outcome.overrides.values())
    for value in (outcome.attempt, outcome.exit_code, *outcome.results.values(), *ruled):
        if type(value) is int and value not in INTEGERS:
            raise RecordError("an integer has more than 64 bits")
    return outcome


def is_time(text: str) -> bool:
    """Whether a text is a time of this or the last century, ISO 8601 with offset."""
    try:
        return text[:2] in ("19", "20") and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _check_time(file: str, field: str, text: str) -> None:
    if not is_time(text):
        raise RecordError(f"{field}: {brief(text)} is not a time with an offset ({file})")


def _leaves(path: str) -> bool:
    return path[:1] == "/" or "\0" in path or (".." in path and _UP.search(path) is not None)


def write_run(run: Run) -> bytes:
    """Content of a `run.yaml`."""
    return block(msgspec.to_builtins(run))


def write_summary(summary: Summary) -> bytes:
    """Content of a `summary.yaml`."""
    return block(msgspec.to_builtins(summary))


def write_review(review: Review) -> bytes:
    """Content of the file of a flag, clearing or comment."""
    return block(msgspec.to_builtins(review))


def write_view(view: View) -> bytes:
    """Content of the file of a named view."""
    return block(msgspec.to_builtins(view))


def write_selection(selection: SavedSelection) -> bytes:
    """Content of the file of a saved selection."""
    return block(msgspec.to_builtins(selection))


def write_sample(sample: Sample) -> bytes:
    """Content of the file of a sample."""
    return block(msgspec.to_builtins(sample))


def read_run(data: bytes, file: str) -> Run:
    """A run from its `run.yaml`; its id and the names in it are checked."""
    run = _read_block(data, file, Run)
    _check_ids(file, run.id, *filter(None, [run.rerun_of, run.after]))
    if run.after and run.after <= run.id:
        raise RecordError(f"run {run.id} says that it counts after {run.after}, which is no later id ({file})")
    _check_time(file, "started", run.started)
    _check_names(file, run.process, run.params.process, run.environment)
    if len(run.message) > MAX_TEXT:
        raise RecordError(f"message: more than {MAX_TEXT} characters ({file})")
    return run


def read_summary(data: bytes, file: str) -> Summary:
    """A summary from its `summary.yaml`; its id and the targets in it are checked."""
    summary = _read_block(data, file, Summary)
    _check_ids(file, summary.run)
    _check_time(file, "finished", summary.finished)
    if not 0 <= summary.duration_s <= MOST_S:
        raise RecordError(f"no run takes {summary.duration_s:g} s ({file})")
    for cause in summary.causes:
        _check_names(file, *cause.targets)
    return summary


def read_frozen_set(data: bytes, file: str) -> ParameterSet:
    """The parameter set that a run froze."""
    return _read_block(data, file, ParameterSet)


def read_review(data: bytes, file: str) -> Review:
    """A flag, clearing, comment, step or tag; what it is about is checked."""
    review = _read_block(data, file, Review)
    _check_ids(file, review.id, *review.clears, *filter(None, [review.run, review.reply_to]))
    _check_names(file, review.about)
    _check_time(file, "time", review.time)
    if not review.target and (review.kind not in ("comment", "tag", "untag") or review.group or review.clears):
        raise RecordError(f"a {review.kind} names no target ({file})")
    if problem := _wrong_pair(review):
        raise RecordError(f"{problem} ({file})")
    if _leaves(review.group):
        raise RecordError(f"image group {brief(review.group)} leaves its target ({file})")
    if problem := _wrong_judgement(review):
        raise RecordError(f"{problem} ({file})")
    return review


def _wrong_pair(review: Review) -> str:
    """What is wrong with the pair that a tag is on, "" when nothing is."""
    pair = review.process, review.params, review.environment
    if not any(pair):
        return ""
    if review.kind not in ("tag", "untag") or review.target or review.run:
        return f"a {review.kind} of a target or run names a pair, too"
    if not all(NAME.fullmatch(name) for name in (review.process, review.environment)):
        return f"{brief('@'.join(pair))} cannot name a pair"
    if not (0 < len(review.params) <= MAX_CONDITION and review.params.isprintable()):
        return f"{brief(review.params)} cannot name a parameter set"
    return ""


def is_picture(name: str) -> bool:
    """Whether a file beside reviews is the picture of a comment, by its name."""
    return _PICTURE.fullmatch(name) is not None


def _wrong_comment(review: Review) -> str:
    """What is wrong with what only comments have, "" when nothing is."""
    if review.kind != "comment" and (review.picture or review.reply_to):
        return f"a {review.kind} has no picture and answers nothing"
    if review.reply_to and review.reply_to >= review.id:
        return f"comment {review.id} answers {review.reply_to}, which is no earlier one"
    if review.picture and not (is_picture(review.picture) and review.picture.startswith(f"{review.id}.")):
        return f"{brief(review.picture)} is not the picture of comment {review.id}"
    return ""


def _wrong_judgement(review: Review) -> str:
    """What is wrong with a step, an assignment or a tag, "" when nothing is."""
    if problem := _wrong_comment(review):
        return problem
    if review.kind == "step" and review.state not in STATES:
        return f"a step is {', '.join(STATES[:-1])} or {STATES[-1]}, not {brief(review.state)}"
    if review.kind in ("step", "assign") and not (
        NAME.fullmatch(review.step) or (not review.step and review.kind == "assign")
    ):
        return f"{brief(review.step)} cannot name a step"
    if review.kind in ("tag", "untag") and not is_label(review.tag):
        return f"{brief(review.tag)} is no tag: 1 to {MOST_LABEL} printable characters"
    if review.person and not is_label(review.person):
        return f"{brief(review.person)} cannot name a person"
    return ""


def is_label(text: str) -> bool:
    """Whether a text can be a tag, or name a person."""
    return bool(text.strip() == text and text) and len(text) <= MOST_LABEL and text.isprintable()


def read_view(data: bytes, file: str) -> View:
    """A named view; its name and the page are checked."""
    return _read_named(data, file, View, view_problem)


def _read_named(data: bytes, file: str, kind: type[N], problem_of: Callable[[N], str]) -> N:
    record = _read_block(data, file, kind)
    _check_ids(file, record.id)
    _check_time(file, "time", record.time)
    if problem := problem_of(record):
        raise RecordError(f"{problem} ({file})")
    return record


def view_problem(view: View) -> str:
    """What is wrong with the name, page or filters of a view, "" when nothing is."""
    if not view.name.strip() or len(view.name) > MAX_VIEW_NAME or not view.name.isprintable():
        return f"a view needs a name of 1 to {MAX_VIEW_NAME} printable characters, got {brief(view.name)}"
    if not _PAGE.fullmatch(view.page):
        return f"{brief(view.page)} is no page of the dashboard"
    if sum(len(name) + len(value) for name, value in view.filters) > MAX_FILTERS:
        return f"the filters of view {brief(view.name)} have more than {MAX_FILTERS} characters"
    return ""


def read_selection(data: bytes, file: str) -> SavedSelection:
    """A saved selection; its name and its condition are checked, but for the SQL, which only the index can judge."""
    return _read_named(data, file, SavedSelection, selection_problem)


def selection_problem(selection: SavedSelection) -> str:
    """What is wrong with the name or the condition of a selection, "" when nothing is."""
    if not is_label(selection.name):
        return f"{brief(selection.name)} cannot name a selection: 1 to {MOST_LABEL} printable characters"
    for tag in selection.tags:
        if not is_label(tag):
            return f"{brief(tag)} is no tag: 1 to {MOST_LABEL} printable characters"
    if len(selection.where) + sum(map(len, selection.targets)) > MAX_CONDITION or "\0" in selection.where:
        return f"the condition of selection {brief(selection.name)} has more than {MAX_CONDITION} characters, or a NUL"
    return ""


def read_sample(data: bytes, file: str) -> Sample:
    """A sample; its name, its targets and the person are checked."""
    return _read_named(data, file, Sample, sample_problem)


def sample_problem(sample: Sample) -> str:
    """What is wrong with the name, the targets or the person of a sample, "" when nothing is."""
    for name in sample.targets:
        if not NAME.fullmatch(name):
            return f"{brief(name)} cannot name anything in a record"
    if not is_label(sample.name):
        return f"{brief(sample.name)} cannot name a sample"
    if not sample.removed and not is_label(sample.person):
        return f"{brief(sample.person)} cannot name a person"
    return ""


def _check_ids(file: str, *ids: str) -> None:
    for text in ids:
        if not is_id(text):
            raise RecordError(f"{brief(text)} is not an id of a run or review ({file})")


def _check_names(file: str, *names: str) -> None:
    for name in names:
        if not NAME.fullmatch(name):
            raise RecordError(f"{brief(name)} cannot name anything in a record ({file})")


def _read_block(data: bytes, file: str, kind: type[S]) -> S:
    try:
        loose = read_yaml(data, file, MAX_BLOCK).plain()
    except DefinitionError as problem:
        raise RecordError(f"not a record: {problem.message}") from None
    try:
        _refuse_newer(loose)
        record = msgspec.convert(loose, kind)
        _check_schema(getattr(record, "schema", SCHEMA))
    except RecordError as problem:
        raise RecordError(f"{problem.message} ({file})", problem.hint) from None
    except msgspec.ValidationError as problem:
        raise RecordError(f"not a record: {_words(problem)} ({file})") from None
    return record


def write_targets(targets: Iterable[Target]) -> bytes:
    """A target list, a line each, sorted by name."""
    return b"".join(line(msgspec.to_builtins(t)) for t in sorted(targets, key=lambda t: t.name))


def read_targets(data: bytes, file: str) -> list[Target]:
    """The targets of a list; a line that is given twice (a merged list) counts once.

    Raises
    ------
    RecordError
        With file and line, if a line is no target or its path leaves its root.
    """
    found: dict[Target, None] = {}
    for number, text in enumerate(data.split(b"\n"), 1):
        try:
            record = _json(text)
            if record is not None:
                found[_checked_target(_decode(record, _TARGET))] = None
        except RecordError as problem:
            raise RecordError(f"{problem.message} ({file}, line {number})", problem.hint) from None
    return list(found)


def write_patterns(patterns: Iterable[Pattern]) -> bytes:
    """The patterns of a list of targets, a line each, sorted."""
    return b"".join(sorted(line(msgspec.to_builtins(pattern)) for pattern in dict.fromkeys(patterns)))


def read_patterns(data: bytes, file: str) -> list[Pattern]:
    """The patterns of a list of targets.

    Raises
    ------
    RecordError
        With file and line, if a line is no pattern or leaves its root.
    """
    found: dict[Pattern, None] = {}
    for number, text in enumerate(data.split(b"\n"), 1):
        try:
            record = _json(text)
            pattern = _decode(record, _PATTERN) if record is not None else None
            if pattern and (not NAME.fullmatch(pattern.root) or _leaves(pattern.pattern)):
                raise RecordError(f"the pattern {brief(pattern.pattern)} leaves root {brief(pattern.root)}")
            if pattern:
                found[pattern] = None
        except RecordError as problem:
            raise RecordError(f"{problem.message} ({file}, line {number})", problem.hint) from None
    return list(found)


def _checked_target(target: Target) -> Target:
    former = [(name, "target") for name in target.formerly]
    for name, kind in ((target.name, "target"), (target.root, "root"), *former):
        if not NAME.fullmatch(name):
            raise RecordError(f"{brief(name)} cannot name a {kind}")
    if _leaves(target.path):
        raise RecordError(f"the path of target {target.name!r} leaves its root: {brief(target.path)}")
    return target
