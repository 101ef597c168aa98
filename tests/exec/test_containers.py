"""What containers keep away from hostile scripts, and what happens when images, servers or STOA itself are gone."""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from container_servers import IMAGE, container_server, load_image
from places import Place
from users import as_user

from stoa.control import Control
from stoa.exec.environments import EnvironmentProblem, NotBuilt, Setting, identity_of, prepare
from stoa.exec.local import LocalEngine
from stoa.model import Environment, Status

pytestmark = pytest.mark.service
NOBODY = 12345

HOSTILE = """\
try() { if "$@" >/dev/null 2>&1; then echo "DID: $*"; else echo "refused: $*"; fi; }
try cat {home}/secret
try ls {home}
try sh -c 'echo x > {data}/image.fits'
try rm {data}/image.fits
try touch /etc/x
try touch {data}/new
try mount -t tmpfs none /mnt
try mknod /tmp/disk b 8 0
try chown 1:1 /tmp
try wget -T 3 -q -O - http://127.0.0.1:{port}/
try ping -c 1 -W 1 127.0.0.2.invalid
try kill -9 1
try su -c id
cat {data}/image.fits
echo > mine
echo network: $(ls /sys/class/net)
grep -E 'NoNewPrivs|CapEff' /proc/self/status
"""


@pytest.fixture(params=["docker", "podman"])
def kind(request):
    return request.param


@pytest.mark.parametrize("kind", ["docker", "podman", "rootless"])
@pytest.mark.parametrize("isolation", ["worker", "target"])
def test_a_hostile_script_gets_nowhere(make_place, kind, isolation):
    place = make_place(kind, isolation=isolation)
    home = place.top / "home"
    home.mkdir()
    (home / "secret").write_text("private key")
    (place.data / "image.fits").write_text("pixels")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as web:
        thread = threading.Thread(target=web.serve_forever, daemon=True)
        thread.start()
        script = HOSTILE.replace("{home}", str(home)).replace("{data}", str(place.data))
        os.chmod(place.server.folder, 0o755)
        os.chmod(place.server.folder / "sock", 0o666)
        user = place.server.uid or NOBODY
        for folder in (place.top, *place.top.rglob("*")):
            os.chown(folder, user, user)
        container = msgspec.structs.replace(
            place.prepared.container, readable=(str(place.data),), writable=(str(place.work),)
        )
        if place.server.uid == 0:
            container = msgspec.structs.replace(container, user=f"{NOBODY}:{NOBODY}", groups=())
        job = place.job(script.replace("{port}", str(web.server_port)), container=container)

        def work():
            (outcome,) = LocalEngine(1).execute([job], Control())
            return [outcome.status.value, outcome.cause]

        said = as_user(user, work)
        web.shutdown()
        thread.join()
    folder = place.work.parent / "A001"
    assert said == ["ok", ""], (folder.parent / "failed/A001/stoa-log.txt").read_text()
    log = (folder / "stoa-log.txt").read_text()
    # Process 1 of a container cannot be ended from inside, which `kill` does not find out.
    assert [line for line in log.splitlines() if line.startswith("DID")] in ([], ["DID: kill -9 1"]), log
    assert log.count("refused: ") >= 12
    assert "\npixels" in log
    assert "network: lo" in log
    assert "eth" not in log
    assert "NoNewPrivs:\t1" in log
    assert "CapEff:\t0000000000000000" in log
    assert (place.data / "image.fits").read_text() == "pixels"
    owners = {path: path.stat().st_uid for path in (folder, *folder.rglob("*"))}
    assert set(owners.values()) == {user}


def test_with_isolation_by_target_a_job_cannot_reach_the_directory_of_another(make_place):
    place = make_place("docker", isolation="target")
    neighbour = place.work / "B002"
    neighbour.mkdir()
    outcome = place.run(f"echo x > {neighbour}/x; ls {neighbour}; echo > own")
    assert outcome.status is Status.OK
    assert list(neighbour.iterdir()) == []


@pytest.mark.parametrize("kind", ["docker", "podman", "rootless"])
def test_processes_are_limited_and_the_cause_says_so(make_place, kind):
    place = make_place(kind)
    # Without root's rights all that the user runs elsewhere is allowed for, too.
    outcome = place.run("for i in $(seq 400); do sleep 60 & done; wait", processes=20, timeout_s=30.0, grace_s=0.5)
    assert outcome.status is Status.KILLED, outcome
    assert outcome.cause.startswith("limit of 20 processes reached")
    assert place.left_running() == []


