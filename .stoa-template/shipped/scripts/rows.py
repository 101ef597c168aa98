"""Rows of the table of sources: columns, units, corrections, the cuts, and the file.

Every finder's table has the same columns. What noise does to a number is its error; what the observatory's flux scale
and astrometry do to all sources of an image alike is in columns of its own and is in no error.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from fitsunits import Beam
from gaussians import deconvolved
from local_noise import noise
from programs import FindingError

DEBLENDED, NO_SHAPE, GAIN_MODEL, BEAM_GIVEN, UNCLEAR = 1, 2, 4, 8, 16  # bits of the column `flags`
FAINTER = 20  # times than a source nearby: its sidelobes are looked for
NOISIER = 1.3  # noise of a ring over that of the place, from which on it is the sidelobes'
TYPES = {"J": ">i4", "D": ">f8"}  # as FITS has them
SEEING = 10.0  # beams, that the distance from the edge is looked at
BANDS_GHZ = (  # of ALMA
    (35, 50, "1"), (67, 84, "2"), (84, 116, "3"), (125, 163, "4"), (163, 211, "5"), (211, 275, "6"),
    (275, 373, "7"), (385, 500, "8"), (602, 720, "9"), (787, 950, "10"),
)  # fmt: skip

COLUMNS = (  # name, FITS format, unit
    ("id", "J", None),
    ("ra_deg", "D", "deg"),
    ("dec_deg", "D", "deg"),
    ("e_ra_arcsec", "D", "arcsec"),
    ("e_dec_arcsec", "D", "arcsec"),
    ("peak_flux", "D", "Jy/beam"),
    ("e_peak_flux", "D", "Jy/beam"),
    ("flux", "D", "Jy"),
    ("e_flux", "D", "Jy"),
    ("rms", "D", "Jy/beam"),
    ("snr", "D", None),
    ("gain", "D", None),
    ("major_arcsec", "D", "arcsec"),
    ("minor_arcsec", "D", "arcsec"),
    ("pa_deg", "D", "deg"),
    ("freq_ghz", "D", "GHz"),
    ("dynamic_range", "D", None),
    ("edge_beams", "D", None),
    ("area_beams", "D", None),
    ("flags", "J", None),
    ("x", "D", "pix"),
    ("y", "D", "pix"),
    ("e_major_arcsec", "D", "arcsec"),
    ("e_minor_arcsec", "D", "arcsec"),
    ("size_major_arcsec", "D", "arcsec"),
    ("size_minor_arcsec", "D", "arcsec"),
    ("size_pa_deg", "D", "deg"),
    ("e_flux_scale", "D", "Jy"),
    ("e_position_floor_arcsec", "D", "arcsec"),
    ("deboost", "D", None),
    ("beam_major_arcsec", "D", "arcsec"),
    ("beam_minor_arcsec", "D", "arcsec"),
    ("beam_pa_deg", "D", "deg"),
    ("band", "2A", None),
    ("date_obs", "26A", None),
    ("channel", "J", None),
)


@dataclass(frozen=True)
class Source:
    """What a finder measured, before the primary-beam correction; pixels are counted from 0."""

    x: float
    y: float
    peak: float  # Jy/beam
    e_peak: float
    flux: float  # Jy
    e_flux: float
    rms: float  # Jy/beam, at the source
    e_ra: float  # degrees, times cos(dec)
    e_dec: float
    shape: Beam  # not deconvolved; the clean beam where no shape was fitted
    area: float  # in beams
    deblended: bool
    has_shape: bool
    e_major: float = math.nan  # degrees
    e_minor: float = math.nan
    seen: float = math.inf  # Jy/beam, of the fit with the clean beam; inf where there was none
    unclear: bool = False  # perhaps more than one source, or no Gaussian


@dataclass(frozen=True)
class Floors:
    """What is wrong with all sources of an image alike: share of the flux by band, and of the beam."""

    scale: dict  # band: share of the flux
    position: float  # in beams


def read_floors(words, position_beams):
    """The declared floors: `3:5 6:10` is 5 per cent in band 3 and 10 in band 6, `5` in all bands, empty is none.

    Raises
    ------
    FindingError
        If the words are something else.
    """
    scale = {}
    for word in words.replace(",", " ").split():
        band, _, share = word.rpartition(":")
        try:
            scale[band] = float(share) / 100
        except ValueError as error:
            raise FindingError(f"flux_scale {words!r}: {word!r} is no BAND:PERCENT such as 6:10") from error
    return Floors(scale, position_beams)


def band_of(field):
    """The ALMA band of a field, as a text; "" for other telescopes and frequencies."""
    telescope = str(field.image.header.get("TELESCOP") or field.image.facts.get("telescope") or "").strip().upper()
    if telescope and telescope not in ("ALMA", "ACA"):
        return ""
    return next((name for low, high, name in BANDS_GHZ if low <= field.freq_hz / 1e9 < high), "")


def edge_distance(valid, x, y, fwhm, limit):
    """Distance from the nearest pixel without data, or from the border, in beams; at most `limit` is looked at."""
    half = math.ceil(limit * fwhm) + 1
    ny, nx = valid.shape
    border = min(x + 0.5, y + 0.5, nx - 0.5 - x, ny - 0.5 - y)
    x0, y0 = max(int(x) - half, 0), max(int(y) - half, 0)
    py, px = np.nonzero(~valid[y0 : int(y) + half + 1, x0 : int(x) + half + 1])
    hole = np.hypot(px + x0 - x, py + y0 - y).min() if len(px) else math.inf
    return float(min(border / fwhm, hole / fwhm, limit))


def row(field, source, valid, brightest, floors):
    """The columns of one source but `id`, corrected for the primary beam."""
    shape = np.array(field.flat.shape)
    gain = float(field.gain[tuple(np.clip(np.rint([source.y, source.x]).astype(int), 0, shape - 1))])
    ra, dec = field.image.sky(source.x, source.y)
    turn = field.image.turn_deg(source.x, source.y)
    band = band_of(field)
    scale = floors.scale.get(band, floors.scale.get("", math.nan))
    size = deconvolved(source.shape, field.beam) if source.has_shape else Beam(math.nan, math.nan, math.nan)
    return {
        "ra_deg": float(ra) % 360,
        "dec_deg": float(dec),
        "e_ra_arcsec": source.e_ra * 3600,
        "e_dec_arcsec": source.e_dec * 3600,
        "peak_flux": source.peak / gain,
        "e_peak_flux": source.e_peak / gain,
        "flux": source.flux / gain,
        "e_flux": source.e_flux / gain,
        "rms": source.rms / gain,
        "snr": source.peak / source.rms,
        "gain": gain,
        "major_arcsec": source.shape.major * 3600,
        "minor_arcsec": source.shape.minor * 3600,
        "pa_deg": (source.shape.pa + turn) % 180,
        "freq_ghz": field.freq_hz / 1e9,
        "dynamic_range": brightest / source.peak,
        "edge_beams": edge_distance(valid, source.x, source.y, field.longest_fwhm, SEEING),
        "area_beams": source.area,
        "flags": flags(field, source),
        "x": source.x + 1,
        "y": source.y + 1,
        "e_major_arcsec": source.e_major * 3600,
        "e_minor_arcsec": source.e_minor * 3600,
        "size_major_arcsec": size.major * 3600,
        "size_minor_arcsec": size.minor * 3600,
        "size_pa_deg": (size.pa + turn) % 180 if size.major else 0.0,
        "e_flux_scale": scale * source.flux / gain,
        "e_position_floor_arcsec": floors.position * math.sqrt(field.beam.major * field.beam.minor) * 3600,
        "deboost": math.nan,
        "beam_major_arcsec": field.beam.major * 3600,
        "beam_minor_arcsec": field.beam.minor * 3600,
        "beam_pa_deg": (field.beam.pa + turn) % 180,
        "band": band,
        "date_obs": field.image.date[:26],
        "channel": field.channel,
    }


def flags(field, source):
    """The column `flags` of a source."""
    bits = (
        (DEBLENDED, source.deblended), (NO_SHAPE, not source.has_shape), (GAIN_MODEL, field.gain_is_model),
        (BEAM_GIVEN, field.beam_is_given), (UNCLEAR, source.unclear),
    )  # fmt: skip
    return sum(bit for bit, on in bits if on)


# Choosing


def choose(rows, args, field, depth):
    """The rows that pass, and how many each cut removed; a row counts for the first cut that it fails.

    Rows are the brightest first, by signal to noise.
    """
    separation = 0.5 * field.beam.minor / field.image.pixel_deg
    places = np.array([(r["x"] - 1, r["y"] - 1) for r in rows]).reshape(-1, 2)
    peaks = np.array([r["peak_flux"] * r["gain"] for r in rows])
    cuts = {
        "gain": lambda i: rows[i]["gain"] >= args.min_gain,
        "edge": lambda i: rows[i]["edge_beams"] >= args.edge_beams,
        "shape": lambda i: rows[i]["area_beams"] >= args.min_area,
        "sidelobe": lambda i: not is_sidelobe(i, places, peaks, args, field, depth),
        "double": lambda i: not len(kept) or apart(places[kept], places[i]).min() > separation,
    }
    kept, removed = [], dict.fromkeys(cuts, 0)
    for i in range(len(rows)):
        failed = next((name for name, passes in cuts.items() if not passes(i)), None)
        if failed is None:
            kept.append(i)
        else:
            removed[failed] += 1
    return [rows[i] for i in kept], removed


def apart(places, place):
    """Distances in pixels."""
    return np.hypot(*(places - place).T)


def is_sidelobe(i, places, peaks, args, field, depth):
    """Whether a source is a sidelobe of a far brighter one within `sidelobe_beams`.

    It is where it is fainter by more than `max_dynamic_range`, or does not stand above the noise of the ring round the
    bright one on which it is: sidelobes are everywhere on it.
    """
    away = apart(places, places[i])
    near = (away <= args.sidelobe_beams * field.longest_fwhm) & (peaks > FAINTER * peaks[i])
    if (near & (peaks > args.max_dynamic_range * peaks[i])).any():
        return True
    for j in np.flatnonzero(near):
        level = ring_noise(field, places[i : i + 1], places[j], away[j])
        if level > NOISIER * depth.at(*places[i]) and peaks[i] < args.snr * level:
            return True
    return False


def ring_noise(field, without, centre, radius):
    """Noise within a beam of a ring, without what is near some places; 0 where too little of it is seen."""
    width = field.longest_fwhm
    half = math.ceil(radius + width) + 1
    (ny, nx), (cx, cy) = field.flat.shape, np.rint(centre).astype(int)
    x0, x1, y0, y1 = max(cx - half, 0), min(cx + half + 1, nx), max(cy - half, 0), min(cy + half + 1, ny)
    dx, dy = np.arange(x0, x1)[None, :], np.arange(y0, y1)[:, None]
    used = np.abs(np.hypot(dx - centre[0], dy - centre[1]) - radius) < width
    for place in without:
        used &= np.hypot(dx - place[0], dy - place[1]) > 1.5 * width
    return noise(field.flat[y0:y1, x0:x1][used]) if used.sum() > 10 * width**2 else 0.0


# Writing


def write_table(rows, field, depth, path, completeness=None):
    """The sources as a FITS binary table, no row is a table too; then the noise as an image on a coarse grid.

    Parameters
    ----------
    completeness
        A table of injected sources, that becomes a third HDU.
    """
    own = field.image.unit
    units = {} if own == "Jy/beam" else {"Jy/beam": own, "Jy": f"{own} beam"}
    records = np.zeros(len(rows), dtype=[(name, TYPES.get(form, f"S{form[:-1]}")) for name, form, _ in COLUMNS])
    turned = {"x": "y", "y": "x"} if field.image.turned else {}  # they count the file's first axis and its second
    for name, _, _ in COLUMNS:
        records[name] = range(1, len(rows) + 1) if name == "id" else [r[turned.get(name, name)] for r in rows]
    header = fits.Header([("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", records.itemsize)])
    header.update({"NAXIS2": len(rows), "PCOUNT": 0, "GCOUNT": 1, "TFIELDS": len(COLUMNS)})
    for i, (name, form, unit) in enumerate(COLUMNS, 1):
        header[f"TTYPE{i}"], header[f"TFORM{i}"] = name, form
        if unit:
            header[f"TUNIT{i}"] = units.get(unit, unit)
    header["EXTNAME"] = "SOURCES"
    beam = field.beam
    for key, value in (("BMAJ", beam.major), ("BMIN", beam.minor), ("BPA", beam.pa)):
        header[key] = (value, "[deg] clean beam")
    header["RADESYS"] = "ICRS"
    Path(path).unlink(missing_ok=True)
    stream(path, header, records)
    image = noise_image(field, depth)
    stream(path, image.header, image.data)
    if completeness is not None:
        fits.append(path, completeness.data, completeness.header)


def stream(path, header, data):
    """Append an HDU whose header is complete; astropy's columns would take longer than the search of a small image."""
    hdu = fits.StreamingHDU(path, header)
    if data.size:
        hdu.write(data.view(np.uint8) if data.dtype.names else data)
    hdu.close()


def noise_image(field, depth):
    """The noise that was searched with, before the primary-beam correction, on the grid of its windows."""
    nodes = depth.map
    header = field.wcs.to_header()
    for i, (first, step) in enumerate(zip(nodes.first[::-1], nodes.step[::-1], strict=True), 1):
        header[f"CRPIX{i}"] = (field.wcs.wcs.crpix[i - 1] - 1 - first) / step + 1
        header[f"CDELT{i}"] = 1.0
        for j in (1, 2):
            header[f"PC{j}_{i}"] = field.wcs.pixel_scale_matrix[j - 1, i - 1] * step
    header["BUNIT"] = field.image.unit
    return fits.ImageHDU(nodes.nodes.astype(np.float32), header, name="NOISE")
