"""stoa review."""

from __future__ import annotations

from typing import Annotated

import typer

from stoa.cli.grammar import new_app, verb
from stoa.cli.options import (
    AtOption,
    JsonOption,
    MessageOption,
    ProcessOption,
    SelectOption,
    TagOption,
    TargetOption,
    TargetsArgument,
    WhereOption,
    where_of,
    workspace,
)
from stoa.cli.say import as_json, out, table, tell
from stoa.cli.shared import print_written
from stoa.commands import review
from stoa.show.samples import progress_words, samples_table, strata_table, verdicts_table
from stoa.show.words import count

app = new_app("Second looks: samples for another person. `stoa reviews` lists what was said.")

SampleArgument = Annotated[str, typer.Argument(metavar="SAMPLE", help="Name of a sample.")]


@verb(
    app, "draw",
    "stoa review draw 20 --to ben@example.org --blind",
    "stoa review draw 50 --to ben@example.org --sample second --tag 'paper I' --process sep@deep",
)  # fmt: skip
def review_draw(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="How many targets.")],
    person: Annotated[
        str, typer.Option("--to", metavar="PERSON", help="Who looks at them: a name or an address, or `me`.")
    ],
    name: Annotated[
        str, typer.Option("--sample", metavar="SAMPLE", help="Name of the sample (default: the id of its record).")
    ] = "",
    blind: Annotated[
        bool, typer.Option("--blind", help="Hide what others say about a target until the person has judged it.")
    ] = False,
    target: TargetOption = None,
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    process: ProcessOption = "",
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", metavar="NUMBER", min=0, max=review.MOST_SEED,
            help="Draw as with this number before (default: a new one, which is recorded).",
        ),
    ] = None,
    text: MessageOption = "",
    json: JsonOption = False,
) -> None:  # fmt: skip
    """Draw targets at random for a second look by a person.

    Targets are grouped by the worst status of their outcomes and by whether they are flagged. Each group has its share,
    and at least one target. Targets that the person has judged are left out. --blind hides verdicts in `stoa show`,
    `stoa reviews` and the dashboard; git hides nothing from a person who looks there.
    """
    ws = workspace(ctx)
    report = review.draw(
        ws, number, person=person, targets=target or (), where=where_of(ws, where, tags, select),
        blind=blind, name=name, pair=process, seed=seed, text=text,
    )  # fmt: skip
    if json:
        as_json(report)
        return
    sample = report.sample
    table(strata_table(sample))
    blindly = ", blind" if sample.blind else ""
    out(
        f"sample {sample.name}: {count(len(sample.targets), 'target')} for {sample.person}{blindly}, "
        f"seed {sample.seed} (commit {report.commit[:9]})"
    )


@verb(app, "pass", "stoa review pass A001_X121_X28b", "stoa review pass 'A001_*' -m 'clean'")
def review_pass(
    ctx: typer.Context,
    targets: TargetsArgument = None,
    text: MessageOption = "",
    where: WhereOption = "",
    tags: TagOption = None,
    select: SelectOption = None,
    json: JsonOption = False,
) -> None:
    """Record that you have looked at targets and found nothing to flag.

    `stoa flag` is the other verdict. A target that has neither is not judged.
    """
    ws = workspace(ctx)
    where = where_of(ws, where, tags, select)
    print_written(review.pass_targets(ws, targets or (), text=text, where=where), json)


@verb(app, "list", "stoa review list", "stoa review list second")
def review_list(ctx: typer.Context, name: SampleArgument = "", at: AtOption = "", json: JsonOption = False) -> None:
    """List the samples and how far each is, or the targets of one sample."""
    found = review.list_samples(workspace(ctx, at), name)
    if json:
        as_json(found[0] if name else found, several="" if name else "samples")
    elif name:
        table(verdicts_table(found[0]))
        out(progress_words(found[0]))
    elif found:
        table(samples_table(found))
    else:
        tell("no samples yet: `stoa review draw N --to PERSON`")


@verb(app, "remove", "stoa review remove second")
def review_remove(ctx: typer.Context, name: SampleArgument, json: JsonOption = False) -> None:
    """Remove a sample. Nothing is hidden for it any more; all verdicts stay."""
    report = review.remove(workspace(ctx), name)
    if json:
        as_json(report)
    else:
        out(f"removed sample {name} (commit {report.commit[:9]})")
