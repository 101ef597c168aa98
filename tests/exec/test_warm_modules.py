"""Which modules of a script are imported before there is a job, as its text says."""

from __future__ import annotations

import pytest

from stoa.exec.job.warm.modules import imported_first, wanted
from stoa.model import Process


def names(text: str, own=()) -> list[str]:
    return list(imported_first([text.encode()], own))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import numpy as np\nimport os, sep", ["numpy", "sep"]),
        ("from astropy.io import fits", ["astropy.io.fits"]),
        ("from astropy.table import Table, vstack as v", ["astropy.table.Table", "astropy.table.vstack"]),
        ("from numpy import *", ["numpy"]),
        ("from . import helper\nfrom .helper import x", []),
        ("import helper\nfrom helper import f\nimport numpy", ["numpy"]),
        ("try:\n    import fast\nexcept ImportError:\n    import slow", ["fast", "slow"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\nelse:\n    import numpy", ["numpy"]),
        ("def f():\n    import scipy\n\nclass C:\n    import pandas\n\nimport numpy", ["numpy"]),
        ('"""Words."""\n__version__ = "1"\nLIMITS = {"a": (1, 2)}\nimport numpy', ["numpy"]),
        ("import logging\nlog = logging.getLogger(__name__)\nimport numpy", ["numpy"]),
        ("import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot", ["matplotlib", "matplotlib.pyplot"]),
        ("import numpy\nif __name__ == '__main__':\n    main()\n", ["numpy"]),
        ("import sys\nif sys.version_info > (3, 8):\n    import numpy", ["numpy"]),
        ("def f(:", []),
        ("", []),
    ],
)
def test_what_is_imported_first(text, found):
    assert names(text, own=["helper"]) == found


@pytest.mark.parametrize(
    "act",
    [
        "import os\nos.environ['OMP_NUM_THREADS'] = '1'",
        "import os\nos.environ.setdefault('OMP_NUM_THREADS', '1')",
        "import sys\nsys.path.insert(0, '/opt/lib')",
        "import sys\nsys.path += ['/opt/lib']",
        "import sys\ndel sys.modules['x']",
        "import warnings\nwarnings.simplefilter('ignore')",
        "def set_up():\n    pass\n\nset_up()",
        "import os\nif os.environ.get('X'):\n    pass",
        "import os\nwith open('/x') as f:\n    pass",
        "import locale\ntry:\n    locale.setlocale(0, '')\nexcept OSError:\n    pass",
        "for name in range(3):\n    print(name)",
        "exec('x = 1')",
    ],
)
def test_nothing_is_taken_after_the_script_has_acted(act):
    assert names(f"import sep\n{act}\nimport numpy") == ["sep"]


def test_the_files_of_a_process_are_read_too_and_are_its_own():
    process = Process(name="p", command=("python", "{script}"), script="find.py", warm=True)
    sources = {"find.py": b"import helper, numpy", "helper.py": b"import sep", "helper.sex": b"import scipy"}
    assert wanted(process, sources) == ("numpy", "sep")


def test_a_list_is_taken_as_it_is():
    process = Process(name="p", command=("python", "{script}"), script="find.py", warm=("json", "numpy"))
    assert wanted(process, {"find.py": b"import sep"}) == ("json", "numpy")
