"""stoa root: names in git, paths on this machine."""

from __future__ import annotations


def test_a_root_has_its_name_in_git_and_its_path_on_this_machine_only(fresh):
    fresh.ok("init")
    (fresh.top / "archive").mkdir()
    before = fresh.head()
    assert fresh.ok("root", "add", "alma", "archive", "--doc", "ALMA products") == (
        f"root alma is {fresh.top}/archive on this machine\n"
    )
    assert fresh.changed(before) == [".stoa/config.yaml"]
    assert "  alma: ALMA products\n" in fresh.committed(".stoa/config.yaml")
    assert "archive" not in fresh.committed(".stoa/config.yaml")
    assert fresh.git("check-ignore", ".stoa/local.yaml") == ".stoa/local.yaml\n"


def test_what_people_wrote_into_the_settings_stays(survey):
    survey.edit(".stoa/config.yaml", "reasons:\n", "# ours\nreasons:\n  fringes: interference fringes\n")
    survey.git("commit", "--quiet", "--all", "--message", "a reason of ours")
    survey.ok("root", "add", "more", "data", "--doc", "more: of it")
    assert "# ours\nreasons:\n  fringes: interference fringes\n" in survey.committed(".stoa/config.yaml")
    assert '  more: "more: of it"\n' in survey.committed(".stoa/config.yaml")


def test_a_root_may_have_the_name_of_a_reason_or_a_cut(survey):
    for name in ("check", "signal"):
        survey.ok("root", "add", name, "data")
    settings = survey.committed(".stoa/config.yaml")
    assert "  check: data\n" in settings
    assert "  check: someone should look at this\n" in settings
    assert '  signal: "snr >= 5"\n' in settings


def test_a_root_with_other_words_keeps_its_place(survey):
    survey.ok("root", "add", "more", "data")
    survey.ok("root", "add", "data", "data", "--doc", "our data")
    assert "roots:\n  more: data\n  data: our data\n" in survey.committed(".stoa/config.yaml")


def test_a_root_that_is_added_again_moves_on_this_machine_without_a_commit(survey, tmp_path):
    before = survey.head()
    (tmp_path / "elsewhere").mkdir()
    survey.ok("root", "add", "data", tmp_path / "elsewhere")
    assert survey.head() == before
    assert survey.json("root", "list")[0]["path"] == str(tmp_path / "elsewhere")


def test_roots_are_listed_with_those_that_have_no_path_here(survey):
    (survey.top / ".stoa/local.yaml").unlink()
    assert survey.json("root", "list") == [
        {"name": "data", "path": "", "exists": False, "doc": "data"},
        {"name": "products", "path": f"{survey.top}/products", "exists": False, "doc": "what the processes write"},
    ]
    assert "no path here" in survey.ok("root", "list")
