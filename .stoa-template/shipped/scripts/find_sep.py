#!/usr/bin/env python
"""Find sources in one interferometric image with sep (the library form of SExtractor).

What is searched has the same noise everywhere: the primary-beam-corrected image times the
primary beam, or an uncorrected image as it is. Fluxes are then divided by the gain at the
source. Without a primary beam the gain is that of a Gaussian of FWHM 1.13 lambda / dish
around the pointing. Peaks are fitted with the clean beam, shapes with a free Gaussian;
errors follow Condon (1997, PASP 109, 166).

Writes a FITS table of the sources that pass the cuts (possibly none) and, into the working
directory, the numbers of `stoa-result.json`. Needs numpy, astropy and sep, and nothing of STOA.
"""

import argparse
import json
import math
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sep
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

LIGHT_M_S = 299792458.0
SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))
FLOOR = 3.0  # sigma; a peak grows down to it
SEED = 0.9  # of the wanted S/N; a peak between two pixels shows less than its fit will have
DEBLENDED, NO_SHAPE, GAIN_MODEL, BEAM_GIVEN = 1, 2, 4, 8  # bits of the column `flags`

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
)


class ImageError(Exception):
    """The image cannot be searched; the message says why."""


@dataclass(frozen=True)
class Beam:
    """Clean beam as the header gives it: full widths at half maximum and position angle, in degrees."""

    major: float
    minor: float
    pa: float


@dataclass(frozen=True)
class Field:
    """What is searched: flat noise, the gain of every pixel, and how pixels lie on the sky."""

    flat: np.ndarray  # Jy/beam before the primary-beam correction; NaN where there is nothing
    gain: np.ndarray
    gain_is_model: bool
    wcs: WCS
    beam: Beam
    beam_is_given: bool
    freq_hz: float
    channels: int


# Reading


def read_planes(path):
    """Header and data with shape (channels, y, x): first Stokes plane, every spectral channel."""
    try:
        with fits.open(path, memmap=False) as hdus:
            header = hdus[0].header
            data = hdus[0].data
            beams = hdus["BEAMS"].data if "BEAMS" in hdus else None
            data = None if data is None else np.asarray(data, dtype=np.float64)
    except (OSError, EOFError, TypeError, ValueError) as error:
        raise ImageError("the file is cut off or damaged") from error
    if data is None or data.ndim < 2:
        raise ImageError("the first HDU holds no image")
    for axis in range(data.ndim, 2, -1):  # FITS axis 3 is the last but two of numpy
        if str(header.get(f"CTYPE{axis}", "")).startswith("STOKES"):
            data = data.take([0], axis=data.ndim - axis)
    return header, beams, data.reshape(-1, *data.shape[-2:])


def celestial(header):
    """The two celestial axes; they have to be the first two."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        try:
            wcs = WCS(header)
        except Exception as error:  # wcslib's errors have no common base
            raise ImageError(f"the world coordinates cannot be read ({type(error).__name__})") from error
    if not wcs.has_celestial or {wcs.wcs.lng, wcs.wcs.lat} != {0, 1}:
        raise ImageError("no celestial coordinates (RA and Dec) on the first two axes")
    return wcs.celestial


def read_beam(header, beams, given_arcsec):
    """The clean beam: of the header, else the median of the BEAMS table, else the one given."""
    if header.get("BMAJ"):
        return Beam(header["BMAJ"], header["BMIN"], header.get("BPA", 0.0)), False
    if beams is not None and np.any(beams["BMAJ"] > 0):
        some = beams[beams["BMAJ"] > 0]
        major, minor, pa = (float(np.median(some[name])) for name in ("BMAJ", "BMIN", "BPA"))
        return Beam(major / 3600, minor / 3600, pa), False  # the table has arcsec
    if given_arcsec > 0:
        return Beam(given_arcsec / 3600, given_arcsec / 3600, 0.0), True
    raise ImageError("no beam: the header has no BMAJ and there is no BEAMS table (parameter beam_arcsec gives one)")


def frequency(header):
    """Frequency of the middle of the band in Hz; nan where the header has none."""
    for axis in range(3, header["NAXIS"] + 1):
        if str(header.get(f"CTYPE{axis}", "")).startswith("FREQ"):
            middle = (header[f"NAXIS{axis}"] + 1) / 2
            return header[f"CRVAL{axis}"] + (middle - header.get(f"CRPIX{axis}", 1)) * header[f"CDELT{axis}"]
    return header.get("RESTFRQ", header.get("RESTFREQ", math.nan))


def is_corrected(header, path, asked):
    """Whether the image is divided by the primary beam: said by TYPE or by the file's name."""
    if asked != "auto":
        return asked == "corrected"
    return header.get("TYPE") == "pbcorimage" or ".pbcor" in Path(path).name.lower()


