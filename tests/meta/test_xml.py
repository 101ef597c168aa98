"""Metadata documents as XML."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from stoa.meta.build import assemble, build
from stoa.meta.document import KEYWORDS, Document, FileEntry, MetadataError
from stoa.meta.roles import is_fits_name
from stoa.meta.xml import from_xml, to_xml, validate

REAL = Path(__file__).resolve().parents[1] / "data" / "fits"
ARCHIVE = Path(__file__).resolve().parents[2] / "examples" / "archive"

BY_HAND = b"""<project>
  <group key="Products">
    <group key="AGN39_CS_AGN51">
      <file FILETYPE="correctedImage" NAXIS1="300" NAXIS2="300" NAXIS3="1" BMAJ="0.00039497964912"
        BMIN="0.000282475451628" BPA="-81.8802185059" BTYPE="Intensity" OBJECT="CS_AGN51" CTYPE1="RA---SIN"
        CRVAL1="149.955829167" CDELT1="-5.5555555556e-05" CRPIX1="151.0" CUNIT1="deg"
        DATE-OBS="2014-12-31T09:42:21.840000">AGN39_CS_AGN51.image.pbcor.fits</file>
      <file FILETYPE="primaryBeam" BMAJ="" BMIN="" BPA="">AGN39_CS_AGN51.flux.fits</file>
    </group>
  </group>
