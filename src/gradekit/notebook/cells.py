"""The cells of a notebook and what nbgrader's metadata make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["given", "solution", "test", "manual"]
"""``given`` is text and code that is only read, ``manual`` an answer that a person marks."""

Kind = Literal["code", "markdown", "raw"]

_BEGIN_HIDDEN, _END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


@dataclass(frozen=True)
class Cell:
    """One cell of an assignment, or of a student's notebook.

    Parameters
    ----------
    kind : nbformat's type of cell.
    source : its text.
    role : what it is for.
    grade_id : nbgrader's name of it, such as q1_mean_visible; empty where it has none.
    points : what it gives at most.
    locked : whether nbgrader keeps students from editing it.
    """

    kind: Kind
    source: str
    role: Role = "given"
    grade_id: str = ""
    points: int = 0
    locked: bool = False

    @property
    def question(self) -> str:
        """The question that the cell belongs to."""
        return question_of(self.grade_id)

    @property
    def lines(self) -> str:
        """Its text to be compared: whatever ends its lines, and without space at their ends."""
        return lines_of(self.source)

    @property
    def hidden(self) -> bool:
        """Whether students don't see this test."""
        return self.role == "test" and self.grade_id.endswith("_hidden")

    @property
    def answer(self) -> bool:
        """Whether the student writes in it."""
        return self.role in ("solution", "manual")

    @property
    def added(self) -> bool:
        """Whether the student added it: an answer to nothing that was asked."""
        return self.role == "solution" and not self.grade_id

    @property
    def public_source(self) -> str:
        """What of its text a student is given; of an answer, nothing."""
        if self.answer:
            return ""
        if not self.hidden:
            return self.source
        lines, inside = [], False
        for line in self.source.splitlines(keepends=True):
            if line.strip() in (_BEGIN_HIDDEN, _END_HIDDEN):
                inside = line.strip() == _BEGIN_HIDDEN
            elif not inside:
                lines.append(line)
        return "".join(lines)


def lines_of(source: str) -> str:
    """A text to be compared: programs and systems end lines in different ways."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip()


def question_of(grade_id: str) -> str:
    """q1_mean_visible -> q1."""
    return grade_id.split("_", 1)[0]


def nbgrader_metadata(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """What nbgrader wrote about a cell (nbformat 4 JSON), empty where it wrote nothing usable."""
    metadata = cell.get("metadata")
    found = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def role_of(cell: Mapping[str, Any]) -> Role:
    """What a cell is for (nbformat 4 JSON)."""
    metadata = nbgrader_metadata(cell)
    if metadata.get("grade"):
        return "manual" if metadata.get("solution") else "test"
    return "solution" if metadata.get("solution") else "given"


def grade_id_of(cell: Mapping[str, Any]) -> str:
    """nbgrader's name of a cell (nbformat 4 JSON), or an empty text."""
    name = nbgrader_metadata(cell).get("grade_id")
    return name if isinstance(name, str) else ""
