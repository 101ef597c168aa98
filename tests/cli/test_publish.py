"""stoa publish: a folder for a paper."""

from __future__ import annotations

import json

from crates import crate_problems
from found_sources import rows, table
from prov.model import ProvDocument, ProvGeneration, ProvUsage


def test_a_matched_catalogue_is_published_with_all_its_counts(found):
    """From the jobs to the objects, in the words of the paper; no source is counted that the match left out."""
    words = ("catalogue", "match", "find@default", "quasars.csv", "--keep", "snr >= 7", "--radius", "5arcsec")
    found.ok(*words)
    for suffix in ("vot", "fits"):
        said = found.ok("publish", f"catalogues/find@default-x-quasars.{suffix}", "--to", suffix)
        assert said.startswith(f"published find@default in {suffix}: 3 jobs (2 ok, 1 failed), 1 source, ")
        methods = (found.top / suffix / "methods.tex").read_text(encoding="utf-8")
        assert (
            "They gave 3 sources in 2 images of 2 targets, of which 2 passed the quality cuts: "
            "snr \\ensuremath{\\geq} 7 (1 removed). 1 of the 2 sources is within 5 arcsec of 1 object of the "
            "catalogue \\texttt{quasars.csv}; "
        ) in methods
        assert rows(found, f"{suffix}/catalogue.{suffix}") == [("a", 20.0)]
        plots = {path.name for path in (found.top / suffix / "plots").iterdir()}
        assert {"sky.png", "offsets.pdf", "causes.png"} <= plots
        assert (
            " & within 5 arcsec of quasars.csv & 1 \\\\" in (found.top / suffix / "table.tex").read_text().splitlines()
        )


def test_provenance_leads_from_a_published_catalogue_to_the_products_of_its_rows(found, monkeypatch):
    """In PROV and in the crate; the product in turn was made by a job from its inputs."""
    found.ok("publish", "find@default", "--to", "paper", "--keep", "snr >= 20")
    product = found.outcomes()["a"]["outputs"]["sources"]
    document = ProvDocument.deserialize(found.top / "paper/prov.json")
    (made,) = [each for each in document.get_records(ProvGeneration) if "catalogue.vot" in str(each.args[0])]
    used = [str(each.args[1]) for each in document.get_records(ProvUsage) if each.args[0] == made.args[1]]
    assert len(used) == 1
    assert product["path"].rpartition(":")[2] in used[0]
    job = [str(each.args[1]) for each in document.get_records(ProvGeneration) if str(each.args[0]) == used[0]]
    assert job == [f"stoa:run/{found.runs()[0]}/job/a"]
    crate = json.loads((found.top / "paper/ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    (action,) = [each for each in crate if each["@id"] == "#catalogue"]
    assert [each["@id"] for each in action["result"]] == ["catalogue.vot", "catalogue.fits"]
    assert action["description"] == "3 sources; snr >= 20 (2 removed)"
    (part,) = [each for each in crate if each["@id"] in str(action["object"])]
    assert part["sha256"] == product["sha256"]
    assert crate_problems(found.top / "paper", monkeypatch) == []


def test_a_catalogue_that_cannot_be_published(found):
    found.ok("catalogue", "stack", "find@default")
    file = "catalogues/find@default.vot"
    assert "is a catalogue, which has its cuts" in found.error("publish", file, "--to", "x", "--keep", "snr > 7")[0]
    assert "does not say which run its rows come from" in found.error("publish", "quasars.csv", "--to", "x")[0]
    (found.top / "data/a/table").write_text(table((10.0, -30.0, 21.0)), encoding="utf-8")
    found.ok("run", "find", "--target", "a", "--force")
    error, hint = found.error("publish", file, "--to", "x")
    assert error.startswith(
        f"error: 2 of 3 rows of {file} come from products that are not among the latest outcomes of "
    )
    assert error.endswith(f"find@default, such as products:find/{found.runs()[0]}/a/sources.csv")
    assert hint == "hint: `stoa catalogue stack` and what was done after it make the catalogue again"
    assert not (found.top / "x").exists()
