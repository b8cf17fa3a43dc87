"""Which misconception an answer shows: the mutant that returns what the answer returns.

Each mutant of an assignment stands for a misconception. When a question fails, its tests are run
once more on inputs that are the same for everyone, with every comparison let pass so that they go
on, and the values that each of the student's functions returns are compared with those of each
mutant's. An answer shows a misconception when one of its functions returns what the mutant's does
in every call, and the reference's does not. Each function's is said; where several mutants are as
like, that of the one which is like the answer's other functions too, and none where that decides
nothing.
"""

from __future__ import annotations

import json
import math
import threading
import warnings
from collections.abc import Callable, Iterator
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
# Also the questions of whose values some may be missing: a machine that has too much to do may cut
# a mutant's tests short.
Run = Callable[[Assignment, list[Step], list[list[Step]]], tuple[Values, list[str]]]

_REFERENCE = "reference"  # beside the names of mutants
_TOLERANCE = (
    1e-6  # relative to the largest number of a value: another order of sums is no other answer
)


class Catalogue:
    """What the mutants of assignments return, found out when it is first asked for.

    Parameters
    ----------
    run : works through a notebook's cells, and then through groups of cells that know nothing of
        each other; gives, by the tests' question, the values that were returned in them, and the
        questions that did not come to their end.
    cache : folder that keeps them between runs; None keeps them in memory only.
    """

    def __init__(self, run: Run, cache: Path | None) -> None:
        self._run, self._cache = run, cache
        self._environment = Environment()
        self._lock = threading.Lock()
        self._questions: dict[tuple[str, str], _Question] = {}
        self._mutants: dict[str, list[Variant]] = {}

    def version(self, assignment: Assignment) -> str:
        """Changes with the mutants, their sentences and what they import.

        CourseError where they are wrong.
        """
        mutants = self._all(assignment)
        cells = [text for mutant in mutants for text in mutant.answers.values()]
        texts = [[m.name, m.summary, sorted(m.answers.items())] for m in mutants]
        content = json.dumps([texts, self._environment.of(assignment, cells)])
        return sha256(content.encode()).hexdigest()[:16]

    def matches(self, assignment: Assignment, values: Values) -> dict[str, str]:
        """The misconceptions of each question with a function like one mutant's and no other's."""
        found = {}
        for name, calls in sorted(values.items()):
            if not any(_returned(call) for call in calls):
                continue  # nothing but exceptions: that is no answer to compare
            question = self._question(assignment, name)
            returned = question.values(self._run)
            reference = returned.get(_REFERENCE, [])
            shown = {
                mutant.summary: _shown(calls, returned.get(mutant.name, []), reference)
                for mutant in question.mutants
            }
            if sentences := _decided(shown):
                found[name] = " ".join(sentences)
        return found

    def _question(self, assignment: Assignment, name: str) -> _Question:
        key = (assignment.digest, name)
        with self._lock:
            if key not in self._questions:
                mutants = self._mutants_of(assignment, name)
                texts = [[mutant.name, sorted(mutant.answers.items())] for mutant in mutants]
                cells = [text for mutant in mutants for text in mutant.answers.values()]
                content = [key, texts, self._environment.of(assignment, cells)]
                path = self._cache and self._cache / assignment.name / f"values-{name}.json"
                wanted = sha256(json.dumps(content).encode()).hexdigest()
                self._questions[key] = _Question(assignment, name, mutants, wanted, path)
            return self._questions[key]

    def _mutants_of(self, assignment: Assignment, question: str) -> list[Variant]:
        return [
            mutant
            for mutant in self._all(assignment)
            if {question_of(name) for name in mutant.answers} == {question}
        ]

    def _all(self, assignment: Assignment) -> list[Variant]:
        key = assignment.digest
        if key not in self._mutants:
            self._mutants[key] = load_variants(assignment, "mutant")
        return self._mutants[key]


