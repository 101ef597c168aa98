"""An index of a repository whose objects are missing, damaged, or larger than any record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from damage import EVERY, gone
from indexed import COLUMNS, FIRST, SECOND, Records, contents, outcome, read_meta, review, run_files, summary

from stoa.provenance.git import GitError, Repository
from stoa.provenance.index import Index

Git = Callable[..., str]
EVENT = "20261122T110000-aaaaaa"
FLAG = f"reviews/a/{EVENT}.yaml"


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    """Two runs, a flag and a metadata document."""
    made = Records(tmp_path / "project")
    made.put(
        run_files(FIRST, outcome(FIRST, "a"), outcome(FIRST, "b"))
        | {f"runs/{FIRST}/summary.yaml": summary(FIRST, ok=2)}
    )
    made.put(run_files(SECOND, outcome(SECOND, "a")))
    made.put(review(EVENT, "a", reason="check") | {"meta/a.xml": b"document"})
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "index.sqlite"


PLACES = [
    FLAG,
    f"runs/{FIRST}/summary.yaml",
    f"runs/{FIRST}/outcomes-0000.yaml",
    f"runs/{FIRST}",
    "reviews/a",
    "meta/a.xml",
]


@pytest.mark.parametrize("damage", EVERY)
@pytest.mark.parametrize("path", PLACES)
def test_what_git_cannot_give_is_an_error_and_is_read_once_it_is_whole(
    records: Records, file: Path, tmp_path: Path, path: str, damage: Callable[[Path], None]
) -> None:
    whole = contents(records.index(tmp_path / "whole.sqlite"))
    damaged = records.object_of(f".stoa/{path}")
    before = damaged.read_bytes()
    damage(damaged)
    with pytest.raises(GitError, match=f"^{path} cannot be read: git object .* is missing or damaged") as caught:
        records.index(file)
    assert "stoa fsck" in (caught.value.hint or "")
    damaged.write_bytes(before)
    assert contents(records.index(file)) == whole


def test_a_damaged_tree_stops_a_commit_in_words(records: Records) -> None:
    gone(records.object_of(f".stoa/runs/{SECOND}"))
    with pytest.raises(GitError, match="is missing or damaged"):
        records.put({f"runs/{SECOND}/summary.yaml": summary(SECOND, ok=1)})


def test_a_pack_that_is_damaged_is_an_error(records: Records, git: Git, file: Path) -> None:
    git(records.top, "repack", "-adq")
    (pack,) = (records.top / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    data = pack.read_bytes()
    pack.write_bytes(data[:12] + bytes(255 - byte for byte in data[12:]))
    with closing(Repository(records.top)) as opened, pytest.raises(GitError, match="is missing or damaged"):
        opened.snapshot()


@pytest.fixture
def partial(records: Records, git: Git, tmp_path: Path) -> Iterator[Repository]:
    """A partial clone of the records that has none of their files."""
    git(records.top, "config", "uploadpack.allowFilter", "true")
    git(records.top, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{records.top}", "partial")
    with closing(Repository(tmp_path / "partial")) as opened:
        yield opened


def index_of(repository: Repository, file: Path) -> dict[str, list[str]]:
    with closing(Index(file, COLUMNS)) as index:
        index.update(repository.snapshot(), ".stoa", read_meta)
        return contents(index)


def test_a_partial_clone_whose_remote_is_away_says_so_and_reads_when_it_is_back(
    records: Records, partial: Repository, file: Path, tmp_path: Path
) -> None:
    records.top.rename(tmp_path / "away")
    with pytest.raises(GitError, match="this partial clone lacks 5 files, which cannot be fetched from origin"):
        index_of(partial, file)
    (tmp_path / "away").rename(records.top)
    assert index_of(partial, file) == contents(records.index(tmp_path / "whole.sqlite"))


def test_a_partial_clone_fetches_the_files_of_each_folder_at_once(partial: Repository, file: Path) -> None:
    packs = partial.common / "objects/pack"
    before = len(list(packs.glob("*.pack")))
    index_of(partial, file)
    assert len(list(packs.glob("*.pack"))) - before <= len(("runs", "reviews", "meta"))


@pytest.mark.parametrize(
    "path", [FLAG, f"runs/{SECOND}/summary.yaml", f"runs/{SECOND}/outcomes-0001.yaml", "meta/b.xml"]
)
def test_a_record_that_unpacks_to_much_more_is_refused_before_it_is_unpacked(
    records: Records, git: Git, file: Path, path: str
) -> None:
    records.put({path: b" " * 60_000_000})
    git(records.top, "repack", "-adq")
    rows = records.index(file).rows("SELECT path, message FROM problems")
    assert rows == [(path, f"not a record: it is 60 MB large (at most 50 MB) ({path})")]
    assert records.index(file).rows("SELECT run FROM runs ORDER BY run") == [(FIRST,), (SECOND,)]
