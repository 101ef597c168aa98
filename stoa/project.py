"""Where everything is: the one author of file names.

Paths inside the repository are posix strings relative to its root (`records`), paths on
this machine are `pathlib.Path`.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from msgspec import Struct, field

from stoa.errors import NotFoundError, StoaError
from stoa.model import FileRef, Target
from stoa.opening import MOST_BYTES, check_inside, read_bounded

STOA_DIR = ".stoa"
JOB_FILE = "stoa-job.json"
MOST_THUMBNAIL = 10_000
"""Bytes of a picture that goes with the records."""
RESULT_FILE = "stoa-result.json"
LOG_FILE = "stoa-log.txt"
PRODUCTS_ROOT = "products"
PRIVATE = ("local.yaml", "spool", "cache")
"""What is in `.stoa` and belongs to one machine. (The spool was there once, and is below git's folder now.)"""


def resolved(path: Path) -> Path:
    """An absolute path without ``..``; links stay as they were named where none is in the way."""
    return path.resolve() if ".." in path.parts else path.absolute()


def _git_folder(folder: Path) -> Path | None:
    """Git's folder of the work tree that begins at a folder, None where none does (gitrepository-layout(5))."""
    place = folder / ".git"
    if place.is_dir():
        return place
    try:
        name, _, target = place.read_text(encoding="utf-8", errors="surrogateescape").partition(": ")
    except OSError:
        return None
    return folder / target.rstrip("\n") if name == "gitdir" else None


class QualityCut(Struct, frozen=True):
    """A named cut: a condition on the columns of a catalogue, or how far apart its sources are at least."""

    name: str
    keep: str = ""  # condition on columns; "" for a cut of duplicates
    apart_arcsec: float = 0.0  # of sources nearer to one another in different images the best one is kept
    across: bool = False  # whatever their bands and epochs

    @property
    def words(self) -> str:
        return self.keep or f"apart by {self.apart_arcsec:g} arcsec" + (
            " across bands and epochs" if self.across else ""
        )


class Config(Struct, frozen=True, kw_only=True):
    """`.stoa/config.yaml`: what collaborators share."""

    project: str  # id, made by `stoa init`
    roots: dict[str, str] = field(default_factory=dict)  # name -> what is there, in words
    reasons: dict[str, str] = field(default_factory=dict)  # reason code -> meaning
    steps: dict[str, str] = field(default_factory=dict)  # step of a review -> meaning, in the order they are done
    quality: tuple[QualityCut, ...] = ()  # applied in this order
    store: str = ""  # address of the store of large products
    checksums: Literal["headers", "files"] = "headers"  # what metadata documents have checksums of


class SlurmSettings(
    Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"walltime_s": "walltime", "settle_s": "settle"}
):
    """How jobs are handed to Slurm here."""

    partition: str = ""  # "": the cluster's default
    account: str = ""
    walltime_s: float = 0.0  # of one array element; 0: the partition's
    chunk: int = 20  # jobs of one array element
    cpus: int = 1  # processors of an element, and jobs that it runs at once
    most_elements: int = 1000  # of one array; sites limit it (MaxArraySize)
    options: tuple[str, ...] = ()  # further arguments of sbatch
    python: str = ""  # interpreter with STOA on the nodes; "": the one that STOA runs in
    settle_s: float = 30.0  # how late what a node wrote may be seen here


class DaskSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the Dask scheduler is, or how a cluster is started."""

    address: str = ""  # of a scheduler, such as tls://host:8786; "": a cluster of one's own
    tls_ca: str = ""  # files: the authority's certificate, one's own, and its key
    tls_cert: str = ""
    tls_key: str = ""
    cluster: str = "local"  # or a class of dask-jobqueue, such as SLURMCluster
    options: dict[str, Any] = field(default_factory=dict)  # of that class
    chunk: int = 0  # jobs that are sent together; 0: by their number


class StoreSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the store of large products is reached from this machine."""

    url: str = ""  # another address than that of the project
    options: dict[str, Any] = field(default_factory=dict)  # of the driver: credentials, addresses


Role = Literal["read", "review", "run"]
"""What a person may do in the dashboard; each includes the ones before it."""


class UiSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How people reach the dashboard of this machine, and who of them may do what."""

    hosts: tuple[str, ...] = ()  # further names of this machine, as browsers call it
    oidc: dict[str, str] = field(default_factory=dict)  # server, client_id, client_secret, redirect; {}: no such login
    proxy: dict[str, str] = field(default_factory=dict)  # headers with the name and email; {}: no proxy logs people in
    roles: dict[str, Role] = field(default_factory=dict)  # email, or pattern of emails -> what they may

    @property
    def login(self) -> Literal["", "oidc", "proxy"]:
        """How people say who they are; "" for git's identity on this machine."""
        return "oidc" if self.oidc else "proxy" if self.proxy else ""


class Local(Struct, frozen=True, kw_only=True):
    """`.stoa/local.yaml`: what holds on this machine only."""

    roots: dict[str, str] = field(default_factory=dict)  # name -> path, absolute or below the repository
    jobs: int = 0  # workers of the local engine; 0: one per CPU core
    on_end: tuple[str, ...] = ()  # command that learns how a run or an update ended
    slurm: SlurmSettings = SlurmSettings()
    dask: DaskSettings = DaskSettings()
    ui: UiSettings = UiSettings()
    store: StoreSettings = StoreSettings()


_KINDS = (".work", "failed")  # folders of a run beside those of its targets


