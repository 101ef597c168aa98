"""The reader's answer to a page that asks a hub of pyvo whether it may connect."""

from __future__ import annotations

import threading

from pyvo import samp


class Yes(samp.WebProfileDialog):
    """Lets every page in, as the reader would by a click."""

    def __init__(self) -> None:
        self.over = threading.Event()
        super().__init__()

    def show_dialog(self, *_request: object) -> None:
        self.consent()

    def answer(self) -> None:
        while not self.over.wait(0.05):
            self.handle_queue()
