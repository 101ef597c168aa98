"""Causes: the line that tells, and which of them are the same fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoa.exec.job.cause import MAX_GROUPS, OTHER_CAUSES, cause_of, group_causes, normalise
from stoa.model import Outcome, Status

CHAINED = """\
Traceback (most recent call last):
  File "find.py", line 3, in <module>
    header["BMAJ"]
KeyError: 'BMAJ'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "find.py", line 5, in <module>
    raise Unusable("no beam")
finder.Unusable: no beam
second line of the message
"""

GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "x.py", line 1, in <module>
  |     raise ExceptionGroup("two", [ValueError("a"), OSError("b")])
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: a
    +---------------- 2 ----------------
    | OSError: b
    +------------------------------------
"""

IGNORED = """\
Traceback (most recent call last):
  File "x.py", line 1, in <module>
ValueError: bad beam
Exception ignored in: <function Table.__del__ at 0x7f>
Traceback (most recent call last):
  File "t.py", line 9, in __del__
AttributeError: closed
"""

CASA = """\
2014-12-31 09:42:21\tINFO\ttclean::::casa\t##### Begin Task
2014-12-31 09:42:25\tSEVERE\ttclean::::casa\tTable /data/x.ms does not exist
2014-12-31 09:42:26\tINFO\ttclean::::casa\t##### End Task
"""


PAPERMILL = """\
Executing Cell 4---------------------------------------
Traceback (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main
papermill.exceptions.PapermillExecutionError:\x20
---------------------------------------------------------------------------
Exception encountered at "In [4]":
---------------------------------------------------------------------------
ValueError                                Traceback (most recent call last)
Cell In[4], line 3
      1 # a comment
      2\x20
----> 3 check(snr)

Cell In[3], line 2, in check(snr)
      1 def check(snr):
----> 2     raise ValueError(f'too bright: {snr}')

ValueError: too bright: 4

"""

NBCONVERT = """\
nbclient.exceptions.CellExecutionError: An error occurred while executing the following cell:
------------------
1 / 0
------------------

\x1b[31mZeroDivisionError\x1b[39m                         Traceback (most recent call last)
\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[1]\x1b[39m\x1b[32m, line 1\x1b[39m
\x1b[32m----> \x1b[39m\x1b[32m1\x1b[39m \x1b[32m1\x1b[39m / \x1b[32m0\x1b[39m

\x1b[31mZeroDivisionError\x1b[39m: division by zero
"""


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (PAPERMILL, "cell 4, line 3 (check(snr)): ValueError: too bright: 4"),
        (NBCONVERT, "cell 1, line 1 (1 / 0): ZeroDivisionError: division by zero"),
        ("/usr/bin/python3: No module named papermill\n", "No module named papermill"),
        (CHAINED, "finder.Unusable: no beam"),
        (GROUP, "OSError: b"),
        (IGNORED, "ValueError: bad beam"),
        (CASA, "SEVERE tclean::::casa Table /data/x.ms does not exist"),
        (
            "  File \"x.py\", line 3\n    foo(\n       ^\nSyntaxError: '(' was never closed\n",
            "SyntaxError: '(' was never closed",
        ),
        ("Traceback (most recent call last):\n  File x\nKeyboardInterrupt\n", "KeyboardInterrupt"),
        ("find.sh: 3: sextractor: not found\n", "sextractor: not found"),
        ("find.sh: line 3: sextractor: command not found\n", "sextractor: command not found"),
        ("cat: x.fits: No such file or directory\n", "cat: x.fits: No such file or directory"),
        (
            "python: can't open file '/s/find.py': [Errno 2] No such file or directory\n",
            "python: can't open file '/s/find.py': [Errno 2] No such file or directory",
        ),
        ("run.sh: line 3: 4711 Segmentation fault (core dumped) aegean\n", "Segmentation fault (core dumped) aegean"),
        ("terminate called after throwing 'std::bad_alloc'\n", "terminate called after throwing 'std::bad_alloc'"),
        ("usage: find.py [-h]\nfind.py: error: unknown option\n", "find.py: error: unknown option"),
        ("> *Error*: cannot open x.fits\n", "> *Error*: cannot open x.fits"),
        ("2024-05-01 10:00:00,123 - finder - ERROR - no beam\n", "ERROR - no beam"),
        ("ERROR:root:no beam\n", "ERROR:root:no beam"),
        ("[ERROR] no beam\n", "[ERROR] no beam"),
        ("At line 3 of file x.f\nFortran runtime error: End of file\n", "Fortran runtime error: End of file"),
        ("Error: first\nwent on\nError: second\ncleaning up\n", "Error: second"),
        ("fatal: not a git repository\n", "fatal: not a git repository"),
    ],
)
def test_the_last_line_that_tells_of_a_fault_is_the_cause(log, cause):
    assert cause_of(1, "", log) == cause


