"""What the sandbox shows of the library and of /proc: a copy of its own, made before it starts.

A bind of the folder itself would follow what happens on the machine meanwhile: an editor or a pull
that replaces a file takes a cover off it, and a compiled file appears beside one. A copy without
the modules that an assignment hides has nothing to be uncovered.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from autograder.execution import sandbox

LIBRARIES = ("replearn", "gradekit")
# What programs look up in /proc of the whole machine. A snapshot: the files themselves tell how
# busy the others are, from moment to moment.
_SNAPSHOT = (
    "cpuinfo",
    "devices",
    "filesystems",
    "loadavg",
    "meminfo",
    "stat",
    "uptime",
    "version",
    "vmstat",
)


def make(folder: Path, hide: Sequence[str]) -> None:
    """Put ``library``, ``grader`` and ``proc`` into a folder that is the sandbox's own.

    Parameters
    ----------
    folder : an empty folder; whoever made it removes it when the sandbox has ended.
    hide : dotted names of modules that are left out, with all that they hold.
    """
    for package in LIBRARIES:
        _copy(package_folder(package), folder / "library" / package, package, frozenset(hide))
    here = Path(sandbox.__file__).resolve().parent
    inside = folder / "grader" / "autograder"
    _copy(here, inside / "execution" / "sandbox", "", frozenset())
    for source, target in (
        (here.parents[1] / "__init__.py", inside / "__init__.py"),
        (here.parent / "__init__.py", inside / "execution" / "__init__.py"),
    ):
        shutil.copyfile(source, target)
    (folder / "proc" / "folder").mkdir(parents=True)
    (folder / "proc" / "file").touch()
    for name in _SNAPSHOT:
        content = Path("/proc", name).read_bytes()
        (folder / "proc" / name).write_bytes(content)
    for path in (folder, *folder.rglob("*")):  # also for the account that root becomes
        path.chmod(0o755 if path.is_dir() else 0o644)


def sources(hide: Sequence[str]) -> list[Path]:
    """Where modules lie that are left out: files and folders of each installation of the library.

    Besides that which is imported, these are those of the machine's own Python, and those in other
    environments below the interpreter's folder, all of which the sandbox shows.
    """
    found = []
    for name in hide:
        top, *rest = name.split(".")
        if top not in LIBRARIES:
            continue
        for package in dict.fromkeys((package_folder(top), *_other_installations(top))):
            base = package.joinpath(*rest)
            found += [base, *base.parent.glob(f"{base.name}.*")]
            found += base.parent.glob(f"__pycache__/{base.name}.*")
    return found


def _other_installations(package: str) -> Iterator[Path]:
    places = f"lib*/python*/*-packages/{package}"
    for folder in (Path("/usr"), Path("/usr/local"), Path(sys.base_prefix)):
        yield from folder.glob(places)
        yield from folder.glob(f"envs/*/{places}")


def package_folder(package: str) -> Path:
    """Where an installed package lies."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).resolve().parent


def _copy(source: Path, target: Path, module: str, hide: Collection[str]) -> None:
    """Copy a package; no links, which may lead anywhere, and nothing compiled."""
    target.mkdir(parents=True)
    for path in source.iterdir():
        name = f"{module}.{path.name.split('.', 1)[0]}"
        if path.is_symlink() or path.name == "__pycache__" or name in hide:
            continue
        if path.is_dir():
            _copy(path, target / path.name, name, hide)
        elif path.is_file():
            shutil.copyfile(path, target / path.name)
