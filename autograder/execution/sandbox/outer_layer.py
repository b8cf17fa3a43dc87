"""The outer sandbox layer: bubblewrap around the template, and a list of what may be read.

Seen from inside is only the system's programs and libraries, the interpreter, its packages, the
library of the course without the modules that the assignment hides, its data sets, and this
package. Nothing can be written but the template's own /tmp, over which each child puts one of its
own.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradekit.local import FIXED_HASHES, SETTINGS
from replearn.folders import data_folder

INTERPRETER, PACKAGES = "/opt/python", "/opt/packages"
LIBRARY, GRADER, DATA = "/opt/library", "/opt/grader", "/opt/data"
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


def binds() -> list[Bind]:
    """What may be read inside, besides the system's programs and libraries."""
    found = [Bind(path, path) for path in _SYSTEM_FILES if os.path.exists(path)]
    if not _is_system(sys.base_prefix):
        found.append(Bind(os.path.realpath(sys.base_prefix), INTERPRETER))
    for number, folder in enumerate(_package_folders()):
        if not _is_system(folder):
            found.append(Bind(folder, f"{PACKAGES}/{number}"))
    for package in ("replearn", "gradekit"):
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        found.append(Bind(str(Path(spec.origin).resolve().parent), f"{LIBRARY}/{package}"))
    data = data_folder().resolve()
    if data.is_dir():
        found.append(Bind(str(data), DATA))
    here = Path(__file__).resolve().parent
    inside = f"{GRADER}/autograder/execution"
    found.append(Bind(str(here), f"{inside}/sandbox"))
    found.append(Bind(str(here.parent / "__init__.py"), f"{inside}/__init__.py"))
    top = here.parents[1] / "__init__.py"
    found.append(Bind(str(top), f"{GRADER}/autograder/__init__.py"))
    return found


def search_path() -> list[str]:
    """sys.path inside, after the standard library."""
    places = {bind.source: bind.target for bind in binds()}
    packages = [places.get(folder, folder) for folder in _package_folders()]
    return [LIBRARY, GRADER, *packages]


def interpreter() -> str:
    """The interpreter's path inside."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    prefix = sys.base_prefix if _is_system(sys.base_prefix) else INTERPRETER
    return f"{prefix}/bin/{name}"


def hidden_files(modules: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Paths inside of everything that could be read of some modules, and whether it is a folder."""
    for module in modules:
        top, *rest = module.split(".")
        spec = importlib.util.find_spec(top)
        if spec is None or not spec.submodule_search_locations:
            continue
        for location in spec.submodule_search_locations:
            base = Path(location).resolve().joinpath(*rest)
            if base.is_dir():
                yield _inside(base), True
            for pattern in (f"{base.name}.py", f"{base.name}.*.so", f"__pycache__/{base.name}.*"):
                for path in sorted(base.parent.glob(pattern)):
                    yield _inside(path), False


def command(bwrap: str, code: str, *, hide: Sequence[str], empty: str, root: str = "") -> list[str]:
    """bubblewrap's command line around ``code``, which runs in the interpreter inside.

    Parameters
    ----------
    hide : modules whose files are covered.
    empty : an empty file that stands in for a hidden one.
    root : a folder under which the binds' sources stand already, at their place inside.
    """
    line = [
        _reachable(bwrap, root),
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
    ]
    line += ["--cap-drop", "ALL", "--hostname", "sandbox"]
    for folder in (
        "/opt",
        "/etc",
        "/opt/packages",
        LIBRARY,
        GRADER,
        f"{GRADER}/autograder",
        f"{GRADER}/autograder/execution",
    ):
        line += ["--dir", folder]
    for path in _SYSTEM:
        if os.path.islink(path):
            line += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            line += ["--ro-bind", path, path]
    for bind in binds():
        source = root + bind.target if root else bind.source
        line += ["--ro-bind", source, bind.target]
    for covered, is_folder in hidden_files(hide):
        cover = ["--tmpfs", covered, "--remount-ro", covered]
        line += cover if is_folder else ["--ro-bind", empty, covered]
    line += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"]
    line += ["--dir", "/work", "--chdir", "/work", "--remount-ro", "/dev", "--remount-ro", "/"]
    libraries = {"LD_LIBRARY_PATH": f"{INTERPRETER}/lib"}  # not those of another Python here
    moved = {} if _is_system(sys.base_prefix) else libraries
    for name, value in (_ENVIRONMENT | moved).items():
        line += ["--setenv", name, value]
    bootstrap = f"import sys; sys.path[len(sys.path):] = {search_path()!r}; {code}"
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


def _reachable(bwrap: str, root: str) -> str:
    """bubblewrap's path for who may read only ``root``: an environment may lie in a closed home."""
    place = _inside(Path(bwrap))
    return root + place if root and place != bwrap else bwrap


def _inside(path: Path) -> str:
    """Where a path of this machine stands inside."""
    for bind in binds():
        source = Path(bind.source)
        if path == source or source in path.parents:
            return str(Path(bind.target) / path.relative_to(source))
    return str(path)
