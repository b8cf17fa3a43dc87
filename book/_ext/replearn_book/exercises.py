"""Say where a solution names an exercise that is not there.

sphinx-exercise warns of it too, but without the line, and names the file without its suffix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx_exercise.nodes import solution_node

from replearn_book.formulas import line_of

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)


class SolutionsOfNothing(SphinxPostTransform):
    """Warn of such solutions and take them out before sphinx-exercise sees them."""

    default_priority = 4  # sphinx-exercise begins with 5

    def run(self, **_: Any) -> None:
        """Look at the solutions of a page."""
        known = getattr(self.env, "sphinx_exercise_registry", {})
        for node in list(self.document.findall(solution_node)):
            label = node.get("target_label")
            if label not in known:
                logger.warning(
                    f"a solution to the exercise '{label}', which no page has",
                    location=(self.env.docname, line_of(node)),
                    type="replearn",
                    subtype="exercise",
                )
                node.parent.remove(node)


def setup(app: Sphinx) -> None:
    """Look at each page before it is written."""
    app.add_post_transform(SolutionsOfNothing)
