"""Started as root, the tests run a command as an ordinary user would."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

USER = 1000
_REPOSITORY = Path(__file__).resolve().parents[1]


def as_ordinary_user(
    arguments: Sequence[str], environment: Mapping[str, str], *, hidden: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """The command line and environment that run this Python with some arguments as :data:`USER`.

    The interpreter may lie in root's home, so it is shown at another place first.

    Parameters
    ----------
    arguments : of Python.
    environment : what the command sees besides where its modules are.
    hidden : programs that are not there.
    """
    packages = [path for path in sys.path if "site-packages" in path]
    python = f"/mnt/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    user = ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups"]
    steps = [
        *(f"mount --bind /dev/null {shlex.quote(path)}" for path in hidden),
        f"mount --bind {shlex.quote(sys.base_prefix)} /mnt",
        f"exec {shlex.join([*user, python, *arguments])}",
    ]
    places = {
        "PYTHONPATH": os.pathsep.join([*packages, str(_REPOSITORY / "src"), str(_REPOSITORY)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LD_LIBRARY_PATH": "/mnt/lib",
    }
    return ["unshare", "--mount", "sh", "-c", " && ".join(steps)], {**environment, **places}


def give(folder: Path) -> None:
    """Let a folder and all that it holds be the ordinary user's."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)
