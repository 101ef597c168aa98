"""One collaborator as a process of its own: `busy_collaborator.py FOLDER NAME ACTIONS SEED`.

Flags, comments and runs at random, shares every few actions, and prints what was made as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

from collaborators import TARGETS, Person


def work(person: Person, actions: int, chance: random.Random) -> dict[str, object]:
    made: list[str] = []
    syncs: list[tuple[float, int]] = []
    for number in range(1, actions + 1):
        target = chance.choice(TARGETS)
        action = chance.choices(["flag", "comment", "run"], [5, 4, 1])[0]
        if action == "flag":
            made.append(person.flag(target, chance.choice(["check", "artefacts"])))
        elif action == "comment":
            made.append(person.comment(target, f"{person.name} {number}"))
        else:
            made.append(person.run(target))
        if number == actions or chance.random() < 0.25:
            start = time.monotonic()
            attempts = person.sync().attempts
            syncs.append((time.monotonic() - start, attempts))
    return {"made": made, "syncs": syncs}


if __name__ == "__main__":
    folder, name, actions, seed = sys.argv[1:]
    sys.stdout.write(json.dumps(work(Person(name, Path(folder)), int(actions), random.Random(int(seed)))))
