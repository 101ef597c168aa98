"""Processes: making, listing, checking them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Container, Mapping
from functools import partial
from pathlib import Path

import msgspec

from stoa.errors import NotFoundError, StoaError
from stoa.exec.job.command import check_command
from stoa.meta.rules import ROLE_ORDER
from stoa.meta.table import BUILT_IN
from stoa.model import Process
from stoa.provenance.definitions import check_name, read_process
from stoa.provenance.rewritten import with_former, with_values
from stoa.runs.chain import check_needs
from stoa.runs.definitions import check_line_ends, check_mark, read_files, read_script
from stoa.runs.environments import check_environment, look_up, not_accepted
from stoa.runs.proposal import Proposal, propose
from stoa.runs.warm import Warmth, could_be_warm, warmth_of
from stoa.workspace.listing import Listed, listed
from stoa.workspace.open import Workspace, alone
from stoa.workspace.removal import Removed, count_refers, refuse_in_use, refuse_live, remove_files
from stoa.workspace.renaming import Renamed, commit_renamed, committed, refuse_former, refuse_taken
from stoa.workspace.roles import ROLES, role_table
from stoa.workspace.sample import Held, look_at_some
from stoa.workspace.template import template
from stoa.workspace.trust import trusts_modules
from stoa.workspace.writing import Made, refuse_existing

_NEW_PROCESS = """\
# What STOA runs over every target. `stoa process check {name}` says whether it can.
schema: 1
name: {name}
doc: {doc}
script: {script}
command: {command}
over: {over}            # target: once per folder; image: once per image group
inputs: {inputs}# image: {{role: correctedImage}}
params: {params}# snr: {{type: float, default: 5, min: 1, unit: "", doc: "seed clip in sigma"}}
outputs: {outputs}# sources: {{path: sources.fits, kind: catalogue}}
results: {{}}             # rms: {{type: float, unit: Jy/beam, tolerance: 5%}}
environment: host
timeout: 10m
"""


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
    text = _new_definition(name, relative, proposal, over)
    read_process(text.encode(), file.name)
    ws.ready()
    rule = _rule_for_own_images(ws, held) if proposal.inputs else {}
    commit = ws.store.commit({f"processes/{name}.yaml": text.encode(), **rule}, f"process {name}")
    notes = [*proposal.notes, *_notes_on_images(ws, proposal, held, added=bool(rule))]
    files = (f".stoa/processes/{name}.yaml", *(f".stoa/{path}" for path in rule))
    return NewProcess(name=name, files=files, commit=commit, notes=tuple(notes))


_OWN_IMAGES = b"""
# Added by `stoa process new`, as no file of the targets had a role. Tell your files apart here where that is needed.
rules:
  - name: own-images
    role: image
    header: {NAXIS: '^[2-9]'}
    doc: every FITS file with two axes or more
"""


def _rule_for_own_images(ws: Workspace, held: Held) -> dict[str, bytes]:
    """The project's roles with a rule for FITS images, where the targets hold nothing else and no rule was written."""
    file = ws.project.roles_file
    text = ws.project.read(file) if file.is_file() else b"schema: 1\n"
    if held.known or not held.others or role_table(ws.project).rules != BUILT_IN.rules:
        return {}
    return {ROLES: text.rstrip(b"\n") + b"\n" + _OWN_IMAGES}


def _notes_on_images(ws: Workspace, proposal: Proposal, held: Held, *, added: bool) -> list[str]:
    if not proposal.inputs or held.images or not held.targets:
        return []
    if added:
        again = bool(ws.index.rows("SELECT 1 FROM documents LIMIT 1"))
        build = "; `stoa meta build` describes the folders again" if again else ""
        note = (f"no rule of STOA takes {held.others[0]} for an image: .stoa/roles.yaml now has one that takes every"
                f" FITS file with two axes or more{build}")  # fmt: skip
    else:
        note = (f"none of {held.targets} folders that were looked at holds an image as the inputs want it: `stoa meta"
            " explain FILE` says which role a file has, .stoa/roles.yaml gives others")  # fmt: skip
    return [note]


def _new_definition(name: str, script: str, proposal: Proposal, over: str) -> str:
    words = [*proposal.command, *proposal.words]
    quoted = [word if re.fullmatch(r"-{0,2}[A-Za-z][A-Za-z0-9-]*", word) else _quoted(word) for word in words]
    command = ", ".join(quoted)
    text = _NEW_PROCESS.format(
        name=name, doc=_quoted(proposal.doc), script=_scalar(script), command=f"[{command}]",
        over=over or ("image" if proposal.inputs else "target"), inputs=_section(proposal.inputs),
        params=_section(proposal.params), outputs=_section(proposal.outputs),
    )  # fmt: skip
    return text + "".join(f"# {note}\n" for note in proposal.notes)


def _section(fields: Mapping[str, str]) -> str:
    """What is before the comment of a section: its fields, or that there are none."""
    if not fields:
        return "{}              "
    return "".join(f"\n  {key}: {text}" for key, text in fields.items()) + "\n  "


def _scalar(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text) else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


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
        return any(ws.library.need(need).process == needed for need in ws.library.process(name).needs)
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
