"""Copies of products that say where they come from."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

from stoa.model import FileRef, Outcome, Run

_FITS = (".fits", ".fit", ".fits.gz")


def stamped_copy(file: Path, place: Path, run: Run, outcome: Outcome, ref: FileRef) -> None:
    """Copy a product; a FITS file gets the cards STOARUN, STOAPROC, STOASET, STOATARG, STOAGRP and STOASHA.

    STOASHA is the SHA-256 of the original, so that a copy is traced back by it. Any other file, and a FITS file
    that cannot be read, is copied as it is.
    """
    shutil.copyfile(file, place)
    if not file.name.lower().endswith(_FITS):
        return
    from astropy.io import fits

    cards = {
        "STOARUN": (run.id, "STOA run"), "STOAPROC": (run.process, "STOA process"),
        "STOASET": (run.params.name, "parameter set"), "STOATARG": (outcome.target, "target"),
        "STOAGRP": (outcome.group, "image group"), "STOASHA": (ref.sha256, "SHA-256 of the original"),
    }  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers that are not quite as the standard wants them
            with fits.open(place, mode="update", memmap=False) as opened:
                for keyword, (value, comment) in cards.items():
                    if value:
                        opened[0].header[keyword] = (value, comment)
    except (OSError, ValueError):
        shutil.copyfile(file, place)
