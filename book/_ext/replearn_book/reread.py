"""Read a page again when what it is made from is another, whatever the dates of the files say.

Sphinx compares dates, and a file that was copied with its date can be older than the last build.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from replearn_book.cache import hash_files

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def _texts_of(env: Any) -> dict[str, str]:
    """The hash of each page that was read; kept with what Sphinx knows of the pages."""
    texts: dict[str, str] = env.__dict__.setdefault("replearn_texts", {})
    return texts


def _hash(env: BuildEnvironment, page: str) -> str:
    """Of a page's text and of the other files that it is made from."""
    root = Path(env.srcdir)
    files = {Path(env.doc2path(page)), *(root / name for name in env.dependencies.get(page, ()))}
    return hash_files(filter(Path.is_file, files), root)


def _outdated(_: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], __: Any) -> Any:
    pages = _texts_of(env).keys() & env.found_docs - added - changed
    return [page for page in pages if _texts_of(env)[page] != _hash(env, page)]


def _note(app: Sphinx, _: nodes.document) -> None:
    _texts_of(app.env)[app.env.docname] = _hash(app.env, app.env.docname)


def _merge(_: Sphinx, env: BuildEnvironment, pages: list[str], other: BuildEnvironment) -> None:
    """Take over what was read in another process."""
    found = _texts_of(other)
    _texts_of(env).update({page: found[page] for page in pages if page in found})


def setup(app: Sphinx) -> None:
    """Note the text of each page that is read."""
    app.connect("env-get-outdated", _outdated)
    app.connect("doctree-read", _note)
    app.connect("env-merge-info", _merge)
