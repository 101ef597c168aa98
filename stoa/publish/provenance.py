"""Outcomes as W3C PROV: what was made from what, by which activity, on whose behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from stoa.model import FileRef, Outcome, Run
from stoa.publish.facts import Publication

if TYPE_CHECKING:
    from prov.model import ProvDocument

_NAMESPACE = "urn:stoa:"


def prov_document(publication: Publication) -> ProvDocument:
    """A PROV document of the outcomes: ``serialize(format="json")``, ``get_provn()``.

    An activity is a job, failed ones included; entities are files (by root, path and checksum),
    frozen definitions of each run, and the run itself; agents are who ran it, and STOA.
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
    return document.unified()


def _describe_run(document: ProvDocument, run: Run) -> None:
    person = f"stoa:person/{quote(run.author.email or run.author.name)}"
    document.agent(person, {"prov:type": "prov:Person", "stoa:name": run.author.name, "stoa:email": run.author.email})
    tool = f"stoa:software/stoa/{quote(run.stoa_version)}"
    document.agent(tool, {"prov:type": "prov:SoftwareAgent", "stoa:version": run.stoa_version})
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
