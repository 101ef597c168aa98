"""One folder for a paper: what is in it, and that it says what the records say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from astropy.io import fits
from crates import crate_problems

import stoa
from stoa.publish.latex import latex
from stoa.publish.stamp import stamped_copy


@pytest.fixture
def paper(survey):
    """A run of three jobs, one of which failed, published."""
    survey.does("b", "echo 'ValueError: 50% & more_text'; exit 3")
    survey("run", "measure")
    survey.ok("flag", "c", "--reason", "check")
    survey.out = survey.top / "paper"
    survey.said = survey.ok("publish", "measure@default", "--to", "paper", "--title", "Three folders", "--products")
    return survey


def read(survey, name: str) -> str:
    return (survey.out / name).read_text(encoding="utf-8")


def test_what_is_written_and_said(paper):
    assert paper.said.startswith("published measure@default in paper: 3 jobs (2 ok, 1 failed), 0 sources, ")
    run = paper.runs()[0]
    there = {str(path.relative_to(paper.out)) for path in paper.out.rglob("*") if path.is_file()}
    assert {
        "README.md", "methods.tex", "table.tex", "software.bib", "prov.json", "prov.provn", "ro-crate-metadata.json",
        "products/a/table.txt", f"records/runs/{run}/run.yaml", f"records/runs/{run}/outcomes-0000.yaml",
        f"records/runs/{run}/frozen/script/measure.sh",
    } <= there  # fmt: skip
    assert read(paper, f"records/runs/{run}/run.yaml") == paper.committed(f".stoa/runs/{run}/run.yaml")
    assert not any(name.startswith("products/b") for name in there)


def test_the_page_says_what_failed_who_ran_it_and_how_to_make_it_again(paper):
    page = read(paper, "README.md")
    assert page.startswith("# Three folders\n")
    assert "3 jobs, 2 ok, 1 failed." in page
    assert r"- 1 failed: ValueError: 50% \& more\_text" in page.splitlines()
    assert "Run by Test Astronomer \\<test@example.org\\>;" in page
    assert "Flagged, and not cleared: `c`." in page
    assert f"stoa reproduce {paper.runs()[0]}" in page.splitlines()
    assert f"`{paper.head()}` of a repository that has no remote" in page


def test_the_latex_has_the_counts_and_nothing_that_latex_would_obey(paper):
    methods, table = read(paper, "methods.tex"), read(paper, "table.tex")
    assert "Of the 3 jobs 2 ended well and 1 failed." in methods
    assert r"\texttt{snr} = 5.0" in methods
    assert r"failed & ValueError: 50\% \& more\_text & 1 \\" in table.splitlines()
    assert re.findall(r"(?<!\\)[%&#_$]", re.sub(r"^%.*$|& ", "", methods, flags=re.MULTILINE)) == []


def test_latex_escapes_every_character_that_it_would_obey():
    assert latex("a_b & 50% {x} #1 $2\nnext") == r"a\_b \& 50\% \{x\} \#1 \$2 next"
    assert latex("snr >= 7 and x <= 3") == r"snr \ensuremath{\geq} 7 and x \ensuremath{\leq} 3"
    assert latex("~^\\<3>") == r"\textasciitilde{}\textasciicircum{}\textbackslash{}\textless{}3\textgreater{}"


def test_the_provenance_is_read_back_and_has_every_job(paper):
    from prov.model import ProvActivity, ProvDocument

    document = ProvDocument.deserialize(paper.out / "prov.json")
    activities = list(document.get_records(ProvActivity))
    assert len(activities) == 3
    statuses = sorted(str(value) for each in activities for value in each.get_attribute("stoa:status"))
    assert statuses == ["failed", "ok", "ok"]
    checksum = paper.outcomes()["a"]["outputs"]["table"]["sha256"]
    assert checksum in read(paper, "prov.provn")


def test_the_folder_is_a_process_run_crate_by_the_copied_context(paper, monkeypatch):
    assert crate_problems(paper.out, monkeypatch) == []
    graph = {entity["@id"]: entity for entity in json.loads(read(paper, "ro-crate-metadata.json"))["@graph"]}
    actions = [entity for entity in graph.values() if entity["@type"] == "CreateAction"]
    failed = [entity for entity in actions if entity["actionStatus"].endswith("FailedActionStatus")]
    assert (len(actions), [entity["error"] for entity in failed]) == (3, ["ValueError: 50% & more_text"])


def test_a_crate_that_lacks_something_is_noticed(paper, monkeypatch):
    file = paper.out / "ro-crate-metadata.json"
    broken = json.loads(file.read_text())
    broken["@graph"] = [entity for entity in broken["@graph"] if entity["@id"] != "ro-crate-metadata.json"]
    file.write_text(json.dumps(broken))
    assert crate_problems(paper.out, monkeypatch) != []


def test_a_process_without_catalogue_says_so(paper):
    assert "no catalogue: " in paper("publish", "last", "--to", "again").stderr


def test_nothing_is_overwritten_and_nothing_is_left_of_a_failure(paper):
    assert paper.error("publish", "last", "--to", "paper") == [
        "error: the folder paper is not empty", "hint: name a new one; nothing is overwritten",
    ]  # fmt: skip
    assert paper.error("publish", "nosuch", "--to", "other")[0] == "error: no run named 'nosuch'"
    assert not (paper.top / "other").exists()


def test_a_product_that_changed_is_not_published_under_its_name(survey):
    survey.ok("run", "measure")
    changed = survey.outcomes()["a"]["outputs"]["table"]["path"]
    (survey.top / changed.replace(":", "/", 1)).write_text("other\n")
    report = survey.json("publish", "last", "--to", "paper", "--products")
    assert f"not on this machine, or changed since: {changed}" in report["missing"]
    assert "products/a/table.txt" not in report["files"]


def test_a_remote_is_named_without_its_secrets(survey):
    survey.ok("run", "measure")
    survey.git("remote", "add", "origin", "https://ann:secret@git.example.org/quasars.git")
    with stoa.open(survey.top) as project:
        project.publish("last", survey.top / "paper", licence="https://creativecommons.org/licenses/by/4.0/")
    texts = [path.read_text(errors="replace") for path in (survey.top / "paper").rglob("*") if path.is_file()]
    assert not any("secret" in text for text in texts)
    assert r"\url{https://git.example.org/quasars.git}" in Path(survey.top / "paper/methods.tex").read_text()


def test_a_copied_image_names_its_run(survey, tmp_path):
    survey.ok("run", "measure", "--target", "a")
    with stoa.open(survey.top) as project:
        run, outcome = project.show_run("last").run, project.show("a").latest[0].outcome
    first, second = tmp_path / "x.fits", tmp_path / "y.fits"
    fits.PrimaryHDU([[1.0]]).writeto(first)
    stamped_copy(first, second, run, outcome, outcome.outputs["table"])
    header = fits.getheader(second)
    assert (header["STOARUN"], header["STOATARG"], header["STOAPROC"]) == (run.id, "a", "measure")
    assert fits.getdata(second)[0, 0] == 1.0
    broken = tmp_path / "z.fits"
    broken.write_bytes(b"no fits")
    stamped_copy(broken, tmp_path / "copy.fits", run, outcome, outcome.outputs["table"])
    assert (tmp_path / "copy.fits").read_bytes() == b"no fits"


def _influences(prov: dict, kind: str) -> dict[str, set[str]]:
    """What influences what by a relation of IVOA's model."""
    found: dict[str, set[str]] = {}
    for each in prov["wasInfluencedBy"].values():
        if each["prov:type"]["$"] == f"voprov:{kind}":
            found.setdefault(each["prov:influencee"], set()).add(each["prov:influencer"])
    return found


