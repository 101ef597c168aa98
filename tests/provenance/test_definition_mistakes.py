"""Every mistake in a definition is told with file, line, field and, where there is one, the name that was meant."""

from __future__ import annotations

import pytest

from stoa.errors import StoaError
from stoa.provenance import yamltree
from stoa.provenance.definitions import check_name, read_config, read_local, read_process
from stoa.provenance.environment_definition import read_environment
from stoa.provenance.parameter_sets import override, read_parameter_set
from stoa.provenance.yamltree import MAX_BYTES, DefinitionError

HEAD = "name: peak\ncommand: [x]\n"
NAMES = "a name has letters, digits and . _ + - only, starts with a letter or digit, at most 120 characters"
FIELDS = (
    "known fields: schema, name, doc, script, files, command, shell, over, inputs, params, outputs, results,"
    " environment, timeout, grace, memory, memory_most, cpu_time, file_size, processes, disk, skip_codes, needs,"
    " over_products_of, intent, warm, formerly"
)
QUOTES = "a text that holds `: ` or ` #`, or begins with one of {}[]&*!|>%@`\"', is in quotes"


def mistake(read, text: str | bytes, *arguments) -> tuple[str, str | None]:
    """Message and hint of the error that a definition causes."""
    with pytest.raises(DefinitionError) as caught:
        read(text if isinstance(text, bytes) else text.encode(), "p.yaml", *arguments)
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty (p.yaml)"),
        ("# a comment\n", "the file is empty (p.yaml)"),
        ("words", "the file must be a mapping (`name: value` lines) (p.yaml, line 1)"),
        ("- a\n", "the file must be a mapping (`name: value` lines) (p.yaml, line 1)"),
        ("name: peak\n", "field 'command' is missing (p.yaml, line 1)"),
        ("command: [x]\n", "field 'name' is missing (p.yaml, line 1)"),
        (HEAD + "timeout:\n", "timeout has no value (p.yaml, line 3)"),
        (HEAD + "timeout: [5m]\n", "timeout must be one value, not a list (p.yaml, line 3)"),
        (HEAD + "timeout: 10min\n", "timeout must be a time such as 90s, 10m or 2h, got '10min' (p.yaml, line 3)"),
        (HEAD + "timeout: -5s\n", "timeout must be a time such as 90s, 10m or 2h, got '-5s' (p.yaml, line 3)"),
        (HEAD + "grace: 1001d\n", "grace must be at most 1000d, got '1001d' (p.yaml, line 3)"),
        (HEAD + "memory: 2\n", "memory must be a size such as 500MB or 2GB, got '2' (p.yaml, line 3)"),
        (HEAD + "memory: 0.1MB\n", "memory must be a size such as 500MB or 2GB, got '0.1MB' (p.yaml, line 3)"),
        (HEAD + "shell: yes\n", "shell must be true or false, got 'yes' (p.yaml, line 3)"),
        (HEAD + "over: rows\n", "over must be one of target, image, got 'rows' (p.yaml, line 3)"),
        (HEAD + "schema: 0\n", "there is no schema 0 (p.yaml, line 3)"),
        (HEAD + "schema: one\n", "schema must be a whole number, got 'one' (p.yaml, line 3)"),
        (HEAD + "script: ../f.py\n", "script must be a path below the repository, got '../f.py' (p.yaml, line 3)"),
        (HEAD + "script: /f.py\n", "script must be a path below the repository, got '/f.py' (p.yaml, line 3)"),
        (HEAD + "script: ./\n", "script must be a path below the repository, got './' (p.yaml, line 3)"),
        (HEAD + 'doc: "a\\0b"\n', "doc must be Unicode text without NUL, got 'a\\x00b' (p.yaml, line 3)"),
        ("name: peak\ncommand: []\n", "command is empty (p.yaml, line 2)"),
        ("name: peak\ncommand: [python, [x]]\n", "command[1] must be one value, not a list (p.yaml, line 2)"),
        (HEAD + "skip_codes: [0]\n", "skip_codes must be exit codes from 1 to 255 (p.yaml, line 3)"),
        (HEAD + "skip_codes: [256]\n", "skip_codes must be exit codes from 1 to 255 (p.yaml, line 3)"),
    ],
)
def test_a_wrong_field_is_named(text, message):
    assert mistake(read_process, text)[0] == message


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("inputs:\n  image: x", "inputs.image must be a mapping (`name: value` lines) (p.yaml, line 4)"),
        ("inputs:\n  image: {}", "inputs.image needs a role or a pattern, and not both (p.yaml, line 4)"),
        ("inputs:\n  v: {role: x, pattern: y}", "inputs.v needs a role or a pattern, and not both (p.yaml, line 4)"),
        (
            "inputs:\n  v: {pattern: ../x}",
            "inputs.v.pattern must be a path below the target's folder, got '../x' (p.yaml, line 4)",
        ),
        (
            "inputs:\n  v: {pattern: x, accept: [truncated]}",
            "inputs.v.accept is for inputs with a role (p.yaml, line 4)",
        ),
        (
            "outputs:\n  m: {path: m, kind: folder, share: git}",
            "outputs.m.share is for files, and a folder stays where the job wrote it (p.yaml, line 4)",
        ),
        ("inputs:\n  image: {role: []}", "inputs.image.role names no role (p.yaml, line 4)"),
        ("inputs:\n  meta: {role: x}", "the name 'meta' in inputs is a placeholder of its own (p.yaml, line 4)"),
        (
            "inputs:\n  2nd: {role: x}",
            "the name '2nd' in inputs must be letters, digits and _, not a digit first (p.yaml, line 4)",
        ),
        ("params:\n  snr: {default: 5}", "field 'type' is missing in params.snr (p.yaml, line 4)"),
        ("params:\n  n: {type: float, default: x}", "params.n.default must be a number, got 'x' (p.yaml, line 4)"),
        (
            "params:\n  n: {type: float, default: 1e999}",
            "params.n.default must be finite, got '1e999' (p.yaml, line 4)",
        ),
        ("params:\n  n: {type: float, default: .nan}", "params.n.default must be finite, got '.nan' (p.yaml, line 4)"),
        (
            "params:\n  n: {type: int, default: 5.0}",
            "params.n.default must be a whole number, got '5.0' (p.yaml, line 4)",
        ),
        (
            "params:\n  n: {type: int, default: 9223372036854775808}",
            "params.n.default does not fit in 64 bits, got '9223372036854775808' (p.yaml, line 4)",
        ),
        (
            "params:\n  n: {type: int, default: 0, min: 1}",
            "params.n.default must be at least 1, got 0 (p.yaml, line 4)",
        ),
        ("params:\n  n: {type: int, default: 9, max: 8}", "params.n.default must be at most 8, got 9 (p.yaml, line 4)"),
        ("params:\n  n: {type: int, min: 2, max: 1}", "params.n has a max below its min (p.yaml, line 4)"),
        (
            "params:\n  n: {type: str, min: 1}",
            "params.n.min is for numbers, and this parameter is of type str (p.yaml, line 4)",
        ),
        (
            "params:\n  n: {type: str, choices: [a, b], default: c}",
            "params.n.default must be one of a, b, got c (p.yaml, line 4)",
        ),
        (
            "params:\n  n: {type: int, min: 2, choices: [3, 1]}",
            "params.n.choices[1] must be at least 2, got 1 (p.yaml, line 4)",
        ),
        (
            "params:\n  snr: {type: int}\n  SNR: {type: int}",
            "the names 'snr' and 'SNR' in params differ in case only (p.yaml, line 5)",
        ),
        (
            "outputs:\n  t: {path: ../x}",
            "outputs.t.path must be a path below the job's directory, got '../x' (p.yaml, line 4)",
        ),
        (
            "outputs:\n  t: {path: x, kind: table}",
            "outputs.t.kind must be one of file, catalogue, image, folder, got 'table' (p.yaml, line 4)",
        ),
        (
            "results:\n  rms: {type: float, tolerance: -1%}",
            "results.rms.tolerance must be a relative difference such as 5% or 0.05, got '-1%' (p.yaml, line 4)",
        ),
    ],
)
def test_a_wrong_field_below_another_is_named_with_both(section, message):
    assert mistake(read_process, f"{HEAD}{section}\n")[0] == message


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (HEAD + "timout: 5m\n", "unknown field 'timout'; did you mean 'timeout'? (p.yaml, line 3)", FIELDS),
        (HEAD + "zzz: 5m\n", "unknown field 'zzz' (p.yaml, line 3)", FIELDS),
        ("name: peak\ncomand: [x]\n", "unknown field 'comand'; did you mean 'command'? (p.yaml, line 2)", FIELDS),
        (
            HEAD + "inputs:\n  image: {rule: x}\n",
            "unknown field 'rule' of inputs.image; did you mean 'role'? (p.yaml, line 4)",
            "known fields: role, pattern, optional, choose, accept, thumbnail, missing",
        ),
        (
            HEAD + "params:\n  n: {type: flaot}\n",
            "params.n.type must be one of bool, int, float, str, got 'flaot'; did you mean 'float'? (p.yaml, line 4)",
            None,
        ),
        ("name: a/b\ncommand: [x]\n", "'a/b' cannot name a definition (p.yaml, line 1)", NAMES),
        (HEAD + "environment: my env\n", "'my env' cannot name an environment (p.yaml, line 3)", NAMES),
        (HEAD + "needs: [../sep]\n", "'../sep' cannot name a process (p.yaml, line 3)", NAMES),
        (
            "name: peak\ncommand: python {script} --fast\n",
            "command must be a list of words (p.yaml, line 2)",
            'write [python, "{script}", --fast], or add `shell: true`',
        ),
        (
            "name: peak\ncommand: [python, {script}]\n",
            "command[1] must be one value, not a mapping (p.yaml, line 2)",
            'a text that begins with a brace is in quotes: "{script}"',
        ),
        (
            HEAD + "schema: 2\n",
            "schema 2 is newer than this STOA reads (up to 1) (p.yaml, line 3)",
            "`pip install --upgrade stoa-tracking`",
        ),
    ],
)
def test_what_mends_a_mistake_is_said(text, message, hint):
    assert mistake(read_process, text) == (message, hint)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (HEAD + "\tdoc: x\n", "not YAML: a tab (p.yaml, line 3)", "indent with blanks"),
        (HEAD + "inputs:\n\timage: {}\n", "not YAML: a tab (p.yaml, line 4)", "indent with blanks"),
        (HEAD + "doc: a: b\n", "not YAML: mapping values are not allowed in this context (p.yaml, line 3)", QUOTES),
        (HEAD + "---\nname: b\n", "a second document begins (p.yaml, line 3)", "remove the `---`"),
        (HEAD + "<<: {doc: x}\n", "a merge (<<), which STOA does not read (p.yaml, line 3)", "write the fields out"),
        (HEAD + "doc: x\ndoc: y\n", "field 'doc' is given twice, first in line 3 (p.yaml, line 4)", None),
        (
            HEAD + "doc: &d x\nscript: *d\n",
            "script is an alias ('*d'), which STOA does not read (p.yaml, line 4)",
            "write the value out",
        ),
        (
            HEAD + "doc: !!python/object/apply:os.system [x]\n",
            "doc has the tag '!!python/object/apply:os.system', which STOA does not read (p.yaml, line 3)",
            "remove the tag",
        ),
        (HEAD + "doc: \x1b[31m\n", "control character U+001B (p.yaml, line 3)", "remove it"),
        (
            HEAD + "<<<<<<< ours\ndoc: a\n=======\ndoc: b\n>>>>>>> theirs\n",
            "an unfinished merge (p.yaml, line 3)",
            (
                "keep the lines that are right, remove <<<<<<<, ======= and >>>>>>>, then `git commit`;"
                " `git merge --abort` takes the merge back"
            ),
        ),
        (
            b"name: peak\ndoc: caf\xe9 \n",
            "not UTF-8 text: invalid continuation byte (p.yaml, line 2)",
            "save it as UTF-8",
        ),
        (
            "\ufeffname: peak\n".encode("utf-16"),
            "not UTF-8 text: invalid start byte (p.yaml, line 1)",
            "save it as UTF-8",
        ),
    ],
)
def test_what_is_no_plain_yaml_is_told_with_its_line(text, message, hint):
    assert mistake(read_process, text) == (message, hint)


