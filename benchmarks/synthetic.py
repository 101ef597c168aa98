"""Projects of any size for the other benchmarks; their runs go into git through STOA's own store, without scripts."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from run_overhead import machine, quiet_environ

from stoa.exec.job.cause import group_causes
from stoa.meta.document import KEYWORDS, Document, FileEntry, ImageGroup
from stoa.meta.xml import to_xml
from stoa.model import SCHEMA, Author, FileRef, Outcome, ParameterSet, Run, Status, Summary, Target
from stoa.project import Project
from stoa.provenance.records import write_outcomes, write_run, write_summary, write_targets
from stoa.workspace.open import Workspace

AUTHOR = Author("Bench", "bench@example.org")
PAIRS = (("sep", "default"), ("sep", "deep"), ("aegean", "default"), ("aegean", "deep"))
BATCH = 1000
AT_ONCE = 200_000  # outcomes in memory

_CAUSES = (
    "ImageError: all pixels are NaN",
    "ImageError: no beam: the header has no BMAJ and there is no BEAMS table",
    "ImageError: the file is cut off or damaged",
    "MemoryError",
)
_LOG = """\
Traceback (most recent call last):
  File "find.py", line {line}, in <module>
    main()
  File "find.py", line {line}, in main
{cause}
"""


def target(number: int) -> Target:
    """A target as the archive's layout names it."""
    name = f"A001_X{number + 4096:x}_X{number * 7 % 4096:x}"
    path = f"2018.1.{number % 2000:05d}.S/science_goal.uid___A001_X{number:x}/group.uid___A001_X{number + 1:x}"
    return Target(name, "alma", f"{path}/member.uid___{name}/product")


def image(name: str, suffix: str = "pbcor") -> str:
    """File name of a target's image, or of another file of its image group."""
    return f"member.uid___{name}.source_sci.spw25.cont.I.{suffix}.fits"


def run_id(number: int) -> str:
    """An id that sorts by number."""
    return f"202611{1 + number // 86400:02d}T{number // 3600 % 24:02d}{number // 60 % 60:02d}{number % 60:02d}-bench2"


def outcomes(run: str, process: str, numbers: Iterable[int]) -> Iterator[Outcome]:
    """One outcome a target, two of five failed; sizes, times and checksums as different as real ones."""
    chance = random.Random(run)
    for number in numbers:
        yield _failed(run, process, number, chance) if chance.random() < 0.4 else _ok(run, process, number, chance)


def _common(run: str, number: int, chance: random.Random) -> dict[str, object]:
    one = target(number)
    clock = f"{chance.randrange(24):02d}:{chance.randrange(60):02d}:{chance.randrange(60):02d}"
    file = FileRef(
        path=f"{one.root}:{one.path}/{image(one.name)}", size=chance.randrange(10**7), sha256=chance.randbytes(32).hex()
    )
    return {
        "schema": SCHEMA, "run": run, "target": one.name, "inputs": {"image": file}, "meta": chance.randbytes(6).hex(),
        "start": f"2026-11-22T{clock}.{chance.randrange(1000):03d}+00:00", "duration_s": chance.randrange(10**4) / 1000,
        "cpu_s": chance.randrange(10**4) / 1000, "memory_mb": float(chance.randrange(60, 99)),
    }  # fmt: skip


def _ok(run: str, process: str, number: int, chance: random.Random) -> Outcome:
    place = f"products:{process}/{run}/{target(number).name}"
    sources = FileRef(path=f"{place}/sources.fits", size=5760, sha256=chance.randbytes(32).hex())
    found = chance.randrange(30)
    return Outcome(
        **_common(run, number, chance), status=Status.OK, exit_code=0, outputs={"sources": sources},
        results={"n_sources": found, "rms": chance.uniform(1e-5, 1e-3)}, place=place,
        log=f"{found} sources of {found + 2} detected\n",
    )  # fmt: skip


def _failed(run: str, process: str, number: int, chance: random.Random) -> Outcome:
    cause = chance.choice(_CAUSES)
    return Outcome(
        **_common(run, number, chance), status=Status.FAILED, cause=cause, exit_code=1,
        place=f"products:{process}/{run}/failed/{target(number).name}",
        log=_LOG.format(line=chance.choice((80, 96, 143)), cause=cause),
    )  # fmt: skip


def head(run: str, process: str, params: str, jobs: int, digests: dict[str, str] | None = None) -> Run:
    """What `run.yaml` says."""
    values = {"snr": 5.0, "min_gain": 0.3}
    return Run(
        schema=SCHEMA, id=run, process=process, params=ParameterSet(process=process, name=params, values=values),
        environment="host", engine="local", author=AUTHOR, host="node", started="2026-11-22T10:00:00.000+00:00",
        asked=("stoa", "run", process), jobs=jobs, targets=jobs, stoa_version="0.1.0",
        digests=digests or {"process": "a" * 16, "script": "b" * 16, "params": "c" * 16, "environment": "d" * 16},
    )  # fmt: skip


