"""The outer sandbox layer: bubblewrap around the template, and a list of what may be read.

Seen from inside is only the system's programs and libraries, the interpreter, its packages, data
sets, and a private copy of the library (without the modules that the assignment hides) and of this
package. Nothing can be written but the template's own /tmp, over which each child puts one of its
own.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradekit.local import FIXED_HASHES, SETTINGS
from replearn.folders import data_folder

from . import inner_layer

INTERPRETER, PACKAGES = "/opt/python", "/opt/packages"
LIBRARY, GRADER, DATA = "/opt/library", "/opt/grader", "/opt/data"
# Shown as a private copy only, where they are installed beside other packages.
_OURS = ("replearn", "gradekit", "autograder")
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives")
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",
    "USER": "student",
    "LOGNAME": "student",
    "LANG": "C.UTF-8",
    "TMPDIR": "/tmp",
    "IPYTHONDIR": "/tmp/ipython",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "PYTHONDONTWRITEBYTECODE": "1",
    # A thread that waits for its turn on the submission's one core must not keep it busy.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    **FIXED_HASHES,
    "REPLEARN_DATA": DATA,
    "REPLEARN_OFFLINE": "1",
    **SETTINGS,
}


@dataclass(frozen=True)
class Bind:
    """A folder or file of this machine and where it stands inside."""

    source: str
    target: str


def binds(copies: Path) -> list[Bind]:
    """What may be read inside, besides the system's programs and libraries.

    Parameters
    ----------
    copies : what :mod:`autograder.execution.private_copy` made.
    """
    found = [Bind(path, path) for path in _SYSTEM_FILES if os.path.exists(path)]
    if not _is_system(sys.base_prefix):
        found.append(Bind(os.path.realpath(sys.base_prefix), INTERPRETER))
    for number, folder in enumerate(_package_folders()):
        if not _is_system(folder):
            found += _packages(folder, f"{PACKAGES}/{number}")
    data = data_folder().resolve()
    if data.is_dir():
        found.append(Bind(str(data), DATA))
    found += [
        Bind(str(copies / name), target)
        for name, target in (
            ("library", LIBRARY),
            ("grader", GRADER),
            ("proc", inner_layer.SNAPSHOT),
        )
    ]
    return found


def _packages(folder: str, target: str) -> Iterator[Bind]:
    """A folder of packages as a whole; entry by entry where packages of ours lie among them."""
    names = os.listdir(folder)
    if not set(_OURS).intersection(names):
        yield Bind(folder, target)
        return
    for name in sorted(names):
        path = os.path.join(folder, name)
        if name not in _OURS and os.path.exists(path):
            yield Bind(path, f"{target}/{name}")


def search_path() -> list[str]:
    """sys.path inside, after the standard library."""
    packages = [
        folder if _is_system(folder) else f"{PACKAGES}/{number}"
        for number, folder in enumerate(_package_folders())
    ]
    return [LIBRARY, GRADER, *packages]


def interpreter() -> str:
    """The interpreter's path inside."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    prefix = sys.base_prefix if _is_system(sys.base_prefix) else INTERPRETER
    return f"{prefix}/bin/{name}"


def command(bwrap: str, code: str, *, copies: Path, root: str = "") -> list[str]:
    """bubblewrap's command line around ``code``, which runs in the interpreter inside.

    Parameters
    ----------
    copies : what :mod:`autograder.execution.private_copy` made.
    root : a folder under which the binds' sources stand already, at their place inside.
    """
    shown = binds(copies)
    line = [
        _reachable(bwrap, shown, root),
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
    ]
    line += ["--cap-drop", "ALL", "--hostname", "sandbox"]
    for folder in ("/opt", "/etc", PACKAGES):
        line += ["--dir", folder]
    for path in _SYSTEM:
        if os.path.islink(path):
            line += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            line += ["--ro-bind", path, path]
    for bind in shown:
        source = root + bind.target if root else bind.source
        line += ["--ro-bind", source, bind.target]
    for folder in _interpreters_packages():
        line += ["--tmpfs", folder, "--remount-ro", folder]
    line += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"]
    line += ["--dir", "/work", "--chdir", "/work", "--remount-ro", "/dev", "--remount-ro", "/"]
    libraries = {"LD_LIBRARY_PATH": f"{INTERPRETER}/lib"}  # not those of another Python here
    moved = {} if _is_system(sys.base_prefix) else libraries
    for name, value in (_ENVIRONMENT | moved).items():
        line += ["--setenv", name, value]
    places = search_path()
    bootstrap = (
        f"import os, sys; sys.path[len(sys.path):] = {places!r}; "
        # For the interpreters that a student's code may start, as joblib does.
        f"os.environ['PYTHONPATH'] = {os.pathsep.join(places)!r}; {code}"
    )
    # Not -I, which ignores PYTHONHASHSEED; nothing else of the environment comes from outside.
    return [*line, interpreter(), "-s", "-P", "-S", "-B", "-c", bootstrap]


def _package_folders() -> list[str]:
    """Folders of installed packages that this process imports from."""
    purelib = os.path.realpath(sysconfig.get_path("purelib"))
    folders = [os.path.realpath(path) for path in sys.path if path]
    named = [f for f in folders if os.path.basename(f) in ("site-packages", "dist-packages")]
    return [f for f in dict.fromkeys([purelib, *named]) if os.path.isdir(f)]


def _is_system(path: str) -> bool:
    return os.path.realpath(path).startswith("/usr/") or os.path.realpath(path) == "/usr"


def _interpreters_packages() -> list[str]:
    """Inside the interpreter's own folder, its packages: they are shown elsewhere, or not at all.

    An environment does not see those of the interpreter that it was made from.
    """
    if _is_system(sys.base_prefix):
        return []
    base = Path(os.path.realpath(sys.base_prefix))
    return [
        f"{INTERPRETER}/{path.relative_to(base)}"
        for path in sorted(base.glob("lib*/python*/*-packages"))
        if path.is_dir() and not path.is_symlink()
    ]


def _reachable(bwrap: str, shown: list[Bind], root: str) -> str:
    """bubblewrap's path for who may read only ``root``: an environment may lie in a closed home."""
    place = _inside(Path(bwrap), shown)
    return root + place if root and place != bwrap else bwrap


def _inside(path: Path, shown: list[Bind]) -> str:
    """Where a path of this machine stands inside."""
    for bind in shown:
        source = Path(bind.source)
        if path == source or source in path.parents:
            return str(Path(bind.target) / path.relative_to(source))
    return str(path)
