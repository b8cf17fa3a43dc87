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
        ("a", (1, "<", 2), {"within": 0.1}, "a: within=0.1 goes with ==, and there is none"),
        ("a", (1, "==", 2), {"within": -1}, "a: got within=-1, want a finite number, 0 or"),
        ("a", (True, "<", 2), {}, "a: part 0: got True, want real numbers"),
        ("a", ([], "<", 2), {}, "a: part 0: got no numbers, want at least one"),
        ("a", ("1", "<", 2), {}, "a: part 0: got '1', want real numbers"),
        ("a", (1, "==", 2), {"within": True}, "a: got within=True, want a finite number"),
        ("a", (1, "==", 2), {"within": float("inf")}, "a: got within=inf, want a finite number"),
        ("a", (1, "==", 2), {"within": float("nan")}, "a: got within=nan, want a finite number"),
        ("a", (1, "==", 2), {"within": "0.1"}, "a: got within='0.1', want a finite number"),
        ("a", (1, "<", None), {}, "a: part 2: got None, want real numbers"),
        ("a", (1, "<", 2j), {}, "a: part 2: got 2j, want real numbers"),
        ("a", (1, np.array([1, 2]), 2), {}, "a: got the relation array"),
        ("a", (np.ma.array([1.0], mask=True), "<", 2), {}, "a: part 0: got a masked array"),
        ("a", ([np.ma.masked, 1], "<", 2), {}, "a: part 0: got a masked array"),
        ("a", (torch.eye(2).to_sparse(), "<", 2), {}, "a: part 0: got Tensor, want real numbers"),
        ("a", ([1, 2], "<", [1, 2, 3]), {}, r"a: got the shapes \(2,\) and \(3,\), want"),
        ("a", ([1, [1, 2]], "<", 2), {}, "a: part 0: got a ragged sequence, want numbers"),
    ],
)
def test_what_is_no_comparison_is_refused(name, comparison, options, message):
    with pytest.raises(ValueError, match=message):
        conclude(name, *comparison, **options)


@pytest.mark.parametrize(
    ("comparison", "within"),
    [
        ((np.int8(100), "==", np.int8(-28)), None),
        ((torch.tensor(100, dtype=torch.int8), "==", torch.tensor(-28, dtype=torch.int8)), None),
        ((-(2**63), "==", 0), None),
        ((2**63, "==", 2**63 - 1), None),
        ((np.uint64(2**53 + 1), "==", np.int64(2**53)), None),
        ((np.uint8(0), "==", np.uint8(255)), 1),
        ((np.array([0, 7], np.uint8), "==", np.array([255, 7], np.uint8)), 1),
        ((np.int32(2**31 - 1), "==", np.int32(-(2**31))), 1),
        ((2**53 + 1, "==", float(2**53)), 0),
        ((np.array([2**53 + 1]), "<=", np.array([2.0**53])), None),
        (([2**53 + 1, 0], "<=", [2.0**53, 0.5]), None),
        ((np.float16(2048), "==", np.float16(-0.4)), 2048),
        ((np.float32(2**24), "==", np.float32(-1)), 2**24),
        ((float("inf"), "==", 1.0), 5.0),
    ],
)
def test_no_number_wraps_around_or_is_rounded(comparison, within):
    with pytest.raises(ConclusionError):
        conclude("false", *comparison, within=within)


@pytest.mark.parametrize(
    ("comparison", "within"),
    [
        ((np.uint8(10), "==", np.uint8(12)), 3),
        ((10**30, ">", 10**29), None),
        ((torch.tensor([1.5], dtype=torch.bfloat16), "<", 3), None),
        ((torch.ones(2, requires_grad=True), "<", 3), None),
        ((1, "==", 1, "<", 2.5), None),
        ((float("inf"), "==", float("inf")), 1.0),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_true_holds_whatever_holds_the_numbers(comparison, within):
    assert conclude("true", *comparison, within=within)


def test_numbers_that_differ_are_shown_to_differ():
    assert repr(conclude("small", 1.0000001, "<", 1.0000002)) == "<small: 1.0000001 < 1.0000002>"
    assert repr(conclude("large", 2**53, "<", 2**53 + 1)).endswith(
        "9007199254740992 < 9007199254740993>"
    )
    assert repr(conclude("some", [1, 2.5], "<", 12345)) == "<some: [1, 2.5] < 1.234e+04>"


def test_of_many_entries_the_first_that_fails_is_said():
    with pytest.raises(ConclusionError, match=r"9\] < 5 does not hold at entry 5, where 5 stands"):
        conclude("many", np.arange(10), "<", 5)
