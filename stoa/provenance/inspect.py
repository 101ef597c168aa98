"""What may come in from collaborators and what may go out to them.

A tree that was fetched is input from outside: git itself lets links, strange names and
attributes pass. What has the wrong shape is refused before anything is merged; a record of
the right shape that cannot be read is accepted, and the index says so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial

import msgspec

from stoa.errors import StoaError
from stoa.project import PRIVATE, STOA_DIR
from stoa.provenance.closed import ClosedRuns, Stranger, run_of
from stoa.provenance.git import REMOVED, Repository, TreeChange, last_change, too_large, tree_changes
from stoa.provenance.lost import RECORDS
from stoa.provenance.settle import is_document, settle

MAX_NAME = 200
FOLDERS = ("targets", "patterns", "processes", "params", "environments", "meta", *RECORDS)
FILES = ("config.yaml", "roles.yaml", ".gitignore", ".gitattributes")

_PATHSPEC = f":(icase,glob)**/{STOA_DIR}", f":(icase,glob)**/{STOA_DIR}/**"
_FILE = 0o100644
_MODES = {0o120000: "is a symbolic link", 0o160000: "is a submodule", 0o100755: "is an executable file"}


class Finding(msgspec.Struct, frozen=True):
    """Something in a tree that has no place there."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{shown(self.path)} {self.message}"


class RefusedError(StoaError):
    """A tree that is not merged or sent because of what it holds."""

    def __init__(self, message: str, findings: list[Finding], hint: str) -> None:
        super().__init__(message, hint)
        self.findings = findings


