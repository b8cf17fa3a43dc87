"""What students were ever given of an assignment, over all its released versions.

An author who mends a test or a text must not make it look as if students had changed theirs, nor
as if they had written what stood in the notebook they were given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradekit.notebook.cells import Cell, lines_of
from gradekit.notebook.description import Description
from gradekit.notebook.reading import Notebook


@dataclass(frozen=True)
class Versions:
    """The authors' cells of earlier releases, as they stood in the students' notebooks.

    Parameters
    ----------
    earlier : the cells of each version, the oldest first.
    """

    earlier: tuple[tuple[Cell, ...], ...] = ()

    def texts(self, name: str) -> list[str]:
        """What a named cell said in each version that had it."""
        return [cell.source for cells in self.earlier for cell in cells if cell.grade_id == name]

    def ever(self, name: str, lines: str) -> bool:
        """Whether a named cell had this text in some version."""
        return any(lines_of(text) == lines for text in self.texts(name))

    def lacking(self, name: str) -> bool:
        """Whether some version had no cell of this name."""
        return any(all(cell.grade_id != name for cell in cells) for cells in self.earlier)

    def without_old_cells(self, notebook: Notebook, description: Description) -> Notebook:
        """The notebook without what only an earlier version of the assignment held.

        That is a cell with the name and text of an earlier given cell or test, and a cell without
        a name whose text is one of the version's that the notebook is most like. Answers stay.
        A cell that has lost its name and has an earlier text of one that is still there gets the
        name back.
        """
        if not self.earlier:
            return notebook
        now = {cell.grade_id for cell in description.cells}
        given_now = {cell.lines for cell in _public(description) if not cell.answer}
        old = {
            (cell.grade_id, cell.lines)
            for cells in self.earlier
            for cell in cells
            if cell.grade_id and not cell.answer and cell.grade_id not in now
        }
        old_texts = {
            cell.lines: cell.grade_id if cell.grade_id in now else ""
            for cell in self._likest(notebook, description)
            if not cell.answer and cell.lines and cell.lines not in given_now
        }
        named = {cell.grade_id for cell in notebook.cells}
        cells, attachments = [], []
        for cell, attached in zip(notebook.cells, notebook.attachments, strict=True):
            if (cell.grade_id, cell.lines) in old:
                continue
            if not cell.grade_id and cell.lines in old_texts:
                name = old_texts[cell.lines]
                if not name or name in named:
                    continue
                named.add(name)
                cell = replace(cell, grade_id=name)
            cells.append(cell)
            attachments.append(attached)
        return replace(notebook, cells=tuple(cells), attachments=tuple(attachments))

    def _likest(self, notebook: Notebook, description: Description) -> Sequence[Cell]:
        """The earlier version that a notebook has most of; none of it if it has more of today's."""
        texts = {cell.lines for cell in notebook.cells} - {""}

        def common(cells: Sequence[Cell]) -> int:
            given = {cell.lines for cell in cells if not cell.answer} - {""}
            return 2 * len(given & texts) - len(given)

        today = _public(description)
        best: Sequence[Cell] = today
        for cells in reversed(self.earlier):  # of versions that it has as much of, the last
            if common(cells) > common(best):
                best = cells
        return () if best is today else best


def _public(description: Description) -> list[Cell]:
    return [replace(cell, source=cell.public_source) for cell in description.cells]
