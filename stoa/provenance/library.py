"""The definitions of a project as they are in the work tree, by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import closing, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

import msgspec

from stoa.durable import NOT_YOURS
from stoa.errors import NotFoundError, StoaError
from stoa.model import Environment, Need, ParameterSet, Pattern, Process, Target
from stoa.opening import open_regular
from stoa.project import PRODUCTS_ROOT, STOA_DIR, Config, Local, Project
from stoa.provenance.definitions import read_config, read_local, read_process
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.former import DefinitionFiles, Former, leftovers, read_former
from stoa.provenance.git import GitError, find, holders, way_back
from stoa.provenance.parameter_sets import complete, read_parameter_set
from stoa.provenance.records import read_patterns, read_targets
from stoa.provenance.yamltree import MAX_BYTES, DefinitionError

DEFAULT_SET = "default"
MAX_TARGETS = 100 * MAX_BYTES
T = TypeVar("T")


LOOKED_INTO = ("", "params", "cache", "spool")
"""Folders of `.stoa` whose entries are looked at for links; of all others only plain files are read, one by one."""

LISTED = (*LOOKED_INTO, "targets", "patterns", "processes", "environments")
"""Folders of `.stoa` that are listed: where that is forbidden they must not pass for empty ones."""


class LinkError(StoaError):
    """Something of a project is a symbolic link, by which git can lead out of the repository."""


class NoProject(StoaError):
    """There is no `.stoa` folder here or above, in the work tree at least."""


def open_project(start: Path) -> Project:
    """The project that a folder belongs to.

    Raises
    ------
    NoProject
        If there is no `.stoa` folder here or above.
    LinkError
        If the folder, or one in it, is a symbolic link; nothing is read through it.
    DefinitionError
        If its settings cannot be read.
    """
    start = start.absolute()
    for top in (start, *start.parents):
        if _has_project(top):
            _refuse_unreadable(top / STOA_DIR)
            _refuse_links(top)
            empty = Project(top, Config(project=""), Local())
            config = read_config(_content(empty, empty.config_file), shown(empty, empty.config_file))
            local = Local()
            if empty.local_file.exists():
                local = read_local(_content(empty, empty.local_file), shown(empty, empty.local_file))
            return Project(top, config, local)
    raise _no_project(start)


def _has_project(top: Path) -> bool:
    try:
        return (top / STOA_DIR / "config.yaml").is_file()
    except PermissionError:
        raise _unreadable(top / STOA_DIR) from None


def _refuse_unreadable(stoa: Path) -> None:
    for folder in (*(stoa / name for name in LISTED), *(stoa / "params").glob("*/")):
        if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
            raise _unreadable(folder)


def _unreadable(folder: Path) -> StoaError:
    return StoaError(f"you may not read {folder}", NOT_YOURS)


def _refuse_links(top: Path) -> None:
    links = [top / STOA_DIR] if (top / STOA_DIR).is_symlink() else _links_in(top / STOA_DIR)
    if links:
        names = [str(link.relative_to(top)) for link in links]
        others = f" (and so are {', '.join(names[1:])})" if len(names) > 1 else ""
        raise LinkError(
            f"{names[0]} is a symbolic link{others}; STOA neither reads nor writes through links in {top / STOA_DIR}",
            f"put a file or folder in its place; `git log -- {names[0]}` says who made the link, if it came by git",
        )


def _links_in(stoa: Path) -> list[Path]:
    found = []
    for folder in (stoa / name for name in LOOKED_INTO):
        if folder.is_dir() and not folder.is_symlink():
            found += [entry for entry in folder.iterdir() if entry.is_symlink()]
    return sorted(found)


def _no_project(start: Path) -> NoProject:
    """The hint for a folder without a project: the commit may hold one that the work tree does not show here."""
    message = f"{start} is in no STOA project"
    try:
        with closing(find(start)) as repository:
            tops = holders(repository, head, f"{STOA_DIR}/config.yaml") if (head := repository.head()) else []
            around = [top for top in tops if start.is_relative_to(repository.top / top)]
            for top in around[-1:] or tops[:1]:
                if not (repository.top / top / STOA_DIR).exists():
                    folder = f"{top}/{STOA_DIR}".lstrip("/")
                    return NoProject(
                        f"the project of {repository.top / top} is in git and not in the work tree",
                        f"{way_back(repository, folder, start)} brings it here",
                    )
                place = os.path.relpath(repository.top / top, start)
                return NoProject(f"{message}; this repository has one in {place}", f"`stoa -C {place} ...`")
    except GitError:
        pass
    return NoProject(message, "`stoa init` makes one in a git repository")


def shown(project: Project, file: Path) -> str:
    """A file's name for messages: relative to the project where it is in it."""
    return str(file.relative_to(project.top)) if file.is_relative_to(project.top) else str(file)


