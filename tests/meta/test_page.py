"""The page on metadata says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from lxml import etree

from stoa.meta.build import build
from stoa.meta.defects import DOUBTFUL, Defect, level, words
from stoa.meta.rules import ROLE_ORDER, RULES
from stoa.meta.select import columns
from stoa.meta.table import extended
from stoa.meta.xml import to_xml
from stoa.provenance.roles import read_roles

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "metadata.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def table(heading: str) -> list[list[str]]:
    """Cells of the first table below a heading, the heading of the table left out."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_role_is_explained() -> None:
    assert {role for row in table("Roles") for role in quoted(row[0])} == set(ROLE_ORDER)


def test_every_rule_is_listed_in_its_place_with_its_patterns() -> None:
    rows = [(quoted(row[0])[0], row[1], quoted(row[2]), row[3]) for row in table("Rules")]
    expected = []
    for rule in RULES:
        patterns = [rule.stem] if rule.stem else []
        expected.append((rule.name, rule.role, [*patterns, *(test.pattern for test in rule.header)], rule.doc))
    assert rows == expected


def test_every_problem_is_listed_with_its_level_and_words() -> None:
    rows = [(quoted(row[0])[0], row[1], row[2]) for row in table("What is checked")]
    assert rows == [(str(code), level(code), words(code)) for code in Defect]


def test_every_derived_attribute_of_the_schema_is_explained() -> None:
    schema = etree.parse(ROOT / "stoa" / "meta" / "stoa-meta.xsd")
    name = "{http://www.w3.org/2001/XMLSchema}"
    (derived,) = schema.iterfind(f"{name}element[@name='derived']")
    known = {attribute.get("name") for attribute in derived.iter(f"{name}attribute")} - {"file"}
    assert known <= {word for row in table("The document") for word in quoted(row[0])}


def test_the_example_of_explain_is_what_the_program_prints(image, tmp_path: Path, cli) -> None:
    image("AGN39.dirty.image.fits", folder=tmp_path)
    shown = section("Rules").split("```console\n$ stoa meta explain AGN39.dirty.image.fits\n")[1].split("```")[0]
    assert cli("meta", "explain", "AGN39.dirty.image.fits", cwd=tmp_path).stdout == shown


def test_the_example_of_rules_can_be_used() -> None:
    example = section("Rules of your own").split("```yaml\n")[1].split("```")[0]
    rules = extended(read_roles(example.encode(), "roles.yaml", ROLE_ORDER, [rule.name for rule in RULES]))
    header = {"ORIGIN": "OurScript 3", "BUNIT": "Jy/beam", "CTYPE1": "RA---SIN"}
    roles = {
        name: rules.role_of(name, lambda keyword: header.get(keyword, ""))
        for name in ("x.final.fits", "x.snr.fits", "x.beam.fits", "x.flux.fits", "x.fits")
    }
    assert roles == {
        "x.final.fits": "correctedImage", "x.snr.fits": "snrMap", "x.beam.fits": "primaryBeam",
        "x.flux.fits": "other", "x.fits": "other",
    }  # fmt: skip
    assert rules.group_key("x.final.fits") == rules.group_key("x.snr.fits") == "x"


def test_what_an_input_may_accept_is_listed() -> None:
    accept = next(row[1] for row in table("Files for a process") if quoted(row[0]) == ["accept"])
    assert set(quoted(accept)) == {str(code) for code in DOUBTFUL}


def test_the_condition_that_is_shown_names_columns_that_there_are(image, product: Path) -> None:
    image("x.image.pbcor.fits", folder=product)
    assert {"problems", "n_beams"} <= columns(build(product)).keys()
    assert "--where \"problems NOT LIKE '%blank%' AND n_beams > 0\"" in section("What is checked")


def test_the_reader_that_is_shown_reads_a_document(image, product: Path, tmp_path: Path) -> None:
    image("x.image.pbcor.fits", folder=product)
    (tmp_path / "x.xml").write_bytes(to_xml(build(product)))
    program = PAGE.split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "x.xml")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "x x.image.pbcor.fits M83 3.6\n"