@pytest.mark.parametrize("kind", ["docker", "rootless"])
def test_a_fork_bomb_ends_with_its_timeout(make_place, kind):
    place = make_place(kind)
    outcome = place.run("bomb() { bomb | bomb & }; bomb; sleep 300", processes=50, timeout_s=3.0, grace_s=0.3)
    assert outcome.status in (Status.TIMEOUT, Status.KILLED)
    assert place.left_running() == []


def test_a_child_that_ran_out_of_memory_is_noticed_though_the_script_is_content(make_place, kind):
    place = make_place(kind)
    script = "head -c 400000000 /dev/zero | tail -n 1 >/dev/null; exit 0"
    outcome = place.run(script, memory_mb=60)
    assert (outcome.status, outcome.exit_code) == (Status.KILLED, 0)
    assert outcome.cause.startswith("memory limit of 60 MB reached")


def test_a_container_that_is_removed_meanwhile_is_interrupted_and_the_next_job_has_a_new_one(make_place, kind):
    place = make_place(kind)
    up = place.work / "A001/up"
    outcomes = LocalEngine(1).execute([place.job("echo > up; sleep 300"), place.job("echo fine", "B002")], Control())

    def remove() -> None:
        deadline = time.monotonic() + 60
        while not up.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        client = place.server.client()
        for found in client.containers.list():
            found.remove(force=True)
        client.close()

    thread = threading.Thread(target=remove)
    thread.start()
    first, second = outcomes
    thread.join()
    assert (first.status, first.cause) == (
        Status.INTERRUPTED,
        "its container was removed, or ended by the server, while it ran",
    )
    assert (second.status, second.log) == (Status.OK, "fine\n")


def test_no_container_is_left_after_a_run(make_place, kind):
    place = make_place(kind)
    assert place.run("exit 0").status is Status.OK
    client = place.server.client()
    assert client.containers.list(all=True) == []
    client.close()


DRIVER = """\
import msgspec, sys
from stoa.control import Control
from stoa.exec.local import LocalEngine
from stoa.model import Job
job = msgspec.msgpack.decode(open(sys.argv[1], "rb").read(), type=Job)
list(LocalEngine(1).execute([job], Control()))
"""


def test_what_a_killed_stoa_leaves_is_removed_by_the_next_and_no_other_container_is(make_place, kind):
    place = make_place(kind)
    file = place.top / "job"
    file.write_bytes(msgspec.msgpack.encode(place.job("echo > up; sleep 300")))
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(file)])
    deadline = time.monotonic() + 60
    while not (place.work / "A001/up").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    client = place.server.client()
    other = client.containers.create(IMAGE, command=["true"])
    mine = [found.id for found in client.containers.list()]
    assert len(mine) == 1
    pipes = Path(client.containers.get(mine[0]).labels["stoa.folder"])
    assert pipes.is_dir()
    setting = Setting(caller={"DOCKER_HOST": place.server.address}, cache=place.top / "cache")
    prepare(Environment(name="e", kind="docker", image=IMAGE), setting)
    assert [found.id for found in client.containers.list()] == mine, "its STOA lives"
    driver.kill()
    driver.wait()
    prepare(Environment(name="e", kind="docker", image=IMAGE), setting)
    assert [found.id for found in client.containers.list(all=True)] == [other.id]
    assert not pipes.exists()
    other.remove()
    client.close()
    assert place.left_running() == []


def problem(setting: Setting, **fields) -> EnvironmentProblem:
    with pytest.raises(EnvironmentProblem) as caught:
        prepare(Environment(name="e", kind="docker", **fields), setting)
    return caught.value


def test_an_image_that_is_not_there_is_told_before_anything_runs(make_place, kind):
    place = make_place(kind)
    setting = Setting(caller={"DOCKER_HOST": place.server.address}, cache=place.top / "cache")
    caught = problem(setting, image="radio/aegean:9")
    assert caught.message == "image 'radio/aegean:9' of environment 'e' is not on this machine"
    assert "`docker pull radio/aegean:9`" in str(caught.hint)


def test_a_server_that_does_not_answer_is_told(tmp_path):
    caught = problem(Setting(caller={"DOCKER_HOST": f"unix://{tmp_path}/sock"}), image=IMAGE)
    assert caught.message == (
        "environment 'e' cannot be made ready:"
        f" no Docker server answers at unix://{tmp_path}/sock: nothing listens there"
    )
    assert "docker info" in str(caught.hint)


