"""Throws bytes at everything that reads records, led by coverage: `python tests/fuzz/fuzz_readers.py --seconds 600`.

Needs atheris (`pip install atheris`). What breaks a reader is printed and left in a file `crash-...` in the folder that
`--corpus` names, which also keeps what led to new places; a second run begins there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[1] / "support"), str(Path(__file__).parents[2])]

with atheris.instrument_imports(include=["stoa", "yaml"]):
    from readers import GOOD, check

    from stoa.meta.xml import from_xml

DOCUMENT = (
    b'<project><group key="Products"><group key="a"><file FILETYPE="primaryBeam" NAXIS1="3" BMAJ="">a.fits</file>'
    b"</group></group></project>"
)


def read_document(data: bytes, file: str) -> object:
    """A metadata document, as it comes from a colleague's commit."""
    return from_xml(data)


FILES = GOOD | {read_document: DOCUMENT}
READERS = list(FILES)


def one_input(data: bytes) -> None:
    """The first byte chooses the reader, the rest is the file."""
    if data:
        check(READERS[data[0] % len(READERS)], data[1:])


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=int, default=60)
    words.add_argument("--corpus", type=Path, default=None)
    asked = words.parse_args()
    corpus = asked.corpus or Path(tempfile.mkdtemp(prefix="stoa-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, good in enumerate(FILES.values()):
        (corpus / f"good-{number}").write_bytes(bytes([number]) + good)
    options = [f"-max_total_time={asked.seconds}", "-max_len=4096", "-timeout=20", f"-artifact_prefix={corpus}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
