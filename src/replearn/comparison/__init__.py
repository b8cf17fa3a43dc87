"""The rows of the book's cumulative comparison table.

Every chapter measures its method with :func:`measure` on the same data and shows the row with
:func:`table`. The book gathers the rows of all chapters into one table, so what is measured
(:mod:`replearn.comparison.measure`) and how numbers are written (:mod:`replearn.comparison.table`)
are said there and nowhere else.
"""

from replearn.comparison.measure import Row, Score, measure
from replearn.comparison.table import MIME_TYPE, Table, rows_from_data, table

__all__ = ["MIME_TYPE", "Row", "Score", "Table", "measure", "rows_from_data", "table"]
