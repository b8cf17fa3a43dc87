"""The library as students need it: one zip file beside the released notebooks, for pip."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from autograder.course import Course

NAME = "replearn.zip"
_TOP = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT")
_PACKAGES = ("src/replearn", "autograder")
_DATE = (2000, 1, 1, 0, 0, 0)  # the same files give the same archive


def pack_library(course: Course) -> Path | None:
    """Write ``release/replearn.zip``, which ``pip install replearn.zip`` understands.

    It holds the packages and nothing of the assignments. None when the library was not installed
    from a checkout (``pip install -e .``), so that there are no sources to pack.
    """
    spec = find_spec("replearn")
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).resolve().parents[2]
    if not (root / "pyproject.toml").is_file():
        return None
    path = course.root / "release" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    with zipfile.ZipFile(half, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(_files(root)):
            entry = zipfile.ZipInfo(f"replearn/{file.relative_to(root).as_posix()}", _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())
    half.replace(path)
    return path


def _files(root: Path) -> Iterator[Path]:
    yield from (root / name for name in _TOP)
    for package in _PACKAGES:
        for path in (root / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
