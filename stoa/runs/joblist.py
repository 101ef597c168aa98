"""From a planned job to one that an engine can start."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from stoa.durable import make_folder, write_hint
from stoa.errors import StoaError
from stoa.exec.environments import Prepared
from stoa.exec.job.command import expand
from stoa.exec.job.importable import place_module
from stoa.exec.job.inputs import watch
from stoa.exec.job.jobs import JobContext, job_description, job_environ, placeholder_values
from stoa.exec.job.warm.modules import warm_of
from stoa.meta.document import Document
from stoa.meta.input_facts import facts_of_input
from stoa.model import Container, FileRef, Job, Process, Run, Target, Warm, Watched, effective
from stoa.project import PRODUCTS_ROOT, Project
from stoa.runs.definitions import Definitions
from stoa.runs.environments import contained
from stoa.runs.needs import paths
from stoa.runs.planned import PlannedJob
from stoa.workspace.open import Workspace

LEAST_FREE_MB = 100
"""A run does not start on a disk with less than this left."""


class JobMaker:
    """Makes the jobs of one run.

    Parameters
    ----------
    prepared
        Environments by name; "" is the usual one.
    products
        Where the products root is.
    home
        Folder below it that takes the place of the process's and the run's; "" for these.
    """

    def __init__(
        self,
        ws: Workspace,
        run: Run,
        definitions: Definitions,
        prepared: Mapping[str, Prepared],
        products: Path,
        home: str = "",
    ) -> None:
        self.ws = ws
        self.run = run
        self.definitions = definitions
        self.prepared = prepared
        self.products = products
        self._home = home
        self._script = ""
        self._module: Path | None = None
        self._scripts: tuple[Watched, ...] = ()
        self._warm: Warm | None = None
        self._containers: dict[str, Container | None] = {}
        self._roots: dict[str, str] = {}
        self._described: tuple[str, Document | None] = ("", None)
        self._meta = str(ws.project.meta_file("x").parent.absolute())
        self._environs = {
            name: with_siblings(each.environ, ws.project, definitions.process) for name, each in prepared.items()
        }

    def place_script(self, folder: Path) -> None:
        """Write the copy of the script that the jobs use, its files beside it; edits meanwhile change nothing."""
        self._script, self._scripts = _place_script(self.definitions, folder)
        self._place_module(folder / "python")
        self._containers = {name: self._contained(prepared) for name, prepared in self.prepared.items()}
        process = self.definitions.process
        home = str((self.ws.project.top / process.script).parent.absolute())
        self._warm = warm_of(process, self._script, sources_of(self.definitions), home)

    def _place_module(self, folder: Path) -> None:
        """Give jobs whose interpreter may lack STOA the module that scripts import, last on their path."""
        needing = [name for name, each in self.prepared.items() if each.container or each.interpreter != sys.executable]
        if not needing:
            return
        try:
            self._module = place_module(folder)
        except OSError as problem:
            raise StoaError(f"cannot write {folder}: {problem.strerror}", write_hint(problem)) from None
        for name in needing:
            environ = self._environs[name]
            path = os.pathsep.join(filter(None, (environ.get("PYTHONPATH", ""), str(folder.absolute()))))
            self._environs[name] = {**environ, "PYTHONPATH": path}

    def _contained(self, prepared: Prepared) -> Container | None:
        """The container of an environment, if it needs one, with all that the jobs of this run read and write."""
        if prepared.container is None:
            return None
        process = self.definitions.process
        work = self.products / Project.job_place(self._home or process.name, self.run.id, "", kind=".work")
        work.mkdir(parents=True, exist_ok=True)
        readable = seen_by_containers(self.ws, process, self.products)
        if self._script:
            readable.append(Path(self._script).parent)
        if self._module:
            readable.append(self._module)
        return contained(prepared, self.run.id, readable, [work])

    def job(self, planned: PlannedJob) -> Job:
        """A job with everything that an engine needs."""
        # Thousands of jobs a minute pass here: names are put together as texts, not as `Path`s.
        process = self.definitions.process
        prepared = self.prepared[planned.environment]
        target = self.ws.targets[planned.target]
        folder = self._folder(target)
        place, work, failed = (
            Project.job_place(self._home or process.name, self.run.id, target.name, planned.group, kind=kind)
            for kind in ("", ".work", "failed")
        )
        context = JobContext(
            run=self.run.id, process=process.name, target=target.name, group=planned.group, folder=folder,
            meta=f"{self._meta}/{target.name}.xml", out=f"{self.products}/{work}",
            inputs={name: f"{folder}/{file}" if file else None for name, file in planned.inputs.items()},
            facts=self._facts(target, folder, planned.inputs),
            params=effective(self.definitions.params.values, planned.overrides),
            needs=paths(self.ws, planned.needs),
        )  # fmt: skip
        inputs, watched = fingerprints(self.ws, target, planned.inputs)
        return Job(
            run=self.run.id, target=target.name, group=planned.group,
            argv=prepared.argv(expand(process, placeholder_values(context, self._script))),
            environ=self._environs[planned.environment] | job_environ(context), work=context.out,
            place=f"{self.products}/{place}", place_ref=f"{PRODUCTS_ROOT}:{place}",
            failed_place=f"{self.products}/{failed}", failed_ref=f"{PRODUCTS_ROOT}:{failed}",
            description=job_description(context), inputs=inputs | planned.needs, watched=watched,
            scripts=self._scripts, meta=planned.meta, outputs=process.outputs, results=process.results,
            timeout_s=process.timeout_s, grace_s=process.grace_s, memory_mb=process.memory_mb,
            cpu_limit_s=process.cpu_s, file_mb=process.file_mb,
            processes=process.processes, umask=prepared.umask, skip_codes=process.skip_codes,
            environment=planned.environment, environment_reason=planned.environment_reason, overrides=planned.overrides,
            container=self._containers[planned.environment], warm=self._warm,
        )  # fmt: skip

    def _facts(self, target: Target, folder: str, inputs: Mapping[str, str | None]) -> dict[str, object]:
        """Facts of the inputs from the target's metadata document."""
        if not any(inputs.values()):
            return {}
        if self._described[0] != target.name:  # jobs of one target come together
            self._described = target.name, self.ws.indexed_document(target.name)
        document = self._described[1]
        if document is None:
            return {}
        return {name: facts_of_input(document, file, f"{folder}/{file}") for name, file in inputs.items() if file}

    def _folder(self, target: Target) -> str:
        """Absolute path of a target, without looking whether it is there."""
        if target.root not in self._roots:
            self._roots[target.root] = str(self.ws.project.root(target.root).absolute())
        root = self._roots[target.root]
        return f"{root}/{target.path}" if target.path else root