class Project:
    """A repository with a `.stoa` folder.

    Parameters
    ----------
    top
        The folder that holds `.stoa`; usually the root of the git work tree.
    config
        Shared settings.
    local
        This machine's settings.
    """

    def __init__(self, top: Path, config: Config, local: Local) -> None:
        self.top = top
        self.config = config
        self.local = local

    def __repr__(self) -> str:
        return f"Project({str(self.top)!r})"

    @property
    def stoa(self) -> Path:
        return self.top / STOA_DIR

    @property
    def config_file(self) -> Path:
        return self.stoa / "config.yaml"

    @property
    def local_file(self) -> Path:
        return self.stoa / "local.yaml"

    @cached_property
    def spool(self) -> Path:
        """Below git's folder of the work tree, where no `git clean`, `git stash` or checkout reaches it."""
        for folder in (self.top, *self.top.parents):
            control = _git_folder(folder)
            if control:
                place = self.top.relative_to(folder).as_posix()
                return control / "stoa" / ("spool" if place == "." else f"projects/{quote(place, safe='')}/spool")
        return self.stoa / "spool"

    @property
    def audit_file(self) -> Path:
        """Who did what in the dashboard of this machine, one line an action."""
        return self.spool.parent / "audit.jsonl"

    @property
    def cache(self) -> Path:
        return self.stoa / "cache"

    @property
    def sent(self) -> Path:
        """Tables that were sent to applications on the desktop, named by their content."""
        return self.cache / "samp"

    @property
    def answers(self) -> Path:
        """Answers of services, and which question each is the answer to."""
        return self.cache / "vo"

    def thumbnail_file(self, sha256: str) -> Path:
        """The picture of an image, by the image's checksum, that goes with the records."""
        return self.top / self.thumbnail_member(sha256)

    @staticmethod
    def thumbnail_member(sha256: str) -> str:
        """The same relative to the project's folder, as an archive names it."""
        return f"{STOA_DIR}/cache/thumbnails/shared/{sha256[:2]}/{sha256}.png"

    def kept_product(self, ref: FileRef) -> Path:
        """Where a product is kept that did not come to the place where its run wrote it."""
        return self.cache / "products" / ref.sha256[:2] / ref.sha256 / os.path.basename(ref.path)

    @property
    def thumbnails_index(self) -> Path:
        """Which thumbnails came with the records, and where they are in git."""
        return self.cache / "thumbnails.sqlite"

    @property
    def index_file(self) -> Path:
        return self.cache / "index.sqlite"

    @property
    def roles_file(self) -> Path:
        return self.stoa / "roles.yaml"

    @property
    def descriptions_file(self) -> Path:
        return self.cache / "descriptions.sqlite"

    @property
    def fetched(self) -> Path:
        """Products that are being fetched."""
        return self.cache / "products" / "parts"

    def target_list(self, name: str) -> Path:
        return self.stoa / "targets" / f"{name}.yaml"

    def patterns_file(self, name: str) -> Path:
        """The patterns of a list of targets."""
        return self.stoa / "patterns" / f"{name}.yaml"

    def process_file(self, name: str) -> Path:
        return self.stoa / "processes" / f"{name}.yaml"

    def params_file(self, process: str, name: str) -> Path:
        return self.stoa / "params" / process / f"{name}.yaml"

    def environment_file(self, name: str) -> Path:
        return self.stoa / "environments" / f"{name}.yaml"

    def meta_file(self, target: str) -> Path:
        return self.stoa / "meta" / f"{target}.xml"

    def spool_of(self, run: str) -> Path:
        return self.spool / run

    # Records, relative to `.stoa`, as they are in git.

    @staticmethod
    def meta_record(target: str) -> str:
        return f"meta/{target}.xml"

    @staticmethod
    def run_record(run: str, name: str) -> str:
        return f"runs/{run}/{name}"

    @staticmethod
    def outcomes_record(run: str, number: int) -> str:
        return f"runs/{run}/outcomes-{number:04d}.yaml"

    @staticmethod
    def review_record(about: str, event: str) -> str:
        """The file of a review of a target, or of a run as such."""
        return f"reviews/{about}/{event}.yaml"

    @staticmethod
    def picture_file(about: str, name: str) -> str:
        """The picture of a comment."""
        return f"reviews/{about}/{name}"

    @staticmethod
    def view_record(event: str) -> str:
        return f"views/{event}.yaml"

    @staticmethod
    def selection_record(event: str) -> str:
        return f"selections/{event}.yaml"

    @staticmethod
    def sample_record(event: str) -> str:
        return f"samples/{event}.yaml"

    # Data.

    @property
    def jobs_at_once(self) -> int:
        """How many jobs this machine runs at once, when no one says how many."""
        return self.local.jobs or len(os.sched_getaffinity(0))

    def root(self, name: str) -> Path:
        """Where a root is on this machine.

        Raises
        ------
        StoaError
            If the root is unknown, or known and without a path here.
        """
        place = self.local.roots.get(name)
        if place is None and name == PRODUCTS_ROOT:
            place = PRODUCTS_ROOT
            if (self.top / place).is_symlink():  # it may have come by pull
                raise StoaError(
                    f"{self.top / place} is a symbolic link, and products would be written where it leads",
                    f"`stoa root add {PRODUCTS_ROOT} PATH` says where they are on this machine",
                )
        if place is None:
            if name in self.config.roots:
                raise StoaError(
                    f"root {name!r} has no path on this machine", f"`stoa root add {name} PATH` says where it is"
                )
            raise NotFoundError("root", name, [*self.config.roots, PRODUCTS_ROOT], "`stoa root list` shows them")
        return self.top / os.path.expanduser(place)

    def folder(self, target: Target) -> Path:
        """The target's folder on this machine; it need not exist."""
        return self.root(target.root) / target.path

    def file(self, ref: FileRef | str) -> Path:
        """A file named in a record, on this machine; it need not exist.

        Raises
        ------
        StoaError
            If its root has no path here, or the path would leave the root, through a link of the repository too.
        """
        text = ref if isinstance(ref, str) else ref.path
        root, colon, path = text.partition(":")
        if not colon or path.startswith("/") or ".." in path.split("/"):
            raise StoaError(f"{text!r} does not name a file below a root")
        file = self.root(root) / path
        self.check_inside(file)
        return file

    def check_inside(self, file: Path) -> None:
        """Raise `StoaError` if a link in the project's folder leads out of it and of all roots."""
        check_inside(file, self.top, self._root_places)

    @cached_property
    def _root_places(self) -> tuple[Path, ...]:
        return tuple(self.top / os.path.expanduser(place) for place in self.local.roots.values())

    def read(self, file: Path, most: int = MOST_BYTES) -> bytes:
        """The content of a file of the project: a regular one, not too large, and not somewhere else through a link.

        Raises
        ------
        OSError
            If there is no such file, or it is not to be read.
        StoaError
            If a link leads out of the project and its roots.
        """
        self.check_inside(file)
        return read_bounded(file, most)

    @staticmethod
    def job_place(process: str, run: str, target: str, group: str = "", *, kind: str = "") -> str:
        """Path of a job's directory below the products root.

        Parameters
        ----------
        kind
            "" for the final place, ``.work`` while it runs, ``failed`` for one that is not ok.

        No two jobs of a run have one place, or places of which one is inside the other.
        """
        place = f"%{ord(target[0]):02X}{target[1:]}" if target in _KINDS else target
        below = group.replace("%", "%25").replace("/", "%2F")  # no group may be a folder of another one
        return "/".join(part for part in (process, run, kind, place, below) if part)
