"""Definitions by name, as they are in the work tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stoa.errors import NotFoundError, StoaError
from stoa.model import Target
from stoa.project import Project
from stoa.provenance.dialect import RecordError
from stoa.provenance.library import Library, NoProject, open_project, root_names
from stoa.provenance.yamltree import DefinitionError

PEAK = "name: peak\ncommand: [x]\nparams: {snr: {type: float, default: 5}}\n"

TARGETS = """\
- {"name": "b", "root": "alma", "path": "B"}
- {"name": "a", "root": "alma", "path": "A"}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name, text in {
        "config.yaml": "schema: 1\nproject: q\nroots: {alma: data}\n",
        "processes/peak.yaml": PEAK,
        "environments/host.yaml": "name: host\nkind: host\n",
        "params/peak/deep.yaml": "values: {snr: 4}\n",
        "targets/alma.yaml": TARGETS,
    }.items():
        write(tmp_path, name, text)
    return open_project(tmp_path)


def write(top: Path, name: str, text: str | bytes) -> Path:
    file = top / ".stoa" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


@pytest.fixture
def library(project: Project) -> Library:
    return Library(project)


def test_a_project_is_found_from_any_folder_in_it(project: Project) -> None:
    below = project.top / "scripts" / "deep"
    below.mkdir(parents=True)
    assert open_project(below).top == project.top
    assert root_names(open_project(below)) == ["alma", "products"]


def test_the_settings_of_this_machine_are_read_with_those_of_everybody(project: Project) -> None:
    write(project.top, "local.yaml", "roots: {mine: /data}\njobs: 3\n")
    assert open_project(project.top).local.jobs == 3
    assert root_names(open_project(project.top)) == ["alma", "mine", "products"]


def test_outside_a_project_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NoProject) as caught:
        open_project(tmp_path)
    assert caught.value.message == f"{tmp_path} is in no STOA project"
    assert caught.value.hint == "`stoa init` makes one in a git repository"


@pytest.mark.parametrize("name", ["config.yaml", "local.yaml"])
def test_wrong_settings_are_named_with_their_file(project: Project, name: str) -> None:
    write(project.top, name, "schema: 1\nproject: q\njobs: [x\n")
    with pytest.raises(DefinitionError, match=rf"\(\.stoa/{name}, line \d\)$"):
        open_project(project.top)


def test_definitions_are_listed_and_read_by_name(library: Library) -> None:
    assert (library.processes(), library.environments()) == (["peak"], ["host"])
    assert library.parameter_sets("peak") == ["deep", "default"]
    process = library.process("peak")
    assert library.parameter_set(process, "deep").values == {"snr": 4.0}
    assert library.parameter_set(process, "default").values == {"snr": 5.0}
    assert library.environment("host").kind == "host"


def test_a_default_set_may_have_a_file(library: Library) -> None:
    write(library.project.top, "params/peak/default.yaml", "values: {snr: 7}\n")
    assert library.parameter_set(library.process("peak"), "default").values == {"snr": 7.0}


def test_an_unknown_name_is_told_with_the_nearest_one(library: Library) -> None:
    with pytest.raises(NotFoundError, match=r"^no process named 'paek'; did you mean 'peak'\?$"):
        library.process("paek")
    with pytest.raises(NotFoundError, match=r"^no environment named 'hots'; did you mean 'host'\?$"):
        library.environment("hots")
    with pytest.raises(NotFoundError, match=r"named 'dep'; did you mean 'deep'\?$"):
        library.parameter_set(library.process("peak"), "dep")


@pytest.mark.parametrize("name", ["../config", "/etc/passwd", "", ".", "processes/peak", "peak\0", "p" * 5000])
def test_a_name_that_is_a_path_names_nothing(library: Library, name: str) -> None:
    with pytest.raises(NotFoundError):
        library.process(name)


