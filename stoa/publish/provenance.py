"""Outcomes as W3C PROV: what was made from what, by which activity, on whose behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stoa.model import Author, FileRef, Outcome, ParamSpec, Process, Run
from stoa.publish.facts import CatalogueFacts, Publication

if TYPE_CHECKING:
    from prov.identifier import QualifiedName
    from prov.model import ProvDocument

_NAMESPACE = "urn:stoa:"
VOPROV = "http://www.ivoa.net/documents/ProvenanceDM/index.html#"
"""The namespace of the classes and attributes of IVOA's model."""

_DATATYPES = {"float": "double", "int": "long", "bool": "boolean"}
"""Type of a parameter -> that of VOTable; char otherwise."""


def prov_document(publication: Publication) -> ProvDocument:
    """A PROV document of the outcomes: ``serialize(format="json")``, ``get_provn()``.

    An activity is a job, failed ones included; entities are files (by root, path and checksum),
    frozen definitions of each run, and the run itself; agents are who ran it, and STOA. A catalogue
    is an entity of an activity that used the products of its rows.
    What IVOA's model adds has the prefix ``voprov``: the process is an ActivityDescription with descriptions of what it
    takes and makes, each parameter of a run a Parameter with its ParameterDescription, and both are related to
    activities as W3C's influence of that type, so that every reader of PROV understands the document.
    Sources: W3C PROV-DM, 30 April 2013; IVOA Provenance Data Model 1.0, recommendation of 11 April 2020.
    """
    from prov.model import ProvDocument

    document = ProvDocument()
    document.add_namespace("stoa", _NAMESPACE)
    document.add_namespace("voprov", VOPROV)
    runs = {run.id: run for run in publication.runs}
    for run in publication.runs:
        _describe_run(document, run)
        _describe_process(document, run, publication.process)
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
    facts = {"prov:type": "prov:Person", "stoa:name": author.name, "stoa:email": author.email}
    facts |= {"voprov:name": author.name, "voprov:type": "Person", "voprov:email": author.email}
    document.agent(name, facts)
    return name


def _tool(document: ProvDocument, version: str) -> str:
    name = f"stoa:software/stoa/{quote(version)}"
    facts = {"prov:type": "prov:SoftwareAgent", "stoa:version": version}
    facts |= {"voprov:name": f"STOA {version}", "voprov:type": "SoftwareAgent"}
    document.agent(name, facts)
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


def _describe_process(document: ProvDocument, run: Run, process: Process) -> None:
    """What IVOA's model says of the activities of a run: their description, and the parameters that configure them."""
    described = f"stoa:run/{run.id}/description"
    facts: dict[str, Any] = {
        "prov:type": _class(document, "voprov:ActivityDescription"),
        "voprov:name": run.process, "voprov:type": "Analysis",
        "voprov:version": run.digests.get("script") or run.digests.get("process", ""),
        "voprov:description": process.doc or " ".join(process.command),
    }  # fmt: skip
    document.entity(described, {name: value for name, value in facts.items() if value})
    for kind, words in (("Usage", process.inputs), ("Generation", process.outputs)):
        for role in words:
            name = f"{described}/{kind.lower()}/{quote(role)}"
            document.entity(name, {"prov:type": _class(document, f"voprov:{kind}Description"), "voprov:role": role})
            _relate(document, name, described, "IsRelatedTo")
    for name, value in run.params.values.items():
        parameter = f"stoa:run/{run.id}/parameter/{quote(name)}"
        document.entity(
            parameter,
            {"prov:type": _class(document, "voprov:Parameter"), "voprov:name": name, "voprov:value": _text_of(value)},
        )
        if spec := process.params.get(name):
            document.entity(f"{described}/parameter/{quote(name)}", _of_parameter(document, name, spec))
            _relate(document, parameter, f"{described}/parameter/{quote(name)}", "IsDescribedBy")
            _relate(document, f"{described}/parameter/{quote(name)}", described, "IsRelatedTo")


