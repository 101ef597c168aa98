"""A newcomer's path: an own script over FITS files in an own layout, from `git init` to the first outcomes."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

SCRIPT = '''\
"""The brightest pixel of an image."""
import argparse

from astropy.io import fits

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("image")
parser.add_argument("--offset", type=float, default=-1e-05)
parser.add_argument("--out", default="peak.csv")
asked = parser.parse_args()
peak = fits.getdata(asked.image).max() + asked.offset
with open(asked.out, "w") as table:
    table.write(f"peak\\n{peak}\\n")
'''

FOLDER_SCRIPT = """\
import os, sys
folder = sys.argv[1]
print(sorted(os.listdir(folder)))
"""

WCS = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 5.0, "CDELT1": -1e-4, "CDELT2": 1e-4}


def twelve(top: Path, header: dict[str, object]) -> None:
    """12 images: three fields of four nights, as no one else lays them out."""
    for number in range(12):
        folder = top / f"field{number // 4}" / f"night {number % 4}"
        folder.mkdir(parents=True)
        image = fits.PrimaryHDU(np.full((8, 8), float(number), "f4"))
        image.header.update(header)
        image.writeto(folder / f"img_{number}.fits")


@pytest.fixture
def desk(tmp_path, cli):
    """Types a command in the new project as a shell would split it."""
    top = tmp_path / "project"
    (top / "scripts").mkdir(parents=True)

    def typed(line: str) -> str:
        program, *words = shlex.split(line)
        if program == "stoa":
            return cli.ok(*words, cwd=top)
        return subprocess.run([program, *words], cwd=top, check=True, capture_output=True, text=True).stdout

    typed.top = top
    return typed


@pytest.mark.parametrize(
    ("script", "header", "pattern"),
    [
        (SCRIPT, {}, "*/night*"),  # no unit, no position
        (SCRIPT, {**WCS, "BUNIT": "electron"}, "*/night*"),
        (SCRIPT, {**WCS, "BUNIT": "Jy/beam"}, "*/night*"),
        (FOLDER_SCRIPT, {}, "*/*"),
        (SCRIPT.replace('"image"', '"--image", required=True'), {}, "."),
    ],
)
def test_six_commands_lead_to_outcomes_that_are_ok(desk, tmp_path, script, header, pattern):
    twelve(tmp_path / "data", header)
    (desk.top / "scripts/peak.py").write_text(script, encoding="utf-8")
    if pattern == ".":  # all files in one folder
        for file in (tmp_path / "data").rglob("*.fits"):
            file.rename(tmp_path / "data" / file.name)
    desk("git init --quiet")
    desk("stoa init")
    desk("stoa root add obs ../data")
    desk(f"stoa target add obs '{pattern}'")
    desk("stoa process new peak --from scripts/peak.py")
    assert ": 12 ok" in desk("stoa run peak")


def test_each_command_ends_with_the_next_one(desk, tmp_path, cli):
    twelve(tmp_path / "data", {})
    (desk.top / "scripts/peak.py").write_text(SCRIPT, encoding="utf-8")
    desk("git init --quiet")
    line = "stoa init"
    typed = []
    answers = {"NAME PATH": "obs ../data", "GLOB": "'*/*'", "NAME": "peak", "SCRIPT": "scripts/peak.py"}
    while line not in typed and len(typed) < 6:
        typed.append(line)
        result = cli(*shlex.split(line)[1:], cwd=desk.top)
        assert result.exit_code == 0, result.output
        hints = [text for text in result.stderr.splitlines() if text.startswith("next: ")]
        line = hints[-1].split("`")[1] if hints else line
        for place, answer in answers.items():
            line = line.replace(place, answer, 1)
    assert [" ".join(each.split()[:3]) for each in typed] == [
        "stoa init", "stoa root add", "stoa target add", "stoa process new", "stoa run peak", "stoa status",
    ]  # fmt: skip


def test_a_rule_for_own_images_is_written_only_where_no_file_has_a_role(desk, tmp_path):
    twelve(tmp_path / "data", {})
    (tmp_path / "data/field0/night 0/ngc1.mask.fits").write_bytes(
        (tmp_path / "data/field0/night 0/img_0.fits").read_bytes()
    )
    (desk.top / "scripts/peak.py").write_text(SCRIPT, encoding="utf-8")
    desk("git init --quiet")
    desk("stoa init")
    desk("stoa root add obs ../data")
    desk("stoa target add obs '*/night*'")
    before = (desk.top / ".stoa/roles.yaml").read_text()
    desk("stoa process new peak --from scripts/peak.py")
    assert (desk.top / ".stoa/roles.yaml").read_text() == before
