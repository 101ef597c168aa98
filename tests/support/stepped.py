"""A project whose review has steps."""

from __future__ import annotations

from survey import Survey

STEPS = "steps:\n  weblog: the weblog has been read\n  accepted: good for the paper\n"


def with_steps(survey: Survey) -> Survey:
    """Declare two steps."""
    with (survey.top / ".stoa/config.yaml").open("a", encoding="utf-8") as file:
        file.write(STEPS)
    survey.git("commit", "--quiet", "--all", "--message", "steps")
    return survey
