"""The standard set of products of one image: names, headers, roles, quality, and the document that describes it.

Every process that makes the set (`standardise` from images, `tclean` from visibilities) writes it through this module,
so that all that follows can count on it. Axes are longitude, latitude, frequency and Stokes; fluxes are in Jy/beam.
Needs numpy and astropy, and nothing of STOA.
"""

import csv
import json
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

STEM = "standard"


@dataclass(frozen=True)
class Product:
    """One kind of product: its key, the end of its file's name, its role and TYPE in STOA, its unit, and words."""

    key: str
    end: str
    role: str
    type: str
    unit: str
    words: str

    @property
    def file(self):
        """The name of its file."""
        return f"{STEM}{self.end}.fits"


PRODUCTS = (
    Product("corrected", ".image.pbcor", "correctedImage", "pbcorimage", "Jy/beam", "divided by the primary beam"),
    Product("image", ".image", "image", "image", "Jy/beam", "as CLEAN made it, noise flat over the field"),
    Product("beam", ".pb", "primaryBeam", "flux", "", "response of the primary beam"),
    Product("dirty", ".dirty", "dirtyImage", "", "Jy/beam", "before CLEAN"),
    Product("residual", ".residual", "residual", "residual", "Jy/beam", "what CLEAN left"),
    Product("model", ".model", "model", "model", "Jy/pixel", "what CLEAN found"),
    Product("psf", ".psf", "psf", "psf", "", "point spread function"),
    Product("mask", ".mask", "mask", "cleanmask", "", "where CLEAN was allowed to look"),
)
"""The set, in the order of the document."""

BY_KEY = {product.key: product for product in PRODUCTS}

_PROJECT = re.compile(r"(?:^|/)(\d{4}\.[0-9A-Z]\.\d{5}\.[A-Z]+)(?:/|$)")
_UID = re.compile(r"uid___(A\d{3})_(X[0-9a-f]+)_(X[0-9a-f]+)", re.IGNORECASE)
_LEVELS = (("GOAL", "science_goal."), ("GROUP", "group."), ("MEMBER", "member."))
_STOKES = {
    "I": 1,
    "Q": 2,
    "U": 3,
    "V": 4,
    "RR": -1,
    "LL": -2,
    "RL": -3,
    "LR": -4,
    "XX": -5,
    "YY": -6,
    "XY": -7,
    "YX": -8,
}
_INTENTS = {
    "sci": "TARGET", "bp": "BANDPASS", "ph": "PHASE", "chk": "CHECK", "pol": "POLARIZATION", "amp": "AMPLITUDE",
    "flux": "FLUX",
}  # fmt: skip
_INTENT = re.compile(rf"_({'|'.join(_INTENTS)})\.(?=spw|s\d)")
_KEPT = {"TELESCOP", "OBSERVER", "DATE-OBS", "INSTRUME", "INTENT", "SPECMODE"}


def provenance_cards(folder, job):
    """Cards that say where an image comes from: project and OUS ids by the path, run and target by STOA.

    Parameters
    ----------
    folder
        Of the data.
    job
        Content of `stoa-job.json`; empty without STOA.
    """
    path = str(folder)
    cards = {}
    if found := _PROJECT.search(path):
        cards["PROJECT"] = (found[1], "ALMA project code, by the path")
    for keyword, start in _LEVELS:
        part = next((part for part in path.split("/") if part.startswith(start)), "")
        if found := _UID.search(part):
            cards[keyword] = (f"uid://{found[1]}/{found[2]}/{found[3]}", f"{start.rstrip('.')} OUS, by the path")
    for keyword, name in (("STOARUN", "run"), ("STOAPROC", "process"), ("STOATARG", "target"), ("STOAGRP", "group")):
        if job.get(name):
            cards[keyword] = (str(job[name]), f"STOA {name}")
    return cards


def read_job(file="stoa-job.json"):
    """What STOA says of the job; empty without STOA."""
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def header_of(image, product, cards):
    """The header of a product on the grid of an image.

    Parameters
    ----------
    image
        Of `fitsimage`, with even channels.
    cards
        Further cards, by keyword.
    """
    header = fits.Header([("SIMPLE", True), ("BITPIX", -32), ("NAXIS", 4)])
    for axis, size in enumerate((*image.shape[::-1], image.channels, 1), 1):
        header[f"NAXIS{axis}"] = size
    header.update({key: value for key, value in image.wcs.to_header().items() if key not in ("WCSAXES", "RESTFRQ")})
    _put_other_axes(header, image)
    for keyword in ("RESTFRQ", "SPECSYS", "OBJECT", *sorted(_KEPT)):
        if image.header.get(keyword) not in (None, ""):
            header[keyword] = image.header[keyword]
    if "DATE-OBS" not in header and image.date:
        header["DATE-OBS"] = image.date
    if (mark := _INTENT.search(image.path.name)) and "INTENT" not in header:
        header["INTENT"] = (_INTENTS[mark[1]], "by the name of the file")
    header["BUNIT"] = product.unit
    header["BTYPE"] = "Intensity"
    if product.type:
        header["TYPE"] = product.type
    if product.key not in ("beam", "mask", "model") and image.beam:
        _put_beam(header, image)
    for keyword, value in cards.items():
        header[keyword] = value
    return header


