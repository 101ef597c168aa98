"""What a run rests on as a graph in the language of Mermaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stoa.show.words import count, one_line

if TYPE_CHECKING:
    from stoa.workspace.lineage import Lineage

_SPECIAL = {letter: f"#{ord(letter)};" for letter in '"#&<>[]{}()|`;%\\'}


def provenance_graph(found: Lineage) -> str:
    """What the run took on the left (inputs, needs, definitions), the run in the middle, what it made on the right."""
    middle = _label(f"{found.process}: {count(found.jobs, 'job')}", f"run {found.run}")
    lines = ["flowchart LR", f'  run["{middle}"]']
    before = [
        *((f"input {name}", count(number, "file")) for name, number in found.inputs.items()),
        *((f"needs {pair}", "its ok outputs") for pair in found.needs),
        (f"script {found.script or 'none'}", f"digest {found.digest}" if found.digest else ""),
        (f"parameter set {found.params}", "frozen with the run"),
        (f"environment {found.environment}", "frozen with the run"),
    ]
    after = [(f"output {name}", count(number, "file")) for name, number in found.outputs.items()]
    if found.results:
        after.append(("results", ", ".join(found.results[:8]) + (" …" if len(found.results) > 8 else "")))
    lines += [f'  a{n}["{_label(*words)}"] --> run' for n, words in enumerate(before)]
    lines += [f'  run --> b{n}["{_label(*words)}"]' for n, words in enumerate(after)]
    return "\n".join([*lines, f'  who(["{_label(found.author, "")}"]) -.-> run'])


def _label(first: str, second: str) -> str:
    """Two lines of a node; what Mermaid or a browser would obey is written as an entity."""
    return "<br/>".join("".join(_SPECIAL.get(c, c) for c in one_line(text)) for text in (first, second) if text)
