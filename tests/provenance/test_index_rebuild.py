"""After any sequence of commits the index says what one says that is built anew."""

from __future__ import annotations

import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from indexed import FIRST, SECOND, Records, contents, head, outcome, review, run_files, summary

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


EVENTS: list[tuple[str, bytes | None]] = [
    *{
        **review(FLAG, "a", reason="check"),
        **review(CLEARING, "a", "unflag", clears=(FLAG,)),
        **review("20261122T120002-cccccc", "a", reason="artefacts"),
        **review("20261122T120003-dddddd", "a", "unflag", clears=(FLAG,)),
        **review("20261122T120004-eeeeee", "b", "comment", text="twice as bright"),
        **run_files(FIRST, outcome(FIRST, "a"), outcome(FIRST, "b", Status.FAILED, cause="no beam")),
        **run_files(SECOND, outcome(SECOND, "a", Status.TIMEOUT), outcome(SECOND, "a", attempt=2)),
        f"runs/{FIRST}/summary.yaml": summary(FIRST, ok=1, failed=1),
    }.items()
]


@settings(max_examples=10)
@given(st.permutations(EVENTS), st.lists(st.integers(1, 4), min_size=len(EVENTS), max_size=len(EVENTS)))
def test_records_that_come_in_any_order_and_any_parts_give_one_state(events, sizes):
    with tempfile.TemporaryDirectory() as folder, closing(Records(Path(folder) / "repo")) as records:
        index = records.index(Path(folder) / "index.sqlite")
        for size in sizes:
            if part := events[:size]:
                records.put(dict(part))
                records.update(index)
            events = events[size:]
        found = contents(index)
        assert [row for row in found["open_flags"] if FLAG in row] == []
        assert any("artefacts" in row for row in found["open_flags"])
        assert found == expected_state()


@cache
def expected_state() -> dict[str, list[str]]:
    """What an index says to which everything comes at once."""
    with tempfile.TemporaryDirectory() as folder, closing(Records(Path(folder) / "repo")) as records:
        records.put(dict(EVENTS))
        return contents(records.index(Path(folder) / "index.sqlite"))