def test_a_file_of_any_size_and_depth_is_refused_at_once(monkeypatch):
    huge = mistake(read_process, b"#" * (MAX_BYTES + 1))[0]
    assert huge == "1000001 bytes are too many (at most 1000000) (p.yaml)"
    assert (
        mistake(read_process, HEAD + "doc: " + "[" * 900_000)[0] == "nested more than 20 levels deep (p.yaml, line 3)"
    )
    monkeypatch.setattr(yamltree, "MAX_VALUES", 5000)
    assert mistake(read_process, HEAD + "doc: [" + "a," * 400_000)[0] == "more than 5000 values (p.yaml, line 3)"


def test_a_set_of_very_many_values_is_refused_at_once():
    many = "values:\n" + "".join(f"  x{n}: 1\n" for n in range(30_000))
    assert mistake(read_parameter_set, many, PEAK, "deep")[0] == "process 'peak' has no parameter 'x0' (p.yaml, line 2)"


@pytest.mark.parametrize(
    "field", ["over: {0}", "timeout: {0}", "name: {0}", "? {0}\n: x", "doc: !{0} x", "needs: [*{0}]"]
)
def test_a_value_of_any_length_makes_a_short_message(field):
    message, _ = mistake(read_process, "command: [x]\n" + field.format("x" * 100_000) + "\n")
    assert len(message) < 200


