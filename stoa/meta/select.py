"""Choosing from documents: targets by their metadata columns, here, and files as inputs (`stoa.meta.inputs`)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from stoa.meta import roles
from stoa.meta.check import check
from stoa.meta.document import Document, FileEntry
from stoa.meta.inputs import MissingInput, find_inputs, image_groups, intent_of
from stoa.meta.rules import IMAGE_ROLES
from stoa.meta.sky import number
from stoa.model import InputSpec

__all__ = ["COLUMNS", "Column", "MissingInput", "columns", "find_inputs", "image_groups", "main_image"]


class Column(Struct, frozen=True):
    """What a metadata column holds."""

    type: Literal["str", "int", "float"]
    unit: str  # VOUnit
    doc: str


COLUMNS: dict[str, Column] = {
    "n_files": Column("int", "", "files in the folder"),
    "n_fits": Column("int", "", "FITS files, readable or not"),
    "n_images": Column("int", "", "corrected, uncorrected, dirty and single dish images"),
    "n_groups": Column("int", "", "image groups with an image"),
    "n_science": Column("int", "", "image groups of science targets"),
    "n_calibrators": Column("int", "", "image groups of calibrators"),
    "n_beams": Column("int", "", "readable primary beams"),
    "object": Column("str", "", "OBJECT of the main image: the first group that a process would take"),
    "ra_deg": Column("float", "deg", "ICRS right ascension of its centre"),
    "dec_deg": Column("float", "deg", "ICRS declination of its centre"),
    "radius_deg": Column("float", "deg", "from its centre to the farthest corner"),
    "freq_ghz": Column("float", "GHz", "middle of its frequency range"),
    "bandwidth_ghz": Column("float", "GHz", "its width"),
    "band": Column("str", "", "ALMA band"),
    "telescope": Column("str", "", "TELESCOP"),
    "date_obs": Column("str", "", "DATE-OBS, UTC"),
    "beam_arcsec": Column("float", "arcsec", "geometric mean of its beam's axes"),
    "pixel_arcsec": Column("float", "arcsec", "side of a pixel"),
    "pb_hwhm_arcsec": Column("float", "arcsec", "half width at half maximum of the primary beam"),
    "kind": Column("str", "", "cont, mfs or cube"),
    "main_role": Column("str", "", "role of the main image"),
    "size_bytes": Column("int", "byte", "of all files together"),
    "project_code": Column("str", "", "ALMA project code"),
    "member_ous": Column("str", "", "uid of the member OUS"),
    "qa2": Column("str", "", "status of quality assurance 2: PASS, SEMIPASS, FAIL"),
    "made_by": Column("str", "", "pipeline or hand"),
    "casa": Column("str", "", "version of CASA that README, scripts or an image name"),
    "pipeline": Column("str", "", "version of the pipeline that README, scripts or manifest name"),
    "problems": Column("str", "", "codes of errors and warnings, sorted, with blanks between"),
}
"""Columns that every target has, for lists and `--where`; the names stay."""

_NUMBERS = ("ra_deg", "dec_deg", "radius_deg", "freq_ghz", "bandwidth_ghz", "pixel_arcsec", "pb_hwhm_arcsec")


def columns(document: Document) -> dict[str, str | int | float | None]:
    """The metadata columns of a target: the keys of `COLUMNS`, None where the document does not say."""
    found: dict[str, str | int | float | None] = dict.fromkeys(COLUMNS)
    found |= _counts(document)
    main = main_image(document)
    if main is not None:
        found |= _of_image(main)
    found |= {
        name: document.package.get(name)
        for name in ("project_code", "member_ous", "qa2", "made_by", "casa", "pipeline")
    }
    codes = {problem.code for problem in check(document) if problem.level != "info"}
    found["problems"] = " ".join(sorted(codes))
    return found


_ANY_IMAGE = InputSpec(role=IMAGE_ROLES, accept=("truncated", "no-celestial"))


def main_image(document: Document, group: str = "") -> FileEntry | None:
    """The image that stands for a target: that of the best group with one, or of a group that is named."""
    try:
        return find_inputs(document, {"image": _ANY_IMAGE}, group or None)["image"]
    except MissingInput:
        return None


def _counts(document: Document) -> dict[str, int]:
    files = [file for group in document.groups for file in group.files]
    with_image = [group for group in document.groups if any(file.role in IMAGE_ROLES for file in group.files)]
    science = sum(intent_of(group) == "science" for group in with_image)
    return {
        "n_files": len(files) + len(document.others),
        "n_fits": sum(roles.is_fits_name(file.name) for file in (*files, *document.others)),
        "n_images": sum(file.role in IMAGE_ROLES for file in files),
        "n_groups": len(with_image),
        "n_science": science,
        "n_calibrators": len(with_image) - science,
        "n_beams": sum(file.role == "primaryBeam" for file in files),
        "size_bytes": sum(_size(file) for file in (*files, *document.others)),
    }


def _size(file: FileEntry) -> int:
    """Bytes of a file; 0 where a document from elsewhere has no number of them."""
    text = file.derived.get("size", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _of_image(image: FileEntry) -> dict[str, str | float | None]:
    derived = image.derived
    found: dict[str, str | float | None] = {name: _number(derived.get(name)) for name in _NUMBERS}
    major, minor = _number(derived.get("beam_major_arcsec")), _number(derived.get("beam_minor_arcsec"))
    found["beam_arcsec"] = (major * minor) ** 0.5 if major and minor else None
    found["object"] = image.header.get("OBJECT") or derived.get("object")
    found["telescope"] = image.header.get("TELESCOP") or derived.get("telescope")
    found["date_obs"] = image.header.get("DATE-OBS") or derived.get("date_obs")
    found["band"] = derived.get("band")
    found["kind"] = derived.get("kind")
    found["main_role"] = image.role
    return found


def _number(text: str | None) -> float | None:
    return number(text) if text else None
