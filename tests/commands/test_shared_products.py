"""Small products travel with their records: a clone without data and products can read, stack, compare and publish."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from found_sources import LOOK, table
from survey import Survey

from stoa.model import FileRef
from stoa.provenance import packed

SHARED = LOOK.replace("kind: catalogue}", "kind: catalogue, share: git}")
COUNT = """\
name: count
command: [sh, -c, 'wc -l < "$0" > lines.txt', "{needs.find.sources}"]
outputs: {lines: {path: lines.txt, share: git}}
needs: [find]
"""


@pytest.fixture
def sources(survey) -> Survey:
    """A finder whose tables are shared by git, and a process that takes them; both have run."""
    survey.edit(".stoa/processes/measure.yaml", "script: measure.sh", "script: measure.sh\nlabel: {}")
    (survey.top / ".stoa/processes/measure.yaml").unlink()
    (survey.top / ".stoa/processes/find.yaml").write_text(SHARED, encoding="utf-8")
    (survey.top / ".stoa/processes/count.yaml").write_text(COUNT, encoding="utf-8")
    (survey.top / "find.sh").write_text('cp "$1/table" sources.csv\n', encoding="utf-8")
    for number, name in enumerate("abc"):
        content = table((10.0 + number, -30.0, 20.0), (10.1 + number, -30.0, 6.0))
        (survey.top / "data" / name / "table").write_text(content, encoding="utf-8")
    survey.ok("run", "find")
    survey.ok("run", "count")
    survey.git("add", "--all")
    survey.git("commit", "--quiet", "--message", "scripts")
    return survey


@pytest.fixture
def clone(sources, tmp_path) -> Survey:
    """What a colleague has after `git clone`: records, and neither data nor products."""
    place = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", sources.top, place], check=True)
    return Survey(place, sources.terminal)


def archives(survey: Survey, run: str) -> list[str]:
    names = survey.git("ls-tree", "--name-only", f"HEAD:.stoa/runs/{run}").split()
    return [name for name in names if name.endswith(".tar.gz")]


def in_git(survey: Survey, run: str, name: str = "products-0000.tar.gz") -> bytes:
    return subprocess.check_output(["git", "show", f"HEAD:.stoa/runs/{run}/{name}"], cwd=survey.top)


def products(survey: Survey) -> list[str]:
    return sorted(str(path.relative_to(survey.top)) for path in (survey.top / "products").rglob("*.csv"))


def test_a_batch_of_products_is_one_archive_that_tar_can_unpack(sources, clone):
    run = sources.runs()[0]
    assert archives(sources, run) == ["products-0000.tar.gz"]
    subprocess.run(["tar", "xz"], input=in_git(clone, run), cwd=clone.top, check=True)
    assert products(clone) == [path for path in products(sources) if "/latest/" not in path]
    for outcome in sources.outcomes(run).values():
        ref = outcome["outputs"]["sources"]
        content = (clone.top / ref["path"].replace(":", "/")).read_bytes()
        assert hashlib.sha256(content).hexdigest() == ref["sha256"]


def test_the_tables_of_a_clone_are_those_of_the_one_who_ran(sources, clone):
    words = ("catalogue", "stack", "find@default")
    assert clone.ok(*words) == sources.ok(*words)
    for suffix in ("vot", "fits"):
        name = f"catalogues/find@default.{suffix}"
        assert (clone.top / name).read_bytes() == (sources.top / name).read_bytes()
    assert not products(clone)


def test_a_clone_says_what_came_with_the_records(clone):
    assert clone("catalogue", "stack", "find@default").stderr == "3 tables came with their records\n"


def test_a_clone_publishes_with_the_products(clone):
    said = clone.ok("publish", "find@default", "--to", "paper", "--products")
    assert "not on this machine" not in said
    assert len(list((clone.top / "paper/products").rglob("sources.csv"))) == 3


def test_a_chain_goes_on_in_a_clone(sources, clone):
    """The tables that a job takes are put where the run wrote them."""
    shutil.copytree(sources.top / "data", clone.top / "data")
    clone.ok("root", "add", "data", "data")
    assert clone.json("run", "count", "--force")["counts"] == {"ok": 3}
    theirs, mine = (survey.outcomes(survey.runs()[-1]) for survey in (sources, clone))
    assert {name: one["outputs"]["lines"]["sha256"] for name, one in mine.items()} == {
        name: one["outputs"]["lines"]["sha256"] for name, one in theirs.items()
    }


def test_what_a_colleague_made_is_restored_in_a_clone(sources, clone):
    """Another name of the same values: nothing is computed again, though no product is here."""
    shutil.copytree(sources.top / "data", clone.top / "data")
    clone.ok("root", "add", "data", "data")
    clone.ok("params", "new", "same", "--process", "find")
    assert clone.json("run", "find@same")["restored"] == 3
    assert archives(clone, clone.runs()[-1]) == [], "they are in git already"
    clone.ok("catalogue", "stack", "find@same")


def test_a_table_that_was_changed_by_hand_is_not_stacked(sources):
    """The one that the record names is in git."""
    sources.ok("catalogue", "stack", "find@default")
    before = (sources.top / "catalogues/find@default.vot").read_bytes()
    file = sources.top / sources.outcomes(sources.runs()[0])["a"]["outputs"]["sources"]["path"].replace(":", "/")
    file.write_text(table((99.0, 9.0, 900.0)), encoding="utf-8")
    sources.ok("catalogue", "stack", "find@default")
    assert (sources.top / "catalogues/find@default.vot").read_bytes() == before
    assert "99.0" in file.read_text(), "the user's file stays as it is"


def test_what_is_too_large_or_not_shared_stays_where_it_is(sources):
    rows = [(10.0 + number / 1000, -30.0, 20.0) for number in range(4000)]
    (sources.top / "data/b/table").write_text(table(*rows), encoding="utf-8")
    sources.ok("run", "find", "--force")
    with tarfile.open(fileobj=io.BytesIO(in_git(sources, sources.runs()[-1]))) as archive:
        assert [name.split("/")[-2] for name in archive.getnames()] == ["a", "c"]
    sources.edit(".stoa/processes/find.yaml", ", share: git", "")
    sources.ok("run", "find", "--force")
    assert archives(sources, sources.runs()[-1]) == []


def test_sharing_or_not_makes_nothing_stale(sources):
    sources.edit(".stoa/processes/find.yaml", ", share: git", "")
    assert sources.json("run", "find")["up_to_date"] == {"up to date": 3}


def test_an_unknown_way_to_share_is_named(sources):
    sources.edit(".stoa/processes/find.yaml", "share: git", "share: post")
    assert "share must be git" in sources.error("run", "find")[0].replace("one of ", "")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:100], id="cut"),
        pytest.param(lambda data: gzip.compress(gzip.decompress(data).replace(b"20.0", b"99.0")), id="changed"),
        pytest.param(lambda data: b"\xff" * 4096, id="noise"),
        pytest.param(lambda data: gzip.compress(_hostile()), id="hostile"),
        pytest.param(lambda data: gzip.compress(bytes(200_000_000), 1), id="bomb"),
    ],
)
def test_an_archive_is_believed_by_the_checksums_alone(sources, clone, damage):
    run = sources.runs()[0]
    file = clone.top / f".stoa/runs/{run}/products-0000.tar.gz"
    file.write_bytes(damage(file.read_bytes()))
    clone.git("commit", "--quiet", "--all", "--message", "an archive that is none")
    error = clone.error("catalogue", "stack", "find@default")[0]
    assert "the tables of find@default are not on this machine (3, such as products:find/" in error
    assert not list(clone.top.parent.glob("evil*"))


def _hostile() -> bytes:
    """Names that lead out, a link, a device, and a size without end."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind in (("../evil", tarfile.REGTYPE), ("link", tarfile.SYMTYPE), ("device", tarfile.CHRTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname, entry.size = kind, "/etc/passwd", 3 if kind == tarfile.REGTYPE else 0
            archive.addfile(entry, io.BytesIO(b"bad") if entry.size else None)
        huge = tarfile.TarInfo("huge")
        huge.size = 1 << 60
        buffer.write(huge.tobuf())
    return buffer.getvalue()


