"""One process at a time: files that are locked, and the lock of a course."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.course import Course
from autograder.errors import CourseError
from gradekit.text import one_line

if sys.platform != "win32":
    import fcntl

_SHOWN_CHARS = 60
_LONGEST = 4_000  # bytes read of what a lock's file says


@contextlib.contextmanager
def exclusive(path: Path, *, wait: str | None = None, about: str = "") -> Iterator[None]:
    """Keep out every other process that asks for the same file.

    The system opens the lock when its process ends, however it ends. Windows has no such lock:
    there nobody is kept out.

    Parameters
    ----------
    path : the file; it is made, and stays.
    wait : what is printed before waiting for another process; None doesn't wait.
    about : what the file says while the lock is held.

    Raises
    ------
    BlockingIOError
        If another process holds the lock and there is no waiting.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Unbuffered: what a full disk refuses must not be tried again when the file is closed.
    with open(path, "ab", buffering=0) as file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if wait is None:
                    raise
                print(wait, file=sys.stderr, flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
        if not about:
            yield
            return
        _write(file, about)
        try:
            yield
        finally:
            _write(file, "")


def _write(file: Any, text: str) -> None:
    """What stands in a lock's file is only ever shown: a full disk stops nothing."""
    with contextlib.suppress(OSError):
        file.truncate(0)
        file.write(text.encode())


@contextlib.contextmanager
def only_writer(course: Course, command: str = "", *, wait: bool = False) -> Iterator[None]:
    """Keep every other process out of a course.

    Parameters
    ----------
    course : its folder is locked.
    command : what others are told is at work.
    wait : for another command to end, instead of refusing.

    Raises
    ------
    CourseError
        If another command is at work and there is no waiting; it says which and whose.
    """
    path = course.root / ".writing"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(exclusive(path, about=_about(command)))
        except BlockingIOError:
            busy = f"{_holder(path)} is at work in {course.root}"
            if not wait:
                raise CourseError(f"{busy}; wait until it has ended, or add --wait") from None
            lock = exclusive(
                path, wait=f"{busy}; waiting until it has ended", about=_about(command)
            )
            stack.enter_context(lock)
        yield


def _about(command: str) -> str:
    """Who we are, for whoever finds the course locked."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a number without a name, as in some containers
        user = str(os.getuid()) if hasattr(os, "getuid") else ""
    facts = {
        "command": command,
        "user": user,
        "host": platform.node(),
        "process": os.getpid(),
        "started": _started(os.getpid()),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    return json.dumps(facts)


def _holder(path: Path) -> str:
    """Who holds a lock that we were refused, by the file; unnamed where that may be out of date.

    The holder writes just after it was given the lock, so what a killed one has left may still
    stand there: what names a process that is no more is not believed.
    """
    for _ in range(5):
        facts = _facts(path)
        if facts:
            return _named(facts)
        time.sleep(0.05)
    return "another command"


def _facts(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            facts = json.loads(file.read(_LONGEST))
        here = facts["host"] == platform.node()
        known = {key: facts[key] for key in ("command", "user", "host", "process", "since")}
        alive = not here or _started(int(facts["process"])) == facts["started"] is not None
        datetime.fromisoformat(known["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return known | {"here": here} if alive else {}


def _named(facts: dict[str, Any]) -> str:
    def shown(key: str) -> str:
        return one_line(str(facts[key]), _SHOWN_CHARS)

    since = datetime.fromisoformat(facts["since"]).astimezone()
    today = since.date() == datetime.now().astimezone().date()
    when = since.strftime("%H:%M" if today else "%Y-%m-%d %H:%M")
    where = "" if facts["here"] else f" on {shown('host')}"
    who = f"started {when} by {shown('user')} (process {shown('process')}{where})"
    return f"{shown('command') or 'another command'}, {who},"


def _started(process: int) -> str | None:
    """When a process of this machine started, as its system counts; None: there is no such one."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        return text.rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(process, 0)  # macOS: whether it is there
    except PermissionError:
        return ""
    except OSError:
        return None
    return ""
