"""What the columns of a catalogue mean: unit (VOUnit), UCD (IVOA UCD1+ 1.5) and a description in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from astropy.table import Table


class ColumnInfo(Struct, frozen=True):
    """Meaning of a column by its name."""

    ucd: str
    unit: str
    description: str


COLUMNS = {
    "target": ColumnInfo("meta.id;obs", "", "Target: the data folder"),
    "group": ColumnInfo("meta.id;obs.image", "", "Image group within the target"),
    "intent": ColumnInfo("meta.code.class;obs", "", "science or calibrator"),
    "kind": ColumnInfo("meta.code.class;obs.image", "", "cont (aggregate), mfs (one window) or cube"),
    "process": ColumnInfo("meta.id;meta.software", "", "Process that found the source"),
    "params": ColumnInfo("meta.id", "", "Parameter set of the process"),
    "run": ColumnInfo("meta.id", "", "Run in which it was found"),
    "product": ColumnInfo("meta.ref", "", "File that the row was read from"),
    "id": ColumnInfo("meta.id;src", "", "Number of the source within its product"),
    "ra_deg": ColumnInfo("pos.eq.ra;meta.main", "deg", "Right ascension (ICRS)"),
    "dec_deg": ColumnInfo("pos.eq.dec;meta.main", "deg", "Declination (ICRS)"),
    "e_ra_arcsec": ColumnInfo("stat.error;pos.eq.ra", "arcsec", "Standard error in right ascension, times cos(dec)"),
    "e_dec_arcsec": ColumnInfo("stat.error;pos.eq.dec", "arcsec", "Standard error in declination"),
    "peak_flux": ColumnInfo("phot.flux.density;em.mm;stat.max", "Jy/beam", "Peak of the fitted Gaussian"),
    "e_peak_flux": ColumnInfo("stat.error;phot.flux.density;em.mm", "Jy/beam", "Standard error of the peak"),
    "flux": ColumnInfo("phot.flux.density;em.mm", "Jy", "Flux density of the fitted Gaussian"),
    "e_flux": ColumnInfo("stat.error;phot.flux.density;em.mm", "Jy", "Standard error of the flux density"),
    "rms": ColumnInfo("instr.det.noise", "Jy/beam", "Noise at the source, corrected for the primary beam"),
    "snr": ColumnInfo("stat.snr", "", "Fitted peak over noise"),
    "gain": ColumnInfo("arith.factor;instr.beam", "", "Primary-beam gain at the source"),
    "major_arcsec": ColumnInfo("phys.angSize", "arcsec", "Major axis (FWHM) of the fit, not deconvolved"),
    "minor_arcsec": ColumnInfo("phys.angSize", "arcsec", "Minor axis (FWHM) of the fit, not deconvolved"),
    "pa_deg": ColumnInfo("pos.posAng", "deg", "Position angle of the major axis, from north through east"),
    "freq_ghz": ColumnInfo("em.freq", "GHz", "Middle of the band"),
    "dynamic_range": ColumnInfo("phot.flux.density;arith.ratio", "", "Brightest peak of the image over this peak"),
    "edge_beams": ColumnInfo("pos.angDistance", "", "Distance from the next pixel without data in beams, at most 10"),
    "area_beams": ColumnInfo("phys.angArea;arith.ratio", "", "Fitted area over that of the beam"),
    "flags": ColumnInfo(
        "meta.code.qual",
        "",
        "1 deblended, 2 no shape fitted, 4 gain from a modelled beam, 8 clean beam was given, "
        "16 perhaps more than one source, or no Gaussian",
    ),
    "x": ColumnInfo("pos.cartesian.x;instr.det", "pix", "Pixel coordinate along the longitude, as FITS counts"),
    "y": ColumnInfo("pos.cartesian.y;instr.det", "pix", "Pixel coordinate along the latitude, as FITS counts"),
    "e_major_arcsec": ColumnInfo("stat.error;phys.angSize", "arcsec", "Standard error of the major axis"),
    "e_minor_arcsec": ColumnInfo("stat.error;phys.angSize", "arcsec", "Standard error of the minor axis"),
    "size_major_arcsec": ColumnInfo(
        "phys.angSize;src", "arcsec", "Major axis (FWHM) without the beam; 0: not resolved"
    ),
    "size_minor_arcsec": ColumnInfo(
        "phys.angSize;src", "arcsec", "Minor axis (FWHM) without the beam; 0: not resolved"
    ),
    "size_pa_deg": ColumnInfo("pos.posAng;src", "deg", "Position angle without the beam, from north through east"),
    "e_flux_scale": ColumnInfo(
        "stat.error.sys;phot.flux.density;em.mm", "Jy", "Error of the absolute flux scale, in no other"
    ),
    "e_position_floor_arcsec": ColumnInfo("stat.error.sys;pos.eq", "arcsec", "Error of the astrometry, in no other"),
    "deboost": ColumnInfo("arith.factor", "", "Factor for flux and peak, from injected sources; NaN: not known"),
    "beam_major_arcsec": ColumnInfo("phys.angSize;instr.beam", "arcsec", "Major axis (FWHM) of the clean beam"),
    "beam_minor_arcsec": ColumnInfo("phys.angSize;instr.beam", "arcsec", "Minor axis (FWHM) of the clean beam"),
    "beam_pa_deg": ColumnInfo("pos.posAng;instr.beam", "deg", "Position angle of the clean beam"),
    "band": ColumnInfo("instr.bandpass", "", "ALMA band"),
    "date_obs": ColumnInfo("time.start;obs", "", "Start of the observation (UTC), as the header has it"),
    "channel": ColumnInfo("meta.number;em.freq", "", "Channel that was searched, from 1; 0: a mean"),
    "separation_arcsec": ColumnInfo("pos.angDistance", "arcsec", "Distance from the matched object"),
    "second_arcsec": ColumnInfo(
        "pos.angDistance", "arcsec", "Distance from the second nearest object; NaN: none in ten radii"
    ),
    "d_ra_arcsec": ColumnInfo("pos.eq.ra;arith.diff", "arcsec", "Source minus object in RA, times cos(dec)"),
    "d_dec_arcsec": ColumnInfo("pos.eq.dec;arith.diff", "arcsec", "Source minus object in declination"),
    "expected_flux": ColumnInfo("phot.flux.density;em.mm", "Jy", "Published flux density, at the observed frequency"),
    "flux_ratio": ColumnInfo("phot.flux.density;arith.ratio", "", "Observed over expected flux density"),
    "e_flux_ratio": ColumnInfo(
        "stat.error;phot.flux.density;arith.ratio", "", "Standard error of the ratio, by the observed flux alone"
    ),
    "spectral_index": ColumnInfo("spect.index", "", "Of S ~ frequency^index, between published and observed flux"),
    "gain_is_model": ColumnInfo("meta.code", "", "Whether the gain is that of a Gaussian, not of a file"),
    "flux_limit": ColumnInfo("phot.flux.density;em.mm;stat.max", "Jy", "Upper limit of the flux density"),
    "pixel_flux": ColumnInfo(
        "phot.flux.density;em.mm", "Jy/beam", "Highest pixel within half a beam of the object, at least 0; NaN: unknown"
    ),
    "threshold": ColumnInfo("stat.snr;stat.min", "", "Lowest signal to noise that the search took; 0: unknown"),
    "centre_arcsec": ColumnInfo("pos.angDistance", "arcsec", "Distance from the centre of the field"),
    "obs_member": ColumnInfo("meta.id;obs", "", "Member observation unit set, as file names have it"),
    "obs_source": ColumnInfo("meta.id;obs.field", "", "Field, as the observers named it"),
    "obs_project": ColumnInfo("meta.id;obs.proposal", "", "Project"),
    "obs_targets": ColumnInfo("meta.id;meta.dataset", "", "Targets: the data folders of the observation"),
    "obs_ra_deg": ColumnInfo("pos.eq.ra;obs.field", "deg", "Right ascension of the field (ICRS)"),
    "obs_dec_deg": ColumnInfo("pos.eq.dec;obs.field", "deg", "Declination of the field (ICRS)"),
    "obs_radius_arcsec": ColumnInfo("phys.angSize;instr.fov", "arcsec", "Radius of the field; of a mosaic unused"),
    "obs_separation_arcsec": ColumnInfo("pos.angDistance", "arcsec", "Distance from the centre of the field"),
}


def describe(table: Table, names: Iterable[str]) -> Table:
    """The same table, those of the named columns that are known given unit, UCD and description where absent."""
    for name in names:
        info, column = COLUMNS.get(name), table[name]
        if info is None:
            continue
        column.meta.setdefault("ucd", info.ucd)
        column.description = column.description or info.description
        if info.unit and column.unit is None:
            column.unit = info.unit
    return table
