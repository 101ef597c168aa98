"""From the names of a process, a parameter set and an environment to what a run rests on."""

from __future__ import annotations

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from stoa.errors import StoaError
from stoa.exec.job.command import check_command
from stoa.model import Environment, ParameterSet, ParamRule, Process, Run, Value
from stoa.project import Project
from stoa.provenance.definitions import shown
from stoa.provenance.dialect import block
from stoa.provenance.digests import params_digest, process_digest, scripts_digest
from stoa.provenance.library import DEFAULT_SET
from stoa.provenance.parameter_sets import override
from stoa.runs.chain import check_needs
from stoa.runs.environments import Places, look_up
from stoa.workspace.frozen import frozen_process
from stoa.workspace.names import Pair
from stoa.workspace.open import Workspace

SHELLS = ("sh", "bash", "dash", "ksh", "zsh")


class Definitions(msgspec.Struct, frozen=True, kw_only=True):
    """What a run rests on, resolved and checked."""

    process: Process
    params: ParameterSet
    environment: Environment
    places: Places  # the environment, and those that its rules may choose
    script: bytes
    files: dict[str, bytes]  # name beside the script -> content
    digests: dict[str, str]
    frozen: dict[str, bytes]  # path below the run's `frozen` folder -> content, read when they were resolved

    @property
    def pair(self) -> Pair:
        """What their outcomes belong to; rules of the environment that choose a different one are part of it."""
        return Pair(self.process.name, self.params.name, self.environment.name)


def resolve(
    ws: Workspace,
    process_name: str,
    params: str = DEFAULT_SET,
    settings: Mapping[str, str] | None = None,
    environment: str | None = None,
) -> Definitions:
    """The definitions that a run of this process would freeze, all checked before anything runs."""
    process = ws.library.process(process_name)
    check_command(process)
    check_needs(ws, process)
    chosen = ws.library.parameter_set(process, params, later=settings or ())
    if settings:
        chosen = override(process, chosen, settings)
        remark_on_paths(ws, process, settings)
    where = environment or process.environment
    places = look_up(ws, where)
    script, files = read_script(ws.project, process), read_files(ws.project, process)
    frozen = {
        "process.yaml": ws.project.read(ws.project.process_file(process.name)),
        "params.yaml": block(msgspec.to_builtins(chosen)),
        **places.frozen,
    }
    if process.script:
        frozen |= {f"script/{name}": data for name, data in {Path(process.script).name: script, **files}.items()}
    digests = {
        "process": process_digest(process),
        "script": scripts_digest(script, process.script, files) if process.script else "",
        "params": params_digest(chosen.values),
        "environment": places.digests[where],
    }
    return Definitions(
        process=process, params=chosen, environment=places.known[where], places=places, script=script, files=files,
        digests=digests, frozen=frozen,
    )  # fmt: skip


def remark_on_paths(ws: Workspace, process: Process, settings: Mapping[str, str]) -> None:
    """Say of values that are paths of this machine that collaborators get them, and have no such path."""
    for name, text in settings.items():
        if process.params[name].type == "str" and text.startswith(("/", "~/")):
            ws.remark(
                f"parameter {name!r} is a path of this machine ({text}), and goes to the collaborators with the set:"
                " a file of the data belongs to the inputs, a program to an environment (`stoa env add --environ`)"
            )


def resolve_again(
    ws: Workspace,
    run: Run,
    params: str | None = None,
    settings: Mapping[str, str] | None = None,
    environment: str | None = None,
) -> Definitions:
    """The present definitions for what a run was asked to do.

    Values and an environment that were given on the command line of that run are taken over,
    unless others are given here.

    Parameters
    ----------
    environment
        None for the run's own, "" for the one that the process names now.
    """
    process = ws.library.process(run.process)
    if environment is None:
        frozen = frozen_process(ws, run.id)
        usual = ws.library.former().environment(frozen.environment) if frozen else run.environment
        environment = None if run.environment == usual else run.environment
    if params is not None or run.params.name in ws.library.parameter_sets(run.process):
        return resolve(ws, run.process, params or run.params.name, settings, environment)
    base = "+".join(takewhile(lambda part: "=" not in part, run.params.name.split("+")))
    present = ws.library.parameter_set(process, base).values
    given = {key: shown(v) for key, v in run.params.values.items() if key in present and v != present[key]}
    return resolve(ws, run.process, base, given | dict(settings or {}), environment)


def read_script(project: Project, process: Process) -> bytes:
    """Content of a process's script, empty for a bare command.

    Raises
    ------
    StoaError
        If it does not exist, cannot be read, or has to be executable and is not.
    """
    if not process.script:
        return b""
    file = project.top / process.script
    if not file.is_file():
        raise StoaError(
            f"the script {process.script} of process {process.name!r} does not exist",
            f"it is looked for at {file}; `stoa process show {process.name}` shows the definition",
        )
    if process.command[0] == "{script}" and not file.stat().st_mode & 0o111:
        raise StoaError(
            f"the script {process.script} of process {process.name!r} is not executable",
            f"`chmod +x {process.script}`, or name its interpreter in the command",
        )
    return _content(project, file, f"the script {process.script}")


