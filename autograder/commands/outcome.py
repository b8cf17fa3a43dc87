"""What a run of `grade` did: kept in the course's log, and printed as JSON for programs."""

from __future__ import annotations

import json
import shlex
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from autograder.assignments.source import Assignment
from autograder.course import Course
from gradekit.text import one_line

if TYPE_CHECKING:
    from autograder.grading import ClassReport
    from autograder.submissions.collected import Collected

FORMAT = 1
"""Of the JSON document; it changes with the meaning of what is in it."""
_LINE_CHARS = 400


@dataclass
class Outcome:
    """Filled in while a run of `grade` goes on."""

    arguments: Sequence[str] = ()
    started: float = field(default_factory=time.time)
    error: str = ""
    intake: dict[str, Any] | None = None
    assignments: list[dict[str, Any]] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    limits: str = ""

    def add_intake(self, source: str, assignment: str, done: Collected) -> None:
        """What `--from` did, also when it ended in an error."""
        self.intake = {
            "source": source,
            "assignment": assignment,
            "counts": dict(Counter(done.taken.values())),
            "students": [
                {
                    "student": student,
                    "intake": intake,
                    "unreadable": done.unreadable.get(student, ""),
                }
                for student, intake in sorted(done.taken.items())
            ],
            "files": [asdict(fate) for fate in done.fates],
        }

    def add_class(
        self, course: Course, assignment: Assignment, report: ClassReport, seconds: float
    ) -> None:
        """What grading an assignment gave, with the marks of the gradebook."""
        from autograder.reports.export import shown_status
        from autograder.reports.gradebook import Book

        with Book(course) as book:
            entries = book.entries(assignment.name)
        students = []
        for result in report.results:
            marks = [mark for name, mark in entries.get(result.student, {}).items()]
            failed = result.outcome == "not graded"
            awaiting = any(mark.awaiting for mark in marks) and not failed
            students.append(
                {
                    "student": result.student,
                    "outcome": result.outcome,
                    "status": shown_status(assignment, result, awaiting=awaiting),
                    "score": None if failed else sum(mark.score for mark in marks),
                    "max_score": assignment.max_score,
                    "awaiting": awaiting,
                    "notes": len(result.notes),
                    "unchanged": result.student in report.reused,
                }
            )
        self.assignments.append(
            {
                "assignment": assignment.name,
                "counts": dict(Counter(result.outcome for result in report.results)),
                "unchanged": len(report.reused),
                "seconds": round(seconds, 1),
                "gone": list(report.gone),
                "students": students,
            }
        )

    def as_json(self, course: Course, status: int) -> str:
        """One JSON document; the instructor's guide says what is in it."""
        document = {
            "format": FORMAT,
            "command": "grade",
            "course": str(course.root),
            "started": _time(self.started),
            "seconds": round(time.time() - self.started, 1),
            "exit_status": status,
            "error": self.error,
            "from": self.intake,
            "assignments": self.assignments,
            "without_submissions": self.without,
            "limits": self.limits,
        }
        return json.dumps(document, indent=1)

    def log(self, course: Course, status: int) -> None:
        """Append what was done to logs/grade.log in the course folder."""
        folder = course.root / "logs"
        folder.mkdir(exist_ok=True)
        text = "".join(f"{one_line(line, _LINE_CHARS)}\n" for line in self._lines(status))
        with open(folder / "grade.log", "a", encoding="utf-8", errors="replace") as file:
            file.write(f"{text}\n")

    def _lines(self, status: int) -> list[str]:
        lines = [f"{_time(self.started)} grade {shlex.join(self.arguments)}"]
        if self.intake:
            counts = _counts(self.intake["counts"])
            lines.append(
                f"took in {self.intake['assignment']} from {self.intake['source']}: {counts}"
            )
            for fate in self.intake["files"]:
                whose = f" ({fate['student']})" if fate["student"] else ""
                why = f": {fate['reason']}" if fate["reason"] else ""
                lines.append(f"file {fate['file']}{whose}: {fate['became']}{why}")
        for graded in self.assignments:
            counts = _counts(graded["counts"])
            lines.append(
                f"graded {graded['assignment']}: {counts}; {graded['unchanged']} unchanged; "
                f"{graded['seconds']} s"
            )
            for row in graded["students"]:
                if not row["unchanged"] or row["outcome"] != "complete":
                    score = "no score" if row["score"] is None else f"{row['score']:g}"
                    lines.append(
                        f"student {row['student']}: {score} of {row['max_score']}: {row['status']}"
                    )
        lines += [f"no submissions of {name}" for name in self.without]
        if self.limits:
            lines.append(self.limits)
        if self.error:
            lines.append(f"error: {self.error}")
        return [*lines, f"ended with status {status} after {time.time() - self.started:.1f} s"]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "nobody"


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(seconds))
