"""Whatever happened, every verb says the same of every target, and it is what the records say.

Two people with clones of one project run, force, stop, kill, edit, revert, flag, rename, remove, adopt and share in any
order. After each step status, plan, why, run, rerun, results, the outcomes as a table and a stacked catalogue are
compared with what is worked out from the YAML records alone. STOA_HISTORIES sets how many histories are tried (6), and
has a failing one made shorter, which takes minutes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from alma_archive import make_archive
from collaborators import Person
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from judged import carried, folded
from recomputed import BAD, INCONCLUSIVE, Recomputed, recompute
from survey import REPOSITORY, wait_for

from stoa.commands.adopt import adopt
from stoa.commands.catalogue.stack import stack_and_write
from stoa.commands.init import init
from stoa.commands.meta import build_documents
from stoa.commands.plan import plan
from stoa.commands.process import rename_process
from stoa.commands.rerun import plans_again
from stoa.commands.results import results
from stoa.commands.root import add_root
from stoa.commands.run import run
from stoa.commands.select import save
from stoa.commands.status import status
from stoa.commands.step import step
from stoa.commands.tag import tag
from stoa.commands.target import add_targets, remove_targets, rename_target
from stoa.commands.why import why
from stoa.control import Control
from stoa.errors import StoaError
from stoa.provenance.records import STATES
from stoa.request import Request, Selection
from stoa.runs.launch import Ended, RunReport
from stoa.workspace.listing import list_runs
from stoa.workspace.open import Workspace
from stoa.workspace.outcomes import outcome_rows
from stoa.workspace.selections import saved_selection, saved_selections, targets_of
from stoa.workspace.steps import states
from stoa.workspace.tags import Carriers, carriers, tagged

HISTORIES = int(os.environ.get("STOA_HISTORIES", "6"))
PROCESS = """\
schema: 1
name: look
script: look.sh
command: [sh, "{script}", "{target}", "{image}", "{params.snr}"]
inputs: {image: {role: [correctedImage, image]}}
params: {snr: {type: float, default: 5}}
outputs: {sources: {path: sources.csv, kind: catalogue}}
"""
SCRIPT = """\
# version %d
if [ -e "$1/hang" ]; then echo $$ > "$1/begun.new"; mv "$1/begun.new" "$1/begun"; sleep 60; fi
if [ -e "$1/fail" ]; then echo "ValueError: no luck" >&2; exit 3; fi
printf 'ra_deg,dec_deg,snr,flux,e_flux\\n150.0,2.0,%%s,0.1,0.01\\n' "$3" > sources.csv
"""
VERSION = "version=%d\n"  # a line that is no comment

TARGETS = st.integers(0, 2)
PEOPLE = st.sampled_from(("anna", "ben"))


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub with a project of three described targets, and their data."""
    top = tmp_path_factory.mktemp("model")
    make_archive(top / "data", 3, {}, size=16)
    founder = Person("Founder", top / "founder")
    founder.folder.mkdir()
    founder.git("init", "-q")
    founder.introduce()
    init(founder.folder)
    with founder.open() as ws:
        add_root(ws, "data", str(top / "data"))
        ws.reread()
        add_targets(ws, "data", ["**/product"])
        ws.reread()
        build_documents(ws)
    config = (founder.folder / ".stoa/config.yaml").read_text(encoding="utf-8")
    founder.save(".stoa/config.yaml", f"{config}\nsteps: {{weblog: read}}\n")
    founder.save("look.sh", VERSION % 1 + SCRIPT % 1)
    founder.save(".stoa/processes/look.yaml", PROCESS)
    subprocess.run(["git", "clone", "-q", "--bare", founder.folder, top / "hub.git"], check=True)
    return top


