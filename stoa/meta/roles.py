"""What names say of files: their format, and with the header whether they show a calibrator, a cube or a continuum."""

from __future__ import annotations

import re
from functools import lru_cache

from stoa.meta.sky import Getter

_COMPRESSION = re.compile(r"(?i)\.(gz|fz|bz2)$")
_FITS = re.compile(r"(?i)\.(fits?|fts)$")
_USUAL = (".fits", ".fits.gz")
_TARBALL = re.compile(r"(?i)\.(tgz|tar|tar\.gz)$")

INTENTS = {
    "sci": "", "bp": "bandpass", "ph": "phase", "chk": "check", "pol": "polarization", "amp": "amplitude",
    "flux": "flux",
}  # fmt: skip
"""Mark behind the source's name in pipeline products -> kind of calibrator, "" for the science target."""

_INTENT_MARK = re.compile(rf"_({'|'.join(INTENTS)})\.(?=spw|s\d)")
_INTENT_WORDS = (
    ("TARGET", ""), ("BANDPASS", "bandpass"), ("PHASE", "phase"), ("CHECK", "check"), ("POL", "polarization"),
    ("AMPLITUDE", "amplitude"), ("FLUX", "flux"),
)  # fmt: skip
_WINDOWS = re.compile(r"(?i)spw(\d+(?:_\d+)*)")
_CUBE = re.compile(r"(?i)[._](cube|repbw)([._]|$)")
_CONT = re.compile(r"(?i)[._](cont|continuum)([._]|$)")
_MFS = re.compile(r"(?i)[._]mfs([._]|$)")


@lru_cache(maxsize=256)
def is_fits_name(name: str) -> bool:
    """Whether a file is worth opening, by its name: ``.fits``, ``.fit``, ``.fts``, compressed or not."""
    return name.endswith(_USUAL) or bool(_FITS.search(_COMPRESSION.sub("", name)))


def is_tarball_name(name: str) -> bool:
    """Whether it is a tar archive by its name; the pipeline packs CASA images so."""
    return bool(_TARBALL.search(name))


def is_compressed_name(name: str) -> bool:
    """Whether the name says that the file is compressed."""
    return bool(_COMPRESSION.search(name))


@lru_cache(maxsize=256)
def stem(name: str) -> str:
    """File name without folder, compression and format."""
    leaf = name.rpartition("/")[2]
    for end in _USUAL:
        if leaf.endswith(end):
            return leaf.removesuffix(end)
    return _FITS.sub("", _COMPRESSION.sub("", _TARBALL.sub("", leaf)))


def calibrator_of(name: str, get: Getter | None) -> str:
    """Kind of calibrator that a file shows; "" for the science target and where nothing says so."""
    found = _INTENT_MARK.findall(stem(name))
    if found:
        return INTENTS[found[-1]]
    words = get("INTENT").upper() if get else ""
    return next((kind for word, kind in _INTENT_WORDS if word in words), "")


def kind_of(name: str, get: Getter | None) -> str:
    """``cont`` (all windows or unknown), ``mfs`` (one spectral window) or ``cube``."""
    text = stem(name)
    if _CUBE.search(text) or (get is not None and _spectral_planes(get) > 1):
        return "cube"
    if _CONT.search(text):
        return "cont"
    windows = _WINDOWS.findall(text)
    if windows:
        return "cont" if "_" in windows[-1] else "mfs"
    return "mfs" if _MFS.search(text) else "cont"


def _spectral_planes(get: Getter) -> int:
    for axis in ("3", "4", "2", "1"):
        if get(f"CTYPE{axis}").upper().startswith(("FREQ", "VRAD", "VOPT", "VELO", "FELO", "WAVE")):
            planes = get(f"NAXIS{axis}")
            return int(planes) if planes.isdigit() else 1
    return 1
