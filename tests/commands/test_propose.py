"""Definitions that are proposed from scripts: argparse, click, typer, sys.argv, notebooks."""

from __future__ import annotations

import json

import pytest

from stoa.errors import StoaError
from stoa.runs.proposal import propose

FIND = '''\
"""Looks for sources."""
import argparse
import sys

def main():
    parser = argparse.ArgumentParser(description="Finds sources: in one image.")
    parser.add_argument("image", help="corrected image")
    parser.add_argument("-s", "--snr", type=float, default=5.0, help="seed clip in sigma (default: %(default)s)")
    parser.add_argument("--n-pix", type=int, default=3, help="100%% of them")
    group = parser.add_argument_group("more")
    group.add_argument("--mode", choices=["fast", "slow"], default="fast")
    group.add_argument("--label", required=True)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--regions", nargs="*")
    parser.add_argument("--out", default="sources.csv")
    args = parser.parse_args()
    open(args.out, "w").write(f"{args.image} {args.snr} {args.n_pix} {args.mode} {args.label}\\n")

sys.exit(main())
'''

FOLDER = """\
import argparse
from pathlib import Path
p = argparse.ArgumentParser()
p.add_argument("folder", type=Path)
p.add_argument("--outdir")
p.add_argument("--clip", default=-1.5)
p.add_argument("--name", default="a: b")
a = p.parse_args()
print(a.folder, a.outdir, a.clip, a.name)
"""


def options(*lines: str, head: str = "") -> str:
    """A script with these arguments of `add_argument`."""
    calls = "".join(f"p.add_argument({line})\n" for line in lines)
    return f"import argparse\n{head}\np = argparse.ArgumentParser()\n{calls}args = p.parse_args()\n"


def words(source: str, name: str = "script.py") -> list[str]:
    return propose(source.encode(), name).words


def test_what_a_script_declares_becomes_parameters_inputs_and_outputs():
    found = propose(FIND.encode())
    assert found.words == [
        "--snr={params.snr}", "--n-pix={params.n_pix}", "--mode={params.mode}", "--label={params.label}",
        "--out", "{out}/sources.csv", "{image}",
    ]  # fmt: skip
    assert found.params == {
        "snr": "{type: float, default: 5.0, doc: seed clip in sigma}",
        "n_pix": '{type: int, default: 3, doc: "100% of them"}',
        "mode": "{type: str, default: fast, choices: [fast, slow]}",
        "label": "{type: str}",
    }
    assert (found.inputs, found.outputs) == (
        {"image": "{role: [correctedImage, image]}"}, {"out": "{path: sources.csv}"},
    )  # fmt: skip
    assert [note.split(":")[0] for note in found.notes] == [
        "--label has no default",
        "--verbose is a switch",
        "--regions takes several values; it was left out, add it to the command",
    ]
    assert found.doc == "Finds sources: in one image."


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("print(1)\n", "no options were found"),
        ("def (:\n", "line 1: invalid syntax"),
        ("print 'python 2'\n", "line 1: Missing parentheses"),
        ("\0", "cannot be read as Python 3"),
        ("x.add_argument(name)\n", "line 1: the name of an option is computed"),
        ("import sys\nfor word in sys.argv[1:]: print(word)\n", "in a way that was not understood"),
    ],
)
def test_what_is_not_understood_is_said(source, word):
    assert word in " ".join(propose(source.encode()).notes)


# Argparse.


@pytest.mark.parametrize(
    ("line", "command", "declared"),
    [
        ('"--offset", type=float, default=-1e-05', ["--offset={params.offset}"], "{type: float, default: -1e-05}"),
        ('"-o", type=int, default=-3', ["-o{params.o}"], "{type: int, default: -3}"),
        ('"--shift", default="-2", type=float', ["--shift={params.shift}"], "{type: float, default: -2.0}"),
        ('"level", type=float, nargs="?", default=-3', ["--", "{params.level}"], "{type: float, default: -3}"),
        ('"--snr", type=float, default=SNR', ["--snr={params.snr}"], "{type: float, default: 4.5}"),
        ('"--word", default="no"', ["--word={params.word}"], '{type: str, default: "no"}'),
        ('"--check", type=truth, default=True', ["--check={params.check}"], "{type: bool, default: true}"),
        ('"--output-format", default="csv"', ["--output-format={params.output_format}"], "{type: str, default: csv}"),
    ],
)
def test_a_default_becomes_that_of_a_parameter(line, command, declared):
    found = propose(options(line, head="SNR = 4.5").encode())
    assert (found.words, list(found.params.values())) == (command, [declared])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('"--region"', "it has no default"),
        ('"--limit", type=float, default=np.pi', "computed (np.pi): the script uses its own"),
        ('"--limit", type=float, default=float("inf")', "computed"),
        ('"--plot", type=bool, default=False', "takes every text for true"),
        ('"--config", default="/home/me/finder.ini"', "a path of this machine"),
        ('"--fast", action=argparse.BooleanOptionalAction', "is a switch"),
        ('"--channels", type=int, nargs=2', "takes several values"),
    ],
)
def test_an_option_that_the_script_can_do_without_is_left_out_and_named(line, reason):
    found = propose(options(line).encode())
    assert (found.words, found.params) == ([], {})
    assert reason in found.notes[0]


