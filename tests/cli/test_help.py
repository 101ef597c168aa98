"""stoa help, and how every help looks."""

from __future__ import annotations

import typer
from typer.main import get_command

from stoa.cli.main import GROUPS, app


def below(context):
    yield context
    for name in getattr(context.command, "list_commands", lambda _context: ())(context):
        command = context.command.get_command(context, name)
        yield from below(typer.Context(command, info_name=name, parent=context))


COMMANDS = list(below(typer.Context(get_command(app), info_name="stoa")))


def test_help_of_a_verb_is_that_of_its_option(cli):
    assert cli.ok("help", "catalogue", "match") == cli.ok("catalogue", "match", "--help")
    assert cli.ok("help", "run") == cli.ok("run", "-h")
    assert cli.ok("help") == cli.ok("--help")


def test_help_of_what_is_no_verb_names_the_nearest(cli):
    result = cli("help", "runn")
    assert result.exit_code == 2
    assert "'run'" in result.stderr
    assert cli("help", "run", "it").exit_code == 2


def test_verbs_are_in_groups(cli):
    lines = cli.ok("-h").splitlines()
    assert [f"{name}:" for name in GROUPS] == [line for line in lines if line.removesuffix(":") in GROUPS]


def test_every_verb_has_examples_of_itself():
    verbs = [each for each in COMMANDS if not hasattr(each.command, "list_commands")]
    assert [each.command_path for each in verbs if each.command_path not in (each.command.epilog or "")] == []


def test_what_is_wanted_has_a_placeholder():
    bare = [
        f"{context.command_path} {each.name}"
        for context in COMMANDS
        for each in context.command.params
        if not getattr(each, "is_flag", False) and not each.metavar and each.expose_value
    ]
    assert bare == []


ALLOWED = {
    "--process": {"PROCESS", "PROCESS[@SET]"},  # without a set where the set has an argument of its own
    "--from": {"FILE", "FOLDER"},  # a script or a list of folders; the folder with products of other work
    "--to": {"FOLDER", "NAME", "PERSON"},  # the folder of a paper; an application on the desktop
}


def test_one_option_has_one_placeholder():
    kinds = {}
    for context in COMMANDS:
        for each in context.command.params:
            for spelling in each.opts if each.param_type_name == "option" else ():
                kinds.setdefault(spelling, set()).add(each.metavar or "")
    many = {spelling: found for spelling, found in kinds.items() if len(found) > 1}
    assert many == ALLOWED


def test_options_of_every_command_may_stand_on_both_sides(survey, tmp_path):
    assert survey("-C", "data", "status", "--quiet").output == ""
    assert survey("--quiet", "status", "-C", "data").output == ""
    assert survey("status", "-C", "data").stdout == survey("-C", "data", "status").stdout != ""


def test_quiet_holds_for_one_command(survey):
    assert survey("status", "-q").output == ""
    assert survey("status").output != ""
    assert survey("show", "nosuch", "-q").stderr.startswith("error: ")


def test_former_spellings_are_understood(survey):
    (survey.top / "sets.csv").write_text("snr\n3\n4\n", encoding="utf-8")
    assert len(survey.json("plan", "measure", "--sets", "sets.csv")) == 2
    assert survey.json("plan", "measure", "--sets=sets.csv") == survey.json("plan", "measure", "--set-from", "sets.csv")
    survey("run", "measure")
    assert survey("reproduce", "--keep").exit_code == 0
