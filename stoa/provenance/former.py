"""Former names: what was recorded under the old name of a target or definition belongs to the renamed one.

A renamed definition keeps its former names in its own file, in the field ``formerly``. Records are never edited: they
name what they named when they were written, and get their present names when they are read. See
``docs/design/0014-former-names.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from stoa.model import Outcome, Run, Summary, Target
from stoa.provenance.definitions import FORMERLY, former_names
from stoa.provenance.dialect import RecordError
from stoa.provenance.fields import get
from stoa.provenance.records import read_targets
from stoa.provenance.yamltree import DefinitionError, read_yaml

FOLDERS = ("targets", "processes", "params", "environments")
"""Folders of `.stoa` whose files have former names."""

Problem = tuple[str, str]
"""A file below `.stoa`, and what is wrong with it."""


class Former(msgspec.Struct, frozen=True):
    """Present names by former ones.

    Attributes
    ----------
    params
        Present name of the process and former name of the set -> present name of the set.
    """

    targets: dict[str, str] = {}
    processes: dict[str, str] = {}
    params: dict[tuple[str, str], str] = {}
    environments: dict[str, str] = {}

    def target(self, name: str) -> str:
        return self.targets.get(name, name)

    def process(self, name: str) -> str:
        return self.processes.get(name, name)

    def environment(self, name: str) -> str:
        return self.environments.get(name, name)

    def parameter_set(self, process: str, name: str) -> str:
        """The present name of a set, also of one that was made of a renamed one by settings: ``deep+snr=4``.

        Parameters
        ----------
        process
            Its present name.
        """
        if (process, name) in self.params:
            return self.params[process, name]
        base, plus, settings = name.partition("+")
        present = self.params.get((process, base))
        return f"{present}+{settings}" if present and plus and "=" in settings else name

    def run(self, run: Run) -> Run:
        """A run with the present names of what it was about."""
        process, environment = self.process(run.process), self.environment(run.environment)
        params = self.parameter_set(process, run.params.name)
        if (process, params) == (run.process, run.params.name) and not self.environments:
            return run
        return msgspec.structs.replace(
            run, process=process, environment=environment,
            params=msgspec.structs.replace(run.params, process=process, name=params),
            digests={self._of_environment(key): value for key, value in run.digests.items()},
        )  # fmt: skip

    def _of_environment(self, key: str) -> str:
        """The name of a digest, which may have that of an environment at its end."""
        for start in ("environment ", "content of "):
            if key.startswith(start):
                return start + self.environment(key.removeprefix(start))
        return key

    def outcome(self, outcome: Outcome) -> Outcome:
        """An outcome with the present names; the very same one where it has them."""
        if outcome.target not in self.targets and outcome.environment not in self.environments:
            return outcome
        return msgspec.structs.replace(
            outcome, target=self.target(outcome.target), environment=self.environment(outcome.environment)
        )

    def summary(self, summary: Summary) -> Summary:
        """A summary with the present names of the targets."""
        causes = [
            msgspec.structs.replace(cause, targets=tuple(map(self.target, cause.targets))) for cause in summary.causes
        ]
        return msgspec.structs.replace(summary, causes=tuple(causes)) if self.targets else summary

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Kind, process of a set, former and present name of each."""
        found = [("params", process, old, new) for (process, old), new in self.params.items()]
        for kind in ("targets", "processes", "environments"):
            found += [(kind, "", old, new) for old, new in getattr(self, kind).items()]
        return sorted(found)

    @classmethod
    def of_rows(cls, rows: list[tuple[str, str, str, str]]) -> Former:
        """The reverse of `rows`."""
        made = cls(targets={}, processes={}, params={}, environments={})
        for kind, process, old, new in rows:
            if kind == "params":
                made.params[process, old] = new
            else:
                getattr(made, kind)[old] = new
        return made


