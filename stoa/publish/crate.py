"""The folder as a research object: a Process Run RO-Crate in which failed jobs are beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stoa.model import Author, FileRef, Outcome, Run, Status
from stoa.publish.facts import CatalogueFacts, Publication

if TYPE_CHECKING:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_MEDIA = {
    ".fits": "application/fits", ".vot": "application/x-votable+xml", ".png": "image/png", ".pdf": "application/pdf",
    ".svg": "image/svg+xml", ".md": "text/markdown", ".tex": "application/x-tex", ".bib": "application/x-bibtex",
    ".json": "application/json", ".provn": "text/provenance-notation", ".yaml": "application/yaml",
    ".py": "text/x-python",
}  # fmt: skip


def write_crate(publication: Publication, folder: Path, files: Mapping[str, str]) -> None:
    """Write ``ro-crate-metadata.json`` for what is in a folder.

    Parameters
    ----------
    files
        Path in the folder -> what it is.

    Source: Process Run Crate profile 0.5, on RO-Crate 1.1.
    """
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.name = publication.title
    crate.description = (
        f"Outcomes of {publication.source}: {len(publication.outcomes)} jobs over {publication.targets} targets,"
        f" with catalogue, plots and provenance as far as there are any."
        + "".join(f" {words}" for words in publication.caveats)
    )
    crate.datePublished = datetime.fromisoformat(publication.written)
    crate.license = publication.licence or "No licence is stated: all rights are with the authors."
    profile = crate.add(
        ContextEntity(crate, _PROFILE, {"@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"})
    )
    crate.root_dataset["conformsTo"] = profile
    if publication.origin:
        crate.root_dataset["isBasedOn"] = publication.origin
    for path, words in sorted(files.items()):
        size = str((folder / path).stat().st_size)
        media = _MEDIA.get(Path(path).suffix, "application/octet-stream")
        crate.add_file(folder / path, path, properties={"name": words, "encodingFormat": media, "contentSize": size})
    people = [_person(crate, run.author) for run in publication.runs]
    crate.root_dataset["author"] = list({person.id: person for person in people}.values())
    tools = {run.id: _instrument(crate, publication, run) for run in publication.runs}
    actions = [
        _action(crate, outcome, tools[outcome.run], agent)
        for outcome in publication.outcomes
        for agent in [next(p for p, run in zip(people, publication.runs, strict=True) if run.id == outcome.run)]
    ]
    if publication.catalogue:
        actions.append(_stacking(crate, publication, publication.catalogue))
    crate.root_dataset["mentions"] = actions
    crate.metadata.write(folder)


def _person(crate: ROCrate, author: Author) -> ContextEntity:
    from rocrate.model.person import Person

    name = f"#person-{quote(author.email or author.name)}"
    return crate.add(Person(crate, name, {"name": author.name, "email": author.email}))


def _stacking(crate: ROCrate, publication: Publication, found: CatalogueFacts) -> Any:
    """How the catalogue came from the products: by STOA, asked by who published it."""
    from rocrate.model.contextentity import ContextEntity

    version = publication.versions["stoa"]
    words = [f"{found.sources} sources", *(f"{cut.words} ({cut.removed} removed)" for cut in found.cuts)]
    words += [f"matched with {found.match.catalogue}"] if found.match else []
    tool = {"@type": "SoftwareApplication", "name": "STOA", "version": version, "softwareVersion": version}
    properties = {
        "@type": "CreateAction", "name": "stacking of the catalogue",
        "description": "; ".join(words),
        "actionStatus": "http://schema.org/CompletedActionStatus", "endTime": publication.written,
    }  # fmt: skip
    action = crate.add(ContextEntity(crate, "#catalogue", properties))
    action["instrument"] = crate.add(ContextEntity(crate, f"#stoa-{quote(version)}", tool))
    action["agent"] = _person(crate, publication.publisher)
    action["object"] = [_file(crate, ref) for ref in publication.catalogue_parts]
    action["result"] = [crate.get(name) for name in found.files]
    return action


def _instrument(crate: ROCrate, publication: Publication, run: Run) -> Any:
    """The process as a run froze it, with the values of its parameters."""
    from rocrate.model.contextentity import ContextEntity

    version = run.digests.get("script") or run.digests.get("process", "")
    properties = {
        "@type": "SoftwareApplication", "name": run.process, "version": version, "softwareVersion": version,
        "description": publication.process.doc or " ".join(publication.process.command),
        "softwareRequirements": ", ".join(f"{name} {value}" for name, value in run.environment_facts.items()),
    }  # fmt: skip
    if publication.origin:
        properties["url"] = publication.origin
    return crate.add(ContextEntity(crate, f"#run-{run.id}", properties))


def _action(crate: ROCrate, outcome: Outcome, tool: Any, agent: Any) -> Any:
    from rocrate.model.contextentity import ContextEntity

    where = "/".join(filter(None, (outcome.target, outcome.group)))
    ok = outcome.status is Status.OK
    properties: dict[str, Any] = {
        "@type": "CreateAction", "name": f"{tool['name']} over {where}",
        "description": f"ended {outcome.status.value}" + (f": {outcome.cause}" if outcome.cause else ""),
        "actionStatus": "http://schema.org/" + ("CompletedActionStatus" if ok else "FailedActionStatus"),
    }  # fmt: skip
    if outcome.start:
        start = datetime.fromisoformat(outcome.start)
        properties["startTime"] = start.isoformat(timespec="milliseconds")
        end = start + timedelta(seconds=outcome.duration_s)
        properties["endTime"] = end.isoformat(timespec="milliseconds")
    if not ok:
        properties["error"] = outcome.cause or outcome.status.value
    action = crate.add(ContextEntity(crate, f"#job-{outcome.run}-{quote(where, safe='')}", properties))
    action["instrument"] = tool
    action["agent"] = agent
    if outcome.inputs:
        action["object"] = [_file(crate, ref) for ref in outcome.inputs.values()]
    if outcome.outputs:
        action["result"] = [_file(crate, ref) for ref in outcome.outputs.values()]
    return action


def _file(crate: ROCrate, ref: FileRef) -> Any:
    """A file that is not in the folder: named by root and path, known by its checksum."""
    from rocrate.model.contextentity import ContextEntity

    name = f"#file-{quote(ref.path, safe='')}-{ref.sha256[:12]}"
    known = crate.get(name)
    if known is not None:
        return known
    properties = {"@type": "CreativeWork", "name": ref.path, "contentSize": str(ref.size), "sha256": ref.sha256}
    return crate.add(ContextEntity(crate, name, properties))
