"""The values that STOA's parts hand to one another: frozen, typed, without behaviour.

How they are written as YAML is in `stoa.provenance.records`; the words are those of
``docs/words.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct, field

SCHEMA = 1
"""Number of the record format that this version writes."""

Value = bool | int | float | str
"""A parameter's value or a result."""

ValueType = Literal["bool", "int", "float", "str"]


class Status(StrEnum):
    """How a job ended."""

    OK = "ok"
    FAILED = "failed"  # the script said so, or a declared output is missing or unreadable
    TIMEOUT = "timeout"
    KILLED = "killed"  # by a signal, memory included
    SKIPPED = "skipped"  # the script says: not applicable here, do not retry
    BLOCKED = "blocked"  # what it needs is not there
    INTERRUPTED = "interrupted"  # STOA or the machine died, or the user stopped it
    ERROR = "error"  # the environment could not be started


BAD = (Status.FAILED, Status.TIMEOUT, Status.KILLED, Status.BLOCKED, Status.INTERRUPTED, Status.ERROR)
"""Statuses that `--failed` selects and that make a run's exit code 3."""


INCONCLUSIVE = (Status.INTERRUPTED, Status.ERROR)
"""Statuses that say nothing about the target: they never take the place of a conclusive outcome."""


class Target(Struct, frozen=True, omit_defaults=True):
    """A data folder under a root."""

    name: str
    root: str
    path: str  # posix, relative to the root; "" is the root itself
    removed: str = ""  # when it was taken from the list; its line stays: its name is not given again
    formerly: tuple[str, ...] = ()  # names that it had; what was recorded with them belongs to it


class Pattern(Struct, frozen=True, omit_defaults=True):
    """Which folders of a root are targets, those that come later as well."""

    root: str
    pattern: str  # glob relative to the root
    name: str = ""  # pattern of the targets' names


class ParamSpec(Struct, frozen=True, kw_only=True):
    """Declaration of one parameter of a process."""

    type: ValueType
    default: Value | None = None  # None: a value has to be given
    min: float | None = None
    max: float | None = None
    choices: tuple[Value, ...] = ()
    unit: str = ""
    doc: str = ""


Choice = Literal["continuum", "newest", "largest"]
"""Which of several images is taken: continuum before single windows before cubes, or by DATE, or by pixels."""

Intent = Literal["any", "science", "calibrator"]


class InputSpec(Struct, frozen=True, kw_only=True):
    """A file that a process takes, found by its role in the target's metadata document, or by its name."""

    role: tuple[str, ...] = ()  # the first role for which there is a file
    pattern: str = ""  # in the place of a role: glob below the target's folder, for one file or folder
    optional: bool = False
    choose: Choice = "continuum"
    accept: tuple[str, ...] = ()  # problems of a file with which it is taken all the same
    thumbnail: bool = False  # a small picture of it goes into the commit of the outcomes
    missing: Literal["block", "skip"] = "block"  # how a job ends if nothing matches the pattern


class HeaderTest(Struct, frozen=True):
    """A condition on the text of a header keyword: the pattern is found in it."""

    keyword: str
    pattern: str


class RoleRule(Struct, frozen=True, kw_only=True):
    """How files of one role are known.

    Attributes
    ----------
    stem
        Pattern that is searched in the name without format and compression, behind a dot; "" for any.
    header
        Conditions that all hold; a file without a header meets none.
    """

    name: str
    role: str
    stem: str = ""
    header: tuple[HeaderTest, ...] = ()
    doc: str = ""


class RoleRules(Struct, frozen=True, kw_only=True):
    """What a project changes in the table of roles."""

    rules: tuple[RoleRule, ...] = ()  # in the place of those with the same name, else before all others
    without: tuple[str, ...] = ()  # names of built-in rules that do not count
    group_ends: tuple[str, ...] = ()  # further last parts of a name that tell the files of one image apart