def modelled_gain(wcs, shape, freq_hz, dish_m):
    """Gaussian primary beam of FWHM 1.13 lambda / dish around the reference position."""
    if not freq_hz > 0:
        raise ImageError("no primary beam, and no frequency in the header to model one")
    fwhm = math.degrees(1.13 * LIGHT_M_S / freq_hz / dish_m)
    y, x = np.indices(shape)
    offset = np.tensordot(wcs.pixel_scale_matrix, np.array([x + 1 - wcs.wcs.crpix[0], y + 1 - wcs.wcs.crpix[1]]), 1)
    return np.exp(-4 * math.log(2) * (offset**2).sum(axis=0) / fwhm**2)


def read_field(args):
    """The image as it is searched; cubes as the mean of their channels, weighted by 1 / rms^2."""
    header, beams, planes = read_planes(args.image)
    wcs = celestial(header)
    unit = str(header.get("BUNIT", "")).strip().lower()
    if unit not in ("", "jy/beam", "beam-1 jy", "jy beam-1"):
        raise ImageError(f"the unit is {header['BUNIT']!r}, not Jy/beam")
    if not np.isfinite(planes).any():
        raise ImageError("all pixels are NaN")
    beam, beam_is_given = read_beam(header, beams, args.beam_arcsec)
    freq_hz = frequency(header)
    if args.beam:
        gains = read_planes(args.beam)[2]
        if gains.shape[1:] != planes.shape[1:] or len(gains) not in (1, len(planes)):
            raise ImageError("the primary beam is on another grid than the image")
    else:
        gains = modelled_gain(wcs, planes.shape[1:], freq_hz, args.dish_m)[None]
    flat = planes * gains if is_corrected(header, args.image, args.image_is) else planes
    flat = np.where(np.isfinite(gains) & (gains > 0), flat, np.nan)
    weights = np.array([0.0 if not noise(p) > 0 else noise(p) ** -2 for p in flat])
    if not weights.any():
        raise ImageError("rms is zero: the image is empty")
    used = weights > 0
    weights = weights[used] / weights[used].sum()
    gains = np.broadcast_to(gains, flat.shape)[used]
    return Field(
        flat=np.tensordot(weights, flat[used], 1),
        gain=np.tensordot(weights, gains, 1),
        gain_is_model=not args.beam,
        wcs=wcs,
        beam=beam,
        beam_is_given=beam_is_given,
        freq_hz=freq_hz,
        channels=int(used.sum()),
    )


def noise(values):
    """Robust rms about zero, where an interferometer's image has its mean: median of |value|, outliers clipped."""
    values = np.abs(values[np.isfinite(values)])
    rms = math.inf
    for _ in range(10):
        kept = values[values < 4 * rms]
        before, rms = rms, 1.4826 * float(np.median(kept)) if kept.size else 0.0
        if rms == before:
            break
    return rms


# Gaussians in pixels


def beam_matrix(beam, wcs):
    """Inverse covariance of the beam in pixels, as (xx, xy, yy)."""
    pa = math.radians(beam.pa)
    axes = np.array([[math.sin(pa), math.cos(pa)], [math.cos(pa), -math.sin(pa)]])  # columns: major, minor
    sky = axes.T @ np.diag([(beam.major * SIGMA_PER_FWHM) ** 2, (beam.minor * SIGMA_PER_FWHM) ** 2]) @ axes
    pixel = np.linalg.inv(wcs.pixel_scale_matrix)
    inverse = np.linalg.inv(pixel @ sky @ pixel.T)
    return inverse[0, 0], inverse[0, 1], inverse[1, 1]


def shape_on_sky(p, wcs):
    """Amplitude and, as a `Beam`, the shape on the sky of a Gaussian in pixels; None if it is no ellipse."""
    a, b, c = p[3:]
    if p[0] <= 0 or a <= 0 or a * c <= b * b:
        return None
    scale = wcs.pixel_scale_matrix
    size, axes = np.linalg.eigh(scale @ np.linalg.inv(np.array([[a, b], [b, c]])) @ scale.T)
    minor, major = np.sqrt(size) / SIGMA_PER_FWHM
    return float(p[0]), Beam(float(major), float(minor), math.degrees(math.atan2(axes[0, 1], axes[1, 1])) % 180)