def check_line_ends(process: Process, script: bytes) -> None:
    """Raise `StoaError` for a script with the line ends of Windows that only runs with those of Unix.

    Git writes it so into a work tree with `core.autocrlf`. What a shell then says, or the kernel that looks
    for an interpreter, does not tell that.
    """
    if script.partition(b"\n")[0].endswith(b"\r") and _is_particular(process, script):
        path = process.script
        raise StoaError(
            f"the script {path} of process {process.name!r} has line ends of Windows (CRLF), with which it cannot run",
            f"`{path} text eol=lf` in .gitattributes keeps git from making them; then `git add --renormalize {path}`,"
            f" `rm {path}` and `git checkout -- {path}`",
        )


def check_mark(process: Process, script: bytes) -> None:
    """Raise `StoaError` for a script that begins with a byte order mark and cannot run because of it.

    Python reads one in UTF-8. A shell takes it for a part of the first command, and the kernel does not see ``#!``.
    """
    path, what = process.script, f"the script {process.script} of process {process.name!r}"
    if script.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise StoaError(f"{what} is text in UTF-16, which cannot run", "save it as UTF-8 without a byte order mark")
    if script.startswith(BOM_UTF8) and _is_particular(process, script.removeprefix(BOM_UTF8)):
        raise StoaError(
            f"{what} begins with a byte order mark (UTF-8 BOM), with which it cannot run",
            f"save it without one: `sed -i '1s/^\\xEF\\xBB\\xBF//' {path}`",
        )


def _is_particular(process: Process, script: bytes) -> bool:
    """Whether a shell runs the script, or the interpreter that its first line names."""
    words = " ".join(process.command).split() if process.shell else list(process.command)
    if "{script}" not in words:
        return False
    before = words[: words.index("{script}")]
    return any(Path(word).name in SHELLS for word in before) or (not before and script.startswith(b"#!"))


def read_files(project: Project, process: Process) -> dict[str, bytes]:
    """Content of the files that a process's script needs, by their names beside it.

    Raises
    ------
    StoaError
        If one does not exist or cannot be read.
    """
    for path in process.files:
        if not (project.top / path).is_file():
            raise StoaError(
                f"the file {path} of process {process.name!r} does not exist",
                f"it is looked for at {project.top / path}; `files` of the definition names it",
            )
    return {Path(path).name: _content(project, project.top / path, f"the file {path}") for path in process.files}


def _content(project: Project, file: Path, what: str) -> bytes:
    try:
        return project.read(file)
    except OSError as problem:
        raise StoaError(f"cannot read {what}: {problem.strerror}") from None


def definition_changes(
    run: Run, now: Definitions, before: Mapping[str, Value] | None = None, after: Mapping[str, Value] | None = None
) -> list[str]:
    """What differs between the definitions that a run froze and the present ones, in words.

    Parameters
    ----------
    before, after
        Values of one target, where rules gave it others than those of the sets.

    The environment is another matter, since a run may use several: see `Present.change_since`.
    """
    old = run.digests
    words = []
    if old.get("script") != now.digests["script"]:
        words.append("the script changed")
    if old.get("process") != now.digests["process"]:
        words.append("the definition of the process changed")
    values = run.params.values if before is None else before, now.params.values if after is None else after
    if values[0] != values[1]:
        words.extend(value_changes(*values))
    return words


def rule_changes(old: Sequence[ParamRule], new: Sequence[ParamRule]) -> list[str]:
    """What differs between the rules of two parameter sets, in words; rules with the same condition are compared."""
    before, after = ({rule.where: rule for rule in rules} for rules in (old, new))
    words = []
    for where in dict.fromkeys((*before, *after)):
        if where not in after:
            words.append(f"rule gone: {_rule_words(before[where])}")
        elif where not in before:
            words.append(f"new rule: {_rule_words(after[where])}")
        elif changes := value_changes(before[where].values, after[where].values):
            words.append(f"rule where {where}: {', '.join(changes)}")
    if not words and [rule.where for rule in old] != [rule.where for rule in new]:
        words.append("the rules are in another order, and the first that matches counts")
    return words


def _rule_words(rule: ParamRule) -> str:
    return f"{', '.join(f'{name}={shown(value)}' for name, value in rule.values.items())} where {rule.where}"


def value_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Parameters that differ: ``parameter snr: 5 -> 4``."""
    names = [*new, *(name for name in old if name not in new)]
    return [
        f"parameter {name}: {_shown(old, name)} -> {_shown(new, name)}"
        for name in names
        if old.get(name) != new.get(name) or (name in old) != (name in new)
    ]


def _shown(values: Mapping[str, Any], name: str) -> str:
    return shown(values[name]) if name in values else "none"
