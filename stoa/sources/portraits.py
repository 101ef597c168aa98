"""An image of a job with its sources, for a notebook."""

from __future__ import annotations

import msgspec

from stoa.catalogue.portrait import portrait
from stoa.errors import NotFoundError, StoaError
from stoa.sources.marks import marks
from stoa.workspace.dossier import declared_outputs, images_of, tables_of_outcome
from stoa.workspace.names import pair_words, resolve_run
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import outcome_of


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture shows."""

    target: str
    group: str
    name: str  # of the input or output
    pair: str  # as typed


def draw_image(ws: Workspace, target: str, source: str, group: str, name: str, *, sources: bool) -> tuple[bytes, Drawn]:
    """A PNG of an image that a job took or made.

    Parameters
    ----------
    source
        A run or pair; "" is the latest outcome of the target.
    name
        Input or output; "" is the first image.
    sources
        Whether the sources that the job found are marked.

    Raises
    ------
    StoaError
        If there is no such outcome or image, or its file is not on this machine or is none of the sky.
    """
    outcome = outcome_of(ws, target, source, group)
    declared = declared_outputs(ws, outcome.run)
    images = {image.name: image for image in images_of(outcome.inputs, outcome.outputs, declared)}
    if not images:
        raise StoaError(f"the outcome of {target!r} has no image", f"`stoa show {target}` shows its inputs and outputs")
    if name and name not in images:
        raise NotFoundError(f"image of {target!r}", name, list(images), f"images: {', '.join(images)}")
    image = images[name] if name else next(iter(images.values()))
    file = ws.products.file(image.ref, outcome.run)
    if not file.is_file():
        raise StoaError(f"{image.ref.path} is not on this machine", "`stoa root list` shows where the roots are")
    found = marks(ws, tables_of_outcome(outcome, declared)) if sources else []
    title = f"{target} {outcome.group}".strip() + f"\n{image.name}: {file.name}"
    png = portrait(file, title, [(each.ra_deg, each.dec_deg) for each in found])
    pair = resolve_run(ws, outcome.run).pair
    return png, Drawn(target=target, group=outcome.group, name=image.name, pair=pair_words(ws, [pair])[pair])
