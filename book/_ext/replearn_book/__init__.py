"""The book's own Sphinx extension: one module per job."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# The scoreboard's registry is book.experiments, which is part of the repository, not installed.
_ROOT = str(Path(__file__).resolve().parents[3])
if _ROOT not in sys.path:
    sys.path.append(_ROOT)

# Imported by setup, so that the tools and tests can use claims.py and cache.py without Sphinx.
_PARTS = (
    "accessible",
    "assignment",
    "bibliography",
    "cache",
    "captions",
    "chapters",
    "claims_pages",
    "comparison_pages",
    "conclusions",
    "downloads",
    "exercises",
    "figures",
    "formulas",
    "head",
    "library_pages",
    "mathjax",
    "no_thebe",
    "performance_pages",
    "permalinks",
    "reread",
    "scoreboard_pages",
    "search",
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part of the extension with Sphinx."""
    for part in _PARTS:
        import_module(f"replearn_book.{part}").setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
