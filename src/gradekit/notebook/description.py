"""What an assignment asks for, and how a released notebook carries it in its metadata.

The released notebook holds the authors' own cells, so that a test that was changed or deleted by
mistake is run as the grader runs it: the original. Nothing in it is more than the notebook shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast, get_args

from gradekit.notebook.cells import Cell, Kind, Role

KEY = "gradekit"
"""Of the notebook's metadata."""
_EARLIER_KEY = "replearn"  # of notebooks released before, whose cells are described in other words


@dataclass(frozen=True)
class TimeLimits:
    """Seconds for one call, one cell, and the whole notebook."""

    call: float
    cell: float
    total: float


@dataclass(frozen=True)
class Description:
    """An assignment as far as its notebook tells it, or, on the grader's side, all of it.

    Parameters
    ----------
    assignment : its name.
    cells : in their order; where a notebook carries them, without answers and hidden tests.
    names : by question, what the student is asked to define.
    hide : modules that the student's process can't import.
    limits : how long the student's code may take.
    in_place : those of the names that are asked to change what they are given.
    """

    assignment: str
    cells: tuple[Cell, ...]
    names: Mapping[str, tuple[str, ...]]
    hide: tuple[str, ...]
    limits: TimeLimits
    in_place: tuple[str, ...] = ()

    @property
    def answers(self) -> list[Cell]:
        """The cells that the student writes in."""
        return [cell for cell in self.cells if cell.answer]

    @property
    def visible_tests(self) -> list[Cell]:
        """Tests that students see."""
        return [cell for cell in self.cells if cell.role == "test" and not cell.hidden]

    @property
    def hidden_points(self) -> int:
        """Points of the hidden tests."""
        return sum(cell.points for cell in self.cells if cell.hidden)

    @property
    def manual_points(self) -> int:
        """Points that are given by hand."""
        return sum(cell.points for cell in self.cells if cell.role == "manual")

    def public(self) -> Description:
        """The same without answers and hidden tests."""
        cells = (replace(cell, source=cell.public_source) for cell in self.cells)
        return replace(self, cells=tuple(cells))

    def as_metadata(self) -> dict[str, Any]:
        """What :data:`KEY` holds in a released notebook; nothing that is not public."""
        return {
            "assignment": self.assignment,
            "names": {question: list(names) for question, names in self.names.items()},
            "hide": list(self.hide),
            "in_place": list(self.in_place),
            "seconds": asdict(self.limits),
            "cells": [
                {
                    "grade_id": cell.grade_id,
                    "role": cell.role,
                    "kind": cell.kind,
                    "points": cell.points,
                    "source": cell.source,
                }
                for cell in self.public().cells
            ],
        }


def find_description(metadata: Mapping[str, Any]) -> Description | None:
    """What `release` wrote into a notebook's metadata.

    None when it is not there, or was changed beyond use.
    """
    try:
        if KEY in metadata:
            data = metadata[KEY]
            cells = [
                (cell["grade_id"], cell["role"], cell["kind"], cell["points"], cell["source"])
                for cell in data["cells"]
            ]
        else:
            data = metadata[_EARLIER_KEY]
            cells = [
                (
                    cell["name"],
                    cell["kind"],
                    "code" if cell["code"] else "markdown",
                    cell["points"],
                    cell["source"],
                )
                for cell in data["cells"]
            ]
        seconds = data["seconds"]
        return Description(
            assignment=_text(data["assignment"]),
            cells=tuple(
                Cell(
                    kind=cast(Kind, _one_of(kind, get_args(Kind))),
                    source=_text(source),
                    role=cast(Role, _one_of(role, get_args(Role))),
                    grade_id=_text(name),
                    points=_points(points),
                )
                for name, role, kind, points, source in cells
            ),
            names={question: _texts(names) for question, names in data["names"].items()},
            hide=_texts(data["hide"]),
            limits=TimeLimits(*(_seconds(seconds[key]) for key in ("call", "cell", "total"))),
            in_place=_texts(data.get("in_place", [])),  # earlier releases had no such functions
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("wanted text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("wanted a list")
    return tuple(_text(item) for item in value)


def _one_of(value: object, known: tuple[str, ...]) -> str:
    if _text(value) not in known:
        raise ValueError(f"wanted one of {known}")
    return cast(str, value)


def _points(value: object) -> int:
    if type(value) is not int:
        raise TypeError("wanted a whole number")
    return value


def _seconds(value: object) -> float:
    if type(value) not in (int, float) or not 0 < cast(float, value) < math.inf:
        raise ValueError("wanted a number of seconds")
    return float(cast(float, value))
