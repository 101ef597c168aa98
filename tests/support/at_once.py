"""Verbs that change one project in several processes at the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from stoa.commands import env, flag, meta, params, process, root, sync, target
from stoa.errors import StoaError
from stoa.workspace.open import Workspace

VERBS = {
    "add target": lambda ws, n: target.add_targets(ws, "data", [f"new{n}"]),
    "remove target": lambda ws, n: target.remove_targets(ws, [f"gone{n}"]),
    "rename target": lambda ws, n: target.rename_target(ws, f"t{n}", f"target{n}"),
    "add root": lambda ws, n: root.add_root(ws, f"root{n}", str(ws.project.top)),
    "remove root": lambda ws, n: root.remove_root(ws, f"old{n}"),
    "new process": lambda ws, n: process.new_process(ws, f"made{n}", str(ws.project.top / "p.py")),
    "remove process": lambda ws, n: process.remove_process(ws, f"gone{n}"),
    "rename process": lambda ws, n: process.rename_process(ws, f"p{n}", f"process{n}"),
    "new params": lambda ws, n: params.new_parameter_set(ws, f"made{n}", "base", {"snr": f"{n + 1}"}),
    "remove params": lambda ws, n: params.remove_parameter_set(ws, f"gone{n}", "base"),
    "rename params": lambda ws, n: params.rename_parameter_set(ws, f"s{n}", f"set{n}", "base"),
    "add env": lambda ws, n: env.add_environment(ws, f"made{n}", {"doc": f"{n}"}),
    "remove env": lambda ws, n: env.remove_environment(ws, f"gone{n}"),
    "rename env": lambda ws, n: env.rename_environment(ws, f"e{n}", f"env{n}"),
    "flag": lambda ws, n: flag.flag(ws, ["a"], reason="check", text=f"{n}"),
    "build metadata": lambda ws, n: meta.build_documents(ws, [f"described{n}"]),
    "sync": lambda ws, _n: sync.sync(ws),
    "remove what is renamed": lambda ws, n: target.remove_targets(ws, [f"t{n}"]),
    "remove the process": lambda ws, n: process.remove_process(ws, f"p{n}"),
    "remove the set": lambda ws, n: params.remove_parameter_set(ws, f"s{n}", "base"),
    "describe what is renamed": lambda ws, n: meta.build_documents(ws, [f"t{n}"]),
    "rename the base": lambda ws, n: process.rename_process(ws, "base", f"base{n}"),
}
"""Each verb, about the thing of a number."""


def _carry_out(top: str, deeds: Sequence[tuple[str, int]], ready: object, said: object) -> None:
    """One worker: its deed of each round, begun when all workers are there."""
    for verb, number in deeds:
        ws = Workspace(Path(top))
        ready.wait(120)  # type: ignore[attr-defined]
        try:
            VERBS[verb](ws, number)
            said.put((verb, number, ""))  # type: ignore[attr-defined]
        except StoaError as problem:
            said.put((verb, number, problem.message))  # type: ignore[attr-defined]
        finally:
            ws.close()


def at_once(top: Path, *rounds: Sequence[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """What each deed was refused for, "" for nothing; the deeds of a round begin at the same moment.

    Parameters
    ----------
    rounds
        Deeds (verb and number), as many in each round.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ready, said = context.Barrier(len(rounds[0])), context.Queue()
    started = [
        context.Process(target=_carry_out, args=(str(top), deeds, ready, said)) for deeds in zip(*rounds, strict=True)
    ]
    for each in started:
        each.start()
    ends = [said.get(timeout=180) for deeds in rounds for _ in deeds]
    for each in started:
        each.join(60)
    assert [each.exitcode for each in started] == [0] * len(started)
    return {(verb, number): words for verb, number, words in ends}
