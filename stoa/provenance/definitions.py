"""Definitions that people write: processes, parameter sets, environments, settings.

Each reader takes the file's bytes and a name to show in messages, and gives a checked value
or raises `DefinitionError` with file, line and field.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, TypeVar, cast, get_args

import msgspec

from stoa.errors import StoaError
from stoa.model import (
    SCHEMA,
    Choice,
    InputSpec,
    Intent,
    Need,
    OutputSpec,
    ParamSpec,
    Process,
    ResultSpec,
    Value,
    ValueType,
)
from stoa.project import Config, DaskSettings, Local, QualityCut, SlurmSettings, StoreSettings, UiSettings
from stoa.provenance.engine_settings import dask_settings, slurm_settings
from stoa.provenance.fields import angle_arcsec, duration, exit_codes, get, memory, path_below, tolerance
from stoa.provenance.scalars import brief
from stoa.provenance.store_settings import store_address, store_settings
from stoa.provenance.ui_settings import ui_settings
from stoa.provenance.yamltree import Spot, read_yaml

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,119}")
FORMERLY = "formerly"
"""Field of a definition with the names that it had."""

MOST_FORMER = 100
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){0,9}", re.ASCII)
_TYPES = ("bool", "int", "float", "str")
_KINDS = ("file", "catalogue", "image", "folder")
_SHARED = ("git", "remote")
_ACCEPTED = ("truncated", "no-celestial")
T = TypeVar("T")

_PROCESS_FIELDS = (
    "schema", "name", "doc", "script", "files", "command", "shell", "over", "inputs", "params", "outputs",
    "results", "environment", "timeout", "grace", "memory", "memory_most", "cpu_time", "file_size", "processes", "disk",
    "skip_codes", "needs", "over_products_of", "intent", "warm", FORMERLY,
)  # fmt: skip
_PLACEHOLDERS = ("script", "target", "name", "group", "meta", "out", "params", "needs")


def check_name(name: str, kind: str) -> str:
    """The name itself, if it is safe as a file name on every system.

    Raises
    ------
    StoaError
        If it has other characters than letters, digits and ``. _ + -``, or is too long.
    """
    if not NAME.fullmatch(name):
        article = "an" if kind[0] in "aeiou" else "a"
        raise StoaError(
            f"{brief(name)} cannot name {article} {kind}",
            "a name has letters, digits and . _ + - only, starts with a letter or digit, at most 120 characters",
        )
    return name


def check_pair_name(name: str, kind: str) -> str:
    """The name of a new parameter set or environment; in a pair, a ``+`` is between the two.

    Raises
    ------
    StoaError
        If it is not a name, or has a ``+``.
    """
    if "+" in check_name(name, kind):
        raise StoaError(
            f"{name!r} cannot name a new {kind}, because PROCESS@SET+ENV has a + between set and environment",
            f"for example {name.replace('+', '-')!r}",
        )
    return name


def former_names(spot: Spot) -> tuple[str, ...]:
    """The value of a field `formerly`: a list of names.

    Raises
    ------
    DefinitionError
        If one of them cannot name anything, or there are too many.
    """
    names = spot.texts()
    for name in names:
        if not NAME.fullmatch(name):
            raise spot.error(f"{brief(name)} in {FORMERLY} is no name")
    if len(names) > MOST_FORMER:
        raise spot.error(f"{FORMERLY} has {len(names)} names (at most {MOST_FORMER})")
    return names


def read_process(data: bytes, file: str) -> Process:
    """A process definition (see ``docs/formats.md``)."""
    fields = read_yaml(data, file).mapping(_PROCESS_FIELDS, required=("name", "command"))
    check_schema(fields)
    shell = get(fields, "shell", Spot.boolean, False)
    script = get(fields, "script", _script, "")
    process = Process(
        name=safe_name(fields["name"]),
        command=_command(fields["command"], shell=shell),
        script=script,
        files=get(fields, "files", partial(_files, script=script), ()),
        shell=shell,
        over=cast(Literal["target", "image"], get(fields, "over", lambda s: s.word(("target", "image")), "target")),
        inputs=_each(fields, "inputs", _input, forbidden=_PLACEHOLDERS),
        params=_each(fields, "params", _param),
        outputs=_each(fields, "outputs", _output),
        results=_each(fields, "results", _result),
        environment=get(fields, "environment", safe_name, "host"),
        timeout_s=get(fields, "timeout", duration, 0.0),
        grace_s=get(fields, "grace", duration, 5.0),
        memory_mb=get(fields, "memory", memory, 0),
        memory_most_mb=get(fields, "memory_most", memory, 0),
        cpu_s=get(fields, "cpu_time", duration, 0.0),
        file_mb=get(fields, "file_size", memory, 0),
        processes=get(fields, "processes", _positive, 0),
        disk_mb=get(fields, "disk", memory, 0),
        skip_codes=get(fields, "skip_codes", exit_codes, (77,)),
        needs=get(fields, "needs", _needs, ()),
        over_products_of=get(fields, "over_products_of", _needs, ()),
        intent=cast(Intent, get(fields, "intent", lambda s: s.word(get_args(Intent)), "any")),
        warm=_warm(fields["warm"]) if "warm" in fields else False,
        formerly=get(fields, FORMERLY, former_names, ()),
        doc=get(fields, "doc", Spot.text, ""),
    )
    if process.warm and not _is_python(process):
        raise fields["warm"].error("warm needs a script in Python and a command that begins with: python, {script}")
    if process.memory_most_mb and not 0 < process.memory_mb < process.memory_most_mb:
        raise fields["memory_most"].error("memory_most must be above `memory`, which a first try gets")
    return process


def _is_python(process: Process) -> bool:
    """Whether the command is Python and the script, with nothing between them."""
    first = process.command[0].rpartition("/")[2]
    is_plain = first.startswith("python") and process.command[1:2] == ("{script}",)
    return is_plain and process.script.endswith(".py") and not process.shell


def _warm(spot: Spot) -> bool | tuple[str, ...]:
    """``true``, ``false``, or names of modules."""
    if not isinstance(spot.content, list):
        return spot.boolean()
    for each in spot.sequence():
        if not _MODULE.fullmatch(each.text()):
            raise each.error(f"{brief(each.text())} in warm is not a name of a module, like numpy or astropy.io.fits")
    return spot.texts()


def _positive(spot: Spot) -> int:
    number = spot.integer()
    if not 1 <= number <= 1_000_000:
        raise spot.error(f"{spot.field} must be a whole number above 0, got {brief(spot.text())}")
    return number


def check_value(value: Value, spec: ParamSpec) -> Value:
    """The value, if it is within the declared limits.

    Raises
    ------
    ValueError
        With the end of a sentence that begins with the parameter's name.
    """
    if spec.choices and value not in spec.choices:
        raise ValueError(f"must be one of {', '.join(map(shown, spec.choices))}, got {shown(value)}")
    if spec.min is not None and isinstance(value, int | float) and value < spec.min:
        raise ValueError(f"must be at least {shown(spec.min)}, got {shown(value)}")
    if spec.max is not None and isinstance(value, int | float) and value > spec.max:
        raise ValueError(f"must be at most {shown(spec.max)}, got {shown(value)}")
    return value


def shown(value: Value) -> str:
    """A value as a person writes it: ``3``, ``0.5``, ``true``, ``word``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _checksums(spot: Spot) -> Literal["headers", "files"]:
    return "files" if spot.word(("headers", "files")) == "files" else "headers"