@pytest.mark.parametrize(
    "log",
    ["mean error 0.3 mJy\n", "errors: none\n", "    raise ValueError('x')\n", "no Error here\n", "an error occurs\n"],
)
def test_a_line_that_only_speaks_of_errors_is_no_fault(log):
    assert cause_of(3, "", log) == f"exit code 3: {log.strip()}"


@pytest.mark.parametrize(
    ("exit_code", "signal", "log", "cause"),
    [
        (3, "", "", "exit code 3"),
        (1, "", "loading\nno primary beam in the header\n\n", "exit code 1: no primary beam in the header"),
        (137, "", "", "exit code 137 (SIGKILL in a child)"),
        (255, "", "", "exit code 255"),
        (None, "SIGSEGV", "", "killed by SIGSEGV (Segmentation fault)"),
        (None, "SIGKILL", "ValueError: x", "killed by SIGKILL (by hand, or because memory ran out)"),
        (None, "SIGRTMIN+3", "", "killed by SIGRTMIN+3 (unknown signal)"),
    ],
)
def test_without_such_a_line_the_signal_or_exit_code_is_the_cause(exit_code, signal, log, cause):
    assert cause_of(exit_code, signal, log) == cause


def test_a_cause_is_short_and_on_one_line():
    cause = cause_of(1, "", "ValueError: a\tb" + "x" * 500)
    assert cause.startswith("ValueError: a bxxx")
    assert (len(cause), cause[-3:]) == (200, "...")


@given(st.text(max_size=400))
def test_any_log_gives_one_printable_line(log):
    cause = cause_of(1, "", log)
    assert 0 < len(cause) <= 200
    assert not set(cause) & {chr(code) for code in (*range(32), *range(127, 160))}


@pytest.mark.parametrize("line", ["1-" * 8000, "12:" * 8000, "*" * 16000, ": " * 8000, "a.b/" * 4000, "'/" * 8000])
def test_no_line_keeps_the_search_busy(line):
    # a search whose quantifiers overlap would not end on one of these
    assert len(cause_of(1, "", line)) == 200
    assert normalise(line, "A001_X121").count("A001") == 0


SAME = [
    ("KeyError: 'A001'", "KeyError: 'B002'"),
    ("FileNotFoundError: '/data/A001/x.fits'", "FileNotFoundError: '/mnt/B002/deep/y.fits'"),
    ("cannot open /data/a b/A001.fits", "cannot open /data/a b/B002.fits"),
    ("A001.image.fits: no beam", "B002.image.fits: no beam"),
    ("uid___A001_x: no beam", "uid___B002_x: no beam"),
    ("<Table at 0x7f01> closed", "<Table at 0x7fa2b> closed"),
    ("index 512 is out of bounds for axis 0 with size 300", "index 90 is out of bounds for axis 0 with size 64"),
    ("rms 3.2e-05 too high", "rms 0.17 too high"),
    ("no rows since 2014-12-31T09:42:21.84", "no rows since 2015-01-02 10:00:00"),
    ("could not read '/d/A 1/x.fits.gz'", "could not read '/d/B/y.fits.gz'"),
]

