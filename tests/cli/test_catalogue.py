"""stoa catalogue: stacked, cut, matched, drawn and exported."""

from __future__ import annotations

import pytest
from astropy.io import fits
from astropy.table import Table
from found_sources import rows


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
        "  left out: 1 of targets that are no longer in any list, or that it does not run over",
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
        (("match", "find@default", "quasars.csv", "--radius", "5 parsec"), "'5 parsec' is not a radius"),
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


def test_a_table_that_was_changed_since_is_left_out(found):
    (table,) = (found.top / "products/find/latest/default/a").glob("*.csv")
    table.write_text(table.read_text().replace("20", "90"))
    result = found("catalogue", "stack", "last")
    assert result.stdout.splitlines()[0] == "1 source in 1 image of 1 target"
    assert result.stderr.startswith("1 table not on this machine as recorded, and left out, such as products:find/")


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


@pytest.mark.parametrize(
    "words",
    [
        ("match", "find@default", "quasars.csv", "--out", "quasars.csv"),
        ("match", "quasars.csv", "other.csv", "--out", "./quasars.csv"),
        ("match", "other.csv", "link.csv", "--out", "quasars.csv"),
        ("export", "quasars.csv", "--out", "quasars.csv"),
        ("export", "quasars.csv", "--keep", "ra > 0", "--out", "quasars.csv"),
    ],
)
def test_a_table_that_is_read_is_not_written_over(found, words):
    before = (found.top / "quasars.csv").read_bytes()
    (found.top / "other.csv").write_bytes(before)
    (found.top / "link.csv").symlink_to("quasars.csv")
    assert found.error("catalogue", *words)[-2:] == [
        "error: 'quasars.csv' is read and cannot be written",
        "hint: give `--out` another name",
    ]
    assert (found.top / "quasars.csv").read_bytes() == before


def test_one_of_the_tables_of_a_file_can_be_named(found):
    one = Table({"ra": [1.0], "dec": [2.0]})
    two = Table({"ra": [1.0, 50.0], "dec": [2.0, 20.0]})
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU(one, name="ONE"), fits.BinTableHDU(two, name="TWO")]
    fits.HDUList(hdus).writeto(found.top / "both.fits")
    assert (
        found.error("catalogue", "export", "both.fits", "--out", "x.csv")[-1] == "hint: name one of them: both.fits#ONE"
    )
    assert found.ok("catalogue", "export", "both.fits#TWO", "--out", "x.csv") == "wrote 2 sources to x.csv\n"
    said = found.json("catalogue", "match", "both.fits#TWO", "quasars.csv", "--out", "x.csv")
    assert (said["sources"], said["matched"]) == (2, 1)
    assert found.error("catalogue", "export", "both.fits#ONE", "--out", "both.fits")[0].endswith("cannot be written")


def test_sources_without_a_position_are_no_regions(found):
    (found.top / "some.csv").write_text("ra,dec\n1,2\n,\n3,4\n")
    result = found("catalogue", "export", "some.csv", "--out", "some.reg")
    assert result.stderr == "left out of some.reg: 1 without a position\n"
    assert (found.top / "some.reg").read_text().count("circle(") == 2


def test_a_misspelt_file_is_no_run(found):
    for words in (("export", "quasar.csv", "--out", "x.csv"), ("match", "quasar.csv", "quasars.csv")):
        assert found.error("catalogue", *words) == ["error: there is no table 'quasar.csv'"]
    assert found.error("catalogue", "export", "fimd", "--out", "x.csv")[0].startswith("error: no run named 'fimd'")


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


def test_a_matched_catalogue_is_drawn_without_the_other(found):
    found.ok("catalogue", "match", "find@default", "quasars.csv", "--out", "matched.vot")
    found.ok("catalogue", "plot", "matched.vot", "--kind", "offsets", "--out", "o.svg")
    assert "1 objects within 5 arcsec" in (found.top / "o.txt").read_text(encoding="utf-8")
    found.ok("catalogue", "plot", "matched.vot", "--kind", "sky", "--out", "s.svg")
    assert "catalogue (1)" in (found.top / "s.svg").read_text(encoding="utf-8")
    assert (
        "matched.vot was matched without fluxes"
        in found.error("catalogue", "plot", "matched.vot", "--kind", "fluxes")[0]
    )
    assert "no sources were put into" in found.error("catalogue", "plot", "matched.vot", "--kind", "completeness")[0]
