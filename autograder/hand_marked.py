"""Answers that a person marks: whether one was written, and where else it may stand.

Only a person can say whether a text is the answer. So the program gives no mark, not even 0, where
anything was handed in that may be it: in a cell of the student's own, in a comment, in a given
text, in a file beside the notebook. A stub that nobody touched, with nothing else added, gets 0.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath

from autograder.assignments.source import Assignment
from autograder.words import counted
from gradekit.notebook import Submission, lines_of
from gradekit.notebook.prose import added_lines, prose, words

# An ordinary remark on code is shorter; in a cell that asks for nothing every comment counts.
_WORDS_IN_ANSWER = 4
_WORDS_IN_TEXT = 3
# Kinds of files that hold no answer in words.
_DATA = frozenset(
    (".csv", ".tsv", ".npy", ".npz", ".json", ".pt", ".pkl", ".h5", ".parquet", ".toml", ".yaml")
)
_SHOWN = 3


@dataclass(frozen=True)
class _Place:
    """Where an answer by hand may stand besides its cell, and what stands there."""

    where: str
    text: str


class HandMarked:
    """The hand-marked answers of a submission.

    Parameters
    ----------
    taken : the submission.
    assignment : whose cells are marked by hand.
    stubs : what students find in each answer cell.
    """

    def __init__(self, taken: Submission, assignment: Assignment, stubs: Mapping[str, str]) -> None:
        self._taken, self._assignment, self._stubs = taken, assignment, stubs
        self._elsewhere = [*_in_cells(taken, stubs), *_in_code(taken, assignment, stubs)]
        self._elsewhere += _in_files(taken)

    def awaiting(self) -> list[str]:
        """The cells, by grade_id, that a person must look at; the others are empty for sure."""
        return [
            cell.grade_id
            for cell in self._assignment.manual
            if self._elsewhere
            or cell.grade_id not in self._taken.answers
            or self._written(cell.grade_id)
        ]

    def notes(self) -> list[str]:
        """What is said of answers that a person has to look for."""
        places = list(dict.fromkeys(place.where for place in self._elsewhere))
        more = len(places) - _SHOWN
        others = f" and {counted(more, 'more place')}" if more > 0 else ""
        where = f" (in {', '.join(places[:_SHOWN])}{others})"
        notes = []
        for cell in self._assignment.manual:
            if self._elsewhere and not self._written(cell.grade_id):
                notes.append(
                    f"{cell.grade_id}: nothing was written in its cell; text stands elsewhere, "
                    f"a person must look{where}"
                )
            elif cell.grade_id not in self._taken.answers:
                notes.append(f"{cell.grade_id}: its cell is gone, a person must look")
        return notes

    def hashes(self) -> dict[str, str]:
        """Hash of each answer, to notice when what was marked has changed."""
        found = {}
        for cell in self._assignment.manual:
            answer = self._taken.answers.get(cell.grade_id, "")
            texts = [answer]
            if not self._written(cell.grade_id):
                texts += [place.text for place in self._elsewhere]  # what a person has marked
            texts += [
                data
                for name, data in self._taken.files.items()
                if PurePosixPath(name).name in answer  # a picture that it shows
            ]
            found[cell.grade_id] = sha256("\n\n".join(texts).strip().encode()).hexdigest()
        return found

    def _written(self, name: str) -> bool:
        """Whether the student wrote something into a cell."""
        return lines_of(self._taken.answers.get(name, "")) not in ("", lines_of(self._stubs[name]))


def _in_cells(taken: Submission, stubs: Mapping[str, str]) -> list[_Place]:
    """What the student wrote in cells that ask for nothing."""
    empty = {"", *map(lines_of, stubs.values())}
    texts = [extra.source for extra in taken.extras if extra.kind == "markdown"]
    places = [_Place("a text cell", text) for text in texts if lines_of(text) not in empty]
    for extra in taken.extras:
        if extra.kind == "code" and lines_of(extra.source) not in empty:
            comments, strings = prose(extra.source)
            long = any(words(text) >= _WORDS_IN_TEXT for text in strings)
            if long or words(" ".join(comments)):
                places.append(_Place("a code cell", extra.source))
    return places


def _in_code(taken: Submission, assignment: Assignment, stubs: Mapping[str, str]) -> list[_Place]:
    """Remarks on the code of an answer that may be more than that."""
    places = []
    for cell in assignment.cells:
        text = taken.answers.get(cell.grade_id, "")
        if cell.kind == "code" and cell.role == "solution" and text:
            remarks = _remarks(text, stubs[cell.grade_id])
            if words(remarks) >= _WORDS_IN_ANSWER:
                places.append(_Place(f"the code of {cell.grade_id}", remarks))
    return places


def _remarks(source: str, stub: str) -> str:
    """Comments, and texts of several lines, that the stub does not hold."""
    comments, strings = prose(source)
    found = [*comments, *(text for text in strings if "\n" in text.strip())]
    known, quoted = prose(stub)
    return added_lines("\n".join(found), stub, *known, *quoted)


def _in_files(taken: Submission) -> list[_Place]:
    """Files beside the notebook, data and modules without long remarks apart."""
    places = []
    for name, data in taken.files.items():
        kind = PurePosixPath(name).suffix.lower()
        if kind == ".py":
            remarks = _remarks(base64.b64decode(data).decode("utf-8", "replace"), "")
            if words(remarks) < _WORDS_IN_ANSWER:
                continue
        elif kind in _DATA:
            continue
        places.append(_Place(name, data))
    places += [
        _Place(name, name)
        for name in taken.left_out
        if PurePosixPath(name).suffix.lower() not in _DATA
    ]
    return places