def gaussian(p, x, y):
    """Value and derivatives of an elliptical Gaussian; p = amplitude, x, y, xx, xy, yy."""
    dx, dy = x - p[1], y - p[2]
    with np.errstate(over="ignore"):  # a step to no ellipse; `fit` looks for what is not finite
        g = np.exp(-0.5 * (p[3] * dx * dx + 2 * p[4] * dx * dy + p[5] * dy * dy))
    v = p[0] * g
    slopes = (
        g,
        v * (p[3] * dx + p[4] * dy),
        v * (p[4] * dx + p[5] * dy),
        -v * dx * dx / 2,
        -v * dx * dy,
        -v * dy * dy / 2,
    )
    return v, np.stack(slopes, axis=1)


def fit(values, x, y, start, free):
    """Least squares (Levenberg-Marquardt) over the first `free` numbers of a Gaussian; None if it does not settle."""
    p, damping = np.array(start, dtype=float), 1e-3
    model, slopes = gaussian(p, x, y)
    cost = ((values - model) ** 2).sum()
    for _ in range(100):
        slopes = slopes[:, :free]
        normal = slopes.T @ slopes
        try:
            change = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slopes.T @ (values - model))
        except np.linalg.LinAlgError:
            return None
        tried = p.copy()
        tried[:free] += change
        new_model, new_slopes = gaussian(tried, x, y)
        new_cost = ((values - new_model) ** 2).sum() if np.isfinite(new_model).all() else math.inf
        if new_cost < cost:
            settled = cost - new_cost < 1e-10 * cost
            p, model, slopes, cost, damping = tried, new_model, new_slopes, new_cost, damping / 10
        else:
            settled = damping > 1e9  # no better point however short the step
            damping *= 10
        if settled:
            return p
    return None


class Fitter:
    """Fits every peak of a field, each on the image without the others."""

    def __init__(self, field):
        self.flat = np.nan_to_num(field.flat)
        self.valid = np.isfinite(field.flat)
        self.beam = beam_matrix(field.beam, field.wcs)
        widths = np.sqrt(
            np.linalg.eigvalsh(np.linalg.inv([[self.beam[0], self.beam[1]], [self.beam[1], self.beam[2]]]))
        )
        self.fwhm = float(widths[1] / SIGMA_PER_FWHM)  # longer one, in pixels

    def window(self, x, y, radius):
        """Valid pixels within `radius` FWHM (of the beam, an ellipse) of a position."""
        half = math.ceil(radius * self.fwhm) + 1
        x0, y0 = max(round(x) - half, 0), max(round(y) - half, 0)
        part = slice(y0, round(y) + half + 1), slice(x0, round(x) + half + 1)
        py, px = np.indices(self.flat[part].shape)
        px, py = px + x0, py + y0
        dx, dy = px - x, py - y
        a, b, c = self.beam
        inside = (a * dx * dx + 2 * b * dx * dy + c * dy * dy) * SIGMA_PER_FWHM**2 <= radius**2
        inside &= self.valid[part]
        return px[inside], py[inside]

    def model(self, sources):
        """All sources together."""
        total = np.zeros_like(self.flat)
        for p in sources:
            px, py = self.window(p[1], p[2], 3)
            total[py, px] += gaussian(p, px, py)[0]
        return total

    def points(self, starts):
        """Amplitude and position of every peak as a point source."""
        sources = [np.array([*start, *self.beam]) for start in starts]
        for _ in range(3):
            rest = self.flat - self.model(sources)
            for i, p in enumerate(sources):
                px, py = self.window(p[1], p[2], 0.7)
                own = rest[py, px] + gaussian(p, px, py)[0]
                found = fit(own, px, py, p, 3)
                if found is not None and math.hypot(found[1] - starts[i][1], found[2] - starts[i][2]) < self.fwhm:
                    sources[i] = found
        return sources

    def filled(self, p):
        """Sum of the pixels round a peak over that of the beam with this peak: the area in beams without a fit."""
        px, py = self.window(p[1], p[2], 0.7)
        return max(float(self.flat[py, px].sum() / gaussian(p, px, py)[0].sum()), 0.01)

    def shapes(self, sources):
        """Free Gaussians, begun at the point sources; None where the fit fails."""
        rest = self.flat - self.model(sources)
        found = []
        for p in sources:
            px, py = self.window(p[1], p[2], 1.0)
            q = fit(rest[py, px] + gaussian(p, px, py)[0], px, py, p, 6)
            moved = q is None or math.hypot(q[1] - p[1], q[2] - p[2]) > self.fwhm
            found.append(None if moved else q)
        return found


# Measuring


