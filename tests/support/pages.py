"""What a page of the dashboard shows, without a browser."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from stoa.ui.tables import digest


def texts(test: AppTest) -> str:
    """Every text of a page, one after the other."""
    kinds = (test.text, test.caption, test.info, test.success, test.warning, test.code, test.header, test.subheader)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def select(test: AppTest, table: str, *rows: int) -> AppTest:
    """Select rows of a table by position, as a click in the browser does, and draw the page again."""
    (key,) = [key for key in frames(test) if key.rpartition(" ")[0] == table]
    test.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return test.run()


def frames(test: AppTest) -> list[str]:
    """The keys of the selectable tables of a page."""
    ids = [frame.proto.id for frame in test.dataframe if frame.proto.id]
    return [name.split("-", 2)[2] for name in ids]


__all__ = ["digest", "frames", "select", "texts"]
