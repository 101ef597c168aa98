"""A repository with records, and indexes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from damage import loose

from stoa.errors import StoaError
from stoa.model import SCHEMA, Author, Outcome, ParameterSet, Review, Run, Status, Summary
from stoa.provenance.git import Repository
from stoa.provenance.index import Index
from stoa.provenance.records import write_outcomes, write_review, write_run, write_summary

AUTHOR = Author("Ada", "ada@example.org")
COLUMNS = {"size": "INTEGER", "first": "TEXT"}
FIRST, SECOND, THIRD = (f"20261122T10000{n}-aaaaaa" for n in (1, 2, 3))

_CONTENTS = {
    "seen": "SELECT * FROM seen",
    "problems": "SELECT * FROM problems",
    "runs": "SELECT * FROM runs",
    "outcomes": "SELECT run, process, params, environment, target, grp, attempt, status, cause, record FROM outcomes",
    "interruptions": "SELECT process, params, environment, target, grp, run, attempt, status FROM interruptions",
    "latest": "SELECT l.process, l.params, l.environment, l.conclusive, l.target,"
    " l.grp, l.run, l.attempt, l.status, l.cause, o.run, o.attempt,"
    " o.target, o.grp FROM latest l JOIN outcomes o ON o.id = l.outcome",
    "results": "SELECT o.run, o.target, o.grp, o.attempt, r.name, r.value FROM results r JOIN outcomes o"
    " ON o.id = r.outcome",
    "lost": "SELECT (SELECT count(*) FROM results), (SELECT count(*) FROM latest),"
    " (SELECT count(*) FROM interruptions)",
    "reviews": "SELECT * FROM reviews",
    "cleared": "SELECT * FROM cleared",
    "open_flags": "SELECT * FROM open_flags",
    "metadata": "SELECT * FROM metadata",
    "documents": "SELECT * FROM documents",
}


def read_meta(target: str, data: bytes) -> tuple[Mapping[str, Any], bytes]:
    """Columns of a document: how long it is and how it begins; one that begins with ``bad`` cannot be read."""
    if data.startswith(b"bad"):
        raise StoaError(f"the document of {target} is bad")
    return {"size": 1 << 70 if data == b"huge" else len(data), "first": data[:1].decode()}, data


class Records:
    """A git repository and what is committed to it below `.stoa`."""

    def __init__(self, top: Path) -> None:
        self.top = top
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", top], check=True)
        self.repository = Repository(top)
        self._indexes: list[Index] = []
        self.put({"config.yaml": b"schema: 1\n"})

    def put(self, changes: Mapping[str, bytes | None]) -> str:
        return self.repository.commit({f".stoa/{name}": data for name, data in changes.items()}, "Change\n", AUTHOR)

    def files(self) -> dict[str, str]:
        """Object id by path of everything that is committed."""
        said = subprocess.run(
            ["git", "ls-tree", "-r", "HEAD"], cwd=self.top, capture_output=True, check=True, text=True
        )
        return {path: words.split()[2] for words, path in (line.split("\t") for line in said.stdout.splitlines())}

    def switch(self, branch: str, *, create: bool = False) -> None:
        subprocess.run(["git", "switch", "--quiet", *(["-c"] if create else []), branch], cwd=self.top, check=True)

    def update(self, index: Index) -> Index:
        index.update(self.repository.snapshot(), ".stoa", read_meta)
        return index

    def index(self, file: Path, columns: Mapping[str, str] = COLUMNS, reader: str = "") -> Index:
        """An index in a file, up to date."""
        self._indexes.append(Index(file, columns, reader))
        return self.update(self._indexes[-1])

    def object_of(self, path: str) -> Path:
        """The file of an object of the present commit; the packs that it was in are read no more."""
        file = loose(self.top, f"HEAD:{path}")
        self.repository.close()
        self.repository = Repository(self.top)
        return file

    def close(self) -> None:
        for index in self._indexes:
            index.close()
        self.repository.close()


def contents(index: Index) -> dict[str, list[str]]:
    """Everything that an index says, in no order and without its own numbers."""
    return {name: sorted(map(repr, index.rows(sql))) for name, sql in _CONTENTS.items()}


def run_files(
    run: str, *outcomes: Outcome, process: str = "sep", params: str = "default", number: int = 0
) -> dict[str, bytes | None]:
    """A run with one file of outcomes."""
    return {
        f"runs/{run}/run.yaml": write_run(head(run, process, params)),
        f"runs/{run}/outcomes-{number:04d}.yaml": write_outcomes(outcomes),
    }


def head(run: str, process: str = "sep", params: str = "default", jobs: int = 1) -> Run:
    return Run(
        schema=SCHEMA, id=run, process=process, params=ParameterSet(process=process, name=params, values={"snr": 5.0}),
        environment="host", engine="local", author=AUTHOR, host="node", started="2026-11-22T10:00:00+00:00",
        asked=("stoa", "run"), jobs=jobs, targets=jobs, digests={},
    )  # fmt: skip


def outcome(run: str, target: str, status: Status = Status.OK, **more: Any) -> Outcome:
    return Outcome(schema=SCHEMA, run=run, target=target, status=status, **more)


def summary(run: str, **counts: int) -> bytes:
    return write_summary(
        Summary(schema=SCHEMA, run=run, finished="2026-11-22T11:00:00+00:00", duration_s=60.0, counts=counts)
    )


def review(event: str, target: str, kind: str = "flag", **more: Any) -> dict[str, bytes | None]:
    """The file of a flag, clearing or comment."""
    one = Review(
        schema=SCHEMA, id=event, kind=kind, target=target, author=AUTHOR, time="2026-11-22T10:00:00+00:00", **more
    )
    return {f"reviews/{target}/{event}.yaml": write_review(one)}
