"""The grader is killed, runs out of disk, finds the gradebook locked: nothing lost, none doubled.

Each trial grades a small class through the command line in a process of its own, and compares CSV,
pages, results, executed notebooks and the gradebook's rows with those of an undisturbed run.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from tests.load import fault_injection, large_class
from tests.load.fault_injection import NAME, Kill

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc"),
    pytest.mark.long,
]


SIZE = 8  # make load has twenty


@pytest.fixture(scope="module")
def workspace() -> Iterator[Path]:
    with fault_injection.workspace() as folder:
        yield folder


@pytest.fixture(scope="module")
def base(workspace: Path) -> Course:
    """A class that is handed in and not graded."""
    return fault_injection.prepare(workspace / "base" / "course", SIZE)


@pytest.fixture(scope="module")
def wanted(base: Course, workspace: Path) -> dict[str, Any]:
    """What an undisturbed run makes of it."""
    found = fault_injection.undisturbed(base, workspace / "undisturbed")
    assert found["rows"]["student"] == SIZE
    assert found["rows"]["grade"] == len(found["marks"]) == 5 * SIZE
    return found


@pytest.fixture
def own(base: Course, workspace: Path, request: pytest.FixtureRequest) -> Course:
    """A copy of the class for one test."""
    number = sum(1 for _ in workspace.iterdir())
    return fault_injection.fresh(base, workspace / f"{number}-{request.node.originalname}")


def complaint(said: tuple[int, str, str]) -> str:
    """The one sentence of a run that could not go on."""
    status, _, err = said
    assert status == 2
    assert err.startswith("error: ")
    assert err.count("\n") == 1, err
    return err


KILLS = [
    Kill("", -1, 1.0),  # a second after the start
    Kill("", 1, 0.009),  # just after a result was stored
    Kill("folder", 2),  # the sandbox's folder is made, the sandbox not started
    Kill("half a file", 6),
    Kill("flush", 7),  # in a transaction of the gradebook
    Kill("marks", 5),  # notebook and marks are written, the result is not
]


@pytest.mark.parametrize("kill", KILLS, ids=str)
def test_a_killed_run_is_finished_by_the_next(
    own: Course, wanted: dict[str, Any], kill: Kill
) -> None:
    assert fault_injection.trial(own, kill, wanted) == []


def test_half_written_files_of_a_killed_run_are_swept(own: Course) -> None:
    left = [
        own.root / ".half.tmp",
        own.results.folder / fault_injection.NAME / ".half.tmp",
        own.mutants / fault_injection.NAME / ".half.tmp",
        own.notebook("autograded", fault_injection.NAME, "student-01").parent / ".half.tmp",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    assert fault_injection.grade(own)[0] == 0
    assert [path for path in left if path.exists()] == []


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 8 MiB of its own."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("may not mount a file system here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("spare", [0, 24 * 1024, 136 * 1024])
def test_a_full_disk_is_said_and_costs_nothing(
    own: Course, wanted: dict[str, Any], spare: int
) -> None:
    with small_disk(own.root.parent / "disk") as disk:
        course = fault_injection.fresh(own, disk / "place")
        filler = disk / "filler"
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        os.truncate(filler, filler.stat().st_size - spare)
        sentence = complaint(fault_injection.grade(course, temporary=own.root.parent))
        assert "No space left on device" in sentence or "the disk is full" in sentence
        assert str(course.root) in sentence
        filler.unlink()
        assert fault_injection.grade(course, temporary=own.root.parent)[0] == 0
        assert fault_injection.differences(fault_injection.state(course), wanted) == []


@pytest.mark.parametrize("limit", [2_048, 150_000])
def test_a_write_that_fails_is_said_and_costs_nothing(
    own: Course, wanted: dict[str, Any], limit: int
) -> None:
    """As an ordinary user sees it: no file may grow beyond a limit (the gradebook is larger)."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    sentence = complaint(fault_injection.grade(own, preexec_fn=limited))
    assert "File too large" in sentence or "disk" in sentence
    # The smaller limit stops the sandbox's copy of the library, the larger one the gradebook.
    assert ("set TMPDIR" if limit < 10_000 else str(own.root)) in sentence
    assert fault_injection.grade(own)[0] == 0
    assert fault_injection.differences(fault_injection.state(own), wanted) == []