def test_the_provenance_has_the_classes_and_attributes_of_the_ivoa(paper):
    prov = json.loads(read(paper, "prov.json"))
    assert prov["prefix"]["voprov"] == "http://www.ivoa.net/documents/ProvenanceDM/index.html#"
    run = f"stoa:run/{paper.runs()[0]}"
    entities = prov["entity"]
    description = entities[f"{run}/description"]
    assert (description["prov:type"]["$"], description["voprov:name"]) == ("voprov:ActivityDescription", "measure")
    assert description["voprov:description"] == "measures what there is"
    assert _influences(prov, "IsDescribedBy")[f"{run}/job/a"] == {f"{run}/description"}
    assert f"{run}/parameter/snr" in _influences(prov, "WasConfiguredBy")[f"{run}/job/a"]
    parameter = entities[f"{run}/parameter/snr"]
    assert (parameter["voprov:name"], parameter["voprov:value"]) == ("snr", "5.0")
    assert _influences(prov, "IsDescribedBy")[f"{run}/parameter/snr"] == {f"{run}/description/parameter/snr"}
    described = entities[f"{run}/description/parameter/snr"]
    assert [described[f"voprov:{name}"] for name in ("valueType", "min", "max", "default")] == [
        "double", "1.0", "100.0", "5.0",
    ]  # fmt: skip
    assert entities[f"{run}/description/generation/table"]["voprov:role"] == "table"
    assert prov["activity"][f"{run}/job/b"]["voprov:comment"].startswith("ValueError")
    (person,) = (each for each in prov["agent"].values() if each["voprov:type"] == "Person")
    assert (person["voprov:name"], person["voprov:email"]) == ("Test Astronomer", "test@example.org")
    operators = [each for each in prov["wasAssociatedWith"].values() if each.get("voprov:role") == "Operator"]
    assert {each["prov:activity"] for each in operators} == {f"{run}/job/{name}" for name in "abc"}


