"""What a plan says of each target."""

from __future__ import annotations


def verdicts(plan: dict) -> dict[str, tuple[bool, str]]:
    return {job["target"]: (job["runs"], job["reason"]) for job in plan["jobs"]}


UP_TO_DATE = (False, "up to date")
