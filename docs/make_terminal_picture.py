"""Draws docs/terminal.svg: some commands of the demo and what they print. `--log FILE` as in `make_tutorial.py`."""

from __future__ import annotations

import io
import re
from pathlib import Path

from make_tutorial import log_of, outputs, parser
from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).with_name("terminal.svg")
WIDTH = 112
MARGIN = 4  # for browsers whose font is wider
SHOWN = (
    "stoa run sep",
    "stoa flag A001_X2ca9_Xf03 --reason check -m 'faint companions? search deeper'",
    "stoa params new deep --process sep --set snr=4 --set beam_arcsec=0.46",
    "stoa rerun --failed --flagged --params deep",
    "stoa catalogue stack sep@deep --keep 'snr >= 5'",
    "stoa catalogue match catalogues/sep@deep.vot quasars.csv --radius 5arcsec --unique",
)
_COLOURS = ((r"\b\d+ ok\b", "green"), (r"\b\d+ failed\b", "red"), (r"\b\d+ blocked\b", "yellow"))


def drawing(played: list[tuple[str, str]]) -> str:
    """The commands of `SHOWN`, as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    for command, said in played:
        if command in SHOWN:
            console.print(Text.assemble(("$ ", "bright_black"), (command, "bold")))
            console.print(_coloured(said), width=WIDTH - MARGIN)
            console.print()
    picture = console.export_svg(title="stoa", unique_id="stoa")
    picture = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)  # no fonts from the network
    return picture.replace("Fira Code, monospace", "Fira Code, DejaVu Sans Mono, Menlo, Consolas, monospace")


def _coloured(said: str) -> Text:
    text = Text(said)
    for pattern, colour in _COLOURS:
        text.highlight_regex(re.compile(pattern), colour)
    return text


if __name__ == "__main__":
    PICTURE.write_text(drawing(outputs(log_of(parser().parse_args()))), encoding="utf-8")
