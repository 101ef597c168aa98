"""The environment that a process names, and those that its rules choose for some targets."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from stoa.errors import StoaError
from stoa.exec.environments import NotBuilt, Prepared, Setting, identity_of, prepare
from stoa.model import Container, Environment, Run
from stoa.project import Project
from stoa.provenance.digests import environment_digest
from stoa.workspace.open import Workspace
from stoa.workspace.selection import described
from stoa.workspace.trust import is_accepted, prepare_trusted


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may use as environments."""

    usual: str
    known: dict[str, Environment]  # the usual one and those that its rules name
    digests: dict[str, str]  # of their definitions, with the files that these name
    frozen: dict[str, bytes]  # path below the run's `frozen` folder -> content


class Chosen(msgspec.Struct, frozen=True):
    """The environment of one target; "" is the usual one, for no particular reason."""

    name: str = ""
    reason: str = ""


def setting_of(project: Project, *, build: bool = False, again: bool = False, top: Path | None = None) -> Setting:
    """Where environments of a project are made ready."""
    return Setting(
        caller=os.environ, top=(top or project.top).absolute(), cache=project.cache, build=build, again=again
    )


def look_up(ws: Workspace, name: str) -> Places:
    """An environment and those of its rules, with the files that they name."""
    usual = ws.library.environment(name)
    known = {name: usual}
    for wanted in _ruled(ws, usual):
        known[wanted] = other = ws.library.environment(wanted)
        if other.rules and other is not usual and wanted != name:
            raise StoaError(
                f"environment {name!r} has a rule for {wanted!r}, which has rules of its own",
                "put all rules into one of them",
            )
    digests: dict[str, str] = {}
    frozen: dict[str, bytes] = {}
    for each, environment in known.items():
        files = named_files(ws.project, environment)
        digests[each] = environment_digest(environment, files)
        record = "environment.yaml" if each == name else f"environments/{each}.yaml"
        frozen[record] = ws.project.read(ws.project.environment_file(each))
        frozen |= {f"environments/{each}/{os.path.basename(file)}": content for file, content in files.items()}
    return Places(usual=name, known=known, digests=digests, frozen=frozen)


def _ruled(ws: Workspace, environment: Environment) -> list[str]:
    """The environments that the rules name, each by its present name."""
    if not environment.rules:
        return []
    former = ws.library.former()
    return [former.environment(rule.environment) for rule in environment.rules]


def named_files(project: Project, environment: Environment) -> dict[str, bytes]:
    """Content of the files that a definition names, by path."""
    found = {}
    for file in environment.named_files:
        try:
            found[file] = project.read(project.top / file)
        except OSError as problem:
            raise StoaError(
                f"cannot read {file}, which environment {environment.name!r} names: {problem.strerror}",
                "its path is relative to the project's folder",
            ) from None
    return found


def choose_environments(ws: Workspace, places: Places, names: Iterable[str]) -> dict[str, Chosen]:
    """The environment of each target for which a rule chooses one; the first rule that matches counts."""
    wanted = set(names)
    found: dict[str, Chosen] = {}
    usual = places.known[places.usual]
    for rule, name in zip(usual.rules, _ruled(ws, usual), strict=True):
        for target in described(ws, rule.where, f"a rule of environment {places.usual!r}") & wanted:
            found.setdefault(target, Chosen(name, rule.doc or rule.where))
    return found


def prepare_all(project: Project, places: Places, used: Iterable[str], top: Path | None = None) -> dict[str, Prepared]:
    """Every environment that a run uses, made ready (and built, if need be); "" is the usual one.

    Parameters
    ----------
    top
        Folder that files of environments are relative to, in the place of the project's.

    Raises
    ------
    EnvironmentProblem
        If one of them cannot be made ready, before any job has started.
    """
    setting = setting_of(project, build=True, top=top)
    unknown = sorted(name for name in used if name and name not in places.known)
    if unknown:
        raise StoaError(
            f"environment {unknown[0]!r} is not among those of the run ({', '.join(sorted(places.known))})",
            "an outcome names it; `git log -p` of the run's folder in .stoa/runs says who wrote that",
        )
    return {name: prepare(places.known[name or places.usual], setting) for name in sorted(used)}


def contained(prepared: Prepared, run: str, readable: Iterable[Path], writable: Collection[Path]) -> Container | None:
    """The container of an environment with the folders of a run; None where it needs none.

    Parameters
    ----------
    readable, writable
        What jobs read and write; those that are not there are left out.
    """
    if prepared.container is None:
        return None
    places = {str(path.absolute()): path in writable for path in (*readable, *writable) if path.is_dir()}
    return msgspec.structs.replace(
        prepared.container,
        readable=tuple(sorted(place for place, writes in places.items() if not writes)),
        writable=tuple(sorted(place for place, writes in places.items() if writes)),
        labels={"stoa.run": run},
    )


def run_digests(places: Places, identities: Mapping[str, str]) -> dict[str, str]:
    """What a run notes about its environments, beside the digest of the usual one.

    Parameters
    ----------
    identities
        Image or lock of those that it uses, by name.
    """
    others = {f"environment {name}": digest for name, digest in places.digests.items() if name != places.usual}
    return others | {f"content of {name}": identity for name, identity in identities.items() if identity}


class Present:
    """What environments are now, asked for once each."""

    def __init__(self, project: Project, places: Places) -> None:
        self._setting = setting_of(project)
        self._places = places
        self._identities: dict[str, str] = {}

    def change_since(self, run: Run, ran_in: str, chosen: str) -> str:
        """What is another environment than that of an old outcome, in words; "" if nothing is.

        An image or a lock that is not known now, on a machine that lacks it, says nothing.

        Parameters
        ----------
        ran_in, chosen
            Environment of the old outcome and of the new job; "" is the usual one of each.
        """
        old, new = ran_in or run.environment, chosen or self._places.usual
        before = run.digests.get("environment" if old == run.environment else f"environment {old}")
        if before != self._places.digests[new]:
            return f"environment: {old} -> {new}" if old != new else f"the environment {new!r} changed"
        was, now = run.digests.get(f"content of {old}", ""), self._identity(new)
        if was and now and was != now:
            return f"the environment {new!r} was built again or its image changed: {was[:19]} -> {now[:19]}"
        return ""

    def _identity(self, name: str) -> str:
        if name not in self._identities:
            self._identities[name] = identity_of(self._places.known[name], self._setting)
        return self._identities[name]


def not_accepted(ws: Workspace, name: str) -> list[str]:
    """Those of an environment and the ones of its rules that came from someone else and were not used here yet."""
    places = look_up(ws, name)
    choose_environments(ws, places, ())
    return [each.name for each in places.known.values() if not is_accepted(ws, each)]


def check_environment(ws: Workspace, name: str) -> None:
    """Raise for what is wrong with an environment and those of its rules; one that is not built yet is right."""
    places = look_up(ws, name)
    choose_environments(ws, places, ())
    for environment in places.known.values():
        with suppress(NotBuilt):
            prepare_trusted(ws, environment, setting_of(ws.project))
