"""Which modules of this repository some Python code depends on, read from its import statements.

Caches of results (of grading, of the book's pages) are kept under a hash of these modules, so that
a change in a module makes only that run again which imports it, directly or through others.

Nothing is imported to find out. What counts is every import statement, those inside functions too,
but of a module not those under ``if TYPE_CHECKING``. With a module its packages' ``__init__``
counts. Cells are read as IPython does, with its magics; a cell that imports in a way that can't be
followed (an ``exec``, a computed name) counts as importing everything it could. An
``__init__`` that fetches names lazily (a ``__getattr__``) doesn't pull in what it could fetch: the
name that is used decides, and where its module can't be told, all of the package counts.

A module is hashed as it is on disk, comments included: outputs can show a source, a docstring or
the number of a line.
"""

from autograder.dependencies.modules import Dependencies
from autograder.dependencies.sources import PACKAGES, Sources

__all__ = ["PACKAGES", "Dependencies", "Sources"]