def _put_other_axes(header, image):
    freqs = image.world.freqs_hz
    if np.isfinite(freqs[0]):
        header["CTYPE3"], header["CUNIT3"], header["CRPIX3"], header["CRVAL3"] = "FREQ", "Hz", 1.0, float(freqs[0])
        header["CDELT3"] = float(freqs[1] - freqs[0]) if len(freqs) > 1 else _width(image)
    stokes = float(_STOKES.get(image.world.stokes, 1))
    header["CTYPE4"], header["CRVAL4"], header["CDELT4"], header["CRPIX4"] = "STOKES", stokes, 1.0, 1.0


def _put_beam(header, image):
    if has_beams(image):
        header["CASAMBM"] = (True, "a beam for each channel, in the table BEAMS")
    else:
        header["BMAJ"], header["BMIN"], header["BPA"] = image.beam.major, image.beam.minor, image.beam.pa


def _width(image):
    axis = image.world.axes.spectral
    width = image.header.get(f"CDELT{axis}", 0.0) if axis else 0.0
    return abs(float(width)) if isinstance(width, (int, float)) and width else 1.0


def is_even(freqs_hz):
    """Whether channels are equally far apart, to a thousandth."""
    steps = np.diff(freqs_hz)
    return bool(len(steps) == 0 or np.all(np.abs(steps - steps[0]) < 1e-3 * abs(steps[0])))


def has_beams(image):
    """Whether the channels have beams that differ."""
    return len(set(image.beams)) > 1


def write(folder, product, header, planes, beams=()):
    """Write a product plane by plane, so that a cube is never held as a whole.

    Parameters
    ----------
    beams
        One for each channel, where they differ.
    """
    path = Path(folder, product.file)
    path.unlink(missing_ok=True)
    if beams:
        header["EXTEND"] = True
    stream = fits.StreamingHDU(str(path), header)
    for plane in planes:
        stream.write(np.asarray(plane, dtype=">f4"))
    stream.close()
    if beams:
        fits.append(path, *_beam_table(beams))
    return path


def _beam_table(beams):
    """Data and header of the table in which CASA puts the beams of channels."""
    numbers = np.arange(len(beams), dtype=np.int32)
    columns = [
        fits.Column("BMAJ", "1E", "arcsec", array=np.array([beam.major * 3600 for beam in beams])),
        fits.Column("BMIN", "1E", "arcsec", array=np.array([beam.minor * 3600 for beam in beams])),
        fits.Column("BPA", "1E", "deg", array=np.array([beam.pa for beam in beams])),
        fits.Column("CHAN", "1J", array=numbers),
        fits.Column("POL", "1J", array=0 * numbers),
    ]
    table = fits.BinTableHDU.from_columns(columns, name="BEAMS")
    table.header["NCHAN"], table.header["NPOL"] = len(beams), 1
    return table.data, table.header


def write_quality(folder, rows):
    """Write `quality.csv`: one row for each product of the set, with how it was had or why it was not."""
    names = (
        "product", "role", "file", "origin", "words", "rms_jy_beam", "peak_jy_beam", "dynamic_range",
        "beam_major_arcsec", "beam_minor_arcsec", "beam_pa_deg", "expected_beam_arcsec", "theoretical_rms_jy_beam",
    )  # fmt: skip
    with Path(folder, "quality.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, names)
        table.writeheader()
        for row in rows:
            table.writerow({key: _text(value) for key, value in row.items()})


def _text(value):
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else ""
    return value


def write_document(folder, group):
    """Write `standard.xml`: the set in the form of STOA's metadata documents, values as the headers have them."""
    root = ET.Element("project")
    image = ET.SubElement(ET.SubElement(root, "group", key="Products"), "group", key=group or STEM)
    for product in PRODUCTS:
        path = Path(folder, product.file)
        if not path.is_file():
            continue
        header = fits.getheader(path)
        attributes = {"FILETYPE": product.role}
        for keyword, value in header.items():
            if re.fullmatch(r"[A-Z][A-Z0-9_-]*", keyword) and keyword not in ("HISTORY", "COMMENT", "SIMPLE"):
                attributes[keyword] = str(value)
        for keyword in ("BMAJ", "BMIN", "BPA"):
            attributes.setdefault(keyword, "")
        ET.SubElement(image, "file", attributes).text = product.file
    ET.indent(root)
    ET.ElementTree(root).write(Path(folder, "standard.xml"), encoding="utf-8", xml_declaration=True)
