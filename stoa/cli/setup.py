"""init, root, target, meta."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stoa.cli.context import workspace
from stoa.cli.say import JsonOption, QuietOption, as_json, count, number, out, table, tell
from stoa.commands import init as setup
from stoa.commands import meta as documents
from stoa.commands import observed
from stoa.commands import target as targets
from stoa.commands.selection import Selection
from stoa.errors import StoaError

app = typer.Typer()
root_app = typer.Typer(no_args_is_help=True)
target_app = typer.Typer(no_args_is_help=True)
meta_app = typer.Typer(no_args_is_help=True)
app.add_typer(root_app, name="root", help="Named places where data lie.")
app.add_typer(target_app, name="target", help="The data folders that are processed.")
app.add_typer(meta_app, name="meta", help="XML descriptions of the targets' FITS files.")

COLUMNS = ("n_files", "n_images", "object", "freq_ghz", "band", "beam_arcsec", "problems")


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="Folder in a git repository.")] = Path(),
    json: JsonOption = False,
) -> None:
    """Make a STOA project in a git repository.

    Writes .stoa/ from the template and commits it. Data, products and this machine's paths stay out of git.
    """
    report = setup.init(path)
    if json:
        as_json(report)
        return
    out(f"made {report.path} (project {report.project}, commit {report.commit[:9]})")
    tell("next: `stoa root add NAME PATH` says where the data lie")


@root_app.command("add")
def root_add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the root, the same for everybody.")],
    path: Annotated[str, typer.Argument(help="Where it lies on this machine.")],
    doc: Annotated[str, typer.Option("--doc", help="What lies there, in words.")] = "",
    json: JsonOption = False,
) -> None:
    """Name a place where data lie.

    The name is shared through git, the path stays on this machine. The root `products` takes what processes write.
    """
    state = setup.add_root(workspace(ctx), name, path, doc)
    if json:
        as_json(state)
    else:
        out(f"root {state.name} is {state.path} on this machine")


@root_app.command("list")
def root_list(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the roots and where they lie on this machine."""
    states = setup.list_roots(workspace(ctx))
    if json:
        as_json(states)
        return
    rows = [(s.name, s.path or "no path here", "yes" if s.exists else "no", s.doc) for s in states]
    table(("root", "path", "exists", "what"), rows)


@target_app.command("add")
def target_add(
    ctx: typer.Context,
    root: Annotated[str, typer.Argument(help="A root.")],
    patterns: Annotated[
        list[str] | None, typer.Argument(help="Globs relative to the root, quoted: '**/product*'. Folders only.")
    ] = None,
    from_file: Annotated[
        Path | None, typer.Option("--from", help="File with one folder a line, or - for standard input.")
    ] = None,
    list_name: Annotated[str, typer.Option("--list", help="List to add to; by default the root's name.")] = "",
    json: JsonOption = False,
) -> None:
    """Add folders of a root to the targets.

    A folder without FITS files is a target too, and its outcomes say so.
    """
    paths = _lines(from_file) if from_file else []
    if not patterns and not from_file:
        raise typer.BadParameter("give a glob, or --from FILE")
    report = targets.add_targets(workspace(ctx), root, patterns or (), paths, list_name)
    if json:
        as_json(report)
        return
    known = f", {report.known} known already" if report.known else ""
    out(
        f"added {count(len(report.added), 'target')}{known}"
        + (f" (commit {report.commit[:9]})" if report.commit else "")
    )
    for path in report.refused:
        tell(f"left out {path!r}: a name that is not UTF-8 text cannot be recorded")