def fingerprints(
    ws: Workspace, target: Target, inputs: Mapping[str, str | None]
) -> tuple[dict[str, FileRef], dict[str, Watched]]:
    """What the inputs of a job are now, by name."""
    found, watched = {}, {}
    for name, file in inputs.items():
        if file is None:
            continue
        path = f"{target.root}:{'/'.join(part for part in (target.path, file) if part)}"
        try:
            place = ws.project.file(path)
            watched[name] = watch(str(place.absolute()))
            if place.is_dir():
                tree, sha256 = ws.checksums.folder(place)
                found[name] = FileRef(path=path, size=tree.size, sha256=sha256, files=tree.files)
                continue
            size, sha256 = ws.checksums.of(place)
        except OSError:
            size, sha256 = 0, ""  # the script will say that it is not there
        found[name] = FileRef(path=path, size=size, sha256=sha256)
    return found, watched


def products_folder(ws: Workspace) -> Path:
    """Where products go on this machine, made if it is not there.

    Raises
    ------
    StoaError
        If nothing can be written there.
    """
    folder = ws.project.root(PRODUCTS_ROOT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if folder.is_relative_to(ws.repository.top) and not ignore.exists():
            ignore.write_text("# Products are found by their records; they stay out of git.\n*\n")
    except OSError as problem:
        raise StoaError(
            f"cannot write to the products root {folder}: {problem.strerror}",
            f"`stoa root add {PRODUCTS_ROOT} PATH` puts it elsewhere",
        ) from None
    return folder.absolute()


def seen_by_containers(ws: Workspace, process: Process, products: Path) -> list[Path]:
    """Folders that jobs in containers may read, beside their script's copy."""
    found = [ws.project.meta_file("x").parent, products]
    for root in sorted({target.root for target in ws.targets.values()}):
        with suppress(StoaError):  # not on this machine: no job of this run needs it
            found.append(ws.project.root(root))
    return [*found, (ws.project.top / process.script).parent] if process.script else found


def check_home_is_hidden(ws: Workspace, process: Process, products: Path, home: str) -> None:
    """Raise if one of the folders that containers may read would show all of the user's home folder to scripts."""
    for place in seen_by_containers(ws, process, products):
        if home and Path(home).is_relative_to(place.absolute()):
            raise StoaError(
                f"{place.absolute()} would be seen inside containers, and your home folder with it",
                "scripts, data and products for containers belong in folders of their own",
            )


def check_room(products: Path, process: Process, at_once: int) -> None:
    """Raise if the disk has no room for what the jobs that run at once may write.

    Parameters
    ----------
    at_once
        How many run at once.
    """
    try:
        disk = os.statvfs(products)
    except OSError:
        return
    free_mb = disk.f_bavail * disk.f_frsize / 1e6
    wanted_mb = max(process.disk_mb * max(at_once, 1), LEAST_FREE_MB)
    if free_mb < wanted_mb:
        raise StoaError(
            f"the disk of the products has {free_mb:.0f} MB left, and a run of process {process.name!r} may need"
            f" {wanted_mb} MB at once ({products})",
            f"make room, or `stoa root add {PRODUCTS_ROOT} PATH` puts products elsewhere",
        )


def with_siblings(environ: Mapping[str, str], project: Project, process: Process) -> dict[str, str]:
    """The environ in which a Python script finds the modules beside it, though a frozen copy of it runs."""
    if not process.script.endswith(".py"):
        return dict(environ)
    folders = [environ.get("PYTHONPATH", ""), str((project.top / process.script).parent.absolute())]
    return {**environ, "PYTHONPATH": os.pathsep.join(folder for folder in folders if folder)}


def sources_of(definitions: Definitions) -> dict[str, bytes]:
    """Content of the script of a run and of the files beside it, by name; none where there is no script."""
    script = definitions.process.script
    return {Path(script).name: definitions.script, **definitions.files} if script else {}


def _place_script(definitions: Definitions, folder: Path) -> tuple[str, tuple[Watched, ...]]:
    """Path of the script's copy, and all copies as they are now; no one is to write to them, root can."""
    if not definitions.process.script:
        return "", ()
    file = folder / "script" / Path(definitions.process.script).name
    watched = []
    try:
        make_folder(file.parent)
        for name, content in sources_of(definitions).items():
            place = file.parent / name
            place.unlink(missing_ok=True)
            place.write_bytes(content)
            place.chmod(0o555 if place == file else 0o444)
            watched.append(watch(str(place)))
    except OSError as problem:
        raise StoaError(f"cannot write {file}: {problem.strerror}", write_hint(problem)) from None
    return str(file), tuple(watched)
