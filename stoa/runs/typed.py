"""A request as it is typed, for a run that is a process of its own."""

from __future__ import annotations

from stoa.request import Request

STATES = ("new", "stale", "failed", "flagged", "force")


def command_of(request: Request) -> tuple[str, ...]:
    """``stoa run ...`` for a request of one process, without whole sets of values."""
    chosen = request.selection
    words = ["stoa", "run", request.process]
    words += ["--params", request.params] if request.params else []
    words += [word for name, value in request.settings.items() for word in ("--set", f"{name}={value}")]
    words += ["--env", request.environment] if request.environment else []
    words += [word for name in chosen.targets for word in ("--target", name)]
    words += ["--where", chosen.where] if chosen.where else []
    words += [word for tag in chosen.tags for word in ("--tag", tag)]
    words += [f"--{state}" for state in STATES if getattr(chosen, state)]
    words += ["--like", chosen.like] if chosen.like else []
    words += ["--canary", str(request.canary)] if request.canary else []
    words += ["--message", request.message] if request.message else []
    words += ["--jobs", str(request.workers)] if request.workers else []
    words += ["--engine", request.engine] if request.engine != "local" else []
    return tuple(words)
