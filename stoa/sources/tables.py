"""The source tables of a run: as they are on this machine, or as they came with their records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stoa.catalogue.stack import Part
from stoa.errors import StoaError
from stoa.model import Outcome, Status
from stoa.workspace.frozen import frozen_process
from stoa.workspace.names import RunName
from stoa.workspace.open import Workspace


def nothing_to_stack(source: str, missing: list[str], left_out: Mapping[str, int]) -> StoaError:
    """The error for a run or pair without a source table that can be read here."""
    if missing:
        return StoaError(
            f"the tables of {source} are not on this machine ({len(missing)}, such as {missing[0]})",
            f"`stoa root add products PATH` says where the products are; `stoa fetch {source}` fetches shared ones;"
            " `stoa fsck --products` names those that were changed",
        )
    words = ", ".join(f"{number} {status}" for status, number in left_out.items()) or "it has none"
    return StoaError(f"{source} has no ok outcome with a table of sources ({words})", "`stoa status` shows what failed")


def catalogue_output(ws: Workspace, name: RunName, outcomes: Iterable[Outcome]) -> str:
    """The output of kind catalogue that the process declared when it ran."""
    run = name.run or max((o.run for o in outcomes), default="")
    process = frozen_process(ws, run)
    found = [key for key, spec in process.outputs.items() if spec.kind == "catalogue"] if process else []
    if len(found) == 1:
        return found[0]
    words = f"has the catalogues {', '.join(found)}" if found else "declares no output of kind catalogue"
    raise StoaError(f"process {name.process!r} {words}", "`--which NAME` chooses one; `kind: catalogue` declares one")


def tables_of(
    ws: Workspace, name: RunName, outcomes: Iterable[Outcome], output: str
) -> tuple[list[Part], list[str], dict[str, int]]:
    """Tables of the ok outcomes that are on this machine as recorded, products that are not, other jobs by status."""
    kinds = _kinds(ws)
    parts: list[Part] = []
    missing: list[str] = []
    left_out: dict[str, int] = {}
    before = ws.products.from_git
    for o in sorted(outcomes, key=lambda o: (o.target, o.group)):
        ref = o.outputs.get(output)
        if o.status != Status.OK or ref is None:
            left_out[o.status.value] = left_out.get(o.status.value, 0) + 1
            continue
        path = ws.products.here(ref, o.run)
        if path is None or not path.is_file():
            ws.products.file(ref, o.run)  # raises where its root has no path here
            missing.append(ref.path)
            continue
        intent, kind = kinds.get((o.target, o.group), ("", ""))
        parts.append(
            Part(
                path=path, target=o.target, group=o.group, intent=intent, kind=kind, process=name.process,
                params=name.params, run=o.run, product=ref.path,
            )
        )  # fmt: skip
    if shared := ws.products.from_git - before:
        ws.remark("a table came with its record" if shared == 1 else f"{shared} tables came with their records")
    return parts, missing, left_out


def _kinds(ws: Workspace) -> dict[tuple[str, str], tuple[str, str]]:
    """Intent and kind of every image group that the metadata documents know."""
    found = {}
    for target, (_, document) in ws.documents().items():
        if isinstance(document, StoaError):
            continue
        for group in document.groups:
            facts = next((file.derived for file in group.files if file.derived.get("intent")), {})
            found[target, group.key] = (facts.get("intent", ""), facts.get("kind", ""))
    return found
