"""Where the outputs of executed chapters are cached.

Jupyter Book's cache is keyed by the code of a page only. The outputs also depend on the library,
on the installed packages and on the digits that are used, so those are part of the cache's path:
when one of them changes the chapters run again, and a change of prose runs nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from replearn.folders import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx
    from sphinx.config import Config

KEPT = 3  # folders of older keys that stay, so that going back to a branch is cheap


def hash_files(files: Iterable[Path], root: Path) -> str:
    """SHA-256 of the names (relative to `root`) and contents of `files`, in sorted order."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(os.path.relpath(path, root).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def data_files() -> list[Path]:
    """The files of data sets in the cache folder."""
    # Hidden files are notes of the loaders, not data.
    return sorted(path for path in data_folder().glob("*/*") if not path.name.startswith("."))


def data_key() -> str:
    """Names and sizes of the data sets in the cache folder, and whether downloads are allowed."""
    folder = data_folder()
    listing = [f"{path.relative_to(folder)}:{path.stat().st_size}" for path in data_files()]
    return "\n".join([os.environ.get("REPLEARN_OFFLINE", ""), *listing])


def library_root() -> Path:
    """The folder of the installed `replearn` package."""
    spec = find_spec("replearn")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("replearn is not installed: run `make env`")
    return Path(spec.origin).parent


def execution_key(root: Path) -> str:
    """Hash of what a chapter's outputs depend on besides its own code."""
    library = library_root()
    requirements = root / "requirements.txt"
    parts = [
        hash_files(library.rglob("*.py"), library),
        hash_files([requirements], root) if requirements.is_file() else "",
        data_key(),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def cache_folder(root: Path, build: Path) -> Path:
    """The execution cache that belongs to the present library, packages and data."""
    return build / ".jupyter_cache" / execution_key(root)


def remove_old(folder: Path) -> None:
    """Keep `folder` and the newest of its siblings, remove the rest."""
    others = [path for path in folder.parent.iterdir() if path.is_dir() and path != folder]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT - 1 :]:
        shutil.rmtree(path)


def _set_cache_path(app: Sphinx, config: Config) -> None:
    folder = cache_folder(Path(app.srcdir), Path(app.outdir).parent)
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    remove_old(folder)
    config.nb_execution_cache_path = str(folder)


def setup(app: Sphinx) -> None:
    """Point myst-nb at the keyed cache."""
    app.connect("config-inited", _set_cache_path)
