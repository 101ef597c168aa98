"""Two runs, or two pairs: what changed in definitions, statuses, results and sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from stoa.commands.diff import DiffReport
from stoa.errors import StoaError
from stoa.show.diff import images_table, results_table, sources_table, standing_lines
from stoa.show.page import sky_in_words, transition_in_words
from stoa.show.symbols import with_symbol
from stoa.show.words import count, one_line
from stoa.sources.changes import SkyDiff
from stoa.ui import away, tables
from stoa.ui.asking import problem_box, review_buttons
from stoa.ui.filters import URL
from stoa.ui.live import live_runs
from stoa.ui.looking import marks_of
from stoa.ui.reading import FRESHEST, about, compared, drawn, outcomes, run_rows
from stoa.ui.viewer import Mark, Shown, View, image_viewer
from stoa.workspace.dossier import Image, files_of

MOST_JOBS = 1000
"""Jobs that can be chosen to be looked at."""

MOST_RUNS = 100
"""Runs that can be chosen beside the pairs: the latest ones."""


def page() -> None:
    """Draw the page."""
    st.header("Compare", anchor=False)
    live_runs()  # which draws the page again when one ends: it can be compared then
    pairs = outcomes().attrs.get(FRESHEST, [])
    runs = [row.run for row in run_rows() if row.state == "done"][:MOST_RUNS]
    if len(runs) < 2:
        st.info("Two runs are needed. `stoa rerun --failed --params SET` runs again what failed, with another set.")
        return
    if not (sides := _sides(pairs, runs)):
        return
    a, b, sky = sides
    report = compared(a, b, sky=sky)
    if report.is_equal:
        st.success("Nothing differs beyond the tolerances.")
    _definitions(report)
    _statuses(report)
    _results(report)
    if report.sky:
        _sources(report, report.sky)
    _images(report)


def _sides(pairs: list[str], runs: list[str]) -> tuple[str, str, bool] | None:
    """What is compared with what, and whether the sources are."""
    options = [*pairs, *runs]
    first, second = (1, 0) if len(pairs) > 1 else (len(pairs) + 1, len(pairs))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        a = st.selectbox("Before (a)", options, index=first, key="a", bind=URL, width=260)
        b = st.selectbox("After (b)", options, index=second, key="b", bind=URL, width=260)
        sky = st.toggle("Compare the sources", key="sky", bind=URL, help="Match the sources of every image.")
    st.code(f"stoa diff {a} {b}{' --sky' if sky else ''}", language="bash")
    if a == b:
        st.info("Choose two different runs or sets.")
        return None
    return str(a), str(b), bool(sky)


def _definitions(report: DiffReport) -> None:
    st.subheader("Definitions", anchor=False)
    words = [*report.definitions, *standing_lines(report), *report.mixtures]
    st.text("\n".join(f"• {one_line(word)}" for word in words) if words else "✓ The definitions are the same.")
    if report.script_diff:
        with st.expander("The script"):
            st.code("\n".join(one_line(line) for line in report.script_diff), language="diff", wrap_lines=True)


def _statuses(report: DiffReport) -> None:
    st.subheader("Statuses", anchor=False)
    st.text(f"{count(report.same_status, 'job')} with the same status")
    changed = [
        {"change": transition_in_words(report, change), "target": target, "group": group}
        for change in report.transitions
        for target, group in change.jobs
    ]
    causes = [
        {"change": f"cause: {one_line(old)} → {one_line(new)}", "target": target, "group": group}
        for target, group, old, new in report.causes
    ]
    if not changed and not causes:
        return
    left, right = st.columns([2, 3])
    with left:
        tables.plain(matrix(report))
    with right:
        frame = pd.DataFrame([*changed, *causes])
        chosen = tables.selectable(frame, "changed", identity=("change", "target", "group"), height=280)
        with review_buttons(list(chosen["target"]), "changed"):
            tables.export(frame, "changes of status", key="changed", selected=tables.places(frame, chosen))


def matrix(report: DiffReport) -> pd.DataFrame:
    """Number of jobs by status before (rows) and after (columns); only jobs whose status changed."""
    counted: Counter[tuple[str, str]] = Counter()
    for change in report.transitions:
        counted[_state(change.before), _state(change.after)] += len(change.jobs)
    rows = list(dict.fromkeys(before for before, _ in counted))
    columns = list(dict.fromkeys(after for _, after in counted))
    cells = [{"a ↓  b →": row, **{column: counted.get((row, column), 0) for column in columns}} for row in rows]
    return pd.DataFrame(cells, columns=["a ↓  b →", *columns])


def _state(status: str) -> str:
    return with_symbol(status) if status else "no outcome"


def _results(report: DiffReport) -> None:
    st.subheader("Results", anchor=False)
    if not report.results:
        st.text("The two have no result in common.")
        return
    shown = tables.from_shown(results_table(report))
    if shown.empty:
        st.text("✓ All results are equal.")
        return
    tables.plain(shown)
    beyond = pd.DataFrame(
        [
            (change.target, change.group, change.name, change.a, change.b, change.change, change.surprise)
            for change in report.changes
            if change.beyond
        ],
        columns=["target", "group", "result", "a", "b", "relative change", "surprise"],
    )
    if beyond.empty:
        st.text("✓ No result changed beyond its tolerance.")
        return
    st.caption("Beyond the tolerance, the most surprising first")
    chosen = tables.selectable(beyond, "outliers", identity=("target", "group", "result"), height=300)
    with review_buttons(list(chosen["target"]), "outliers"):
        tables.export(beyond, "changes of results", key="outliers")


def _images(report: DiffReport) -> None:
    """The images of one job in both, over one another: the viewer blinks and subtracts them."""
    st.subheader("Images", anchor=False)
    jobs = changed_jobs(report)
    if not jobs:
        st.text("No job changed.")
        return
    labels = {" ".join(job).strip(): job for job in jobs}
    name = st.selectbox("Job", list(labels), index=None, key="job", bind=URL, placeholder="choose one", width=420)
    if name not in labels:
        return
    sides: dict[str, list[Image]] = {}
    marks: list[Mark] = []
    for side, source, colour in (("a", report.a, "cyan"), ("b", report.b, "yellow")):
        try:
            sides[side], made = about(partial(files_of, source=source, target=labels[name][0], group=labels[name][1]))
        except StoaError as problem:
            problem_box(problem)
            continue
        marks += [Mark(id=f"{side} {m.id}", ra=m.ra_deg, dec=m.dec_deg, colour=colour) for m in marks_of(made)]
    products = products_of(sides)
    if not products:
        st.text("Neither has an image of this job.")
        return
    product = next(iter(products))
    if len(products) > 1:
        product = st.segmented_control("Product", list(products), default=product, key="product", bind=URL) or product
    images = products.get(str(product), ())
    st.caption(f"Sources of a are cyan, those of b are yellow. {_how(images, sides)}")
    here, absent = away.parted(images)
    if absent:
        away.draw(absent)
    if here or not images:
        image_viewer(View(images=tuple(here), sources=tuple(marks)), "compare", height=520, wanted=())


def products_of(sides: Mapping[str, Sequence[Image]]) -> dict[str, list[Shown]]:
    """Image of a job by the name of the input or output: that of a, and that of b where its bytes differ.

    What differs comes first, as it is what one wants to see.
    """
    found: dict[str, dict[str, Shown]] = {}
    for side, images in sides.items():
        for image in images:
            title = f"{side}: {image.ref.path.rpartition('/')[2]}"
            one = Shown(name=title, ref=image.ref.path, sha256=image.ref.sha256, size=image.ref.size)
            found.setdefault(image.name, {}).setdefault(image.ref.sha256 or image.ref.path, one)
    return {name: list(found[name].values()) for name in sorted(found, key=lambda name: len(found[name]) < 2)}


def _how(images: Sequence[Shown], sides: Mapping[str, Sequence[Image]]) -> str:
    if len(images) == 2:
        return "V: side by side. B, Shift-B: the other one and back. D: the difference. Zoom and stretch are the same."
    return "Both looked at the same image." if len(sides) == 2 else "Only one of them has this image."


def changed_jobs(report: DiffReport) -> list[tuple[str, str]]:
    """Jobs with another status or a result beyond its tolerance, or whose sources differ; the most surprising first."""
    found = [(change.target, change.group) for change in report.changes if change.beyond]
    found += [job for change in report.transitions for job in change.jobs]
    if report.sky:
        images = report.sky.images
        found += [(i.target, i.group) for i in images if i.gained or i.lost or i.moved or i.flux_changed]
    return list(dict.fromkeys(found))[:MOST_JOBS]


def _sources(report: DiffReport, sky: SkyDiff) -> None:
    st.subheader("Sources", anchor=False)
    st.text("\n".join(line.strip() for line in sky_in_words(sky)))
    images = [one for one in sky.images if one.gained or one.lost or one.moved or one.flux_changed]
    if images:
        st.caption("Images whose sources differ")
        tables.plain(tables.from_shown(images_table(images)))
    changed = [one for one in sky.sources if one.what]
    if changed:
        st.caption("Sources that were gained, lost, moved or changed")
        frame = tables.from_shown(sources_table(changed))
        tables.plain(frame)
        tables.export(frame, "changed sources", key="sources")
    for each in sky.not_compared:
        st.text(f"⚠ not compared: {each.target} {each.group}: {one_line(each.why)}")
    if images and st.toggle("Draw the images that changed most", key="pictures"):
        for picture in drawn(report.a, report.b):
            st.text(f"{picture.target} {picture.group}: {one_line(picture.words)}")
            if picture.png:
                st.image(picture.png)