ENVIRONMENT = "name: casa\nkind: host\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: casa\n", "field 'kind' is missing (p.yaml, line 1)"),
        (
            "name: casa\nkind: hots\n",
            "kind must be one of host, venv, docker, casa, got 'hots'; did you mean 'host'? (p.yaml, line 2)",
        ),
        (ENVIRONMENT + "environ: {A=B: x}\n", "'A=B' cannot name a variable (p.yaml, line 3)"),
        (ENVIRONMENT + "environ: {A: [x]}\n", "environ.A must be one value, not a list (p.yaml, line 3)"),
        (ENVIRONMENT + "pyhton: x\n", "unknown field 'pyhton'; did you mean 'python'? (p.yaml, line 3)"),
    ],
)
def test_a_wrong_environment_is_named(text, message):
    assert mistake(read_environment, text)[0] == message


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (read_config, "project: p\n", "field 'schema' is missing (p.yaml, line 1)"),
        (read_config, "schema: 1\nproject: p\nroots: {../x: data}\n", "'../x' cannot name a root (p.yaml, line 3)"),
        (
            read_config,
            "schema: 1\nproject: p\nreasons:\n  not good: x\n",
            "'not good' cannot name a reason code (p.yaml, line 4)",
        ),
        (
            read_config,
            "schema: 1\nproject: p\nchecksums: file\n",
            "checksums must be one of headers, files, got 'file'; did you mean 'files'? (p.yaml, line 3)",
        ),
        (read_local, "roots: {a b: /data}\n", "'a b' cannot name a root (p.yaml, line 1)"),
        (read_local, "jobs: -1\n", "jobs must be at least 0, got -1 (p.yaml, line 1)"),
        (read_local, "jobs: many\n", "jobs must be a whole number, got 'many' (p.yaml, line 1)"),
    ],
)
def test_wrong_settings_are_named(read, text, message):
    assert mistake(read, text)[0] == message


