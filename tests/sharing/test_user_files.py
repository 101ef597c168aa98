"""What the user has not committed stays as it is, and what cannot be merged is said."""

from __future__ import annotations

import pytest
from collaborators import Person

from stoa.errors import StoaError
from stoa.provenance.git import GitError


def state(person: Person) -> tuple[str, str, str]:
    """Commit, index and work tree of a clone, as git sees them."""
    return person.head(), person.git("ls-files", "-s"), person.git("status", "--porcelain", "--untracked-files=all")


def test_dirty_staged_and_new_files_stay_byte_for_byte(anna, ben):
    anna.save("paper.tex", "draft\n")
    anna.git("push", "-q")
    ben.sync()
    anna.flag()
    anna.sync()
    ben.write("count.sh", "# half an idea\r\n")
    ben.write("plot.py", "staged\n")
    ben.git("add", "plot.py")
    ben.write("plot.py", "staged, then changed\n")
    ben.write("new file.txt", "never added\n")
    (ben.folder / "paper.tex").unlink()
    before = ben.git("status", "--porcelain"), ben.git("diff"), ben.git("diff", "--cached")
    ben.comment("b")
    ben.sync()
    assert (ben.git("status", "--porcelain"), ben.git("diff"), ben.git("diff", "--cached")) == before
    assert (ben.folder / "count.sh").read_bytes() == b"# half an idea\r\n"
    assert (ben.folder / ".stoa/reviews/a").is_dir()


def test_a_merge_keeps_them_too(anna, ben):
    anna.flag("a")
    anna.sync()
    ben.flag("b")
    ben.write("count.sh", "mine\n")
    ben.git("add", "count.sh")
    assert ben.sync().merged
    assert ben.git("status", "--porcelain") == "M  count.sh"


def test_uncommitted_changes_in_the_way_are_named_and_kept(anna, ben):
    anna.save("count.sh", "theirs\n")
    anna.git("push", "-q")
    ben.write("count.sh", "mine\n")
    before = state(ben)
    with pytest.raises(GitError, match=r"origin/main changed count\.sh, where you have changes"):
        ben.sync()
    assert state(ben) == before
    assert (ben.folder / "count.sh").read_text() == "mine\n"


def test_a_new_file_in_the_way_is_named_and_kept(anna, ben):
    anna.save("notes.md", "theirs\n")
    anna.git("push", "-q")
    ben.write("notes.md", "mine\n")
    with pytest.raises(GitError, match=r"notes\.md"):
        ben.sync()
    assert (ben.folder / "notes.md").read_text() == "mine\n"


def test_a_new_file_with_the_same_content_is_no_obstacle(anna, ben):
    anna.save("notes.md", "the same\n")
    anna.git("push", "-q")
    ben.write("notes.md", "the same\n")
    ben.sync()
    assert ben.git("status", "--porcelain") == ""


def test_once_the_user_has_committed_the_sync_goes_through(anna, ben):
    anna.save("notes.md", "theirs\n")
    anna.git("push", "-q")
    ben.write("count.sh", "mine\n")
    ben.write("other.md", "x\n")
    ben.git("add", "other.md", "count.sh")
    ben.git("commit", "-q", "-m", "mine")
    ben.sync()
    assert (ben.folder / "notes.md").read_text() == "theirs\n"
    assert (ben.folder / "count.sh").read_text() == "mine\n"


def test_parameters_that_both_changed_are_told_with_both_values(anna, ben):
    for person, answer in ((anna, "4"), (ben, "6")):
        person.save(".stoa/params/count/deep.yaml", f"schema: 1\nvalues: {{answer: {answer}}}\n")
    anna.sync()
    before = state(ben)
    with pytest.raises(StoaError) as caught:
        ben.sync()
    assert ".stoa/params/count/deep.yaml: values.answer: you 6, origin/main 4" in caught.value.message.splitlines()[1]
    assert caught.value.hint.startswith("`git merge origin/main`")
    assert state(ben) == before
    assert not (ben.folder / ".git" / "MERGE_HEAD").exists()