@pytest.mark.parametrize(
    ("line", "command", "outputs"),
    [
        ('"--out", default="."', ["--out", "{out}"], {}),
        ('"--out", default="./"', ["--out", "{out}"], {}),
        ('"--outdir", default="results"', ["--outdir", "{out}"], {}),
        ('"--output-path", default="tables/rows.csv"', ["--output-path", "{out}/rows.csv"], {"output_path"}),
        ('"-o", "--out-table", default="rows.fits"', ["--out-table", "{out}/rows.fits"], {"out_table"}),
        ('"--table", type=argparse.FileType("w"), default="t.txt"', ["--table", "{out}/t.txt"], {"table"}),
        ('"output", help="directory for the results"', ["{out}"], {}),
        ('"--out", default="run_{}.csv"', ["--out", "{out}/run_{{}}.csv"], {"out"}),
    ],
)
def test_outputs_are_told_from_parameters(line, command, outputs):
    found = propose(options(line).encode())
    assert (found.words, set(found.outputs), found.params) == (command, set(outputs), {})


def test_a_file_that_the_script_writes_is_an_output_whatever_its_name():
    head = "import numpy as np"
    source = options('"--rows", default="rows.txt"', head=head) + "np.savetxt(args.rows, [1])\n"
    assert set(propose(source.encode()).outputs) == {"rows"}


def test_a_file_that_the_script_opens_as_fits_is_an_input_whatever_its_name():
    source = options('"data"', '"--pb"', head="from astropy.io import fits")
    source += "fits.getdata(args.data)\nfits.open(args.pb)\n"
    found = propose(source.encode())
    assert found.inputs == {"data": "{role: [correctedImage, image]}", "pb": "{role: primaryBeam, optional: true}"}
    assert found.words == ["--pb", "{pb}", "{data}"]


@pytest.mark.parametrize("text", ["__doc__", "__doc__.strip()", "'Looks.'"])
def test_a_description_may_be_the_docstring(text):
    source = f'"""Looks.\n\nAt more.\n"""\nimport argparse\np = argparse.ArgumentParser(description={text})\n'
    assert propose((source + 'p.add_argument("image")\n').encode()).doc == "Looks."


def test_subcommands_and_options_that_exclude_each_other_are_left_to_the_user():
    source = options('"image"') + (
        "s = p.add_subparsers()\na = s.add_parser('a')\na.add_argument('--x', default=1)\n"
        "g = p.add_mutually_exclusive_group()\ng.add_argument('--fast', default=1)\n"
    )
    found = propose(source.encode())
    assert (found.words, found.params) == (["{image}"], {})
    assert "subcommands" in found.notes[0]
    assert found.notes[1].startswith("--fast excludes other options")


def test_nothing_is_given_after_a_positional_that_is_left_out():
    found = propose(options('"image"', '"region", nargs="?"', '"snr", nargs="?", default=3').encode())
    assert found.words == ["{image}"]
    assert found.notes[1] == "snr comes after an argument that was left out: complete the command by hand"


# Others.

CLICK = '''\
import click
@click.command()
@click.argument("image", type=click.Path(exists=True))
@click.argument("level", type=float, default=-3)
@click.option("--snr", "-s", default=5.0, type=click.FloatRange(1, 100), help="seed clip")
@click.option("--mode", type=click.Choice(["fast", "slow"]), default="fast")
@click.option("--out", type=click.File("w"), default="rows.csv")
@click.option("--plot/--no-plot", default=False)
@click.option("--verbose", is_flag=True)
def main(image, level, snr, mode, out, plot, verbose):
    """Finds sources.

    More words.
    """
    out.write(f"{image} {level} {snr} {mode}\\n")
main()
'''

TYPER = '''\
from enum import Enum
from pathlib import Path
from typing import Annotated, Optional
import typer
class Mode(str, Enum):
    fast = "fast"
    slow = "slow"
def main(
    image: Path,
    snr: Annotated[float, typer.Option("--snr", "-s", min=1, help="seed clip")] = 5.0,
    offset: float = -1e-5,
    mode: Mode = "fast",
    out: Path = typer.Option("rows.csv", help="table"),
    region: Optional[str] = None,
    plot: bool = False,
):
    """Finds sources."""
    out.write_text(f"{image} {snr} {offset} {mode}")
typer.run(main)
'''

