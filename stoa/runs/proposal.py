"""What a definition could say about a script, from the options that it declares. The script is read, not run.

Read are the options of argparse, click and typer, the words of ``sys.argv``, the cell of
parameters of a notebook, and the values of a script for CASA. The notes name what is not
understood; an option that has a default of its own is then left out of the command, so that
the proposed definition runs as the script does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from stoa.model import Value
from stoa.runs.reading import casa, notebook
from stoa.runs.reading.arguments import argparse_options, click_options
from stoa.runs.reading.functions import typer_options
from stoa.runs.reading.option import NOTHING, Option, Options
from stoa.runs.reading.source import Source
from stoa.runs.reading.words import argv_options

_FOLDERS = {"target", "folder", "dir", "directory", "path", "indir", "datadir", "product", "products", "root"}
_IMAGES = {
    "image", "images", "fits", "file", "files", "infile", "input", "inputs", "filename", "filenames", "map", "cube",
    "img", "fitsfile", "infiles", "imagename", "fitsimage", "pbcor", "fname",
}  # fmt: skip
_OUT_FOLDERS = {"outdir", "workdir", "outputdir", "outpath", "outfolder", "savedir", "scratch", "tmpdir"}
_OUTPUTS = {"out", "output", "outputs", "outfile", "outname", "outputfile", "savefig", "saveto", "save", "dest"}
_NO_FILES = {
    "format", "unit", "units", "type", "dtype", "level", "size", "scale", "kind", "mode", "columns", "column", "freq",
    "rate", "limit", "n", "number", "snr", "ext", "hdu", "width", "height", "verbosity",
}  # fmt: skip
_FOLDER_ENDS = {"dir", "directory", "folder", "path"}
_ROLES = {
    "mask": "mask", "maskfile": "mask", "pb": "primaryBeam", "flux": "primaryBeam", "pbimage": "primaryBeam",
    "residual": "residual", "psf": "psf",
}  # fmt: skip
_IMAGE_ROLE = "{role: [correctedImage, image]}"
_FLAT_ROLE = "{role: [correctedImage, image], accept: [no-celestial]}"
_IMAGE_WORDS = re.compile(r"\b(?:fits|images?|cubes?|maps?)\b", re.IGNORECASE)
_FOLDER_WORDS = re.compile(r"\b(?:folder|directory|dir)\b", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
_RESERVED = ("script", "target", "name", "group", "meta", "out")
_Reader = Callable[[Source], Options | None]
_READERS: tuple[_Reader, ...] = (argparse_options, click_options, typer_options, argv_options)


class Proposal(Struct):
    """Pieces of a definition; what is to be written for ``params`` and the like is YAML on one line each."""

    words: list[str]  # of the command, after the interpreter and the script
    params: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # what was not understood or has to be decided by hand
    doc: str = ""
    command: list[str] = field(default_factory=lambda: ["python", "{script}"])  # what `words` follow
    runner: str = ""  # a script of STOA's that runs this one; its last word is the name of this one


def propose(
    source: bytes, name: str = "script.py", *, flat: bool = False, given: Mapping[str, str] | None = None,
    for_casa: bool = True,
) -> Proposal:  # fmt: skip
    """What a script suggests.

    Parameters
    ----------
    name
        Its file name, whose end tells the kind.
    flat
        Whether images may be without celestial axes.
    given
        Parameter -> default as written, of a script that asks STOA for its parameters.
    for_casa
        Whether a script for CASA's shell is known as one, which another script has to run.
    """
    shell = casa.read(source) if for_casa and name.endswith(".py") else None
    made = _read(source, name, given or {}, shell)
    if flat:
        made.inputs = {key: text.replace(_IMAGE_ROLE, _FLAT_ROLE) for key, text in made.inputs.items()}
    return made


def _read(source: bytes, name: str, given: Mapping[str, str], shell: casa.CasaScript | None) -> Proposal:
    if name.endswith(".ipynb"):
        return _of_notebook(source, name)
    if not name.endswith(".py"):
        words = f"{name} is not a Python script, so nothing was read from it: the command gives it the folder"
        return Proposal(words=["{target}"], notes=[words], command=["{script}"])
    try:
        script = Source(source)
    except SyntaxError as problem:
        if shell:
            return _of_casa(shell, name)
        where = f"line {problem.lineno}: " if problem.lineno else ""
        note = f"{name} cannot be read as Python 3 ({where}{problem.msg}), so nothing is proposed from its options"
        return Proposal(words=["{target}"], notes=[note])
    found = next(filter(None, (read(script) for read in _READERS)), None)
    if found is None and not script.asks_stoa and shell:
        return _of_casa(shell, name)
    if found is None and not script.asks_stoa:
        note = "no options were found in the script (argparse, click, typer, sys.argv): the command gives it the folder"
        return Proposal(words=["{target}"], notes=[note], doc=script.doc)
    return _proposed(found or Options(options=[], style="argv"), script, given)


def _of_notebook(source: bytes, name: str) -> Proposal:
    book = notebook.read(source, name)
    made = _proposed(Options(options=book.options, notes=book.notes, style="papermill"), book.source)
    executed = {"notebook": f"{{path: {_scalar(PurePosixPath(name).name)}}}"}
    return Proposal(
        words=made.words, params=made.params, inputs=made.inputs, outputs={**executed, **made.outputs},
        notes=made.notes, command=book.command,
    )  # fmt: skip


def _of_casa(script: casa.CasaScript, name: str) -> Proposal:
    """A script for CASA takes no options: one of STOA's runs it with the values of the job."""
    options = [Option(dest=key, default=value) for key, value in script.values.items() if _IDENTIFIER.fullmatch(key)]
    outputs = {}
    for key, (path, kind, optional) in script.outputs.items():
        written = f"{{path: {_scalar(path)}, kind: {kind}"
        outputs[key] = written + (", optional: true}" if optional else "}")
    return Proposal(
        words=[PurePosixPath(name).name], params={option.dest: _declaration(option)[0] for option in options},
        inputs={key: f"{{pattern: {json.dumps(pattern)}}}" for key, pattern in script.inputs.items()},
        outputs=outputs, notes=script.notes, doc=script.doc, runner="casavalues.py",
    )  # fmt: skip


