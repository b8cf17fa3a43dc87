"""What is taken from a student's notebook, and the cells that are run of it.

Only texts are taken: of the cells the student may write in and of the cells they added. Given cells
and tests always come from the assignment, so a deleted or edited test is restored and no metadata
of the notebook has an effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gradekit.notebook.cells import Cell
from gradekit.notebook.description import Description
from gradekit.notebook.reading import Notebook, NotebookError
from gradekit.notebook.recognition import recognise
from gradekit.text import one_line

_NAME_CHARS = 40


@dataclass(frozen=True)
class Extra:
    """A cell the student added.

    ``after`` is the index of the assignment's cell it stood behind; -1: before all of them.
    """

    after: int
    kind: Literal["code", "markdown"]
    source: str


@dataclass(frozen=True)
class Submission:
    """What is taken from a student's notebook: texts only, by the names of the cells."""

    student: str
    assignment: str
    answers: Mapping[str, str]  # text of each solution or manual cell, by grade_id
    extras: tuple[Extra, ...] = ()
    notes: tuple[str, ...] = ()  # facts for the student and the instructor
    only: tuple[str, ...] = ()  # questions whose tests are run; none named: all


@dataclass(frozen=True)
class Step:
    """One code cell to run; ``index`` is its place among all cells."""

    index: int
    role: Literal["given", "student", "test"]
    source: str
    name: str = ""
    question: str = ""
    hidden: bool = False
    names: tuple[str, ...] = ()  # what its question asks the student to define


def shown_names(names: Sequence[str]) -> str:
    """The first three of some files' names, fit to be shown."""
    return ", ".join(one_line(name, _NAME_CHARS) for name in names[:3])


def file_name_notes(name: str, assignment: str) -> tuple[str, ...]:
    """What is said of a notebook that is not named like its assignment."""
    wanted = f"{assignment}.ipynb"
    return () if name == wanted else (f"found {shown_names([name])}, wanted {wanted}",)


def take(
    notebook: Notebook,
    description: Description,
    *,
    student: str = "",
    notes: tuple[str, ...] = (),
) -> Submission:
    """Pick the student's texts out of a notebook.

    Of cells with one name the last counts. Where no answer cell has its name any more,
    :func:`~gradekit.notebook.recognition.recognise` says which cells are whose.

    Parameters
    ----------
    notebook : the student's.
    description : the assignment it answers.
    student : who handed it in; empty on the student's own machine.
    notes : what is to be said before anything else.

    Raises
    ------
    NotebookError : no answer to the assignment is in it.
    """
    cells, source = notebook.cells, description.cells
    names = [cell.grade_id for cell in cells]
    wanted = {cell.grade_id for cell in source if cell.answer}
    lost = wanted.isdisjoint(names)
    if lost:
        names = recognise(cells, description)
        found = [cell.grade_id for cell in description.answers if cell.grade_id in names]
        if not found:
            raise NotebookError(
                f"none of the answer cells of {description.assignment} is in it; "
                "is it another assignment's notebook?"
            )
        notes = (
            *notes,
            "the cells have lost their metadata; these answers were recognised by what they "
            f"define and where they stand: {', '.join(found)}",
        )
    position = {cell.grade_id: i for i, cell in enumerate(source) if cell.grade_id}
    given = {cell.source.strip(): i for i, cell in enumerate(source) if not cell.grade_id}
    last = {name: index for index, name in enumerate(names)}
    twice: list[str] = []
    retyped: list[str] = []
    answers: dict[str, str] = {}
    extras: list[Extra] = []
    after = -1
    for index, (name, cell) in enumerate(zip(names, cells, strict=True)):
        text = cell.source
        if name in position and last[name] == index:
            after = position[name]
            if name in wanted:
                kind = source[after].kind
                answers[name] = notebook.with_images(index) if kind == "markdown" else text
                if cell.kind != kind:
                    retyped.append(name)
        elif name in position and name not in wanted:
            continue  # a second copy of a test or of given text
        elif not name and text.strip() in given:
            after = given[text.strip()]
        elif text.strip() and cell.kind in ("code", "markdown"):
            shown = notebook.with_images(index) if cell.kind == "markdown" else text
            extras.append(Extra(after, cell.kind, shown))
            if name in position:
                twice.append(name)
    missing = [cell.grade_id for cell in description.answers if cell.grade_id not in answers]
    texts = {name: cells[index].source for name, index in last.items()}
    all_notes = (
        *notes,
        *_noted(
            twice,
            "{} appears more than once; the last one counts",
            "{} answer cells appear more than once; the last of each counts: {}",
        ),
        *_noted(
            retyped,
            "{} has another cell type; its text was taken as the answer",
            "{} answer cells have another cell type; their texts were taken as the answers: {}",
        ),
        *_noted(
            missing,
            "{} is missing from the notebook",
            "{} answer cells are missing from the notebook: {}",
        ),
        # Nobody can say of a hidden test without any text whether it is there.
        *_notes_about_given([c for c in source if not lost or c.public_source.strip()], texts),
    )
    return Submission(student, description.assignment, answers, tuple(extras), all_notes)


def _noted(names: list[str], one: str, many: str) -> list[str]:
    """A note for each cell; one for all of them when they are more than three."""
    if len(names) > 3:
        return [many.format(len(names), ", ".join(names))]
    return [one.format(name) for name in names]


def _notes_about_given(cells: Sequence[Cell], texts: Mapping[str, str]) -> list[str]:
    """Notes about given code and tests that the student deleted or changed."""
    deleted: list[str] = []
    changed: list[str] = []
    for cell in cells:
        name = cell.grade_id
        if not name or cell.answer or cell.kind != "code":
            continue
        if name not in texts:
            deleted.append(name)
        elif not cell.hidden and texts[name].strip() != cell.source.strip():
            changed.append(name)
    return [
        *_noted(
            deleted,
            "{} was deleted; the original was run",
            "{} given cells were deleted; the originals were run",
        ),
        *_noted(
            changed,
            "{} was changed; the original was run",
            "{} given cells were changed; the originals were run",
        ),
    ]


def assemble(cells: Sequence[Cell], submission: Submission) -> list[Cell]:
    """The assignment's cells with the student's answers in them.

    The student's own cells stand behind the one they followed.
    """
    extras: dict[int, list[Cell]] = {}
    for extra in submission.extras:
        extras.setdefault(extra.after, []).append(Cell(extra.kind, extra.source, "solution"))
    together = list(extras.get(-1, []))
    for index, cell in enumerate(cells):
        if cell.answer:
            cell = replace(cell, source=submission.answers.get(cell.grade_id, ""))
        together += [cell, *extras.get(index, [])]
    return together


def to_steps(cells: Sequence[Cell], names: Mapping[str, tuple[str, ...]]) -> list[Step]:
    """The code cells of an assembled notebook, as they are run.

    Parameters
    ----------
    cells : from :func:`assemble`.
    names : by question, what the student is asked to define.
    """
    return [
        Step(
            index=index,
            role="student" if cell.answer else "test" if cell.role == "test" else "given",
            source=cell.source,
            name=cell.grade_id,
            question=cell.question,
            hidden=cell.hidden,
            names=names.get(cell.question, ()) if cell.role == "test" else (),
        )
        for index, cell in enumerate(cells)
        if cell.kind == "code"
    ]
