"""The standard set of products of one image: names, roles, quality, and the document that describes it.

Every process that makes the set (`standardise` from images, `tclean` from visibilities) writes it through this module,
so that all that follows can count on it. Axes are longitude, latitude, frequency and Stokes; fluxes are in Jy/beam.
Needs the standard library alone.
"""

import csv
import json
import math
import re
import shutil
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

BLOCK = 2880
CARD = 80
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


def not_passed_on(job):
    """Files of the image that STOA knows and gave to no option, by the metadata document of the job.

    Returns
    -------
    found
        Role -> name of the first such file, and why it was left out. Empty without a document.
    """
    try:
        text = Path(job["meta"]).read_bytes()
        if b"<!DOCTYPE" in text:  # STOA writes none
            return {}
        groups = ET.fromstring(text).iterfind("group[@key='Products']/group")  # noqa: S314 -- without entities
    except (KeyError, OSError, ET.ParseError):
        return {}
    found = {}
    given = {Path(path).name for path in job.get("inputs", {}).values() if path}
    for group in (one for one in groups if one.get("key") == job.get("group")):
        problems = {one.get("file"): one.get("problems") for one in group.iterfind("derived")}
        for file in group.iterfind("file"):
            name = Path(file.text or "").name
            if name not in given:
                why = problems.get(file.text) or "on another grid of pixels than the image"
                found.setdefault(file.get("FILETYPE"), (name, why))
    return found


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
        attributes = {"FILETYPE": product.role}
        for card in cards_of(path):
            keyword, value = card[:8].rstrip(), card[10:]
            if card[8:10] == "= " and re.fullmatch(r"[A-Z][A-Z0-9_-]*", keyword) and keyword != "SIMPLE":
                attributes.setdefault(keyword, _value(value))
        for keyword in ("BMAJ", "BMIN", "BPA"):
            attributes.setdefault(keyword, "")
        ET.SubElement(image, "file", attributes).text = product.file
    ET.indent(root)
    ET.ElementTree(root).write(Path(folder, "standard.xml"), encoding="utf-8", xml_declaration=True)


def _value(text):
    """The value of a card as the document has it: without quotes, blanks and comment."""
    if quoted := re.match(r"\s*'((?:[^']|'')*)'", text):
        return quoted[1].replace("''", "'").rstrip()
    return text.partition("/")[0].strip()


def cards_of(path):
    """The cards of the first header of a FITS file, as texts of 80 characters without END."""
    found = []
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK):
            for start in range(0, len(block), CARD):
                card = block[start : start + CARD].decode("ascii", "replace")
                if card.startswith("END     "):
                    return found
                found.append(card)
    raise ValueError(f"{path}: the header has no end")


def add_cards(path, cards):
    """Put cards behind the header of a FITS file that another program wrote; keywords that it has keep their place.

    Parameters
    ----------
    cards
        Texts or numbers, or pairs of one and a comment, by keyword.
    """
    path = Path(path)
    old = cards_of(path)
    length = -(-(len(old) + 1) * CARD // BLOCK) * BLOCK
    pairs = {keyword: value if isinstance(value, tuple) else (value, "") for keyword, value in cards.items()}
    new = {keyword: _card(keyword, *pair) for keyword, pair in pairs.items()}
    kept = [new.pop(card[:8].rstrip(), card) for card in old]
    text = "".join([*kept, *new.values(), "END".ljust(CARD)])
    aside = path.with_name(f"{path.name}.new")
    with path.open("rb") as file, aside.open("wb") as made:
        file.seek(length)
        made.write(text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii", "replace"))
        shutil.copyfileobj(file, made, 1 << 22)
    aside.replace(path)


def _card(keyword, value, comment):
    if isinstance(value, bool):
        shown = f"{'T' if value else 'F':>20}"
    elif isinstance(value, (int, float)):
        shown = f"{value!r:>20}"
    else:
        quoted = str(value).replace("'", "''")[:66]
        shown = f"'{quoted:<8}'"
    return f"{keyword:<8}= {shown}{f' / {comment}' if comment else ''}"[:CARD].ljust(CARD)