class OutputSpec(Struct, frozen=True, kw_only=True):
    """A file or folder that a process promises to write below its job's directory."""

    path: str
    kind: str = "file"  # file, catalogue, image or folder
    optional: bool = False
    tolerance: float = 0.0  # relative difference of numbers that counts as equal when it is made again
    ignore: tuple[str, ...] = ()  # FITS keywords and columns that do not count then
    key: tuple[str, ...] = ()  # columns by which rows of a catalogue are found then; (): by their order
    share: str = ""  # git: small files go into the commit of their outcomes; remote: into the store of the project
    thumbnail: bool = False  # a small picture of it goes into the commit of the outcomes


class ResultSpec(Struct, frozen=True, kw_only=True):
    """A named number that the script reports."""

    type: ValueType
    unit: str = ""
    tolerance: float = 0.0  # relative difference that counts as equal
    doc: str = ""


class Need(Struct, frozen=True):
    """A process whose ok outputs another one takes, by the parameter set with which they were made."""

    process: str
    params: str = "default"


class Process(Struct, frozen=True, kw_only=True):
    """A script or command with declared inputs, parameters, outputs and results."""

    name: str
    command: tuple[str, ...]
    script: str = ""  # relative to the repository's root; "" for a bare command
    files: tuple[str, ...] = ()  # further files that the script needs, put beside it and frozen with it
    shell: bool = False
    over: Literal["target", "image"] = "target"
    inputs: dict[str, InputSpec] = field(default_factory=dict)
    params: dict[str, ParamSpec] = field(default_factory=dict)
    outputs: dict[str, OutputSpec] = field(default_factory=dict)
    results: dict[str, ResultSpec] = field(default_factory=dict)
    environment: str = "host"
    timeout_s: float = 0.0  # 0: none
    grace_s: float = 5.0  # between the polite signal and the final one
    memory_mb: int = 0  # 0: no limit
    memory_most_mb: int = 0  # a job that reached its memory limit is tried again with twice as much, up to this
    cpu_s: float = 0.0  # processor time that one process of a job may take; 0: no limit
    file_mb: int = 0  # size of a file that a job may write; 0: no limit
    processes: int = 0  # how many a job may have at once; 0: no limit
    disk_mb: int = 0  # what a job writes at most, looked for on the disk before the run starts
    skip_codes: tuple[int, ...] = (77,)
    needs: tuple[Need, ...] = ()
    over_products_of: tuple[Need, ...] = ()  # its targets are the folders that these made; () for the others
    intent: Intent = "any"  # the intent of the images that it takes
    warm: bool | tuple[str, ...] = False  # modules that are imported once for many jobs; True: those that are found
    formerly: tuple[str, ...] = ()  # names that it had; what was recorded with them belongs to it
    doc: str = ""

    @property
    def runs_after(self) -> tuple[Need, ...]:
        """The processes that come before this one in a chain."""
        return tuple(dict.fromkeys((*self.needs, *self.over_products_of)))


class ParamRule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """For which targets some parameters have other values."""

    where: str  # SQL expression over the metadata columns of the target's row
    values: dict[str, Value]
    doc: str = ""  # why, in words


class Override(Struct, frozen=True, kw_only=True):
    """A value that a rule gave to one target."""

    value: Value
    rule: int  # which one of the parameter set, from 1


