"""Nothing that a collaborator can push, or a script can leave, keeps STOA busy without end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.errors import StoaError
from stoa.hashing import HashingStopped, sha256_of
from stoa.meta.check import check
from stoa.meta.document import Document, FileEntry, ImageGroup
from stoa.project import Project
from stoa.request import Request, Selection
from stoa.runs.requested import plans_of
from stoa.workspace.open import Workspace


def layers(top: Path, number: int) -> None:
    """Processes in layers of two, each of which needs both of the next layer: 2**number paths lead to the last one."""
    for layer in range(number):
        needs = "[]" if layer == number - 1 else f"[l{layer + 1}a, l{layer + 1}b]"
        for side in "ab":
            text = f'schema: 1\nname: l{layer}{side}\ncommand: ["true"]\nneeds: {needs}\n'
            (top / f".stoa/processes/l{layer}{side}.yaml").write_text(text, encoding="utf-8")


def test_a_needed_process_is_looked_at_once_however_many_paths_lead_to_it(survey, monkeypatch):
    layers(survey.top, 9)
    seen = []
    monkeypatch.setattr("stoa.runs.plan.Judge", _counting(seen))
    with closing(Workspace(survey.top)) as ws:
        list(plans_of(ws, Request(process="l0a")))
    assert len(seen) == 1 + 2 * 8


def _counting(seen: list[str]) -> type:
    from stoa.runs.judge import Judge

    class Counting(Judge):
        def __init__(self, ws, definitions, *rest):
            seen.append(definitions.process.name)
            super().__init__(ws, definitions, *rest)

    return Counting


@pytest.mark.parametrize(
    "where",
    [
        "instr(zeroblob(90000000), zeroblob(45000000) || x'01') > 0",
        "length(zeroblob(2000000000)) > 0",
        "length(hex(zeroblob(40000000))) > 0",
        "hex(zeroblob(100000)) LIKE '%' || hex(zeroblob(20000)) || '1'",
        "hex(zeroblob(100000)) GLOB '*' || hex(zeroblob(20000)) || '1'",
    ],
)
def test_an_expression_that_asks_for_a_huge_value_is_refused_at_once(survey, where):
    start = time.monotonic()
    with (
        closing(Workspace(survey.top)) as ws,
        pytest.raises(StoaError, match="too (big|long|complex)|longer|--where"),
    ):
        list(plans_of(ws, Request(process="measure", selection=Selection(where=where))))
    assert time.monotonic() - start < 20  # one step of SQLite at most, not minutes


def test_a_file_is_not_read_on_when_someone_stops_it(tmp_path):
    file = tmp_path / "sparse"
    with file.open("wb") as out:
        out.truncate(1 << 40)
    pieces = iter([False, False, True])
    with file.open("rb") as stream, pytest.raises(HashingStopped):
        sha256_of(stream, lambda: next(pieces))


def test_the_sum_of_a_file_is_that_of_its_content(tmp_path):
    import hashlib

    content = os.urandom(9_000_001)
    (tmp_path / "x").write_bytes(content)
    with (tmp_path / "x").open("rb") as stream:
        assert sha256_of(stream) == hashlib.sha256(content).hexdigest()


def test_ctrl_c_twice_ends_a_run_that_reads_a_sparse_output(survey):
    survey.does("a", "truncate -s 1T table.txt; exit 0")
    command = [sys.executable, "-m", "stoa", "run", "measure", "--target", "a"]
    run = subprocess.Popen(command, cwd=survey.top, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        _wait_for_sparse(survey.top / "products")
        run.send_signal(signal.SIGINT)
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=60) == 130
    finally:
        run.kill()
        run.communicate()


def _wait_for_sparse(products: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(file.stat().st_size == 1 << 40 for file in products.rglob("table.txt")):
            time.sleep(1)
            return
        time.sleep(0.05)
    pytest.fail("the job never made its output")


def groups(number: int) -> Document:
    made = tuple(
        ImageGroup(key=f"g{n}", files=(FileEntry(name=f"g{n}.image.fits", role="image"),)) for n in range(number)
    )
    return Document(groups=made)


def test_a_document_of_many_images_is_looked_at_once_for_each(monkeypatch):
    asked = []
    monkeypatch.setattr("stoa.meta.check.has_beam", lambda group: asked.append(group.key) or False)
    check(groups(300))
    assert len(asked) == 300


# Places of jobs.

names = st.text(alphabet="ab%/._-2F5", min_size=1, max_size=8).filter(lambda name: not name.startswith("/"))
targets = st.sampled_from(["failed", "a", "a_b", ".work", "Failed", "failed.2"])  # names have no %


@given(
    targets, names, targets, names, st.sampled_from(["", "failed", ".work"]), st.sampled_from(["", "failed", ".work"])
)
def test_no_two_jobs_have_one_place_nor_is_one_inside_the_other(target, group, other, second, kind, another):
    one, two = (Project.job_place("p", "r", *which) for which in ((target, group), (other, second)))
    if (target, group) != (other, second):
        assert one != two
        assert not one.startswith(f"{two}/")
        assert not two.startswith(f"{one}/")
    with_kind = (
        Project.job_place("p", "r", target, group, kind=kind),
        Project.job_place("p", "r", other, second, kind=another),
    )
    if kind != another:
        assert with_kind[0] != with_kind[1]
        assert not with_kind[0].startswith(f"{with_kind[1]}/")
