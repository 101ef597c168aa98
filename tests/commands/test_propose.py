"""Definitions that are proposed from a script's argparse options."""

from __future__ import annotations

import pytest

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


def test_what_a_script_declares_becomes_parameters_inputs_and_outputs():
    found = propose(FIND.encode())
    assert found.words == [
        "{image}", "--snr", "{params.snr}", "--n-pix", "{params.n_pix}", "--mode", "{params.mode}",
        "--label", "{params.label}", "--out", "{out}/sources.csv",
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
    assert found.notes == [
        "--verbose is a switch; add it to the command where it is wanted",
        "--regions takes several values; add them to the command",
    ]
    assert found.doc == "Finds sources: in one image."


@pytest.mark.parametrize("source", [b"print(1)\n", b"def (:\n", b"\0", b"x.add_argument(name)\n"])
def test_a_script_that_declares_nothing_proposes_nothing(source):
    assert propose(source) is None


def test_the_proposed_definition_is_sound_and_runs(survey):
    (survey.top / "find.py").write_text(FOLDER, encoding="utf-8")
    survey.ok("process", "new", "find", "--from", "find.py")
    survey.ok("process", "check", "find")
    process = survey.json("process", "show", "find")
    assert process["command"] == [
        "python", "{script}", "{target}", "--outdir", "{out}", "--clip", "{params.clip}", "--name", "{params.name}",
    ]  # fmt: skip
    assert process["over"] == "target"
    survey.ok("run", "find", "--set", "clip=2")
    assert survey.ok("log", "a").split()[2:] == ["2.0", "a:", "b"]


def test_the_proposed_definition_for_images(survey, archive):
    made = archive(1)
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    survey.ok("meta", "build")
    (survey.top / "find.py").write_text(FIND, encoding="utf-8")
    survey.ok("process", "new", "find", "--from", "find.py")
    text = (survey.top / ".stoa/processes/find.yaml").read_text()
    assert "# --verbose is a switch; add it to the command where it is wanted" in text.splitlines()
    target = next(row["name"] for row in survey.json("target", "list") if row["name"] not in "abc")
    report = survey.json("run", "find", "--set", "label=x", "--target", target)
    assert report["counts"] == {"ok": 1}
    assert survey.error("run", "find")[0].startswith("error: parameter 'label' of process 'find' has no default")


def test_a_script_without_argparse_gets_the_folder(survey):
    (survey.top / "plain.py").write_text("import sys\nprint(sys.argv[1])\n", encoding="utf-8")
    survey.ok("process", "new", "plain", "--from", "plain.py")
    assert survey.json("process", "show", "plain")["command"] == ["python", "{script}", "{target}"]
    survey.ok("run", "plain")


def test_a_value_on_the_command_line_is_enough(survey):
    survey.edit(".stoa/processes/measure.yaml", "type: float, default: 5,", "type: float,")
    survey.ok("run", "measure", "--set", "snr=7", "--target", "a")
    assert survey.json("show", "last")["run"]["params"] == {
        "process": "measure", "name": "default+snr=7", "values": {"snr": 7.0, "mode": "fast", "deep": False, "n": 3},
    }  # fmt: skip
    survey.ok("params", "new", "deep", "--process", "measure", "--set", "snr=4")
    assert survey.json("params", "show", "deep", "--process", "measure")["values"]["snr"] == 4.0
