"""A data centre of the Virtual Observatory on loopback: GAVO DaCHS with a PostgreSQL of its own.

It has an observation log with ALMA's columns as ``ivoa.obscore``, and a table of sources with a cone search.
"""

from __future__ import annotations

import csv
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ports import free_ports

USER = "postgres"
"""Who runs it where tests are run by root, whom PostgreSQL refuses; its package makes this user."""

_DACHS = "/usr/bin/dachs"
_TYPES = {"text": "text", "double": "double precision", "int": "integer"}
LOG_COLUMNS = {
    "obs_publisher_did": "text", "obs_id": "text", "obs_collection": "text", "target_name": "text", "s_ra": "double",
    "s_dec": "double", "s_fov": "double", "em_min": "double", "em_max": "double", "t_min": "double", "t_max": "double",
    "dataproduct_type": "text", "calib_level": "int", "access_url": "text", "access_format": "text",
    "facility_name": "text",
}  # fmt: skip
EXTRA_COLUMNS = {"proposal_id": "text", "member_ous_uid": "text", "frequency": "double", "is_mosaic": "text"}
"""What ALMA's log has beyond the standard."""

SOURCE_COLUMNS = {"name": "text", "ra": "double", "dec": "double", "flux": "double"}
_UCDS = {"name": "meta.id;meta.main", "ra": "pos.eq.ra;meta.main", "dec": "pos.eq.dec;meta.main"}
_ROW_LIMIT = 10_000_000

SETTINGS = """\
[general]
rootDir: {top}/gavo
gavoGroup: {group}
group: {group}
logLevel: warning
[web]
serverPort: {port}
bindAddress: 127.0.0.1
serverURL: http://127.0.0.1:{port}
user: {user}
sqlTimeout: 120
[db]
profilePath: {top}/gavo/etc
[async]
defaultMAXREC: {most}
[ivoa]
authority: stoa.test
dalDefaultLimit: {most}
dalHardLimit: {most}
"""


class DataCentre:
    """A running data centre: `tap` and `cone` are the addresses of its services."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log: Sequence[Mapping[str, object]] = ()
        self.sources = folder / "gavo/inputs/stoa/sources.csv"
        self.port, self._database_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.tap = f"{self.url}/tap"
        self.cone = f"{self.url}/stoa/q/cone/scs.xml?"
        self._user = pwd.getpwnam(USER) if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self._started: list[subprocess.Popen[bytes]] = []
        self._environ = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(folder), "LANG": "C.UTF-8", "USER": USER,
            "GAVOSETTINGS": str(folder / "gavo.rc"), "TZ": "UTC",
        }  # fmt: skip

    def start(self, log: Sequence[Mapping[str, object]], sources: Path) -> None:
        """Start it with an observation log and a CSV of sources with the columns `SOURCE_COLUMNS`."""
        self.log = log
        inputs = self.sources.parent
        inputs.mkdir(parents=True)
        (self.folder / "gavo/etc").mkdir()
        group = subprocess.run(["id", "-gn", self._user.pw_name], capture_output=True, text=True, check=True).stdout
        (self.folder / "gavo.rc").write_text(
            SETTINGS.format(
                top=self.folder, group=group.strip(), user=self._user.pw_name, port=self.port, most=_ROW_LIMIT
            ),
            encoding="utf-8",
        )
        (self.folder / "gavo/etc/userconfig.rd").write_text(_more_of_the_log(), encoding="utf-8")
        (inputs / "q.rd").write_text(_descriptor(), encoding="utf-8")
        _write(inputs / "log.csv", {**LOG_COLUMNS, **EXTRA_COLUMNS}, log)
        shutil.copyfile(sources, self.sources)
        self._give_away()
        self._start_database()
        place = f"host=127.0.0.1 port={self._database_port} user={self._user.pw_name} dbname=gavo"
        self._run(_DACHS, "init", "-d", place)
        self._run(_DACHS, "imp", "//obscore")
        self._run(_DACHS, "imp", "stoa/q")
        self._start(_DACHS, "serve", "debug", said="serve.log")
        self._await(self._answers)

    def processes(self) -> list[subprocess.Popen[bytes]]:
        """What runs, the database first."""
        return list(self._started)

    def close(self) -> None:
        """End what was started, the last first."""
        for process in reversed(self._started):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_database(self) -> None:
        data = self.folder / "data"
        programs = _postgres()
        self._run(
            f"{programs}/initdb", "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        self._start(
            f"{programs}/postgres", "-D", str(data), "-p", str(self._database_port), "-k", str(self.folder), "-F",
            "-c", "listen_addresses=127.0.0.1", "-c", "full_page_writes=off", said="database.log",
        )  # fmt: skip
        self._await(lambda: self._is_there(self._database_port))
        place = ("-h", "127.0.0.1", "-p", str(self._database_port))
        self._run(f"{programs}/createdb", *place, "gavo")
        self._run(f"{programs}/psql", *place, "-d", "gavo", "-c", "CREATE EXTENSION pg_sphere; CREATE EXTENSION q3c")

    def _run(self, *words: str) -> None:
        done = subprocess.run(words, **self._as_user(), capture_output=True, text=True, timeout=1800)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stdout[-500:]} {done.stderr[-2000:]}")

    def _start(self, *words: str, said: str) -> None:
        with (self.folder / said).open("wb") as log:
            self._started.append(
                subprocess.Popen(words, **self._as_user(), stdout=log, stderr=log, start_new_session=True)
            )

    def _as_user(self) -> dict:
        given = {"env": self._environ, "cwd": self.folder, "stdin": subprocess.DEVNULL}
        if os.getuid() == 0:
            given |= {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return given

    def _give_away(self) -> None:
        if os.getuid() == 0:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _await(self, there) -> None:
        deadline = time.monotonic() + 90
        while not there():
            ended = next((p for p in self._started if p.poll() is not None), None)
            if ended or time.monotonic() > deadline:
                said = "".join(log.read_text(errors="replace")[-2000:] for log in self.folder.glob("*.log"))
                raise RuntimeError(f"the data centre does not get ready: {said}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        with suppress(OSError):
            return urllib.request.urlopen(f"{self.tap}/availability", timeout=30).status == 200
        return False

    @staticmethod
    def _is_there(port: int) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False


def missing() -> str:
    """What is not there, with its package; "" where all is."""
    if not os.access(_DACHS, os.X_OK):
        return "no dachs (Debian: python3-gavo)"
    if not _postgres():
        return "no initdb (Debian: postgresql)"
    extensions = {path.stem for path in Path("/usr/share/postgresql").glob("*/extension/*.control")}
    for name, package in (("pg_sphere", "pgsphere"), ("q3c", "q3c")):
        if name not in extensions:
            return f"no {name} (Debian: postgresql-{package})"
    if os.getuid() == 0 and USER not in {user.pw_name for user in pwd.getpwall()}:
        return f"no user {USER} (Debian: postgresql)"
    return ""


@contextmanager
def running_data_centre(log: Sequence[Mapping[str, object]], sources: Path) -> Iterator[DataCentre]:
    """Start one in a new folder that its user can reach, and stop it whatever happens."""
    with closing(DataCentre(Path(tempfile.mkdtemp(prefix="stoa-centre-")))) as centre:
        centre.start(log, sources)
        yield centre


def _postgres() -> Path | None:
    """Folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


