"""What a user may get wrong, and the message that says how to mend it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from survey import PROCESS, Survey

from stoa.exec.engines import ENGINES

PROCESS_FILE = ".stoa/processes/measure.yaml"
LIMITS = "hint: `stoa process show measure` lists the parameters and their limits"
AT_TARGETS = "hint: `stoa target list` shows the targets"


@pytest.fixture
def plain(repo, cli) -> Survey:
    """A repository without a project."""
    return Survey(repo, cli)


# Where nothing can be recorded.


def test_outside_any_repository(tmp_path, cli):
    nowhere = Survey(tmp_path, cli)
    assert nowhere.error("init") == [
        f"error: {tmp_path} is in no git repository",
        "hint: `git init` makes one here, then `stoa init`",
    ]
    assert nowhere.error("status") == [
        f"error: {tmp_path} is in no STOA project",
        "hint: `stoa init` makes one in a git repository",
    ]


def test_in_a_repository_without_a_project(plain):
    assert plain.error("run", "measure") == [
        f"error: {plain.top} is in no STOA project",
        "hint: `stoa init` makes one in a git repository",
    ]


def test_in_a_bare_repository(tmp_path, git, cli):
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    assert Survey(tmp_path / "bare.git", cli).error("init") == [
        f"error: {tmp_path}/bare.git is a bare git repository: it has no work tree to keep definitions in",
        "hint: clone it and work in the clone",
    ]


def test_where_a_project_is_already(survey):
    assert survey.error("init") == [
        f"error: {survey.top} has a .stoa folder already",
        "hint: `stoa status` shows what is in it",
    ]


def test_in_a_folder_that_does_not_exist(plain):
    assert plain.error("init", "nosuch") == [f"error: {plain.top}/nosuch is not a folder", "hint: make it first"]


def conflicting(survey: Survey) -> None:
    """Two branches that changed the same line."""
    survey.git("switch", "--quiet", "--create", "other")
    (survey.top / ".gitignore").write_text("theirs\n", encoding="utf-8")
    survey.git("commit", "--quiet", "--all", "--message", "theirs")
    survey.git("switch", "--quiet", "main")
    (survey.top / ".gitignore").write_text("ours\n", encoding="utf-8")
    survey.git("commit", "--quiet", "--all", "--message", "ours")


@pytest.mark.parametrize("kind", ["merge", "rebase"])
@pytest.mark.parametrize("words", [("run", "measure"), ("flag", "a"), ("root", "add", "more", "data"), ("sync",)])
def test_in_the_middle_of_a_merge_or_rebase(survey, kind, words):
    conflicting(survey)
    with pytest.raises(AssertionError, match=f"git {kind} other"):
        survey.git(kind, "other")
    before = survey.head()
    assert survey.error(*words) == [
        f"error: a {kind} is under way in {survey.top}",
        f"hint: finish it first: `git {kind} --continue` or `git {kind} --abort`",
    ]
    assert survey.head() == before


def test_what_only_looks_works_in_the_middle_of_a_merge(survey):
    survey.ok("run", "measure")
    conflicting(survey)
    with pytest.raises(AssertionError, match="git merge other"):
        survey.git("merge", "other")
    assert survey.json("status")["pairs"][0]["counts"] == {"ok": 3}


def test_on_a_detached_head(survey):
    survey.git("checkout", "--quiet", "--detach")
    assert survey.error("run", "measure") == [
        f"error: {survey.top} is on a detached HEAD: a record committed here would be lost at the next checkout",
        "hint: `git switch BRANCH`, or `git switch -c NEW`",
    ]
    assert survey.ok("status").split(":")[0].endswith("on branch (detached)")


def test_without_git(survey, monkeypatch, tmp_path):
    for name in ("sh", "env"):
        (tmp_path / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert survey.error("run", "measure") == [
        "error: git is not installed",
        "hint: `apt-get install git`, or your system's way",
    ]


def test_commits_that_cannot_be_signed(survey):
    survey.git("config", "commit.gpgsign", "true")
    survey.git("config", "gpg.program", "/bin/false")
    message, hint = survey.error("run", "measure", "--quiet")
    run = survey.json("runs")[-1]["run"]
    assert message.startswith("error: git could not sign the commit: `git commit-tree` failed: ")
    assert message.endswith(f"; what has ended is kept in {survey.top}/.git/stoa/spool/{run}")
    assert hint == (
        "hint: git is set up to sign commits: `git config user.signingkey` names the key,"
        " `git config commit.gpgsign false` signs none; then `stoa status` commits it"
    )
    survey.git("config", "commit.gpgsign", "false")
    survey.ok("status")
    assert survey.statuses(run) == {"a": "ok", "b": "ok", "c": "ok"}


def test_without_an_identity(survey, monkeypatch, tmp_path):
    settings = tmp_path / "gitconfig"
    settings.write_text("[user]\n  useConfigOnly = true\n", encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    for words in (("run", "measure"), ("flag", "a")):
        assert survey.error(*words) == [
            "error: git does not know who you are, and every record names its author",
            'hint: `git config --global user.name "Your Name"` and `git config --global user.email you@example.org`',
        ]


# Names that stand for nothing.


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("run", "mesure"), "no process named 'mesure'; did you mean 'measure'?",
         "`stoa process list` shows them, `stoa process add` and `stoa process new` make one"),
        (("run", "measure", "--params", "defualt"),
         "no parameter set of process 'measure' named 'defualt'; did you mean 'default'?",
         "`stoa params list --process measure` shows them, `stoa params new` makes one"),
        (("run", "measure", "--env", "hots"), "no environment named 'hots'; did you mean 'host'?",
         "`stoa env list` shows them"),
        (("run", "measure", "--engine", "locla"), "no engine named 'locla'; did you mean 'local'?",
         f"engines: {', '.join(ENGINES)}"),
        (("run", "measure", "--target", "d"), "no target named 'd'", AT_TARGETS[6:]),
        (("run", "measure", "--target", "x*"), "no target matches 'x*'", AT_TARGETS[6:]),
        (("why", "measure", "d"), "no target named 'd'", AT_TARGETS[6:]),
        (("why", "mesure", "a"), "no process named 'mesure'; did you mean 'measure'?",
         "`stoa process list` shows them, `stoa process add` and `stoa process new` make one"),
        (("show", "d"), "no target named 'd'", AT_TARGETS[6:]),
        (("log", "d"), "no target named 'd'", AT_TARGETS[6:]),
        (("flag", "d"), "no target named 'd'", AT_TARGETS[6:]),
        (("reviews", "d"), "no target named 'd'", AT_TARGETS[6:]),
        (("meta", "show", "d"), "no target named 'd'", AT_TARGETS[6:]),
        (("meta", "show", "a"), "target 'a' has no metadata document yet", "`stoa meta build` makes it"),
        (("log", "a"), "target 'a' has no outcome", "`stoa show a` shows what there is"),
        (("show", "last"), "nothing has run yet", "`stoa run PROCESS` runs a process"),
        (("rerun",), "nothing has run yet", "`stoa run PROCESS` runs a process"),
        (("status", "--process", "mesure"), "no process named 'mesure'; did you mean 'measure'?",
         "`stoa process list` shows them"),
        (("process", "add", "sepp"), "no shipped process named 'sepp'; did you mean 'sep'?",
         "shipped: aegean, sep, sextractor, standardise, tclean; `stoa process new` makes one of yours"),
        (("env", "show", "hots"), "no environment named 'hots'; did you mean 'host'?", "`stoa env list` shows them"),
        (("target", "add", "dat", "*"), "no root named 'dat'; did you mean 'data'?", "`stoa root list` shows them"),
        (("flag", "a", "--reason", "artfacts"), "no reason code 'artfacts'; did you mean 'artefacts'?",
         "codes in .stoa/config.yaml: artefacts, calibration, wrong-source, no-detection, spurious, incomplete, check"),
    ],
)  # fmt: skip
def test_an_unknown_name(survey, words, message, hint):
    assert survey.error(*words) == [f"error: {message}", f"hint: {hint}"]


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("20300101", "no run named '20300101'",
         "`stoa runs` lists the runs; PROCESS@SET names the latest outcomes"),
        ("measrue", "no run named 'measrue'",
         "`stoa runs` lists the runs; PROCESS@SET names the latest outcomes"),
        ("measure@defualt", "nothing has run as 'measure@defualt'; did you mean 'measure@default'?",
         "there are outcomes of measure@default"),
    ],
)  # fmt: skip
def test_an_unknown_run(survey, name, message, hint):
    survey.ok("run", "measure")
    assert survey.error("rerun", name) == [f"error: {message}", f"hint: {hint}"]


def test_a_process_alone_that_has_run_with_several_sets(survey):
    survey.ok("run", "measure")
    assert survey.json("diff", "measure", "last")["run_a"] == survey.runs()[0]
    survey.ok("params", "new", "other", "--process", "measure")
    survey.ok("run", "measure", "-p", "other")
    assert survey.error("diff", "measure", "last") == [
        "error: measure has run as 2 pairs", "hint: which one? measure@default, measure@other"
    ]  # fmt: skip


def test_a_start_that_several_runs_have(survey):
    survey.ok("run", "measure")
    survey.ok("rerun")
    assert survey.error("show", "20")[0] == "error: '20' is the start of 2 runs"


@pytest.mark.parametrize("word", ["statsu", "rnu", "catalog"])
def test_an_unknown_verb_exits_with_2(survey, word):
    near = {"statsu": "status", "rnu": "run", "catalog": "catalogue"}[word]
    result = survey(word)
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        2, f"Error: No such command '{word}'. Did you mean '{near}'?",
    )  # fmt: skip


@pytest.mark.parametrize(
    "words", [("run",), ("run", "measure", "--nosuch"), ("run", "measure", "-j", "-1"), ("flag", "a", "--jsn"), ()]
)
def test_wrong_usage_exits_with_2(survey, words):
    assert survey(*words).exit_code == 2


# Definitions.


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("doc: measures", "dco: measures", "unknown field 'dco'; did you mean 'doc'? ({file}, line 3)"),
        ("default: 5, min: 1", "defalt: 5, min: 1",
         "unknown field 'defalt' of params.snr; did you mean 'default'? ({file}, line 7)"),
        ("type: float, default: 5", "type: flaot, default: 5",
         "params.snr.type must be one of bool, int, float, str, got 'flaot'; did you mean 'float'? ({file}, line 7)"),
        ("default: 5, min", "default: five, min", "params.snr.default must be a number, got 'five' ({file}, line 7)"),
        ("default: 5, min", "default: 0.5, min", "params.snr.default must be at least 1, got 0.5 ({file}, line 7)"),
        ("default: 3", "default: 3.5", "params.n.default must be a whole number, got '3.5' ({file}, line 10)"),
        ("default: false", "default: no", "params.deep.default must be true or false, got 'no' ({file}, line 9)"),
        ("command: [sh", "comand: [sh", "unknown field 'comand'; did you mean 'command'? ({file}, line 5)"),
        ("name: measure", "name: measur", "the file of process 'measure' defines 'measur' ({file})"),
        ("schema: 1", "schema: 2", "schema 2 is newer than this STOA reads (up to 1) ({file}, line 1)"),
        ("schema: 1", "schema: [", "not YAML: "),
        ("{params.snr}", "{params.sn}",
         "command of process 'measure': unknown placeholder {params.sn} in argument 4; did you mean {params.snr}?"),
        ("{params.snr}", "{snr", "command of process 'measure': a single '{' in argument '{snr'"),
        ("outputs:", "needs: [sep]\noutputs:", "no process that 'measure' needs named 'sep'"),
        ("outputs:", "needs: [measure]\noutputs:", "processes need each other: measure -> measure"),
        ("outputs:", "needs: [sep, sep@deep]\noutputs:", "needs has process 'sep' twice ({file}, line 11)"),
        (
            "outputs:",
            "over_products_of: [sep, sep@deep]\noutputs:",
            "over_products_of has process 'sep' twice ({file}, line 11)",
        ),
        ("outputs:", "needs: {sep: {}}\noutputs:", "a process in needs is a word, NAME or NAME@SET ({file}, line 11)"),
        ("outputs:", "needs: [sep@]\noutputs:", "'' cannot name a parameter set ({file}, line 11)"),
    ],
)  # fmt: skip
def test_a_wrong_process(survey, old, new, message):
    survey.edit(PROCESS_FILE, old, new)
    assert survey.error("run", "measure")[0].startswith("error: " + message.replace("{file}", PROCESS_FILE))
    assert survey("process", "check").exit_code == 1


def test_an_empty_process_file(survey):
    (survey.top / PROCESS_FILE).write_text("", encoding="utf-8")
    assert survey.error("run", "measure")[0] == f"error: the file is empty ({PROCESS_FILE})"


def test_a_process_file_that_is_no_text(survey):
    (survey.top / PROCESS_FILE).write_bytes(b"name: \xff\xfe\n")
    assert survey.error("plan", "measure")[0] == (f"error: not UTF-8 text: invalid start byte ({PROCESS_FILE}, line 1)")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("snr=0.5", "parameter 'snr' of process 'measure' must be at least 1, got 0.5"),
        ("snr=101", "parameter 'snr' of process 'measure' must be at most 100, got 101"),
        ("snr=deep", "parameter 'snr' of process 'measure' must be a number, got 'deep'"),
        ("snr=nan", "parameter 'snr' of process 'measure' must be finite, got 'nan'"),
        ("snr=3,x", "parameter 'snr' of process 'measure' must be a number, got 'x'"),
        ("n=1e3", "parameter 'n' of process 'measure' must be a whole number, got '1e3'"),
        ("deep=no", "parameter 'deep' of process 'measure' must be true or false, got 'no'"),
        ("mode=quick", "parameter 'mode' of process 'measure' must be one of fast, slow, got quick"),
        ("snrr=4", "process 'measure' has no parameter 'snrr'; did you mean 'snr'?"),
    ],
)
def test_a_wrong_value_on_the_command_line(survey, setting, message):
    assert survey.error("run", "measure", "--set", setting, "--dry-run") == [f"error: {message}", LIMITS]
    if "," not in setting:
        assert survey.error("params", "new", "mine", "--process", "measure", "--set", setting) == [
            f"error: {message}",
            LIMITS,
        ]


def test_a_setting_without_a_value(survey):
    assert survey.error("run", "measure", "--set", "snr") == [
        "error: 'snr' is not a setting",
        "hint: write NAME=VALUE, for example `--set snr=4`",
    ]


def test_a_parameter_that_is_set_twice(survey):
    assert survey.error("run", "measure", "--set", "snr=4", "--set", "snr=5") == [
        "error: 'snr' is set twice",
        "hint: give several values of one parameter as snr=3,5,7",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("process: measure\nvalues: {snr: 0.5}\n",
         "parameter 'snr' of process 'measure' must be at least 1, got 0.5 ({file}, line 2)"),
        ("process: measure\nvalues:\n  mode: fast\n  snrr: 4\n",
         "process 'measure' has no parameter 'snrr'; did you mean 'snr'? ({file}, line 4)"),
        ("proces: measure\n", "unknown field 'proces'; did you mean 'process'? ({file}, line 1)"),
        ("process: sep\n", "this set is for process 'sep', not 'measure' ({file}, line 1)"),
        ("values: [snr, 4]\n", "values must be a mapping (`name: value` lines) ({file}, line 1)"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_set(survey, text, message):
    file = survey.top / ".stoa/params/measure/mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    assert survey.error("run", "measure", "--params", "mine")[0] == "error: " + message.format(
        file=".stoa/params/measure/mine.yaml"
    )


@pytest.mark.parametrize(
    ("words", "rest", "what"),
    [
        (("process", "new", "--from", "measure.sh"), (), "process"),
        (("params", "new", "--process", "measure"), (), "parameter set"),
        (("env", "add"), (), "environment"),
        (("root", "add"), ("data",), "root"),
    ],
)
@pytest.mark.parametrize("name", ["a/b", "../x", "-rf", "", "x y", "n" * 121])
def test_a_name_that_no_file_should_have(survey, words, rest, what, name):
    before = survey.head()
    error, hint = survey.error(*words, "--", name, *rest)
    assert error.startswith(f"error: {name!r}"[:60])
    assert error.endswith(f" cannot name {'an' if what == 'environment' else 'a'} {what}")
    assert hint == (
        "hint: a name has letters, digits and . _ + - only, starts with a letter or digit, at most 120 characters"
    )
    assert survey.head() == before


def test_a_definition_of_that_name_exists(survey):
    assert survey.error("process", "new", "measure", "--from", "measure.sh") == [
        f"error: there is a process 'measure' already ({PROCESS_FILE})",
        "hint: edit it, or remove it first",
    ]
    assert survey.error("env", "add", "host")[0] == (
        "error: there is an environment 'host' already (.stoa/environments/host.yaml)"
    )


# Scripts.


def test_a_script_that_is_missing(survey):
    (survey.top / "measure.sh").unlink()
    lines = [
        "error: the script measure.sh of process 'measure' does not exist",
        f"hint: it is looked for at {survey.top}/measure.sh; `stoa process show measure` shows the definition",
    ]
    assert survey.error("run", "measure") == lines


def test_a_script_that_is_not_executable(survey):
    survey.edit(PROCESS_FILE, 'sh, "{script}"', '"{script}"')
    assert survey.error("run", "measure") == [
        "error: the script measure.sh of process 'measure' is not executable",
        "hint: `chmod +x measure.sh`, or name its interpreter in the command",
    ]
    (survey.top / "measure.sh").chmod(0o755)
    survey.ok("run", "measure")


def test_a_command_that_is_not_there_is_an_error_of_each_job(survey):
    survey.edit(PROCESS_FILE, "[sh,", "[aegean-of-old,")
    survey("run", "measure", "--target", "a")
    assert (survey.statuses()["a"], survey.outcomes()["a"]["cause"]) == ("error", "command 'aegean-of-old' not found")


def test_a_script_for_a_new_process_has_to_be_in_the_repository(survey, tmp_path):
    assert survey.error("process", "new", "x", "--from", "nosuch.py")[0] == "error: the script nosuch.py does not exist"
    outside = tmp_path / "outside.py"
    outside.touch()
    assert survey.error("process", "new", "x", "--from", outside) == [
        f"error: the script {outside} is outside {survey.top}",
        "hint: keep it in the repository, it is recorded",
    ]


def test_an_output_that_was_promised_and_is_missing(survey):
    survey.edit("measure.sh", "> table.txt", "> tabel.txt")
    survey("run", "measure", "--target", "a")
    assert survey.statuses()["a"] == "failed"
    assert survey.outcomes()["a"]["cause"] == "declared output 'table' (table.txt) is missing"


# Targets.

ODD = [
    " leading and trailing ", "new\nline", "tab\tbed", "ünïcode ΔЙק", "-rf", "[KAG2008] globule 13", "it's \"quoted\"",
    "$(touch pwned)", "`touch pwned`; touch pwned", "semi;colon|pipe&", "x" * 250, "*", "{target}", "%s", "\u202egnp",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_folder_with_an_odd_name_is_a_target_like_any_other(survey, name):
    folder = survey.top / "data" / name
    folder.mkdir()
    added = json.loads(survey.ok("target", "add", "data", "--json", "--", name))["added"]
    target = next(entry["name"] for entry in added if entry["path"] == name)
    assert len(target) <= 120
    assert set(target) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
    survey.does(name, 'echo "$1"')
    survey.ok("run", "measure", "--target", target)
    assert survey.statuses() == {target: "ok"}
    log = survey.top / "products/measure" / survey.runs()[0] / target / "stoa-log.txt"
    assert log.read_text(encoding="utf-8") == f"{folder}\n"
    assert not list(survey.top.rglob("pwned"))


def test_a_path_of_more_than_300_characters(survey):
    path = "/".join(["deep" * 10] * 8)
    (survey.top / "data" / path).mkdir(parents=True)
    added = survey.json("target", "add", "data", path)["added"]
    assert (added[0]["path"], len(added[0]["name"])) == (path, 40)


def test_a_name_longer_than_a_file_system_takes(survey):
    assert survey.error("target", "add", "data", "y" * 300)[0] == (
        f"error: pattern '{'y' * 300}' cannot be used: File name too long"
    )


def test_folders_whose_names_differ_by_what_is_unsafe_only(survey):
    for name in ("x y", "x?y", "X_Y"):
        (survey.top / "data" / name).mkdir()
    added = survey.json("target", "add", "data", "[xX]*")["added"]
    names = [target["name"].casefold() for target in added]
    assert len(set(names)) == 3


def test_a_name_that_is_not_text_is_left_out_and_said(survey, tmp_path):
    os.mkdir(os.fsencode(survey.top / "data") + b"/caf\xe9")
    listed = tmp_path / "list"
    listed.write_bytes(b"caf\xe9\n")
    result = survey("target", "add", "data", "--from", listed)
    assert result.stdout == "added 0 targets\n"
    assert result.stderr == "left out 'caf\\udce9': a name that is not UTF-8 text cannot be recorded\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("../*",), "pattern '../*' leaves root 'data'"),
        (("/etc/*",), "pattern '/etc/*' leaves root 'data'"),
        (("a/../../x",), "pattern 'a/../../x' leaves root 'data'"),
        (("**foo",), "pattern '**foo' cannot be used: '**' can only be an entire path component"),
        (("",), "an empty pattern matches nothing"),
        (("x*",), "pattern 'x*' matches no folder below {data}"),
    ],
)
def test_a_pattern_that_cannot_be(survey, words, message):
    before = survey.head()
    lines = survey.error("target", "add", "data", *words)
    assert lines[0] == "error: " + message.format(data=survey.top / "data")
    assert survey.head() == before


@pytest.mark.parametrize("line", ["../outside", "/etc", "nosuch", "a/../../outside"])
def test_a_listed_folder_outside_its_root_or_not_there(survey, line):
    (survey.top / "outside").mkdir()
    lines = survey.error("target", "add", "data", "--from", "-", stdin=f"a\n{line}\n")
    where = f"root 'data' ({survey.top}/data)"
    what = f"'{line}' is not a folder below {where}" if line == "nosuch" else f"'{line}' is not below {where}"
    assert lines[0] == f"error: {what}"


def test_neither_pattern_nor_list(survey):
    result = survey("target", "add", "data")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        2,
        "Error: Invalid value: give a glob, or --from FILE",
    )


def test_a_list_that_is_not_there(survey):
    assert survey.error("target", "add", "data", "--from", "nosuch") == [
        "error: cannot read nosuch: No such file or directory"
    ]


def test_two_targets_with_one_name(survey):
    (survey.top / ".stoa/targets/other.yaml").write_text(
        '- {"name": "A", "root": "data", "path": "b"}\n', encoding="utf-8"
    )
    assert survey.error("run", "measure") == [
        "error: two targets are named 'A': data:a (targets/data.yaml) and data:b (targets/other.yaml)",
        "hint: give one of them another name in its line",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('- {"name": "../x", "root": "data", "path": "a"}', "'../x' cannot name a target"),
        ('- {"name": "x", "root": "data", "path": "../../etc"}', "the path of target 'x' leaves its root: '../../etc'"),
        ('- {"name": "x", "root": "data"}', "not a record: Object missing required field `path`"),
        ("x: data", "a line of records starts with '- {'"),
    ],
)
def test_a_wrong_line_in_a_list_of_targets(survey, line, message):
    (survey.top / ".stoa/targets/bad.yaml").write_text(f"# ours\n{line}\n", encoding="utf-8")
    assert survey.error("target", "list")[0] == f"error: {message} (.stoa/targets/bad.yaml, line 2)"


def test_no_target_yet(repo, cli):
    survey = Survey(repo, cli)
    survey.ok("init")
    (survey.top / PROCESS_FILE).write_text(PROCESS.replace("measure.sh", "README.md"), encoding="utf-8")
    hint = "hint: `stoa target add ROOT GLOB` adds some"
    assert survey.error("run", "measure") == ["error: this project has no targets yet", hint]
    assert survey.error("meta", "build") == ["error: this project has no targets yet", hint]
    assert survey("target", "list").stderr == "no target yet: `stoa target add ROOT GLOB` adds some\n"


# Roots.


def test_a_root_without_a_path_on_this_machine(survey):
    (survey.top / ".stoa/local.yaml").unlink()
    lines = ["error: root 'data' has no path on this machine", "hint: `stoa root add data PATH` says where it is"]
    assert survey.error("run", "measure") == lines
    assert survey.error("target", "add", "data", "*") == lines
    assert survey.ok("show", "a") == "a  data:a  (not on this machine)\n"


def test_a_root_that_is_not_mounted(survey):
    (survey.top / "data").rename(survey.top / "unmounted")
    place = survey.top / "data"
    assert survey.error("run", "measure") == [
        f"error: root 'data' should be at {place}, and nothing is there",
        "hint: is the disk mounted? `stoa root add data PATH` says where it is on this machine",
    ]
    assert survey.runs() == []


def test_a_root_at_a_place_that_does_not_exist(survey):
    assert survey.error("root", "add", "more", "/nonexistent") == [
        "error: /nonexistent is not a folder",
        "hint: `stoa root add more PATH` takes a folder that exists",
    ]


def test_a_products_root_that_cannot_be_made(survey):
    assert survey.error("root", "add", "products", "measure.sh/products") == [
        f"error: cannot make {survey.top}/measure.sh/products: Not a directory"
    ]


def test_a_products_root_where_a_file_lies(survey):
    (survey.top / "products").touch()
    assert survey.error("run", "measure") == [
        f"error: cannot write to the products root {survey.top}/products: File exists",
        "hint: `stoa root add products PATH` puts it elsewhere",
    ]
    assert survey.runs() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_products_root_that_is_read_only(survey):
    place = survey.top / "products"
    place.mkdir()
    place.chmod(0o555)
    lines = survey.error("run", "measure")
    place.chmod(0o755)
    assert lines[0] == f"error: cannot write to the products root {place}: Permission denied"


# Expressions.


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("statuss = 'ok'", "no such column: statuss; did you mean 'status'?"),
        ("freq_gzh > 3", "no such column: freq_gzh; did you mean 'freq_ghz'?"),
        ("name =", 'near ")": syntax error'),
        ("1; DROP TABLE runs", 'near ";": syntax error'),
        ("1) UNION SELECT sqlite_version() --", 'near ")": syntax error'),
        ("(DELETE FROM runs)", 'near "DELETE": syntax error'),
        ("load_extension('x')", "it may only read (not authorized to use function: load_extension)"),
        ("name = ?", "it has a placeholder (? or :name): write the value itself, a text in single quotes"),
    ],
)
def test_an_expression_that_cannot_be_answered(survey, expression, message):
    for words in (("target", "list"), ("flag",), ("run", "measure")):
        lines = survey.error(*words, "--where", expression)
        assert lines[0].startswith(f"error: --where: this SQL cannot be answered: {message}")
        assert lines[1].startswith("hint: columns: ")


def test_an_expression_that_fits_nothing(survey):
    assert survey.error("flag", "--where", "name = 'z'") == [
        "error: no target matches",
        "hint: `stoa target list --where ...` shows which would",
    ]
    assert survey.ok("run", "measure", "--where", "0") == "nothing to do for measure @ default: no target is selected\n"


# Reviews.


def test_a_comment_without_a_text(survey):
    lines = ["error: a comment needs a text", "hint: `stoa comment TARGET -m TEXT`"]
    assert survey.error("comment", "a") == lines
    assert survey.error("comment", "a", "-m", " \n") == lines


def test_a_text_that_is_too_long(survey):
    assert survey.error("comment", "a", "-m", "x" * 10_001) == [
        "error: a text of 10001 characters is too long (at most 10000)"
    ]


def test_no_target_named(survey):
    hint = "hint: name them, or choose them with --where"
    assert survey.error("flag") == ["error: which targets?", hint]
    assert survey.error("comment", "-m", "x") == ["error: which targets?", f"{hint}; --run alone is for a run as such"]


def test_a_folder_to_work_in_that_is_not_there(survey):
    result = survey("-C", "nosuch", "status")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        2, "Error: Invalid value: cannot work in nosuch: No such file or directory",
    )  # fmt: skip


def test_sync_without_a_remote(survey):
    assert survey.error("sync") == [
        "error: this repository has no remote to share with",
        "hint: `git remote add origin URL`",
    ]


def test_paths_are_relative_to_the_folder_that_was_asked_for(survey, tmp_path, cli):
    (survey.top / "data/new").mkdir()
    (survey.top / "folders.txt").write_text("new\n", encoding="utf-8")
    assert cli.ok("-C", survey.top, "target", "add", "data", "--from", "folders.txt", cwd=Path(tmp_path)).startswith(
        "added 1 target"
    )


def test_a_pattern_that_fits_files_says_how_their_folders_are_named(survey):
    (survey.top / "data/a/x.fits").write_bytes(b"")
    before = survey.head()
    assert survey.error("target", "add", "data", "**/*.fits") == [
        "error: pattern '**/*.fits' matches files alone (1, such as 'a/x.fits'), and targets are folders",
        "hint: name the folders that hold them: `stoa target add data '**'`, or 'a' alone",
    ]
    assert survey.head() == before


def test_a_canary_of_nothing_is_refused(survey):
    result = survey("run", "measure", "--canary", "0")
    assert (result.exit_code, survey.runs()) == (2, [])
    assert "--canary" in result.stderr


@pytest.mark.parametrize("words", [("run", "measure"), ("rerun", "--failed"), ("run", "measure", "--dry-run")])
def test_a_misspelt_engine_is_refused_also_when_there_is_nothing_to_do(survey, words):
    survey.ok("run", "measure")
    before = survey.head()
    assert survey.error(*words, "--engine", "slrum") == [
        "error: no engine named 'slrum'; did you mean 'slurm'?",
        "hint: engines: local, dask, slurm",
    ]
    assert survey.head() == before


def test_a_misspelt_role_is_named_with_the_nearest_one(survey):
    survey.edit(".stoa/processes/measure.yaml", "outputs:", "inputs: {sky: {role: [image, corectedImage]}}\noutputs:")
    result = survey("process", "check", "measure")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == (
        "error: no role of input 'sky' of process 'measure' (.stoa/processes/measure.yaml) named 'corectedImage';"
        " did you mean 'correctedImage'?"
    )
    rules = "roles: [corectedImage]\nrules:\n- {name: mine, role: corectedImage, stem: x}\n"
    (survey.top / ".stoa/roles.yaml").write_text(rules, encoding="utf-8")
    survey.ok("process", "check", "measure")


def test_what_is_told_comes_in_the_order_in_which_it_was_said(survey):
    both = subprocess.run(
        [sys.executable, "-m", "stoa", "target", "list"], cwd=survey.top, text=True, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ).stdout  # fmt: skip
    assert both.splitlines()[-1] == "3 targets"
