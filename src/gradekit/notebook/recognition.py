"""Which cell is whose in a notebook of which some cells, or all, have lost their metadata.

Some programs save a notebook without the metadata of its cells. Nothing says then which cell
answers which question, but the cells themselves still do:

1. A cell with the text of one of the authors' cells is that cell; of authors' cells with the same
   text, the first one that was not found yet.
2. A code cell that defines one of the names a question asks for (``def``, ``class`` or an
   assignment at the beginning of a line) is an answer to that question. Where there are more such
   cells than the question has answer cells, those that stand between the authors' cells before and
   behind the answers go first, then the last ones.
3. Between two cells recognised so far that enclose answers still missing, the other cells are those
   answers, in order, where there are as many of them as are missing of that type. So an answer in
   words is found, which defines nothing. All texts are the answer where one in words is missing.

A cell that still has a name keeps it. One that the assignment does not know says that the cell
belongs to another assignment, or was renamed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set

from gradekit.notebook.cells import Cell, lines_of
from gradekit.notebook.description import Description
from gradekit.notebook.order import in_order


def recognise(cells: Sequence[Cell], description: Description) -> list[str]:
    """The name of the assignment's cell that each of the cells is, empty for all others.

    Given cells without a name stay without one. Several cells get the same name where an answer in
    words was written in several.
    """
    names = [cell.grade_id for cell in cells]
    partly = any(cell.grade_id in names for cell in description.answers)
    _by_text(names, cells, description)
    _by_definition(names, cells, description)
    _by_place(names, cells, description, partly)
    return names


def _by_text(names: list[str], cells: Sequence[Cell], description: Description) -> None:
    known: dict[str, list[str]] = {}
    for cell in description.cells:
        text = lines_of(cell.public_source)
        if cell.grade_id and text and cell.grade_id not in names:
            known.setdefault(text, []).append(cell.grade_id)
    for index, cell in enumerate(cells):
        found = known.get(cell.lines, [])
        if found and not names[index]:
            names[index] = found[0]
            del found[: len(found) > 1]


def _by_definition(names: list[str], cells: Sequence[Cell], description: Description) -> None:
    given = _given(description)
    for question, asked_for in description.names.items():
        answers = [
            (place, cell.grade_id)
            for place, cell in enumerate(description.cells)
            if cell.answer and cell.question == question and cell.kind == "code"
        ]
        asked = [(place, name) for place, name in answers if name not in names]
        wanted = _undefined(asked_for, cells, names, {name for _, name in answers})
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
        start, end = _between(_recognised(names, cells, description), asked[0][0], asked[-1][0])
        # The last ones, first of all of those between the cells before and behind the answers.
        found.sort(key=lambda index: (start < index and (end is None or index < end), index))
        chosen = sorted(found[-len(asked) :])
        for (_, name), index in zip(asked, chosen, strict=False):
            names[index] = name


def _undefined(
    wanted: Sequence[str], cells: Sequence[Cell], names: Sequence[str], answers: Set[str]
) -> list[str]:
    """The names that none of a question's answer cells that still have theirs defines."""
    kept = [cell.source for name, cell in zip(names, cells, strict=True) if name in answers]
    return [
        name for name in wanted if not any(_definition_of([name]).search(text) for text in kept)
    ]


def _recognised(
    names: Sequence[str], cells: Sequence[Cell], description: Description
) -> dict[int, int]:
    """The authors' cells among the cells, as far as they stand in order: index and place."""
    places: dict[str, list[int]] = {}
    given: dict[str, list[int]] = {}
    for place, cell in enumerate(description.cells):
        known, key = (places, cell.grade_id) if cell.grade_id else (given, cell.lines)
        known.setdefault(key, []).append(place)
    return in_order(
        [
            places.get(name, []) if name else given.get(cell.lines, [])
            for name, cell in zip(names, cells, strict=True)
        ]
    )


def _between(run: Mapping[int, int], first: int, last: int) -> tuple[int, int | None]:
    """Where the cell nearest before a place stands, and the one behind another; None: no one."""
    before = [index for index, place in run.items() if place < first]
    behind = [index for index, place in run.items() if place > last]
    return max(before, default=-1), min(behind, default=None)


def _definition_of(names: Sequence[str]) -> re.Pattern[str]:
    one = "|".join(map(re.escape, names))
    return re.compile(
        rf"^(?:(?:async[ \t]+)?(?:def|class)[ \t]+(?:{one})\b|(?:{one})[ \t]*(?::[^=\n]*)?=(?!=))",
        re.MULTILINE,
    )


def _given(description: Description) -> dict[str, int]:
    """Places of the authors' cells without a name, by their text."""
    return {c.lines: i for i, c in enumerate(description.cells) if not c.grade_id}


def _by_place(
    names: list[str], cells: Sequence[Cell], description: Description, partly: bool
) -> None:
    known = list(_recognised(names, cells, description).items())
    behind_all = len(cells), len(description.cells) + 1  # next to nothing
    for (start, first), (end, behind) in zip(known, [*known[1:], behind_all], strict=False):
        for kind in ("code", "markdown"):
            missing = [
                (place, cell.grade_id)
                for place, cell in enumerate(description.cells[:behind])
                if place > first and cell.answer and cell.kind == kind
                if cell.grade_id not in names
            ]
            others = [
                index
                for index in range(start + 1, end)
                if not names[index] and cells[index].kind == kind and cells[index].source.strip()
            ]
            beside = missing and (missing[0][0] == first + 1 or missing[-1][0] == behind - 1)
            if partly and not beside:
                continue  # where answers kept their names, others may have been deleted
            if len(missing) == 1 and kind == "markdown" and beside:
                missing *= len(others)  # an answer in words may have been written in several cells
            if len(missing) == len(others):
                for (_, name), index in zip(missing, others, strict=True):
                    names[index] = name
