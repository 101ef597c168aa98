"""`from stoa import report` where STOA is not installed: one file on the job's path."""

from __future__ import annotations

from pathlib import Path

from stoa.exec.job import report

MODULE = "stoa.py"

_GIVES_WAY = b'''

def _give_way() -> None:
    """An installed STOA takes the place of this file."""
    import sys
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    here = os.path.dirname(os.path.abspath(__file__))
    spec = PathFinder.find_spec("stoa", [path for path in sys.path if os.path.abspath(path or ".") != here])
    if spec is None or spec.loader is None or spec.origin is None:
        return
    if os.path.exists(os.path.join(os.path.dirname(spec.origin), "exec", "job", "report.py")):
        module = module_from_spec(spec)
        sys.modules["stoa"] = module
        spec.loader.exec_module(module)


_give_way()
'''


def place_module(folder: Path) -> Path:
    """Write the module into a folder of its own, which goes to the end of PYTHONPATH; gives the folder.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / MODULE
    file.unlink(missing_ok=True)
    file.write_bytes(Path(report.__file__).read_bytes() + _GIVES_WAY)
    file.chmod(0o444)
    return folder
