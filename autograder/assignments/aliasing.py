"""A wrong answer made for any assignment: it changes what it is given until the test agrees.

A test that passes its data and then computes the expected value from the same object has handed the
student the ruler: an answer that sets its arguments to zero makes the expected value what it likes.
No hidden test may fall for that.
"""

from __future__ import annotations

import ast

from autograder.assignments.source import Assignment
from gradekit.notebook import Submission, question_of

NAME = "overwrites_its_arguments"

_WRAP = """

def _overwriting(function):
    def wrapped(*args, **kwargs):
        overwritten = False
        for value in [*args, *kwargs.values()]:
            if hasattr(value, "zero_"):
                value.zero_()
            elif hasattr(value, "shape") and hasattr(value, "fill"):
                value.fill(0)
            elif isinstance(value, list):
                value[:] = [0.0] * len(value)
            else:
                continue
            overwritten = True
        if not overwritten:
            raise RuntimeError("nothing to overwrite")
        return function(*args, **kwargs)
    return wrapped
"""


def mutating_answers(assignment: Assignment, student: str) -> Submission:
    """The reference, with every function that a question asks for wrapped."""
    answers = dict(assignment.answers)
    for name, text in assignment.solutions.items():
        functions = _wanted(assignment, name, text)
        lines = "".join(f"{function} = _overwriting({function})\n" for function in functions)
        answers[name] = f"{text}{_WRAP}\n{lines}" if functions else text
    return Submission(student, assignment.name, answers)


def judged_by(assignment: Assignment) -> set[str]:
    """Hidden tests that must fail: those of questions that ask for functions and nothing else."""
    wrapped: dict[str, set[str]] = {}
    for name, text in assignment.solutions.items():
        wrapped.setdefault(question_of(name), set()).update(_wanted(assignment, name, text))
    whole = {q.key for q in assignment.questions if q.names and set(q.names) <= wrapped[q.key]}
    return {test.grade_id for test in assignment.tests if test.hidden and test.question in whole}


def _wanted(assignment: Assignment, name: str, text: str) -> list[str]:
    """Functions of a solution cell that its question declares."""
    names = next(q.names for q in assignment.questions if q.key == question_of(name))
    defined = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return [function for function in defined if function in names]
