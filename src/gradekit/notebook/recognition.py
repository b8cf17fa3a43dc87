"""Which cell is whose in a notebook whose cells have lost their metadata.

Some programs save a notebook without the metadata of its cells. Nothing says then which cell
answers which question, but the cells themselves still do:

1. A cell with the text of one of the authors' cells is that cell; of authors' cells with the same
   text, the first one that was not found yet.
2. A code cell that defines one of the names a question asks for (``def``, ``class`` or an
   assignment at the beginning of a line) is an answer to that question. Where there are more such
   cells than the question has answer cells, the last ones are its answers.
3. Between two cells recognised so far that enclose answers still missing, the other cells are those
   answers, in order, where there are as many of them as are missing of that type. So an answer in
   words is found, which defines nothing.

A cell that still has a name, if one that the assignment does not know, is none of these: it belongs
to another assignment, or was renamed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gradekit.notebook.cells import Cell, lines_of
from gradekit.notebook.description import Description


def recognise(cells: Sequence[Cell], description: Description) -> list[str]:
    """The name of the assignment's cell that each of the cells is, empty for all others.

    Given cells without a name stay without one.
    """
    names = [cell.grade_id for cell in cells]
    _by_text(names, cells, description)
    _by_definition(names, cells, description)
    _by_place(names, cells, description)
    return names


def _by_text(names: list[str], cells: Sequence[Cell], description: Description) -> None:
    known: dict[str, list[str]] = {}
    for cell in description.cells:
        text = lines_of(cell.public_source)
        if cell.grade_id and text:
            known.setdefault(text, []).append(cell.grade_id)
    for index, cell in enumerate(cells):
        found = known.get(cell.lines, [])
        if found and not names[index]:
            names[index] = found[0]
            del found[: len(found) > 1]


def _by_definition(names: list[str], cells: Sequence[Cell], description: Description) -> None:
    given = _given(description)
    for question, wanted in description.names.items():
        asked = [
            cell.grade_id
            for cell in description.answers
            if cell.question == question and cell.kind == "code"
        ]
        if not asked or not wanted:
            continue
        defines = _definition_of(wanted)
        found = [
            index
            for index, cell in enumerate(cells)
            if not names[index]
            and cell.kind == "code"
            and cell.lines not in given
            and defines.search(cell.source)
        ]
        for name, index in zip(asked, found[-len(asked) :], strict=False):
            names[index] = name


def _definition_of(names: Sequence[str]) -> re.Pattern[str]:
    one = "|".join(map(re.escape, names))
    return re.compile(
        rf"^(?:(?:async[ \t]+)?(?:def|class)[ \t]+(?:{one})\b|(?:{one})[ \t]*(?::[^=\n]*)?=(?!=))",
        re.MULTILINE,
    )


def _given(description: Description) -> dict[str, int]:
    """Places of the authors' cells without a name, by their text."""
    return {c.lines: i for i, c in enumerate(description.cells) if not c.grade_id}


def _by_place(names: list[str], cells: Sequence[Cell], description: Description) -> None:
    given = _given(description)
    position = {cell.grade_id: i for i, cell in enumerate(description.cells) if cell.grade_id}
    known = []
    for index, (name, cell) in enumerate(zip(names, cells, strict=True)):
        place = position.get(name) if name else given.get(cell.lines)
        if place is not None:
            known.append((index, place))
    behind_all = len(cells), len(description.cells)
    for (start, first), (end, behind) in zip(known, [*known[1:], behind_all], strict=False):
        for kind in ("code", "markdown"):
            missing = [
                cell.grade_id
                for cell in description.cells[first + 1 : behind]
                if cell.answer and cell.kind == kind and cell.grade_id not in names
            ]
            others = [
                index
                for index in range(start + 1, end)
                if not names[index] and cells[index].kind == kind and cells[index].source.strip()
            ]
            if len(missing) == len(others):
                for name, index in zip(missing, others, strict=True):
                    names[index] = name