</project>
"""

FIRST_ATTRIBUTES = [
    "FILETYPE", "NAXIS1", "NAXIS2", "NAXIS3", "BMAJ", "BMIN", "BPA", "BTYPE", "OBJECT", "CTYPE1", "CRVAL1", "CDELT1",
    "CRPIX1", "CUNIT1",
]  # fmt: skip


def folder_of(image, product: Path) -> Path:
    image("x.image.pbcor.fits", folder=product)
    image("x.flux.fits.gz", folder=product, BMAJ=None, BMIN=None, BPA=None)
    (product / "README").write_text("QA2 PASS")
    return product


def test_a_document_of_the_known_format_is_valid_and_read() -> None:
    assert validate(BY_HAND) == ()
    (group,) = from_xml(BY_HAND).groups
    assert (group.key, [file.role for file in group.files]) == ("AGN39_CS_AGN51", ["correctedImage", "primaryBeam"])
    assert group.files[1].derived["beam_origin"] == "AGN39_CS_AGN51.image.pbcor.fits"


def test_the_same_headers_give_the_known_attributes_in_their_order(image, product: Path) -> None:
    cards = {
        "NAXIS1": "300", "NAXIS2": "300", "OBJECT": "'CS_AGN51'", "CRVAL1": "1.499558291670E+02",
        "CDELT1": "-5.555555555600E-05", "CRPIX1": "1.510000000000E+02",
    }  # fmt: skip
    beam = {"BMAJ": "3.949796491200E-04", "BMIN": "2.824754516280E-04", "BPA": "-8.188021850590E+01"}
    image("AGN39_CS_AGN51.image.pbcor.fits", folder=product, **cards, **beam)
    image("AGN39_CS_AGN51.flux.fits", folder=product, **cards, **dict.fromkeys(beam))
    known, ours = etree.fromstring(BY_HAND), etree.fromstring(to_xml(build(product)))
    assert [g.get("key") for g in ours.iter("group")] == [g.get("key") for g in known.iter("group")]
    assert [file.text for file in ours.iter("file")] == [file.text for file in known.iter("file")]
    for file, expected in zip(ours.iter("file"), known.iter("file"), strict=True):
        shared = [(name, text) for name, text in file.attrib.items() if name in expected.attrib]
        assert shared == list(expected.attrib.items())
    first, flux = ours.iter("file")
    assert list(first.attrib)[:14] == list(flux.attrib)[:14] == FIRST_ATTRIBUTES
    assert list(first.attrib)[-1] == list(flux.attrib)[-1] == "DATE-OBS"


def test_a_beam_file_has_empty_attributes_and_derived_ones_apart(image, product: Path) -> None:
    root = etree.fromstring(to_xml(build(folder_of(image, product))))
    file = root.xpath("//file[@FILETYPE='primaryBeam']")[0]
    derived = root.xpath("//derived[@file='x.flux.fits.gz']")[0]
    assert (file.get("BMAJ"), file.text) == ("", "x.flux.fits.gz")
    assert derived.get("beam_origin") == "x.image.pbcor.fits"


def test_files_come_one_a_line_before_what_is_derived(image, product: Path) -> None:
    lines = to_xml(build(folder_of(image, product))).decode().splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        "<project>", "<group", "<group", "<file", "<file", "<derived", "<derived", "</group>", "</group>",
        "<group", "<file", "<derived", "</group>", "<package", "</project>",
    ]  # fmt: skip


def test_a_document_survives_writing_and_reading(image, product: Path) -> None:
    document = build(folder_of(image, product))
    assert from_xml(to_xml(document)) == document
    assert validate(to_xml(document)) == ()


def test_every_document_of_the_example_archive_is_valid_and_survives() -> None:
    folders = [path for path in ARCHIVE.rglob("product") if path.is_dir()]
    assert len(folders) > 10
    for folder in folders:
        document = build(folder)
        assert from_xml(to_xml(document)) == document
        assert validate(to_xml(document)) == ()


def test_every_real_file_has_an_entry_in_a_valid_document() -> None:
    folders = sorted({path.parent for path in REAL.rglob("*.fits*")})
    assert len(folders) > 10
    for folder in folders:
        document = build(folder)
        files = [file for group in document.groups for file in group.files] + list(document.others)
        assert sorted(file.name for file in files) == sorted(path.name for path in folder.iterdir())
        assert all(file.header or file.problems or not is_fits_name(file.name) for file in files)
        assert validate(to_xml(document)) == ()


def test_a_document_made_again_is_the_same_byte_for_byte(image, product: Path) -> None:
    first = to_xml(build(folder_of(image, product)))
    for name in ("x.image.pbcor.fits", "README"):
        (product / name).rename(product / "aside")
        (product / "aside").rename(product / name)
    assert to_xml(build(product)) == to_xml(from_xml(first)) == first


def test_only_the_lines_of_a_changed_file_differ(image, product: Path) -> None:
    before = to_xml(build(folder_of(image, product))).splitlines()
    image("x.image.pbcor.fits", folder=product, DATE="'2026-01-01'")
    after = to_xml(build(product)).splitlines()
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [line.split()[0] for line in changed] == [b"<file", b"<derived"]


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=30).filter(
    lambda text: "/" not in text and text.strip(".") and text.strip() == text
)
texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=68)


@given(found=st.dictionaries(names, st.tuples(texts, texts), max_size=5))
def test_any_name_and_text_survives(found: dict[str, tuple[str, str]]) -> None:
    entries = [
        FileEntry(name=f"{name}.image.fits", role="image", header={"OBJECT": one}, derived={"frame": two})
        for name, (one, two) in found.items()
    ]
    document = assemble(entries, {"qa2": "PASS"})
    assert from_xml(to_xml(document)) == document


def test_a_beam_of_which_only_the_major_axis_is_told_is_passed_on_as_it_is() -> None:
    data = b"""<project>
      <file FILETYPE="image" BMAJ="">x.image.fits</file><file FILETYPE="primaryBeam" OBJECT="M83">x.pb.fits</file>
      <derived file="x.image.fits" beam_major_arcsec="3.6" beam_origin="header"/><derived file="x.pb.fits"/>
    </project>"""
    beam = from_xml(data).groups[0].files[1]
    assert beam.derived == {"beam_major_arcsec": "3.6", "beam_origin": "x.image.fits"}


def test_where_a_width_was_measured_that_is_not_told_is_of_no_use() -> None:
    data = b"""<project>
      <file FILETYPE="primaryBeam" OBJECT="M83">x.pb.fits</file><file FILETYPE="image" OBJECT="M83">x.image.fits</file>
      <derived file="x.pb.fits" pb_hwhm_origin="x.pb.fits, row 3"/><derived file="x.image.fits"/>
    </project>"""
    assert from_xml(data).groups[0].files[0].derived == {}


def test_files_alone_are_enough() -> None:
    document = from_xml(
        b"<project><file BUNIT='Jy/beam' CTYPE1='RA---SIN'>plain.fits</file><file>x.pb.fits</file></project>"
    )
    assert {group.key: group.files[0].role for group in document.groups} == {"plain": "image", "x": "primaryBeam"}


def test_a_name_set_on_a_line_of_its_own_is_understood() -> None:
    document = from_xml(b"<project>\n<file FILETYPE='image'>\n   x.fits\n</file>\n</project>")
    assert document.groups[0].files[0].name == "x.fits"


def test_what_is_not_known_is_passed_over() -> None:
    document = from_xml(b"<project version='7'><extra/><file FILETYPE='image' NEW='1'>x.fits</file></project>")
    assert document.groups[0].files[0].header == {"NEW": "1"}


def test_an_attribute_in_another_namespace_is_passed_over() -> None:
    document = from_xml(b"<project xmlns:a='urn:a'><file FILETYPE='image' a:b='1'>x.fits</file></project>")
    assert document.groups[0].files[0].header == {}


LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not well-formed"),
        (b"<project>", "not well-formed"),
        (b"<projects/>", "root of a metadata document"),
        (b'<!DOCTYPE project [<!ENTITY l0 "ha">' + LAUGHS + b"]><project>&l9;</project>", "document type"),
        (b'<!DOCTYPE p SYSTEM "file:///etc/passwd"><project/>', "document type"),
        (
            '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE p [<!ENTITY e "x">]><project/>'.encode("utf-16"),
            "document type",
        ),
        (b"<project><file>&undeclared;</file></project>", "not well-formed"),
        (b"<project>" + b"<group>" * 1000 + b"</group>" * 1000 + b"</project>", "not well-formed"),
        (b"<project><file BMAJ='" + b"9" * 70_000 + b"'>x.fits</file></project>", "70000 characters"),
        (b"<project><file/></project>", "does not hold the name"),
        (b"<project><file>x.fits</file><group key='g'><file>x.fits</file></group></project>", "a second time"),
        (b"<project><file>../x.fits</file></project>", "leaves the folder"),
        (b"<project><file>/etc/x.fits</file></project>", "leaves the folder"),
        (b"<project><package schema='2'/></project>", "reads up to 1"),
        (b"<project><package schema='new'/></project>", "not the number"),
        (gzip.compress(b"<project/>", mtime=0), "not well-formed"),
    ],
)
def test_what_is_not_a_document_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(MetadataError, match=words):
        from_xml(data)


@pytest.mark.parametrize("size", [2**20, 20 * 2**20])
def test_a_huge_attribute_is_refused(size: int) -> None:
    with pytest.raises(MetadataError, match="characters|not well-formed"):
        from_xml(b"<project><file BMAJ='" + b"9" * size + b"'>x.fits</file></project>")


def test_a_huge_name_is_refused() -> None:
    with pytest.raises(MetadataError, match="does not hold the name"):
        from_xml(b"<project><file>" + b"x" * 5000 + b"</file></project>")


@pytest.mark.parametrize("depth", [300, 1_000_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    with pytest.raises(MetadataError, match="not well-formed"):
        from_xml(b"<project>" + b"<group key='a'>" * depth)


def test_an_external_entity_is_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    for declared in (f"<!ENTITY e SYSTEM 'file://{tmp_path}/secret'>", f"<!ENTITY % e SYSTEM '{tmp_path}/secret'> %e;"):
        data = f"<!DOCTYPE project [{declared}]><project><file>&e;</file></project>".encode()
        with pytest.raises(MetadataError) as caught:
            from_xml(data)
        assert "secret" not in caught.value.message.replace(str(tmp_path), "")


def test_a_document_type_behind_much_else_is_refused() -> None:
    data = b"<!--" + b" " * 100_000 + b"--><!DOCTYPE p [<!ENTITY e 'x'>]><project><file>&e;</file></project>"
    with pytest.raises(MetadataError, match="document type"):
        from_xml(data)


def test_an_inclusion_is_passed_over() -> None:
    data = b"<project xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='/etc/passwd'/></project>"
    assert from_xml(data) == Document()


def test_a_huge_document_is_refused() -> None:
    with pytest.raises(MetadataError, match="too large"):
        from_xml(b"<project>" + b" " * (64 * 1024 * 1024) + b"</project>")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<project><file>x.fits</file></project>", "FILETYPE"),
        (b"<project><group><file FILETYPE='image'>x.fits</file></group></project>", "key"),
        (b"<project><derived file='x' ra_deg='400'/></project>", "ra_deg"),
        (b"<project><images/></project>", "images"),
        (b"<project><file FILETYPE='a'>x</file><file FILETYPE='a'>x</file></project>", "x"),
    ],
)
def test_the_schema_finds_what_is_wrong(data: bytes, words: str) -> None:
    (message, *_) = validate(data)
    assert message.startswith("line 1: ")
    assert words in message


def test_an_empty_folder_has_a_document(product: Path) -> None:
    data = to_xml(build(product))
    assert from_xml(data) == Document()
    assert validate(data) == ()


def test_every_keyword_may_be_an_attribute() -> None:
    element = etree.Element("file", dict.fromkeys(KEYWORDS, ""))
    assert len(element.attrib) == len(KEYWORDS) == len(set(KEYWORDS))
