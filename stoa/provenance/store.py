"""Records into git and back: one commit per action, a batch of commits for a long run."""

from __future__ import annotations

from collections.abc import Mapping

from stoa.durable import write_hint
from stoa.errors import StoaError
from stoa.model import Author, Outcome, Review, Run, Status
from stoa.project import PRIVATE, Project
from stoa.provenance.closed import ClosedRuns
from stoa.provenance.git import REMOVED, Content, DamagedError, Repository, Snapshot
from stoa.provenance.ids import horizon, is_id
from stoa.provenance.index import Index, MetaReader
from stoa.provenance.lost import Returned, bring_back, is_record
from stoa.provenance.records import read_outcomes, write_review
from stoa.provenance.spool import Spool


class Store:
    """The records of one project in its repository."""

    def __init__(self, project: Project, repository: Repository) -> None:
        self.project = project
        self.repository = repository
        place = project.stoa.relative_to(repository.top).as_posix()
        self.prefix = place
        self.spool = Spool(project.spool)
        self.is_past = False  # an earlier state, to which nothing is added
        self.closed = ClosedRuns(repository, place)

    def snapshot(self) -> Snapshot:
        return self.repository.snapshot()

    def commit(
        self,
        changes: Mapping[str, bytes | Content | None],
        subject: str,
        trailers: Mapping[str, str] | None = None,
        branch: str | None = None,
        author: Author | None = None,
    ) -> str:
        """Commit files below `.stoa`, or anywhere below the project with a path that starts with ``../``.

        Returns
        -------
        commit
            Its id.

        Raises
        ------
        StoaError
            If the disk is full or refuses, or git does; or if this is an earlier state of the project.
        """
        if self.is_past:
            raise StoaError("an earlier state of the project can only be looked at")
        paths = {self._path(name): data for name, data in changes.items()}
        removed = sum(data is None and is_record(path, self.prefix) for path, data in paths.items())
        lines = [f"Stoa-{name}: {_plain(value)}\n" for name, value in (trailers or {}).items()]
        lines += [f"{REMOVED}: {removed}\n"] if removed else []
        message = _plain(subject) + "\n" + ("\n" + "".join(lines) if lines else "")
        try:
            return self.repository.commit(paths, message, author or self.repository.author(), branch)
        except OSError as problem:
            where = problem.filename or self.repository.common
            raise StoaError(
                f"the records cannot be committed: {problem.strerror} ({where})",
                f"nothing that was recorded before is lost; {write_hint(problem)}",
            ) from None

    def hide_private(self) -> None:
        """Let git ignore what belongs to this machine, on branches too that have no `.stoa/.gitignore`."""
        place = "".join(f"\\{c}" if c in "\\*?[ " else c for c in self.prefix)
        self.repository.hide(f"/{place}/{name}" for name in PRIVATE)

    def bring_back(self, branch: str = "") -> Returned | None:
        """See `stoa.provenance.lost.bring_back`."""
        return bring_back(self.repository, self.prefix, branch)

    def _path(self, name: str) -> str:
        if not name.startswith("../"):
            return f"{self.prefix}/{name}"
        parent = self.prefix.rpartition("/")[0]
        return f"{parent}/{name[3:]}" if parent else name[3:]

    def update(self, index: Index, read_meta: MetaReader, snapshot: Snapshot | None = None) -> None:
        """Bring the index up to a commit; by default the one that is checked out."""
        index.update(snapshot or self.snapshot(), self.prefix, read_meta, self.closed)

    def add_reviews(self, reviews: list[Review], subject: str, picture: bytes = b"") -> str:
        """Commit flags, clearings or comments: one commit, however many targets.

        Parameters
        ----------
        picture
            Of comments that name one: it is put beside each, and git keeps it once.
        """
        changes = {Project.review_record(r.about, r.id): write_review(r) for r in reviews}
        changes |= {Project.picture_file(r.about, r.picture): picture for r in reviews if r.picture}
        return self.commit(changes, subject, {"Event": reviews[0].id})

    def frozen(self, run: str, name: str, snapshot: Snapshot | None = None) -> bytes | None:
        """A frozen definition of a run, or None."""
        return (snapshot or self.snapshot()).read_record(f"{self.prefix}/{Project.run_record(run, f'frozen/{name}')}")

    def outcomes(self, run: Run, commit: str) -> tuple[list[Outcome], int]:
        """The outcomes that a run has in a commit, and the number of its next file; none without that commit.

        What others have put into its folder is left out.
        """
        try:
            snapshot = self.repository.snapshot(commit)
        except DamagedError:  # it was on a branch that is gone, and git has tidied up since
            return [], 0
        found = {name: oid for name, oid in snapshot.files(self._folder(run)) if name.startswith("outcomes-")}
        files = self._own(run, commit, found).items()
        snapshot.prepare(oid for _, oid in files)
        records = (
            o for name, oid in files for o in read_outcomes(snapshot.record(oid, name), name) if isinstance(o, Outcome)
        )
        return list(records), len(files)

    def has_record(self, run: Run, name: str, branch: str) -> bool:
        """Whether a run has put a record into git; what others have put there is none of it."""
        snapshot = self.repository.snapshot(self.repository.tip(branch))
        oid = snapshot.file_id(f"{self._folder(run)}/{name}")
        return bool(oid and self._own(run, snapshot.commit, {name: oid}))

    def _folder(self, run: Run) -> str:
        return f"{self.prefix}/runs/{run.id}"

    def _own(self, run: Run, commit: str, files: Mapping[str, str]) -> dict[str, str]:
        """Those of some files (name -> object id) that the run itself has written."""
        paths = {f"{self._folder(run)}/{name}": oid for name, oid in files.items()}
        strangers = self.closed.strangers(("", commit), paths, {run.id: run.author.email})
        foreign = {stranger.path.rpartition("/")[2] for stranger in strangers}
        return {name: oid for name, oid in files.items() if name not in foreign}

    def newest_run(self) -> str:
        """The run whose id sorts last, in git or in the spool, of those not far ahead of the clock; "" for none."""
        names = [name for name, _ in self.snapshot().folders(f"{self.prefix}/runs")]
        limit = horizon()
        known = sorted((name for name in (*names, *self.spool.runs()) if name < limit), reverse=True)
        return next(filter(is_id, known), "")


def ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts in the order of the statuses."""
    return {status.value: counts[status] for status in Status if counts.get(status)}


def _plain(text: str) -> str:
    """A text on one line without control characters, as a commit message can carry it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
