"""Whether what is reported was graded with the cells and points that the source has now."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError
from autograder.results import Result
from autograder.words import counted


def require_current(course: Course, assignments: Sequence[Assignment]) -> dict[str, list[str]]:
    """Students with a stored result, by assignment.

    Raises CourseError where there are none, and where results are of other cells or points than the
    source's: added up by the source's cells, such marks would be lost, or be above the maximum.
    Students whose folder is gone are not graded again, so theirs may be of other cells.
    """
    students = {each.name: course.require_results(each.name) for each in assignments}
    for assignment in assignments:
        name = assignment.name
        stale = [
            student
            for student in students[name]
            if (course.submitted / student).is_dir()
            and (stored := course.results.load(name, student))
            and not fits(stored[1], assignment)
        ]
        if stale:
            were = "was" if len(stale) == 1 else "were"
            raise CourseError(
                f"{counted(len(stale), 'submission')} of {name} {were} graded with other cells or "
                "points than its source has now; run `release` and `grade`"
            )
    return students


def fits(result: Result, assignment: Assignment) -> bool:
    """Whether a result holds a verdict for each test, for its points, and each answer by hand."""
    if not result.tests:  # nothing was run
        return True
    graded = {test.grade_id: test.max_points for test in result.tests}
    return graded == {cell.grade_id: cell.points for cell in assignment.tests} and set(
        result.manual
    ) == {cell.grade_id for cell in assignment.manual}
