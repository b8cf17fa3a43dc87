"""One process at a time: files that are locked, and the lock of a course."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from autograder.course import Course
from autograder.errors import CourseError

if sys.platform != "win32":
    import fcntl


@contextlib.contextmanager
def exclusive(path: Path, *, wait: str | None = None) -> Iterator[None]:
    """Keep out every other process that asks for the same file.

    The system opens the lock when its process ends, however it ends. Windows has no such lock:
    there nobody is kept out.

    Parameters
    ----------
    path : the file; it is made, and stays.
    wait : what is printed before waiting for another process; None doesn't wait.

    Raises
    ------
    BlockingIOError
        If another process holds the lock and there is no waiting.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="ascii") as file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if wait is None:
                    raise
                print(wait, flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def only_writer(course: Course) -> Iterator[None]:
    """Keep every other process out of a course; CourseError when one is in it."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(exclusive(course.root / ".writing"))
        except BlockingIOError:
            raise CourseError(
                f"another command is at work in {course.root}; wait until it has ended"
            ) from None
        yield