def _proposed(found: Options, script: Source, given: Mapping[str, str] = MappingProxyType({})) -> Proposal:
    maker = _Maker(found, script, given)
    for option in found.options:
        maker.take(option)
    maker.take_asked()
    return maker.finished()


class _Maker:
    """Takes one option after the other and decides what it is."""

    def __init__(self, found: Options, script: Source, given: Mapping[str, str]) -> None:
        self._given = {name: _value_of(text) for name, text in given.items()}
        self._made = Proposal(words=[], notes=list(found.notes), doc=found.doc or script.doc)
        self._script = script
        self._style = found.style
        self._positionals: list[str] = []
        self._may_look_like_options = False
        self._closed = False  # a positional argument was left out, so no later one can be given

    def take(self, option: Option) -> None:
        if option.positional and self._closed:
            self._note(f"{option.shown} comes after an argument that was left out: complete the command by hand")
        elif option.switch:
            self._note(f"{option.shown} is a switch: add it to the command where it is wanted")
        elif not self._take_file(option):
            self._take_value(option)

    def _take_file(self, option: Option) -> bool:
        """Whether an option names a folder, an input or an output."""
        words = set(option.dest.lower().split("_")) | {option.dest.lower().replace("_", "")}
        if (words & _NO_FILES or option.kind in ("int", "float", "bool")) and option.kind != "outfile":
            return False
        if option.kind == "outfile" or words & (_OUTPUTS | _OUT_FOLDERS) or option.dest in self._script.written:
            return self._take_output(option, words)
        if role := self._optional_role(option, words):
            self._put(option, f"{{{option.dest}}}")
            self._made.inputs[option.dest] = f"{{role: {role}, optional: true}}"
            return True
        if (option.has_own_default and not option.names_image) or option.choices:
            return False
        if option.dest in self._script.opened_as_fits or (words & _IMAGES and not _only_folder(option)):
            return self._take_input(option)
        if words & _FOLDERS or option.dest in self._script.listed or _only_folder(option):
            self._put(option, "{target}")
            return True
        if option.positional and option.kind in ("", "infile", "file") and _IMAGE_WORDS.search(option.help):
            return self._take_input(option)
        return False

    def _take_input(self, option: Option) -> bool:
        if not (option.required or option.positional or option.names_image):
            return False
        name = option.dest if option.dest not in _RESERVED else f"{option.dest}_file"
        self._put(option, f"{{{name}}}")
        role = next((_ROLES[w] for w in option.dest.lower().split("_") if w in _ROLES), "")
        self._made.inputs[name] = f"{{role: {role}}}" if role else _IMAGE_ROLE
        return True

    def _optional_role(self, option: Option, words: set[str]) -> str:
        """The role of a further file that the script can do without; only where it says that it is a file."""
        role = next((_ROLES[word] for word in sorted(words) if word in _ROLES), "")
        is_file = option.dest in self._script.opened_as_fits or option.kind in ("infile", "file")
        left_out = not option.required and option.default is None and not option.positional
        return role if role and is_file and left_out and self._style != "papermill" else ""

    def _take_output(self, option: Option, words: set[str]) -> bool:
        default = option.default if isinstance(option.default, str) else ""
        leaf = default.rstrip("/").rpartition("/")[2]
        is_file = "." in leaf.strip(".")
        named_folder = (
            bool(words & _FOLDER_ENDS) or leaf in (".", "..") or default.endswith("/") or _only_folder(option)
        )
        if words & _OUT_FOLDERS or (named_folder and not is_file):
            self._put(option, "{out}")
            return True
        if default and not is_file:
            self._put(option, f"{{out}}/{leaf}")
            self._note(f"{option.shown} gets {{out}}/{leaf}: if that is the name of a file, declare it under outputs")
            return True
        name = leaf or f"{option.dest}.dat"
        self._put(option, f"{{out}}/{name.replace('{', '{{').replace('}', '}}')}")
        self._made.outputs[option.dest] = f"{{path: {_scalar(name)}}}"
        if not default:
            self._note(f"{option.shown} gets the name {name}: give it the ending that the script writes")
        return True

    def _take_value(self, option: Option) -> None:
        if reason := _unfit(option, self._style):
            self._closed |= option.positional
            self._note(reason)
        else:
            self._take_parameter(option)

    def _take_parameter(self, option: Option) -> None:
        declared, doubt = _declaration(option)
        self._made.params[option.dest] = declared
        if doubt:
            self._note(doubt)
        if option.required:
            self._note(f"{option.shown} has no default: give the parameter {option.dest!r} one,"
                       f" or a value for each run (--set {option.dest}=...)")  # fmt: skip
        self._may_look_like_options |= option.positional
        self._put(option, f"{{params.{option.dest}}}")

    def _put(self, option: Option, value: str) -> None:
        """Add to the command; one word for an option and a parameter, as a value may begin with a minus sign."""
        if option.positional:
            self._positionals.append(value)
        elif self._style == "papermill":
            self._made.words += _injected(option, value)
        elif value.startswith("{params."):
            glue = "=" if option.flag.startswith("--") else ""
            self._made.words.append(f"{option.flag}{glue}{value}")
        else:
            self._made.words += [option.flag, value]

    def take_asked(self) -> None:
        """What the script asks STOA for by name is declared, too."""
        asked = self._script.asked if self._script.asks_stoa else {"params": {}, "inputs": {}}
        for name, default in {**asked["params"], **self._given}.items():
            if name not in self._made.params and _IDENTIFIER.fullmatch(name):
                usable = default if isinstance(default, bool | int | float | str) else None
                self._made.params[name] = _declaration(Option(dest=name, default=usable))[0]
                if usable is None:
                    self._note(f"the script asks for the parameter {name!r}: give it the right type and a default")
        for name in asked["inputs"]:
            if name not in self._made.inputs and _IDENTIFIER.fullmatch(name):
                role = next((_ROLES[word] for word in name.lower().split("_") if word in _ROLES), "")
                self._made.inputs[name] = f"{{role: {role}, optional: true}}" if role else _IMAGE_ROLE

    def _note(self, text: str) -> None:
        self._made.notes.append(text)

    def finished(self) -> Proposal:
        """The command's options first, then its positional words; ``--`` before them where one may be negative."""
        ends_options = self._may_look_like_options and self._style in ("argparse", "click")
        self._made.words += ["--"] if ends_options else []
        self._made.words += self._positionals
        return self._made