ARGV = """\
import sys
from astropy.io import fits
image = sys.argv[1]
snr = float(sys.argv[2]) if len(sys.argv) > 2 else 5.0
out = sys.argv[3] if len(sys.argv) > 3 else "rows.csv"
print(fits.getheader(image)["NAXIS"], snr)
open(out, "w").write("x")
"""


def test_click_declares_parameters_inputs_and_outputs():
    found = propose(CLICK.encode())
    assert found.words == [
        "--snr={params.snr}", "--mode={params.mode}", "--out", "{out}/rows.csv", "--", "{image}", "{params.level}",
    ]  # fmt: skip
    assert found.params == {
        "level": "{type: float, default: -3}",
        "snr": "{type: float, default: 5.0, min: 1.0, max: 100.0, doc: seed clip}",
        "mode": "{type: str, default: fast, choices: [fast, slow]}",
    }
    assert (list(found.inputs), list(found.outputs), found.doc) == (["image"], ["out"], "Finds sources.")
    assert [note.split()[0] for note in found.notes] == ["--plot/--no-plot", "--verbose"]


def test_typer_declares_parameters_inputs_and_outputs():
    found = propose(TYPER.encode())
    assert found.words == [
        "--snr={params.snr}", "--offset={params.offset}", "--mode={params.mode}", "--out", "{out}/rows.csv", "{image}",
    ]  # fmt: skip
    assert found.params == {
        "snr": "{type: float, default: 5.0, min: 1.0, doc: seed clip}",
        "offset": "{type: float, default: -1e-05}",
        "mode": "{type: str, default: fast, choices: [fast, slow]}",
    }
    assert (list(found.inputs), list(found.outputs), found.doc) == (["image"], ["out"], "Finds sources.")
    assert [note.split()[0] for note in found.notes] == ["--region", "--plot"]


@pytest.mark.parametrize("module", ["click", "typer"])
def test_a_script_with_several_commands_is_left_to_the_user(module):
    source = f"import {module}\n@app.command()\ndef a(x): ...\n@app.command()\ndef b(x): ...\n"
    found = propose(source.encode())
    assert found.words == []
    assert f"2 commands of {module}" in found.notes[0]


def test_words_of_the_command_line_are_told_by_their_names_and_use():
    found = propose(ARGV.encode())
    assert found.words == ["{image}", "{params.snr}", "{out}/rows.csv"]
    assert found.params == {"snr": "{type: float, default: 5.0}"}
    assert (list(found.inputs), list(found.outputs)) == (["image"], ["out"])


@pytest.mark.parametrize(
    ("source", "command"),
    [
        ("import sys\nfolder, n = sys.argv[1:]\n", ["{target}", "{params.n}"]),
        ("from sys import argv\n_, image, snr = argv\n", ["{image}", "{params.snr}"]),
        ("import sys\nfrom astropy.io import fits\nfits.open(sys.argv[1])\n", ["{image}"]),
        ("import os, sys\nfor f in os.listdir(sys.argv[1]): print(f)\n", ["{target}"]),
        ("import sys\nprint(sys.argv[1])\n", ["{target}"]),
    ],
)
def test_ways_to_read_the_command_line(source, command):
    assert words(source) == command


def test_what_a_script_asks_stoa_for_is_declared():
    source = (
        "from stoa import job, report\nsnr = job()['params'].get('snr', 5.0)\nfloor = job()['params']['floor']\n"
        "image = job()['inputs']['image']\n"
    )
    found = propose(source.encode())
    assert (found.words, list(found.inputs)) == ([], ["image"])
    assert found.params == {"snr": "{type: float, default: 5.0}", "floor": "{type: str}"}
    assert found.notes == ["the script asks for the parameter 'floor': give it the right type and a default"]


def notebook(*cells: tuple[str, list[str]]) -> bytes:
    made = [{"cell_type": "code", "source": [code], "metadata": {"tags": tags}} for code, tags in cells]
    return json.dumps({"nbformat": 4, "cells": made}).encode()


