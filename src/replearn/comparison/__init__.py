"""The rows of the book's cumulative comparison table.

Every chapter measures its method with :func:`measure` on the same data and shows the row with
:func:`table`. The book gathers the rows of all chapters into one table, so what is measured
(:mod:`replearn.comparison.measuring`) and how numbers are written
(:mod:`replearn.comparison.tables`) are said there and nowhere else.
"""

from replearn.comparison.measuring import Row, Score, measure
from replearn.comparison.tables import MIME_TYPE, Table, rows_from_data, table

__all__ = ["MIME_TYPE", "Row", "Score", "Table", "measure", "rows_from_data", "table"]
