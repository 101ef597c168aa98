"""Clones that mean harm: each member changes a project as someone could who can push to it."""

# ruff: noqa: E501 -- what is planted reads better in one line

from __future__ import annotations

import gzip
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct


class Trap(Struct, frozen=True):
    """A project, and what a member aims at.

    Attributes
    ----------
    top
        The work tree of the one who means harm.
    clone
        The work tree of the one who pulls.
    run
        The id of a run in it.
    sentinel
        A file that is there as soon as something was executed.
    outside
        A folder with a file `secret`, which nothing may read.
    port
        Of a server on this machine, which notes who asks.
    """

    top: Path
    clone: Path
    run: str
    sentinel: Path
    outside: Path
    port: int

    def write(self, path: str, content: str | bytes) -> Path:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_symlink():
            file.unlink()
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
        return file

    def link(self, path: str, to: str | Path) -> None:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to(to)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.top / path).read_text(encoding="utf-8")
        assert old in text, (path, old)
        self.write(path, text.replace(old, new))

    @property
    def outcomes(self) -> str:
        return f".stoa/runs/{self.run}/outcomes-0000.yaml"

    @property
    def secret(self) -> Path:
        return self.outside / "secret"


def executed_definitions(trap: Trap) -> None:
    touch = f"[touch, {trap.sentinel}]"
    trap.write("tool.sh", f"#!/bin/sh\ntouch {trap.sentinel}\n").chmod(0o755)
    tool = trap.clone / "tool.sh"
    for name, fields in {
        "versions": f"kind: host\nversions: {{x: {touch}}}",
        "python": f"kind: host\npython: {tool}",
        "casa": f"kind: casa\npython: {tool}",
        "program": f"kind: casa\nexecutable: {tool}",
        "loader": f"kind: host\npython: /bin/true\nenviron: {{LD_PRELOAD: {tool}, PYTHONSTARTUP: {tool}}}",
    }.items():
        trap.write(f".stoa/environments/{name}.yaml", f"schema: 1\nname: {name}\n{fields}\n")
        trap.write(
            f".stoa/processes/p{name}.yaml", f"schema: 1\nname: p{name}\ncommand: ['true']\nenvironment: {name}\n"
        )


def executed_modules(trap: Trap) -> None:
    """Files that Python, git or matplotlib would find beside the project."""
    evil = f"open({str(trap.sentinel)!r}, 'w').close()\n"
    for name in (
        "evil",
        "json",
        "numpy",
        "astropy",
        "sitecustomize",
        "usercustomize",
        "matplotlib",
        "yaml",
        "conftest",
        "docker",
    ):
        trap.write(f"{name}.py", evil)
        trap.write(f"scripts/{name}.py", evil)
    trap.write("matplotlibrc", "backend: module://evil\ntext.usetex: True\n")
    trap.write("scripts/warm.py", "import evil, numpy\n")
    definition = 'schema: 1\nname: warm\nscript: scripts/warm.py\ncommand: [python, "{script}"]\nwarm: [evil, numpy]\n'
    trap.write(".stoa/processes/warm.yaml", definition)
    trap.write("pyvenv.cfg", f"home = {trap.outside}\n")
    trap.write(".pth", f"import os; os.system('touch {trap.sentinel}')\n")
    for hook in ("pre-commit", "post-merge", "post-checkout"):
        trap.write(f"hooks/{hook}", f"#!/bin/sh\ntouch {trap.sentinel}\n").chmod(0o755)
    trap.write(".gitattributes", "* filter=evil diff=evil merge=evil\n*.dat working-tree-encoding=UTF-16\n")
    trap.write(
        ".gitmodules",
        f'[submodule "x"]\n\tpath = x\n\turl = ext::touch {trap.sentinel}\n\tupdate = !touch {trap.sentinel}\n',
    )
    trap.write("ds9.py", evil)


