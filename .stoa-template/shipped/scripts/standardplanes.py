"""Products of the standard set as FITS files, written plane by plane on the grid of an image of `fitsimage`.

Needs numpy and astropy, and nothing of STOA.
"""

import re
from pathlib import Path

import numpy as np
from astropy.io import fits

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
