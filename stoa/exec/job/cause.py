"""Why a job did not end well, in one line, and outcomes grouped by it."""

from __future__ import annotations

import re
import signal as signals
from collections.abc import Iterable, Iterator

from stoa.exec.job.log import visible
from stoa.model import CauseGroup, Outcome, Status

MAX_LENGTH = 200
MAX_GROUPS = 200
OTHER_CAUSES = "(many other causes)"

# Quantifiers never overlap here, and those that could are bounded: a log must not be able to
# keep a regular expression busy.
_STAMP = r"(?:[\[(]?\d\S*\s+)*(?:[-|] )?(?:[\w.]{1,80} [-|:] )?"  # what a logger puts before the level
_STRERROR = (
    "No such file or directory|Permission denied|No space left on device|Cannot allocate memory|Is a directory|"
    "Not a directory|Read-only file system|Input/output error|Disk quota exceeded|Too many open files|"
    "cannot execute: required file not found|Exec format error"
)
_FAULTS = (
    # An exception by its name: TypeError, astropy.io.fits.verify.VerifyError, KeyboardInterrupt.
    re.compile(r"^(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Interrupt|Fault)(?::.*)?$"),
    # CASA's logger: date, time, priority, origin and message, by blanks or tabs.
    re.compile(rf"^{_STAMP}(?P<line>SEVERE\b.*)"),
    # Python without the module that `python -m` names.
    re.compile(r"^\S*python[\d.]*: (?P<line>No module named \S+)$"),
    # A shell that does not find a command: bash and dash differ in what comes before.
    re.compile(r"^(?:.*?\s)??(?P<line>[^\s:]+: (?:command )?not found)$"),
    re.compile(rf"^.*: (?:\[Errno \d+\] )?(?:{_STRERROR})\b.*$"),
    # A shell on how its child died: `run.sh: line 3: 4711 Segmentation fault`.
    re.compile(r"^.*?(?P<line>(?:Segmentation fault|Bus error|Aborted|Killed|Floating point exception)\b.*)$"),
    re.compile(r"^terminate called .*$"),
    # `Error: ...`, `ERROR [finder] ...`, `prog: error: ...`, `> *Error*: ...`, `Fortran runtime error: ...`.
    re.compile(
        rf"^{_STAMP}(?P<line>\W{{0,8}}(?:[\w./-]{{1,80}}:\s{{1,8}}|Fortran runtime )?"
        r"\W{0,8}(?:(?:ERROR|FATAL|CRITICAL)\b|(?i:fatal error|error|fatal)\W{0,4}:).*)$"
    ),
)
# What papermill and nbconvert write about a cell that failed, as IPython draws its traceback.
_CELL = re.compile(r"^(?:Cell )?In ?\[(?P<cell>\d+)\], line (?P<line>\d+)$")
_CELL_CODE = re.compile(r"^-{2,}> \d+ (?P<code>.*)$")
_NOTEBOOK = re.compile(r"^(?:[a-z_]\w*\.)*(?:PapermillExecutionError|CellExecutionError):")
_MARKS = re.compile(r"\x1b\[[0-9;]*m")  # colours
_LEAP_SECONDS = re.compile(r"\bSEVERE\b.*(?i:leap.?second)")  # CASA says so of a table that is a bit old
_TRACEBACK = re.compile(r"(?:Exception Group )?Traceback \(most recent call last\):$")
_GROUP_MARGIN = re.compile(r"^\s+[|+] ?")  # of an exception group's traceback
_IGNORED = "Exception ignored in"  # Python's words before a traceback that ended nothing


def cause_of(exit_code: int | None, signal: str, log_tail: str) -> str:
    """Why a job ended as it did, in one line of at most 200 characters.

    The signal if there was one; else the cell of a notebook that failed (see `cell_fault`); else the last line of the
    log that tells of a fault (see `last_fault`); else the exit code and the last line that was printed.

    Parameters
    ----------
    exit_code
        None if a signal ended the job.
    signal
        Its name, or "".
    log_tail
        The last part of what the script printed.
    """
    if signal:
        return f"killed by {signal} ({_signal_words(signal)})"
    return one_line(
        cell_fault(log_tail)
        or last_fault(log_tail)
        or ": ".join(filter(None, (_exit_words(exit_code), last_line(log_tail))))
    )


