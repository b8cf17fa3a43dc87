"""What is no Python is refused in one sentence, with its place."""

from __future__ import annotations

import pytest

from autograder.assignments.syntax import check_syntax
from autograder.errors import CourseError


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = (", r"^here line 1 is not Python: '\(' was never closed$"),
        ("x = 1\nreturn x", r"^here line 2 is not Python: 'return' outside function$"),
        ("break", r"^here line 1 is not Python: 'break' outside loop$"),
        ("!ls", r"^here line 1 is not Python: invalid syntax$"),
        ("x = '\0'", r"^here.* is not Python: "),
        ("(" * 5000, r"^here "),
    ],
)
def test_what_is_no_python_is_named(source: str, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        check_syntax(source, "here")


def test_what_is_python_passes_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    check_syntax("x = '\\d'\nprint(x is 1)", "here")
    assert not recwarn.list
