"""Definitions of processes as they are first written, from what a script suggests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from stoa.meta.table import BUILT_IN
from stoa.runs.proposal import Proposal
from stoa.workspace.held import Held
from stoa.workspace.open import Workspace
from stoa.workspace.roles import ROLES, role_table

_NEW_PROCESS = """\
# What STOA runs over every target. `stoa process check {name}` says whether it can.
schema: 1
name: {name}
doc: {doc}
script: {script}
{files}command: {command}
over: {over}            # target: once per folder; image: once per image group
inputs: {inputs}# image: {{role: correctedImage}}
params: {params}# snr: {{type: float, default: 5, min: 1, unit: "", doc: "seed clip in sigma"}}
outputs: {outputs}# sources: {{path: sources.fits, kind: catalogue}}
results: {{}}             # rms: {{type: float, unit: Jy/beam, tolerance: 5%}}
environment: {environment}
timeout: {timeout}
"""


def new_definition(name: str, script: str, proposal: Proposal, over: str, environment: str = "host") -> str:
    """The text of a definition.

    Parameters
    ----------
    script
        Relative to the project.
    over
        ``target`` or ``image``; "" for what the inputs suggest.
    """
    words = [*proposal.command, *proposal.words]
    quoted = [word if re.fullmatch(r"-{0,2}[A-Za-z][A-Za-z0-9-]*", word) else _quoted(word) for word in words]
    command = ", ".join(quoted)
    text = _NEW_PROCESS.format(
        name=name, doc=_quoted(proposal.doc), command=f"[{command}]",
        script=f"scripts/{proposal.runner}    # runs the one of `files`" if proposal.runner else _scalar(script),
        files=f"files: [{_scalar(script)}]\n" if proposal.runner else "", environment=environment,
        timeout="1d" if proposal.runner else "10m",
        over=over or ("image" if proposal.inputs and not proposal.runner else "target"),
        inputs=_section(proposal.inputs),
        params=_section(proposal.params), outputs=_section(proposal.outputs),
    )  # fmt: skip
    return text + "".join(f"# {note}\n" for note in proposal.notes)


def _section(fields: Mapping[str, str]) -> str:
    """What is before the comment of a section: its fields, or that there are none."""
    if not fields:
        return "{}              "
    return "".join(f"\n  {key}: {text}" for key, text in fields.items()) + "\n  "


def _scalar(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text) else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_OWN_IMAGES = b"""
# Added by `stoa process new`, as no file of the targets had a role. Tell your files apart here where that is needed.
rules:
  - name: own-images
    role: image
    header: {NAXIS: '^[2-9]'}
    doc: every FITS file with two axes or more
"""


def rule_for_own_images(ws: Workspace, held: Held) -> dict[str, bytes]:
    """The project's roles with a rule for FITS images, where the targets hold nothing else and no rule was written."""
    file = ws.project.roles_file
    text = ws.project.read(file) if file.is_file() else b"schema: 1\n"
    if held.known or not held.others or role_table(ws.project).rules != BUILT_IN.rules:
        return {}
    return {ROLES: text.rstrip(b"\n") + b"\n" + _OWN_IMAGES}


def notes_on_images(ws: Workspace, proposal: Proposal, held: Held, *, added: bool) -> list[str]:
    """What is to be said where no image of the targets fits the inputs of a proposal."""
    if not proposal.inputs or held.images or not held.targets:
        return []
    if added:
        again = bool(ws.index.rows("SELECT 1 FROM documents LIMIT 1"))
        build = "; `stoa meta build` describes the folders again" if again else ""
        note = (f"no rule of STOA takes {held.others[0]} for an image: .stoa/roles.yaml now has one that takes every"
                f" FITS file with two axes or more{build}")  # fmt: skip
    else:
        note = (f"none of {held.targets} folders that were looked at holds an image as the inputs want it: `stoa meta"
            " explain FILE` says which role a file has, .stoa/roles.yaml gives others")  # fmt: skip
    return [note]
