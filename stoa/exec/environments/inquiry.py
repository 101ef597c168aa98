"""What an interpreter is and which packages it has; run as a file by that interpreter.

Needs the standard library only, of Python 3.6 or newer.
"""

import json
import os
import platform
import re
import sys

_DISTRIBUTION = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+?)(?:-py[\d.]+)?\.(?:dist-info|egg-info)$")


def packages(folders: "list[str]") -> "list[str]":
    """Installed distributions as lines ``name==version``, sorted; one from a repository names its commit."""
    found: dict[str, str] = {}
    for folder in folders:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            match = _DISTRIBUTION.match(name)
            if match:
                key = re.sub(r"[-_.]+", "-", match.group("name")).lower()
                found.setdefault(key, match.group("version") + _commit(os.path.join(folder, name)))
    return sorted(f"{name}=={version}" for name, version in found.items())


def _commit(folder: str) -> str:
    try:
        with open(os.path.join(folder, "direct_url.json"), "rb") as file:
            said = json.loads(file.read().decode("utf-8"))
        return " ({} {})".format(said["vcs_info"]["vcs"], said["vcs_info"]["commit_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


if __name__ == "__main__":
    own = os.path.dirname(os.path.abspath(__file__))
    folders = [folder for folder in sys.path if os.path.abspath(folder or ".") != own]
    facts = [platform.python_version(), platform.python_implementation(), packages(folders)]
    sys.stdout.write(json.dumps(facts) + "\n")