def _class(document: ProvDocument, name: str) -> QualifiedName:
    """A class of IVOA's model as a qualified name."""
    return document.mandatory_valid_qname(name)


def _of_parameter(document: ProvDocument, name: str, spec: ParamSpec) -> dict[str, Any]:
    """Attributes of a ParameterDescription, those that are not known left out."""
    facts = {
        "voprov:valueType": _DATATYPES.get(spec.type, "char"), "voprov:unit": spec.unit,
        "voprov:min": "" if spec.min is None else str(spec.min),
        "voprov:max": "" if spec.max is None else str(spec.max),
        "voprov:default": "" if spec.default is None else _text_of(spec.default), "voprov:description": spec.doc,
        "voprov:options": " ".join(map(_text_of, spec.choices)),
    }  # fmt: skip
    known = {key: value for key, value in facts.items() if value}
    return {"prov:type": _class(document, "voprov:ParameterDescription"), "voprov:name": name} | known


def _relate(document: ProvDocument, one: str, other: str, kind: str) -> None:
    """A relation that W3C's model does not have, as an influence of that type."""
    document.wasInfluencedBy(one, other, other_attributes={"prov:type": _class(document, f"voprov:{kind}")})


def _text_of(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _describe_job(document: ProvDocument, run: Run, outcome: Outcome) -> None:
    where = "/".join(filter(None, (outcome.target, outcome.group)))
    activity = f"stoa:run/{run.id}/job/{quote(where)}"
    facts = {"stoa:target": outcome.target, "stoa:status": outcome.status.value}
    facts |= {"stoa:group": outcome.group} if outcome.group else {}
    facts |= {"stoa:cause": outcome.cause} if outcome.cause else {}
    facts |= {f"stoa:result_{_word(name)}": str(value) for name, value in outcome.results.items()}
    facts |= {"voprov:name": f"{run.process} over {where}"}
    facts |= {"voprov:comment": outcome.cause} if outcome.cause else {}
    document.activity(activity, outcome.start or None, _end(outcome), facts)
    _relate(document, activity, f"stoa:run/{run.id}/description", "IsDescribedBy")
    for name in run.params.values:
        _configure(document, activity, run, name, outcome)
    document.wasAssociatedWith(activity, f"stoa:software/stoa/{quote(run.stoa_version)}", f"stoa:run/{run.id}/plan")
    roles = {"prov:role": "operator", "voprov:role": "Operator"}
    document.wasAssociatedWith(activity, _person(document, run.author), other_attributes=roles)
    for name, ref in outcome.inputs.items():
        roles = {"prov:role": name, "voprov:role": name}
        document.used(activity, _file(document, ref), other_attributes=roles)
    for name, ref in outcome.outputs.items():
        roles = {"prov:role": name, "voprov:role": name}
        document.wasGeneratedBy(_file(document, ref), activity, other_attributes=roles)


def _configure(document: ProvDocument, activity: str, run: Run, name: str, outcome: Outcome) -> None:
    """The value of one parameter of a job; one that a rule gave it is a Parameter of its own."""
    parameter = f"stoa:run/{run.id}/parameter/{quote(name)}"
    if given := outcome.overrides.get(name):
        parameter = f"{activity}/parameter/{quote(name)}"
        document.entity(
            parameter,
            {
                "prov:type": _class(document, "voprov:Parameter"),
                "voprov:name": name,
                "voprov:value": _text_of(given.value),
            },
        )
    document.wasInfluencedBy(
        activity,
        parameter,
        other_attributes={"prov:type": _class(document, "voprov:WasConfiguredBy"), "voprov:artefactType": "Parameter"},
    )


def _file(document: ProvDocument, ref: FileRef) -> str:
    name = f"stoa:file/{quote(ref.path, safe='/')}" + (f"/{ref.sha256[:12]}" if ref.sha256 else "")
    facts: dict[str, Any] = {"stoa:path": ref.path, "stoa:sha256": ref.sha256, "stoa:size": ref.size}
    facts |= {"voprov:name": ref.path.rpartition("/")[2], "voprov:location": ref.path}
    document.entity(name, facts)
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
