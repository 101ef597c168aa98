"""catalogue: stack, match and plot what a process found, and demo's list of commands."""

from __future__ import annotations

import json

import pytest
from crates import crate_problems
from prov.model import ProvDocument, ProvGeneration, ProvUsage

# Copies the table that lies in the target's folder to the promised place.
LOOK = """\
name: find
script: find.sh
command: [sh, "{script}", "{target}"]
outputs: {sources: {path: sources.csv, kind: catalogue}}
"""


def table(*rows: tuple[float, float, float]) -> str:
    """A table of sources: right ascension, declination, signal to noise."""
    lines = [f"{ra},{dec},{snr},{snr / 1000},0.001" for ra, dec, snr in rows]
    return "\n".join(["ra_deg,dec_deg,snr,flux,e_flux", *lines, ""])


@pytest.fixture
def found(survey):
    """Sources: two in a, one in b; the process fails for c."""
    (survey.top / "find.sh").write_text('cp "$1/table" sources.csv\n', encoding="utf-8")
    (survey.top / ".stoa/processes/find.yaml").write_text(LOOK, encoding="utf-8")
    (survey.top / "data/a/table").write_text(table((10.0, -30.0, 20.0), (10.01, -30.0, 6.0)), encoding="utf-8")
    (survey.top / "data/b/table").write_text(table((11.0, -31.0, 9.0)), encoding="utf-8")
    survey("run", "find")
    assert survey.statuses() == {"a": "ok", "b": "ok", "c": "failed"}
    (survey.top / "quasars.csv").write_text("name,ra,dec\nQ1,10.0,-30.0003\nQ2,50,20\n", encoding="utf-8")
    return survey


def rows(survey, file: str) -> list[tuple[str, float]]:
    from astropy.table import Table

    return [(str(row["target"]), round(float(row["snr"]), 3)) for row in Table.read(survey.top / file)]


def test_sources_are_stacked_with_where_they_come_from(found):
    assert found.ok("catalogue", "stack", "find@default").splitlines() == [
        "3 sources in 2 images of 2 targets",
        "  left out: 1 failed",
        "wrote catalogues/find@default.vot and catalogues/find@default.fits",
    ]
    for suffix in ("vot", "fits"):
        assert rows(found, f"catalogues/find@default.{suffix}") == [("a", 20.0), ("a", 6.0), ("b", 9.0)]


def test_a_pair_that_has_not_run_everywhere_says_so(found):
    (found.top / "data/d").mkdir()
    found.ok("target", "add", "data", "d")
    result = found("catalogue", "stack", "find@default")
    assert result.stderr == "1 target without an outcome: `stoa run` with this set runs them\n"
    assert found.json("catalogue", "stack", "find@default")["new"] == 1
    assert found("catalogue", "stack", "last").stderr == ""


def test_a_set_of_any_value_gives_a_file_name(found):
    found.edit(".stoa/processes/find.yaml", "outputs:", "params: {mode: {type: str, default: a}}\noutputs:")
    found("run", "find", "--set", "mode=../x y", "--target", "a")
    said = found.json("catalogue", "stack", "find@default+mode=../x y")
    assert said["files"] == ["catalogues/find@default+mode=.._x_y.vot", "catalogues/find@default+mode=.._x_y.fits"]


def test_sources_of_a_target_that_is_in_no_list_any_more_are_left_out(found):
    (listed,) = (found.top / ".stoa/targets").glob("*.yaml")
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(line for line in lines if '"b"' not in line))
    assert found.ok("catalogue", "stack", "find@default").splitlines()[:3] == [
        "2 sources in 1 image of 1 target",
        "  left out: 1 failed",
        "  left out: 1 of targets that are in no list any more",
    ]
    assert found.json("catalogue", "stack", "last")["targets"] == 2  # what a run made stays what it made


def test_cuts_are_counted(found):
    said = found.json("catalogue", "stack", "last", "--keep", "snr >= 7", "--out", "bright.vot")
    assert (said["sources"], said["kept"], said["files"]) == (3, 2, ["bright.vot"])
    assert rows(found, "bright.vot") == [("a", 20.0), ("b", 9.0)]


def test_sources_are_matched_with_a_catalogue(found):
    lines = found.ok("catalogue", "match", "find@default", "quasars.csv", "--radius", "5arcsec").splitlines()
    assert lines[0].startswith("1 of 3 sources within 5 arcsec of 1 object of quasars.csv; ")
    said = found.json("catalogue", "match", "find@default", "quasars.csv", "--radius", "0.5arcsec")
    assert (said["matched"], said["objects"], said["radius_arcsec"]) == (0, 0, 0.5)


