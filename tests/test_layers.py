"""Reads every import statement of the package and fails on an arrow that the layers do not allow."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stoa.cli.main import VERBS

PACKAGE = Path(__file__).resolve().parents[1] / "stoa"

BASE = frozenset(
    {
        "control",
        "csvcells",
        "durable",
        "errors",
        "forked",
        "hashing",
        "model",
        "numbers",
        "opening",
        "patterns",
        "procfs",
        "project",
        "request",
        "rights",
        "trees",
    }
)
CRAFTS = frozenset({"provenance", "exec", "meta", "catalogue", "publish", "vo"})

MAY_IMPORT: dict[str, frozenset[str]] = {
    "control": BASE,
    "errors": BASE,
    "model": BASE,
    "numbers": BASE,
    "opening": BASE,
    "patterns": BASE,
    "request": BASE,
    "project": BASE,
    "durable": BASE,
    "csvcells": BASE,
    "forked": BASE,
    "hashing": BASE,
    "procfs": BASE,
    "rights": BASE,
    "trees": BASE,
    "provenance": BASE,
    "exec": BASE,
    "meta": BASE,
    "catalogue": BASE,
    "publish": BASE,
    "vo": BASE,
    "workspace": BASE | {"provenance", "exec", "meta"},
    "runs": BASE | {"provenance", "exec", "meta", "workspace"},
    "sources": BASE | {"provenance", "exec", "meta", "workspace", "catalogue"},
    "commands": BASE | CRAFTS | {"workspace", "runs", "sources"},
    "show": BASE | CRAFTS | {"workspace", "runs", "sources", "commands"},  # values alone
    "cli": BASE | {"commands", "show", "workspace", "runs", "sources", "ui"},
    "ui": BASE | {"commands", "show", "workspace", "runs", "sources", "provenance", "vo"},
    "api": BASE | {"commands", "show", "workspace", "runs", "sources", "meta", "provenance"},
    "__init__": BASE | {"api", "exec"},  # `stoa.open`, and `stoa.report` for scripts that run inside a job
    "__main__": frozenset({"cli"}),
}
"""Layer -> the other layers it may import; a new layer needs a line here."""

SPEAKING = frozenset({"click", "rich", "streamlit", "typer"})
GIT = frozenset({"dulwich", "git", "gitdb"})
SCHEDULERS = frozenset({"dask", "distributed", "docker"})
SKY = frozenset({"astropy", "matplotlib", "pyvo", "sep"})

MUST_NOT_KNOW: dict[str, frozenset[str]] = {
    "provenance": SPEAKING | SCHEDULERS | SKY | {"lxml"},
    "exec": SPEAKING | GIT | SKY | {"lxml", "yaml"},
    "meta": SPEAKING | GIT | SCHEDULERS,
    "catalogue": SPEAKING | GIT | SCHEDULERS,
    "publish": SPEAKING | GIT | SCHEDULERS | {"lxml", "yaml", "matplotlib"},
    "vo": SPEAKING | GIT | SCHEDULERS | {"yaml", "matplotlib", "sep"},
    "workspace": SPEAKING | GIT | SCHEDULERS | SKY,
    "runs": SPEAKING | GIT | SCHEDULERS | SKY,
    "sources": SPEAKING | GIT | SCHEDULERS,
    "commands": SPEAKING | GIT | SCHEDULERS,
    "show": SPEAKING | GIT | SCHEDULERS | SKY | {"lxml", "yaml"},
    "cli": GIT | SCHEDULERS | SKY | {"lxml", "yaml"},
    "ui": GIT | SCHEDULERS | {"lxml", "yaml"},
    "api": SPEAKING | GIT | SCHEDULERS,
    "__init__": SPEAKING | GIT | SCHEDULERS | SKY,
    "__main__": GIT | SCHEDULERS | SKY,
}
"""Layer -> third parties that are another person's craft."""

WITHOUT_MODULE = frozenset({"help"})
"""Verbs that only print what the command line says of itself."""

GIT_DOOR = ("provenance/git.py", "provenance/git/")


@dataclass(frozen=True)
class Import:
    """One imported module, and the place that imports it."""

    importer: str  # posix path below the package
    line: int
    module: str

    def __str__(self) -> str:
        return f"stoa/{self.importer}:{self.line} imports {self.module}"