class ParameterSet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Named, typed values for a process, complete: defaults filled in."""

    process: str
    name: str
    values: dict[str, Value]
    doc: str = ""
    rules: tuple[ParamRule, ...] = ()


class EnvironmentRule(Struct, frozen=True, kw_only=True):
    """For which targets another environment is the right one."""

    where: str  # SQL expression over the columns of the target's row, as of --where
    environment: str
    doc: str = ""  # why, in words


Isolation = Literal["worker", "target"]
"""Whether the jobs of a worker share one container, one after the other, or each has its own."""

Network = Literal["none", "default", "host"]


class Environment(Struct, frozen=True, kw_only=True):
    """What a process runs in; which fields count depends on the kind."""

    name: str
    kind: str = "host"
    python: str = ""  # interpreter that `python` in a command means; "": the one that STOA runs in
    environ: dict[str, str] = field(default_factory=dict)  # variables that are set
    inherit: tuple[str, ...] = ()  # further variables taken over from the caller
    requirements: str = ""  # file of pip's, relative to the project; venv and casa
    executable: str = ""  # CASA's own program; casa
    image: str = ""  # docker
    dockerfile: str = ""  # relative to the project; docker
    network: Network = "none"  # docker
    isolation: Isolation = "worker"  # docker
    cpus: float = 0.0  # processors that a container may take; 0: no limit; docker
    umask: int = -1  # of jobs; -1: the caller's
    versions: dict[str, tuple[str, ...]] = field(default_factory=dict)  # tool -> command that prints its version
    rules: tuple[EnvironmentRule, ...] = ()  # the first that matches a target names its environment
    formerly: tuple[str, ...] = ()  # names that it had; what was recorded with them belongs to it
    doc: str = ""

    @property
    def named_files(self) -> tuple[str, ...]:
        """Files of the project that the definition names, relative to it."""
        return tuple(filter(None, (self.requirements, self.dockerfile)))


class Container(Struct, frozen=True, kw_only=True):
    """What a container is made from."""

    server: str  # address of the Docker-compatible server; "" for the usual one
    image: str  # id
    user: str  # "uid:gid"
    rootless: bool = False  # whether the server runs without root's rights, and may ignore limits
    groups: tuple[int, ...] = ()
    readable: tuple[str, ...] = ()  # absolute folders of this machine, at the same places inside
    writable: tuple[str, ...] = ()  # the same; with isolation "target" the job's directory takes their place
    network: Network = "none"
    isolation: Isolation = "worker"
    cpus: float = 0.0
    labels: dict[str, str] = field(default_factory=dict)


class FileRef(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file under a root, as a record names it, or a folder that counts as one: a measurement set."""

    path: str  # "<root>:<posix path relative to the root>"
    size: int = 0  # of all files, for a folder
    sha256: str = ""  # of the whole content; "" where it was not computed
    files: int = 0  # how many a folder holds; 0 for a file


class Watched(Struct, frozen=True):
    """A file as it was when a job was made that reads it."""

    path: str  # absolute
    size: int
    mtime_ns: int


class Warm(Struct, frozen=True, kw_only=True):
    """What the jobs of a script may have in common: an interpreter that has imported modules once."""

    script: str  # absolute path of the copy that runs
    modules: tuple[str, ...]
    own: tuple[str, ...] = ()  # folders with the script's own modules, which each job imports itself


class Job(Struct, frozen=True, kw_only=True):
    """One target (or one image group of it) of a run, with everything that an engine needs."""

    run: str
    target: str
    group: str = ""  # image group; "" for a process over whole targets
    attempt: int = 1
    argv: tuple[str, ...]
    environ: dict[str, str]
    work: str  # absolute path of the fresh working directory, made by the engine
    place: str  # absolute path that `work` is renamed to when the job is ok
    place_ref: str  # the same as "<root>:<posix path>"
    failed_place: str  # absolute path that `work` is renamed to otherwise
    failed_ref: str = ""  # the same as "<root>:<posix path>"
    description: bytes  # content of stoa-job.json
    inputs: dict[str, FileRef] = field(default_factory=dict)
    watched: dict[str, Watched] = field(default_factory=dict)  # inputs by name, to see whether they change meanwhile
    scripts: tuple[Watched, ...] = ()  # the run's copy of the script and of its files, which no job may change
    meta: str = ""  # digest of the metadata document, for the outcome
    outputs: dict[str, OutputSpec] = field(default_factory=dict)
    results: dict[str, ResultSpec] = field(default_factory=dict)
    timeout_s: float = 0.0
    grace_s: float = 5.0
    memory_mb: int = 0
    cpu_limit_s: float = 0.0
    file_mb: int = 0
    processes: int = 0
    umask: int = -1
    skip_codes: tuple[int, ...] = (77,)
    environment: str = ""  # where it is another one than the run's
    environment_reason: str = ""
    overrides: dict[str, Override] = field(default_factory=dict)  # values that rules gave to this target
    container: Container | None = None
    warm: Warm | None = None  # None: an interpreter of its own, started cold