def test_a_notebook_with_a_cell_of_parameters_runs_by_papermill():
    cells = (
        ("image = 'ngc1.fits'\nsnr = 5.0\nout = 'rows.csv'\ndeep = False", ["parameters"]),
        ("%matplotlib inline\nprint(snr)", []),
    )
    found = propose(notebook(*cells), "find.ipynb")
    assert found.command + found.words == [
        "python", "-m", "papermill", "--no-progress-bar", "--log-output", "{script}", "{out}/find.ipynb",
        "-r", "image", "{image}", "-p", "snr", "{params.snr}", "-r", "out", "{out}/rows.csv",
        "-y", "deep: {params.deep}",
    ]  # fmt: skip
    declared = {"snr": "{type: float, default: 5.0}", "deep": "{type: bool, default: false}"}
    assert (list(found.inputs), found.params) == (["image"], declared)
    assert found.outputs == {"notebook": "{path: find.ipynb}", "out": "{path: rows.csv}"}


def test_a_notebook_without_parameters_runs_as_it_is():
    found = propose(notebook(("from stoa import job\nx = job()['inputs']['image']", []), ("x = (", [])), "a.ipynb")
    assert found.command[2:5] == ["nbconvert", "--to", "notebook"]
    assert list(found.inputs) == ["image"]
    assert [note.split(":")[0] for note in found.notes] == [
        "cell 2 cannot be read as Python 3", "no cell has the tag `parameters`",
    ]  # fmt: skip


@pytest.mark.parametrize("text", [b"", b"[]", b'{"cells": [{}]}', b"\xff"])
def test_what_is_no_notebook_is_refused(text):
    with pytest.raises(StoaError, match="is not a Jupyter notebook"):
        propose(text, "x.ipynb")


# The whole definition.


def run_of(survey, source: str, *more: str) -> str:
    """Propose a definition, check it, run it for target a; what it printed."""
    (survey.top / "find.py").write_text(source, encoding="utf-8")
    survey.ok("process", "new", "find", "--from", "find.py")
    survey.ok("process", "check", "find")
    survey.ok("run", "find", "--target", "a", *more)
    return survey.ok("log", "a")


def test_the_proposed_definition_is_sound_and_runs(survey):
    assert run_of(survey, FOLDER, "--set", "clip=2").split()[2:] == ["2.0", "a:", "b"]
    process = survey.json("process", "show", "find")
    assert process["command"] == [
        "python", "{script}", "--outdir", "{out}", "--clip={params.clip}", "--name={params.name}", "{target}",
    ]  # fmt: skip
    assert process["over"] == "target"


@pytest.mark.parametrize(
    "lines",
    [
        ['"--offset", type=float, default=-1e-5'],
        ['"-o", type=float, default=-1e-5'],
        ['"folder"', '"level", type=float, nargs="?", default=-1e-5'],
        ['"--out", default="."', '"--snr", type=float'],
    ],
)
def test_a_proposed_definition_runs_with_the_defaults_of_its_script(survey, lines):
    assert run_of(survey, options(*lines) + "print(args)\n").startswith("Namespace(")


def test_the_proposed_definition_for_images(survey, archive):
    made = archive(1)
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    (survey.top / "find.py").write_text(FIND, encoding="utf-8")
    told = survey("process", "new", "find", "--from", "find.py").stderr
    assert "note: --verbose is a switch: add it to the command where it is wanted" in told.splitlines()
    text = (survey.top / ".stoa/processes/find.yaml").read_text()
    assert "# --verbose is a switch: add it to the command where it is wanted" in text.splitlines()
    target = next(row["name"] for row in survey.json("target", "list") if row["name"] not in "abc")
    report = survey.json("run", "find", "--set", "label=x", "--target", target)
    assert report["counts"] == {"ok": 1}
    assert survey.error("run", "find")[0].startswith("error: parameter 'label' of process 'find' has no default")


def test_a_script_of_typer_runs_as_proposed(survey):
    source = TYPER.replace("image: Path", "folder: Path").replace("{image}", "{folder}")
    run_of(survey, source)
    assert survey.outcomes()["a"]["outputs"]["out"]["path"].endswith("/rows.csv")


def test_a_script_without_options_gets_the_folder(survey):
    (survey.top / "plain.sh").write_text('#!/bin/sh\nls "$1"\n', encoding="utf-8")
    (survey.top / "plain.sh").chmod(0o755)
    survey.ok("process", "new", "plain", "--from", "plain.sh")
    assert survey.json("process", "show", "plain")["command"] == ["{script}", "{target}"]
    survey.ok("run", "plain")


def test_a_value_on_the_command_line_is_enough(survey):
    survey.edit(".stoa/processes/measure.yaml", "type: float, default: 5,", "type: float,")
    survey.ok("run", "measure", "--set", "snr=7", "--target", "a")
    assert survey.json("show", "last")["run"]["params"] == {
        "process": "measure", "name": "default+snr=7", "values": {"snr": 7.0, "mode": "fast", "deep": False, "n": 3},
    }  # fmt: skip
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    assert survey.json("params", "show", "deep", "--process", "measure")["values"]["snr"] == 4.0
