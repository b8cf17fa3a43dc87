"""Which misconception an answer shows: the mutant that returns what the answer returns.

Each mutant of an assignment stands for a misconception. When a question fails, its tests are run
once more on inputs that are the same for everyone, and the values that the student's functions
return are compared with those that each mutant's return.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from autograder.assignments.source import Assignment
from autograder.assignments.variants import Variant, load_variants
from autograder.keys import Environment
from autograder.results import write_atomically
from gradekit.notebook import Step, Submission, assemble, question_of, to_steps

Values = dict[str, list[Any]]  # by question: [label, structure, numbers] of each call in turn
Run = Callable[[Assignment, list[Step]], Values]

_TOLERANCE = (
    1e-6  # relative to the largest number of a value: another order of sums is no other answer
)


class Catalogue:
    """What the mutants of assignments return, found out when it is first asked for.

    Parameters
    ----------
    run : works through a notebook's cells and gives, by the tests' question, the values that were
        returned in them.
    cache : folder that keeps them between runs; None keeps them in memory only.
    """

    def __init__(self, run: Run, cache: Path | None) -> None:
        self._run, self._cache = run, cache
        self._environment = Environment()
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._known: dict[tuple[str, str], dict[str, list[Any]]] = {}
        self._mutants: dict[str, list[Variant]] = {}

    def matches(self, assignment: Assignment, values: Values) -> dict[str, str]:
        """The misconception of each question that was answered like a mutant."""
        found = {}
        for question, calls in sorted(values.items()):
            if not any(_returned(call) for call in calls):
                continue  # nothing but exceptions: that is no answer to compare
            mutants = self._values_of(assignment, question)
            for mutant in self._mutants_of(assignment, question):
                if same(calls, mutants.get(mutant.name, [])):
                    found[question] = mutant.summary
                    break
        return found

    def _mutants_of(self, assignment: Assignment, question: str) -> list[Variant]:
        key = assignment.digest
        if key not in self._mutants:
            self._mutants[key] = load_variants(assignment, "mutant")
        return [
            mutant
            for mutant in self._mutants[key]
            if {question_of(name) for name in mutant.answers} == {question}
        ]

    def _values_of(self, assignment: Assignment, question: str) -> dict[str, list[Any]]:
        """What each mutant of a question returns, by its name."""
        key = (assignment.digest, question)
        with self._locks.setdefault(key, threading.Lock()):  # one finds out, the others wait for it
            if key not in self._known:
                mutants = self._mutants_of(assignment, question)
                texts = [[mutant.name, sorted(mutant.answers.items())] for mutant in mutants]
                cells = [text for mutant in mutants for text in mutant.answers.values()]
                content = [key, texts, self._environment.of(assignment, cells)]
                wanted = sha256(json.dumps(content).encode()).hexdigest()
                path = self._cache and self._cache / assignment.name / f"values-{question}.json"
                values = _load(path, wanted)
                if values is None:
                    values = self._run(assignment, _one_after_the_other(assignment, mutants))
                    if path:
                        write_atomically(path, json.dumps({"key": wanted, "values": values}))
                self._known[key] = values
            return self._known[key]


def _one_after_the_other(assignment: Assignment, mutants: list[Variant]) -> list[Step]:
    """The reference notebook, then each mutant's cells and the tests of its question.

    They share a process, as they are ours; the tests' question carries the mutant's name.
    """
    reference = assemble(assignment.cells, Submission("", assignment.name, assignment.answers))
    code = to_steps(reference, assignment.description.names)
    steps = [step for step in code if step.role != "test"]
    for mutant in mutants:
        question = question_of(next(iter(mutant.answers)))
        reference_cells = [
            step for step in code if step.role == "student" and step.question == question
        ]
        for cell in reference_cells:  # all of them: the mutant before may have changed another one
            text = mutant.answers.get(cell.name, cell.source)
            steps.append(replace(cell, source=text, question=mutant.name))
        tests = [step for step in code if step.role == "test" and step.question == question]
        steps += [replace(step, question=mutant.name) for step in tests]
    return [replace(step, index=index) for index, step in enumerate(steps)]


def same(one: list[Any], other: list[Any]) -> bool:
    """Whether two series of calls returned the same, but for rounding."""
    return len(one) == len(other) and all(map(_alike, one, other))


def _alike(one: list[Any], other: list[Any]) -> bool:
    label, structure, numbers = one
    if [label, structure, len(numbers)] != [other[0], other[1], len(other[2])]:
        return False
    finite = [abs(number) for number in other[2] if math.isfinite(number)]
    bound = _TOLERANCE * max(finite, default=0.0)
    return all(
        a == b or abs(a - b) <= bound or (math.isnan(a) and math.isnan(b))
        for a, b in zip(numbers, other[2], strict=True)
    )


def _returned(call: list[Any]) -> bool:
    return not any(part.startswith("raised") for part in call[1])


def _load(path: Path | None, wanted: str) -> dict[str, list[Any]] | None:
    if path is None:
        return None
    try:
        kept: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return dict(kept["values"]) if kept["key"] == wanted else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is only a cache