def condon(snr, area):
    """Relative errors of peak and integrated flux (Condon 1997, equation 21, for noise correlated over one beam).

    `area` is that of the fitted Gaussian in beams; for a point source the first one is 1 / S/N.
    """
    peak = 4 / (snr * math.sqrt(area) * (1 + 1 / area) ** 1.5) / math.sqrt(2)
    return peak, math.sqrt(peak**2 + 2 * peak**2 / area)


def position_error(beam, snr):
    """Errors in RA and Dec of a point source, in degrees: half widths of the beam over S/N, projected."""
    along, across = (width * SIGMA_PER_FWHM / snr for width in (beam.major, beam.minor))
    sin, cos = math.sin(math.radians(beam.pa)), math.cos(math.radians(beam.pa))
    return math.hypot(along * sin, across * cos), math.hypot(along * cos, across * sin)


def detect(field, rms, snr):
    """Pixels of the peaks that may reach `snr`, brightest first: (value, x, y), and whether each was deblended."""
    sep.set_extract_pixstack(max(300000, field.flat.size))
    mask = ~np.isfinite(field.flat)
    data = np.ascontiguousarray(np.nan_to_num(field.flat))
    found = sep.extract(data, FLOOR, err=rms, mask=mask, minarea=1, filter_kernel=None, deblend_cont=0.01, clean=False)
    found = found[found["peak"] >= SEED * snr * rms]
    found = found[np.argsort(-found["peak"])]
    merged = (found["flag"] & sep.OBJ_MERGED) > 0
    return [(float(f["peak"]), float(f["xpeak"]), float(f["ypeak"])) for f in found], merged


def edge_distance(valid, x, y, fwhm, limit):
    """Distance from the nearest pixel without data, or from the border, in beams; at most `limit` is looked at."""
    half = math.ceil(limit * fwhm) + 1
    ny, nx = valid.shape
    border = min(x + 0.5, y + 0.5, nx - 0.5 - x, ny - 0.5 - y)
    x0, y0 = max(int(x) - half, 0), max(int(y) - half, 0)
    py, px = np.nonzero(~valid[y0 : int(y) + half + 1, x0 : int(x) + half + 1])
    hole = np.hypot(px + x0 - x, py + y0 - y).min() if len(px) else math.inf
    return float(min(border / fwhm, hole / fwhm, limit))


def measure(field, rms, starts, merged):
    """One dict a peak with every column but `id`, brightest first."""
    fitter = Fitter(field)
    points = fitter.points(starts)
    shapes = [None if q is None else shape_on_sky(q, field.wcs) for q in fitter.shapes(points)]
    brightest = max((p[0] for p in points), default=0.0)
    rows = [
        row(field, fitter, rms, p, shape, blend) | {"dynamic_range": brightest / p[0]}
        for p, shape, blend in zip(points, shapes, merged, strict=True)
        if p[0] > 0
    ]
    return sorted(rows, key=lambda r: -r["snr"])


def row(field, fitter, rms, point, shape, blended):
    """The measured columns of one source."""
    peak, x, y = (float(v) for v in point[:3])
    beam = field.beam
    if shape:
        amplitude, extent = shape
        area = extent.major * extent.minor / (beam.major * beam.minor)
    else:
        amplitude, extent, area = peak, beam, fitter.filled(point)
    gain = float(field.gain[tuple(np.clip(np.rint([y, x]).astype(int), 0, np.array(field.flat.shape) - 1))])
    relative, whole_relative = condon(peak / rms, area)
    e_ra, e_dec = position_error(beam, peak / rms)
    ra, dec = field.wcs.all_pix2world(x, y, 0)
    bits = (DEBLENDED, blended), (NO_SHAPE, shape is None), (GAIN_MODEL, field.gain_is_model)
    return {
        "ra_deg": float(ra) % 360,
        "dec_deg": float(dec),
        "e_ra_arcsec": e_ra * 3600,
        "e_dec_arcsec": e_dec * 3600,
        "peak_flux": peak / gain,
        "e_peak_flux": peak * relative / gain,
        "flux": amplitude * area / gain,
        "e_flux": amplitude * area * whole_relative / gain,
        "rms": rms / gain,
        "snr": peak / rms,
        "gain": gain,
        "major_arcsec": extent.major * 3600,
        "minor_arcsec": extent.minor * 3600,
        "pa_deg": extent.pa,
        "freq_ghz": field.freq_hz / 1e9,
        "edge_beams": edge_distance(fitter.valid, x, y, fitter.fwhm, 10),
        "area_beams": area,
        "flags": sum(bit for bit, on in (*bits, (BEAM_GIVEN, field.beam_is_given)) if on),
        "x": x + 1,
        "y": y + 1,
    }


# Choosing


