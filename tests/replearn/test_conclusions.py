"""Comparisons that sentences rest on: what holds, what does not, and what is no comparison."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from replearn.conclusions import ConclusionError, conclude


def test_a_comparison_that_holds_is_returned_with_its_numbers():
    assert conclude("a-below-b", 1.23456, "<", 2).comparison == "1.235 < 2"
    assert conclude("chain", 1, "<", 2.0, "<=", 2, ">", torch.tensor(1.5)).comparison == (
        "1 < 2 <= 2 > 1.5"
    )
    many = conclude("many", np.arange(6) + 1, ">", 0)
    assert many.comparison == "[6 numbers from 1 to 6] > 0"


@pytest.mark.parametrize(
    "comparison",
    [
        (2, "<", 2),
        (3.0, "<=", 2),
        (2, ">", 2),
        (1, ">=", 2),
        (1, "==", 2),
        (1, "<", 2, "<", 2),
        ([1, 3], "<", 2),
        ([1, 3], "<", [2, 3]),
        (float("nan"), "<", 2),
        (float("nan"), ">", 2),
    ],
)
def test_a_comparison_that_does_not_hold_is_an_error(comparison):
    with pytest.raises(ConclusionError, match=r"^it-holds: .* does not hold$"):
        conclude("it-holds", *comparison)


def test_equal_within():
    assert conclude("same", 1.0, "==", 1.01, within=0.02)
    with pytest.raises(ConclusionError):
        conclude("same", 1.0, "==", 1.03, within=0.02)
    with pytest.raises(ConclusionError):
        conclude("same", float("nan"), "==", float("nan"), within=1.0)
    assert conclude("same", 3, "==", 3)


@pytest.mark.parametrize(
    ("name", "comparison", "options", "message"),
    [
        ("Not A Name", (1, "<", 2), {}, "name: got 'Not A Name', want lower-case words"),
        ("a", (1,), {}, "a: got 1 parts, want values with relations between"),
        ("a", (1, "<"), {}, "a: got 2 parts"),
        ("a", (1, "<", 2, ">"), {}, "a: got 4 parts"),
        ("a", (1, "!=", 2), {}, "a: got the relation '!='"),
        ("a", (1.0, "==", 1.0), {}, "a: == between numbers that are not integers needs within="),
        ("a", (1, "<", 2), {"within": 0.1}, "a: within=0.1 goes with =="),
        ("a", (1, "==", 2), {"within": -1}, "a: within=-1 goes with =="),
        ("a", (True, "<", 2), {}, "a: got True, want numbers"),
        ("a", ([], "<", 2), {}, r"a: got \[\], want numbers"),
        ("a", ("1", "<", 2), {}, "a: got '1', want numbers"),
        ("a", ([1, [1, 2]], "<", 2), {}, "a: got a ragged sequence, want numbers"),
    ],
)
def test_what_is_no_comparison_is_refused(name, comparison, options, message):
    with pytest.raises(ValueError, match=message):
        conclude(name, *comparison, **options)