def executed_expressions(trap: Trap) -> None:
    words = f"__import__('os').system('touch {trap.sentinel}')"
    trap.edit(
        ".stoa/config.yaml",
        "quality:",
        f'quality:\n  evil: "{words}"\n  power: "9**9**9**9 > snr"\n  deep: "{"(" * 200}snr{")" * 200} > 1"\n  old:',
    )
    trap.write(
        ".stoa/params/measure/evil.yaml",
        "process: measure\nname: evil\nrules:\n  - {where: \"load_extension('/tmp/x')\", values: {snr: 6}}\n  - {where: \"writefile('x', 'y')\", values: {snr: 7}}\n",
    )
    trap.write(".stoa/params/measure/tag.yaml", f"!!python/object/apply:os.system ['touch {trap.sentinel}']\n")
    trap.write(
        "table.ecsv",
        f"# %ECSV 1.0\n# ---\n# datatype:\n# - {{name: ra_deg, datatype: float64}}\n# meta: !!python/object/apply:os.system ['touch {trap.sentinel}']\nra_deg\n1.0\n",
    )
    trap.write("table.csv", f"ra_deg,dec_deg,name\n1,2,=cmd|'/c touch {trap.sentinel}'!A1\n")


def linked_definitions(trap: Trap) -> None:
    for path in (
        ".stoa/processes/x.yaml",
        ".stoa/params/measure/x.yaml",
        ".stoa/environments/x.yaml",
        ".stoa/targets/x.yaml",
    ):
        trap.link(path, trap.secret)


def linked_folder(trap: Trap) -> None:
    trap.link(".stoa/params", trap.outside) if not (trap.top / ".stoa/params").exists() else trap.link(
        ".stoa/params/x", trap.outside
    )


def linked_files(trap: Trap) -> None:
    """What definitions name outside of `.stoa`."""
    for name, place in {
        "script": trap.secret,
        "zero": "/dev/zero",
        "loop": "loop.sh",
        "home": os.path.expanduser("~"),
    }.items():
        trap.link(f"{name}.sh", place)
        trap.write(
            f".stoa/processes/{name}.yaml", f'schema: 1\nname: {name}\nscript: {name}.sh\ncommand: [sh, "{{script}}"]\n'
        )
        trap.write(
            f".stoa/environments/r{name}.yaml", f"schema: 1\nname: r{name}\nkind: venv\nrequirements: {name}.sh\n"
        )
        trap.write(
            f".stoa/environments/d{name}.yaml", f"schema: 1\nname: d{name}\nkind: docker\ndockerfile: {name}.sh\n"
        )
        trap.write(
            f".stoa/processes/e{name}.yaml", f"schema: 1\nname: e{name}\ncommand: ['true']\nenvironment: r{name}\n"
        )
    trap.write(
        ".stoa/processes/beside.yaml",
        'schema: 1\nname: beside\nscript: measure.sh\nfiles: [script.sh]\ncommand: [sh, "{script}"]\n',
    )
    trap.link("table.csv", trap.secret)
    trap.link("table.vot", "/dev/zero")


def linked_products(trap: Trap) -> None:
    for record in map(json.loads, (line[2:] for line in (trap.top / trap.outcomes).read_text().splitlines())):
        if not record.get("place"):
            continue
        folder = record["place"].replace("products:", "products/", 1)
        for name in ("stoa-log.txt", "sources.csv", "table.txt"):
            trap.link(f"{folder}/{name}", trap.secret)


def linked_data(trap: Trap) -> None:
    for name, place in {
        "x.fits": trap.secret,
        "y.fits": "/dev/zero",
        "README": trap.secret,
        "z.fits.gz": trap.secret,
    }.items():
        trap.link(f"data/a/{name}", place)
    trap.link("data/a/qa", trap.outside)
    trap.link("data/d", trap.outside)
    trap.write(".stoa/targets/more.yaml", '- {"name": "d", "root": "data", "path": "d"}\n')


def paths_that_leave(trap: Trap) -> None:
    text = (trap.top / trap.outcomes).read_text()
    trap.write(trap.outcomes, text.replace('"products:', f'"products:../../{trap.outside.name}/'))
    up = os.path.relpath(trap.outside, trap.top / "data")
    trap.write(
        ".stoa/targets/more.yaml",
        f'- {{"name": "up", "root": "data", "path": "{up}"}}\n- {{"name": "abs", "root": "data", "path": "{trap.outside}"}}\n',
    )
    trap.write(
        ".stoa/processes/up.yaml",
        f'schema: 1\nname: up\nscript: ../{trap.outside.name}/secret\ncommand: [sh, "{{script}}"]\noutputs: {{x: {{path: ../../../x}}}}\n',
    )