def _injected(option: Option, value: str) -> list[str]:
    """Words that give a value to papermill, which takes a bool from YAML alone."""
    if option.is_text:
        return ["-r", option.dest, value]
    return ["-y", f"{option.dest}: {value}"] if isinstance(option.default, bool) else ["-p", option.dest, value]


def _unfit(option: Option, style: str) -> str:
    """Why an option cannot become a parameter with what is known of it; "" if it can."""
    name = option.shown
    if option.several:
        needed = option.positional or option.required
        words = "needs several values: the script stops without them" if needed else "takes several values"
        return f"{name} {words}; it was left out, add it to the command"
    if option.default is NOTHING:
        return f"{name} was left out, as its default is computed ({option.default_text}): the script uses its own"
    if option.kind == "bool" and style == "argparse":
        return f"{name} was left out: with `type=bool` argparse takes every text for true"
    if isinstance(option.default, str) and option.default.startswith(("/", "~")):
        return f"{name} was left out, as its default is a path of this machine: the script uses its own"
    if not option.required and option.default is None:
        return f"{name} was left out, as it has no default: declare a parameter for it where it is wanted"
    return "" if _IDENTIFIER.fullmatch(option.dest) else f"{name} was left out: {option.dest!r} cannot name a parameter"


def _only_folder(option: Option) -> bool:
    """Whether an option's help speaks of a folder and not of a file."""
    return option.kind == "folder" or (bool(_FOLDER_WORDS.search(option.help)) and "file" not in option.help.lower())


