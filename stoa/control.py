"""The brake of a run: one value that a signal handler, another thread and the engine share."""

from __future__ import annotations

import os
import weakref


class Control:
    """Tells an engine to start nothing more, or to stop what runs.

    Neither method takes a lock, so both may be called from a signal handler at any moment.
    """

    def __init__(self) -> None:
        self._draining = False
        self._cancelled = False
        # An event descriptor that is written once and never read stays readable for every
        # worker that polls it: a cancel wakes them all, and no one wakes up to look.
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        weakref.finalize(self, os.close, self._wake)

    @property
    def draining(self) -> bool:
        """Whether no further job is to be started."""
        return self._draining

    @property
    def cancelled(self) -> bool:
        """Whether the jobs that run are to be stopped."""
        return self._cancelled

    @property
    def wake_descriptor(self) -> int:
        """A file descriptor that becomes readable, for ever, with `cancel`."""
        return self._wake

    def drain(self) -> None:
        """Let the jobs that run end by themselves and start no other."""
        self._draining = True

    def cancel(self) -> None:
        """Stop the jobs that run and start no other."""
        self._draining = True
        self._cancelled = True
        os.eventfd_write(self._wake, 1)
