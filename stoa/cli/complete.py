"""Completion of commands, options and values for bash, zsh and fish, without importing the commands.

A shell asks at every press of the tab key, so only this module, `spelled` and the standard library are loaded. The
placeholder of an argument or option says what a word may be: `TARGET` is completed with targets. Names come from the
files of the project, runs and image groups from the index as the last command left it; nothing is written.
"""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from stoa.cli.spelled import COMMANDS
from stoa.opening import MOST_BYTES, open_regular

MOST = 20_000
"""Values that are given to the shell at most."""

Word = tuple[str, str]
"""A value and what it means; "" if it needs no words."""


def main() -> None:
    """Answer the shell that asks through the variables of its completion function."""
    shell = os.environ["_STOA_COMPLETE"].removeprefix("complete_")
    if shell == "bash":
        typed = os.environ.get("COMP_WORDS", "")
        words = typed.split("\n") if "\n" in typed else typed.split()
        place = int(os.environ.get("COMP_CWORD", len(words)))
        before, current = words[1:place], words[place] if place < len(words) else ""
        before, current, cut = rejoined(before, current)
        found = [value[cut:] for value, _ in completions(before, current)]
        print("\n".join(found))
        return
    line = os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = _split(line)[1:]
    current = words.pop() if words and not line.endswith(" ") else ""
    answer = list(completions(words, current))
    if shell == "fish":
        _answer_fish(answer)
    else:
        _answer_zsh(answer)


def _answer_fish(answer: list[Word]) -> None:
    if os.environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        raise SystemExit(0 if answer else 1)
    print("\n".join(f"{value}\t{text}" if text else value for value, text in answer))


def _answer_zsh(answer: list[Word]) -> None:
    def quoted(text: str) -> str:
        text = text.replace('"', '""').replace("'", "''").replace("$", r"\$").replace("`", r"\`")
        return '"' + text.replace(":", r"\\:") + '"'

    words = "\n".join(f"{quoted(value)}:{quoted(text)}" if text else quoted(value) for value, text in answer)
    print(f"_arguments '*: :(({words}))'" if answer else "_files")


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quote that is still open
        return line.split()


def rejoined(before: list[str], current: str) -> tuple[list[str], str, int]:
    """Words that bash has cut at ``@`` and ``=``, in one piece again.

    Returns
    -------
    before, current
        The words before the one that is completed, and that word.
    cut
        How many of its letters bash keeps and does not want to have repeated.
    """
    words: list[str] = []
    glue = False
    for word in [*before, current]:
        if words and (glue or word in ("@", "=")) and not (word == "=" and not words[-1].startswith("--")):
            words[-1] += word
            glue = word in ("@", "=")
        else:
            words.append(word)
            glue = False
    whole = words[-1]
    cut = max(whole.rfind("@"), whole.rfind("=")) + 1 if whole != current or current in ("@", "=") else 0
    return words[:-1], whole, cut


def completions(before: list[str], current: str) -> Iterator[Word]:
    """What the current word may become.

    Parameters
    ----------
    before
        The words between ``stoa`` and the current one.
    """
    command, typed, folder = _place(before)
    verbs, options, arguments = COMMANDS[command]
    option, equals, value = current.partition("=")
    if typed and typed[-1].startswith("-") and options.get(typed[-1], ("", ""))[0]:
        yield from _values(options[typed[-1]][0], current, folder)
    elif equals and option in options:
        yield from ((f"{option}={found}", text) for found, text in _values(options[option][0], value, folder))
    elif current.startswith("-"):
        yield from ((name, text) for name, (_, text) in options.items() if name.startswith(current))
    elif verbs:
        yield from ((name, text) for name, text in verbs.items() if name.startswith(current))
    elif arguments:
        place = len(list(_positional(typed, options)))
        wanted = arguments[min(place, len(arguments) - 1)]
        if place < len(arguments) or wanted.endswith("..."):
            yield from _values(wanted, current, folder)


def _place(before: list[str]) -> tuple[str, list[str], Path]:
    """The command that the words name, the words after it, and the folder it works in."""
    command, folder, rest = "", Path(), list(before)
    while rest:
        verbs, options, _ = COMMANDS[command]
        word = rest[0]
        if word == "-C" and len(rest) > 1:
            folder, rest = folder / rest[1], rest[2:]
        elif not command and word in options:
            rest = rest[1:]
        elif word in verbs:
            command, rest = f"{command} {word}".strip(), rest[1:]
        else:
            break
    return command, rest, folder


def _positional(typed: list[str], options: dict[str, tuple[str, str]]) -> Iterator[str]:
    words = iter(typed)
    for word in words:
        if not word.startswith("-"):
            yield word
        elif "=" not in word and options.get(word, ("", ""))[0]:
            next(words, None)