class RecordGuard:
    """Stands between a project's records and everybody else.

    Parameters
    ----------
    repository
        The repository that holds both sides' commits.
    is_built
        Whether a metadata document was written by STOA, which can do it again.
    alone
        Keeps commands away that change definitions; by default none is there.
    """

    def __init__(
        self,
        repository: Repository,
        is_built: Callable[[bytes], bool],
        alone: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.alone = alone
        self.rebuild: set[str] = set()  # metadata documents that both sides had built, each another one
        self._is_built = is_built
        self._repository = repository
        self._changes = lru_cache(maxsize=4)(partial(tree_changes, repository))

    def admit(self, old: str, new: str, label: str) -> None:
        """Refuse a tree with anything below `.stoa` that is not a plain file in its place."""
        findings = tree_findings(self._repository, new, self._changes(old, new, *_PATHSPEC))
        if findings:
            raise RefusedError(
                f"{_whose(label)} what cannot be shared: {listed(findings)}; nothing was {_done(label)}",
                findings,
                f"ask who put it there: `git log -p {label or 'HEAD'} -- {STOA_DIR}`",
            )

    def keep(self, old: str, new: str, label: str) -> None:
        """Refuse a tree in which a run's or a review's file of `old` is another one or gone."""
        kept = [change for change in self._changes(old, new, *_PATHSPEC) if change.old_mode and _is_kept(change)]
        foreign = self._foreign(
            ("", old), {change.path: "" if not change.new_mode else change.old_oid for change in kept}, old
        )
        findings = [
            Finding(change.path, _fate(self._repository, old, new, change))
            for change in kept
            if change.path not in foreign
        ]
        self._refuse_foreign(old, new, label)
        if findings and label:
            raise RefusedError(
                f"{label} changes records, which are never edited: {listed(findings)};"
                " nothing was merged, your copies are kept",
                findings,
                f"ask them why (`git diff HEAD...{label} -- {STOA_DIR}`);"
                f" `git merge --no-ff -m agreed -m '{REMOVED}: yes' {label}` accepts it",
            )
        if findings:
            raise RefusedError(
                f"your branch changes records that collaborators have: {listed(findings)}; nothing was sent",
                findings,
                f"records are never edited: `git checkout {old[:12]} -- PATH` brings one back;"
                " if it has to be, `git push`",
            )

    def _refuse_foreign(self, old: str, new: str, label: str) -> None:
        """Refuse a tree in which someone else has added to a run that is known here."""
        fresh = {change.path: "" for change in self._changes(old, new, *_PATHSPEC) if not change.old_mode}
        findings = [
            Finding(path, str(stranger)) for path, stranger in sorted(self._foreign((old, new), fresh, old).items())
        ]
        if findings:
            raise RefusedError(
                f"{label or 'your branch'} adds to runs of others, whose folders are closed: {listed(findings)};"
                f" nothing was {_done(label)}",
                findings,
                "whoever added it takes it back: `git revert --no-commit COMMIT`,"
                f" then `git commit -m WHY -m '{REMOVED}: yes'`",
            )

    def _foreign(self, span: tuple[str, str], files: Mapping[str, str], known: str) -> dict[str, Stranger]:
        """Those of some files that are in folders of known runs and do not belong to these, and who put them there."""
        snapshot = self._repository.snapshot(known)
        found: dict[str, Stranger] = {}
        for prefix in sorted({path.partition(f"{STOA_DIR}/")[0] + STOA_DIR for path in files if STOA_DIR in path}):
            closed = ClosedRuns(self._repository, prefix)
            runs = {run for path in files if (run := run_of(path, prefix))}
            strangers = closed.strangers(
                span, files, closed.authors(runs, snapshot.read_record), squashed=bool(span[0])
            )
            found |= {stranger.path: stranger for stranger in strangers}
        return found

    @property
    def joined(self) -> tuple[str, ...]:
        """Lists of targets: git's union keeps the line of a target that one side has renamed or removed."""
        return tuple(f":(glob)**/{STOA_DIR}/{folder}/*.yaml" for folder in ("targets", "patterns"))

    def settle(self, path: str, base: bytes | None, ours: bytes, theirs: bytes) -> bytes | None:
        """See `stoa.provenance.settle.settle`."""
        content = settle(path, base, ours, theirs, self._is_built)
        if content is not None and is_document(path):
            self.rebuild.add(path)
        return content


def _is_kept(change: TreeChange) -> bool:
    """Whether a path may not change: a record, or a project that would be gone."""
    below = _below(change.path)
    return below[:1] in [[folder] for folder in RECORDS] or (below == ["config.yaml"] and not change.new_mode)


def commit_findings(repository: Repository, commit: str) -> list[Finding]:
    """What a commit holds below any `.stoa` that is not a plain file in its place."""
    return tree_findings(repository, commit, tree_changes(repository, "", commit, *_PATHSPEC))


def tree_findings(repository: Repository, commit: str, differing: Iterable[TreeChange]) -> list[Finding]:
    """What a commit holds below any `.stoa` that is not a plain file in its place.

    Parameters
    ----------
    differing
        The paths to look at: what the commit has and an earlier one has not.
    """
    changes = [change for change in differing if change.new_mode]
    snapshot = repository.snapshot(commit)
    sizes = snapshot.prepare(change.new_oid for change in changes if change.new_mode == _FILE)
    found = []
    for change in changes:
        message = _misplaced(change) or too_large(sizes.get(change.new_oid, 0))
        if not message and _below(change.path) == [".gitattributes"]:
            message = _orders(snapshot.blob(change.new_oid))
        if not message and _below(change.path) == [".gitignore"]:
            message = _shows(snapshot.blob(change.new_oid))
        if message:
            found.append(Finding(change.path, message))
    twins = _twins(repository, commit, [change.path for change in changes if not change.old_mode])
    return [*found, *twins]


def _misplaced(change: TreeChange) -> str:
    """What is wrong with the place, name or kind of a file; "" when nothing is."""
    parts = change.path.split("/")
    for name in parts:
        problem = _bad_name(name)
        if problem:
            return problem
    if STOA_DIR not in parts:
        return f"differs from {STOA_DIR} in case only"
    if change.new_mode != _FILE:
        return _MODES.get(change.new_mode, f"has the mode {change.new_mode:o}")
    below = _below(change.path)
    if not below:
        return "is a file where the project's folder belongs"
    if below[0] in PRIVATE:
        return "belongs to one machine and is never shared"
    if len(below) == 1 and below[0] in FILES:
        return ""
    if any(name.lower().startswith(".git") for name in below):
        return "would give git orders"
    if len(below) == 1 or below[0] not in FOLDERS:
        return "is nothing that this STOA knows (made by a newer one?)"
    return ""


def _bad_name(name: str) -> str:
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    if not name.isprintable():
        return "has control characters in its name"
    return f"has a name of {size} bytes (at most {MAX_NAME})" if size > MAX_NAME else ""


def _orders(attributes: bytes) -> str:
    """What is wrong with a `.gitattributes`: it may switch conversions off and join lines, nothing else."""
    for line in attributes.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            wrong = [word for word in words[1:] if word[0] not in "-!" and word != "merge=union"]
            if wrong or words[0].startswith("[attr]"):
                return f"would have git convert records ({shown(' '.join(words), 60)})"
    return ""


def _shows(ignored: bytes) -> str:
    """What is wrong with a `.gitignore`: what it does not ignore is ignored all the same, unless it says otherwise."""
    wrong = [line for line in ignored.decode("utf-8", "replace").splitlines() if line.startswith("!")]
    return f"would have git take files of one machine ({shown(wrong[0], 60)})" if wrong else ""


def _below(path: str) -> list[str]:
    """The parts of a path below `.stoa`; empty for `.stoa` itself and outside."""
    parts = path.split("/")
    return parts[parts.index(STOA_DIR) + 1 :] if STOA_DIR in parts else []


def _twins(repository: Repository, commit: str, fresh: list[str]) -> Iterator[Finding]:
    """New names that some file systems cannot tell from another one in the same folder."""
    names: dict[str, set[str]] = {}
    for path in fresh:
        parts = path.split("/")
        for depth in range(len(parts)):
            names.setdefault("/".join(parts[:depth]), set()).add(parts[depth])
    snapshot = repository.snapshot(commit)
    for folder, new in names.items():
        known: dict[str, set[str]] = {}
        for name, _, _ in snapshot.entries(folder):
            known.setdefault(_folded(name), set()).add(name)
        for folded in sorted({_folded(name) for name in new}):
            twins = known[folded]
            if len(twins) > 1:
                others = " and ".join(shown(name) for name in sorted(twins))
                yield Finding(folder or ".", f"holds {others}, which differ in case only")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _fate(repository: Repository, old: str, new: str, change: TreeChange) -> str:
    who = last_change(repository, old, new, change.path)
    return ("was changed" if change.new_mode else "was deleted") + (f" by {who}" if who else "")


def _whose(label: str) -> str:
    return f"{label} brings" if label else "your branch holds"


def _done(label: str) -> str:
    return "merged" if label else "sent"


def listed(findings: list[Finding], most: int = 5) -> str:
    """Findings in words, the first ones."""
    more = f" and {len(findings) - most} more" if len(findings) > most else ""
    return "; ".join(map(str, findings[:most])) + more


def shown(path: str, longest: int = 120) -> str:
    """A path as it can be printed."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in path)
    return text if len(text) <= longest else f"{text[:longest]}..."
