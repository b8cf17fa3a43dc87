"""The notebook to grade: the source's cells with the student's texts in them.

Given cells and tests always come from the source, so a deleted or edited test cell is restored and
no metadata of the submission survives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import Any

from .assignment import Assignment, Cell
from .results import Submission


@dataclass(frozen=True)
class Step:
    """One cell to run; ``cell`` is the source's cell, None for a cell the student added."""

    kind: str
    source: str
    cell: Cell | None = None


def rebuild(assignment: Assignment, submission: Submission) -> list[Step]:
    """Cells in the order of the source, the student's own ones behind the cell they followed."""
    extras: dict[int, list[Step]] = {}
    for extra in submission.extras:
        extras.setdefault(extra.after, []).append(Step(extra.kind, extra.source))
    steps = extras.get(-1, [])
    for index, cell in enumerate(assignment.cells):
        source = cell.source
        if cell.role in ("solution", "manual"):
            source = submission.answers.get(cell.grade_id, "")
        steps = [*steps, Step(cell.kind, source, cell), *extras.get(index, [])]
    return steps


def to_notebook(steps: Sequence[Step], outputs: dict[int, list[Any]]) -> dict[str, Any]:
    """The executed notebook (nbformat 4 JSON) that nbgrader's formgrader shows."""
    cells = []
    for index, step in enumerate(steps):
        cell: dict[str, Any] = {
            "id": f"cell-{index}",
            "cell_type": step.kind,
            "metadata": _metadata(step),
            "source": step.source,
        }
        if step.kind == "code":
            cell |= {"execution_count": None, "outputs": outputs.get(index, [])}
        cells.append(cell)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _metadata(step: Step) -> dict[str, Any]:
    cell = step.cell
    if cell is None or not cell.grade_id:
        return {}
    graded, solution = cell.role in ("test", "manual"), cell.role in ("solution", "manual")
    meta: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": cell.grade_id,
        "grade": graded,
        "solution": solution,
        "locked": not solution and (graded or cell.locked),
        "task": False,
        "cell_type": cell.kind,
    }
    if graded:
        meta["points"] = cell.points
    meta["checksum"] = _checksum(step, meta)
    return {"nbgrader": meta}


def _checksum(step: Step, meta: dict[str, Any]) -> str:
    """nbgrader's own checksum of a cell (nbgrader.utils.compute_checksum takes 2 s to import)."""
    parts = [step.source, step.kind, *(str(meta[k]) for k in ("grade", "solution", "locked"))]
    parts.append(meta["grade_id"])
    if meta["grade"]:
        parts.append(str(float(meta["points"])))
    return md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
