"""What students get, and what they must not get."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.assignments import release as release_module
from autograder.assignments.release import find_leaks, release, stub_answers
from autograder.assignments.source import Assignment, load_assignment
from autograder.course import Course
from autograder.errors import CourseError
from tests.autograder.tinycourse import NAME, run


def test_the_release_has_stubs_and_visible_tests_only(course: Course) -> None:
    text = course.notebook("release", NAME).read_text(encoding="utf-8")
    assert "raise NotImplementedError()" in text
    assert "the mean of 1, 2, 6 is 3" in text
    assert "YOUR ANSWER HERE" in text
    for secret in (
        "return total",
        "centre =",
        "secret_values",
        "417.25",
        "sum of squares",
        "BEGIN",
    ):
        assert secret not in text


def test_the_stubs_are_those_of_the_release(course: Course, assignment: Assignment) -> None:
    notebook = json.loads(course.notebook("release", NAME).read_text(encoding="utf-8"))
    cells = {
        cell["metadata"].get("nbgrader", {}).get("grade_id"): "".join(cell["source"])
        for cell in notebook["cells"]
    }
    for name, stub in stub_answers(assignment).items():
        assert cells[name] == stub


def test_an_unchanged_source_is_not_released_again(course: Course, assignment: Assignment) -> None:
    path = course.notebook("release", NAME)
    before = path.stat().st_mtime_ns
    assert not release(course, assignment).made
    assert path.stat().st_mtime_ns == before
    path.unlink()
    assert release(course, assignment).made


def test_a_release_that_would_leak_is_refused(
    course: Course, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when nbgrader's delimiters are configured differently: the solution stays in."""

    def leaky(course: Course, name: str, _: Course) -> None:
        source = course.notebook("source", name).read_text(encoding="utf-8")
        course.notebook("release", name).write_text(source, encoding="utf-8")

    course.notebook("release", NAME).unlink()
    monkeypatch.setattr(release_module, "_generate", leaky)
    with pytest.raises(CourseError, match="would still hold"):
        release(course, assignment)
    assert not course.notebook("release", NAME).exists()


@pytest.mark.parametrize(
    ("line", "leaks"),
    [("    return total / len(values)", 1), ("### END SOLUTION", 1), ("import math", 0), ("", 0)],
)
def test_leaks_are_lines_that_stand_only_inside_the_marks(line: str, leaks: int) -> None:
    solution = "### BEGIN SOLUTION\nimport math\nreturn total / len(values)\n### END SOLUTION"
    source = [
        {"metadata": {}, "source": "import math"},
        {"metadata": {"nbgrader": {"solution": True}}, "source": solution},
    ]
    assert len(find_leaks(source, [{"metadata": {}, "source": line}])) == leaks


def test_nbgraders_refusal_is_passed_on(
    course: Course, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = solutions / NAME / f"{NAME}.md"
    text = source.read_text(encoding="utf-8")
    region = "### BEGIN SOLUTION\n### END SOLUTION\n"
    source.write_text(text.replace("assert mean", f"{region}assert mean", 1), encoding="utf-8")
    assert load_assignment(solutions / NAME).name == NAME
    assert run("release", course=course, solutions=solutions) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: nbgrader could not make the release of {NAME}: ")
    assert "solution region" in error.lower()
    assert "Traceback" not in error