def read_config(data: bytes, file: str) -> Config:
    """The settings that collaborators share."""
    known = ("schema", "project", "roots", "reasons", "steps", "quality", "checksums", "store")
    fields = read_yaml(data, file).mapping(known, required=("schema", "project"))
    check_schema(fields)
    return Config(
        project=fields["project"].text(),
        roots=get(fields, "roots", partial(_words, kind="root"), {}),
        reasons=get(fields, "reasons", partial(_words, kind="reason code"), {}),
        steps=get(fields, "steps", partial(_words, kind="step"), {}),
        quality=get(fields, "quality", _quality, ()),
        checksums=get(fields, "checksums", _checksums, "headers"),
        store=get(fields, "store", store_address, ""),
    )


def read_local(data: bytes, file: str) -> Local:
    """Settings of the machine that asks."""
    fields = read_yaml(data, file).mapping(("schema", "roots", "jobs", "on_end", "slurm", "dask", "ui", "store"))
    check_schema(fields)
    jobs = get(fields, "jobs", Spot.integer, 0)
    if jobs < 0:
        raise fields["jobs"].error(f"jobs must be at least 0, got {jobs}")
    return Local(
        roots=get(fields, "roots", partial(_words, kind="root"), {}), jobs=jobs,
        on_end=get(fields, "on_end", Spot.texts, ()),
        slurm=get(fields, "slurm", slurm_settings, SlurmSettings()),
        dask=get(fields, "dask", dask_settings, DaskSettings()),
        ui=get(fields, "ui", ui_settings, UiSettings()),
        store=get(fields, "store", store_settings, StoreSettings()),
    )  # fmt: skip