def test_many_tiny_products_are_divided_by_what_the_archive_needs(sources, monkeypatch):
    """The blocks in front of a file count: an archive never holds more than is read of one."""
    monkeypatch.setattr(packed, "_ARCHIVE_BYTES", 3500)
    sources.ok("run", "find", "--force")
    run = sources.runs()[-1]
    assert archives(sources, run) == ["products-0000-1.tar.gz", "products-0000.tar.gz"]
    for outcome in sources.outcomes(run).values():
        found = [packed.Archive(in_git(sources, run, name)) for name in archives(sources, run)]
        ref = FileRef(**outcome["outputs"]["sources"])
        assert sum(archive.content(ref) is not None for archive in found) == 1


@pytest.mark.parametrize("size", [0, 1, 511, 512, packed.MOST_BYTES])
@pytest.mark.parametrize("name", ["a", "products/find/run/b/sources.csv", "x" * 100, "x" * 101, "ä", "\udcff"])
def test_the_block_in_front_of_a_file_is_that_of_tar(name, size):
    head = tarfile.TarInfo(name)
    head.size = size
    expected = head.tobuf(tarfile.USTAR_FORMAT if len(name) <= 100 else tarfile.PAX_FORMAT)
    assert packed.archive_entry(name, bytes(size)) == expected + bytes(size + -size % 512)


def test_a_run_that_was_cut_off_is_healed_with_its_products(sources):
    """The products of what had ended go into git when the next command heals the run."""
    (sources.top / "find.sh").write_text('cp "$1/table" sources.csv\n[ ! -f "$1/wait" ] || sleep 600\n')
    (sources.top / "data/c/wait").touch()
    process = sources.start("run", "find", "-j", "1")
    _wait_for_journal(sources, 2)
    process.kill()
    process.communicate()
    sources.ok("status")
    run = sources.runs()[-1]
    with tarfile.open(fileobj=io.BytesIO(in_git(sources, run))) as archive:
        assert [name.split("/")[-2] for name in archive.getnames()] == ["a", "b"]
    sources.ok("stop", run)  # the third job still sleeps


def _wait_for_journal(survey: Survey, ended: int) -> None:
    from survey import wait_for

    def done() -> bool:
        journals = Path(survey.git("rev-parse", "--absolute-git-dir").strip()).rglob("journal*")
        return any(file.read_bytes().count(b'"k":"end"') >= ended for file in journals if file.is_file())

    wait_for(done, "the outcomes of two jobs")
