"""Review: one job after the other, with image, log, parameters, results and what others said; a key is a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from stoa.errors import StoaError
from stoa.model import Review
from stoa.show.distribution import results_table
from stoa.show.reviews import ANSWER, review_line, threaded
from stoa.show.steps import STEP_SYMBOLS
from stoa.show.symbols import with_symbol
from stoa.show.words import clock, count, duration, one_line, safe, shown
from stoa.ui import actions, asking, away, looking, picking, pixels, tables
from stoa.ui.filters import URL, chosen, save_button
from stoa.ui.going import AT
from stoa.ui.identity import who
from stoa.ui.queue import Job, next_open, place_of, step
from stoa.ui.reading import about, declared_steps, hidden, outcomes, with_steps
from stoa.ui.viewer import Mark, Shown, View, image_viewer
from stoa.workspace.dossier import Dossier
from stoa.workspace.names import Pair
from stoa.workspace.steps import OPEN

QUEUE = "review queue"
PROBLEM = "review problem"
RESULTS_HEIGHT = 300
LOG_LINES = 60
MOST_SAID = 12
MOST_LISTED = 500
"""Jobs of the queue in the table below the page."""

PICTURE_WIDTH = 260
LONGEST_LINE = 400
WIDE = 3
"""Images before and after in the row of thumbnails."""

ORDERS: Final = ("by name", "outliers first", "newest first")

STYLE = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.8rem; }
table.stoa-results { border-collapse: collapse; font-size: .84rem; width: 100%; }
table.stoa-results th, table.stoa-results td { text-align: left; padding: 1px 8px 1px 0; font-weight: 400; }
table.stoa-results td:nth-child(2) { font-variant-numeric: tabular-nums; font-weight: 600; white-space: nowrap; }
table.stoa-results img { display: block; }
.stoa-title { font-size: 1.05rem; font-weight: 600; overflow-wrap: anywhere; }
.stoa-title small { font-weight: 400; opacity: .75; display: block; }
.stoa-strip { display: flex; gap: 6px; overflow: hidden; }
.stoa-strip figure { margin: 0; width: 84px; font-size: 11px; text-align: center; overflow: hidden; }
.stoa-strip img { width: 84px; height: 84px; object-fit: cover; border: 2px solid transparent; border-radius: 4px; }
.stoa-strip .here img { border-color: #5b8def; }
</style>
"""


def page() -> None:
    """Draw the page."""
    everything = outcomes()
    if everything.empty:
        st.header("Review", anchor=False)
        st.info("Nothing has run yet. `stoa run PROCESS` runs a process over the targets, and so does the page Run.")
        return
    st.html(STYLE)
    top = st.container(horizontal=True, vertical_alignment="center")
    with top:
        st.header("Review", anchor=False, width="content")
        with st.popover("Filter and order"):
            rows = _order_and_rest(chosen(everything, in_popover=True))
    if rows.empty:
        st.info("No outcome is left by these filters, or all that pass them are judged. Take a filter away.")
        return
    queue = [*map(Job._make, zip(rows["target"].tolist(), rows["group"].tolist(), strict=True))]
    _open_picked(queue)
    at = place_of(queue, st.query_params.get(AT, ""), st.session_state.get(QUEUE, ()))
    st.session_state[QUEUE] = queue
    _problem()
    _one(rows.iloc[at], queue, at, top)
    with st.expander(f"All {len(queue)} that match"):
        st.text("Actions here are about every target in this queue, as one commit.")
        whole, steps = with_steps(rows)
        if steps:
            tables.plain(whole[["target", "group", "status", "flags", *steps]].head(MOST_LISTED))
        with asking.review_buttons([job.target for job in queue], "review all"):
            save_button()
            tables.export(whole.drop(columns=["like", "_far"], errors="ignore"), "queue", key="queue")