@contextlib.contextmanager
def locked(course: Course) -> Iterator[None]:
    """Another program that keeps the gradebook to itself."""
    with contextlib.closing(sqlite3.connect(course.db_path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def wait_for_results(course: Course, count: int) -> None:
    deadline = time.monotonic() + 60
    while fault_injection.graded(course) < count:
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.mark.parametrize("stored", [0, 3])
def test_a_locked_gradebook_is_said_and_costs_nothing(
    own: Course, wanted: dict[str, Any], stored: int
) -> None:
    process = fault_injection.start(own, patience=0.5)
    try:
        wait_for_results(own, stored)
        with locked(own):
            sentence = complaint(fault_injection.finish(process))
    finally:
        process.kill()
    assert f"{own.db_path} is locked by another program" in sentence
    assert stored <= fault_injection.graded(own) < SIZE
    assert fault_injection.grade(own)[0] == 0
    assert fault_injection.differences(fault_injection.state(own), wanted) == []


def test_a_gradebook_locked_for_a_while_is_waited_for(own: Course, wanted: dict[str, Any]) -> None:
    process = fault_injection.start(own, patience=60)
    wait_for_results(own, 2)
    with locked(own):
        time.sleep(7)  # longer than SQLite's own patience of five seconds
        assert process.poll() is None
    assert fault_injection.finish(process)[::2] == (0, "")
    assert fault_injection.differences(fault_injection.state(own), wanted) == []


def test_a_damaged_gradebook_is_a_mistake(own: Course) -> None:
    own.db_path.write_bytes(b"not a database" * 1000)
    assert f"the gradebook {own.db_path} is damaged" in complaint(fault_injection.grade(own))
    assert fault_injection.graded(own) == 0


def test_two_graders_never_share_a_course(own: Course, wanted: dict[str, Any]) -> None:
    first = fault_injection.start(own)
    try:
        wait_for_results(own, 1)
        first.send_signal(signal.SIGSTOP)  # it holds the course for as long as the second one needs
        second = fault_injection.grade(own)
    finally:
        first.send_signal(signal.SIGCONT)
    assert f"(process {first.pid}), is at work in {own.root}" in complaint(second)
    assert fault_injection.finish(first)[::2] == (0, "")
    assert fault_injection.differences(fault_injection.state(own), wanted) == []


def test_without_its_secret_a_class_is_graded_anew(own: Course, wanted: dict[str, Any]) -> None:
    assert fault_injection.grade(own)[0] == 0
    before = own.secret()
    (own.root / "secret").unlink()
    status, _, refused = fault_injection.grade(own)
    assert status == 2
    assert "secret is missing although" in refused
    own.secret(new=True)
    status, said, _ = fault_injection.grade(own)
    assert status == 0
    assert f"{SIZE} submissions, 0 unchanged" in said
    assert own.secret() != before
    found = fault_injection.state(own)
    assert (found["csv"], found["rows"]) == (wanted["csv"], wanted["rows"])


@pytest.mark.parametrize(
    "secret",
    ["no hexadecimal digits", "", "ab"],
)
def test_a_damaged_secret_is_a_mistake(own: Course, secret: str) -> None:
    (own.root / "secret").write_text(secret, encoding="ascii")
    assert f"{own.root / 'secret'} is damaged" in complaint(fault_injection.grade(own))
    assert fault_injection.graded(own) == 0


def test_thirty_submissions_are_graded_in_bounded_memory(own: Course) -> None:
    large_class.enlarge(own, NAME, 30)
    process = fault_injection.start(own)
    memory = large_class.watch(process)
    status, said, _ = fault_injection.finish(process)
    assert (status, "30 submissions, 0 unchanged" in said) == (0, True)
    assert memory.growth() < 16 * 2**20
    assert max(memory.total) < 600 * 2**20
    assert 0 < memory.worker < 100 * 2**20