def _write(file: Path, columns: Mapping[str, str], rows: Sequence[Mapping[str, object]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(columns), restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _columns(columns: Mapping[str, str]) -> str:
    made = []
    for name, kind in columns.items():
        needed = '<values nullLiteral="-1"/>' if kind == "int" else ""
        made.append(f'<column name="{name}" type="{_TYPES[kind]}" ucd="{_UCDS.get(name, "")}" description="{name}">'
                    f"{needed}</column>")  # fmt: skip
    return "\n".join(made)


def _more_of_the_log() -> str:
    """Columns that ``ivoa.obscore`` has here beyond the standard, as ALMA's has."""
    pars = "\n".join(f'<mixinPar key="{name}">NULL</mixinPar>' for name in EXTRA_COLUMNS)
    clause = "".join(f", CAST(\\\\{name} AS {_TYPES[kind]}) AS {name}" for name, kind in EXTRA_COLUMNS.items())
    return f"""<resource schema="__system">
<STREAM id="obscore-extrapars">{pars}</STREAM>
<STREAM id="obscore-extracolumns">{_columns(EXTRA_COLUMNS)}</STREAM>
<STREAM id="obscore-extraevents"><property name="obscoreClause" cumulate="True">{clause}</property></STREAM>
</resource>"""


def _descriptor() -> str:
    absent = [
        "dataproduct_subtype", "obs_title", "obs_creator_did", "access_estsize", "target_class", "s_region",
        "s_resolution", "t_exptime", "t_resolution", "em_res_power", "o_ucd", "pol_states", "instrument_name",
        "s_xel1", "s_xel2", "t_xel", "em_xel", "pol_xel", "s_pixel_scale", "em_ucd", "preview", "source_table",
    ]  # fmt: skip
    given = " ".join(f'{name}="NULL"' for name in absent)
    extra = " ".join(f'{name}="{name}"' for name in EXTRA_COLUMNS)
    return f"""<resource schema="stoa">
<meta name="title">Test</meta><meta name="description">Tables of tests.</meta>
<meta name="creationDate">2026-01-01T00:00:00Z</meta><meta name="subject">surveys</meta>
<table id="observed" onDisk="True" adql="True">
<mixin {given} {extra}>//obscore#publishObscoreLike</mixin>
{_columns({**LOG_COLUMNS, **EXTRA_COLUMNS})}
</table>
<table id="sources" onDisk="True" adql="True" mixin="//scs#pgs-pos-index">
{_columns(SOURCE_COLUMNS)}
</table>
<data id="log_data"><sources pattern="log.csv"/><csvGrammar/>
<make table="observed"><rowmaker idmaps="*"/></make></data>
<data id="source_data"><sources pattern="sources.csv"/><csvGrammar/>
<make table="sources"><rowmaker idmaps="*"/></make></data>
<service id="cone" allowed="scs.xml">
<meta name="shortName">cone</meta>
<meta name="testQuery.ra">10</meta><meta name="testQuery.dec">10</meta><meta name="testQuery.sr">1</meta>
<scsCore queriedTable="sources"><FEED source="//scs#coreDescs"/></scsCore></service>
</resource>"""
