"""What handing jobs over through files costs: time and bytes a job, as the number of jobs grows."""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from stoa.exec.cluster.chunks import ChunkJournal, Done, Ended, Started
from stoa.exec.cluster.remote import Follower, place_chunks
from stoa.model import FileRef, Job, Outcome, Status

ENVIRON = {f"NAME_{number}": "a value of usual length, such as a path has" for number in range(30)}


def jobs(count: int) -> Iterator[Job]:
    """Jobs as a run over `count` targets makes them."""
    for number in range(count):
        name = f"A001_X{number:06d}"
        paths = {kind: f"/shared/products/p/r/{kind}/{name}" for kind in ("work", "place", "failed_place")}
        yield Job(
            run="r", target=name, argv=("python", "/shared/script.py", f"/data/{name}/image.fits", "--snr", "5.0"),
            environ=ENVIRON | {"STOA_TARGET": name, "STOA_OUT": paths["work"]}, place_ref=f"products:p/r/{name}",
            description=json.dumps(paths).encode(), inputs={"image": FileRef(path=f"alma:{name}/image.fits", size=1)},
            **paths,
        )  # fmt: skip


def outcome(job: Job) -> Outcome:
    """An outcome of usual length."""
    return Outcome(
        schema=1, run=job.run, target=job.target, worker="slurm 1234_5 on node7", status=Status.OK, exit_code=0,
        start="2026-11-22T10:30:00.963+00:00", duration_s=3.1, inputs=job.inputs, place=job.place_ref,
        results={"n_sources": 12, "rms": 3.2e-5}, log="12 sources\n",
    )  # fmt: skip


def measure(count: int, size: int) -> dict[str, float]:
    """Microseconds and bytes a job."""
    with tempfile.TemporaryDirectory(prefix="stoa-bench-") as top:
        start = time.perf_counter()
        placed = place_chunks(Path(top), jobs(count), size)
        write_s = time.perf_counter() - start
        folder = placed.folder
        stored = sum(file.stat().st_size for file in folder.iterdir())
        for number, first in enumerate(range(0, count, size)):
            journal = ChunkJournal(folder, number, "bench", "2026-11-22T10:30:00.000+00:00")
            for job in jobs(min(size, count - first)):
                journal.append(Started(job.target, "", "2026-11-22T10:30:00.000+00:00"))
                journal.append(Ended(outcome(job)))
            journal.append(Done())
            journal.close()
        start = time.perf_counter()
        found = len(Follower(folder, range(placed.count)).read())
        read_s = time.perf_counter() - start
        assert found == count
    return {
        "jobs": count, "write_us": 1e6 * write_s / count, "bytes": stored / count, "read_us": 1e6 * read_s / count,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1000, 10_000, 100_000], metavar="N")
    parser.add_argument("--chunk", type=int, default=50, metavar="N", help="jobs of a chunk (50)")
    options = parser.parse_args()
    print(f"{'jobs':>8} {'write, us a job':>16} {'bytes a job':>12} {'read, us a job':>15} {'peak, MB':>9}")
    for count in options.jobs:
        row = measure(count, options.chunk)
        print(
            f"{count:>8} {row['write_us']:>16.0f} {row['bytes']:>12.0f} {row['read_us']:>15.0f} {row['peak_mb']:>9.0f}"
        )


if __name__ == "__main__":
    main()
