"""The metadata columns that every target has."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


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