DIFFERENT = [
    ("exit code 3", "exit code 4"),
    ("exit code 137 (SIGKILL in a child)", "exit code 139 (SIGSEGV in a child)"),
    ("KeyError: 'BMAJ'", "KeyError: 'BMIN'"),
    ("[Errno 2] failed", "[Errno 13] failed"),
    ("HTTP Error 404", "HTTP Error 503"),
    ("no '/d/x.fits'", "no '/d/x.xml'"),
    ("needs 2 axes, got 4", "needs 2 axes, got 3"),
    ("cannot cast float64 to int32", "cannot cast float64 to int16"),
    ("x.py line 30: bad", "x.py line 41: bad"),
    ("declared output 'sources' (sources.vot) is missing", "declared output 'map' (map.fits) is missing"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_the_same_fault_of_two_targets_has_the_same_text(first, second):
    assert normalise(first, "A001") == normalise(second, "B002")


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_different_faults_keep_different_text(first, second):
    assert normalise(first, "A001") != normalise(second, "A001")


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        ("no beam in A001/x.fits of CS_AGN51", "no beam in <target>/x.fits of <group>"),
        ("cannot open /data/A001/x.fits.", "cannot open <path>.fits."),
        ("flux in Jy/beam, 12.5 arcsec", "flux in Jy/beam, <n> arcsec"),
        ("A0012 is another target", "A0012 is another target"),
        ("see https://casa.nrao.edu/help", "see https://casa.nrao.edu/help"),
        ("shape (300, 400, 1)", "shape (<n>, <n>, 1)"),
    ],
)
def test_what_differs_between_targets_is_replaced(cause, text):
    assert normalise(cause, "A001", "CS_AGN51") == text


def test_a_name_of_one_or_two_letters_is_left_alone():
    assert normalise("not a FITS file", "a") == "not a FITS file"


@given(st.text(max_size=80), st.text(max_size=8))
def test_any_cause_can_be_normalised(cause, target):
    assert isinstance(normalise(cause, target), str)


def outcome(target: str, cause: str, status: Status = Status.FAILED, group: str = "") -> Outcome:
    return Outcome(schema=1, run="r", target=target, group=group, status=status, cause=cause)


def test_outcomes_are_grouped_by_cause_largest_first():
    groups = group_causes(
        [
            outcome("A001", "", Status.OK),
            outcome("A002", "exit code 3"),
            outcome("A003", "no beam in A003"),
            outcome("A004", "no beam in A004"),
            outcome("A005", "exit code 3", Status.SKIPPED),
        ]
    )
    assert [(g.status, g.cause, g.count, g.targets) for g in groups] == [
        (Status.FAILED, "no beam in <target>", 2, ("A003", "A004")),
        (Status.FAILED, "exit code 3", 1, ("A002",)),
        (Status.SKIPPED, "exit code 3", 1, ("A005",)),
    ]


def test_a_group_of_equal_causes_keeps_their_text():
    (group,) = group_causes([outcome("A001", "timeout after 10 s"), outcome("A002", "timeout after 10 s")])
    assert group.cause == "timeout after 10 s"


def test_image_groups_of_one_target_count_apart_and_name_it_once():
    (group,) = group_causes([outcome("A001", "bad G01", group="G01"), outcome("A001", "bad G02", group="G02")])
    assert (group.cause, group.count, group.targets) == ("bad <group>", 2, ("A001",))


def test_causes_that_all_differ_are_bounded():
    letters = [chr(0x4E00 + n) for n in range(MAX_GROUPS + 50)]
    groups = group_causes(outcome(f"t{n:04d}", f"fault {letter}") for n, letter in enumerate(letters))
    assert len(groups) == MAX_GROUPS + 1
    assert (groups[-1].cause, groups[-1].count, len(groups[-1].targets)) == (OTHER_CAUSES, 50, 50)
