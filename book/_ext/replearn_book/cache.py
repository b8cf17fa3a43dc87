"""Where the outputs of executed pages are cached: each page has folders of its own.

Jupyter Book's cache is keyed by the code of a page only. The outputs also depend on the modules of
this repository that the page imports, on the installed packages and on the data that are used, so
those are part of the folder's name: when one of them changes the page runs again, and a change of
prose, or of a module that the page does not import, runs nothing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.dependencies import Sources
from replearn.folders import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

READER = {"name": "myst_nb_md", "type": "plugin"}  # jupyter-cache's name of myst-nb's
KEPT = 3  # folders of a page that stay, so that going back to a branch is cheap


def hash_files(files: Iterable[Path], root: Path) -> str:
    """SHA-256 of the names (relative to `root`) and contents of `files`, in sorted order."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(os.path.relpath(path, root).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def data_files() -> list[Path]:
    """The files of data sets in the cache folder."""
    # Hidden files are notes of the loaders, not data; what lies deeper is compiled code.
    found = data_folder().glob("*/*")
    return sorted(path for path in found if path.is_file() and not path.name.startswith("."))


def data_key() -> str:
    """Names and sizes of the data sets in the cache folder, and whether downloads are allowed."""
    folder = data_folder()
    listing = [f"{path.relative_to(folder)}:{path.stat().st_size}" for path in data_files()]
    return "\n".join([os.environ.get("REPLEARN_OFFLINE", ""), *listing])


def code_cells(page: Path) -> list[str]:
    """The code of a page, as myst-nb executes it."""
    if page.suffix != ".md" or "code-cell}" not in page.read_text(encoding="utf-8"):
        return []
    from jupyter_cache.readers import get_reader  # with myst-nb's, takes a second

    notebook = get_reader(READER)(str(page))
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


class PageCaches:
    """The caches of a book's pages for imports, packages and data as they are at this moment.

    Parameters
    ----------
    root : the book's folder.
    build : the folder that the book is built in.
    """

    def __init__(self, root: Path, build: Path) -> None:
        self._root, self._build = root, build
        self._sources, self._data = Sources(), data_key()

    def folder(self, page: Path) -> Path | None:
        """The cache of a page; None where there is nothing to execute."""
        code = code_cells(page)
        if not code:
            return None
        requirements = self._root / "requirements.txt"
        parts = [
            self._sources.hash_of(self._sources.needed_by(code)),
            hash_files([requirements], self._root) if requirements.is_file() else "",
            platform.python_version(),
        ]
        name = f"{_short(' '.join(parts))}-{_short(self._data)}"
        return self._build / ".jupyter_cache" / page.relative_to(self._root).with_suffix("") / name


def with_present_data(folder: Path) -> Path:
    """The cache of the same page, imports and packages for the data that are there by now."""
    return folder.with_name(f"{folder.name.split('-')[0]}-{_short(data_key())}")


def use(folder: Path) -> None:
    """Make a page's cache, or note that it is in use; older ones of the page are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    remove_old(folder)


def remove_old(folder: Path) -> None:
    """Keep `folder` and the newest of its siblings, remove the rest."""
    others = [path for path in folder.parent.iterdir() if path.is_dir() and path != folder]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT - 1 :]:
        shutil.rmtree(path)


class _Hooks:
    """Points myst-nb at the cache of each page when the page is read."""

    def __init__(self, app: Sphinx) -> None:
        self._caches = PageCaches(Path(app.srcdir), Path(app.outdir).parent)

    def outdated(
        self, app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], _: set[str]
    ) -> list[str]:
        """Pages that were read with other imports, packages or data than those of now."""
        pages = _folders_of(env).keys() & env.found_docs - added - changed
        now = {page: self._caches.folder(Path(env.doc2path(page))) for page in pages}
        return [page for page, folder in now.items() if _folders_of(env)[page] != str(folder)]

    def before_reading(self, app: Sphinx, page: str, _: list[str]) -> None:
        """Choose the cache of the page that is parsed and executed next."""
        folder = self._caches.folder(Path(app.env.doc2path(page)))
        if folder is None:
            return
        use(folder)
        _folders_of(app.env)[page] = str(folder)
        # There is one configuration for all pages; it is looked at when a page is parsed.
        env: Any = app.env
        env.mystnb_config = env.mystnb_config.copy(execution_cache_path=str(folder))


def _folders_of(env: Any) -> dict[str, str]:
    """The cache of each page that was read; kept with what Sphinx knows of the pages."""
    folders: dict[str, str] = env.__dict__.setdefault("replearn_caches", {})
    return folders


def folder_of(env: BuildEnvironment, page: str) -> Path | None:
    """The cache that a page was read with; None where it has nothing to execute."""
    folder = _folders_of(env).get(page)
    return None if folder is None else Path(folder)


def _merge(_: Sphinx, env: BuildEnvironment, pages: list[str], other: BuildEnvironment) -> None:
    """Take over what was read in another process."""
    found = _folders_of(other)
    _folders_of(env).update({page: found[page] for page in pages if page in found})


def setup(app: Sphinx) -> None:
    """Have each page executed with its own cache."""
    hooks = _Hooks(app)
    app.connect("env-get-outdated", hooks.outdated)
    app.connect("source-read", hooks.before_reading)
    app.connect("env-merge-info", _merge)