def test_the_metadata_of_a_deposit_say_what_the_records_say(paper):
    import yaml

    cff = yaml.safe_load(read(paper, "CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= cff.keys()  # what the format requires
    assert (cff["cff-version"], cff["type"], cff["title"]) == ("1.2.0", "dataset", "Three folders")
    assert cff["authors"] == [{"family-names": "Astronomer", "given-names": "Test"}]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(cff["date-released"]))
    assert "license" not in cff
    meta = json.loads(read(paper, ".zenodo.json"))
    assert (meta["upload_type"], meta["creators"]) == ("dataset", [{"name": "Astronomer, Test"}])
    assert "2 ok, 1 failed" in meta["description"]
    assert "test@example.org" not in read(paper, ".zenodo.json") + read(paper, "CITATION.cff")


def test_the_checklist_names_what_is_missing(paper):
    page = read(paper, "DEPOSIT.md")
    assert "- [ ] Licence: none is stated" in page
    assert "- [ ] Flags: 1 targets have open ones." in page
    assert "Title:" not in page
    assert "DEPOSIT.md" in paper.said + paper("publish", "measure@default", "--to", "other").stderr
    assert "- [ ] Title: it was made" in (paper.top / "other/DEPOSIT.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("licence", "cff", "zenodo"),
    [
        ("https://creativecommons.org/licenses/by/4.0/", ("license", "CC-BY-4.0"), "cc-by-4.0"),
        ("CC0-1.0", ("license", "CC0-1.0"), "cc0-1.0"),
        ("https://example.org/ours", ("license-url", "https://example.org/ours"), None),
    ],
)
def test_a_licence_goes_into_both(survey, licence, cff, zenodo):
    import yaml

    survey("run", "measure")
    survey.ok("publish", "measure@default", "--to", "paper", "--licence", licence)
    found = yaml.safe_load((survey.top / "paper/CITATION.cff").read_text(encoding="utf-8"))
    assert found[cff[0]] == cff[1]
    assert json.loads((survey.top / "paper/.zenodo.json").read_text(encoding="utf-8")).get("license") == zenodo
    page = (survey.top / "paper/DEPOSIT.md").read_text(encoding="utf-8")
    assert ("choose it there" in page) is (zenodo is None)
