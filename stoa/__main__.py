"""`python -m stoa`, and the command `stoa`."""

from __future__ import annotations

import gc
import os
from importlib import import_module

SHELLS = ("complete_bash", "complete_zsh", "complete_fish")


def main() -> None:
    """Run a command, or complete one: a shell asks at every press of the tab key, which loads no command."""
    gc.disable()  # until the command is loaded: modules are no garbage
    completes = os.environ.get("_STOA_COMPLETE", "") in SHELLS
    import_module("stoa.cli.complete" if completes else "stoa.cli.main").main()


if __name__ == "__main__":
    main()
