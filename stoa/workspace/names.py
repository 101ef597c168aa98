"""Names on the command line: a run, or the pair of process, parameter set and environment.

A pair is written ``PROCESS@SET``, in the process's own environment, or ``PROCESS@SET+ENV`` in a different one. See
``docs/design/0011-pairs.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import msgspec

from stoa.errors import StoaError, guess
from stoa.model import Run
from stoa.provenance.index import decode_run
from stoa.provenance.library import DEFAULT_SET
from stoa.workspace.open import Workspace


class Pair(msgspec.Struct, frozen=True, order=True):
    """A process, a parameter set and an environment: what latest outcomes belong to."""

    process: str
    params: str
    environment: str


class RunName(msgspec.Struct, frozen=True):
    """What a name of a run stands for: one run, or the latest outcomes of a pair."""

    process: str
    params: str
    environment: str
    run: str  # "" for a pair

    @property
    def pair(self) -> Pair:
        return Pair(self.process, self.params, self.environment)


def table_on_disk(source: str) -> Path | None:
    """The table that ``FILE`` or ``FILE#TABLE`` stands for, as it is written; None where it is no file, but a run."""
    for text in (source, source.rpartition("#")[0]):
        if Path(text).suffix and Path(text).is_file():
            return Path(source)
    return None


def current(pair: Pair) -> RunName:
    """The name of the current outcomes of a pair."""
    return RunName(pair.process, pair.params, pair.environment, "")


def split_pair(text: str, sets: Collection[str], environments: Collection[str]) -> tuple[str, str, str]:
    """Process, set and environment of ``PROCESS[@SET[+ENV]]``; "" for what is not named.

    Behind the ``@``, the name of a known set is that set. Otherwise the part behind a ``+`` is the environment if it
    is a known one, or if it is the last part and no setting: ``default+snr=4+docker`` is the set ``default+snr=4`` in
    the environment ``docker``.

    Parameters
    ----------
    sets, environments
        Names that are known.

    Raises
    ------
    StoaError
        If nothing is before or behind the ``@``, or behind the last ``+``.
    """
    process, at, rest = text.partition("@")
    if at and not (process and rest and not rest.startswith("+") and not rest.endswith("+")):
        raise StoaError(f"{text!r} is not a PROCESS@SET", "write a process, or a process and a set: sep@deep")
    if rest in sets:
        return process, rest, ""
    for place in (place for place, letter in enumerate(rest) if letter == "+"):
        if rest[place + 1 :] in environments:
            return process, rest[:place], rest[place + 1 :]
    params, plus, last = rest.rpartition("+")
    return (process, params, last) if plus and "=" not in last else (process, rest, "")


def own_environment(ws: Workspace, process: str) -> str:
    """The environment that a process names; of a process that cannot be read, the one of its latest run."""
    try:
        return ws.library.process(process).environment
    except StoaError:
        sql = "SELECT environment FROM runs WHERE process = ? ORDER BY rank DESC LIMIT 1"
        rows = ws.index.rows(sql, (process,))
        return str(rows[0][0]) if rows else ""


def written(pair: Pair, own: str) -> str:
    """A pair as it is typed.

    Parameters
    ----------
    own
        The environment that the process names.
    """
    return f"{pair.process}@{set_words(pair, own)}"


def set_words(pair: Pair, own: str) -> str:
    """The part of a pair behind the ``@``."""
    return pair.params if pair.environment == own else f"{pair.params}+{pair.environment}"


def pair_words(ws: Workspace, pairs: Iterable[Pair]) -> dict[Pair, str]:
    """Pairs as they are typed."""
    given = list(pairs)
    own = {process: own_environment(ws, process) for process in {pair.process for pair in given}}
    return {pair: written(pair, own[pair.process]) for pair in given}


def asked_pair(
    ws: Workspace, name: str, params: str = "", environment: str | None = None, default: str = DEFAULT_SET
) -> tuple[str, str, str]:
    """Process, set and environment of ``PROCESS[@SET[+ENV]]`` with what options name apart.

    The environment is "" where nothing names one.

    Parameters
    ----------
    default
        The set where nothing names one.

    Raises
    ------
    StoaError
        If two sets or two environments are named.
    """
    sets = {row[0] for row in ws.index.rows("SELECT DISTINCT params FROM runs")}
    process = name.partition("@")[0]
    found = split_pair(name, sets.union(ws.library.parameter_sets(process)), _environments(ws))
    for kind, named, asked in (("parameter set", found[1], params), ("environment", found[2], environment)):
        if named and asked and named != asked:
            raise StoaError(f"{name!r} names the {kind} {named!r}, and {asked!r} is asked for", "name one of them")
    return found[0], found[1] or params or default, found[2] or environment or ""


def _environments(ws: Workspace) -> set[str]:
    ran = ws.index.rows("SELECT DISTINCT environment FROM runs")
    return {*ws.library.environments(), *(row[0] for row in ran)}


def resolve_run(ws: Workspace, name: str) -> RunName:
    """What `last`, a run id, a unique start of one, ``PROCESS@SET``, or ``PROCESS`` with one pair stands for.

    Raises
    ------
    StoaError
        If it stands for nothing, or a start of several ids.
    """
    rows = ws.index.rows("SELECT run, process, params, environment FROM runs ORDER BY rank")
    if not rows:
        raise StoaError("nothing has run yet", "`stoa run PROCESS` runs a process")
    if name == "last":
        return _run_name(rows[-1])
    found = [row for row in rows if row[0].startswith(name)] if "@" not in name else []
    if len(found) == 1:
        return _run_name(found[0])
    if found:
        raise StoaError(f"{name!r} is the start of {len(found)} runs", "give more of the id; `stoa runs` lists them")
    words = pair_words(ws, sorted({Pair(*row[1:]) for row in rows}))
    if "@" in name:
        return _pair(name, words)
    mine = {pair: text for pair, text in words.items() if pair.process == name}
    if len(mine) == 1:
        return _pair(next(iter(mine.values())), mine)
    if mine:
        raise StoaError(f"{name} has run as {len(mine)} pairs", f"which one? {', '.join(sorted(mine.values()))}")
    raise StoaError(f"no run named {name!r}", "`stoa runs` lists the runs; PROCESS@SET names the latest outcomes")


def _run_name(row: tuple[str, str, str, str]) -> RunName:
    run, process, params, environment = row
    return RunName(process, params, environment, run)


def _pair(name: str, known: Mapping[Pair, str]) -> RunName:
    process, params, environment = split_pair(
        name, {pair.params for pair in known}, {pair.environment for pair in known}
    )
    texts = {text: pair for pair, text in known.items()}
    pair = texts.get(name) or next((p for p in known if p == Pair(process, params, environment)), None)
    if pair is None:
        known_words = ", ".join(texts)
        raise StoaError(
            f"nothing has run as {name!r}{guess(name, list(texts))}", f"there are outcomes of {known_words}"
        )
    return RunName(pair.process, pair.params, pair.environment, "")


def run_of(ws: Workspace, name: RunName) -> Run:
    """The run itself, or the latest one of a pair."""
    sql = (
        "SELECT record FROM runs WHERE run = ? OR (? = '' AND process = ? AND params = ? AND environment = ?)"
        " ORDER BY rank DESC LIMIT 1"
    )
    arguments = (name.run, name.run, *msgspec.structs.astuple(name.pair))
    return decode_run(ws.index.rows(sql, arguments)[0][0])