Limit = Literal["", "memory", "cpu_time", "file_size", "processes"]
"""Limits of a process, by their names in its definition."""


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one job ended; the order of the fields is the order in the record."""

    schema: int
    run: str
    target: str
    group: str = ""
    attempt: int = 1
    worker: str = ""  # who ran it, in the engine's words; "" for the machine of the run
    status: Status
    cause: str = ""  # one line; "" when ok and nothing is amiss
    exit_code: int | None = None
    signal: str = ""  # SIGKILL, ...
    limit: Limit = ""  # the limit of the process that ended it
    start: str = ""  # UTC, ISO 8601 with offset
    duration_s: float = 0.0
    cpu_s: float = 0.0
    memory_mb: float = 0.0  # peak resident memory of the largest process
    inputs: dict[str, FileRef] = field(default_factory=dict)
    meta: str = ""  # digest of the metadata document that directed the job
    changed_inputs: tuple[str, ...] = ()  # names of inputs that changed while the job ran
    outputs: dict[str, FileRef] = field(default_factory=dict)
    results: dict[str, Value | None] = field(default_factory=dict)
    environment: str = ""  # where a rule chose another one than the run's
    environment_reason: str = ""
    overrides: dict[str, Override] = field(default_factory=dict)  # parameter -> value that a rule gave
    memory_limit_mb: int = 0  # where it is another one than the process asks for
    left_running: int = 0  # processes that had left the job's process group and were ended with it
    restored: str = ""  # the run that made it, where an earlier outcome was taken over
    adopted: bool = False  # made before STOA: its products were found, and nothing ran
    place: str = ""  # "<root>:<path>" of the job's directory
    log: str = ""  # head and tail of what the script printed

    @property
    def began(self) -> bool:
        """Whether the job began; engines give interrupted ones that did not begin, which are not recorded."""
        return self.status is not Status.INTERRUPTED or bool(self.start)

    @property
    def is_amiss(self) -> bool:
        """Whether someone should look at it: it did not succeed, or did, and there is a cause for doubt."""
        return self.status is not Status.SKIPPED and (self.status is not Status.OK or bool(self.cause))


class Author(Struct, frozen=True):
    """A person, as git names them."""

    name: str
    email: str


LiveState = Literal["running", "submitted", "orphaned", "elsewhere", "cut off"]
"""What a run is that is not in git as a whole; `stoa.workspace.live` says what each means."""


class Run(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One launch of a process over many targets; written before its first job starts."""

    schema: int
    id: str
    process: str
    params: ParameterSet
    environment: str
    engine: str
    author: Author
    host: str
    started: str
    asked: tuple[str, ...]  # the command line or call, in words
    message: str = ""  # why, in the words of its author
    jobs: int
    targets: int
    digests: dict[str, str]  # process, script, params, environment: of the frozen definitions
    environment_facts: dict[str, str] = field(default_factory=dict)  # interpreter, versions
    stoa_version: str = ""
    rerun_of: str = ""
    after: str = ""  # a run whose id was far ahead of the clock: this one counts as later all the same

    @property
    def rank(self) -> str:
        """What runs are ordered by: the id, except after an id that was far ahead."""
        return f"{self.after}+{self.id}" if self.after else self.id


