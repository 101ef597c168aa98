"""Processes: making, listing, checking them."""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from functools import partial
from pathlib import Path

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.exec.job.command import check_command
from stoa.exec.job.jobs import text_of
from stoa.meta.rules import ROLE_ORDER
from stoa.model import Process
from stoa.provenance.definitions import check_name, read_process
from stoa.provenance.rewritten import with_former, with_values
from stoa.runs.chain import check_needs
from stoa.runs.definitions import check_line_ends, check_mark, read_files, read_script
from stoa.runs.drafted import new_definition, notes_on_images, rule_for_own_images
from stoa.runs.environments import check_environment, look_up, not_accepted
from stoa.runs.proposal import Proposal, propose
from stoa.runs.warm import Warmth, could_be_warm, warmth_of
from stoa.workspace.held import look_at_some
from stoa.workspace.listing import Listed, listed
from stoa.workspace.open import Workspace, alone
from stoa.workspace.removal import Removed, count_refers, refuse_in_use, refuse_live, remove_files
from stoa.workspace.renaming import Renamed, commit_renamed, committed, refuse_former, refuse_taken
from stoa.workspace.roles import role_table
from stoa.workspace.template import template
from stoa.workspace.trust import trusts_modules
from stoa.workspace.writing import Made, refuse_existing


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with the definitions; empty when nothing is."""

    checked: int
    problems: tuple[tuple[str, str], ...]  # message, hint
    warm: tuple[Warmth, ...] = ()  # of processes in Python, where nothing is wrong with any
    left_out: tuple[str, ...] = ()  # environments that came from someone else: nothing of them was run
    not_imported: tuple[str, ...] = ()  # processes whose modules came from someone else


class NewProcess(Made, frozen=True, kw_only=True):
    """A definition that was proposed from a script, and what has to be decided by hand."""

    notes: tuple[str, ...] = ()


def shipped() -> list[str]:
    """Names of the processes that come with STOA."""
    return sorted(file.stem for file in (template() / "shipped" / "processes").glob("*.yaml"))


@alone
def add_process(ws: Workspace, name: str) -> Made:
    """Copy a shipped process, its script included, into the project, where it may be changed."""
    if name not in shipped():
        raise NotFoundError(
            "shipped process",
            name,
            shipped(),
            f"shipped: {', '.join(shipped())}; `stoa process new` makes one of yours",
        )
    definition = (template() / "shipped" / "processes" / f"{name}.yaml").read_bytes()
    process = read_process(definition, f"{name}.yaml")
    scripts = {
        path: (template() / "shipped" / "scripts" / Path(path).name).read_bytes()
        for path in (process.script, *process.files)
    }
    refuse_existing(ws, ws.project.process_file(name), "process", name)
    refuse_former("process", name, ws.library.former().process(name))
    refuse_existing(ws, ws.project.top / process.script, "script", process.script)
    scripts = {path: content for path, content in scripts.items() if not _is_there(ws, path, content)}
    ws.ready()
    changes: dict[str, bytes | None] = {f"processes/{name}.yaml": definition}
    changes |= {f"../{path}": content for path, content in scripts.items()}
    commit = ws.store.commit(changes, f"process {name}, as shipped")
    return Made(name=name, files=(f".stoa/processes/{name}.yaml", *scripts), commit=commit)


def _is_there(ws: Workspace, path: str, content: bytes) -> bool:
    """Whether a file that shipped processes share is there; one that differs was changed for another of them."""
    file = ws.project.top / path
    if file.is_file() and ws.project.read(file) == content:
        return True
    refuse_existing(ws, file, "file", path)
    return False


@alone
def new_process(ws: Workspace, name: str, script: str, over: str = "") -> NewProcess:
    """Write a definition for a script, to be completed by hand.

    What a Python script or a notebook takes is proposed as parameters, inputs and outputs.

    Parameters
    ----------
    over
        ``target`` or ``image``; "" for what the arguments suggest.
    """
    check_name(name, "process")
    file = ws.project.process_file(name)
    refuse_existing(ws, file, "process", name)
    refuse_former("process", name, ws.library.former().process(name))
    place = Path(os.path.abspath(script))
    if not place.is_file():
        raise StoaError(f"the script {script} does not exist", "write it first; an empty file will do")
    if not place.is_relative_to(ws.project.top):
        raise StoaError(f"the script {script} is outside {ws.project.top}", "keep it in the repository, it is recorded")
    relative = place.relative_to(ws.project.top).as_posix()
    held = look_at_some(ws)
    proposal = propose(ws.project.read(place), place.name, flat=held.flat and not held.images)
    environment = _casa(ws, proposal.notes) if proposal.runner else "host"
    text = new_definition(name, relative, proposal, over, environment)
    read_process(text.encode(), file.name)
    ws.ready()
    if proposal.runner:
        runner = _runner(ws, proposal.runner)
        changes: dict[str, bytes | None] = {f"../{path}": content for path, content in runner.items()}
        commit = ws.store.commit({f"processes/{name}.yaml": text.encode(), **changes}, f"process {name}")
        files = (f".stoa/processes/{name}.yaml", *runner)
        return NewProcess(name=name, files=files, commit=commit, notes=tuple(proposal.notes))
    rule = rule_for_own_images(ws, held) if proposal.inputs else {}
    commit = ws.store.commit({f"processes/{name}.yaml": text.encode(), **rule}, f"process {name}")
    notes = [*proposal.notes, *notes_on_images(ws, proposal, held, added=bool(rule))]
    files = (f".stoa/processes/{name}.yaml", *(f".stoa/{path}" for path in rule))
    return NewProcess(name=name, files=files, commit=commit, notes=tuple(notes))


def _casa(ws: Workspace, notes: list[str]) -> str:
    """The environment with CASA, if there is one; a note where it has to be made or chosen."""
    known = [name for name in ws.library.environments() if ws.library.environment(name).kind == "casa"]
    if len(known) > 1:
        notes.append(f"the environment is {known[0]}; others with CASA: {', '.join(known[1:])}")
    if not known:
        notes.append("there is no environment with CASA yet: `stoa env add casa --casa --requirements casa.txt`"
                     " makes one, with casatasks, casadata and six in casa.txt, a line each")  # fmt: skip
    return known[0] if known else "casa"


def _runner(ws: Workspace, name: str) -> dict[str, bytes]:
    """A script of STOA's that runs others, where the project does not have it yet; a changed one stays."""
    path = f"scripts/{name}"
    if (ws.project.top / path).exists():
        return {}
    return {path: (template() / "shipped" / "scripts" / name).read_bytes()}


