"""What a script printed for a target."""

from __future__ import annotations

import msgspec

from stoa.errors import StoaError
from stoa.exec.job.log import without_colours
from stoa.model import Outcome
from stoa.opening import read_bounded
from stoa.project import LOG_FILE
from stoa.workspace.names import resolve_run, run_of
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import outcome_of
from stoa.workspace.targets import known_target

MOST_LOG_BYTES = 500_000_000


class LogView(msgspec.Struct, frozen=True, kw_only=True):
    """What a script printed."""

    target: str
    group: str
    run: str
    status: str
    whole: bool  # or only the ends of it
    text: str
    message: str = ""  # why the run was made, in the words of its author


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
        text=without_colours(outcome.log if whole is None else whole),
        message=run_of(ws, resolve_run(ws, outcome.run)).message,
    )  # fmt: skip


def _log_on_disk(ws: Workspace, outcome: Outcome) -> str | None:
    if not outcome.place:
        return None
    try:
        file = ws.project.file(outcome.place) / LOG_FILE
        ws.project.check_inside(file)
        return read_bounded(file, MOST_LOG_BYTES).decode("utf-8", "backslashreplace")
    except (StoaError, OSError):
        return None  # the record has the ends
