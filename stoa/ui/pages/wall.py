"""Wall: the images of all jobs at a glance, sorted by what they reported; a click opens one, a selection is judged."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from stoa.show.symbols import SYMBOLS, with_symbol
from stoa.show.words import number, one_line
from stoa.ui import asking, going, looking, pixels, tables
from stoa.ui.filters import URL, chosen, is_bad
from stoa.ui.links import sign
from stoa.ui.queue import Job
from stoa.ui.reading import outcomes, reported
from stoa.ui.viewer import MOST_SENT, Shown, send_images
from stoa.ui.wall import Tile, wall
from stoa.workspace.names import Pair

A_PAGE = 1000
"""Thumbnails at once; the browser fetches those that come into sight."""

BY_NAME = "target"
OUTLIERS = "outliers first"


def page() -> None:
    """Draw the page."""
    st.header("Wall", anchor=False)
    everything = outcomes()
    if everything.empty:
        st.info("Nothing has run yet. `stoa run PROCESS` runs a process over the targets, and so does the page Run.")
        return
    rows = chosen(everything)
    if rows.empty:
        st.info("No outcome passes these filters. Take one away, or choose a different process and set.")
        return
    pair = str(rows["pair"].iloc[0])
    frame = reported(pair).frame
    values = _values(rows, frame)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox("Sort by", [BY_NAME, OUTLIERS, *values], key="by", bind=URL, width=220)
        falling = st.toggle("Largest first", key="falling", bind=URL)
        many = len(rows) > A_PAGE
        part = st.pagination(-(-len(rows) // A_PAGE), key="part", bind=URL) if many else 1
    rows = _sorted(rows, pair, str(order), values, falling=bool(falling))
    part_rows = rows.iloc[(part - 1) * A_PAGE : part * A_PAGE]
    st.caption("Click: open in Review. Ctrl-click or the box: select. Shift-click: select up to there.")
    above = st.container()
    touched = wall(_tiles(part_rows, str(order), values.get(str(order))), "wall")
    with above, asking.review_buttons([name.split(" ", 1)[0] for name in touched.chosen], "wall"):
        known = looking.pictured(_pair(part_rows)) if touched.chosen else {}
        meant = [(job, known[job]) for name in touched.chosen if (job := _job(name)) in known]
        images = [Shown(name=job.words, ref=ref.path, sha256=ref.sha256) for job, ref in meant]
        send_images(images, "wall", label=f"Send {min(len(images), MOST_SENT)} to DS9")
        tables.export(part_rows.drop(columns=["like"], errors="ignore"), "wall", key="wall")
    if touched.opened:
        going.to("Review", at=touched.opened, pair=pair)


def _job(name: str) -> Job:
    target, _, group = name.partition(" ")
    return Job(target, group)


def _pair(rows: pd.DataFrame) -> Pair:
    return Pair(*(str(rows[name].iloc[0]) for name in ("process", "params", "environment")))


def _values(rows: pd.DataFrame, frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Result -> its numbers in the order of the rows; text has no order that helps."""
    keys = pd.MultiIndex.from_frame(rows[["target", "group"]].astype(str))
    table = frame.set_index([frame["target"].astype(str), frame["group"].astype(str)])
    table = table[~table.index.duplicated()].reindex(keys)
    found: dict[str, pd.Series] = {}
    for name in table.columns:
        column = pd.to_numeric(table[name], errors="coerce")
        if name not in ("target", "group", "run") and column.notna().any():
            column.index = rows.index
            found[str(name)] = column
    return found


def _sorted(rows: pd.DataFrame, pair: str, order: str, values: dict[str, pd.Series], *, falling: bool) -> pd.DataFrame:
    if order == OUTLIERS:
        far = looking.outlyingness(pair)
        jobs = zip(rows["target"].astype(str), rows["group"].astype(str), strict=True)
        keys = pd.Series([-far.get(job, 0.0) for job in jobs], index=rows.index)
    elif order in values:
        keys = values[order]
    else:
        return rows.iloc[::-1] if falling else rows
    return rows.loc[keys.sort_values(ascending=not falling, kind="stable", na_position="last").index]


def _tiles(rows: pd.DataFrame, order: str, values: pd.Series | None) -> list[Tile]:
    known = looking.pictured(_pair(rows))
    travelled = looking.travelled()
    rest = {job: ref for job, ref in known.items() if ref.sha256 not in travelled}
    away = pixels.roots_without_place(ref.path for ref in rest.values())
    for problem in away.values():
        asking.problem_box(problem)
    known = {job: ref for job, ref in known.items() if job not in rest or ref.path.partition(":")[0] not in away}
    bad = is_bad(rows)
    return [_tile(row, known, order, values, is_bad=bool(bad[row.Index])) for row in rows.itertuples()]


def _tile(row: Any, known: dict[Job, Any], order: str, values: pd.Series | None, *, is_bad: bool) -> Tile:
    job = Job(str(row.target), str(row.group))
    ref = known.get(job)
    status = str(row.status)
    badge = SYMBOLS.get(status, "") if status == "ok" else with_symbol(status)
    if row.flags:
        badge = f"{badge} ⚑".strip()
    words = job.target if values is None else f"{order} {number(float(values[row.Index]))}"
    facts = (
        job.words,
        with_symbol(status),
        str(row.cause),
        f"flags: {row.flags}" if row.flags else "",
        str(row.object or ""),
    )
    return Tile(
        name=job.words, source=sign("thumb", ref.path, ref.sha256, "small") if ref else "", badge=badge,
        kind="flagged" if row.flags else "bad" if is_bad else "ok", words=words,
        title="\n".join(one_line(fact) for fact in facts if fact),
    )  # fmt: skip
