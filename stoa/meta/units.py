"""Units of pixels: whether a BUNIT converts to Jy/beam, whatever way a program spells it."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

_PLAIN = re.compile(r"Jy ?/ ?beam|JY/BEAM|Jy beam-1|beam-1 Jy|mJy/beam")
_POWER = re.compile(r"(?:\*\*|\^)\s*\(?\s*([+-]?\d+)\s*\)?")
_SPELLINGS = {
    "jy": "Jy", "mjy": "mJy", "ujy": "uJy", "njy": "nJy", "kjy": "kJy", "beam": "beam", "beams": "beam", "bm": "beam",
    "pix": "pixel", "pixel": "pixel", "pixels": "pixel", "k": "K", "mk": "mK", "kelvin": "K",
}  # fmt: skip


@lru_cache(maxsize=256)
def why_no_flux(text: str) -> str:
    """Why a unit does not convert to Jy/beam, in words; "" where it does.

    Flux per beam, per pixel and per solid angle does, and so does a brightness temperature.
    """
    if _PLAIN.fullmatch(text):
        return ""
    from astropy import units

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            unit = units.Unit(_spelled(text))
    except (ValueError, TypeError):
        return f"{text!r} is not a unit that is known"
    flux = units.Jy / units.beam, units.Jy / units.pixel, units.Jy / units.sr, units.K
    return "" if any(unit.is_equivalent(one) for one in flux) else repr(text)


def _spelled(text: str) -> str:
    """A unit as the FITS standard has it: ``Jy beam^-1`` and ``JY/BEAM`` are spelled in many ways."""

    def word(match: re.Match[str]) -> str:
        mega = match[0].startswith("MJ")  # MJY may be meant as mJy: not understood
        return match[0] if mega else _SPELLINGS.get(match[0].lower(), match[0])

    plain = " ".join(_POWER.sub(r"\1", text).replace("*", " ").replace("µ", "u").replace("μ", "u").split())
    return re.sub(r"\s*/\s*", "/", re.sub(r"[A-Za-z]+", word, plain))