class _Question:
    """A question's mutants and what they return, in a file beside memory."""

    def __init__(
        self,
        assignment: Assignment,
        name: str,
        mutants: list[Variant],
        key: str,
        path: Path | None,
    ) -> None:
        self._assignment, self._key, self._path = assignment, key, path
        reference = next(c for c in assignment.solutions.items() if question_of(c[0]) == name)
        self.mutants = mutants
        self._reference = Variant(_REFERENCE, "right", "", dict([reference]))
        self._lock = threading.Lock()
        self._known = _load(path, key) if path else {}
        self._lost: set[str] = set()  # what did not come to its end, not even alone

    def values(self, run: Run) -> dict[str, list[Any]]:
        """What each mutant's functions return in the question's tests, call by call.

        A mutant whose tests don't end is left out. On a machine that has too much to do they may
        not come to their end together, and are run once more, each alone.
        """
        with self._lock:  # one finds out, the others wait for it
            done = {*self._known, *self._lost}
            missing = [m for m in (self._reference, *self.mutants) if m.name not in done]
            if missing:
                self._run(run, missing)
                if len(missing) > 1:
                    for mutant in [m for m in missing if m.name not in self._known]:
                        self._run(run, [mutant])
                self._lost |= {m.name for m in missing} - set(self._known)
                self._write()
            return self._known

    def _run(self, run: Run, mutants: list[Variant]) -> None:
        found, lost = run(self._assignment, *_one_by_one(self._assignment, mutants))
        names = {mutant.name for mutant in mutants} - set(lost)
        self._known |= {name: found.get(name, []) for name in names}

    def _write(self) -> None:
        if self._path is None:
            return
        try:
            write_atomically(
                self._path, json.dumps({"key": self._key, "values": self._known}, sort_keys=True)
            )
        except OSError as error:  # nobody's mark may hang on it
            warnings.warn(
                f"{self._path} can't be written ({error.strerror}): what mutants return is found "
                "out anew in the next run",
                stacklevel=2,
            )
            self._path = None


def _one_by_one(
    assignment: Assignment, mutants: list[Variant]
) -> tuple[list[Step], list[list[Step]]]:
    """The reference notebook, and for each mutant its cells and the tests of its question.

    The tests' question carries the mutant's name.
    """
    reference = assemble(assignment.cells, Submission("", assignment.name, assignment.answers))
    code = to_steps(reference, assignment.description)
    groups = []
    for mutant in mutants:
        question = question_of(next(iter(mutant.answers)))
        groups.append(
            [
                replace(
                    step, source=mutant.answers.get(step.name, step.source), question=mutant.name
                )
                for step in code
                if step.question == question and step.role in ("student", "test")
            ]
        )
    return [step for step in code if step.role != "test"], groups


def _decided(shown: dict[str, dict[str, int]]) -> list[str]:
    """Sentences of mutants, one for each function that errs like one of them more than others."""
    total = {sentence: sum(functions.values()) for sentence, functions in shown.items()}
    found: list[str] = []
    for function in dict.fromkeys(name for functions in shown.values() for name in functions):
        like = [sentence for sentence, functions in shown.items() if functions.get(function)]
        most = max((total[sentence] for sentence in like), default=0)
        first = [sentence for sentence in like if total[sentence] == most]
        if len(first) == 1:
            found += [] if first[0] in found else first
    return found


def _shown(answer: list[Any], mutant: list[Any], reference: list[Any]) -> dict[str, int]:
    """For each function that is like a mutant's, in how many calls it errs.

    It is like the mutant's when it agrees in every call that both came to.
    """
    shown = dict.fromkeys({_function(call) for call in mutant}, 0)
    for call, wrong, right in _aligned(answer, mutant, reference):
        function = _function(wrong)
        if function not in shown:
            continue
        if not _alike(call, wrong):
            del shown[function]
        elif not _alike(wrong, right):
            shown[function] += 1
    return shown


def _aligned(*series: list[Any]) -> Iterator[tuple[Any, ...]]:
    """The calls of a function in a test that all came to, as they stand beside each other."""
    tables: list[dict[str, list[Any]]] = []
    for calls in series:
        table: dict[str, list[Any]] = {}
        for call in calls:
            table.setdefault(call[0], []).append(call)
        tables.append(table)
    for label in tables[0]:
        yield from zip(*(table.get(label, []) for table in tables), strict=False)


def _function(call: list[Any]) -> str:
    """Whose call it is, of a label that names the test before it."""
    return str(call[0]).split(" ", 1)[-1]


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


def _load(path: Path, key: str) -> dict[str, list[Any]]:
    """What a file holds for a key; a file that can't be read, or holds something else: nothing."""
    try:
        kept = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(kept, dict) or kept.get("key") != key or not _is_values(kept.get("values")):
        return {}
    return dict(kept["values"])


def _is_values(found: object) -> bool:
    return isinstance(found, dict) and all(
        isinstance(calls, list) and all(map(_is_call, calls)) for calls in found.values()
    )


def _is_call(call: object) -> bool:
    match call:
        case [str(), list(structure), list(numbers)]:
            return all(isinstance(part, str) for part in structure) and all(
                isinstance(number, float) for number in numbers
            )
    return False
