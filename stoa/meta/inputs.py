"""Choosing files of a document: inputs of a process by role, and the image groups it runs over."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from stoa.errors import StoaError
from stoa.meta import roles
from stoa.meta.defects import DOUBTFUL, SECOND_CHOICE, UNUSABLE, words
from stoa.meta.document import Document, FileEntry, ImageGroup
from stoa.meta.grid import reference_image, same_grid
from stoa.meta.rules import IMAGE_ROLES
from stoa.meta.rules import UNREADABLE as UNREADABLE_ROLE  # UNREADABLE is a problem here
from stoa.meta.sky import number
from stoa.model import InputSpec, Intent

_KINDS = ("cont", "mfs", "cube")
_LISTED = 5


class MissingInput(StoaError):
    """A declared input for which the target has no file; the message says why.

    Attributes
    ----------
    input
        Name of the input.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message, "`stoa meta show TARGET` lists the files and their roles")
        self.input = name


def find_inputs(
    document: Document, inputs: Mapping[str, InputSpec], group: str | None = None, intent: Intent = "any"
) -> dict[str, FileEntry | None]:
    """The file for each input of a process.

    All files come from one image group: the one that is named, else the best that has all required inputs: science
    target before calibrator, then what the first required input chooses by (continuum before single window before
    cube, the newest, or the one with the most pixels), the preferred role of that input, one with the optional inputs
    too. In it the first role counts that the input names, then its choice, then plain before compressed files.
    Unreadable files, tarballs, and files on another pixel grid than the image are never taken; truncated files and
    images without celestial axes only by an input that accepts them, and where there is nothing better; an image of
    NaN, too, only where there is nothing better.

    Parameters
    ----------
    intent
        The intent of the groups that may be taken.

    Returns
    -------
    files
        None for an optional input without a file.

    Raises
    ------
    MissingInput
        If a required input has no file, or there is no such group.
    """
    if group is not None:
        return _from_group(document, _named(document, group, inputs), inputs)
    found, problems = [], []
    for candidate in _candidates(document, inputs, intent):
        try:
            found.append(_from_group(document, candidate, inputs))
        except MissingInput as missing:
            problems.append(missing)
    if found:
        return min(found, key=_faults)  # the first of those with the fewest
    if problems:
        raise problems[0]
    if document.groups and intent != "any" and inputs:
        raise MissingInput(next(iter(inputs)), f"no image of a {_TARGET[intent]} ({_held(document)})")
    return _from_group(document, ImageGroup("", ()), inputs)


def _faults(files: Mapping[str, FileEntry | None]) -> int:
    """Files that are truncated, blank or otherwise doubtful."""
    return sum(file is not None and not SECOND_CHOICE.isdisjoint(file.problems) for file in files.values())


_TARGET = {"science": "science target", "calibrator": "calibrator"}


def image_groups(document: Document, inputs: Mapping[str, InputSpec], intent: Intent = "any") -> list[str]:
    """Keys of the groups over which a process `over: image` runs.

    Those with a file, even a damaged one, for the first required input, or of an image role if none is required: so
    a group with only a mask is no job, and an image without its primary beam is one that says what is missing.

    Parameters
    ----------
    intent
        Leave out the others.
    """
    wanted = _first_required(inputs).role
    return [
        group.key
        for group in document.groups
        if any(_meant_role(file) in wanted for file in group.files) and intent in ("any", intent_of(group))
    ]


_ANY_IMAGE = InputSpec(role=IMAGE_ROLES)


def _first_required(inputs: Mapping[str, InputSpec]) -> InputSpec:
    """The input that says which image is wanted."""
    return next((spec for spec in inputs.values() if not spec.optional), _ANY_IMAGE)


def _candidates(document: Document, inputs: Mapping[str, InputSpec], intent: Intent) -> list[ImageGroup]:
    """Groups in the order in which they are tried."""
    fitting = [group for group in document.groups if intent in ("any", intent_of(group))]
    return sorted(fitting, key=lambda group: _rank(group, inputs))


def intent_of(group: ImageGroup) -> str:
    """``science`` or ``calibrator``."""
    return group.files[0].derived.get("intent", "science") if group.files else "science"


def kind_of(group: ImageGroup) -> str:
    """``cont``, ``mfs`` or ``cube``."""
    return group.files[0].derived.get("kind", "cont") if group.files else "cont"


def _meant_role(file: FileEntry) -> str:
    """The role, of an unreadable file the one that its name promises."""
    return file.derived.get("named_role", file.role) if file.role == UNREADABLE_ROLE else file.role


