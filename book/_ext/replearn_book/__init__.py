"""The book's own Sphinx extension: one module per job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Register every part of the extension with Sphinx."""
    # Imported here so that the tools and tests can use claims.py and cache.py without Sphinx.
    from replearn_book import (
        assignment,
        cache,
        claims_pages,
        comparison_pages,
        downloads,
        figures,
        mathjax,
        no_thebe,
    )

    for part in (
        assignment,
        cache,
        claims_pages,
        comparison_pages,
        downloads,
        figures,
        mathjax,
        no_thebe,
    ):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
