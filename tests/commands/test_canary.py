"""A few jobs of every kind first, and what they say of the rest; sets of values from files."""

from __future__ import annotations

import pytest

import stoa
from stoa.model import SCHEMA, Outcome, Status
from stoa.runs.canary import forecast
from stoa.runs.planned import Sample


def outcome(target: str, status: Status = Status.OK, seconds: float = 2.0) -> Outcome:
    return Outcome(
        schema=SCHEMA, run="20261122T103000-k3f9q2", target=target, status=status, duration_s=seconds
    )  # fmt: skip


def sample(sizes: list[int], left: int) -> Sample:
    """Jobs named by stratum and number: 0-0, 0-1, ..., 1-0."""
    keys = {(f"{number}-{one}", ""): number for number, size in enumerate(sizes) for one in range(size)}
    return Sample(strata=keys, left=left)


def test_each_stratum_counts_by_its_size():
    found = forecast(sample([90, 10], 98), [outcome("0-0"), outcome("1-0", Status.FAILED, 22.0)], workers=2)
    assert found.bad == pytest.approx(0.1)
    assert found.duration_s == pytest.approx((0.9 * 2 + 0.1 * 22) * 98 / 2)
    assert found.strata == (2, 2)


def test_a_stratum_that_was_not_tried_is_like_the_others():
    found = forecast(sample([50, 30, 20], 98), [outcome("0-0"), outcome("1-0", Status.TIMEOUT)], workers=1)
    assert found.bad == pytest.approx(30 / 80)
    assert found.strata == (3, 2)


def test_the_interval_is_that_of_wilson():
    some = [outcome(f"0-{one}", Status.FAILED if one == 0 else Status.OK) for one in range(10)]
    found = forecast(sample([100], 90), some, workers=1)
    # R's prop.test(1, 10, correct = FALSE) gives 0.0179 and 0.4042
    assert (found.bad_least, found.bad_most) == (pytest.approx(0.0179, abs=1e-4), pytest.approx(0.4042, abs=1e-4))


def test_skipped_is_not_bad_and_no_outcome_says_nothing():
    assert forecast(sample([4], 3), [outcome("0-0", Status.SKIPPED)], workers=1).bad == 0
    assert forecast(sample([4], 4), [], workers=1) is None


@pytest.fixture
def wide(survey):
    """Twelve targets."""
    for number in range(9):
        (survey.top / f"data/t{number}").mkdir()
    survey.ok("target", "add", "data", "t*")
    return survey


def test_a_canary_runs_a_few_and_the_next_run_the_rest(wide):
    result = wide("run", "measure", "--canary", "4")
    assert result.exit_code == 0
    assert "not run: 8 not in the canary" in result.stdout.splitlines()
    said = next(line for line in result.stdout.splitlines() if line.startswith("canary: "))
    assert said.startswith(
        "canary: 4 jobs of 1 of 1 kind of targets; of the 8 jobs left about 0 % would not succeed (0 to 49"
    )
    first = set(wide.statuses())
    assert wide.json("run", "measure")["jobs"] == 8
    assert len(first | set(wide.statuses())) == 12


def test_the_same_jobs_are_chosen_each_time(wide):
    plans = [wide.json("run", "measure", "--canary", "5", "--dry-run") for _ in range(2)]
    chosen = [[job["target"] for job in plan["jobs"] if job["runs"]] for plan in plans]
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 5


def test_a_canary_tries_every_kind_of_target(survey, archive):
    """Of ten folders eight are alike, one is empty and one has no beam: three jobs try all three."""
    made = archive(10, {3: "empty", 7: "no beam"})
    survey.ok("root", "add", "alma", made.top)
    survey.ok("target", "add", "alma", "**/product")
    survey.ok("meta", "build")
    survey.git("rm", "--quiet", ".stoa/targets/data.yaml")
    planned = survey.json("run", "measure", "--canary", "3", "--dry-run")
    chosen = [job["target"] for job in planned["jobs"] if job["runs"]]
    problems = {row["name"]: row["metadata"]["problems"] for row in survey.json("target", "list")}
    assert len({problems[name] for name in chosen}) == 3


def test_a_canary_of_all_jobs_leaves_none(survey):
    assert "; no job is left" in survey.ok("run", "measure", "--canary", "7")


def test_a_canary_from_python(survey):
    with stoa.open(survey.top) as project:
        report = project.run("measure", canary=2)
    assert (report.jobs, report.forecast.left, report.counts) == (2, 1, {"ok": 2})


def test_a_canary_of_nothing_is_refused(survey):
    assert survey("run", "measure", "--canary", "-1").exit_code in (1, 2)


def test_a_plan_says_how_long_it_would_take(survey):
    survey.does("a", "sleep 0.3")
    assert survey("plan", "measure").stderr == "3 of 3 jobs would run\n"
    survey.ok("run", "measure")
    said = survey("plan", "measure", "--set", "snr=3,4", "-j", "1").stderr.splitlines()
    assert said[0].startswith("3 of 3 jobs would run, about ")
    assert said[0].endswith(" with 1 in parallel")
    assert said[2].startswith("together 6 jobs of 2 runs, about ")


def test_sets_from_a_table(survey):
    (survey.top / "grid.csv").write_text("snr, n\n3, 1\n4,\n\n", encoding="utf-8")
    reports = survey.json("run", "measure", "--sets", "grid.csv", "--target", "a")
    assert [report["params"] for report in reports] == ["default+snr=3+n=1", "default+snr=4"]
    reports = survey.json("run", "measure", "--sets", "grid.csv", "--set", "mode=slow", "--target", "a")
    assert [report["params"] for report in reports] == ["default+snr=3+mode=slow+n=1", "default+snr=4+mode=slow"]


def test_sets_from_yaml(survey):
    (survey.top / "grid.yaml").write_text("- {snr: 3}\n- {snr: 4, deep: true}\n", encoding="utf-8")
    reports = survey.json("run", "measure", "--sets", "grid.yaml", "--target", "a")
    assert [report["params"] for report in reports] == ["default+snr=3", "default+snr=4+deep=true"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "grid.csv has no set of values"),
        ("snr\n", "grid.csv has no set of values"),
        ("snr,snr\n3,4\n", "grid.csv: a column has no name, or two have the same"),
        ("snr,n\n3\n", "grid.csv: set 1 has 1 values for 2 parameters"),
        ("sn\n3\n", "process 'measure' has no parameter 'sn'; did you mean 'snr'?"),
        ("snr\ndeep\n", "parameter 'snr' of process 'measure' must be a number, got 'deep'"),
        (b"snr\n\xff\n", "grid.csv is not UTF-8 text (invalid start byte)"),
    ],
)
def test_a_wrong_table_of_sets(survey, content, message):
    data = content if isinstance(content, bytes) else content.encode()
    (survey.top / "grid.csv").write_bytes(data)
    assert survey.error("run", "measure", "--sets", "grid.csv")[0] == f"error: {message}"
    assert survey.runs() == []


def test_a_parameter_in_the_table_and_on_the_command_line(survey):
    (survey.top / "grid.csv").write_text("snr\n3\n", encoding="utf-8")
    message = survey.error("run", "measure", "--sets", "grid.csv", "--set", "snr=4")[0]
    assert "--set-from" in message
    assert "'snr'" in message
