"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

ProcessArgument = Annotated[str, typer.Argument(help="A process, or PROCESS@SET.")]


ChainArgument = Annotated[str, typer.Argument(help="A process, or PROCESS@SET; with --all it may be left out.")]


AllOption = Annotated[
    bool, typer.Option("--all", help="First what the process needs, in order; without a process, every process.")
]


ParamsOption = Annotated[str, typer.Option("--params", "-p", help="Parameter set instead of `default`.")]


SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Parameter and value: snr=4. Several values, snr=3,5,7, make one run each."),
]


SetsOption = Annotated[
    str, typer.Option("--sets", help="File with sets of values, one run each: a CSV table or a YAML list.")
]


EnvOption = Annotated[str, typer.Option("--env", help="Environment instead of the process's own.")]


TargetOption = Annotated[list[str] | None, typer.Option("--target", "-t", help="Target or glob. May be repeated.")]


WhereOption = Annotated[
    str, typer.Option("--where", help="SQL expression over the targets' columns: 'freq_ghz > 200'.")
]


FailedOption = Annotated[bool, typer.Option("--failed", help="What did not end ok.")]


FlaggedOption = Annotated[bool, typer.Option("--flagged", help="Targets with open flags.")]


LikeOption = Annotated[str, typer.Option("--like", help="Of these, only jobs whose cause contains this text.")]


WorkersOption = Annotated[int, typer.Option("--jobs", "-j", help="Jobs at once; by default one a processor.", min=0)]


EngineOption = Annotated[str, typer.Option("--engine", help="Where the jobs run.")]


DryOption = Annotated[bool, typer.Option("--dry-run", help="Show what would run and why; run nothing.")]