@pytest.mark.parametrize(
    ("mine", "theirs", "told"),
    [
        ("limit: {type: int, default: 20}", "limit: {type: int, default: 30}", "you 20, origin/main 30 (before 10)"),
        ("limit: {type: int}", "limit: {type: int, default: 30}", "you without it, origin/main 30 (before 10)"),
    ],
)
def test_a_field_that_both_changed_is_told_with_what_it_was(anna, ben, mine, theirs, told):
    for person, line in ((anna, theirs), (ben, mine)):
        text = (person.folder / ".stoa/processes/count.yaml").read_text()
        person.save(".stoa/processes/count.yaml", text.replace("limit: {type: int, default: 10}", line))
    anna.sync()
    with pytest.raises(StoaError) as caught:
        ben.sync()
    assert caught.value.message.endswith(f".stoa/processes/count.yaml: params.limit.default: {told}")


def test_fields_that_only_one_changed_are_not_told(anna, ben):
    for person, old, new in ((anna, "default: 10}", "default: 30}"), (ben, "answer: {type: float, default: 1.0}", "")):
        text = (person.folder / ".stoa/processes/count.yaml").read_text()
        person.save(".stoa/processes/count.yaml", text.replace(old, new))
    anna.sync()
    with pytest.raises(StoaError, match="both changed neighbouring lines"):
        ben.sync()


def test_a_definition_that_one_deleted_and_one_changed_is_told(anna, ben):
    anna.git("rm", "-q", ".stoa/processes/count.yaml")
    anna.git("commit", "-q", "-m", "gone")
    anna.sync()
    ben.save(".stoa/processes/count.yaml", "schema: 1\nname: count\ncommand: [true]\n")
    with pytest.raises(StoaError, match=r"count\.yaml: origin/main deleted it, you changed it"):
        ben.sync()


def test_a_script_that_both_changed_is_named(anna, ben):
    for person, text in ((anna, "echo theirs\n"), (ben, "echo mine\n")):
        person.save("count.sh", text)
    anna.sync()
    with pytest.raises(StoaError, match=r"count\.sh: both changed the same lines"):
        ben.sync()


def test_an_executable_that_both_changed_is_not_said_to_be_deleted(anna, ben):
    for person, text in ((anna, "echo theirs\n"), (ben, "echo mine\n")):
        person.write("tool.sh", text)
        (person.folder / "tool.sh").chmod(0o755)
        person.git("add", "tool.sh")
        person.git("commit", "-q", "-m", "tool")
    anna.sync()
    with pytest.raises(StoaError, match=r"tool\.sh: both changed the same lines"):
        ben.sync()


def test_scripts_changed_in_different_places_are_merged(anna, ben):
    anna.save("script.py", "one = 1\n\n\n\n\ntwo = 2\n")
    anna.sync()
    ben.sync()
    anna.save("script.py", "one = 11\n\n\n\n\ntwo = 2\n")
    ben.save("script.py", "one = 1\n\n\n\n\ntwo = 22\n")
    anna.sync()
    ben.sync()
    assert (ben.folder / "script.py").read_text() == "one = 11\n\n\n\n\ntwo = 22\n"


def test_after_the_conflict_is_settled_with_git_the_sync_goes_on(anna, ben):
    for person, text in ((anna, "echo theirs\n"), (ben, "echo mine\n")):
        person.save("count.sh", text)
    anna.sync()
    with pytest.raises(StoaError):
        ben.sync()
    ben.git("merge", "-q", "-X", "ours", "origin/main")
    ben.sync()
    anna.sync()
    assert (anna.folder / "count.sh").read_text() == "echo mine\n"


def test_a_conflict_in_words_shows_no_terminal_escapes(anna, ben, cli):
    for person, answer in ((anna, "\\e[31mred"), (ben, "blue")):
        person.save(".stoa/params/count/deep.yaml", f'schema: 1\nvalues: {{answer: "{answer}"}}\n')
    anna.sync()
    result = cli("sync", cwd=ben.folder)
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert "you blue, origin/main \\x1b[31mred" in result.output


def test_a_work_tree_with_converted_line_ends_is_left_alone(anna, ben):
    ben.git("config", "core.autocrlf", "true")
    (ben.folder / "count.sh").unlink()
    ben.git("checkout", "-q", "--", "count.sh")
    anna.save("other.sh", "echo 1\n")
    anna.flag()
    anna.sync()
    ben.sync()
    assert ben.git("status", "--porcelain") == ""
    assert (ben.folder / "other.sh").read_bytes() == b"echo 1\r\n"
    review = next((ben.folder / ".stoa/reviews/a").iterdir())
    assert b"\r" not in review.read_bytes()
