"""The program that draws thumbnails beside a run: one request a line on its input, one answer a line on its output.

It is a process of its own, so that the run need not load the libraries that read images, and no image can harm it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from stoa.durable import make_folder, write_whole
from stoa.errors import StoaError
from stoa.meta.stills import small_picture


def draw(image: str, place: str) -> str:
    """Draw one thumbnail; says why there is none, "" when it is made."""
    try:
        content = small_picture(Path(image))
        make_folder(Path(place).parent)
        write_whole(Path(place), content)
    except StoaError as problem:
        return problem.message
    except OSError as problem:
        return f"{Path(image).name}: {problem.strerror}"
    except Exception as problem:  # noqa: BLE001 - an image from a script may break a library in any way
        return f"{Path(image).name} cannot be drawn: {type(problem).__name__}"
    return ""


def main() -> None:
    """Answer until the input ends."""
    for line in sys.stdin:
        image, place = json.loads(line)
        print(json.dumps(draw(image, place)), flush=True)  # noqa: T201 - what the run reads


if __name__ == "__main__":
    main()