CELL = (
    "# From a cell of a notebook: `%%stoa run` writes this file again when the cell changes."
    " Without this line your own changes stay.\n"
)
"""First line of the definition of a process whose script is a cell."""


@alone
def process_of_cell(ws: Workspace, name: str, code: str, values: Mapping[str, str], over: str = "") -> NewProcess:
    """Make the code of a cell the script of a process, which is made or written again, and commit both.

    Parameters
    ----------
    values
        Parameter -> written default, of parameters that the definition does not declare yet.
    over
        ``target`` or ``image``; "" for what the code suggests.

    Returns
    -------
    made
        Without a commit where script and definition are as they were.

    Raises
    ------
    StoaError
        If a process or script of this name is not from a cell, or has changes that are not in git.
    """
    check_name(name, "process")
    script, file = f"scripts/{name}.py", ws.project.process_file(name)
    known = _of_cell(ws, name, script)
    before = _unchanged(ws, ws.project.top / script)
    held = look_at_some(ws)
    proposal = _proposal_of_cell(code, script, known, values, flat=held.flat and not held.images)
    text = (CELL + new_definition(name, script, proposal, over)).encode()
    read_process(text, file.name)
    written = ws.project.read(file) if known else b""
    ws.ready()
    rule = rule_for_own_images(ws, held) if proposal.inputs else {}
    changes: dict[str, bytes | None] = {f"../{script}": code.encode()} if before != code.encode() else {}
    if written != text and (known is None or written.startswith(CELL.encode())):
        changes |= {f"processes/{name}.yaml": text, **rule}
    notes = (*proposal.notes, *notes_on_images(ws, proposal, held, added=bool(rule))) if changes else ()
    commit = ws.store.commit(changes, f"process {name}, from a cell") if changes else ""
    files = tuple(path.removeprefix("../") if path.startswith("../") else f".stoa/{path}" for path in changes)
    return NewProcess(name=name, files=files, commit=commit, notes=notes)