def _named(document: Document, key: str, inputs: Mapping[str, InputSpec]) -> ImageGroup:
    for group in document.groups:
        if group.key == key:
            return group
    raise MissingInput(next(iter(inputs), ""), f"there is no image group {key!r} any more")


def _rank(group: ImageGroup, inputs: Mapping[str, InputSpec]) -> tuple[bool, _Preference, int, int, str]:
    first = _first_required(inputs)
    roles_held = {file.role for file in group.files}
    role = next((rank for rank, role in enumerate(first.role) if role in roles_held), len(first.role))
    lacking = sum(roles_held.isdisjoint(spec.role) for spec in inputs.values())
    meant = [file for file in group.files if file.role in first.role] or group.files
    preferred = min((_preference(file, first, kind_of(group)) for file in meant), default=(0.0, ""))
    return intent_of(group) != "science", preferred, role, lacking, group.key


_Preference = tuple[float, str]


def _preference(file: FileEntry, spec: InputSpec, kind: str) -> _Preference:
    """What sorts the file that an input chooses to the front."""
    if spec.choose == "newest":
        return 0.0, _descending(file.header.get("DATE") or file.header.get("DATE-OBS") or "")
    if spec.choose == "largest":
        return -math.prod(number(file.header.get(f"NAXIS{axis}", "")) or 1.0 for axis in (1, 2, 3, 4)), ""
    return float(_KINDS.index(kind) if kind in _KINDS else len(_KINDS)), ""


def _descending(text: str) -> str:
    """A text that sorts in the opposite order of the original."""
    return "".join(chr(0x10FFFF - ord(c)) for c in text) + chr(0x10FFFF)


def _from_group(document: Document, group: ImageGroup, inputs: Mapping[str, InputSpec]) -> dict[str, FileEntry | None]:
    chosen: dict[str, FileEntry | None] = {}
    for name, spec in inputs.items():
        image = next((f for f in chosen.values() if f and f.role in IMAGE_ROLES), reference_image(group.files))
        chosen[name] = _best(group.files, spec, image)
        if chosen[name] is None and not spec.optional:
            raise MissingInput(name, _missing(document, group, spec, image))
    return chosen


def _best(files: Iterable[FileEntry], spec: InputSpec, image: FileEntry | None) -> FileEntry | None:
    fit = [file for file in files if file.role in spec.role and not _refusal(file, spec, image)]
    return min(fit, key=lambda file: _merit(file, spec), default=None)


def _merit(file: FileEntry, spec: InputSpec) -> tuple[bool, int, _Preference, bool, str]:
    doubtful = not SECOND_CHOICE.isdisjoint(file.problems)
    preference = _preference(file, spec, "")
    return doubtful, spec.role.index(file.role), preference, roles.is_compressed_name(file.name), file.name


def _refusal(file: FileEntry, spec: InputSpec, image: FileEntry | None) -> str:
    """Why a file is not handed to a process, in words; "" if it may be."""
    for code in file.problems:
        if code in UNUSABLE or (code in DOUBTFUL and code not in spec.accept):
            return words(code)
    if image is not None and not same_grid(image, file) and file.role != "psf":
        return f"is on another pixel grid than {image.name}"
    return ""


def _missing(document: Document, group: ImageGroup, spec: InputSpec, image: FileEntry | None) -> str:
    wanted = " or ".join(spec.role)
    refused = [f"{f.name} {_refusal(f, spec, image)}" for f in group.files if _meant_role(f) in spec.role]
    place = f" in image {group.key}" if group.key else ""
    if refused:
        return f"no usable file with role {wanted}{place}: {'; '.join(refused[:_LISTED])}"
    held = f"it holds {_listed(group.files)}" if group.key else _held(document)
    return f"no file with role {wanted}{place} ({held}){_without_role(document)}"


def _without_role(document: Document) -> str:
    """How to take FITS files that no rule gave a role, such as images of another kind of telescope."""
    names = [file.name for file in document.others if file.header]
    if not names:
        return ""
    return (
        f"; no rule gives {names[0]} a role: one in .stoa/roles.yaml can (`stoa meta explain` says why), and"
        " `pattern` in place of `role` takes a file by its name"
    )


def _held(document: Document) -> str:
    files = [f for g in document.groups for f in g.files] + list(document.others)
    return f"the folder holds {_listed(files)}"


def _listed(files: Iterable[FileEntry]) -> str:
    names = [file.name for file in files]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return (", ".join(names[:_LISTED]) or "no file at all") + more