class Histories(RuleBasedStateMachine):
    """What two people may do to one project."""

    founded: Path

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        top = Path(self._folder.name)
        shutil.copytree(self.founded / "hub.git", top / "hub.git")
        shutil.copytree(self.founded / "data", top / "data")
        self.data = top / "data"
        self.people = {name: self._join(top, name) for name in ("anna", "ben")}
        with self.people["anna"].open() as ws:
            self.paths = [target.path for target in ws.targets.values()]

    @staticmethod
    def _join(top: Path, name: str) -> Person:
        subprocess.run(["git", "clone", "-q", top / "hub.git", top / name], check=True, capture_output=True)
        person = Person(f"{name.title()} A", top / name).introduce()
        (person.folder / ".git/info/exclude").write_text("/products/\n/catalogues/\n")
        person.write(".stoa/local.yaml", f"schema: 1\nroots: {{data: {top / 'data'}}}\n")
        return person

    def teardown(self) -> None:
        self._folder.cleanup()

    # What happens.

    @rule(who=PEOPLE)
    def runs_what_is_due(self, who: str) -> None:
        self._run(who, Selection())

    @rule(who=PEOPLE, which=st.sets(TARGETS, min_size=1))
    def forces(self, who: str, which: set[int]) -> None:
        names = self._names(self.people[who])
        chosen = tuple(names[number] for number in which if number in names)
        if chosen:
            self._run(who, Selection(targets=chosen, force=True))

    @rule(who=PEOPLE)
    def runs_again_what_failed_or_is_flagged(self, who: str) -> None:
        self._run(who, Selection(failed=True, flagged=True))

    @rule(who=PEOPLE, number=TARGETS)
    def stops_a_forced_run(self, who: str, number: int) -> None:
        folder = self.data / self.paths[number]
        if number not in self._names(self.people[who]):
            return
        (folder / "hang").touch()
        control = Control()
        watch = threading.Thread(target=lambda: (wait_for((folder / "begun").exists, "the job"), control.cancel()))
        watch.start()
        self._run(who, Selection(force=True), control)
        watch.join()
        self._calm(folder)

    @rule(who=PEOPLE, number=TARGETS)
    def is_killed_while_a_forced_run_goes_on(self, who: str, number: int) -> None:
        folder = self.data / self.paths[number]
        if number not in self._names(self.people[who]):
            return
        (folder / "hang").touch()
        process = subprocess.Popen(
            [sys.executable, "-m", "stoa", "run", _process(self.people[who]), "--force", "-j", "1", "--quiet"],
            cwd=self.people[who].folder, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for((folder / "begun").exists, "the job")
        process.kill()
        process.wait()
        os.killpg(int((folder / "begun").read_text()), signal.SIGKILL)
        self._calm(folder)

    @staticmethod
    def _calm(folder: Path) -> None:
        for name in ("hang", "begun"):
            (folder / name).unlink()

    @rule(version=st.integers(1, 3))
    def ben_edits_the_script(self, version: int) -> None:
        self._save(self.people["ben"], "look.sh", VERSION % version + SCRIPT % version)

    @rule(snr=st.sampled_from((5, 7)))
    def anna_edits_the_parameters(self, snr: int) -> None:
        process = _process(self.people["anna"])
        text = f"schema: 1\nprocess: {process}\nvalues: {{snr: {snr}.0}}\n"
        self._save(self.people["anna"], f".stoa/params/{process}/default.yaml", text)

    @rule()
    def anna_renames_the_process(self) -> None:
        with self.people["anna"].open() as ws:
            old = _process(self.people["anna"])
            rename_process(ws, old, "gaze" if old == "look" else "look")

    @rule(number=TARGETS, word=st.sampled_from(("near", "far")))
    def ben_renames_a_target(self, number: int, word: str) -> None:
        name = self._names(self.people["ben"]).get(number)
        if name and name != f"{word}{number}":
            with self.people["ben"].open() as ws:
                rename_target(ws, name, f"{word}{number}")

    @rule(number=TARGETS)
    def ben_removes_a_target_or_adds_it_again(self, number: int) -> None:
        names = self._names(self.people["ben"])
        with self.people["ben"].open() as ws:
            if number not in names:
                add_targets(ws, "data", paths=[self.paths[number]])
                ws.reread()
                build_documents(ws)
            elif len(names) > 1:
                remove_targets(ws, [names[number]])

    @rule(who=PEOPLE, number=TARGETS)
    def adopts_what_is_older_than_the_project(self, who: str, number: int) -> None:
        name = self._names(self.people[who]).get(number)
        if name:
            place = self.data / f"before/{who}{len(list(self.data.glob('before/*')))}/{name}"
            place.mkdir(parents=True)
            (place / "sources.csv").write_text("ra_deg,dec_deg,snr,flux,e_flux\n150.0,2.0,5,0.1,0.01\n")
            with self.people[who].open() as ws:
                report = adopt(ws, _process(self.people[who]), place.parent, targets=(name,), force=True)
            assert report.counts == {"ok": 1}

    @staticmethod
    def _save(person: Person, path: str, text: str) -> None:
        file = person.folder / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            person.save(path, text)

    @rule(number=TARGETS, blocks=st.integers(0, 2))
    def an_input_is_delivered(self, number: int, blocks: int) -> None:
        file = next(file for file in (self.data / self.paths[number]).iterdir() if "pbcor" in file.name)
        content = file.read_bytes()
        original = content[: len(content) - len(content) % 28800] if len(content) > 28800 else content
        file.write_bytes(original.rstrip(b"\x07") + b"\x07" * blocks)

    @rule(number=TARGETS)
    def a_target_turns_good_or_bad(self, number: int) -> None:
        file = self.data / self.paths[number] / "fail"
        file.unlink() if file.exists() else file.touch()

    @rule(who=PEOPLE, number=TARGETS)
    def flags(self, who: str, number: int) -> None:
        name = self._names(self.people[who]).get(number)
        if name:
            self.people[who].flag(name)

    @rule(who=PEOPLE, number=TARGETS)
    def clears_flags(self, who: str, number: int) -> None:
        name = self._names(self.people[who]).get(number)
        if name in self._recomputed(self.people[who]).flagged:
            self.people[who].unflag(name)

    @rule(who=PEOPLE, number=TARGETS, state=st.sampled_from(STATES))
    def records_a_step(self, who: str, number: int, state: str) -> None:
        name = self._names(self.people[who]).get(number)
        if name:
            with self.people[who].open() as ws:
                step(ws, [name], step="weblog", state=state)

    @rule(who=PEOPLE, number=TARGETS)
    def gives_or_takes_a_tag(self, who: str, number: int) -> None:
        name = self._names(self.people[who]).get(number)
        if name:
            with self.people[who].open() as ws:
                tag(ws, [name], tag="golden", remove=name in tagged(ws).get("golden", ()))

    @rule(who=PEOPLE, of_run=st.booleans())
    def gives_a_run_or_the_pair_a_tag_or_takes_it(self, who: str, of_run: bool) -> None:
        with self.people[who].open() as ws:
            runs = list_runs(ws)
            if runs:
                name = runs[-1].run if of_run else f"{runs[-1].process}@default"
                having = carriers(ws).get("golden", Carriers())
                tag(ws, run=name, tag="golden", remove=name in (*having.runs, *having.pairs))

    @rule(who=PEOPLE, by_tag=st.booleans())
    def saves_a_selection(self, who: str, by_tag: bool) -> None:
        with self.people[who].open() as ws:
            where = "name IN (SELECT target FROM tags WHERE tag = 'golden')" if by_tag else "status = 'ok'"
            save(ws, "chosen", where=where)

    @rule()
    def they_share(self) -> None:
        for name in ("anna", "ben", "anna"):
            self.people[name].sync()
        heads = {person.git("rev-parse", "HEAD^{tree}") for person in self.people.values()}
        assert len(heads) == 1

    def _run(self, who: str, selection: Selection, control: Control | None = None) -> RunReport:
        with self.people[who].open() as ws:
            request = Request(process=_process(self.people[who]), selection=selection, workers=1)
            (ended,) = [event for event in run(ws, request, control) if isinstance(event, Ended)]
            return ended.report

    def _names(self, person: Person) -> dict[int, str]:
        """Number -> name of each target that is listed in someone's clone."""
        with person.open() as ws:
            return {self.paths.index(target.path): name for name, target in ws.targets.items()}

    # What is said of it.

    @invariant()
    def all_agree(self) -> None:
        for person in self.people.values():
            with person.open() as ws:
                said = status(ws, look=True)
                known = self._recomputed(person)
                names = list(ws.targets)
                pair = (_process(person), "default", "host")
                _check_status(said, known, names, pair)
                _check_plans(ws, known, names, pair)
                _check_tables(ws, known, pair)
                _check_judgements(ws, person)

    def _recomputed(self, person: Person) -> Recomputed:
        with person.open() as ws:
            assert not ws.heal().hindered
        return recompute(person.folder, _process(person), "default", "host", self.data)


def _process(person: Person) -> str:
    """The name that the only process has in someone's clone."""
    (name,) = (file.stem for file in (person.folder / ".stoa/processes").glob("*.yaml"))
    return name


def _check_status(said, known: Recomputed, names: list[str], key: tuple[str, str, str]) -> None:
    targets = {target.name: target for target in said.targets}
    assert list(targets) == names
    assert {name for name, target in targets.items() if target.flags} == known.flagged
    if not known.status:
        assert sum(pair.jobs for pair in said.pairs) == 0
        return
    (pair,) = said.pairs
    assert {name: target.states[pair.name] for name, target in targets.items()} == {
        name: known.status.get(name, "new") for name in names
    }
    assert {name for name, target in targets.items() if target.stale} == known.stale
    assert {name for name, target in targets.items() if target.interrupted_since} == known.since
    assert (pair.name, pair.stale, pair.interrupted_since) == (
        f"{key[0]}@default", len(known.stale), len(known.since),
    )  # fmt: skip
    assert sum(number for state, number in pair.counts.items() if state in BAD) == len(known.failed)


def _check_plans(ws: Workspace, known: Recomputed, names: list[str], key: tuple[str, str, str]) -> None:
    states = {name: "stale" if name in known.stale else known.status.get(name, "new") for name in names}
    (made,) = plan(ws, Request(process=key[0]))
    assert {job.target: job.state for job in made.jobs} == states
    due = {name for name, state in states.items() if state in ("new", "stale", *INCONCLUSIVE)}
    assert {job.target for job in made.to_run} == due
    assert {name: why(ws, key[0], name)[0].state for name in names} == states
    if known.status:
        for chosen, wanted in (
            (Selection(failed=True), known.failed),
            (Selection(flagged=True), known.flagged & known.status.keys()),
        ):
            ((again, _),) = plans_again(ws, Request(selection=chosen))
            assert {job.target for job in again.to_run} == wanted
            unreached = known.flagged - known.status.keys() if chosen.flagged else set()
            assert set(again.out_of_reach.get("without an outcome", ())) == unreached


def _check_judgements(ws: Workspace, person: Person) -> None:
    """Steps, tags and the targets of a selection are those of the last records about them."""
    formerly = {old: target.name for target in ws.targets.values() for old in target.formerly}
    formerly |= dict.fromkeys(("look", "gaze"), _process(person))
    said = folded(person, formerly)
    listed = set(ws.targets)
    assert {key: state for key, state in states(ws).items() if key[0] in listed} == {
        key: state for key, state in said["steps"].items() if key[0] in listed
    }
    assert carried(ws) == {one for one in said["tags"] if not one[0] or one[0] in listed}
    golden = set(tagged(ws).get("golden", ()))
    assert {each.name: each.where for each in saved_selections(ws)} == said["selections"]
    if "IN (SELECT target FROM tags" in said["selections"].get("chosen", ""):
        assert set(targets_of(ws, saved_selection(ws, "chosen"))) == golden


def _check_tables(ws: Workspace, known: Recomputed, key: tuple[str, str, str]) -> None:
    rows = [row for row in outcome_rows(ws, *key) if row["target"] in ws.targets]
    assert {row["target"]: (row["status"], row["run"]) for row in rows} == {
        target: (state, known.run[target]) for target, state in known.status.items()
    }
    if known.status:
        table = {row["target"]: (row["status"], row["run"]) for row in results(ws, f"{key[0]}@default").rows}
        assert table == {target: (state, known.run[target]) for target, state in known.status.items()}
    good = {target for target, state in known.status.items() if state == "ok"}
    if not known.status:
        return
    try:
        ws.project.cache.mkdir(exist_ok=True)  # a clone may have neither this nor a folder of products
        report = stack_and_write(ws, f"{key[0]}@default", out=ws.project.cache / "stack.vot")
    except StoaError:
        assert not [row for row in rows if row["status"] == "ok" and ws.project.file(row["place"]).is_dir()]
        return
    assert report.targets + len(report.missing) == len(good)
    assert report.standing is not None
    counts = report.standing
    assert (counts.outcomes, counts.stale) == (len(known.status), len(known.stale))
    assert (counts.flagged, counts.missing) == (
        len(known.flagged & known.status.keys()), len(ws.targets.keys() - known.status.keys())
    )  # fmt: skip


def test_every_verb_says_what_the_records_say(founded):
    Histories.founded = founded
    few = settings(
        max_examples=HISTORIES, stateful_step_count=12, deadline=None, database=None,
        suppress_health_check=list(HealthCheck), print_blob=False,
        phases=tuple(Phase) if "STOA_HISTORIES" in os.environ else (Phase.generate,),
    )  # fmt: skip
    run_state_machine(Histories, few)


def run_state_machine(machine: type[RuleBasedStateMachine], chosen: settings) -> None:
    """Try a state machine with these settings."""
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(machine, settings=chosen)
