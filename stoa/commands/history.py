"""What happened: runs, one outcome, its log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from stoa.commands.agreement import Contradiction, Disagreement, contradictions, disagreements
from stoa.commands.target import known_target, metadata_rows
from stoa.commands.workspace import Workspace
from stoa.errors import StoaError, nearest
from stoa.model import Author, Outcome, Review, Run, Summary, Target
from stoa.project import LOG_FILE
from stoa.provenance.index import decode_outcome, decode_run


class RunName(msgspec.Struct, frozen=True):
    """What a name of a run stands for: one run, or the latest outcomes of a process and set."""

    process: str
    params: str
    run: str  # "" for PROCESS@SET


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a list."""

    run: str
    process: str
    params: str
    environment: str
    author: str
    started: str
    state: str  # done, or that of a `LiveRun`: running, orphaned, elsewhere, cut off
    jobs: int
    counts: dict[str, int]
    duration_s: float | None
    host: str = ""  # of a live run
    silent_s: int = 0  # since a live run last gave a sign of life
    still_running: int = 0  # jobs of an orphaned run
    pids: tuple[int, ...] = ()  # their processes


class OutcomeView(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome with the definitions it came from."""

    process: str
    params: str
    outcome: Outcome
    folder: str  # of its products on this machine; "" where they are not


class TargetView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of a target."""

    target: Target
    folder: str
    folder_exists: bool
    metadata: dict[str, object]
    latest: tuple[OutcomeView, ...]
    reviews: tuple[Review, ...]
    open_flags: tuple[str, ...]  # ids
    disagreements: tuple[Disagreement, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run with its summary."""

    run: Run
    summary: Summary | None
    commit_hint: str  # the git command that shows its commits
    reviews: tuple[Review, ...] = ()  # of the run as such and of its outcomes


def resolve_run(ws: Workspace, name: str) -> RunName:
    """What `last`, a run id, a unique start of one, ``PROCESS@SET``, or ``PROCESS`` with one set stands for.

    Raises
    ------
    StoaError
        If it stands for nothing, or a start of several ids.
    """
    rows = ws.index.rows("SELECT run, process, params FROM runs ORDER BY rank")
    if not rows:
        raise StoaError("nothing has run yet", "`stoa run PROCESS` runs a process")
    if name == "last":
        return RunName(rows[-1][1], rows[-1][2], rows[-1][0])
    if "@" in name:
        return _pair(name, sorted({f"{process}@{params}" for _, process, params in rows}))
    found = [row for row in rows if row[0].startswith(name)]
    if len(found) == 1:
        return RunName(found[0][1], found[0][2], found[0][0])
    if found:
        raise StoaError(f"{name!r} is the start of {len(found)} runs", "give more of the id; `stoa runs` lists them")
    pairs = sorted({f"{process}@{params}" for _, process, params in rows if process == name})
    if len(pairs) == 1:
        return _pair(pairs[0], pairs)
    if pairs:
        raise StoaError(f"{name} has run with {len(pairs)} parameter sets", f"which one? {', '.join(pairs)}")
    raise StoaError(f"no run named {name!r}", "`stoa runs` lists the runs; PROCESS@SET names the latest outcomes")


def _pair(name: str, known: list[str]) -> RunName:
    if name not in known:
        near = nearest(name, known)
        guess = f"; did you mean {near!r}?" if near else ""
        raise StoaError(f"nothing has run as {name!r}{guess}", f"there are outcomes of {', '.join(known)}")
    process, _, params = name.partition("@")
    return RunName(process, params, "")


def list_runs(ws: Workspace) -> list[RunRow]:
    """All runs, the latest last; live ones and those that were cut off too."""
    sql = "SELECT record, summary FROM runs"
    rows, ranks = {}, {}
    for record, summary in ws.index.rows(sql):
        run = decode_run(record)
        ranks[run.id] = run.rank
        rows[run.id] = _row(run, msgspec.json.decode(summary, type=Summary) if summary else None)
    for name, live in ws.live().items():
        ranks[name] = live.run.rank
        rows[name] = msgspec.structs.replace(
            _row(live.run, None), counts=live.counts, state=live.state, host=live.owner.host,
            silent_s=round(live.silent_s), still_running=live.orphaned_jobs, pids=tuple(o.pid for o in live.orphans),
        )  # fmt: skip
    return [rows[name] for name in sorted(rows, key=ranks.__getitem__)]


def _row(run: Run, summary: Summary | None) -> RunRow:
    return RunRow(
        run=run.id, process=run.process, params=run.params.name, environment=run.environment, author=run.author.name,
        started=run.started, state="done" if summary else "cut off", jobs=run.jobs,
        counts=summary.counts if summary else {}, duration_s=summary.duration_s if summary else None,
    )  # fmt: skip


def run_of(ws: Workspace, name: RunName) -> Run:
    """The run itself, or the latest one of a pair."""
    sql = "SELECT record FROM runs WHERE run = ? OR (? = '' AND process = ? AND params = ?) ORDER BY rank DESC LIMIT 1"
    return decode_run(ws.index.rows(sql, (name.run, name.run, name.process, name.params))[0][0])


def show_run(ws: Workspace, name: str) -> RunView:
    """A run by name."""
    run = run_of(ws, resolve_run(ws, name))
    summary = ws.index.rows("SELECT summary FROM runs WHERE run = ?", (run.id,))[0][0]
    return RunView(
        run=run, summary=msgspec.json.decode(summary, type=Summary) if summary else None,
        commit_hint=f"git log --grep 'Stoa-Run: {run.id}'", reviews=tuple(_reviews(ws, "WHERE run = ?", [run.id])),
    )  # fmt: skip


def show_target(ws: Workspace, name: str) -> TargetView:
    """A target: its folder, metadata, latest outcomes, flags and comments."""
    target = known_target(ws, name)
    sql = (
        "SELECT l.process, l.params, o.record FROM current l JOIN outcomes o ON o.id = l.outcome"
        " WHERE l.target = ? ORDER BY o.run, l.grp"
    )
    latest = tuple(_view(ws, *row) for row in ws.index.rows(sql, (name,)))
    try:
        folder = ws.project.folder(target)
    except StoaError:
        folder = Path(target.path)
    flags = ws.index.rows("SELECT id FROM open_flags WHERE target = ? ORDER BY id", (name,))
    return TargetView(
        target=target, folder=str(folder), folder_exists=folder.is_dir(),
        metadata=dict(metadata_rows(ws).get(name, {})), latest=latest,
        reviews=tuple(reviews_of(ws, name)), open_flags=tuple(row[0] for row in flags),
        disagreements=disagreements(ws, target=name), contradictions=contradictions(ws, name),
    )  # fmt: skip


def _view(ws: Workspace, process: str, params: str, record: str) -> OutcomeView:
    outcome = decode_outcome(record)
    folder = ""
    if outcome.place:
        try:
            place = ws.project.file(outcome.place)
            folder = str(place) if place.is_dir() else ""
        except StoaError:
            folder = ""
    return OutcomeView(process=process, params=params, outcome=outcome, folder=folder)


def reviews_of(ws: Workspace, target: str = "") -> list[Review]:
    """Flags, clearings and comments in the order they were made, of one target, of one run, or of all.

    Parameters
    ----------
    target
        A target, or a run by name; "" for all.

    Raises
    ------
    NotFoundError
        If the target is unknown and nothing was ever said about it.
    """
    if not target:
        return _reviews(ws, "", [])
    if (found := _reviews(ws, "WHERE target = ?", [target])) or target in ws.targets:
        return found
    if target == "last" or target[:8].isdigit():
        return _reviews(ws, "WHERE run = ?", [run_of(ws, resolve_run(ws, target)).id])
    known_target(ws, target)
    return []


def _reviews(ws: Workspace, where: str, arguments: list[str]) -> list[Review]:
    rows = ws.index.rows(
        f"SELECT id, kind, target, run, grp, reason, text, author, email, time FROM reviews {where}"
        " ORDER BY id, target",
        arguments,
    )
    return [
        Review(
            schema=1, id=row[0], kind=row[1], target=row[2], run=row[3], group=row[4], reason=row[5], text=row[6],
            author=Author(row[7], row[8]), time=row[9],
        )
        for row in rows
    ]  # fmt: skip


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    """What a script printed."""

    target: str
    group: str
    run: str
    status: str
    whole: bool  # or only the ends of it
    text: str


def read_log(ws: Workspace, target: str, run: str = "", group: str = "") -> LogView:
    """What the script printed for a target: the whole log where the products are, else its ends from the record.

    Parameters
    ----------
    run
        A run by name; by default the latest outcome of the target.
    """
    known_target(ws, target)
    outcome = outcome_of(ws, target, run, group)
    whole = _log_on_disk(ws, outcome)
    return LogView(
        target=target, group=outcome.group, run=outcome.run, status=outcome.status.value, whole=whole is not None,
        text=outcome.log if whole is None else whole,
    )  # fmt: skip


def _log_on_disk(ws: Workspace, outcome: Outcome) -> str | None:
    if not outcome.place:
        return None
    try:
        file = ws.project.file(outcome.place) / LOG_FILE
        return file.read_text("utf-8", "backslashreplace") if file.is_file() else None
    except (StoaError, OSError):
        return None  # the record has the ends


def outcome_of(ws: Workspace, target: str, run: str, group: str) -> Outcome:
    """The latest outcome of a target, of one image group or of the first that is not ok."""
    where = ["target = ?"]
    arguments = [target]
    if run:
        name = resolve_run(ws, run)
        column, value = ("run", name.run) if name.run else ("process || '@' || params", run)
        where.append(f"{column} = ?")
        arguments.append(value)
    if group:
        where.append("grp = ?")
        arguments.append(group)
    order = "(status IN ('ok', 'skipped')), grp" if not group else "grp"
    rank = "(SELECT rank FROM runs WHERE runs.run = o.run)"
    sql = f"SELECT record FROM outcomes o WHERE {' AND '.join(where)} ORDER BY {rank} DESC, {order}, attempt DESC"
    rows = ws.index.rows(f"{sql} LIMIT 1", arguments)
    if not rows:
        which = f" in {run}" if run else ""
        raise StoaError(f"target {target!r} has no outcome{which}", f"`stoa show {target}` shows what there is")
    return decode_outcome(rows[0][0])


def outcome_rows(ws: Workspace, process: str = "", params: str = "", *, latest: bool = True) -> list[dict[str, Any]]:
    """Outcomes as flat rows, results as ``result_<name>``; by default the latest of each job."""
    source = "outcomes o" if not latest else "current l JOIN outcomes o ON o.id = l.outcome"
    rows = ws.index.rows(
        f"SELECT o.process, o.params, o.record FROM {source}"
        " WHERE (? = '' OR o.process = ?) AND (? = '' OR o.params = ?) ORDER BY o.run, o.target, o.grp, o.attempt",
        (process, process, params, params),
    )
    return [_flat(*row) for row in rows]


def _flat(process: str, params: str, record: str) -> dict[str, Any]:
    o = decode_outcome(record)
    row = {
        "target": o.target, "group": o.group, "process": process, "params": params, "run": o.run,
        "attempt": o.attempt, "status": o.status.value, "cause": o.cause, "exit_code": o.exit_code, "start": o.start,
        "duration_s": o.duration_s, "cpu_s": o.cpu_s, "memory_mb": o.memory_mb, "place": o.place,
    }  # fmt: skip
    return row | {f"result_{name}": value for name, value in o.results.items()}


def flag_rows(ws: Workspace, *, every: bool = False) -> list[dict[str, Any]]:
    """Flags as flat rows: the open ones, or all with whether they are open."""
    columns = "id, target, run, grp, reason, text, author, email, time"
    is_open = "EXISTS (SELECT 1 FROM open_flags f WHERE f.id = r.id AND f.target = r.target)"
    sql = f"SELECT {columns}, {is_open} AS open FROM reviews r WHERE kind = 'flag' AND (? OR open) ORDER BY id, target"
    names = ["id", "target", "run", "group", "reason", "text", "author", "email", "time", "open"]
    return [dict(zip(names, row, strict=True)) | {"open": bool(row[-1])} for row in ws.index.rows(sql, (every,))]
