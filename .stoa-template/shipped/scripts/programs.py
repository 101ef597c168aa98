"""Programs that finders call: finding them, running them, and the image as they get it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class FindingError(Exception):
    """No search; the message says why, and ends the script, as does that of an `ImageError`."""


class ProgramError(FindingError):
    """A program that the finder calls is missing or failed."""


def executable(name, given, package):
    """Path of a program that a finder calls.

    Parameters
    ----------
    given
        Its name on PATH or its path.
    package
        What to install, for the message.
    """
    found = shutil.which(given)
    if not found:
        raise ProgramError(f"{name} is missing, {given!r} is not a program here: {package}")
    return str(Path(found).absolute())


def run_program(command, folder=None):
    """Run a finder's program, what it says going to this script's log; its last line is the cause when it fails.

    Parameters
    ----------
    folder
        Its working directory, by default this one.

    Raises
    ------
    MemoryError
        If that is what the program ended with: the limit is that of this job.
    ProgramError
        If it failed for another reason.
    """
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
    )
    said = COLOUR.sub("", done.stdout)
    sys.stdout.write(said)
    sys.stdout.flush()
    if done.returncode:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        words = lines[-1][-100:] if lines else "nothing"
        if any("MemoryError" in line for line in lines[-1:]):
            raise MemoryError
        raise ProgramError(f"{Path(command[0]).name} ended with exit status {done.returncode}, saying: {words}")


def write_flat(field, path, blank, part=..., values=None):
    """The searched image as two-dimensional FITS with its beam in degrees; pixels without data become `blank`.

    Parameters
    ----------
    part
        Slices along y and x, to write only what they have.
    values
        Other pixels of this part, such as its noise.
    """
    header = (field.wcs if part is ... else field.wcs[part]).to_header()
    header["BUNIT"] = field.image.unit
    header["BMAJ"], header["BMIN"], header["BPA"] = field.beam.major, field.beam.minor, field.beam.pa
    values = field.flat[part] if values is None else values
    data = np.where(np.isfinite(values), values, blank).astype(np.float32)
    fits.PrimaryHDU(data, header).writeto(path, overwrite=True)


def write_plane(values, path):
    """Pixels alone, as FITS."""
    fits.PrimaryHDU(values).writeto(path, overwrite=True)
