"""Marks and comments that do not count now, kept in a table of their own in the gradebook.

nbgrader sums up every mark it finds, and knows no comment without a cell. So what a person gave is
laid aside here while its cell is gone from the source or the assignment's settings put something
else in its place, and laid back when that ends. The table lies in the gradebook's file: it goes
into every copy of it, and changes with it in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text

GONE, DROP, FOR_ALL = "gone", "drop", "points_for_all"

_CREATE = """
CREATE TABLE IF NOT EXISTS set_aside (
    assignment TEXT NOT NULL, student TEXT NOT NULL, cell TEXT NOT NULL, why TEXT NOT NULL,
    auto REAL, manual REAL, extra REAL, awaiting BOOLEAN NOT NULL, comment TEXT,
    PRIMARY KEY (assignment, student, cell, why))
"""
_COLUMNS = "assignment, student, cell, why, auto, manual, extra, awaiting, comment"


@dataclass(frozen=True)
class Aside:
    """What is laid aside of one cell of one student.

    Parameters
    ----------
    assignment, student, cell : whose it is.
    why : GONE, the cell is; DROP and FOR_ALL, so say the settings.
    auto, manual, extra, awaiting : the mark as nbgrader holds it.
    comment : written by a person.
    """

    assignment: str
    student: str
    cell: str
    why: str
    auto: float | None = None
    manual: float | None = None
    extra: float | None = None
    awaiting: bool = False
    comment: str | None = None


def make_table(session: Any) -> None:
    """Make the table where it is not there yet."""
    session.execute(text(_CREATE))
    session.commit()


def lay(session: Any, rows: Iterable[Aside]) -> None:
    """Lay marks aside; what lay there of the same cell and student is replaced."""
    values = ", ".join(f":{name}" for name in _COLUMNS.split(", "))
    for row in rows:
        command = f"INSERT OR REPLACE INTO set_aside ({_COLUMNS}) VALUES ({values})"
        session.execute(text(command), asdict(row))


def find(session: Any, **where: str) -> list[Aside]:
    """What is laid aside, by assignment, student, cell or why."""
    found = session.execute(text(f"SELECT {_COLUMNS} FROM set_aside{_where(where)}"), where)
    return [Aside(**{**row, "awaiting": bool(row["awaiting"])}) for row in found.mappings()]


def drop(session: Any, **where: str) -> None:
    """Forget what is laid aside, by the same."""
    session.execute(text(f"DELETE FROM set_aside{_where(where)}"), where)


def hand_over(session: Any, old: str, new: str) -> None:
    """Give one student's to another, who keeps what is there already."""
    names = {"old": old, "new": new}
    session.execute(
        text("UPDATE OR IGNORE set_aside SET student = :new WHERE student = :old"), names
    )
    drop(session, student=old)


def _where(names: dict[str, str]) -> str:
    terms = " AND ".join(f"{name} = :{name}" for name in names)
    return f" WHERE {terms}" if terms else ""
