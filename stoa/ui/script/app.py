"""The script that Streamlit runs at every click; constants are elsewhere, as texts in this file would be shown."""

from __future__ import annotations

from stoa.ui.frame import main

main()