PEAK = read_process(
    b"name: peak\ncommand: [x]\nparams:\n"
    b"  snr: {type: float, default: 5, min: 1}\n  window: {type: int}\n  mode: {type: str, default: a}\n",
    "peak.yaml",
)
LIMITS = "`stoa process show peak` lists the parameters and their limits"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "values:\n  window: 3\n  snr: 0.5\n",
            "parameter 'snr' of process 'peak' must be at least 1, got 0.5 (p.yaml, line 3)",
            LIMITS,
        ),
        (
            "values: {windw: 3}\n",
            "process 'peak' has no parameter 'windw'; did you mean 'window'? (p.yaml, line 1)",
            LIMITS,
        ),
        (
            "values: {window: 3.5}\n",
            "parameter 'window' of process 'peak' must be a whole number, got '3.5' (p.yaml, line 1)",
            LIMITS,
        ),
        ("values: {window: [3]}\n", "values.window must be one value, not a list (p.yaml, line 1)", None),
        ("process: sep\n", "this set is for process 'sep', not 'peak' (p.yaml, line 1)", None),
        (
            "value: {}\n",
            "unknown field 'value'; did you mean 'values'? (p.yaml, line 1)",
            "known fields: schema, process, doc, values, rules, formerly",
        ),
        (
            "doc: deep\n",
            "parameter 'window' of process 'peak' has no default and set 'deep' gives no value (p.yaml, line 1)",
            "add `window: ...` to its values",
        ),
    ],
)
def test_a_wrong_parameter_set_is_named(text, message, hint):
    assert mistake(read_parameter_set, text, PEAK, "deep") == (message, hint)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"snr": "0"}, "parameter 'snr' of process 'peak' must be at least 1, got 0"),
        ({"snr": "٣"}, "parameter 'snr' of process 'peak' must be a number, got '٣'"),
        ({"window": "1_000"}, "parameter 'window' of process 'peak' must be a whole number, got '1_000'"),
        ({"window": " 3"}, "parameter 'window' of process 'peak' must be a whole number, got ' 3'"),
        ({"mode": "a\0b"}, "parameter 'mode' of process 'peak' must be Unicode text without NUL, got 'a\\x00b'"),
        ({"mode": "\udce9"}, "parameter 'mode' of process 'peak' must be Unicode text without NUL, got '\\udce9'"),
        ({"Snr": "4"}, "process 'peak' has no parameter 'Snr'; did you mean 'snr'?"),
    ],
)
def test_a_wrong_setting_is_named(setting, message):
    base = read_parameter_set(b"values: {window: 3}", "deep.yaml", PEAK, "deep")
    with pytest.raises(StoaError) as caught:
        override(PEAK, base, setting)
    assert (caught.value.message, caught.value.hint) == (message, LIMITS)


@pytest.mark.parametrize("name", ["", ".", "..", ".git", "-rf", "_a", "a b", "a/b", "a\n", "a\x1b", "é", "n" * 121])
def test_a_name_that_no_file_should_have_is_refused(name):
    with pytest.raises(StoaError, match="cannot name a target") as caught:
        check_name(name, "target")
    assert caught.value.hint == NAMES
    assert caught.value.message.isprintable()