def check_schema(fields: Mapping[str, Spot]) -> None:
    """Raise `DefinitionError` if the file is of a newer format than this STOA reads."""
    if "schema" not in fields:
        return
    number = fields["schema"].integer()
    if number > SCHEMA:
        raise fields["schema"].error(
            f"schema {number} is newer than this STOA reads (up to {SCHEMA})", "`pip install --upgrade stoa-tracking`"
        )
    if number < 1:
        raise fields["schema"].error(f"there is no schema {number}")


def _quality(spot: Spot) -> tuple[QualityCut, ...]:
    """Cuts by name: a condition, or ``{apart: 0.5arcsec, across: true}``."""
    found = []
    for name, below in spot.mapping().items():
        _check_at(below, name, "quality cut")
        if isinstance(below.content, dict):
            fields = below.mapping(("apart", "across"), required=("apart",))
            across = fields["across"].boolean() if "across" in fields else False
            found.append(QualityCut(name, apart_arcsec=angle_arcsec(fields["apart"]), across=across))
        elif not below.text().strip():
            raise below.error(f"quality cut {name!r} is empty", "write it like: snr >= 7")
        else:
            found.append(QualityCut(name, keep=below.text().strip()))
    return tuple(found)


def _words(spot: Spot, kind: str) -> dict[str, str]:
    """Texts by name."""
    fields = spot.mapping()
    for name, below in fields.items():
        _check_at(below, name, kind)
    return {name: below.text() for name, below in fields.items()}


def _each(
    fields: Mapping[str, Spot], name: str, read: Callable[[Spot], T], forbidden: tuple[str, ...] = ()
) -> dict[str, T]:
    found = fields[name].mapping() if name in fields else {}
    known: dict[str, str] = {}  # scripts find inputs and parameters as STOA_PARAM_SNR
    for key, spot in found.items():
        if not _IDENTIFIER.fullmatch(key):
            raise spot.error(f"the name {brief(key)} in {name} must be letters, digits and _, not a digit first")
        if key in forbidden:
            raise spot.error(f"the name {key!r} in {name} is a placeholder of its own")
        if key.upper() in known:
            raise spot.error(f"the names {known[key.upper()]!r} and {key!r} in {name} differ in case only")
        known[key.upper()] = key
    return {key: read(spot) for key, spot in found.items()}


def safe_name(spot: Spot) -> str:
    """The text there, if it can name a definition."""
    return _check_at(spot, spot.text(), spot.field if spot.field != "name" else "definition")


def _check_at(spot: Spot, name: str, kind: str) -> str:
    try:
        return check_name(name, kind)
    except StoaError as problem:
        raise spot.error(problem.message, problem.hint) from None


def _needs(spot: Spot) -> tuple[Need, ...]:
    """Other processes, as ``NAME`` or ``NAME@SET``."""
    found: dict[str, Need] = {}
    for below in [spot] if isinstance(spot.content, dict) else spot.sequence():
        if not isinstance(below.content, str):
            raise below.error(f"a process in {spot.field} is a word, NAME or NAME@SET", f"{spot.field}: [sep@deep]")
        name, at, params = below.text().partition("@")
        if name in found:
            raise below.error(f"{spot.field} has process {brief(name)} twice", "name one parameter set of it")
        _check_at(below, name, "process")
        found[name] = Need(name, _check_at(below, params, "parameter set")) if at else Need(name)
    return tuple(found.values())


def _script(spot: Spot) -> str:
    return path_below(spot, "the repository")


def _files(spot: Spot, script: str) -> tuple[str, ...]:
    """Files that are beside the script in a run, so that their names have to differ."""
    if not script:
        raise spot.error("files are beside a script, and this process has none")
    taken = {posixpath.basename(script)}
    found = []
    for below in spot.sequence():
        path = path_below(below, "the repository")
        name = posixpath.basename(path)
        if name in taken:
            raise below.error(f"files has two of the name {brief(name)}; they are beside one another in a run")
        taken.add(name)
        found.append(path)
    return tuple(found)


def _command(spot: Spot, *, shell: bool) -> tuple[str, ...]:
    words = spot.texts()
    if not words or not words[0].strip():
        raise spot.error("command is empty")
    if not shell and isinstance(spot.content, str) and len(spot.content.split()) > 1:
        example = ", ".join(_quoted(word) for word in spot.content.split())
        raise spot.error("command must be a list of words", f"write [{example[:200]}], or add `shell: true`")
    return words


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[A-Za-z0-9_./-]+", word) else json.dumps(word, ensure_ascii=False)


