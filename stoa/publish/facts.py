"""The facts that everything in a publication is written from."""

from __future__ import annotations

from msgspec import Struct

from stoa.model import Author, CauseGroup, FileRef, Outcome, Process, Run


class CutFact(Struct, frozen=True, kw_only=True):
    """A quality cut and how many sources it removed."""

    words: str
    removed: int


class MatchFact(Struct, frozen=True, kw_only=True):
    """What a catalogue was matched with, where its rows are matches."""

    catalogue: str
    radius_arcsec: float
    left_out: int  # sources on calibrators, which were not asked about
    matched: int
    objects: int
    expected: float  # matches by chance
    e_expected: float = 0.0  # its error; 0 in tables that were written without it


class CatalogueFacts(Struct, frozen=True, kw_only=True):
    """What the catalogue holds."""

    files: tuple[str, ...]  # names in the publication
    sources: int  # before the cuts
    kept: int
    rows: int  # of the files: the kept sources, or those of them that were matched
    images: int
    targets: int
    cuts: tuple[CutFact, ...]
    products: tuple[str, ...]  # paths of the products that rows were read from
    match: MatchFact | None = None
    errors: tuple[str, ...] = ()  # columns of standard errors


class Publication(Struct, frozen=True, kw_only=True):
    """What is published: outcomes of one process and parameter set, of one run or of several.

    Attributes
    ----------
    scripts
        Name of a frozen file (the script and what is beside it) -> content, of the latest run.
    versions
        Distribution -> version, of what wrote the publication.
    """

    title: str
    source: str
    process: Process
    runs: tuple[Run, ...]  # the latest last
    outcomes: tuple[Outcome, ...]
    counts: dict[str, int]
    causes: tuple[CauseGroup, ...]
    flagged: tuple[str, ...]  # targets with open flags
    stale: int  # outcomes of other definitions or inputs than the present ones
    stale_reasons: tuple[str, ...]
    without_outcome: int  # targets of the project that have no outcome in the pair
    scripts: dict[str, bytes]
    catalogue: CatalogueFacts | None
    plots: tuple[str, ...]
    products: tuple[str, ...]  # copies of products
    origin: str  # address of the repository; "" where it has none
    commit: str
    written: str  # when, ISO 8601
    publisher: Author  # by whom
    versions: dict[str, str]
    licence: str  # address, or ""

    @property
    def caveats(self) -> tuple[str, ...]:
        """What a reader has to know of the outcomes, as sentences: how many are stale, flagged or missing."""
        adopted = sum(outcome.adopted for outcome in self.outcomes)
        stale = f"{self.stale} of {len(self.outcomes)} outcomes are stale"
        said = [
            (self.stale, ": ".join(filter(None, [stale, "; ".join(self.stale_reasons)]))),
            (len(self.flagged), f"{len(self.flagged)} of {self.targets} targets have open flags"),
            (adopted, f"{adopted} of {len(self.outcomes)} outcomes are adopted: made before STOA, no record says how"),
            (self.without_outcome, f"{self.without_outcome} targets of the project have no outcome"),
        ]
        return tuple(f"{words}." for number, words in said if number)

    @property
    def catalogue_parts(self) -> tuple[FileRef, ...]:
        """The products that the catalogue's rows were read from."""
        wanted = set(self.catalogue.products) if self.catalogue else set()
        return tuple(ref for outcome in self.outcomes for ref in outcome.outputs.values() if ref.path in wanted)

    @property
    def latest(self) -> Run:
        """The latest run."""
        return self.runs[-1]

    @property
    def targets(self) -> int:
        """How many targets have an outcome."""
        return len({outcome.target for outcome in self.outcomes})

    @property
    def authors(self) -> tuple[Author, ...]:
        """Who ran it, each once."""
        return tuple({(run.author.name, run.author.email): run.author for run in self.runs}.values())
