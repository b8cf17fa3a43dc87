"""What a student writes is counted, and nothing else."""

from __future__ import annotations

from autograder.assignments.workload import lines_needed, words_written

CODE = '''def double(x):
    """Twice x.

    Of any number.
    """
    ### BEGIN SOLUTION
    def half(y):
        """Half of y,

        or less.
        """
        return y / 2

    # A comment.
    return 4 * half(x)
    ### END SOLUTION
'''
PROSE = """### BEGIN SOLUTION

**1.** Four words stand here.

And three more.

**Rubric (2 points)**

| points | for |
|---|---|
| 1 | part 1 |

Half points are possible.

### END SOLUTION
"""


def test_lines_of_code_are_counted_without_blanks_comments_and_docstrings() -> None:
    assert lines_needed(CODE) == 3


def test_spaces_after_a_mark_change_nothing() -> None:
    for mark in ("### BEGIN SOLUTION", "### END SOLUTION"):
        assert lines_needed(CODE.replace(mark, mark + "  ")) == 3
        assert words_written(PROSE.replace(mark, mark + "  ")) == 8


def test_every_marked_part_counts_and_nothing_outside_of_the_marks() -> None:
    assert lines_needed(CODE + "\n\n" + CODE.replace("double", "again") + "\nx = 1\n") == 6


def test_the_rubric_is_not_written_by_students() -> None:
    assert words_written(PROSE) == 8


def test_an_answer_without_a_rubric_counts_in_full() -> None:
    assert words_written("### BEGIN SOLUTION\nTwo words.\n### END SOLUTION\n") == 2
