"""What can't work on this machine, said before anything is installed or built.

`python3 book/tools/preflight.py [--course]`: exit status 2 and one sentence if the environment
can't be made or the book not built. With --course, one more sentence if all but grading works.

Whatever Python there is runs this file, in order to say that it is too old: so it imports the
standard library only and keeps to the language of Python 3.6.
"""

import argparse
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
OLDEST, NEWEST = (3, 11), (3, 13)
# In GB. What du says of .venv (torch for CPUs alone; with CUDA it is several more), what the wheels
# that pip downloads for it hold, and three times what `make course` leaves in _build.
ENVIRONMENT, DOWNLOADS, BUILD = 2.3, 0.6, 0.3
SANDBOX_MACHINES = ("x86_64", "aarch64")

_UNSHARE = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(ctypes.get_errno() if libc.unshare(0x10000000) else 0)
"""
_VERSION = "import ensurepip, sys; print('%d %d' % sys.version_info[:2])"


def python_error() -> str:
    """Why the Python that runs this can't make the environment; "" if it can."""
    found = sys.version_info[:2]
    if OLDEST <= found <= NEWEST:
        if all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
            return ""
        package = f"python{_dotted(found)}-venv"
        return (
            f"{sys.executable} can't make environments, as its module venv or ensurepip is "
            f"missing; install it (on Debian and Ubuntu: sudo apt-get install {package})"
        )
    other = other_python()
    advice = f"{other} is here as well: make PYTHON={other}" if other else "install one of those"
    return (
        f"Python {_dotted(OLDEST)} to {_dotted(NEWEST)} is needed, and {sys.executable} is "
        f"{_dotted(sys.version_info[:3])}; {advice}"
    )


def other_python() -> str:
    """The newest other Python on PATH that can make the environment; "" without one."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        name = f"python3.{minor}"
        path = shutil.which(name)
        if path and _printed([path, "-c", _VERSION]) == f"3 {minor}":
            return name
    return ""


def disk_error(root: Path) -> str:
    """What of the environment and the build does not fit on the disk; "" if both do."""
    there = (root / ".venv" / ".installed").is_file()  # a folder alone: the install broke off
    needed = BUILD if there else ENVIRONMENT + DOWNLOADS + BUILD
    free = shutil.disk_usage(str(root)).free / 1e9
    if free >= needed:
        return ""
    what = f"the build takes {BUILD} GB"
    if not there:
        what = f"the environment takes {ENVIRONMENT} GB, its downloads {DOWNLOADS} and {what}"
    return (
        f"the disk of {root} has {free:.1f} GB free, and {needed:.1f} are needed ({what}); "
        "make room, or work on another disk"
    )


def folder_error(root: Path) -> str:
    """Which folder the environment and the build could not be written into; "" if all can."""
    for folder in (root, root / ".venv", root / "_build"):
        if folder.exists() and not os.access(str(folder), os.W_OK | os.X_OK):
            return f"{folder} can't be written; work in a copy of your own, or change who owns it"
    return ""


def grading_obstacle() -> str:
    """Why students' code could not be put into a sandbox here; "" if nothing speaks against it."""
    if sys.platform != "linux":
        return f"its sandbox needs Linux, and this is {sys.platform}"
    if platform.machine() not in SANDBOX_MACHINES:
        wanted = " or ".join(SANDBOX_MACHINES)
        return f"its sandbox needs a processor of kind {wanted}, and this is {platform.machine()}"
    number = _printed([sys.executable, "-c", _UNSHARE])
    if number.isdigit() and number != "0":  # not a number: the trial itself failed, shows nothing
        return f"its sandbox needs user namespaces, and here: {os.strerror(int(number))}"
    return ""


def _printed(command: "Sequence[str]") -> str:
    """What a program prints; "" where it fails or can't even be started."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""


def _dotted(version: "Sequence[int]") -> str:
    return ".".join(map(str, version))


def main(arguments: "Sequence[str] | None" = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--course", action="store_true", help="say as well if grading can't work")
    options = parser.parse_args(arguments)
    error = python_error() or folder_error(ROOT) or disk_error(ROOT)
    if error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    obstacle = grading_obstacle() if options.course else ""
    if obstacle:
        print(f"note: nothing can be graded on this machine ({obstacle}); all else is made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
