"""Arguments and options that several verbs share: one spelling, one meaning, one placeholder each.

The placeholder (metavar) says what is wanted. Completion goes by it; `stoa.cli.complete` lists the ones it knows.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.say import tell
from stoa.workspace.open import Workspace
from stoa.workspace.selections import condition


def _also_before_the_verb(ctx: typer.Context, value: bool) -> bool:
    return value or bool(ctx.find_root().params.get("json"))


JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.", callback=_also_before_the_verb)]

ProcessArgument = Annotated[
    str, typer.Argument(metavar="PROCESS[@SET[+ENV]]", help="Process, perhaps with a parameter set and an environment.")
]

ChainArgument = Annotated[
    str,
    typer.Argument(metavar="PROCESS[@SET]", help="Process, with a parameter set or without; optional with --all."),
]

ProcessOption = Annotated[
    str, typer.Option("--process", metavar="PROCESS[@SET]", help="Only this process, or this process with this set.")
]

AllOption = Annotated[
    bool, typer.Option("--all", help="First run what the process needs, in order; without a process, run all of them.")
]

ParamsOption = Annotated[
    str, typer.Option("--params", "-p", metavar="SET", help="Parameter set (default: the set `default`).")
]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Value of a parameter: snr=4. Several values (snr=3,5,7) make one run each."
    ),
]

OneSetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Value of a parameter: snr=4. Can be repeated."),
]

SetsOption = Annotated[
    str,
    typer.Option(
        "--set-from", metavar="FILE", help="File with sets of values, one run for each: a CSV table or a YAML list."
    ),
]

EnvOption = Annotated[
    str, typer.Option("--env", metavar="ENV", help="Environment (default: the one that the process names).")
]

TargetOption = Annotated[
    list[str] | None,
    typer.Option("--target", "-t", metavar="TARGET", help="Only this target, or targets that match a glob. Can be "
                 "repeated."),
]  # fmt: skip

TargetsArgument = Annotated[list[str] | None, typer.Argument(metavar="TARGET...", help="Targets or globs.")]

OneTargetArgument = Annotated[str, typer.Argument(metavar="TARGET", help="Name of a target.")]

NewNameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The new name.")]

WhereOption = Annotated[
    str,
    typer.Option("--where", metavar="SQL", help="Only targets for which this expression is true: 'freq_ghz > 200'."),
]

TagOption = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="Only targets with this tag. Can be repeated.")
]

JobTagOption = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", help="Only jobs whose target or image group has this tag. Can be repeated."),
]

SelectOption = Annotated[
    list[str] | None,
    typer.Option("--select", metavar="SELECTION", help="Only targets of this saved selection. Can be repeated."),
]

NewOption = Annotated[bool, typer.Option("--new", help="Targets without an outcome.")]

StaleOption = Annotated[bool, typer.Option("--stale", help="Outcomes of earlier definitions or inputs.")]

FailedOption = Annotated[bool, typer.Option("--failed", help="Jobs that did not succeed.")]

FlaggedOption = Annotated[bool, typer.Option("--flagged", help="Targets with open flags.")]

LikeOption = Annotated[
    str, typer.Option("--like", metavar="TEXT", help="Of these, only jobs whose cause contains this text.")
]

ForceOption = Annotated[bool, typer.Option("--force", help="All jobs, also those that are up to date.")]

WorkersOption = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        min=0,
        show_default=False,
        help="Number of parallel jobs (default: one per CPU core).",
    ),
]

EngineOption = Annotated[str, typer.Option("--engine", metavar="local|slurm|dask", help="Where jobs run.")]

DryOption = Annotated[bool, typer.Option("--dry-run", help="Show what would run and why, and run nothing.")]

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Run: its id, the start of its id, `last`, or PROCESS@SET[+ENV].")
]

RunOption = Annotated[
    str, typer.Option("--run", metavar="RUN", help="Run: its id, the start of its id, `last`, or PROCESS@SET[+ENV].")
]

OnlyOutputOption = Annotated[str, typer.Option("--output", metavar="OUTPUT", help="Only the products of this output.")]

GroupOption = Annotated[str, typer.Option("--group", metavar="GROUP", help="Image group of the target.")]

StepArgument = Annotated[str, typer.Argument(metavar="STEP", help="Step of the review, of .stoa/config.yaml.")]

StepOption = Annotated[str, typer.Option("--step", metavar="STEP", help="Only this step of the review.")]

MessageOption = Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="Free text.")]

DocOption = Annotated[str, typer.Option("--doc", metavar="TEXT", help="Description, in words.")]

KeepOption = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="CONDITION", help="Keep only sources that meet this: 'snr >= 7'. Can be repeated."),
]

QualityOption = Annotated[bool, typer.Option("--quality", help="Apply the quality cuts of .stoa/config.yaml first.")]

OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="File to write; its suffix selects the format.")
]

OutputOption = Annotated[
    str,
    typer.Option("--which", metavar="OUTPUT", help="Output to use, if the process has several catalogues."),
]

RadiusOption = Annotated[str, typer.Option("--radius", metavar="ANGLE", help="Largest separation of a match: 5arcsec.")]

AtOption = Annotated[
    str,
    typer.Option(
        "--at",
        metavar="COMMIT|DATE",
        help="As it was at a commit, tag, branch or date (2026-11-28T14:30, UTC).",
    ),
]


def where_of(ws: Workspace, where: str, tags: list[str] | None, selections: list[str] | None) -> str:
    """One condition for --where, --tag and --select together; "" for none of them."""
    return condition(ws, where, tags or (), selections or ()) if tags or selections else where


def workspace(ctx: typer.Context, at: str = "") -> Workspace:
    """The project that the working directory belongs to; its files are closed when the command ends.

    Parameters
    ----------
    at
        A commit or a date: the project as it was then, to be looked at.
    """
    found = Workspace(Path())
    ctx.call_on_close(partial(_close, found))
    if not at:
        return found
    from stoa.workspace.past import as_it_was  # most commands look at the present

    past = as_it_was(found, at)
    ctx.call_on_close(partial(_close, past))
    return past


def _close(ws: Workspace) -> None:
    for remark in ws.remarks:
        tell(remark)
    ws.close()


MocOption = Annotated[
    Path | None,
    typer.Option("--moc", metavar="FILE", help="Coverage (MOC in FITS): count only objects that are in it."),
]