def _order_and_rest(rows: pd.DataFrame) -> pd.DataFrame:
    """The queue in the order that was asked for, without what is not to be seen."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        order = st.selectbox("Order", ORDERS, key="order", bind=URL, width=160)
        left = st.segmented_control("Left to do", ["by anyone", "by me"], key="left", bind=URL)
        st.toggle("Blind", key="blind", bind=URL, help="What others said stays hidden until you have judged yourself.")
        st.toggle("Go on after a verdict", key="onward", value=True)
    if left:
        judges = looking.judges()
        mine = who().email
        done = {name for name, emails in judges.items() if left == "by anyone" or mine in emails}
        rows = rows[~rows["target"].astype(str).isin(done)]
    if order == "newest first":
        return rows.sort_values("started", ascending=False, kind="stable")
    if order == "outliers first" and len(rows):
        far = looking.outlyingness(str(rows["pair"].iloc[0]))
        keys = [
            far.get((str(target), str(group)), 0.0) for target, group in zip(rows["target"], rows["group"], strict=True)
        ]
        return rows.assign(_far=keys).sort_values("_far", ascending=False, kind="stable")
    return rows


def _one(row: pd.Series, queue: Sequence[Job], at: int, top: DeltaGenerator) -> None:
    job = queue[at]
    pair = Pair(str(row["process"]), str(row["params"]), str(row["environment"]))
    seen = looking.job(pair, job.target, job.group)
    with top:
        _steps(queue, at)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        _images(pair, seen, queue, at)
    with right:
        _facts(row, seen)
        _verdicts(job, seen)
        _review_steps(job, seen)
        _said(seen)
        _results(row, seen)
    _below(row, seen)


# Moving.


def _steps(queue: Sequence[Job], at: int) -> None:
    st.button("Previous", shortcut="K", on_click=_go, args=(queue, step(queue, at, -1)), disabled=at == 0)
    st.button("Next", shortcut="J", on_click=_go, args=(queue, step(queue, at, 1)), disabled=at == len(queue) - 1)
    st.button("Next unjudged", shortcut="N", on_click=_go_open, args=(queue, at))
    st.markdown(f"**{at + 1} of {len(queue)}**", width="content")


def _open_picked(queue: Sequence[Job]) -> None:
    """Go to what was picked on the desktop just now, if it is in the queue."""
    found = picking.fresh("review")
    if found is not None:
        jobs = [job for job in found.jobs if job in queue] or [job for job in queue if job.target in found.targets]
        if jobs:
            st.query_params[AT] = jobs[0].words


def _go(queue: Sequence[Job], number: int) -> None:
    st.query_params[AT] = queue[number].words


def _go_open(queue: Sequence[Job], at: int) -> None:
    number = next_open(queue, at, looking.judges())
    if number is None:
        st.session_state[PROBLEM] = StoaError("every target of this queue has been judged")
    else:
        _go(queue, number)


# Looking.


def _images(pair: Pair, seen: Dossier, queue: Sequence[Job], at: int) -> None:
    if not seen.images:
        st.info("This outcome names no image: its input was not found, or the process takes none.")
    else:
        names = [image.name for image in seen.images]
        name = names[0]
        if len(names) > 1:
            name = st.segmented_control("Image", names, default=name, label_visibility="collapsed") or name
        image = seen.images[names.index(name)]
        name, ref = image.ref.path.rpartition("/")[2], image.ref
        shown_image = Shown(name=name, ref=ref.path, sha256=ref.sha256, size=ref.size)
        if pixels.missing(image.ref.path, image.ref.sha256):
            away.draw([shown_image])
            st.caption("Results, log and history came with the records: you can judge them all the same.")
            _strip(pair, queue, at)
            return
        marks = looking.marks_of(seen.tables) if seen.tables else []
        sources = tuple(Mark(id=mark.id, ra=mark.ra_deg, dec=mark.dec_deg) for mark in marks)
        image_viewer(
            View(images=(shown_image,), sources=sources, next=_ahead(pair, queue, at)), "review", height=520, wanted=()
        )
    _strip(pair, queue, at)


def _ahead(pair: Pair, queue: Sequence[Job], at: int) -> tuple[Shown, ...]:
    """The images that J and K would show."""
    known = looking.pictured(pair)
    jobs = [queue[number] for number in (at + 1, at - 1) if 0 <= number < len(queue)]
    return tuple(Shown(name=job.words, ref=known[job].path, sha256=known[job].sha256) for job in jobs if job in known)


def _strip(pair: Pair, queue: Sequence[Job], at: int) -> None:
    """Small pictures of the neighbours in the queue."""
    known = looking.pictured(pair)
    first = max(0, min(at - WIDE, len(queue) - 2 * WIDE - 1))
    travelled = looking.travelled()
    figures = []
    for number in range(first, min(len(queue), first + 2 * WIDE + 1)):
        job = queue[number]
        ref = known.get(job)
        seen = ref is not None and (ref.sha256 in travelled or pixels.missing(ref.path, ref.sha256) is None)
        thumb = Shown(name="", ref=ref.path, sha256=ref.sha256).thumb if ref and seen else ""
        figures.append(looking.figure(thumb, str(number + 1), here=number == at))
    st.html(f'<div class="stoa-strip">{"".join(figures)}</div>')


def _facts(row: pd.Series, seen: Dossier) -> None:
    outcome = seen.outcome
    facts = [
        str(row["pair"]),
        f"run {outcome.run} by {one_line(seen.run.author.name)}",
        duration(outcome.duration_s),
    ]
    if outcome.memory_mb:
        facts.append(f"{outcome.memory_mb:.0f} MB")
    if row["object"]:
        facts.append(one_line(row["object"]))
    st.html(looking.title(outcome.target, outcome.group, with_symbol(outcome.status.value)))
    st.caption(safe(" · ".join(facts)))
    if outcome.cause:
        with st.container(border=True):
            st.text(safe(outcome.cause)[:2000])


def _results(row: pd.Series, seen: Dossier) -> None:
    if seen.outcome.results:
        others, units = looking.others(str(row["pair"]))
        with st.container(height=RESULTS_HEIGHT, border=False):
            st.html(results_table(dict(seen.outcome.results), others, units))


def _below(row: pd.Series, seen: Dossier) -> None:
    log, values, past = st.tabs(["Log", "Parameters", "History"])
    with log:
        text = looking.end_of(seen.outcome.log, LOG_LINES, LONGEST_LINE)
        st.code(text or "(it printed nothing)", language=None, height=230)
    with values:
        st.text(f"{row['pair']}")
        given = {name: f"rule {one.rule}" for name, one in seen.outcome.overrides.items()}
        table = [
            {"parameter": name, "value": shown(value), "from": given.get(name, "the set")}
            for name, value in seen.values.items()
        ]
        st.dataframe(table, hide_index=True, width="content")
    with past:
        st.dataframe(
            [
                {
                    "": "→" if each.run == seen.outcome.run and each.group == seen.outcome.group else "",
                    "status": with_symbol(each.status), "pair": each.pair, "image group": each.group, "run": each.run,
                    "started": clock(each.started), "by": each.author, "cause": safe(each.cause),
                }
                for each in seen.past
            ],
            hide_index=True,
        )  # fmt: skip


# Judging. What a button is about is bound when it is drawn, so that it is what the person saw.


def _verdicts(job: Job, seen: Dossier) -> None:
    why = actions.may("review")
    reasons = about(lambda ws: dict(ws.project.config.reasons))
    run, group = seen.outcome.run, job.group
    with st.container(horizontal=True, gap="small"):
        for number, (code, meaning) in enumerate(reasons.items(), 1):
            st.button(
                code, key=f"verdict {code}", shortcut=str(number) if number < 10 else None, disabled=bool(why),
                help=why or f"Flag {job.target}: {meaning or code}", on_click=_judge, args=(job, code, run, group),
            )  # fmt: skip
        st.button(
            "Pass", key="verdict pass", shortcut="P", disabled=bool(why),
            help=why or f"{job.target}: you have looked, and there is nothing to flag", on_click=_pass, args=(job,),
        )  # fmt: skip
        st.button(
            "Undo", shortcut="U", on_click=_undo, disabled=bool(why) or asking.DONE not in st.session_state,
            help="Take the last action back; git keeps both.",
        )  # fmt: skip
        asking.tag_button("review one", target=job.target, group=job.group)
    _comment(job, seen, why)


def _comment(job: Job, seen: Dossier, why: str) -> None:
    """A comment, with a picture and as a reply, if wanted."""
    answered = {each.id: each for each in _visible(seen) if each.kind == "comment"}
    with st.form(f"comment {job.words}", border=False, clear_on_submit=True):
        with st.container(horizontal=True):
            text = st.text_input(
                "Comment", placeholder=f"Comment on {job.target}", label_visibility="collapsed", disabled=bool(why)
            )
            sent = st.form_submit_button("Comment", disabled=bool(why))
        with st.expander("Picture, reply"):
            picture = st.file_uploader(
                "PNG or JPEG of at most 64 kB", type=["png", "jpg", "jpeg"], key="comment picture"
            )
            reply_to = st.selectbox(
                "Answers", ["", *answered], key="comment answers",
                format_func=lambda event: _line(answered[event])[:80] if event else "no comment: it is one of its own",
            )  # fmt: skip
    content = picture.getvalue() if picture else b""
    if sent and _tried(lambda: actions.comment([job.target], text, picture=content, reply_to=str(reply_to or ""))):
        st.rerun()


def _pass(job: Job) -> None:
    queue: list[Job] = st.session_state[QUEUE]
    if _tried(lambda: actions.pass_target([job.target])) and st.session_state.get("onward", True):
        _go(queue, step(queue, queue.index(job), 1))


def _review_steps(job: Job, seen: Dossier) -> None:
    """The steps that the project declares, each with its state; a click records it as done, or opens it again."""
    declared = declared_steps()
    if not declared:
        return
    why = actions.may("review")
    known = _visible(seen)
    states = {review.step: review.state for review in known if review.kind == "step"}
    with st.container(horizontal=True, gap="small"):
        for name, meaning in declared.items():
            state = states.get(name, OPEN)
            wanted = "done" if state == OPEN else OPEN
            st.button(
                f"{STEP_SYMBOLS[state]} {name}", key=f"step {name}", disabled=bool(why), type="tertiary",
                help=why or f"{meaning or name}: {state}. A click records it as {wanted}.",
                on_click=_record, args=(job, name, wanted),
            )  # fmt: skip


def _record(job: Job, name: str, state: str) -> None:
    _tried(lambda: actions.record_step([job.target], name, state))


def _judge(job: Job, code: str, run: str, group: str) -> None:
    queue: list[Job] = st.session_state[QUEUE]
    if _tried(lambda: actions.flag([job.target], code, run=run, group=group)) and st.session_state.get("onward", True):
        _go(queue, step(queue, queue.index(job), 1))


def _undo() -> None:
    done = st.session_state.get(asking.DONE)
    if done is not None and _tried(lambda: actions.take_back(done)) and done.targets:
        st.query_params[AT] = done.targets[0]


def _tried(action: Callable[[], actions.Done]) -> bool:
    """Carry an action out; what goes wrong is shown with the next drawing of the page."""
    try:
        st.session_state[asking.DONE] = action()
    except StoaError as problem:
        st.session_state[PROBLEM] = problem
        return False
    return True


def _problem() -> None:
    problem = st.session_state.pop(PROBLEM, None)
    if problem is not None:
        asking.problem_box(problem)


def _said(seen: Dossier) -> None:
    """What was said about the target; in a blind review only after one's own word."""
    if _is_hidden(seen):
        st.caption("Blind: what others said is shown when you have judged.")
        return
    if not seen.reviews:
        st.caption("No one has said anything about this target.")
        return
    for depth, review in threaded(seen.reviews)[-MOST_SAID:]:
        st.text(f"{ANSWER * depth}{_line(review)}")
        if picture := looking.picture_of_comment(review):
            st.image(picture.content, width=PICTURE_WIDTH)
    voices = dict.fromkeys(one_line(review.author.name) for review in seen.reviews)
    st.caption(f"Judged by {count(len(voices), 'person', 'people')}: {safe(', '.join(voices))}")


def _visible(seen: Dossier) -> Sequence[Review]:
    """Reviews that the person may see."""
    return () if _is_hidden(seen) else seen.reviews


def _is_hidden(seen: Dossier) -> bool:
    """Whether what others said is hidden until the person has said something: by the switch, or by a blind sample."""
    mine = who().email
    said = any(review.author.email == mine for review in seen.reviews)
    return (bool(st.session_state.get("blind")) and not said) or seen.outcome.target in hidden()


def _line(review: Review) -> str:
    return safe(review_line(review))[:500]