def records(started: Run, ended: list[Outcome]) -> dict[str, bytes]:
    """The files of a run, by path below `.stoa`."""
    counts: dict[str, int] = {}
    for outcome in ended:
        counts[outcome.status.value] = counts.get(outcome.status.value, 0) + 1
    causes = group_causes(o for o in ended if o.status is not Status.OK)
    summary = Summary(
        schema=SCHEMA, run=started.id, finished="2026-11-22T10:59:59.000+00:00", duration_s=3599.0, counts=counts,
        causes=causes,
    )  # fmt: skip
    files = {"run.yaml": write_run(started), "summary.yaml": write_summary(summary)}
    for first in range(0, len(ended), BATCH):
        files[f"outcomes-{first // BATCH:04d}.yaml"] = write_outcomes(ended[first : first + BATCH])
    return {Project.run_record(started.id, name): data for name, data in files.items()}


def one_run(number: int, targets: int, jobs: int) -> dict[str, bytes]:
    """The files of the nth run, over so many of the targets; processes and parameter sets take turns."""
    process, params = PAIRS[number % len(PAIRS)]
    first = number // len(PAIRS) * jobs
    ended = list(outcomes(run_id(number), process, ((first + n) % targets for n in range(jobs))))
    return records(head(run_id(number), process, params, jobs), ended)


def make_project(top: Path, targets: int, data: Path | None = None) -> Workspace:
    """A project with targets of the root `alma`, which is in `data`."""
    environ = quiet_environ(os.environ, top.parent)
    os.environ.clear()
    os.environ.update(environ)
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    place = data or top.parent / "data"
    place.mkdir(exist_ok=True)
    for words in (["init"], ["root", "add", "alma", str(place)]):
        subprocess.run([sys.executable, "-m", "stoa", *words], cwd=top, check=True, capture_output=True)
    workspace = Workspace(top)
    targets_file = write_targets(target(number) for number in range(targets))
    workspace.store.commit({"targets/alma.yaml": targets_file}, f"{targets} targets", author=AUTHOR)
    return workspace


def add_runs(workspace: Workspace, numbers: Iterable[int], targets: int, jobs: int) -> None:
    """Put runs into git, as many in a commit as memory likes; the records are the same as of single commits."""
    waiting: dict[str, bytes | None] = {}
    some = 0
    for number in numbers:
        waiting |= one_run(number, targets, jobs)
        some += jobs
        if some >= AT_ONCE:
            workspace.store.commit(waiting, f"runs up to {number}", author=AUTHOR)
            waiting, some = {}, 0
    if waiting:
        workspace.store.commit(waiting, "the last runs", author=AUTHOR)


def document(number: int) -> Document:
    """A metadata document of an image, its primary beam and mask, uncorrected image, and a text file."""
    name = target(number).name
    header = dict.fromkeys(KEYWORDS, "") | {
        "NAXIS": "4", "NAXIS1": "300", "NAXIS2": "300", "NAXIS3": "1", "NAXIS4": "1", "BITPIX": "-32",
        "BMAJ": "0.00039497964912", "BMIN": "0.000282475451628", "BPA": "-81.8802185059", "OBJECT": f"S{number}",
        "CTYPE1": "RA---SIN", "CRVAL1": f"{number * 0.003:.6f}", "CDELT1": "-5.5555555556e-05", "CRPIX1": "151.0",
        "CTYPE2": "DEC--SIN", "CRVAL2": "-2.5", "CDELT2": "5.5555555556e-05", "CRPIX2": "151.0", "BUNIT": "Jy/beam",
        "CUNIT1": "deg", "CUNIT2": "deg", "CTYPE3": "FREQ", "CRVAL3": "2.3e11", "CDELT3": "2e9", "CRPIX3": "1.0",
        "CTYPE4": "STOKES", "CRVAL4": "1.0", "CDELT4": "1.0", "CRPIX4": "1.0", "TELESCOP": "ALMA",
        "DATE-OBS": "2014-12-31T09:42:21.840000", "RESTFRQ": "2.3e11", "SPECSYS": "LSRK", "RADESYS": "ICRS",
    }  # fmt: skip
    roles = {"pbcor": "correctedImage", "pb": "primaryBeam", "mask": "mask", "image": "image"}
    derived = {
        "size": "2880", "intent": "science", "kind": "cont", "pixel_arcsec": "0.2", "freq_ghz": "230.0",
        "ra_deg": header["CRVAL1"], "dec_deg": header["CRVAL2"],
    }  # fmt: skip
    files = tuple(
        FileEntry(name=image(name, suffix), role=role, header=header, derived=derived) for suffix, role in roles.items()
    )
    text = FileEntry(name="README", role="other", derived={"size": "100"})
    return Document(groups=(ImageGroup(image(name, "I").split(".I.")[0], files),), others=(text,))


def add_documents(workspace: Workspace, targets: int) -> None:
    """Describe every target."""
    changes: dict[str, bytes | None] = {
        Project.meta_record(target(number).name): to_xml(document(number)) for number in range(targets)
    }
    workspace.store.commit(changes, f"metadata of {targets} targets", author=AUTHOR)


def table(rows: list[dict[str, str]]) -> str:
    """Rows of equal keys as aligned columns under their keys."""
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    lines = [{name: name for name in rows[0]}, *rows]
    return "\n".join("  ".join(row[name].rjust(width) for name, width in widths.items()) for row in lines)


def where() -> str:
    """The machine and the versions, in a line."""
    return ", ".join(f"{name} {value}" for name, value in machine().items())