def tables_elsewhere(trap: Trap) -> None:
    def table(href: str) -> str:
        return (
            '<?xml version="1.0"?>\n<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
            '<FIELD name="ra_deg" datatype="double"/><FIELD name="dec_deg" datatype="double"/><DATA><BINARY2>'
            f'<STREAM href="{href}"/></BINARY2></DATA></TABLE></RESOURCE></VOTABLE>\n'
        )

    trap.write("table.vot", table(f"http://127.0.0.1:{trap.port}/x"))
    trap.write("table.csv", table(f"file://{trap.secret}"))
    trap.write(
        "table.xml", f'<?xml version="1.0"?><!DOCTYPE v [<!ENTITY x SYSTEM "file://{trap.secret}">]>\n' + table("&x;")
    )
    entity = f'<!DOCTYPE project [<!ENTITY x SYSTEM "file://{trap.secret}"><!ENTITY y SYSTEM "http://127.0.0.1:{trap.port}/y">]>\n'
    trap.write(".stoa/meta/a.xml", f'{entity}<project><group key="x"><file>&x;&y;</file></group></project>\n')
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    trap.write(
        ".stoa/meta/b.xml",
        f'<!DOCTYPE project [<!ENTITY l0 "ha">{laughs}]>\n<project><group key="x"><file>&l11;</file></group></project>\n',
    )
    trap.write(
        ".stoa/meta/c.xml",
        f'<project xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{trap.secret}" parse="text"/></project>\n',
    )


def tables_that_swell(trap: Trap) -> None:
    trap.write("table.csv.gz", _swollen())
    header = _cards(
        "XTENSION= 'BINTABLE'",
        "BITPIX  = 8",
        "NAXIS   = 2",
        "NAXIS1  = 8000000000",
        "NAXIS2  = 999999999",
        "PCOUNT  = 0",
        "GCOUNT  = 1",
        "TFIELDS = 1",
        "TTYPE1  = 'ra_deg'",
        "TFORM1  = '999999999D'",
    )
    primary = _cards("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0")
    trap.write("table.fits", primary + header)
    trap.write(
        "data/a/huge.fits",
        _cards("SIMPLE  = T", "BITPIX  = -64", "NAXIS   = 2", "NAXIS1  = 99999999", "NAXIS2  = 99999999") + bytes(2880),
    )
    trap.write("data/b/endless.fits", _cards("SIMPLE  = T", "BITPIX  = -32", "NAXIS   = 999", end=False) * 300)
    trap.write(
        "table.vot",
        '<VOTABLE><RESOURCE><TABLE><FIELD name="ra_deg" datatype="double" arraysize="999999999"/><DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>',
    )
    trap.write("table.parquet", b"PAR1" + bytes(100) + struct.pack("<I", 0x7FFFFFFF) + b"PAR1")


def _swollen() -> bytes:
    piece = gzip.compress(b"1,2\n" * 2_500_000)
    return gzip.compress(b"ra_deg,dec_deg\n") + piece * 40  # members one after the other: 400 MB


