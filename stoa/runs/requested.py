"""From a request to plans."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from stoa.errors import StoaError
from stoa.exec.engines import check_engine
from stoa.request import Request
from stoa.runs.canary import canary
from stoa.runs.chain import Stage, stages
from stoa.runs.definitions import Definitions, resolve
from stoa.runs.description import describe_missing
from stoa.runs.plan import make_plan
from stoa.runs.planned import Plan
from stoa.runs.products import NothingMade, take_products
from stoa.runs.standing import notice
from stoa.runs.sweep import sweep
from stoa.workspace.build_report import BuildReport
from stoa.workspace.names import asked_pair
from stoa.workspace.open import Workspace


def stages_of(ws: Workspace, request: Request) -> tuple[Stage, ...]:
    """The processes and parameter sets that a request is about, each after what it needs.

    Raises
    ------
    StoaError
        If it names no process, a definition is wrong, or there is none.
    """
    if not request.process and not request.chain:
        raise StoaError("no process is named", "`stoa process list` shows them; --all runs every process in order")
    if not request.process and (request.settings or request.sets or request.environment or request.params):
        raise StoaError("--params, --set and --env are for one process", "name it: `stoa run --all PROCESS ...`")
    process, params, _ = asked_pair(ws, request.process, request.params, request.environment)
    found = stages(ws, process, params) if request.chain else (Stage(process, params),)
    if not found:
        raise StoaError("this project has no process yet", "`stoa process add` and `stoa process new` make one")
    return found


def plans_of(ws: Workspace, request: Request, *, build: bool = False) -> Iterator[Plan]:
    """The plans of a request, one for each run, each made when the one before it has been carried out.

    Settings, sets and the environment are for the last stage of a chain. All definitions are checked before the
    first plan is made, so that a mistake in the last one is named before the first one runs.

    Parameters
    ----------
    build
        Whether to build metadata documents that a run needs and that are missing.

    Raises
    ------
    StoaError
        If a definition, a setting, the selection or the engine is wrong.
    """
    check_engine(request.engine)
    *first, last = stages_of(ws, request)
    asked: list[tuple[Stage, dict[str, str], str | None]] = [(stage, {}, None) for stage in first]
    environment = asked_pair(ws, request.process, request.params, request.environment)[2] or None
    asked += [(last, chosen, environment) for chosen in values_of(ws, last.process, request)]
    for stage, chosen, where in asked:
        resolve(ws, stage.process, stage.params, chosen, where)
    for stage, chosen, where in asked:
        definitions = resolve(ws, stage.process, stage.params, chosen, where)
        described = _described(ws, definitions, request) if build else None
        made = msgspec.structs.replace(make_plan(ws, definitions, request.selection), described=described)
        notice(ws, made)
        yield canary(ws, made, request.canary) if request.canary else made


def _described(ws: Workspace, definitions: Definitions, request: Request) -> BuildReport | None:
    """Describe what a run needs and is not described yet, products that it runs over included."""
    try:
        taken = take_products(ws, definitions.process)
    except NothingMade:
        if not request.chain:  # else those that should have made them have just said why not
            raise
        taken = None
    return taken or describe_missing(ws, definitions, request.selection)


def values_of(ws: Workspace, process: str, request: Request) -> list[dict[str, str]]:
    """Parameter -> written value, for each run of a process that a request asks for.

    Raises
    ------
    StoaError
        If a parameter is in a set of values and is also set for all of them.
    """
    for row in request.sets:
        if both := sorted(row.keys() & request.settings.keys()):
            raise StoaError(
                f"{both[0]!r} is set by --set and also in the sets of values (--set-from)", "leave one of them out"
            )
    chosen = sweep(ws.library.process(process), request.settings)
    return [row | each for row in request.sets or ({},) for each in chosen]
