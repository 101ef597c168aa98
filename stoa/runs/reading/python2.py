"""What can be read of a script in Python 2: a line that Python 3 does not understand is named and passed over."""

from __future__ import annotations

import re
import warnings

from msgspec import Struct

from stoa.runs.reading.source import Source

_MOST = 400  # attempts; a script with more such lines is no script in Python
PRINT = "print without brackets"
_OLD = (
    (re.compile(r"((?:^|:)\s*)print\s+(?!\(|=|\.)(.+?)(?:\s*#[^'\"]*)?$"), r"\1print(\2)", PRINT),
    (re.compile(r"^(\s*)print(?=[\"'`>])(.+)$"), r"\1print(\2)", PRINT),
    (re.compile(r"^(\s*except\b[^:]*?)\s*,\s*(\w+)\s*:"), r"\1 as \2:", "`except X, e`"),
    (re.compile(r"^(\s*raise\s+[\w.]+)\s*,.*"), r"\1", "`raise X, words`"),
    (re.compile(r"<>"), "!=", "`<>`"),
    (re.compile(r"`([^`]*)`"), r"repr(\1)", "backticks"),
    (re.compile(r"^(\s*)exec\s+[^\s(=].*"), r"\1pass", "exec without brackets"),
    (re.compile(r"(?<![\w.])0+(\d+)(?![\w.])"), r"\1", "octal numbers such as 0777"),
    (re.compile(r"(?<![\w.])(\d+)[lL]\b"), r"\1", "long numbers such as 10L"),
    (re.compile(r"\b[uU][rR](?=['\"])"), "r", "texts such as ur''"),
)  # fmt: skip
"""What Python 2 has alone, what takes its place so that the rest of the line can be read, and its name."""
_TEXTS = re.compile(r"'[^']*'|\"[^\"]*\"")
TABS = "tabs mixed with spaces"
_BLOCK = re.compile(r"(\s*)(?:(el)?if|while|for|with|try|except|else|finally|def|class)\b.*:\s*(?:#.*)?$")


class Read(Struct, frozen=True):
    """A script as far as it can be read."""

    source: Source
    old: dict[str, list[int]]  # what is Python 2's -> its lines
    unread: list[tuple[int, str]]  # other lines that were passed over, with Python's own words


def read(text: bytes) -> Read | None:
    """What can be read of a script; None if it is not one in Python of any version."""
    lines = re.split(r"\r\n|\r|\n", text.decode("utf-8-sig", errors="replace").replace("\f", ""))
    written = list(lines)
    old: dict[str, list[int]] = {}
    unread: list[tuple[int, str]] = []
    known: set[int] = set()
    for _ in range(_MOST):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\d" in a text is not ours to judge
                return Read(Source("\n".join(lines)), old, sorted(unread))
        except TabError as problem:
            if TABS in old:
                return None
            old[TABS] = [problem.lineno or 1]
            lines = [line.expandtabs() for line in lines]
        except SyntaxError as problem:
            number = problem.lineno or 0
            if not 0 < number <= len(lines) or not lines[number - 1].strip():
                return None
            line = lines[number - 1]
            if line.strip() == "pass":  # the rest of a statement, whose first line was passed over
                lines[number - 1] = ""
                continue
            if number not in known:
                known.add(number)
                lines[number - 1] = _readable(line, number, old)
            if lines[number - 1] == line:
                if not any(number in at for at in old.values()):
                    unread.append((number, problem.msg))
                _pass_over(lines, written, number - 1)
    return None


def _readable(line: str, number: int, old: dict[str, list[int]]) -> str:
    """A line with what Python 3 has in the place of Python 2's, for reading alone; what there was is named in `old`."""
    for pattern, instead, words in _OLD:
        if pattern.search(_TEXTS.sub("''", line)):
            old.setdefault(words, []).append(number)
            line = pattern.sub(instead, line)
    return line


def _pass_over(lines: list[str], written: list[str], at: int) -> None:
    """Replace a line that cannot be read, so that what follows keeps its block; lines that continue it go with it."""
    line = written[at].expandtabs()
    indent = line[: len(line) - len(line.lstrip())]
    if re.match(r"\s*except\b", line):
        lines[at] = f"{indent}except Exception:" + ("" if _BLOCK.match(line) else " pass")
    elif found := _BLOCK.match(line):
        lines[at] = f"{indent}{'elif' if found[2] else 'if'} True:"
    else:
        lines[at] = f"{indent}pass"
        open_brackets = _open(line)
        while at + 1 < len(lines) and (open_brackets > 0 or line.rstrip().endswith("\\")):
            at += 1
            line = written[at]
            open_brackets += _open(line)
            lines[at] = ""


def _open(line: str) -> int:
    """How many brackets a line opens and does not close; those in texts and comments do not count."""
    code = _TEXTS.sub("", line).partition("#")[0]
    return sum(code.count(each) for each in "([{") - sum(code.count(each) for each in ")]}")