class Library:
    """Definitions by name; each is read from its file when it is asked for."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def _names(self, folder: Path) -> list[str]:
        return sorted(file.stem for file in folder.glob("*.yaml") if not file.name.startswith("."))

    def processes(self) -> list[str]:
        return self._names(self.project.process_file("x").parent)

    def environments(self) -> list[str]:
        return self._names(self.project.environment_file("x").parent)

    def parameter_sets(self, process: str) -> list[str]:
        """Names of the sets of a process; `default` is always one."""
        return sorted({DEFAULT_SET, *self._names(self.project.params_file(process, "x").parent)})

    def former(self) -> Former:
        """Present names by former ones, of processes, parameter sets and environments."""
        files = [
            *self.project.process_file("x").parent.glob("*.yaml"),
            *self.project.environment_file("x").parent.glob("*.yaml"),
            *self.project.params_file("x", "x").parent.parent.glob("*/*.yaml"),
        ]
        read: dict[str, bytes] = {}
        for file in filter(Path.is_file, files):  # a pipe would be waited for
            with suppress(DefinitionError):  # said by whoever asks for it by name
                read[file.relative_to(self.project.stoa).as_posix()] = _content(self.project, file)
        return read_former(DefinitionFiles(read))[0]

    def need(self, need: Need) -> Need:
        """What a process needs, by the present names of it; names that are present stand for themselves."""
        here = self.project.params_file(need.process, need.params)
        if self.project.process_file(need.process).is_file() and (need.params == DEFAULT_SET or here.is_file()):
            return need
        former = self.former()
        process = former.process(need.process)
        return Need(process, former.parameter_set(process, need.params))

    def over_products(self) -> dict[str, tuple[Need, ...]]:
        """The processes whose products others run over, by those others; a definition that is wrong counts for none.

        Only files with the word are parsed, as this is asked for each process of a project.
        """
        found: dict[str, tuple[Need, ...]] = {}
        for name in self.processes():
            with suppress(StoaError, OSError):
                if b"over_products_of" in _content(self.project, self.project.process_file(name)):
                    found[name] = tuple(map(self.need, self.process(name).over_products_of))
        return {name: needs for name, needs in found.items() if needs}

    def process(self, name: str) -> Process:
        """A process by name; the environment that it names has its present name.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        DefinitionError
            If its file is wrong, or names another process.
        """
        hint = "`stoa process list` shows them, `stoa process add` and `stoa process new` make one"
        data = self._read(self.project.process_file(name), "process", name, self.processes(), hint, Former.process)
        file = shown(self.project, self.project.process_file(name))
        process = read_process(data, file)
        _check_own_name("process", process.name, name, file)
        if (self.project.environment_file(process.environment)).is_file():
            return process
        return msgspec.structs.replace(process, environment=self.former().environment(process.environment))

    def parameter_set(self, process: Process, name: str, later: Container[str] = ()) -> ParameterSet:
        """A parameter set by name; `default` needs no file.

        Parameters
        ----------
        later
            Parameters that need no value yet.
        """
        file = self.project.params_file(process.name, name)
        if name == DEFAULT_SET and not file.exists():
            return complete(process, name, {}, later=later)
        known = self.parameter_sets(process.name)
        hint = f"`stoa params list --process {process.name}` shows them, `stoa params new` makes one"
        renamed = partial(Former.parameter_set, process=process.name)
        data = self._read(file, f"parameter set of process {process.name!r}", name, known, hint, renamed)
        return read_parameter_set(data, shown(self.project, file), process, name, later)

    def environment(self, name: str) -> Environment:
        file = self.project.environment_file(name)
        hint = "`stoa env list` shows them"
        data = self._read(file, "environment", name, self.environments(), hint, Former.environment)
        environment = read_environment(data, shown(self.project, file))
        _check_own_name("environment", environment.name, name, shown(self.project, file))
        return environment

    def target_lists(self) -> dict[str, list[Target]]:
        """The targets of every list."""
        return {name: read_targets(data, file) for name, file, data in self._target_files()}

    def _target_files(self) -> tuple[tuple[str, str, bytes], ...]:
        """Name, file as it is shown, and content of every list."""
        files = sorted(self.project.target_list("x").parent.glob("*.yaml"))
        return tuple(
            (file.stem, shown(self.project, file), _content(self.project, file, MAX_TARGETS)) for file in files
        )

    def patterns(self) -> dict[str, list[Pattern]]:
        """The patterns of every list of targets that has any."""
        files = sorted(filter(Path.is_file, self.project.patterns_file("x").parent.glob("*.yaml")))
        return {file.stem: read_patterns(_content(self.project, file), shown(self.project, file)) for file in files}

    def targets(self) -> dict[str, Target]:
        """All targets by name, without those that were removed.

        Raises
        ------
        StoaError
            If two targets share a name (told apart without case), or a folder has two.
        """
        return {name: target for name, target in self.all_targets().items() if not target.removed}

    def all_targets(self) -> dict[str, Target]:
        """All targets by name, those that were removed as well; see `targets`."""
        return dict(_by_name(self._target_files()))

    def _read(
        self, file: Path, kind: str, name: str, known: list[str], hint: str, present: Callable[..., str]
    ) -> bytes:
        if name not in known or not file.is_file():
            if name in known and file.exists():
                raise DefinitionError("a folder, pipe or device, and not a file", shown(self.project, file))
            if "/" not in name and any(other.stem == name for other in file.parent.glob("*.yml")):
                read = shown(self.project, file)
                raise NotFoundError(kind, name, [], f"`mv {read.removesuffix('.yaml')}.yml {read}`")
            now = present(self.former(), name=name)
            raise NotFoundError(kind, name, known, hint, "" if now == name else now)
        return _content(self.project, file)

    def problems(self, read: Callable[[str], T], names: list[str]) -> list[StoaError]:
        """What is wrong with the definitions of these names."""
        found = []
        for name in names:
            try:
                read(name)
            except StoaError as problem:
                found.append(problem)
        return found


@lru_cache(maxsize=2)
def _by_name(files: tuple[tuple[str, str, bytes], ...]) -> Mapping[str, Target]:
    """The targets of all lists; a program that asks again and again has equal contents read once."""
    found: dict[str, Target] = {}
    homes: dict[str, tuple[str, Target]] = {}
    lists = {name: read_targets(data, file) for name, file, data in files}
    left = leftovers([target for targets in lists.values() for target in targets])
    for list_name, targets in lists.items():
        for target in targets:
            if target.name in left:
                continue
            home, other = homes.setdefault(target.name.casefold(), (list_name, target))
            if (other.root, other.path, other.name) != (target.root, target.path, target.name):
                raise StoaError(
                    f"two targets are named {target.name!r}: {other.root}:{other.path} (targets/{home}.yaml)"
                    f" and {target.root}:{target.path} (targets/{list_name}.yaml)",
                    "give one of them another name in its line",
                )
            if target.name not in found or target.removed:  # of two lines by a merge, the later deed counts
                found[target.name] = target
    _refuse_twins(found.values())
    return dict(sorted(found.items()))


def _refuse_twins(targets: Iterable[Target]) -> None:
    """Raise `StoaError` if a folder has two names."""
    places: dict[tuple[str, str], str] = {}
    for target in targets:
        other = places.setdefault((target.root, target.path), target.name) if not target.removed else target.name
        if other != target.name:
            raise StoaError(
                f"the folder {target.root}:{target.path} is two targets: {other!r} and {target.name!r}",
                f"a merge by hand may have kept both lines in .stoa/targets: `stoa target rename {other} {target.name}`"
                " makes them one",
            )


def _content(project: Project, file: Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a definition's file; a huge one is cut just above what a reader accepts."""
    if file.is_symlink():
        raise DefinitionError(
            "a symbolic link, which STOA does not follow", shown(project, file), None, "copy the file"
        )
    try:
        with open_regular(file, follow_links=False) as stream:
            return stream.read(limit + 1)
    except OSError as problem:
        raise DefinitionError(f"cannot be read: {problem.strerror}", shown(project, file)) from None


def _check_own_name(kind: str, written: str, name: str, file: str) -> None:
    if written != name:
        raise DefinitionError(
            f"the file of {kind} {name!r} defines {written!r}", file, None, "the field `name` and the file's name agree"
        )


def root_names(project: Project) -> list[str]:
    """Every root that is known here."""
    return sorted({*project.config.roots, *project.local.roots, PRODUCTS_ROOT})