def test_a_tag_that_was_moved_is_another_identity(make_place, tmp_path):
    place = make_place("docker")
    setting = Setting(caller={"DOCKER_HOST": place.server.address}, cache=place.top / "cache")
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin/busybox").write_bytes((place.server.folder / "tree/bin/busybox").read_bytes())
    (tree / "bin/busybox").chmod(0o755)
    for name in ("sh", "head", "echo"):
        (tree / "bin" / name).symlink_to("busybox")
    environment = Environment(name="e", kind="docker", image="moving:1")
    first = load_image(place.server, tree, "moving:1")
    assert prepare(environment, setting).identity == identity_of(environment, setting) == first
    (tree / "etc").mkdir()
    (tree / "etc/version").write_text("2")
    second = load_image(place.server, tree, "moving:1")
    assert identity_of(environment, setting) == second != first
    assert identity_of(environment, Setting(caller={"DOCKER_HOST": "unix:///nowhere"})) == ""


def test_an_image_is_built_from_a_dockerfile_once(make_place):
    place = make_place("docker")
    (place.top / "Dockerfile").write_text(f"FROM {IMAGE}\nENV PLACE=inside\n")
    setting = Setting(
        caller={"DOCKER_HOST": place.server.address}, top=place.top, cache=place.top / "cache", build=False
    )
    environment = Environment(name="e", kind="docker", dockerfile="Dockerfile")
    with pytest.raises(NotBuilt):
        prepare(environment, setting)
    prepared = prepare(environment, msgspec.structs.replace(setting, build=True))
    assert prepare(environment, setting).identity == prepared.identity
    place.prepared = prepared
    assert place.run("echo $PLACE").log == "inside\n"


def test_a_dockerfile_that_cannot_be_built_is_told_with_what_the_server_says(make_place):
    place = make_place("docker")
    (place.top / "Dockerfile").write_text(f"FROM {IMAGE}\nCOPY nothing /x\n")
    setting = Setting(caller={"DOCKER_HOST": place.server.address}, top=place.top, cache=place.top / "c", build=True)
    assert "environment 'e' cannot be built from Dockerfile" in problem(setting, dockerfile="Dockerfile").message


def test_the_image_says_the_versions_of_its_tools_and_is_asked_once(make_place):
    place = make_place("docker", versions={"busybox": ("busybox", "--help"), "none": ("no-such-tool",)})
    assert place.prepared.facts["busybox"].startswith("BusyBox v")
    assert place.prepared.facts["none"].startswith("exit code 127")
    assert place.prepared.facts["image_id"] == place.prepared.identity
    assert len(list((place.top / "cache/environments").glob("image-*.json"))) == 1


def test_nothing_of_the_callers_variables_reaches_a_container_unasked(make_place, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "x")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    place = make_place("docker", inherit=("OMP_*",), environ={"CATALOGUE": "veron"})
    log = place.run("env").log
    assert "GITHUB_TOKEN" not in log
    assert str(Path.home()) not in log
    assert "OMP_NUM_THREADS=3\n" in log
    assert "CATALOGUE=veron\n" in log
    assert "PATH=/bin\n" in log


def test_when_the_daemon_is_killed_running_jobs_end_as_they_end_and_later_ones_are_errors(open_folder):
    with container_server("docker") as server:
        setting = Setting(caller={"DOCKER_HOST": server.address}, cache=open_folder / "cache", build=True)
        place = Place(open_folder, prepare(Environment(name="e", kind="docker", image=IMAGE), setting), server)
        jobs = [
            place.job("echo > up; while [ ! -e ../go ]; do sleep 0.05; done; echo fine", "first"),
            place.job("sleep 300", "second", timeout_s=1.0, grace_s=0.3),
            place.job("echo never", "third"),
        ]

        def kill() -> None:
            deadline = time.monotonic() + 60
            while not (place.work / "first/up").exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            os.kill(server.process.pid, signal.SIGKILL)
            server.process.wait()
            (place.work / "go").touch()

        thread = threading.Thread(target=kill)
        thread.start()
        first, second, third = LocalEngine(1).execute(jobs, Control())
        thread.join()
    assert (first.status, first.log) == (Status.OK, "fine\n")
    assert (second.status, second.signal) == (Status.TIMEOUT, "SIGKILL")
    assert place.left_running("second") == []
    assert third.status is Status.ERROR
    assert third.cause.startswith("the container cannot be started: no Docker server answers at unix://")


def test_a_server_without_the_rights_of_root_is_said_in_the_facts(make_place):
    facts = make_place("rootless").prepared.facts
    assert facts["server"].startswith("podman ")
    assert facts["server"].endswith(", rootless")
