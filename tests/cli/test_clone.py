"""stoa clone: a project is copied, and what this machine lacks is named."""

from __future__ import annotations


def test_a_clone_names_the_roots_that_have_no_path_here(survey, cli, tmp_path):
    result = cli("clone", survey.top, tmp_path / "mine", cwd=tmp_path)
    assert result.exit_code == 0
    assert "3 targets" in result.stdout
    assert "`stoa root add data PATH`" in result.stderr
    assert (tmp_path / "mine/.stoa/config.yaml").is_file()


def test_a_clone_of_nothing_leaves_nothing(cli, tmp_path):
    result = cli("clone", tmp_path / "nosuch", tmp_path / "mine", cwd=tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nosuch" in result.stderr
    assert not (tmp_path / "mine").exists()