@target_app.command("from-log")
def target_from_log(
    ctx: typer.Context,
    log: Annotated[
        Path, typer.Argument(help="Observation log: ObsCore or ALMA's older form; VOTable, FITS, ECSV, CSV.")
    ],
    catalogue: Annotated[Path, typer.Option("--catalogue", "-c", help="Table of objects with positions.")],
    radius: Annotated[
        str,
        typer.Option("--radius", "-r", help="hwhm: of the primary beam, and a mosaic's region; or an angle: 30arcsec."),
    ] = observed.HWHM,
    out_file: Annotated[
        Path | None, typer.Option("--out", "-o", help="Table to write: each object with its observation.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find which objects of a catalogue an observation log has in its fields, and which of those are targets.

    Observations are joined to folders by the uid of the member OUS.
    """
    report = observed.from_log(workspace(ctx), log, catalogue, radius, out_file)
    if json:
        as_json(report)
        return
    rows = [
        (
            one.object,
            one.source,
            one.project,
            one.observation,
            f"{one.separation_arcsec:.1f}",
            " ".join(one.targets) or "-",
        )
        for one in report.found
    ]
    if rows:
        table(("object", "field", "project", "member OUS", "arcsec", "targets"), rows, right=("arcsec",))
    out(f"{report.observed_objects} of {count(report.objects, 'object')} in {count(report.observations, 'field')}"
        f" of {count(report.rows, 'row')}; {count(len(report.targets), 'target')} on disk")  # fmt: skip
    for words, names in (
        ("observed and not on disk", report.not_on_disk),
        ("on disk and not in the log", report.not_in_log),
        ("on disk without a known member OUS", report.no_member),
    ):
        if names:
            tell(f"{words}: {len(names)}: {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}")
    if report.unknown_radius:
        tell(f"{count(report.unknown_radius, 'field')} of unknown size hold nothing; --radius ANGLE gives them one")
    if report.files:
        out(f"wrote {report.files[0]}")


def _lines(file: Path) -> list[str]:
    """Lines of a list of folders; a name that is not UTF-8 comes through and is refused later."""
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as problem:
        raise StoaError(f"cannot read {file}: {problem.strerror}") from None
    lines = (line.removesuffix("\r") for line in data.decode("utf-8", "surrogateescape").split("\n"))
    return [line for line in lines if line.strip()]


@target_app.command("list")
def target_list(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Names or globs; by default all.")] = None,
    where: Annotated[str, typer.Option("--where", help="SQL expression over the columns.")] = "",
    flagged: Annotated[bool, typer.Option("--flagged", help="Only targets with open flags.")] = False,
    columns: Annotated[str, typer.Option("--columns", help="Metadata columns, comma-separated; `all` for all.")] = "",
    json: JsonOption = False,
) -> None:
    """List the targets with columns of their metadata."""
    chosen = Selection(targets=tuple(names or ()), where=where, flagged=flagged)
    rows = targets.list_targets(workspace(ctx), chosen)
    if json:
        as_json(rows)
        return
    wanted = _columns(columns, list(rows[0].metadata) if rows else [])
    cells = [(row.name, *_cells(row, wanted), " ".join(row.flags), f"{row.root}:{row.path}") for row in rows]
    if rows:
        right = ("n_files", "n_images", "freq_ghz", "band", "beam_arcsec")
        table(("target", *wanted, "flags", "folder"), cells, right=right, maybe=(*COLUMNS, "flags"))
    tell(count(len(rows), "target") if rows else "no target yet: `stoa target add ROOT GLOB` adds some")


def _cells(row: targets.TargetRow, wanted: tuple[str, ...]) -> list[str]:
    values = [row.metadata.get(name) for name in wanted]
    return [value if isinstance(value, str) else number(value) for value in values]


def _columns(asked: str, known: list[str]) -> tuple[str, ...]:
    if asked == "all":
        return tuple(known)
    names = tuple(name.strip() for name in asked.split(",") if name.strip())
    unknown = [name for name in names if known and name not in known]
    if unknown:
        raise StoaError(f"no column {unknown[0]!r}", f"columns: {', '.join(known)}")
    return names or tuple(name for name in COLUMNS if name in known)


@target_app.command("show")
def target_show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="A target.")], json: JsonOption = False
) -> None:
    """Show where a target lies and what its metadata say."""
    rows = targets.list_targets(workspace(ctx), Selection(targets=(name,)))
    if json:
        as_json(rows[0])
        return
    out(f"{rows[0].name}  {rows[0].root}:{rows[0].path}")
    facts = [(key, value) for key, value in rows[0].metadata.items() if value not in (None, "")]
    if facts:
        table(
            ("column", "value"), [(key, value if isinstance(value, str) else number(value, 6)) for key, value in facts]
        )
    else:
        tell("no metadata yet: `stoa meta build` describes its files")


@meta_app.command("build")
def meta_build(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Targets or globs; by default all.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=0, help="How many processes; 0: one a processor.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Also in the place of documents by other hands.")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Describe the FITS files of targets, from their headers, and commit what changed.

    A folder whose files have the sizes and times that they had is not read again. A document in git that STOA did not
    write stays, unless --replace is given.
    """
    progress = None if json or quiet or not sys.stderr.isatty() else _progress
    report = documents.build_documents(workspace(ctx), tuple(names or ()), jobs, progress, replace=replace)
    if json:
        as_json(report)
        return
    for name in report.vanished:
        tell(f"the folder of {name} is not there or cannot be reached; its document stays as it was")
    for name in report.kept:
        tell(f"the document of {name} was not written by STOA and stays: `stoa meta build --replace {name}`")
    if quiet:
        return
    changed = f"{count(len(report.changed), 'document')} new or changed" if report.changed else "nothing changed"
    out(f"described {count(report.files, 'file')} of {count(report.targets, 'target')}: {changed}"
        + (f" (commit {report.commit[:9]})" if report.commit else ""))  # fmt: skip


def _progress(done: int, total: int) -> None:
    if done % 50 == 0 or done == total:
        end = "\n" if done == total else ""
        print(f"\rdescribed {done} of {total}", end=end, file=sys.stderr, flush=True)


@meta_app.command("show")
def meta_show(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="A target.")], json: JsonOption = False
) -> None:
    """Print the XML document of a target; --json has the same with what STOA derived from it."""
    ws = workspace(ctx)
    data = documents.show_document(ws, name)
    if json:
        as_json(ws.document(name))
    else:
        sys.stdout.write(data.decode("utf-8"))


@meta_app.command("check")
def meta_check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(help="Targets or globs, or XML files with documents; by default all targets.")
    ] = None,
    brief: Annotated[bool, typer.Option("--overview", help="One line a problem instead of one a file.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also what is only good to know (level info).")] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Say what the folders lack, before any script runs.

    Exits with 1 when a folder has an error or a warning; what is good to know (info) is no reason, and is shown
    with --all.
    """
    files = [name for name in names or () if name.endswith(".xml")]
    chosen = tuple(name for name in names or () if name not in files)
    found = [documents.check_file(Path(name)) for name in files]
    if chosen or not files:
        found += documents.check_documents(workspace(ctx), chosen)
    faults = documents.without_notes(found)
    checked = found if everything else faults
    bad = [entry for entry in faults if entry.problems]
    notes = sum(len(entry.problems) for entry in found) - sum(len(entry.problems) for entry in checked)
    verdict = f"{len(bad)} of {count(len(found), 'document' if files else 'target')} with an error or a warning"
    verdict += f"; {count(notes, 'thing')} good to know with --all" if notes else ""
    if json:
        as_json(documents.overview(checked) if brief else checked)
    elif brief and not quiet:
        summary = documents.overview(checked)
        lines = [(one.level, one.code, one.targets, one.times, one.example) for one in summary]
        if lines:
            table(("level", "problem", "targets", "times", "for example"), lines, right=("targets", "times"))
        tell(verdict)
    elif not quiet:
        rows = [(entry.target, p.level, p.code, p.message) for entry in checked for p in entry.problems]
        if rows:
            table(("target", "level", "problem", "what"), rows)
        tell(verdict)
    if bad:
        raise typer.Exit(1)


@meta_app.command("explain")
def meta_explain(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files on this machine.")],
    json: JsonOption = False,
) -> None:
    """Say which rule gives a file its role, and which rules nearly did.

    In a project its `.stoa/roles.yaml` counts, too.
    """
    found = [documents.explain_file(Path(), file) for file in files]
    if json:
        as_json(found[0] if len(found) == 1 else found)
        return
    for one in found:
        out(f"{one.file}: {one.role}")
        facts = {"rule": one.rule or "none", "because": one.why, "image": one.group, "intent": one.intent}
        for key, text in {**facts, "kind": one.kind}.items():
            out(f"  {key:8} {text}")
        for problem in one.problems:
            out(f"  {'problem':8} {problem}")
        if one.near:
            table(("nearly", "role", "why not"), [(near.rule, near.role, near.why) for near in one.near])