def _cards(*cards: str, end: bool = True) -> bytes:
    text = "".join(card.ljust(80) for card in (*cards, *(["END"] if end else [])))
    return text.ljust(-(-len(text) // 2880) * 2880).encode()


def yaml_that_swells(trap: Trap) -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    trap.write(".stoa/processes/laughs.yaml", "\n".join(lines) + "\n")
    trap.write(".stoa/processes/deep.yaml", "[" * 100_000)
    trap.write(".stoa/processes/digits.yaml", f"schema: {'9' * 100_000}\nname: digits\n")
    trap.write(".stoa/environments/long.yaml", f"schema: 1\nname: long\nkind: host\ndoc: {'x' * 900_000}\n")
    trap.write(
        ".stoa/roles.yaml",
        "schema: 1\nrules:\n"
        + "".join(
            f"  - {{name: r{n}, role: mask, stem: '(a?){{30}}{{a}}(.*)(.*)(.*)x{n}'}}\n".replace("{a}", "a{30}")
            for n in range(50)
        ),
    )
    trap.write(
        f".stoa/runs/{trap.run}/outcomes-0001.yaml", "- " + "[" * 500_000 + "\n" + "- {" + '"a": {' * 5000 + "\n"
    )
    trap.write(
        ".stoa/targets/many.yaml",
        "".join(f'- {{"name": "n{n}", "root": "data", "path": "n{n}"}}\n' for n in range(3000)),
    )


def expressions_that_take_long(trap: Trap) -> None:
    for name, where in {
        "blob": "instr(zeroblob(90000000), zeroblob(45000000) || x'01') > 0",
        "like": "hex(zeroblob(120000)) LIKE '%' || hex(zeroblob(20000)) || '1'",
        "replace": "length(replace(hex(zeroblob(120000)), '0', hex(zeroblob(100000)))) > 0",
    }.items():
        trap.write(
            f".stoa/params/measure/{name}.yaml",
            json.dumps({"process": "measure", "name": name, "rules": [{"where": where, "values": {"snr": 6}}]}),
        )


def needs_that_merge(trap: Trap) -> None:
    for layer in range(40):
        needs = "[]" if layer == 39 else f"[l{layer + 1}a, l{layer + 1}b]"
        for side in "ab":
            trap.write(
                f".stoa/processes/l{layer}{side}.yaml",
                f"schema: 1\nname: l{layer}{side}\ncommand: ['true']\nneeds: {needs}\n",
            )
    trap.write(".stoa/processes/ring.yaml", "schema: 1\nname: ring\ncommand: ['true']\nneeds: [ring]\n")


def documents_of_many_groups(trap: Trap) -> None:
    groups = "".join(
        f'<group key="g{n}"><file FILETYPE="image" NAXIS1="1">g{n}.image.fits</file></group>' for n in range(5000)
    )
    trap.write(".stoa/meta/a.xml", f'<project><group key="Products">{groups}</group></project>\n')


def records_with_odd_values(trap: Trap) -> None:
    first, *rest = (trap.top / trap.outcomes).read_text().splitlines()
    record = json.loads(first[2:])
    odd = [
        {"environment": "elsewhere"},
        {"duration_s": -1e308},
        {"started": "0001-01-01T00:00:00+00:00"},
        {"started": "9999-12-31T23:59:59-23:59"},
        {"attempt": 2**62},
        {"results": {"snr": 1e308, "x": True}},
        {"cause": "$\\frac{ [bold]\x1b[31m" * 50},
        {"group": "../../x"},
        {"group": "x/y"},
        {"inputs": {"a": {"path": "nowhere", "size": -5, "sha256": "x"}}},
        {"outputs": {"table": {"path": "data:../../x", "size": 2**62, "sha256": ""}}},
        {"overrides": {"values": {"snr": "x"}}},
        {"place": "products:"},
        {"place": "x"},
        {"exit_code": 2**40},
        {"peak_memory_mb": 1e300},
    ]
    lines = [json.dumps({**record, "attempt": number + 2, **change}) for number, change in enumerate(odd)]
    trap.write(trap.outcomes, "\n".join([first, *rest, *(f"- {line}" for line in lines), ""]))
    trap.write(
        f".stoa/reviews/a/{trap.run}.yaml",
        f'schema: 1\nid: {trap.run}\nkind: unflag\ntarget: a\nauthor: {{name: "\\u0007", email: ""}}\ntime: 2026-11-22T10:00:00+00:00\nclears: [x, {trap.run}]\n',
    )


def runs_with_odd_fields(trap: Trap) -> None:
    file = f".stoa/runs/{trap.run}/run.yaml"
    text = (trap.top / file).read_text()
    start = text.index("\ndigests:")
    end = text.index("\n", text.index("environment_facts:", start))
    trap.write(file, text[:start] + "\ndigests: {}\nenvironment_facts: {}" + text[end:].replace("\n  ", "\n#  "))
    trap.write(
        f".stoa/runs/{trap.run}/summary.yaml",
        f"schema: 1\nrun: {trap.run}\nfinished: 9999-12-31T23:59:59-23:59\nduration_s: 1.0e+308\ncounts: {{ok: 9223372036854775807}}\n",
    )
    other = "20991231T235959-zzzzzz"
    trap.write(f".stoa/runs/{other}/run.yaml", text.replace(trap.run, other))


def text_with_markup(trap: Trap) -> None:
    evil = "</script><script>alert(1)</script> $\\input{/etc/passwd}$ \\write18{x} =1+1 ![x](http://127.0.0.1:1/) `x` | {{x}} %s"
    trap.edit(".stoa/config.yaml", "reasons:", "reasons:\n  " + json.dumps(evil) + ": " + json.dumps(evil) + "\n  old:")
    record = [json.loads(line[2:]) for line in (trap.top / trap.outcomes).read_text().splitlines()]
    trap.write(trap.outcomes, "".join(f"- {json.dumps({**one, 'cause': evil, 'log': evil})}\n" for one in record))
    trap.edit(".stoa/processes/measure.yaml", "doc: measures what there is", f"doc: {json.dumps(evil)}")


def names_that_are_options(trap: Trap) -> None:
    """Files and branches that begin as options do."""
    for name in ("--upload-pack=x", "-x", "--help", "*", "a b", "é\udce9"):
        try:
            trap.write(f"data/{name}/x", "x")
            trap.write(name, "x")
        except OSError:
            continue
    trap.write(
        ".stoa/targets/odd.yaml",
        '- {"name": "-x", "root": "data", "path": "-x"}\n- {"name": "failed", "root": "data", "path": "a b"}\n- {"name": ".work", "root": "data", "path": "*"}\n',
    )


MEMBERS: tuple[Callable[[Trap], None], ...] = (
    executed_definitions, executed_modules, executed_expressions, linked_definitions, linked_folder, linked_files,
    linked_products, linked_data, paths_that_leave, tables_elsewhere, tables_that_swell, yaml_that_swells,
    expressions_that_take_long, needs_that_merge, documents_of_many_groups, records_with_odd_values, runs_with_odd_fields,
    text_with_markup, names_that_are_options,
)  # fmt: skip


def looks(run: str) -> list[list[str]]:
    """Commands that look, judge and share: none of them may execute anything of the project."""
    pair = "find@default"
    lines = [
        "status", "status --look --targets", "results measure", "results find", "runs", f"runs {pair}", "show a", f"show {run}", "log a", "log b",
        "open a", f"diff {run} {run}", "diff measure@default measure@default", "reviews", "reviews a", "root list", "target list",
        "target list --columns all", "target show a", "meta show a", "meta check", "meta check --overview", "meta build", "meta explain data/a/x.fits",
        "process list", "process show measure", "process check", "params list measure", "params show measure@default",
        "params diff measure@default measure@default", "env list", "env show host", "plan measure", "plan find", "why measure a", "run measure --dry-run",
        f"rerun {run} --dry-run", f"catalogue stack {pair} --out s.csv", f"catalogue stack {pair} --quality --out q.vot",
        f"catalogue match {pair} table.csv --radius 5arcsec --out m.csv", f"catalogue export {pair} --out e.ecsv",
        f"catalogue plot {pair} --kind causes --out c.png", f"catalogue plot {pair} --kind sky --out k.png", f"catalogue limits {pair} table.csv --out l.csv",
        f"publish {pair} --to paper --products --stale-ok", "flag a --reason check -m x", "unflag a", "comment a -m x", "fsck", "fsck --products",
        "doctor", "sync", "help run",
    ]  # fmt: skip
    found = [line.split(" ") for line in lines]
    return [*found, ["query", "select count(*), max(length(record)) from outcomes"]]


def looks_at(top: Path) -> list[list[str]]:
    """Commands about what a member has added."""
    found = [["env", "show", file.stem] for file in sorted((top / ".stoa/environments").glob("*.yaml"))]
    found += [
        ["catalogue", "export", name, "--out", "x.csv"]
        for name in sorted(os.listdir(top))
        if name.startswith(("table.", "sparse."))
    ]
    found += [["process", "show", file.stem] for file in sorted((top / ".stoa/processes").glob("*.yaml"))[:6]]
    found += [
        ["params", "show", f"measure@{file.stem}", "--target", "a"]
        for file in sorted((top / ".stoa/params/measure").glob("*.yaml"))
    ]
    scripts = sorted(name for name in os.listdir(top) if name.endswith((".sh", ".py")))[:6]
    return found + [["process", "new", f"n{number}", "--from", name] for number, name in enumerate(scripts)]


def runs(run: str) -> list[list[str]]:
    """Commands that are asked to execute scripts."""
    return [
        ["run", "measure", "-j", "1"],
        ["run", "measure", "-j", "1", "--force"],
        ["rerun", run, "-j", "1"],
        ["reproduce", run],
        ["run", "find", "-j", "1"],
    ]
