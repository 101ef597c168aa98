"""Whether the records in a run's folder are the run's own: its folder is closed to all others.

A file is the run's own if a commit has added it that names the run (the trailer `Stoa-Run`) and has the run's author.
Git proves no author without signatures: who pretends to be the author of the run is not found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stoa.provenance.git import Addition, Repository, additions


def foreign_files(
    repository: Repository, prefix: str, span: tuple[str, str], paths: Iterable[str], authors: Mapping[str, str]
) -> dict[str, str]:
    """Files of runs that others have added, and who: ``Ben Cook in 1a2b3c4``, "" where a merge did.

    Parameters
    ----------
    prefix
        Path of `.stoa` in the repository.
    span
        Two commits, between which they were added; "" for the first stands for the whole history. Of that runs are left
        out whose own first record no commit of theirs has added: one that was squashed tells nothing.
    paths
        Of the repository.
    authors
        Address of the author of each run that is known.
    """
    wanted = {path: run for path in paths if (run := run_of(path, prefix)) in authors}
    if not wanted:
        return {}
    folders = sorted({f":(literal){prefix}/runs/{run}" for run in wanted.values()})
    if len(folders) > 100:
        folders = [f":(literal){prefix}/runs"]
    found: dict[str, list[Addition]] = {}
    for addition in additions(repository, *span, *folders):
        for path in addition.paths:
            found.setdefault(path, []).append(addition)

    def is_own(path: str, run: str) -> bool:
        return any(run in added.runs and added.email == authors[run] for added in found.get(path, []))

    told = {run for run in wanted.values() if span[0] or is_own(f"{prefix}/runs/{run}/run.yaml", run)}
    return {
        path: next((f"{added.author} in {added.commit[:7]}" for added in found.get(path, [])), "")
        for path, run in wanted.items()
        if run in told and not is_own(path, run)
    }


def run_of(path: str, prefix: str) -> str:
    """The run in whose folder a path of the repository is, "" for other paths."""
    start = f"{prefix}/runs/"
    return path.removeprefix(start).partition("/")[0] if path.startswith(start) else ""