class DefinitionFiles:
    """Definitions of a commit or of the work tree, by path below `.stoa`."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._folders: dict[str, dict[str, bytes]] = {}
        for path, data in files.items():
            folder, _, name = path.rpartition("/")
            if name.endswith(".yaml") and not name.startswith("."):
                self._folders.setdefault(folder, {})[name.removesuffix(".yaml")] = data

    def files(self, folder: str) -> Mapping[str, bytes]:
        """Name without ``.yaml`` -> content of each definition directly in a folder."""
        return self._folders.get(folder, {})

    def folders(self, folder: str) -> list[str]:
        """Names of the folders directly in a folder."""
        parts = (name.rpartition("/") for name in self._folders)
        return sorted(last for above, _, last in parts if above == folder)


def read_former(definitions: DefinitionFiles) -> tuple[Former, list[Problem]]:
    """The former names that definitions give, and what contradicts them.

    A former name that is present again, or that two definitions claim, stands for itself.
    """
    problems: list[Problem] = []
    processes, environments = (_of_kind(definitions, kind, problems) for kind in ("processes", "environments"))
    params: dict[tuple[str, str], str] = {}
    for process in definitions.folders("params"):
        found = _of_kind(definitions, f"params/{process}", problems)
        params |= {(process, old): new for old, new in found.items()}
        if process in processes and definitions.files(f"params/{process}"):
            now = processes[process]
            words = f"parameter sets are under the former name of process {now!r}"
            problems.append((f"params/{process}", f"{words}: `stoa process rename {process} {now}` moves them"))
    targets = _of_targets(definitions, problems)
    return Former(targets, processes, params, environments), problems


def _of_kind(definitions: DefinitionFiles, folder: str, problems: list[Problem]) -> dict[str, str]:
    files = definitions.files(folder)
    claims = [(old, name) for name, data in files.items() for old in _claimed(data, f"{folder}/{name}.yaml")]
    return _settled(claims, files, lambda name: f"{folder}/{name}.yaml", problems)


def _claimed(data: bytes, file: str) -> tuple[str, ...]:
    """Former names in a definition; none in one that cannot be read, which its own reader says."""
    if FORMERLY.encode() not in data:
        return ()
    try:
        return get(read_yaml(data, file).mapping(), FORMERLY, former_names, ())
    except DefinitionError:
        return ()


def _of_targets(definitions: DefinitionFiles, problems: list[Problem]) -> dict[str, str]:
    lists = definitions.files("targets")
    if not any(f'"{FORMERLY}"'.encode() in data for data in lists.values()):
        return {}
    targets: list[Target] = []
    homes: dict[str, str] = {}
    for name, data in lists.items():
        try:
            mine = read_targets(data, f"targets/{name}.yaml")
        except RecordError:
            continue  # every command that needs the targets says so
        targets += mine
        homes |= {target.name: f"targets/{name}.yaml" for target in mine}
    left = leftovers(targets)
    for old, new in left.items():
        words = f"the folder of target {new!r} has a second line, with its former name {old!r}"
        problems.append((homes[old], f"{words}: `stoa target rename {old} {new}` removes that"))
    claims = [(old, target.name) for target in targets for old in target.formerly]
    present = {target.name: b"" for target in targets if target.name not in left}
    return _settled(claims, present, homes.__getitem__, problems)


def leftovers(targets: list[Target]) -> dict[str, str]:
    """Lines of former names that a merge by hand has kept beside those of the renamed targets: old -> new name."""
    renamed = [target for target in targets if target.formerly]
    present = {(target.root, target.path, target.name) for target in targets} if renamed else set()
    return {
        old: target.name
        for target in renamed
        for old in target.formerly
        if old != target.name and (target.root, target.path, old) in present
    }


def _settled(
    claims: list[tuple[str, str]], present: Mapping[str, object], file: Callable[[str], str], problems: list[Problem]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for old, new in claims:
        if old == new:
            continue
        if old in present:
            words = f"{old!r} is there again, so that its records are not those of {new!r}: remove it, or rename it"
            problems.append((file(new), f"the former name {words}"))
        elif found.setdefault(old, new) != new:
            words = f"{old!r} is claimed by {found[old]!r} too: take it out of `{FORMERLY}` in one of them"
            problems.append((file(new), f"the former name {words}"))
    twice = {old for old, new in claims if found.get(old, new) != new}
    return {old: new for old, new in found.items() if old not in twice}