@pytest.mark.parametrize(("folder", "kind"), [("processes", "process"), ("environments", "environment")])
def test_a_copied_file_that_kept_its_name_is_told(library: Library, folder: str, kind: str) -> None:
    (source,) = (library.project.stoa / folder).iterdir()
    write(library.project.top, f"{folder}/copy.yaml", source.read_bytes())
    with pytest.raises(DefinitionError) as caught:
        getattr(library, kind)("copy")
    assert caught.value.message == f"the file of {kind} 'copy' defines {source.stem!r} (.stoa/{folder}/copy.yaml)"


def test_a_symbolic_link_is_not_followed(library: Library, tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("name: link\ncommand: [x]\n")
    (library.project.stoa / "processes" / "link.yaml").symlink_to(secret)
    with pytest.raises(DefinitionError, match=r"^a symbolic link, which STOA does not follow "):
        library.process("link")


def test_a_pipe_among_the_definitions_is_not_opened(library: Library) -> None:
    os.mkfifo(library.project.stoa / "processes" / "pipe.yaml")
    with pytest.raises(
        DefinitionError, match=r"^a folder, pipe or device, and not a file \(\.stoa/processes/pipe\.yaml"
    ):
        library.process("pipe")


@pytest.mark.parametrize(("folder", "kind"), [("processes", "process"), ("environments", "environment")])
def test_another_ending_of_the_file_is_told(library: Library, folder: str, kind: str) -> None:
    write(library.project.top, f"{folder}/mine.yml", PEAK)
    with pytest.raises(NotFoundError, match=rf"^no {kind} named 'mine'$") as caught:
        getattr(library, kind)("mine")
    assert caught.value.hint == f"`mv .stoa/{folder}/mine.yml .stoa/{folder}/mine.yaml`"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(library: Library) -> None:
    write(library.project.top, "processes/mine.yaml", PEAK).chmod(0)
    with pytest.raises(DefinitionError, match=r"^cannot be read: Permission denied \(\.stoa/processes/mine\.yaml\)$"):
        library.process("mine")


def test_a_huge_definition_is_not_read_whole(library: Library) -> None:
    with write(library.project.top, "processes/huge.yaml", "").open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(DefinitionError, match=r"^1000001 bytes are too many \(at most 1000000\)"):
        library.process("huge")


def test_targets_of_all_lists_are_sorted_by_name(library: Library) -> None:
    write(library.project.top, "targets/more.yaml", '- {"name": "aa", "root": "alma", "path": "X"}\n')
    assert list(library.targets()) == ["a", "aa", "b"]
    assert library.target_lists()["more"] == [Target("aa", "alma", "X")]


@pytest.mark.parametrize("name", ["a", "A"])
def test_two_folders_of_one_name_are_told_with_their_lists(library: Library, name: str) -> None:
    write(library.project.top, "targets/more.yaml", f'- {{"name": "{name}", "root": "alma", "path": "X"}}\n')
    with pytest.raises(StoaError) as caught:
        library.targets()
    expected = f"two targets are named '{name}': alma:A (targets/alma.yaml) and alma:X (targets/more.yaml)"
    assert caught.value.message == expected
    assert caught.value.hint == "give one of them another name in its line"


def test_a_target_that_stands_in_two_lists_is_one(library: Library) -> None:
    write(library.project.top, "targets/more.yaml", '- {"name": "a", "root": "alma", "path": "A"}\n')
    assert list(library.targets()) == ["a", "b"]


def test_a_bad_line_of_a_target_list_is_named_with_its_file(library: Library) -> None:
    write(library.project.top, "targets/alma.yaml", '- {"name": "b", "root": "alma", "path": "B"}\n<<<<<<< ours\n')
    with pytest.raises(RecordError, match=r"^an unfinished merge \(\.stoa/targets/alma\.yaml, line 2\)$"):
        library.targets()


def test_problems_of_many_definitions_are_collected(library: Library) -> None:
    write(library.project.top, "processes/bad.yaml", "name: bad\n")
    found = library.problems(library.process, ["peak", "bad", "none"])
    assert [problem.message for problem in found] == [
        "field 'command' is missing (.stoa/processes/bad.yaml, line 1)",
        "no process named 'none'",
    ]
