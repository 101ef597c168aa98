"""One option or argument of a script, whatever declares it."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct, field


class _Nothing:
    """Stands for a default that the script has and that cannot be read from its text."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: Final = _Nothing()


_IMAGE_ENDS = (".fits", ".fits.gz", ".fits.fz", ".fit", ".fts")


class Option(Struct, kw_only=True):
    """What a script takes from its command line, by one name."""

    dest: str
    flag: str = ""  # "" for a positional argument
    kind: str = ""  # int, float, str, bool, file, infile, outfile, folder; "" where nothing is declared
    kind_text: str = ""  # the type as the script writes it, where it is none of these
    default: Any = None  # `NOTHING` where there is one that cannot be read
    default_text: str = ""  # as the script writes it
    required: bool = False
    choices: tuple[Any, ...] = ()
    help: str = ""
    switch: bool = False
    several: bool = False
    least: float | None = None
    most: float | None = None

    @property
    def positional(self) -> bool:
        return not self.flag

    @property
    def shown(self) -> str:
        """The option in messages."""
        return self.flag or self.dest

    @property
    def has_own_default(self) -> bool:
        """Whether the script does something sensible without the option."""
        return self.default is not None

    @property
    def is_text(self) -> bool:
        """Whether its value is a text, as far as its default says."""
        return self.kind == "str" or self.default is None or isinstance(self.default, str)

    @property
    def names_image(self) -> bool:
        """Whether its default is the name of a FITS file."""
        return isinstance(self.default, str) and self.default.lower().endswith(_IMAGE_ENDS)


class Options(Struct):
    """What one reader found in a script."""

    options: list[Option]
    style: str  # argparse, click, argv or papermill
    doc: str = ""
    notes: list[str] = field(default_factory=list)