def _param(spot: Spot) -> ParamSpec:
    fields = spot.mapping(("type", "default", "min", "max", "choices", "unit", "doc"), required=("type",))
    type_ = cast(ValueType, fields["type"].word(_TYPES))
    spec = ParamSpec(
        type=type_,
        min=get(fields, "min", partial(_limit, type_=type_), None),
        max=get(fields, "max", partial(_limit, type_=type_), None),
        unit=get(fields, "unit", Spot.text, ""),
        doc=get(fields, "doc", Spot.text, ""),
    )
    if spec.min is not None and spec.max is not None and spec.min > spec.max:
        raise fields["max"].error(f"{spot.field} has a max below its min")
    choices = tuple(_allowed(choice, spec) for choice in fields["choices"].sequence()) if "choices" in fields else ()
    spec = msgspec.structs.replace(spec, choices=choices)
    return msgspec.structs.replace(spec, default=get(fields, "default", lambda s: _allowed(s, spec), None))


def _limit(spot: Spot, type_: ValueType) -> float:
    if type_ not in ("int", "float"):
        raise spot.error(f"{spot.field} is for numbers, and this parameter is of type {type_}")
    return spot.number()


def _allowed(spot: Spot, spec: ParamSpec) -> Value:
    try:
        return check_value(spot.value(spec.type), spec)
    except ValueError as problem:
        raise spot.error(f"{spot.field} {problem}") from None


def _input(spot: Spot) -> InputSpec:
    fields = spot.mapping(("role", "pattern", "optional", "choose", "accept", "thumbnail", "missing"))
    if ("role" in fields) == ("pattern" in fields):
        raise spot.error(
            f"{spot.field} needs a role or a pattern, and not both",
            "role: correctedImage takes an image by its metadata, pattern: '*.ms' a file or folder by its name",
        )
    for name in ("choose", "accept"):
        if "pattern" in fields and name in fields:
            raise fields[name].error(f"{spot.field}.{name} is for inputs with a role")
    optional = get(fields, "optional", Spot.boolean, False)
    if "missing" in fields and ("role" in fields or optional):
        raise fields["missing"].error(f"{spot.field}.missing is for inputs with a pattern that are not optional")
    roles = fields["role"].texts() if "role" in fields else ()
    if "role" in fields and not roles:
        raise fields["role"].error(f"{spot.field}.role names no role")
    return InputSpec(
        role=roles,
        pattern=path_below(fields["pattern"], "the target's folder") if "pattern" in fields else "",
        optional=optional,
        choose=cast(Choice, get(fields, "choose", lambda s: s.word(get_args(Choice)), "continuum")),
        accept=get(fields, "accept", lambda s: tuple(below.word(_ACCEPTED) for below in s.sequence()), ()),
        thumbnail=get(fields, "thumbnail", Spot.boolean, False),
        missing=cast(Literal["block", "skip"], get(fields, "missing", lambda s: s.word(("block", "skip")), "block")),
    )


def _output(spot: Spot) -> OutputSpec:
    known = ("path", "kind", "optional", "tolerance", "ignore", "key", "share", "thumbnail")
    fields = spot.mapping(known, required=("path",))
    kind = get(fields, "kind", lambda s: s.word(_KINDS), "file")
    if kind == "folder" and "share" in fields:
        raise fields["share"].error(
            f"{spot.field}.share is for files, and a folder stays where the job wrote it",
            "let the script write an archive of it, and declare that as an output of its own",
        )
    return OutputSpec(
        path=path_below(fields["path"], "the job's directory"),
        kind=kind,
        optional=get(fields, "optional", Spot.boolean, False),
        tolerance=get(fields, "tolerance", tolerance, 0.0),
        ignore=get(fields, "ignore", Spot.texts, ()),
        key=get(fields, "key", Spot.texts, ()),
        share=get(fields, "share", lambda s: s.word(_SHARED), ""),
        thumbnail=get(fields, "thumbnail", Spot.boolean, False),
    )


def _result(spot: Spot) -> ResultSpec:
    fields = spot.mapping(("type", "unit", "tolerance", "doc"), required=("type",))
    return ResultSpec(
        type=cast(ValueType, fields["type"].word(_TYPES)),
        unit=get(fields, "unit", Spot.text, ""),
        tolerance=get(fields, "tolerance", tolerance, 0.0),
        doc=get(fields, "doc", Spot.text, ""),
    )
