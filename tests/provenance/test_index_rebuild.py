"""After any sequence of commits the index says what one says that is built again."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from indexed import FIRST, SECOND, THIRD, Records, contents, head, outcome, review, summary

from stoa.model import Status
from stoa.provenance.records import write_outcomes, write_run

FLAG, CLEARING = "20261122T120000-bbbbbb", "20261122T120001-bbbbbb"
TORN = b"- {torn\n"


def lines(run: str) -> list[bytes | None]:
    """Contents that a file of outcomes may have; None for no such file."""
    a, b = outcome(run, "a", results={"n": 1}), outcome(run, "b", Status.FAILED, cause="no beam")
    again, group = outcome(run, "a", Status.TIMEOUT, attempt=2), outcome(run, "a", group="x")
    return [None, *map(write_outcomes, ([a], [a, b], [b, again], [group, again])), TORN + write_outcomes([b])]


def heads(run: str) -> list[bytes | None]:
    return [None, write_run(head(run)), write_run(head(run)), write_run(head(run, params="deep")), b"schema: [\n"]


POOL: dict[str, list[bytes | None]] = {
    **{f"runs/{run}/run.yaml": heads(run) for run in (FIRST, SECOND)},
    **{f"runs/{run}/outcomes-{number:04d}.yaml": lines(run) for run in (FIRST, SECOND) for number in (0, 1)},
    f"runs/{FIRST}/summary.yaml": [None, summary(FIRST, ok=1), summary(SECOND, ok=1)],
    **{name: [None, data, b"{}\n"] for name, data in review(FLAG, "a", reason="check").items()},
    **{name: [None, data] for name, data in review(CLEARING, "a", "unflag", clears=(FLAG,)).items()},
    **{name: [None, data] for name, data in review(FLAG, "b", reason="check").items()},
    "meta/a.xml": [None, b"<a/>", b"<aa/>", b"bad"],
    "meta/b.xml": [None, b"<b/>", b"huge"],
}

commits = st.lists(
    st.lists(
        st.sampled_from(sorted(POOL)).flatmap(lambda path: st.tuples(st.just(path), st.sampled_from(POOL[path]))),
        min_size=1, max_size=5,
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=25)
@given(commits)
def test_an_index_that_follows_equals_one_that_is_built_anew(changes):
    with tempfile.TemporaryDirectory() as folder, closing(Records(Path(folder) / "repo")) as records:
        index = records.index(Path(folder) / "index.sqlite")
        for number, change in enumerate(changes):
            records.put(dict(change))
            records.update(index)
            fresh = records.index(Path(folder) / f"fresh-{number}.sqlite")
            assert contents(index) == contents(fresh)


SETS = {FIRST: "default", SECOND: "deep", THIRD: "default"}
KEYS = st.tuples(st.sampled_from(sorted(SETS)), st.sampled_from("ab"), st.sampled_from(["", "x"]), st.integers(1, 2))


class History(NamedTuple):
    """Records as several people may have made them, and what follows from them."""

    files: dict[str, bytes | None]
    open_flags: set[tuple[str, str]]  # target and event
    latest: set[tuple[str, str, str, str, int, str]]  # parameter set, target, group, run, attempt, status


@st.composite
def histories(draw: st.DrawFn) -> History:
    statuses = draw(st.dictionaries(KEYS, st.sampled_from(list(Status)), max_size=12))
    targets = draw(st.lists(st.sampled_from("ab"), max_size=5))
    flags = {f"20261122T12000{n}-bbbbbb": target for n, target in enumerate(targets)}
    events = st.sampled_from([*flags, "20261122T110000-zzzzzz"])  # the last is one that has not come
    clearings = draw(st.lists(st.tuples(st.sampled_from("ab"), st.sets(events, min_size=1)), max_size=3))
    files: dict[str, bytes | None] = {}
    for event, target in flags.items():
        files |= review(event, target, reason="check")
    for number, (target, cleared) in enumerate(clearings):
        event = f"20261122T12000{draw(st.integers(0, 9))}-ccccc{number + 2}"
        files |= review(event, target, "unflag", clears=tuple(sorted(cleared)))
    if draw(st.booleans()):
        files |= review("20261122T120004-eeeeee", "b", "comment", text="twice as bright")
    for run in SETS:
        files |= run_of(run, {key[1:]: status for key, status in statuses.items() if key[0] == run}, draw)
    closed = {(target, event) for target, cleared in clearings for event in cleared}
    return History(files, {(target, event) for event, target in flags.items()} - closed, latest_of(statuses))


def run_of(run: str, statuses: dict[tuple[str, str, int], Status], draw: st.DrawFn) -> dict[str, bytes | None]:
    """The files of a run, its outcomes in one or two of them."""
    made = [outcome(run, target, status, group=group, attempt=n) for (target, group, n), status in statuses.items()]
    cut = draw(st.integers(0, len(made)))
    files: dict[str, bytes | None] = {f"runs/{run}/run.yaml": write_run(head(run, params=SETS[run]))} if made else {}
    for number, part in enumerate((made[:cut], made[cut:])):
        if part:
            files[f"runs/{run}/outcomes-{number:04d}.yaml"] = write_outcomes(part)
    if made and draw(st.booleans()):
        files[f"runs/{run}/summary.yaml"] = summary(run, ok=len(made))
    return files


def latest_of(statuses: dict[tuple[str, str, str, int], Status]) -> set[tuple[str, str, str, str, int, str]]:
    """Of each set, target and group the last outcome that says something, else the last one of all."""
    found: dict[tuple[str, str, str], tuple[str, int, str]] = {}
    for conclusive in (False, True):
        for (run, target, group, attempt), status in sorted(statuses.items()):
            if (status not in ("interrupted", "error")) is conclusive:
                found[SETS[run], target, group] = (run, attempt, str(status))
    return {(*key, *value) for key, value in found.items()}


@settings(max_examples=30)
@given(histories(), st.randoms(use_true_random=False), st.lists(st.integers(1, 4), min_size=24, max_size=24))
def test_records_that_come_in_any_order_and_any_parts_give_one_state(history, random, sizes):
    events = list(history.files.items())
    random.shuffle(events)
    with tempfile.TemporaryDirectory() as folder, closing(Records(Path(folder) / "repo")) as records:
        index = records.index(Path(folder) / "index.sqlite")
        for size in sizes:
            if part := events[:size]:
                records.put(dict(part))
                records.update(index)
            events = events[size:]
        assert events == []
        assert set(index.rows("SELECT target, id FROM open_flags")) == history.open_flags
        assert set(index.rows("SELECT params, target, grp, run, attempt, status FROM latest")) == history.latest
        assert contents(index) == contents_at_once(history.files)


def contents_at_once(files: dict[str, bytes | None]) -> dict[str, list[str]]:
    """What an index says to which everything comes in one commit."""
    with tempfile.TemporaryDirectory() as folder, closing(Records(Path(folder) / "repo")) as records:
        records.put(files)
        return contents(records.index(Path(folder) / "index.sqlite"))