def layer_of(path: str) -> str:
    """`provenance` for `provenance/git/setup.py`, `model` for `model.py`."""
    return path.partition("/")[0].removesuffix(".py")


def imports_in(source: str, importer: str) -> Iterator[Import]:
    """Every import of a module, those inside functions too; `from a import b` gives `a` and `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(importer, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(node, importer)
            yield Import(importer, node.lineno, base)
            yield from (Import(importer, node.lineno, f"{base}.{alias.name}") for alias in node.names)


def named_in(source: str, importer: str) -> Iterator[Import]:
    """Modules of the package that are in strings, as `importlib.import_module` takes them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in MODULES:
            yield Import(importer, node.lineno, node.value)


def absolute(node: ast.ImportFrom, importer: str) -> str:
    """The module that a `from` names, relative ones resolved."""
    if not node.level:
        return node.module or ""
    package = ["stoa", *importer.split("/")[:-1]]
    return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])


def arrow(found: Import) -> str | None:
    """The layer that an import points to, or None for other people's modules and the importer's own layer.

    `from stoa import __version__` points nowhere: a name of the package itself is there before any module.
    """
    parts = found.module.split(".")
    if parts[0] != "stoa" or (len(parts) == 2 and parts[1].startswith("__")):
        return None
    layer = parts[1] if len(parts) > 1 else None
    return None if layer == layer_of(found.importer) else layer


def sources() -> dict[str, str]:
    """Text of every module of the package by posix path; data that only looks like a module is left out."""
    data = ("template/", "examples/")
    paths = {file.relative_to(PACKAGE).as_posix(): file for file in sorted(PACKAGE.rglob("*.py"))}
    return {path: file.read_text(encoding="utf-8") for path, file in paths.items() if not path.startswith(data)}


def module_name(path: str) -> str:
    """`stoa.provenance.git` for `provenance/git/__init__.py`."""
    return ".".join(["stoa", *path.removesuffix(".py").removesuffix("__init__").strip("/").split("/")]).rstrip(".")


SOURCES = sources()
MODULES = frozenset(module_name(path) for path in SOURCES) - {"stoa"}
ALL = [found for path, text in SOURCES.items() for find in (imports_in, named_in) for found in find(text, path)]


def wrong_arrows(imports: list[Import]) -> list[str]:
    return [str(i) for i in imports if (to := arrow(i)) and to not in MAY_IMPORT.get(layer_of(i.importer), ())]


def strangers(imports: list[Import]) -> list[str]:
    return [str(i) for i in imports if i.module.split(".")[0] in MUST_NOT_KNOW.get(layer_of(i.importer), ())]


def back_doors(imports: list[Import]) -> list[str]:
    return [str(i) for i in imports if i.module.split(".")[0] in GIT and not i.importer.startswith(GIT_DOOR)]


def module_graph(texts: dict[str, str]) -> dict[str, set[str]]:
    """Module -> the modules of the package that it imports; a package stands for its `__init__.py`."""
    names = {module_name(path): path for path in texts}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        wanted = {i.module for i in imports_in(texts[path], path)}
        graph[name] = {module for module in wanted if module in names and module not in {name, "stoa"}}
    return graph


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """One cycle of imports, or nothing."""
    done: set[str] = set()

    def visit(node: str, trail: list[str]) -> list[str]:
        if node in trail:
            return [*trail[trail.index(node) :], node]
        if node in done:
            return []
        for following in sorted(graph[node]):
            if found := visit(following, [*trail, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := visit(node, []))), [])


def test_every_module_belongs_to_a_layer():
    assert {layer_of(path) for path in SOURCES} <= set(MAY_IMPORT)


def test_no_arrow_leaves_the_table():
    assert wrong_arrows(ALL) == []


def test_no_layer_knows_the_craft_of_another():
    assert strangers(ALL) == []


def test_only_the_dashboard_knows_streamlit_and_only_its_command_knows_the_dashboard():
    served = {"streamlit", "starlette", "itsdangerous", "anyio"}
    users = {i.importer for i in ALL if i.module.split(".")[0] in served}
    assert {layer_of(importer) for importer in users} == {"ui"}
    assert {i.importer for i in ALL if i.module.startswith("stoa.ui") and layer_of(i.importer) != "ui"} == {"cli/ui.py"}