def _values(placeholder: str, current: str, folder: Path) -> Iterator[Word]:
    """Values for a placeholder such as ``TARGET...``, ``RUN|FILE`` or ``target|image``."""
    kinds = placeholder.removesuffix("...").split("|")
    top = next(
        (at for at in (folder.resolve(), *folder.resolve().parents) if (at / ".stoa/config.yaml").is_file()), None
    )
    seen: dict[str, None] = {kind: None for kind in kinds if kind.islower() and kind.startswith(current)}
    for kind in kinds:
        if top and kind in SOURCES:
            seen |= {value: None for value in SOURCES[kind](top / ".stoa", current) if value.startswith(current)}
    yield from ((value, "") for value in list(seen)[:MOST])


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name.removesuffix(".yaml") for entry in os.scandir(folder) if entry.name.endswith(".yaml"))
    except OSError:
        return []


def _text(file: Path) -> str:
    """What a definition holds; "" where it is no regular file, too large, or a link."""
    try:
        with open_regular(file, follow_links=False) as opened:
            return opened.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def _targets(place: Path, current: str) -> Iterator[str]:
    for name in _names(place / "targets"):
        lists = _text(place / "targets" / f"{name}.yaml")
        yield from re.findall(rf'^- *\{{"name": ?"({re.escape(current)}[^"]*)"', lists, re.MULTILINE)


def _processes(place: Path, _current: str) -> list[str]:
    return _names(place / "processes")


def _sets_of(place: Path, process: str) -> list[str]:
    return sorted({"default", *_names(place / "params" / process)})


def _sets(place: Path, _current: str) -> list[str]:
    return sorted({name for process in _processes(place, "") for name in _sets_of(place, process)})


def _pairs(place: Path, current: str) -> Iterable[str]:
    process, at, _ = current.partition("@")
    names = [process] if at else _processes(place, "")
    return [f"{name}@{chosen}" for name in names for chosen in _sets_of(place, name)]


def _processes_and_pairs(place: Path, current: str) -> Iterable[str]:
    return _pairs(place, current) if "@" in current else _processes(place, current)


def _runs(place: Path, current: str) -> Iterator[str]:
    yield "last"
    yield from _asked(place, "SELECT run FROM runs WHERE run GLOB ? || '*' ORDER BY run DESC", current)
    ran = "SELECT DISTINCT process || '@' || params FROM latest"
    yield from sorted({*_pairs(place, current), *_asked(place, ran)})


def _groups(place: Path, current: str) -> list[str]:
    return _asked(place, "SELECT DISTINCT grp FROM latest WHERE grp GLOB ? || '*' ORDER BY grp", current)


def _environments(place: Path, _current: str) -> list[str]:
    return sorted({"host", *_names(place / "environments")})


def _tags(place: Path, _current: str) -> list[str]:
    return _asked(place, "SELECT DISTINCT tag FROM tagged ORDER BY tag")


def _named_in(folder: str) -> Callable[[Path, str], list[str]]:
    """Reader of the names in the records of one folder."""

    def names(place: Path, _current: str) -> list[str]:
        texts = [_text(place / folder / f"{name}.yaml") for name in _names(place / folder)]
        return sorted({name for text in texts for name in re.findall(r"^name: ['\"]?([^'\"\n]+)", text, re.MULTILINE)})

    return names


def _asked(place: Path, sql: str, *arguments: str) -> list[str]:
    """First column of what the index answers; nothing if there is no index or it cannot be read now."""
    file = place / "cache/index.sqlite"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=0.05)) as index:
            return [row[0] for row in index.execute(f"{sql} LIMIT {MOST}", arguments)]
    except sqlite3.Error:
        return []


def _section(name: str) -> Callable[[Path, str], list[str]]:
    """Reader of the keys of one section of the project's settings."""

    def keys(place: Path, _current: str) -> list[str]:
        text = _text(place / "config.yaml")
        found = re.search(rf"^{name}:.*\n((?:[ \t#].*\n|\n)*)", text + "\n", re.MULTILINE)
        return re.findall(r"^ {1,8}([\w.+-]+):", found[1], re.MULTILINE) if found else []

    return keys


SOURCES: dict[str, Callable[[Path, str], Iterable[str]]] = {
    "TARGET": _targets, "PROCESS": _processes, "PROCESS[@SET]": _processes_and_pairs,
    "PROCESS[@SET[+ENV]]": _processes_and_pairs, "PROCESS@SET": _pairs,
    "SET": _sets, "RUN": _runs, "ENV": _environments, "GROUP": _groups, "REASON": _section("reasons"),
    "STEP": _section("steps"), "TAG": _tags, "SELECTION": _named_in("selections"), "SAMPLE": _named_in("samples"),
    "ROOT": _section("roots"), "CUT": _section("quality"),
}  # fmt: skip
"""Placeholder of an argument or option -> what it can be; files and folders are left to the shell."""
