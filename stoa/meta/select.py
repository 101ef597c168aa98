"""Choosing from documents: targets by their metadata columns, here, and files as inputs (`stoa.meta.inputs`)."""

from __future__ import annotations

from stoa.meta import roles
from stoa.meta.check import check
from stoa.meta.columns import COLUMNS
from stoa.meta.document import Document, FileEntry
from stoa.meta.inputs import MissingInput, find_inputs, image_groups, intent_of
from stoa.meta.rules import IMAGE_ROLES
from stoa.meta.sky import number
from stoa.model import InputSpec

__all__ = ["MissingInput", "columns", "find_inputs", "image_groups", "main_image"]

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
