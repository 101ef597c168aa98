"""Files that others made are opened through one door."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from stoa.commands.diff import check_tables
from stoa.errors import StoaError
from stoa.opening import (
    NotRegularError,
    TooLargeError,
    check_inside,
    have_same_content,
    open_regular,
    read_bounded,
    regular,
)
from stoa.project import Config, Local, Project

PACKAGE = Path(__file__).resolve().parents[1] / "stoa"

OPENING = frozenset(
    {"open", "fdopen", "read_text", "read_bytes", "getheader", "getdata", "memmap", "fromfile", "load", "loadtxt"}
)
"""Functions and methods that open a file by its name."""

JUSTIFIED = {
    # What is read there was written by STOA, on this machine, below .git, .stoa/cache or the cluster's folder.
    **dict.fromkeys(
        (
            "durable.py", "provenance/journal.py", "provenance/lock.py", "provenance/index.py",
            "api/following.py", "workspace/child.py", "api/pictures.py",
            "provenance/committer.py", "workspace/gather.py", "workspace/looks.py", "exec/cluster/chunks.py",
            "exec/cluster/dask.py", "exec/cluster/remote.py", "exec/cluster/slurm.py", "exec/cluster/worker.py",
            "exec/environments/docker.py", "exec/environments/venv.py", "vo/answers.py",
        ),
        "STOA's own",
    ),
    # Git's own files, and files of the work tree whose kind and size were looked at before.
    **dict.fromkeys(
        (
            f"provenance/git/{name}.py"
            for name in ("checkout", "loose", "merge", "objects", "packs", "repository", "trees")
        ),
        "git's",
    ),
    # Runs inside a job or beside it, with the rights of its script, or reads the kernel's files.
    **dict.fromkeys(
        (
            "exec/job/child.py", "exec/job/container/vessel.py", "exec/job/folder.py", "exec/job/importable.py",
            "exec/job/report.py", "exec/job/warm/interpreter.py", "exec/environments/inquiry.py",
            "exec/environments/casa_run.py",
        ),
        "the job's",
    ),
    **dict.fromkeys(("procfs.py", "exec/signals.py"), "the kernel's"),
    **dict.fromkeys(
        ("commands/demo.py", "commands/init.py", "commands/process.py", "meta/xml.py", "runs/images.py"),
        "the package's",
    ),
    **dict.fromkeys(
        ("sources/images.py", *(f"ui/{name}.py" for name in ("desk", "identity", "live", "routes", "viewer", "wall"))),
        "its logs, its cache of pictures, its pages",
    ),
    **dict.fromkeys(("sources/files.py", "ui/pages/catalogue.py"), "what it has just written"),
    "opening.py": "this is the door",
    "project.py": "where git's folder is, before there is a project",
    "api/__init__.py": "stoa.open opens a project",
    "meta/header.py": "looks at the kind itself; the first bytes of a million files",
    "meta/package.py": "looks at the kind itself; the first bytes alone",
    "workspace/live.py": "looks at the kind itself; the ends of a log alone",
    "catalogue/drawing.py": "the folder, to come back to it",
    "catalogue/formats.py": "looks at the kind itself; unpacks in pieces",
    "catalogue/tables.py": "read_table looks at kind and size before",
    "catalogue/fits_tables.py": "read_table looks at kind and size before",
    "publish/stamp.py": "a copy that it has just made",
    **dict.fromkeys(("provenance/packed.py", "workspace/pictures.py"), "archives and pictures in memory"),
    "workspace/products.py": "what it has just found to have its checksum",
    **dict.fromkeys(("commands/samp/send.py", "commands/vo/serve.py", "vo/serving.py"), "a table that it has written"),
    **dict.fromkeys(("vo/fetching.py", "vo/tars.py"), "files that it makes itself, never through a link"),
    "commands/vo/fetch.py": "unpacks in pieces what the door has opened",
    **dict.fromkeys(("provenance/contents/folder.py", "workspace/travel.py"), "files that it makes itself"),
    "runs/adopt.py": "looks at the kind itself; the ends of a log alone",
}  # fmt: skip
"""Module -> why it opens files by itself. What is given to astropy as `fits.open(regular(path))` needs no reason."""


def opens() -> dict[str, list[ast.Call]]:
    """The calls of every module by which a file is opened."""
    found: dict[str, list[ast.Call]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                called = ast.unparse(node)
                if name in OPENING and not called.startswith(("np.ma.getdata(", "fits.open(regular(")):
                    found.setdefault(file.relative_to(PACKAGE).as_posix(), []).append(node)
    return found


def test_no_module_opens_files_of_others_but_through_the_door():
    assert sorted(opens().keys() - JUSTIFIED.keys()) == []


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.timeout(10)
@pytest.mark.parametrize("read", [read_bounded, regular, lambda path: open_regular(path, follow_links=True)])
def test_only_regular_files_are_opened_and_nothing_waits(pipe, tmp_path, read):
    (tmp_path / "zeros").symlink_to("/dev/zero")
    for path in (pipe, tmp_path / "zeros", tmp_path):
        with pytest.raises(NotRegularError):
            read(path)


def test_a_file_is_read_up_to_a_size(tmp_path):
    file = tmp_path / "sparse"
    file.write_bytes(b"")
    os.truncate(file, 1 << 40)
    with pytest.raises(TooLargeError) as caught:
        read_bounded(file)
    assert caught.value.strerror == "it is larger than 50 MB, the most that is read"
    os.truncate(file, 1000)
    assert read_bounded(file, 1000) == bytes(1000)


def test_contents_are_compared(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"x" * 3_000_000)
    other.write_bytes(b"x" * 2_999_999 + b"y")
    assert have_same_content(one, one)
    assert not have_same_content(one, other)
    other.write_bytes(b"x")
    assert not have_same_content(one, other)


def test_a_link_of_the_repository_leads_nowhere_else(tmp_path):
    top, outside = tmp_path / "project", tmp_path / "outside"
    for folder in (top, outside, top / "data"):
        folder.mkdir()
    (outside / "file").write_text("x")
    (top / "data/link").symlink_to(outside / "file")
    (top / "data/folder").symlink_to(outside)
    (top / "near").symlink_to("data")
    with pytest.raises(StoaError, match=r"data/link leads through a link to .*outside/file, outside of the project"):
        check_inside(top / "data/link", top, ())
    with pytest.raises(StoaError, match="leads through a link"):
        check_inside(top / "data/folder/file", top, ())
    check_inside(top / "near/missing", top, ())
    check_inside(top / "data/link", top, (outside,))  # a root of this machine
    check_inside(outside / "file", top, ())  # not of the repository


def test_products_are_not_written_where_a_link_leads(tmp_path):
    (tmp_path / "products").symlink_to("/")
    with pytest.raises(StoaError, match=r"products is a symbolic link"):
        Project(tmp_path, Config(project="p"), Local()).file("products:find/x")
    chosen = Project(tmp_path, Config(project="p"), Local(roots={"products": "products"}))
    assert chosen.file("products:tmp/x") == tmp_path / "products/tmp/x"


def test_tables_that_are_compared_are_not_read_through_links_that_lead_out(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".stoa").mkdir(parents=True)
    (project / ".stoa/config.yaml").write_text("schema: 1\nproject: p\n", encoding="utf-8")
    (tmp_path / "secret.csv").write_text("ra,dec\n1,2\n", encoding="utf-8")
    (project / "table.csv").symlink_to(tmp_path / "secret.csv")
    (project / "own.csv").write_text("ra,dec\n1,2\n", encoding="utf-8")
    check_tables(project, str(project / "own.csv"), str(tmp_path / "secret.csv"))
    with pytest.raises(StoaError, match=r"table\.csv leads through a link"):
        check_tables(project, str(project / "own.csv"), str(project / "table.csv"))
    check_tables(tmp_path, str(project / "table.csv"))  # no project