def one_line(text: str) -> str:
    """A text on one line of at most 200 characters, without control characters."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 3] + "..."


def last_line(log: str) -> str:
    """The last line that is not blank, or ""."""
    return log.rstrip().rpartition("\n")[2].strip()


def cell_fault(log: str) -> str:
    """The cell that failed in a notebook that papermill or nbconvert has executed, or "".

    Its number in the executed notebook, the line and its code, and the error. The line is that of the cell, also if the
    error came from a function that the cell calls.
    """
    lines = [_MARKS.sub("", line[:1000]).rstrip() for line in log.split("\n")]
    begins = [number for number, line in enumerate(lines) if _NOTEBOOK.match(line)]
    if not begins:
        return ""
    cell = code = error = ""
    for line in lines[begins[-1] + 1 :]:
        if not cell and (place := _CELL.match(line)):  # the frames below it are those of functions that it calls
            cell = f"cell {place['cell']}, line {place['line']}"
        elif cell and not code and (marked := _CELL_CODE.match(line)):
            code = f" ({marked['code'].strip()})"
        elif line and not line[0].isspace() and _FAULTS[0].match(line):
            error = line
    return f"{cell}{code}: {error}" if cell and error else ""


def last_fault(log: str) -> str:
    """The last line of a log that tells of a fault, or "".

    That is the exception of a Python traceback, whatever its name, the last one of a chain; a
    SEVERE message of CASA; a shell's complaint; a system's error in words; or a line that
    begins with an exception's name or with "error", after the time and origin that a logger
    puts there.
    """
    found = before = ""
    in_traceback = ignored = False
    for line in (_GROUP_MARGIN.sub("", line[:1000]) for line in log.split("\n")):
        if _TRACEBACK.match(line):
            in_traceback, ignored = True, before.startswith(_IGNORED)
        elif in_traceback and line and not line[0].isspace():
            found = found if ignored else line
            in_traceback = False
        elif not in_traceback:
            found = _fault_in(line) or found
        before = line
    return found


def _fault_in(line: str) -> str:
    if _LEAP_SECONDS.search(line):
        return ""
    match = next(filter(None, (fault.match(line) for fault in _FAULTS)), None)
    return (match.groupdict().get("line") or match[0]).strip() if match else ""


def _signal_words(name: str) -> str:
    if name == "SIGKILL":
        return "by hand, or because memory ran out"
    number = getattr(signals, name, None)
    return (signals.strsignal(number) if number else None) or "unknown signal"


def _exit_words(exit_code: int | None) -> str:
    """The code, with the signal that a shell says so (128 and its number)."""
    try:
        inner = f" ({signals.Signals((exit_code or 0) - 128).name} in a child)"
    except ValueError:
        inner = ""
    return f"exit code {exit_code}{inner}"


# What differs from target to target.
_QUOTED_PATH = re.compile(r"(['\"])~?/[^'\"]*\1")
_PATH = re.compile(r"(?<![\w/.:<>~])~?/[^\s:;,'\"()\[\]<>]+")
_SUFFIX = re.compile(r"\.[A-Za-z]\w{0,9}(?:\.(?:gz|fz|bz2|xz))?$")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?")
_NUMBER = re.compile(
    r"(?P<keep>\b(?i:code|errno|http|http error|status|signal|line|column)[ =:]+)?"
    r"(?<![\w.])(?P<number>[+-]?\d+(?:\.\d+)*(?:[eE][+-]?\d+)?)"
)
_SHORTEST_NAME = 3


def normalise(cause: str, target: str, group: str = "") -> str:
    """A cause without what differs from target to target, so that equal faults have equal text.

    In this order: absolute paths become ``<path>`` and keep the file's suffix, names of the
    target and the image group become ``<target>`` and ``<group>`` (not those of one or two
    characters, which words may hold), hexadecimal addresses ``<address>``, dates and times
    ``<time>``, numbers ``<n>``. A number stays if it tells faults apart: after words such as
    code, errno, HTTP, signal or line, as part of a name (``float32``), and whole numbers of one
    digit, which mostly count axes or arguments.
    """
    text = _QUOTED_PATH.sub(lambda m: m[1] + _path_words(m[0][1:-1]) + m[1], cause)
    text = _PATH.sub(lambda m: _path_words(m[0]), text)
    for name, word in sorted(((target, "<target>"), (group, "<group>")), key=lambda pair: -len(pair[0])):
        text = _without_name(text, name, word)
    text = _TIME.sub("<time>", _ADDRESS.sub("<address>", text))
    return _NUMBER.sub(_number_words, text)


def _path_words(path: str) -> str:
    stop = "." if path.endswith(".") else ""  # of the sentence
    suffix = _SUFFIX.search(path.rstrip("."))
    return "<path>" + (suffix[0] if suffix else "") + stop


def _without_name(text: str, name: str, word: str) -> str:
    """The text with a word for each occurrence of a name that no letter or digit touches."""
    if len(name) < _SHORTEST_NAME:
        return text
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        if text[start - 1 : start].isalnum() or text[end : end + 1].isalnum():
            start = text.find(name, start + 1)
        else:
            text = text[:start] + word + text[end:]
            start = text.find(name, start + len(word))
    return text


def _number_words(match: re.Match[str]) -> str:
    number = match["number"]
    if match["keep"] or (len(number) == 1):
        return match[0]
    return "<n>"


def group_causes(outcomes: Iterable[Outcome]) -> tuple[CauseGroup, ...]:
    """Outcomes that are not ok, or doubtful, by status and normalised cause, the largest group first.

    A group whose causes are all the same text keeps that text. `count` counts outcomes;
    `targets` names each target once, in the order they came. Beyond 200 groups the smallest
    are taken together by status, so that a summary stays readable.
    """
    members: dict[tuple[Status, str], tuple[set[str], list[str]]] = {}
    for outcome in outcomes:
        if outcome.status is not Status.OK or outcome.cause:
            key = outcome.status, normalise(outcome.cause, outcome.target, outcome.group)
            causes, targets = members.setdefault(key, (set(), []))
            causes.add(outcome.cause)
            targets.append(outcome.target)
    groups = [
        _group(status, causes.pop() if len(causes) == 1 else cause, targets)
        for (status, cause), (causes, targets) in members.items()
    ]
    return tuple(_bounded(sorted(groups, key=_largest_first)))


def _group(status: Status, cause: str, targets: list[str]) -> CauseGroup:
    return CauseGroup(status=status, cause=cause, count=len(targets), targets=tuple(dict.fromkeys(targets)))


def _largest_first(group: CauseGroup) -> tuple[int, str, str]:
    return -group.count, group.status, group.cause


def _bounded(groups: list[CauseGroup]) -> Iterator[CauseGroup]:
    yield from groups[:MAX_GROUPS]
    rest = groups[MAX_GROUPS:]
    for status in dict.fromkeys(group.status for group in rest):
        together = [group for group in rest if group.status is status]
        targets = tuple(dict.fromkeys(target for group in together for target in group.targets))
        count = sum(group.count for group in together)
        yield CauseGroup(status=status, cause=OTHER_CAUSES, count=count, targets=targets)