def _of_cell(ws: Workspace, name: str, script: str) -> Process | None:
    """The process of a cell as it is; None where there is none yet."""
    if not ws.project.process_file(name).is_file():
        refuse_former("process", name, ws.library.former().process(name))
        refuse_existing(ws, ws.project.top / script, "script", script)
        return None
    known = ws.library.process(name)
    if known.script != script:
        runs = known.script or "a command"
        raise StoaError(f"process {name!r} runs {runs}, which is not from a cell", "give the cell another name")
    return known


def _proposal_of_cell(
    code: str, script: str, known: Process | None, values: Mapping[str, str], *, flat: bool
) -> Proposal:
    """What a cell suggests; parameters that it still has keep their defaults."""
    asked = propose(code.encode(), script, for_casa=False).params.keys() | values.keys()
    declared = known.params if known else {}
    defaults = {
        key: text_of(spec.default) for key, spec in declared.items() if key in asked and spec.default is not None
    }
    return propose(code.encode(), script, flat=flat, given={**values, **defaults}, for_casa=False)


def _unchanged(ws: Workspace, file: Path) -> bytes:
    """Content of a file that git has as it is; nothing of one that is not there."""
    if not file.is_file():
        return b""
    content = ws.project.read(file)
    if ws.store.snapshot().read(file.relative_to(ws.repository.top).as_posix()) != content:
        where = file.relative_to(ws.project.top)
        raise StoaError(f"{where} has changes that are not in git, which the cell would replace", "commit or remove it")
    return content


@alone
def remove_process(ws: Workspace, name: str) -> Removed:
    """Remove a process with its parameter sets; its script and everything that ran stay.

    Raises
    ------
    StoaError
        If there is no such process, another one needs it, or a run of it is under way.
    """
    file = ws.project.process_file(name)
    if name not in ws.library.processes():
        ws.library.process(name)
    ws.ready()
    others = [other for other in ws.library.processes() if other != name]
    users = [f"process {other!r}" for other in others if _needs(ws, other, name)]
    refuse_in_use("process", name, users, "remove it from `needs` there first")
    refuse_live(ws, process=name)
    files = [file, *(ws.project.params_file(name, each) for each in _written_sets(ws, name))]
    return remove_files(ws, "process", name, files, count_refers(ws, "process", name))


@alone
def rename_process(ws: Workspace, name: str, new: str) -> Renamed:
    """Give a process another name; its parameter sets and everything that was recorded go with it.

    Parameter sets that a merge has left under a former name are moved as well.

    Raises
    ------
    StoaError
        If there is no such process, the new name is taken, or a run of it is under way.
    """
    check_name(new, "process")
    ws.ready()
    former = ws.library.former()
    left = former.process(name) == new and new in ws.library.processes() and bool(_written_sets(ws, name))
    if not left:
        ws.library.process(name)
        refuse_existing(ws, ws.project.process_file(new), "process", new)
        refuse_taken("process", name, new, former.process(new), count_refers(ws, "process", new))
    refuse_live(ws, process=name)
    changes: dict[str, bytes | None] = {}
    for each in _written_sets(ws, name):
        file = ws.project.params_file(name, each)
        refuse_existing(ws, ws.project.params_file(new, each), f"parameter set of {new}", each)
        changes[f"params/{name}/{each}.yaml"] = None
        changes[f"params/{new}/{each}.yaml"] = with_values(committed(ws, file), str(file), {"process": new})
    if not left:
        file = ws.project.process_file(name)
        text = with_values(committed(ws, file), file.name, {"name": new})
        changes[f"processes/{name}.yaml"] = None
        changes[f"processes/{new}.yaml"] = with_former(text, file.name, name, new)
    return commit_renamed(ws, "process", name, new, changes, count_refers(ws, "process", name))


