"""No live kernels on the pages.

Jupyter Book loads sphinx-thebe into every book. Unasked, it adds a script that fails on each page
("THEBE_JS_URL has already been declared") and a configuration that points to a server elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> None:
    """Disconnect what sphinx-thebe connected; Jupyter Book loads it before this extension."""
    for listeners in app.events.listeners.values():
        for listener in list(listeners):
            handler = listener.handler
            # Its style sheet is registered already and must be found, so its folder stays.
            if handler.__module__ == "sphinx_thebe" and handler.__name__ != "st_static_path":
                app.disconnect(listener.id)
