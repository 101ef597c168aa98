"""A Slurm of one node on loopback, with nothing of the system's: munged, slurmctld and slurmd in a folder."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ports import free_ports

PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo", "scontrol")

CONFIG = """\
ClusterName=stoa
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.sock
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1,default_queue_depth=10000
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout={lost_after_s}
KillWait=2
MinJobAge=600
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes={host} MaxTime=1 State=UP
"""


class Slurm:
    """A running Slurm; its commands find it by the variable SLURM_CONF."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "slurm.conf"
        self.environ = os.environ | {"SLURM_CONF": str(self.config), "PATH": PATH}

    def __call__(self, *words: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(words, env=self.environ, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr}")
        return done.stdout

    def start_node(self) -> None:
        self("slurmd", "-f", str(self.config), "-N", socket.gethostname().partition(".")[0])
        self._await(self._has_node)

    def kill_node(self) -> None:
        """SIGKILL for slurmd; what it had started runs on."""
        pid = self._pid("run/slurmd.pid")
        os.kill(pid, signal.SIGKILL)
        self._await(lambda: not _lives(pid))

    def _start_controller(self, *words: str) -> None:
        self("slurmctld", *words, "-f", str(self.config))
        self._await(lambda: "is UP" in self("scontrol", "ping"))

    def kill_controller(self) -> None:
        """SIGKILL for slurmctld; what runs continues, and no one answers for it."""
        pid = self._pid("run/slurmctld.pid")
        os.kill(pid, signal.SIGKILL)
        self._await(lambda: not _lives(pid))

    def restart_controller(self) -> None:
        """Start it again after `kill_controller`; what it had not yet written down it has forgotten."""
        self._start_controller()
        self._await(self._has_node)

    def _has_node(self) -> bool:
        return self("sinfo", "-h", "-p", "main", "-o", "%T").strip() in ("idle", "mixed", "allocated")

    def start(self) -> None:
        for name in ("spool", "state", "log", "run", "munge"):
            (self.folder / name).mkdir(mode=0o755, parents=True)
        (self.folder / "munge").chmod(0o711)
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        port, node_port = free_ports(2)
        self.config.write_text(
            CONFIG.format(
                host=socket.gethostname().partition(".")[0], user=getpass.getuser(), folder=self.folder, port=port,
                node_port=node_port, cpus=4, lost_after_s=6,
            )
        )  # fmt: skip
        munge = self.folder / "munge"
        self("munged", "--force", f"--key-file={key}", f"--socket={munge}/munge.sock",
             f"--pid-file={munge}/munged.pid", f"--log-file={self.folder}/log/munged.log",
             f"--seed-file={munge}/seed")  # fmt: skip
        self._start_controller("-c")
        self.start_node()

    def stop(self) -> None:
        with suppress(Exception):
            for job in {line.strip() for line in self("squeue", "-h", "-o", "%A").splitlines()}:
                self("scancel", "-f", job)
        for name in ("run/slurmd.pid", "run/slurmctld.pid", "munge/munged.pid"):
            with suppress(FileNotFoundError, ValueError, ProcessLookupError):
                _end(self._pid(name))

    def _pid(self, name: str) -> int:
        return int((self.folder / name).read_text())

    def _await(self, there) -> None:
        deadline = time.monotonic() + 60
        while True:
            with suppress(RuntimeError):
                if there():
                    return
            if time.monotonic() > deadline:
                raise RuntimeError("Slurm does not get ready")
            time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 5
    while _lives(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def missing() -> str:
    """The first program that is not there; "" where all are."""
    return next((name for name in PROGRAMS if not shutil.which(name, path=PATH)), "")


@contextmanager
def running_slurm(folder: Path) -> Iterator[Slurm]:
    """Start one in an empty folder, and stop it whatever happens."""
    slurm = Slurm(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