def _needs(ws: Workspace, name: str, needed: str) -> bool:
    try:
        return any(ws.library.need(need).process == needed for need in ws.library.process(name).runs_after)
    except StoaError:
        return False


def _written_sets(ws: Workspace, name: str) -> list[str]:
    folder = ws.project.params_file(name, "x").parent
    return sorted(file.stem for file in folder.glob("*.yaml"))


def list_processes(ws: Workspace) -> list[Listed]:
    """The processes of the project."""
    return [listed(name, partial(_process_words, ws, name)) for name in ws.library.processes()]


def _process_words(ws: Workspace, name: str) -> str:
    return ws.library.process(name).doc


def check_process(ws: Workspace, name: str) -> Process:
    """A process, checked with its command, script, sets and environment.

    Raises
    ------
    StoaError
        With the first thing that is wrong.
    """
    process = ws.library.process(name)
    check_command(process)
    _check_roles(ws, process)
    check_needs(ws, process)
    script = read_script(ws.project, process)
    check_line_ends(process, script)
    check_mark(process, script)
    read_files(ws.project, process)
    check_environment(ws, process.environment)
    for set_name in ws.library.parameter_sets(name):
        ws.library.parameter_set(process, set_name)
    return process


def _check_roles(ws: Workspace, process: Process) -> None:
    """Raise `NotFoundError` for a role of an input that no rule gives and no document of another hand has."""
    known = list(dict.fromkeys((*ROLE_ORDER, *(rule.role for rule in role_table(ws.project).rules))))
    strange = [(name, role) for name, spec in process.inputs.items() for role in spec.role if role not in known]
    if not strange:
        return
    documents = [found for _, found in ws.documents().values() if not isinstance(found, StoaError)]
    held = {file.role for document in documents for group in document.groups for file in group.files}
    where = ws.project.process_file(process.name).relative_to(ws.project.top)
    for name, role in strange:
        if role not in held:
            raise NotFoundError(
                f"role of input {name!r} of process {process.name!r} ({where})", role, known,
                f"roles: {', '.join(known)}; `.stoa/roles.yaml` adds others",
            )  # fmt: skip


def _is_foreign(ws: Workspace, name: str, left_out: Container[str]) -> bool:
    """Whether modules of a process would be looked at if they had not come from someone else."""
    process = ws.library.process(name)
    looks = process.warm or could_be_warm(process)
    return looks and process.environment not in left_out and not trusts_modules(ws, process)


def check_all(ws: Workspace, names: tuple[str, ...] = ()) -> Checked:
    """What is wrong with processes, their sets and environments."""
    chosen = list(names) or ws.library.processes()
    found = ws.library.problems(lambda name: check_process(ws, name), chosen)
    if not names:
        found += ws.library.problems(lambda name: look_up(ws, name), ws.library.environments())
    left_out: set[str] = set()
    for environment in {ws.library.process(name).environment for name in chosen} if not found else ():
        left_out.update(not_accepted(ws, environment))
    foreign = [name for name in chosen if not found and _is_foreign(ws, name, left_out)]
    warm = [warmth_of(ws, ws.library.process(name)) for name in chosen] if not found else []
    return Checked(
        checked=len(chosen),
        problems=tuple((p.message, p.hint or "") for p in found),
        warm=tuple(one for one in warm if one),
        left_out=tuple(sorted(left_out)),
        not_imported=tuple(foreign),
    )