def choose(rows, args, separation_arcsec):
    """The rows that pass, and how many each cut removed; a row counts for the first cut that it fails."""
    cuts = {
        "gain": lambda r: r["gain"] >= args.min_gain,
        "edge": lambda r: r["edge_beams"] >= args.edge_beams,
        "shape": lambda r: r["area_beams"] >= args.min_area,
        "sidelobe": lambda r: r["dynamic_range"] <= args.max_dynamic_range,
        "double": lambda r: all(distance(r, k) > separation_arcsec for k in kept),
    }
    kept, removed = [], dict.fromkeys(cuts, 0)
    for r in rows:
        failed = next((name for name, passes in cuts.items() if not passes(r)), None)
        if failed is None:
            kept.append(r)
        else:
            removed[failed] += 1
    return kept, removed


def distance(a, b):
    """Angle between two rows in arcsec; they lie in one small field."""
    east = ((a["ra_deg"] - b["ra_deg"] + 180) % 360 - 180) * math.cos(math.radians(a["dec_deg"]))
    return math.hypot(east, a["dec_deg"] - b["dec_deg"]) * 3600


def write_table(rows, field, path):
    """The sources as a FITS binary table; no row is a table too."""
    numbered = [{"id": i, **r} for i, r in enumerate(rows, 1)]
    columns = [
        fits.Column(
            name, form, unit=unit, array=np.array([r[name] for r in numbered], dtype="i4" if form == "J" else "f8")
        )
        for name, form, unit in COLUMNS
    ]
    table = fits.BinTableHDU.from_columns(columns, name="SOURCES")
    beam = field.beam
    for key, value in (("BMAJ", beam.major), ("BMIN", beam.minor), ("BPA", beam.pa)):
        table.header[key] = (value, "[deg] clean beam")
    table.header["RADESYS"] = field.wcs.wcs.radesys or "ICRS"
    table.writeto(path, overwrite=True)


def search(args):
    """Search one image, write its sources, and give the results."""
    field = read_field(args)
    searched = np.isfinite(field.flat) & (field.gain >= args.min_gain)
    if not searched.any():
        raise ImageError(f"the gain is below {args.min_gain:g} everywhere")
    rms = noise(field.flat[searched])
    if not rms > 0:
        raise ImageError("rms is zero: the image is empty")
    peaks, merged = detect(field, rms, args.snr)
    detected = [r for r in measure(field, rms, peaks, merged) if r["snr"] >= args.snr]
    sources, removed = choose(detected, args, 0.5 * field.beam.minor * 3600)
    write_table(sources, field, args.out)
    return {
        "n_detected": len(detected),
        "n_sources": len(sources),
        **{f"n_cut_{name}": count for name, count in removed.items()},
        "rms": rms,
        "peak": float(field.flat[searched].max()),
        "lowest_sigma": float(field.flat[searched].min()) / rms,
        "beam_major_arcsec": field.beam.major * 3600,
        "beam_minor_arcsec": field.beam.minor * 3600,
        "gain_is_model": field.gain_is_model,
        "channels": field.channels,
    }


def arguments(argv):
    """The command line; names and defaults are those of `sep.yaml`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--image", required=True, help="FITS image or cube, Jy/beam")
    add("--beam", default="", help="FITS file of the primary beam on the same grid")
    add("--out", default="sources.fits", help="table that is written")
    add("--snr", type=float, default=5, help="lowest signal to noise of the fitted peak")
    add("--min-gain", type=float, default=0.3, help="lowest primary-beam gain")
    add("--edge-beams", type=float, default=1, help="least distance from pixels without data, in beams")
    add("--min-area", type=float, default=0.4, help="least fitted area, in beams")
    add("--max-dynamic-range", type=float, default=200, help="most that a source may be fainter than the brightest")
    add("--beam-arcsec", type=float, default=0, help="clean beam where the header has none; 0: that is a failure")
    add("--dish-m", type=float, default=12, help="dish diameter, where the primary beam has to be modelled")
    add("--image-is", choices=("auto", "corrected", "uncorrected"), default="auto", help="for the primary beam")
    return parser.parse_args(argv)


def main(argv=None):
    """Search, report, and let an ImageError end the script with its message as the last line."""
    args = arguments(argv)
    warnings.filterwarnings("ignore", message="File may have been truncated")  # the reading that follows says so
    results = search(args)
    Path("stoa-result.json").write_text(json.dumps(results, indent=1) + "\n")
    print(f"{results['n_sources']} sources of {results['n_detected']} detected, rms {results['rms']:.3g} Jy/beam")


if __name__ == "__main__":
    main(sys.argv[1:])
