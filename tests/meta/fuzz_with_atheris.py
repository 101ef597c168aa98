"""Guided by which lines they reach, bytes that no one thought of: for the reader of headers and that of documents.

Needs atheris (`pip install atheris`). Options are those of libFuzzer:

    python tests/meta/fuzz_with_atheris.py fits -max_total_time=120 -max_len=20000
    python tests/meta/fuzz_with_atheris.py xml -max_total_time=120

Beginnings are taken from the damaged headers of `mutants.py` and from documents of the example archive. It ends with
status 0 when nothing was found; an exception, or a file that takes over a second, is printed with its bytes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["stoa.meta"]):
    from stoa.meta.build import build
    from stoa.meta.check import check
    from stoa.meta.document import MetadataError
    from stoa.meta.select import columns, image_groups
    from stoa.meta.xml import from_xml, to_xml, validate

HERE = Path(__file__).resolve().parent
ENDINGS = ("fits", "fits.gz", "fits.fz", "fits.bz2")


def fits_target(folder: Path) -> Callable[[bytes], None]:
    """A folder with one file of these bytes has a valid document that survives reading."""

    def test(data: bytes) -> None:
        path = folder / f"x.image.pbcor.{ENDINGS[sum(data[:1]) % len(ENDINGS)]}"
        path.write_bytes(data[1:])
        try:
            document = build(folder)
            xml = to_xml(document)
            assert from_xml(xml) == document
            assert validate(xml) == ()
        finally:
            path.unlink()

    return test


def xml_target(data: bytes) -> None:
    """A document is refused by name, or it can be written and read again, and has columns and problems."""
    try:
        document = from_xml(data)
    except MetadataError:
        return
    from_xml(to_xml(document))
    columns(document)
    check(document)
    image_groups(document, {})


def beginnings(kind: str, folder: Path) -> None:
    """Some files to begin with."""
    sys.path.insert(0, str(HERE))
    import mutants

    if kind == "fits":
        found = [b"\0" + data for data in mutants.mutants(40, seed=1)]
        found += [bytes([number % 4]) + data for number, (_, data, _) in enumerate(mutants.packed_mutants(40, seed=1))]
    else:
        found = [to_xml(build(path)) for path in sorted(mutants.EXAMPLES.rglob("product"))]
    for number, data in enumerate(found):
        (folder / f"{number:03}").write_bytes(data)


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    if len(sys.argv) < 2 or sys.argv[1] not in ("fits", "xml"):
        sys.exit(f"usage: {sys.argv[0]} fits|xml [libFuzzer options]")
    kind, *options = sys.argv[1:]
    corpus, product = (Path(tempfile.mkdtemp(prefix="stoa-fuzz-")) for _ in range(2))
    beginnings(kind, corpus)
    words = [sys.argv[0], "-timeout=1", f"-artifact_prefix={corpus}/", *options, str(corpus)]
    atheris.Setup(words, fits_target(product) if kind == "fits" else xml_target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
