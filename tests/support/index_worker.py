"""A process of its own that brings an index up to date: `python index_worker.py REPOSITORY INDEX times [limit]`.

Prints the number of outcomes after each time; under a limit no file can grow beyond so many bytes.
"""

from __future__ import annotations

import resource
import sys
from contextlib import closing
from pathlib import Path

from indexed import COLUMNS, read_meta

from stoa.provenance.git import Repository
from stoa.provenance.index import Index


def main(top: str, file: str, times: str, limit: str = "") -> None:
    """Update again and again, each time to what is checked out then."""
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    say("ready")
    with closing(Repository(Path(top))) as repository, closing(Index(Path(file), COLUMNS)) as index:
        for _ in range(int(times)):
            index.update(repository.snapshot(), ".stoa", read_meta)
            with index.reading():
                [(outcomes, results)] = index.rows("SELECT (SELECT count(*) FROM outcomes), count(*) FROM results")
                [(latest,)] = index.rows("SELECT count(*) FROM latest")
            say(f"{outcomes} {results} {latest}")


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