def test_the_virtual_observatory_has_one_door():
    assert {layer_of(i.importer) for i in ALL if i.module.split(".")[0] == "pyvo"} <= {"vo"}
    users = {i.importer for i in ALL if arrow(i) == "vo"}
    assert {each for each in users if not each.startswith(("commands/samp/", "commands/vo/", "ui/"))} == set()


def test_git_has_one_door():
    assert back_doors(ALL) == []


def test_the_base_needs_the_standard_library_and_msgspec_alone():
    own = sys.stdlib_module_names | {"msgspec", "stoa", "re2"}  # re2: for `patterns`, and nothing else
    assert {found.importer for found in ALL if found.module == "re2"} == {"patterns.py"}
    base = [found for found in ALL if layer_of(found.importer) in BASE]
    assert [str(found) for found in base if found.module.split(".")[0] not in own] == []


def verbs_of_verbs(imports: list[Import]) -> list[str]:
    """Imports of one module of `commands/` by another; a family's `__init__.py` names none."""
    inside = [i for i in imports if i.importer.startswith("commands/")]
    return [str(i) for i in inside if i.module.startswith("stoa.commands") and module_name(i.importer) != i.module]


def test_no_verb_imports_a_verb():
    assert verbs_of_verbs(ALL) == []
    assert verbs_of_verbs(list(imports_in("from stoa.commands.run import run", "commands/rerun.py")))


def test_nothing_imports_in_a_circle():
    assert find_cycle(module_graph(SOURCES)) == []


def _origin(node: ast.Import | ast.ImportFrom, alias: ast.alias, importer: str) -> str:
    return absolute(node, importer) if isinstance(node, ast.ImportFrom) else alias.name


def renamed(source: str, importer: str) -> list[str]:
    """Own imports with another name, without a reason in a comment on the line."""
    lines = source.splitlines()
    return [
        f"stoa/{importer}:{alias.lineno}: {alias.name} as {alias.asname}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if alias.asname and _origin(node, alias, importer).split(".")[0] == "stoa"
        if "#" not in lines[alias.lineno - 1]
    ]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_files(verb):
    module = [f"commands/{verb}.py", f"commands/{verb}/__init__.py"]
    assert verb in WITHOUT_MODULE or any(name in SOURCES for name in module)
    assert f"cli/{verb}.py" in SOURCES
    assert (PACKAGE.parent / f"tests/cli/test_{verb}.py").is_file()


def test_own_names_are_not_changed_without_a_reason():
    assert [each for path, text in SOURCES.items() for each in renamed(text, path)] == []


def test_a_changed_name_would_be_found():
    assert renamed("from stoa.commands import fsck as check", "cli/fsck.py")
    assert renamed("import stoa.model as values", "cli/fsck.py")
    assert not renamed(
        "from stoa.git import sync as push  # the verb is `sync`\nimport numpy as np", "commands/sync.py"
    )


@pytest.mark.parametrize(
    ("importer", "statement"),
    [
        ("exec/local.py", "from stoa.provenance import store"),
        ("meta/header.py", "import stoa.catalogue.sky"),
        ("provenance/store.py", "def late():\n    from stoa.exec.job.jobs import x"),
        ("runs/launch.py", "from stoa.cli.render import table"),
        ("model.py", "from stoa import meta"),
        ("catalogue/sky.py", "from ..meta import header"),
        ("cli/run.py", "from stoa.exec.engines import local"),
    ],
)
def test_a_wrong_arrow_would_be_found(importer, statement):
    assert wrong_arrows(list(imports_in(statement, importer)))


def test_a_wrong_arrow_in_a_string_would_be_found():
    assert wrong_arrows(list(named_in("import_module('stoa.provenance.records')", "cli/run.py")))


def test_git_outside_its_door_would_be_found():
    assert back_doors(list(imports_in("def late():\n    import dulwich.repo", "provenance/store.py")))
    assert not back_doors(list(imports_in("import dulwich.repo", "provenance/git/setup.py")))


def test_a_printing_verb_would_be_found():
    assert strangers(list(imports_in("from rich import print", "runs/launch.py")))


def test_a_circle_would_be_found():
    texts = {"a.py": "import stoa.b", "b.py": "from stoa.c import x", "c.py": "def late():\n    from stoa import a"}
    assert find_cycle(module_graph(texts)) == ["stoa.a", "stoa.b", "stoa.c", "stoa.a"]
