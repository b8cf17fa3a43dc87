"""Offer the notebook of a chapter in the page's download menu.

The theme links a notebook only where it also offers to launch one on a server, so the link and
the file are placed here: the pair of the chapter in lectures/.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx


def _offer(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    pair = Path(app.srcdir) / f"{pagename}.ipynb"
    if doctree is None or not pair.is_file():
        return
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(pair, target)
    context["ipynb_source"] = f"{pagename}.ipynb"


def setup(app: Sphinx) -> None:
    """Come before the theme makes its buttons (priority 501)."""
    app.connect("html-page-context", _offer, priority=500)
