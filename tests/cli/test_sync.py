"""stoa sync: two people, one project."""

from __future__ import annotations


def test_what_one_did_the_other_has_after_both_synced(pair):
    ann, ben = pair
    ann.ok("run", "measure")
    assert ann.ok("sync") == f"origin/main: received 0 commits, sent 1 commit (now at {ann.head()[:9]})\n"
    assert ben.json("sync")["received"] == 1
    assert ben.head() == ann.head()
    assert ben.json("status")["pairs"][0]["counts"] == {"ok": 3}
    assert ben.ok("why", "measure", "a") == "a: does not run, up to date\n"


def test_disjoint_work_is_merged_and_nothing_is_lost(pair):
    ann, ben = pair
    ann.ok("run", "measure", "--target", "a")
    ann.ok("flag", "b", "--reason", "artefacts")
    ben.ok("run", "measure", "--target", "b", "--set", "snr=7")
    ben.ok("comment", "b", "-m", "looks fine to me")
    ann.ok("sync")
    said = ben.json("sync")
    assert (said["merged"], said["received"]) == (True, 2)
    ann.ok("sync")
    assert ann.head() == ben.head()
    for one in pair:
        assert len(one.runs()) == 2
        # two people's events of one second have no order of their own, but the same one everywhere
        assert sorted(row["kind"] for row in one.json("reviews")) == ["comment", "flag"]
        assert one.git("status", "--porcelain") == ""
    assert ann.json("reviews") == ben.json("reviews")


def test_files_in_work_stay_as_they_are_when_others_have_something_new(pair):
    ann, ben = pair
    ann.ok("flag", "a")
    ann.ok("sync")
    ben.edit("measure.sh", "snr $2", "SNR $2")
    (ben.top / "mine.txt").write_text("mine\n", encoding="utf-8")
    ben.git("add", "mine.txt")
    before = (ben.git("diff"), ben.git("diff", "--cached"))
    ben.ok("sync")
    assert (ben.git("diff"), ben.git("diff", "--cached")) == before
    assert [flag["target"] for flag in ben.json("reviews", "--flags")] == ["a"]


def test_definitions_that_are_not_committed_are_named(pair):
    ann, _ = pair
    assert ann.json("sync")["unshared"] == []
    (ann.top / "new.sh").write_text("true\n", encoding="utf-8")
    (ann.top / "notes.txt").write_text("mine\n", encoding="utf-8")
    (ann.top / ".stoa/processes/new.yaml").write_text(
        'schema: 1\nname: new\nscript: new.sh\ncommand: [sh, "{script}"]\n', encoding="utf-8"
    )
    ann.edit("measure.sh", "snr $2", "SNR $2")
    assert ann.json("sync")["unshared"] == ["measure.sh", ".stoa/processes/new.yaml", "new.sh"]
    said = ann("sync").stderr.splitlines()
    assert said[0] == "not committed, so the others do not have it: measure.sh, .stoa/processes/new.yaml, new.sh"


def test_plain_pull_and_push_do_as_well(pair):
    ann, ben = pair
    ann.ok("run", "measure", "--target", "a")
    ann.git("push", "--quiet", "origin", "main")
    ben.ok("run", "measure", "--target", "b")
    ben.git("pull", "--quiet", "--no-rebase", "--no-edit")
    ben.git("push", "--quiet")
    ann.git("pull", "--quiet", "origin", "main")
    assert ann.json("status")["pairs"][0]["counts"] == {"ok": 2}


def test_a_remote_that_is_not_there(survey, tmp_path):
    survey.git("remote", "add", "origin", str(tmp_path / "nosuch.git"))
    before = survey.head()
    assert survey.error("sync")[0].startswith("error: cannot fetch from origin: ")
    assert survey.head() == before