@pytest.mark.parametrize("kind", ["sky", "flux", "snr"])
def test_sources_are_drawn(found, kind):
    file = f"catalogues/find@default-{kind}.png"
    assert found.ok("catalogue", "plot", "find@default", "--kind", kind) == f"wrote {file}\n"
    assert (found.top / file).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("stack", "find@deep"), "nothing has run as 'find@deep'; did you mean 'find@default'?"),
        (("stack", "find@default", "--keep", "snrr > 3"), "snrr"),
        (("match", "find@default", "quasars.csv", "--radius", "5 parsec"), "'5 parsec' is no radius"),
        (("match", "find@default", "nosuch.vot"), "nosuch.vot"),
        (("plot", "find@default", "--kind", "pie"), "no plot 'pie'"),
    ],
)
def test_what_cannot_be_made_of_them(found, words, message):
    assert message in found.error("catalogue", *words)[0]


def test_a_process_without_a_catalogue(survey):
    survey.ok("run", "measure")
    assert survey.error("catalogue", "stack", "last")[0] == (
        "error: process 'measure' declares no output of kind catalogue"
    )


def test_tables_that_are_not_on_this_machine(found):
    (found.top / "products").rename(found.top / "gone")
    assert found.error("catalogue", "stack", "last")[0].startswith(
        "error: the tables of last are not on this machine (2, such as products:find/"
    )


def test_nothing_ok_to_stack(found):
    for name in ("a", "b"):
        (found.top / "data" / name / "table").unlink()
    found("run", "find", "--force")
    assert found.error("catalogue", "stack", "last") == [
        "error: last has no ok outcome with a table of sources (3 failed)",
        "hint: `stoa status` shows what failed",
    ]


def test_the_cuts_of_the_project_are_counted_one_by_one(found):
    found.edit(".stoa/config.yaml", '"edge_beams >= 1"', '"flux > 0.001"')
    cuts = found.top / ".stoa/config.yaml"
    text = cuts.read_text(encoding="utf-8")
    start, end = text.index("  gain:"), text.index("  duplicates:")
    cuts.write_text(text[:start] + text[end:].replace("apart: 0.5arcsec", "apart: 3deg", 1), encoding="utf-8")
    assert "duplicates.apart must be an angle" in found.error("catalogue", "quality", "find@default")[0]
    found.edit(".stoa/config.yaml", "apart: 3deg", "apart: 40arcmin")
    found.edit(".stoa/config.yaml", "snr >= 5", "snr >= 7")
    lines = found.ok("catalogue", "quality", "find@default").splitlines()
    assert [line.split() for line in lines[1:4]] == [
        ["signal", "snr", ">=", "7", "1"],
        ["edge", "flux", ">", "0.001", "0"],
        ["duplicates", "apart", "by", "2400", "arcsec", "0"],
    ]
    assert lines[4:] == [
        "2 of 3 sources kept",
        "wrote catalogues/find@default-quality.vot and catalogues/find@default-quality.fits",
    ]
    from stoa.catalogue.tables import read_table

    for suffix in ("vot", "fits"):
        facts = read_table(found.top / f"catalogues/find@default-quality.{suffix}").meta
        assert facts["cut1"] == "signal: snr >= 7 (1 removed)"
        assert facts["kept"] == 2
    said = found.json("catalogue", "quality", "find@default", "--without", "signal", "--keep", "snr > 8")
    assert [(cut["name"], cut["removed"]) for cut in said["cuts"]] == [("edge", 0), ("duplicates", 0), ("keep 1", 1)]
    assert found.json("catalogue", "stack", "find@default", "--quality")["kept"] == 2


def test_an_unknown_cut_is_named(found):
    assert found.error("catalogue", "quality", "find@default", "--without", "sginal")[0] == (
        "error: no quality cut named 'sginal'; did you mean 'signal'?"
    )


def test_a_row_is_traced_back_to_what_made_it(found):
    found.ok("catalogue", "stack", "find@default")
    said = found.json("show", "catalogues/find@default.vot", "--row", "3")
    assert (said["target"], said["run"], said["values"]["snr"]) == ("b", found.runs()[0], 9.0)
    assert said["product_state"] == "as recorded"
    assert said["digests"].keys() == {"process", "script", "params", "environment"}
    assert found.committed(said["script"]) == 'cp "$1/table" sources.csv\n'
    import hashlib

    content = (found.top / said["product"]["path"].replace("products:", "products/")).read_bytes()
    assert said["product"]["sha256"] in ("", hashlib.sha256(content).hexdigest())
    lines = found.ok("show", "catalogues/find@default.vot", "--row", "3").splitlines()
    assert lines[0] == "row 3 of catalogues/find@default.vot: ra_deg 11, dec_deg -31, snr 9, flux 0.009"
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "product", "target", "run", "script", "parameters", "environment", "metadata document",
    ]  # fmt: skip
    assert f"digest {said['digests']['environment']}" in lines[6]


def test_a_row_has_the_values_and_the_environment_that_rules_gave_its_target(found):
    found.edit(".stoa/processes/find.yaml", "outputs:", "params: {depth: {type: int, default: 5}}\noutputs:")
    folder = found.top / ".stoa/params/find"
    folder.mkdir(parents=True)
    (folder / "ruled.yaml").write_text("rules: [{where: \"name = 'b'\", values: {depth: 9}}]\n", encoding="utf-8")
    found("run", "find", "-p", "ruled")
    found.ok("catalogue", "stack", "find@ruled", "--out", "t.vot")
    said = [found.json("show", "t.vot", "--row", row) for row in ("1", "3")]
    assert [(each["target"], each["params"]["depth"]) for each in said] == [("a", 5), ("b", 9)]
    assert "parameters: ruled (depth=9 by rule 1), digest" in found.ok("show", "t.vot", "--row", "3")
    assert "parameters: ruled (depth=5), digest" in found.ok("show", "t.vot", "--row", "1")


