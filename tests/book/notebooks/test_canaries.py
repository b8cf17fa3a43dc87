"""Notebooks that must fail: without them, a check that never fails would look like a good one."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def canaries(root):
    return root / "tests" / "book" / "notebooks" / "canaries"


def test_a_wrong_stored_output_is_caught(nbval, canaries, tmp_path):
    result = nbval(canaries / "wrong_output.ipynb", data=tmp_path)
    assert result.returncode == 1
    assert "Cell outputs differ" in result.stdout
    assert "1 failed" in result.stdout


def test_a_failing_cell_is_caught(nbval, canaries, tmp_path):
    result = nbval(canaries / "failing_cell.ipynb", data=tmp_path)
    assert result.returncode == 1
    assert "RuntimeError: the canary sings" in result.stdout
    assert "1 failed" in result.stdout


def test_a_tagged_cell_without_stored_output_is_caught(tagging_problems, nbval, canaries, tmp_path):
    path = canaries / "no_stored_output.ipynb"
    (problem,) = tagging_problems(path)
    assert "has no stored output" in problem
    # nbval compares nothing there and passes, which is why the tagging is looked at.
    assert nbval(path, data=tmp_path).returncode == 0


def test_a_notebook_without_a_tagged_cell_is_caught(tagging_problems, canaries):
    (problem,) = tagging_problems(canaries / "failing_cell.ipynb")
    assert "no cell is tagged" in problem
