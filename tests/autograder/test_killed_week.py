"""A week of a course is killed at random moments and run again: nothing is lost (make load: 30)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.load import fault_injection, killed_week
from tests.load.killed_week import Week

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc"),
    pytest.mark.long,
]


@pytest.fixture(scope="module")
def workspace() -> Iterator[Path]:
    with fault_injection.workspace() as folder:
        yield folder


@pytest.fixture(scope="module")
def week(workspace: Path) -> Week:
    """A course that was graded and marked by hand, and what is to happen in it."""
    return killed_week.prepare(workspace / "base")


@pytest.fixture(scope="module")
def whole(week: Week, workspace: Path) -> tuple[Week, float]:
    """A week that nobody disturbs, and its seconds."""
    undisturbed = killed_week.fresh(week, workspace / "undisturbed")
    seconds, wrong = killed_week.live(undisturbed)
    assert wrong == []
    return undisturbed, seconds


@pytest.fixture(scope="module")
def wanted(whole: tuple[Week, float]) -> dict[str, Any]:
    return killed_week.state(whole[0])


@pytest.mark.parametrize("seed", range(101, 106))
def test_a_week_that_is_killed_and_run_again_loses_nothing(
    week: Week, whole: tuple[Week, float], wanted: dict[str, Any], seed: int, workspace: Path
) -> None:
    copy = killed_week.fresh(week, workspace / str(seed))
    assert killed_week.trial(copy, killed_week.moment(seed, whole[1]), wanted) == []


def test_an_undisturbed_week_keeps_marks_comments_and_every_notebook(
    week: Week, wanted: dict[str, Any]
) -> None:
    marks = [value for name, value in wanted.items() if name.startswith("by hand: ")]
    assert len(marks) == 9  # eight, and one who came late
    by_hand = [
        (score, extra)
        for grades, _ in marks
        for name, score, extra in grades
        if name == "q3_reason"
    ]
    assert sorted(by_hand, key=str) == sorted(
        [*((number % 4, number % 2) for number in range(8)), (None, None)], key=str
    )
    texts = [text for _, comments in marks for _, text in comments if text]
    assert sorted(texts) == [f"comment {number}" for number in range(8)]
    before = killed_week.kept(week)
    handed_in = {name.split(": ", 1)[1] for name in before if name.startswith("submitted: ")}
    kept = {n.split(": ", 1)[1] for n in wanted if n.startswith(("submitted: ", "history: "))}
    assert handed_in <= kept
    assert len(kept) == len(handed_in) + 5  # three anew, one damaged, one late
    assert "q1_another_hidden" in str(marks)


def test_the_comparison_sees_what_is_lost(
    whole: tuple[Week, float], wanted: dict[str, Any], workspace: Path
) -> None:
    copy = killed_week.fresh(whole[0], workspace / "spoilt")
    shutil.rmtree(copy.course.root / "history")
    differences = fault_injection.differences(killed_week.state(copy), wanted)
    assert differences
    assert all(name.startswith("history: ") for name in differences)
