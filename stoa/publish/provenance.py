"""Outcomes as W3C PROV: what was made from what, by which activity, on whose behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stoa.model import Author, FileRef, Outcome, Run
from stoa.publish.facts import CatalogueFacts, Publication

if TYPE_CHECKING:
    from prov.model import ProvDocument

_NAMESPACE = "urn:stoa:"


def prov_document(publication: Publication) -> ProvDocument:
    """A PROV document of the outcomes: ``serialize(format="json")``, ``get_provn()``.

    An activity is a job, failed ones included; entities are files (by root, path and checksum),
    frozen definitions of each run, and the run itself; agents are who ran it, and STOA. A catalogue
    is an entity of an activity that used the products of its rows.
    Source: W3C PROV-DM, 30 April 2013.
    """
    from prov.model import ProvDocument

    document = ProvDocument()
    document.add_namespace("stoa", _NAMESPACE)
    runs = {run.id: run for run in publication.runs}
    for run in publication.runs:
        _describe_run(document, run)
    for outcome in publication.outcomes:
        _describe_job(document, runs[outcome.run], outcome)
    if publication.catalogue:
        _describe_catalogue(document, publication, publication.catalogue)
    return document.unified()


def _describe_catalogue(document: ProvDocument, publication: Publication, found: CatalogueFacts) -> None:
    """The published catalogue: one activity of STOA that used the products which its rows were read from."""
    person, tool = _person(document, publication.publisher), _tool(document, publication.versions["stoa"])
    document.actedOnBehalfOf(tool, person)
    facts: dict[str, Any] = {"stoa:sources": found.sources, "stoa:kept": found.kept}
    facts |= {f"stoa:cut{number}": f"{cut.words} ({cut.removed} removed)" for number, cut in enumerate(found.cuts, 1)}
    if found.match:
        facts |= {"stoa:matched_with": found.match.catalogue, "stoa:radius_arcsec": found.match.radius_arcsec}
    document.activity("stoa:publication/catalogue", None, publication.written, facts)
    document.wasAssociatedWith("stoa:publication/catalogue", tool)
    for ref in publication.catalogue_parts:
        document.used("stoa:publication/catalogue", _file(document, ref))
    for name in found.files:
        document.entity(f"stoa:publication/{name}", {"stoa:path": name, "stoa:rows": found.rows})
        document.wasGeneratedBy(f"stoa:publication/{name}", "stoa:publication/catalogue")


def _person(document: ProvDocument, author: Author) -> str:
    name = f"stoa:person/{quote(author.email or author.name)}"
    document.agent(name, {"prov:type": "prov:Person", "stoa:name": author.name, "stoa:email": author.email})
    return name


def _tool(document: ProvDocument, version: str) -> str:
    name = f"stoa:software/stoa/{quote(version)}"
    document.agent(name, {"prov:type": "prov:SoftwareAgent", "stoa:version": version})
    return name


def _describe_run(document: ProvDocument, run: Run) -> None:
    person, tool = _person(document, run.author), _tool(document, run.stoa_version)
    document.actedOnBehalfOf(tool, person)
    plan = f"stoa:run/{run.id}/plan"
    facts = {f"stoa:digest_{_word(name)}": value for name, value in run.digests.items() if value}
    facts |= {f"stoa:param_{_word(name)}": str(value) for name, value in run.params.values.items()}
    facts |= {f"stoa:environment_{_word(name)}": value for name, value in run.environment_facts.items()}
    facts |= {"prov:type": "prov:Plan", "stoa:process": run.process, "stoa:set": run.params.name}
    document.entity(plan, list(facts.items()))


def _describe_job(document: ProvDocument, run: Run, outcome: Outcome) -> None:
    where = "/".join(filter(None, (outcome.target, outcome.group)))
    activity = f"stoa:run/{run.id}/job/{quote(where)}"
    facts = {"stoa:target": outcome.target, "stoa:status": outcome.status.value}
    facts |= {"stoa:group": outcome.group} if outcome.group else {}
    facts |= {"stoa:cause": outcome.cause} if outcome.cause else {}
    facts |= {f"stoa:result_{_word(name)}": str(value) for name, value in outcome.results.items()}
    document.activity(activity, outcome.start or None, _end(outcome), facts)
    document.wasAssociatedWith(activity, f"stoa:software/stoa/{quote(run.stoa_version)}", f"stoa:run/{run.id}/plan")
    for name, ref in outcome.inputs.items():
        document.used(activity, _file(document, ref), other_attributes={"prov:role": name})
    for name, ref in outcome.outputs.items():
        document.wasGeneratedBy(_file(document, ref), activity, other_attributes={"prov:role": name})


def _file(document: ProvDocument, ref: FileRef) -> str:
    name = f"stoa:file/{quote(ref.path, safe='/')}" + (f"/{ref.sha256[:12]}" if ref.sha256 else "")
    document.entity(name, {"stoa:path": ref.path, "stoa:sha256": ref.sha256, "stoa:size": ref.size})
    return name


def _end(outcome: Outcome) -> str | None:
    from datetime import datetime, timedelta

    if not outcome.start:
        return None
    return (datetime.fromisoformat(outcome.start) + timedelta(seconds=outcome.duration_s)).isoformat(
        timespec="milliseconds"
    )


def _word(name: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in name)