def _declaration(option: Option) -> tuple[str, str]:
    """A parameter's declaration, and what is doubtful about it."""
    default, choices = option.default, option.choices
    sample = default if isinstance(default, bool | int | float | str) else (choices[0] if choices else None)
    kind = option.kind if option.kind in ("int", "float", "str", "bool") else ""
    doubt = ""
    if option.kind_text and not kind:
        kind = _kind_of(sample)
        doubt = f"the type of {option.shown} ({option.kind_text}) is not known: taken for {kind}"
    kind = kind or _kind_of(sample)
    default, choices = _typed(default, kind), tuple(_typed(each, kind) for each in choices)
    fields = [f"type: {kind}"]
    if default is not None and default is not NOTHING:
        fields.append(f"default: {_scalar(default)}")
    fields += [f"{name}: {_scalar(v)}" for name, v in (("min", option.least), ("max", option.most)) if v is not None]
    if choices:
        fields.append(f"choices: [{', '.join(_scalar(each) for each in choices)}]")
    if option.help:
        words = re.sub(r"\s*[(\[]?default:? ?%\(default\)s[)\]]?", "", " ".join(option.help.split()))
        fields.append(f"doc: {_scalar(words.replace('%%', '%'))}")
    return f"{{{', '.join(fields)}}}", doubt


def _value_of(text: str) -> Value:
    """A written value with the narrowest type that fits: ``true`` is a bool, ``4`` an int, ``4.0`` a float."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _typed(value: Any, kind: str) -> Any:
    """A default of the declared type; argparse reads texts as the type says."""
    if not isinstance(value, str) or kind not in ("int", "float"):
        return value
    try:
        return int(value) if kind == "int" else float(value)
    except ValueError:
        return NOTHING


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "int" if isinstance(value, int) else "float" if isinstance(value, float) else "str"


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if isinstance(value, str) and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_./ -]*[A-Za-z0-9]|[A-Za-z]", text):
        return json.dumps(text, ensure_ascii=False)
    if isinstance(value, str) and text.lower() in ("true", "false", "yes", "no", "on", "off", "null", "y", "n"):
        return json.dumps(text)
    return text