def test_a_changed_product_of_a_row_is_said(found):
    found.ok("catalogue", "stack", "find@default")
    product = found.json("show", "catalogues/find@default.vot", "--row", "1")["product"]["path"]
    (found.top / product.replace("products:", "products/")).write_text(table((1.0, 2.0, 3.0)), encoding="utf-8")
    assert found.json("show", "catalogues/find@default.vot", "--row", "1")["product_state"] == "changed"


@pytest.mark.parametrize(
    ("row", "file", "message"),
    [
        ("4", "catalogues/find@default.vot", "has no row 4; its rows are 1 to 3"),
        ("1", "quasars.csv", "does not say where its rows come from: it has no column target, group, run, product"),
    ],
)
def test_a_row_that_cannot_be_traced(found, row, file, message):
    found.ok("catalogue", "stack", "find@default")
    assert message in found.error("show", file, "--row", row)[0]


def test_several_catalogues_are_matched_one_after_the_other(found):
    (found.top / "radio.csv").write_text("name,ra,dec\nR1,11.0,-31.0\n", encoding="utf-8")
    said = found.json("catalogue", "match", "find@default", "quasars.csv", "radio.csv")
    assert [(one["catalogue"], one["matched"]) for one in said] == [("quasars.csv", 1), ("radio.csv", 1)]
    assert found("catalogue", "match", "find@default", "quasars.csv", "radio.csv", "--out", "x.vot").exit_code == 2


def test_sources_are_exported_to_every_kind_of_file(found):
    for suffix in ("vot", "fits", "ecsv", "csv", "reg"):
        assert (
            found.ok("catalogue", "export", "find@default", "--out", f"x.{suffix}")
            == f"wrote 3 sources to x.{suffix}\n"
        )
    assert (found.top / "x.reg").read_text(encoding="utf-8").count("circle(") == 3


def test_limits_need_images_of_known_depth(found):
    assert found.error("catalogue", "limits", "find@default", "quasars.csv")[0] == (
        "error: no image of find@default has a known place, primary beam and rms"
    )


@pytest.mark.parametrize("kind", ["offsets", "completeness", "fluxes", "causes", "time"])
def test_what_compares_is_drawn(found, kind):
    (found.top / "truth.csv").write_text("name,ra,dec,snr,f\nT1,10.0,-30.0,20,0.5\nT2,50,20,8,1\n", encoding="utf-8")
    for folder in ("a", "b"):
        lines = (found.top / f"data/{folder}/table").read_text(encoding="utf-8").splitlines()
        text = [f"{line},{'freq_ghz' if n == 0 else 100}" for n, line in enumerate(lines)]
        (found.top / f"data/{folder}/table").write_text("\n".join([*text, ""]), encoding="utf-8")
    found("run", "find", "--force")
    words = ["--with", "truth.csv", "--flux", "f@5GHz", "--index", "-0.7"]
    assert found.ok("catalogue", "plot", "find@default", "--kind", kind, *words, "--out", "x.svg") == "wrote x.svg\n"
    assert "find@default" in (found.top / "x.svg").read_text(encoding="utf-8")


def test_a_plot_that_compares_says_what_it_lacks(found):
    assert "compares with a catalogue" in found.error("catalogue", "plot", "find@default", "--kind", "offsets")[0]
    words = ("--kind", "fluxes", "--with", "quasars.csv")
    assert "needs a published flux" in found.error("catalogue", "plot", "find@default", *words)[0]


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
            "snr \\ensuremath{\\geq} 7 (1 removed). 1 of the 2 sources lies within 5 arcsec of 1 object of the "
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
    assert hint == "hint: `stoa catalogue stack` and what was done after it make the catalogue anew"
    assert not (found.top / "x").exists()


def test_a_matched_catalogue_is_drawn_without_the_other(found):
    found.ok("catalogue", "match", "find@default", "quasars.csv", "--out", "matched.vot")
    found.ok("catalogue", "plot", "matched.vot", "--kind", "offsets", "--out", "o.svg")
    assert "1 objects within 5 arcsec" in (found.top / "o.svg").read_text(encoding="utf-8")
    found.ok("catalogue", "plot", "matched.vot", "--kind", "sky", "--out", "s.svg")
    assert "catalogue (1)" in (found.top / "s.svg").read_text(encoding="utf-8")
    assert (
        "matched.vot was matched without fluxes"
        in found.error("catalogue", "plot", "matched.vot", "--kind", "fluxes")[0]
    )
    assert "compares with a catalogue" in found.error("catalogue", "plot", "matched.vot", "--kind", "completeness")[0]
