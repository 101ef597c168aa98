"""The table of rules from file name and header to role; plain values, so that a project can add its own.

Names of ALMA's cycles 0 to 11, of its pipeline and of scripts by hand are covered, and what the rules look at is the
*stem* of a name (without ``.fits``, ``.gz``, ``.fz``, ``.tgz`` and the like), with a dot in front so that ``pb.fits``
and ``x.pb.fits`` are alike, and texts of the header. Capitals and small letters are alike: AIPS writes
``X.PBCOR.FITS``.
"""

from __future__ import annotations

from stoa.model import HeaderTest, RoleRule

UNREADABLE = "unreadable"
OTHER = "other"
IMAGE_ROLES = ("correctedImage", "image", "dirtyImage", "singleDish")
"""Roles of what may be searched for sources."""

ROLE_ORDER = (
    "correctedImage", "image", "dirtyImage", "singleDish", "primaryBeam", "mask", "residual", "model", "psf",
    "weight", "taylorTerm1", "taylorTerm2", "spectralIndex", "spectralIndexError", "moment", OTHER, UNREADABLE,
)  # fmt: skip
"""Canonical order of the files of an image group."""


GROUP_ENDS = (
    "pbcorr?", "image", "flux", "pb", "gain", r"pbresp\w*", "mask", "cleanmask", "residual", "model", "psf",
    r"alpha(?:\.error)?", r"tt\d", "dirty", "sumwt", "weight", "im", "pbcoverage",
)  # fmt: skip
"""Last parts of a stem, as patterns, that tell the files of one image apart; what stays is the key of its group."""

DASHED_ENDS = ("pbcorr?", "pb")
"""Those that may also follow ``_`` or ``-``."""

_TT = r"(\.tt0)?"
_FLUX = HeaderTest(
    "BUNIT",
    r"(?i)^\s*([mu]?jy *(/ *beam|[ .*]?beam *(\^|\*\*)? *\(?-1\)?)|beam-1[ .*][mu]?jy|m?k|m?jy */ *sr)\s*$",
)
_CELESTIAL = HeaderTest("CTYPE", r"(?i)(^| )(RA|GLON|ELON|SLON)\b")


def _by_type(value: str, role: str) -> RoleRule:
    return RoleRule(
        name=f"type-{value}",
        role=role,
        header=(HeaderTest("TYPE", f"^{value}$"),),
        doc=f"the pipeline wrote TYPE = '{value}'",
    )


RULES: tuple[RoleRule, ...] = (
    RoleRule(name="alpha-error", role="spectralIndexError", stem=r"(?i)\.alpha\.error$",
         doc="error of the spectral index"),
    RoleRule(name="alpha", role="spectralIndex", stem=r"(?i)\.alpha$", doc="spectral index, of two Taylor terms"),
    RoleRule(
        name="moment",
        role="moment",
        stem=r"(?i)[._-](?:mmom|mom|moment)[-_]?\d|\.(integrated|weighted_coord|weighted_dispersion_coord)\b",
        doc="moment map of a cube; carries the TYPE and BUNIT of its cube",
    ),
    RoleRule(name="finder-map", role=OTHER,
         stem=r"(?i)[._](?:rms|bkg|background|noise|noisemap|meanmap)(_compressed)?$",
         doc="noise or background map, which has the beam and unit of its image"),
    RoleRule(name="single-dish-weight", role="weight", stem=r"(?i)\.sd\.weight$", doc="weights of a single dish image"),
    RoleRule(name="single-dish", role="singleDish", stem=r"(?i)\.sd(\.im)?$", doc="total power image"),
    RoleRule(name="sum-of-weights", role="weight", stem=r"(?i)\.(sumwt|weight)" + _TT + "$", doc="weights of a mosaic"),
    RoleRule(name="residual", role="residual", stem=r"(?i)\.residual(\.tt\d|\.pbcorr?)*$", doc="what CLEAN left"),
    RoleRule(name="model", role="model", stem=r"(?i)\.model(\.tt\d)?$", doc="CLEAN components"),
    RoleRule(name="psf", role="psf", stem=r"(?i)[._]psf(\.tt\d)?$", doc="point spread function; it may have BMAJ"),
    RoleRule(name="taylor-1", role="taylorTerm1", stem=r"(?i)\.tt1(\.pbcorr?)?$",
         doc="second Taylor term, as alpha x I"),
    RoleRule(name="taylor-2", role="taylorTerm2", stem=r"(?i)\.tt2(\.pbcorr?)?$", doc="third Taylor term"),
    _by_type("pbcorimage", "correctedImage"),
    _by_type("flux", "primaryBeam"),
    _by_type("image", "image"),
    _by_type("residual", "residual"),
    _by_type("psf", "psf"),
    _by_type("model", "model"),
    _by_type("cleanmask", "mask"),
    RoleRule(name="coverage", role=OTHER, stem=r"(?i)\.flux\.pbcoverage$", doc="where a mosaic's primary beams reach"),
    RoleRule(name="primary-beam", role="primaryBeam", stem=r"(?i)(\.(flux|gain|pbresp\w*)|[._-]pb)" + _TT + "$",
         doc="response of the primary beam: flux up to CASA 4, pb afterwards"),
    RoleRule(name="gain-by-unit", role="primaryBeam", header=(HeaderTest("BUNIT", r"(?i)^gain$"),),
         doc="MIRIAD writes BUNIT = 'GAIN'"),
    RoleRule(name="mask", role="mask", stem=r"(?i)\.(clean)?mask$", doc="where CLEAN was allowed to look"),
    RoleRule(name="dirty", role="dirtyImage", stem=r"(?i)[._]dirty([._]|$)", doc="image before CLEAN"),
    RoleRule(name="corrected", role="correctedImage", stem=r"(?i)[._-]pbcorr?" + _TT + "$",
         doc="image divided by the primary beam"),
    RoleRule(name="image", role="image", stem=r"(?i)\.(image|clean|restored)" + _TT + "$",
         doc="image as CLEAN made it"),
    RoleRule(name="moment-by-unit", role="moment", header=(HeaderTest("BUNIT", r"(?i)km\s*/\s*s|km\s*s"),),
         doc="BUNIT is a velocity or an integral over velocity"),
    RoleRule(name="image-by-header", role="image", header=(_FLUX, _CELESTIAL),
         doc="BUNIT is Jy/beam, K or Jy/sr and an axis is a longitude on the sky"),
)  # fmt: skip
"""The built-in table."""
