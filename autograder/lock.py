"""One process at a time writes into a course."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from autograder.course import Course
from autograder.errors import CourseError

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def only_writer(course: Course) -> Iterator[None]:
    """Keep every other process out of a course; CourseError when one is in it.

    The system opens the lock when its process ends, however it ends. (Windows has no such lock, and
    nothing is graded there.)
    """
    course.root.mkdir(parents=True, exist_ok=True)
    with open(course.root / ".writing", "a", encoding="ascii") as lock:
        if sys.platform != "win32":
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CourseError(
                    f"another command is at work in {course.root}; wait until it has ended"
                ) from None
        yield
