"""What went wrong, grouped by cause: choose causes, look at the targets, flag them or run them again."""

from __future__ import annotations

import shlex

import pandas as pd
import streamlit as st

from stoa.show.words import count
from stoa.ui import going, tables
from stoa.ui.actions import may
from stoa.ui.asking import perform, review_buttons
from stoa.ui.filters import chosen, is_bad
from stoa.ui.live import live_runs, start
from stoa.ui.reading import outcomes

COLUMNS = ("status", "target", "group", "object", "cause", "flags", "duration_s", "memory_mb", "started", "run")
MOST_WORDS = 100
"""Targets that a command names one by one."""


def page() -> None:
    """Draw the page."""
    st.header("Failures", anchor=False)
    rows = outcomes()
    if rows.empty:
        st.info("Nothing has run yet. `stoa run PROCESS` runs a process over the targets, and so does the page Run.")
        return
    live_runs()
    bad = chosen(rows)
    bad = bad[is_bad(bad)]
    if bad.empty:
        st.success("No outcome that passes these filters has failed.")
        return
    groups = causes(bad)
    st.text(
        f"{count(len(bad), 'outcome')} of {count(bad['target'].nunique(), 'target')}, {count(len(groups), 'cause')}"
    )
    picked = tables.selectable(
        groups, "causes", identity=("status", "like"), columns=("jobs", "status", "cause", "targets"), height=260,
        config={"cause": st.column_config.TextColumn(width="large"), "jobs": st.column_config.Column(width="small")},
    )  # fmt: skip
    within = of_causes(bad, picked) if len(picked) else bad
    st.subheader("Outcomes with these causes" if len(picked) else "All of them", anchor=False)
    jobs = tables.selectable(within, "failed", columns=COLUMNS, height=320)
    meant = jobs if len(jobs) else within if len(picked) else jobs
    if len(picked) and not len(jobs):
        st.caption(f"No row is selected: the buttons are about all {len(within)} that match.")
    names = list(dict.fromkeys(meant["target"]))
    with review_buttons(names, "failed"):
        going.button("Review", key="failed", pair=str(bad["pair"].iloc[0]), has=names[0] if len(names) == 1 else "")
        tables.export(within, "failures", key="failed", selected=tables.places(within, jobs))
    _again(str(bad["pair"].iloc[0]), picked, jobs)


def causes(bad: pd.DataFrame) -> pd.DataFrame:
    """One row for each status and cause, the largest group first.

    Columns: status, like (what the causes have in common), jobs, cause (the text where all have the same one) and
    targets (the first few names).
    """
    found = [
        {
            "status": str(status), "like": str(like), "jobs": len(part),
            "cause": str(part["cause"].iloc[0]) if part["cause"].nunique() == 1 else str(like),
            "targets": ", ".join(part["target"].iloc[:3]) + (" …" if len(part) > 3 else ""),
        }
        for (status, like), part in bad.groupby(["status", "like"], observed=True, sort=False)
    ]  # fmt: skip
    frame = pd.DataFrame(found, columns=["status", "like", "jobs", "cause", "targets"])
    return frame.sort_values(["jobs", "status", "like"], ascending=[False, True, True]).reset_index(drop=True)


def of_causes(bad: pd.DataFrame, picked: pd.DataFrame) -> pd.DataFrame:
    """The outcomes of some rows of `causes`."""
    wanted = set(zip(picked["status"], picked["like"], strict=True))
    keys = zip(bad["status"].astype(str), bad["like"].astype(str), strict=True)
    return bad[[key in wanted for key in keys]]


def _again(pair: str, picked: pd.DataFrame, jobs: pd.DataFrame) -> None:
    """The command that runs the chosen jobs again, to copy or to start."""
    st.subheader("Run again", anchor=False)
    command = command_again(pair, list(picked["cause"]), list(dict.fromkeys(jobs["target"])))
    st.code(shlex.join(command), language="bash", wrap_lines=True)
    why = may("run")
    if st.button("Start this", key=f"again {hash(command)}", disabled=bool(why), help=why or None) and perform(
        lambda: start(command)
    ):
        st.rerun()


def command_again(pair: str, likes: list[str], targets: list[str]) -> tuple[str, ...]:
    """`stoa rerun` of targets by name, of the one cause that is chosen, or of all that failed."""
    if targets:
        words = [word for name in targets[:MOST_WORDS] for word in ("--target", name)]
        return ("stoa", "rerun", pair, "--failed", *words)
    if len(likes) == 1:
        return ("stoa", "rerun", pair, "--failed", "--like", likes[0])
    return ("stoa", "rerun", pair, "--failed")
