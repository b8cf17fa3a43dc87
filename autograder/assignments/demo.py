"""A demo class of twenty, the same every time: right answers, a stub, one half done, mutants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from autograder.assignments.release import require_release
from autograder.assignments.source import Assignment
from autograder.assignments.variants import load_variants
from autograder.course import Course
from autograder.errors import CourseError
from autograder.results import write_atomically
from gradekit.notebook import question_of

STUDENTS = tuple(f"student-{number:02d}" for number in range(1, 21))


def make_class(course: Course, assignment: Assignment) -> list[Path]:
    """Write the twenty submissions; CourseError when the course holds other students' work."""
    require_release(course, assignment)
    present = sorted(course.submitted.iterdir()) if course.submitted.is_dir() else []
    others = [p.name for p in present if p.name not in STUDENTS and p.name[0] != "."]
    if others:
        raise CourseError(
            f"{course.submitted} holds other students' work ({others[0]}); "
            "choose another folder for the demo class with --course"
        )
    released = course.notebook("release", assignment.name).read_text(encoding="utf-8")
    paths = []
    for student, answers in zip(STUDENTS, _answers(assignment), strict=True):
        path = course.notebook("submitted", assignment.name, student)
        text = fill_in(json.loads(released), answers)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_atomically(path, text)
        paths.append(path)
    return paths


def fill_in(notebook: dict[str, Any], answers: dict[str, str]) -> str:
    """A released notebook (its JSON) with answers, by grade_id, written into their cells."""
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if name in answers:
            lines = answers[name].splitlines(keepends=True)
            cell["source"] = [
                line for line in lines if "### " not in line or "SOLUTION" not in line
            ]
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _answers(assignment: Assignment) -> list[dict[str, str]]:
    """What each of the twenty wrote; a cell that is not named keeps the stub."""
    reference = assignment.answers
    keys = [question.key for question in assignment.questions]
    first_half = set(keys[: (len(keys) + 1) // 2])
    half = {name: text for name, text in reference.items() if question_of(name) in first_half}
    right = [{**reference, **v.answers} for v in load_variants(assignment, "right")[:4]]
    mutants = [{**reference, **v.answers} for v in load_variants(assignment, "mutant")]
    fixed = [reference, *right, {}, half][: len(STUDENTS)]
    rotation = mutants or [reference]
    count = len(STUDENTS) - len(fixed)
    stride = max(1, len(rotation) // count)  # so that few of many mutants come from every question
    return fixed + [rotation[index * stride % len(rotation)] for index in range(count)]
