"""Started as root: become an ordinary user, then run bubblewrap as any ordinary user does.

An interpreter under root's home can't be reached by anyone else, so what bubblewrap is to show is
bound to a folder of its own first, in a mount namespace that nobody else sees.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from .inner_layer import enter_own_mounts, mount_bind, mount_memory

NOBODY = 65534


def main() -> None:
    """``argv[1]`` is JSON: folder, binds (source, place under the folder) and command."""
    plan = json.loads(sys.argv[1])
    folder = Path(plan["folder"])
    enter_own_mounts()
    mount_memory(str(folder))
    os.chmod(folder, 0o755)
    for source, place in plan["binds"]:
        target = folder / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.isdir(source):
            target.mkdir(exist_ok=True)
        else:
            target.touch()
        mount_bind(source, str(target))
    os.chdir("/")
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.execv(plan["command"][0], plan["command"])