class CauseGroup(Struct, frozen=True, kw_only=True):
    """Outcomes of a run that are not ok and share a cause."""

    status: Status
    cause: str  # without what differs from target to target
    count: int
    targets: tuple[str, ...]


class Summary(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Counts of a finished run; written last."""

    schema: int
    run: str
    finished: str
    duration_s: float
    counts: dict[str, int]  # by status
    skipped_up_to_date: int = 0
    untouched: int = 0  # jobs that never began; they have no outcome
    causes: tuple[CauseGroup, ...] = ()


class Review(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What someone said about a target: a flag, its clearing, that nothing is to be flagged, a comment, a step, a tag.

    A comment or a tag can be on a run as such, a tag on a pair as well.
    """

    schema: int
    id: str
    kind: Literal["flag", "unflag", "pass", "comment", "step", "assign", "tag", "untag"]
    target: str  # "" for a run as such, and for a pair
    run: str = ""  # of the outcome it is about; "" for the target as such
    group: str = ""
    reason: str = ""  # reason code of a flag
    text: str = ""
    clears: tuple[str, ...] = ()  # ids of the flags that an unflag closes
    step: str = ""  # of a step, or of who is to do it; "" for all of them
    state: str = ""  # of a step: done, not-needed, undone
    person: str = ""  # who is to do it; "" for no one any more
    tag: str = ""
    process: str = ""  # of a tag on a pair
    params: str = ""  # and its parameter set
    environment: str = ""  # and environment
    reply_to: str = ""  # of a comment: id of the comment that it answers
    picture: str = ""  # of a comment: name of the PNG or JPEG beside the record
    author: Author
    time: str

    @property
    def subject(self) -> str:
        """The reason code, step or tag that it is about."""
        return self.reason or self.step or self.tag

    @property
    def value(self) -> str:
        """The state of a step, or the person who is to do it."""
        return self.state or self.person

    @property
    def about(self) -> str:
        """The target or, without one, the run or the process of the pair; the folder of the record has its name."""
        return self.target or self.run or self.process


class View(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A page of the dashboard with its filters, under a name; the newest of a name counts."""

    schema: int
    id: str
    name: str
    page: str = ""  # as in its address; "" for the first page
    filters: tuple[tuple[str, str], ...] = ()  # of the address, in their order; a name may occur again
    removed: bool = False
    author: Author
    time: str


class SavedSelection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A named condition over targets, shared by git; the newest of a name counts.

    A target has to meet every part that is given.
    """

    schema: int
    id: str
    name: str
    targets: tuple[str, ...] = ()  # names or glob patterns
    where: str = ""  # SQL expression, as of --where
    tags: tuple[str, ...] = ()  # it has each of them
    failed: bool = False  # a current outcome did not succeed
    flagged: bool = False  # it has an open flag
    text: str = ""  # why, in words
    removed: bool = False
    author: Author
    time: str


class Stratum(Struct, frozen=True, kw_only=True):
    """Targets that are alike, from which a sample has its share."""

    name: str  # ``ok``, ``failed, flagged``
    targets: int
    drawn: int


class Sample(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Targets that were drawn at random for a second look; the newest of a name counts."""

    schema: int
    id: str
    name: str
    seed: int = 0  # with it the same targets of the same project give the same sample
    asked: int = 0  # how many targets were asked for
    where: str = ""  # SQL expression that they had to meet
    pair: str = ""  # PROCESS@SET whose outcomes make the strata; "" for all
    strata: tuple[Stratum, ...] = ()
    targets: tuple[str, ...] = ()
    person: str = ""  # who looks at them
    blind: bool = False  # what others say of them is hidden from who has not judged
    text: str = ""
    removed: bool = False
    author: Author
    time: str


def effective(values: Mapping[str, Value], overrides: Mapping[str, Override]) -> dict[str, Value]:
    """The values of one target."""
    return {**values, **{name: given.value for name, given in overrides.items()}}
