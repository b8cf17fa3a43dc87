"""What is taken from a student's notebook, and the cells that are run of it.

Only texts are taken: of the cells the student may write in and of the cells they added. Given cells
and tests always come from the assignment, so a deleted or edited test is restored and no metadata
of the notebook has an effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gradekit.notebook.cells import Cell
from gradekit.notebook.description import Description, find_description
from gradekit.notebook.order import in_order
from gradekit.notebook.prose import added_lines, prose, words
from gradekit.notebook.reading import Notebook, NotebookError
from gradekit.notebook.recognition import recognise
from gradekit.notebook.versions import Versions
from gradekit.text import one_line

_NAME_CHARS = 40
_WORDS_IN_CODE = 4  # an ordinary remark on code is shorter


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
    """What is taken of a student's work: texts by the names of the cells, files by their paths."""

    student: str
    assignment: str
    answers: Mapping[str, str]  # text of each solution or manual cell, by grade_id
    extras: tuple[Extra, ...] = ()
    notes: tuple[str, ...] = ()  # facts for the student and the instructor
    only: tuple[str, ...] = ()  # questions whose tests are run; none named: all
    files: Mapping[str, str] = field(default_factory=dict)  # beside the notebook, in base64
    left_out: tuple[str, ...] = ()  # names of files beside the notebook that were not taken


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
    in_place: tuple[str, ...] = ()  # those of them that are asked to change their arguments


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
    versions: Versions | None = None,
) -> Submission:
    """Pick the student's texts out of a notebook.

    Of cells with one name the last that is written and of its type counts. Where an answer
    has no cell with its name, :func:`~gradekit.notebook.recognition.recognise` says which cell it
    may be.

    Parameters
    ----------
    notebook : the student's.
    description : the assignment it answers.
    student : who handed it in; empty on the student's own machine.
    notes : what is to be said before anything else.
    versions : what students were given earlier; it is neither theirs nor changed by them.

    Raises
    ------
    NotebookError : no answer to the assignment is in it, or it is another assignment's.
    """
    versions = versions or Versions()
    notebook = versions.without_old_cells(notebook, description)
    wanted = [cell.grade_id for cell in description.answers]
    named = {cell.grade_id for cell in notebook.cells}
    lost = [name for name in wanted if name not in named]
    names = [cell.grade_id for cell in notebook.cells]
    if lost:
        _refuse_others(notebook, description)
    if lost:
        names = recognise(notebook.cells, description)
    placed = _place(notebook, names, description.cells)
    if not placed.answers:
        raise NotebookError(
            f"none of the answer cells of {description.assignment} is in it; "
            "is it another assignment's notebook?"
        )
    found = [name for name in lost if name in placed.answers]
    if found:
        which = "the cells" if lost == wanted else "some cells"
        notes = (
            *notes,
            f"{which} have lost their metadata; these answers were recognised by what they "
            f"define and where they stand: {', '.join(found)}",
        )
    gone = [name for name in lost if name not in placed.answers]
    missing = [name for name in gone if not versions.lacking(name)]
    later = [name for name in gone if versions.lacking(name)]
    added = _added_to_given(notebook, names, description, versions)
    # Nobody can say of a hidden test that has lost its name and has no text whether it is there.
    given = [cell for cell in description.cells if not found or cell.public_source.strip()]
    counts = _counting(notebook.cells, names, description.cells)
    texts = {name: notebook.cells[index].lines for name, index in counts.items()}
    return Submission(
        student,
        description.assignment,
        placed.answers,
        (*placed.extras, *added.values()),
        (
            *notes,
            *(_note_of_added(name) for name in added),
            *_notes_about_answers(placed, missing),
            *_noted(
                later,
                "{} is not in the notebook; it was asked for in a later version",
                "{} answer cells are not in the notebook; a later version asked for them: {}",
            ),
            *_notes_about_given(given, texts, versions),
        ),
    )


@dataclass
class _Placed:
    """A student's texts where they belong, and the answers there is something to say of."""

    answers: dict[str, str] = field(default_factory=dict)
    extras: list[Extra] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)  # the last counts
    outdone: list[str] = field(default_factory=list)  # one before the last counts
    retyped: list[str] = field(default_factory=list)


def _refuse_others(notebook: Notebook, description: Description) -> None:
    """Another assignment's notebook: a cell the student added there is no answer here.

    It is one where more of that assignment's answer cells are in it than of the one wanted: two
    assignments may both have a q10_essay, and a course may have renamed its assignment.
    """
    found = find_description(notebook.metadata)
    if found is None or found.assignment == description.assignment:
        return
    names = {cell.grade_id for cell in notebook.cells}
    theirs, ours = (
        len(names & {cell.grade_id for cell in each.answers}) for each in (found, description)
    )
    if theirs > ours:
        raise NotebookError(
            f"it is a notebook of {one_line(found.assignment, _NAME_CHARS)}, "
            f"wanted one of {description.assignment}"
        )


def _place(notebook: Notebook, names: Sequence[str], source: Sequence[Cell]) -> _Placed:
    """Sort a notebook's cells, by their names, into answers and cells that the student added."""
    position = {cell.grade_id: i for i, cell in enumerate(source) if cell.grade_id}
    given: dict[str, list[int]] = {}
    for i, cell in enumerate(source):
        if not cell.grade_id:
            given.setdefault(cell.lines, []).append(i)
    counts = _counting(notebook.cells, names, source)
    joined: dict[str, list[int]] = {}
    for index, (name, cell) in enumerate(zip(names, notebook.cells, strict=True)):
        if name != cell.grade_id and source[position[name]].answer:
            joined.setdefault(name, []).append(index)
    places = [
        given.get(cell.lines, [])
        if not name
        else [position[name]]
        if name in position and (counts[name] == index or not source[position[name]].answer)
        else []
        for index, (name, cell) in enumerate(zip(names, notebook.cells, strict=True))
    ]
    run = in_order(places)
    placed = _Placed()
    # Only cells in the authors' order say where an added cell belongs. So a copy of given code or
    # a cell that was moved takes nothing with it, and added cells keep the order they stood in.
    after = -1
    for index, (name, cell) in enumerate(zip(names, notebook.cells, strict=True)):
        after = run.get(index, after)
        text = cell.source if cell.kind == "code" else notebook.with_images(index)
        original = source[position[name]] if name in position else None
        if original and original.answer and counts[name] == index:
            words = original.kind == "markdown"
            parts = joined.get(name, [index])
            shown = [notebook.with_images(i) if words else notebook.cells[i].source for i in parts]
            placed.answers[name] = "\n\n".join(shown)
            if cell.kind != original.kind:
                placed.retyped.append(name)
        elif places[index] or index in joined.get(name, []):
            continue  # given text, a test, or part of an answer
        elif text.strip():
            # Raw text is not lost: a person reads it like any other.
            if cell.kind == "code":
                placed.extras.append(Extra(after, "code", text))
            else:
                placed.extras.append(Extra(after, "markdown", text))
            if original:
                doubled = placed.twice if counts[name] > index else placed.outdone
                doubled.append(name)
    return placed


def _added_to_given(
    notebook: Notebook, names: Sequence[str], description: Description, versions: Versions
) -> dict[str, Extra]:
    """Words that the student wrote into cells of the authors', by the cells' names.

    Such a cell is the original again when it is run and shown, but an answer in words may have
    been typed into the question. What an earlier release said is nobody's answer.
    """
    released = find_description(notebook.metadata)
    before = {cell.grade_id: cell for cell in (released.cells if released else ())}
    found: dict[str, Extra] = {}
    for place, cell in enumerate(description.cells):
        name = cell.grade_id
        if not name or cell.answer:
            continue
        known = [cell.source, before[name].source if name in before else "", *versions.texts(name)]
        texts = [
            added_lines(notebook.with_images(index), *known)
            for index, other in enumerate(names)
            if other == name and notebook.cells[index].lines != cell.lines
        ]
        if cell.kind == "code":
            texts = ["\n".join(prose(text)[0]) for text in texts]
            texts = [text for text in texts if words(text) >= _WORDS_IN_CODE]
        text = "\n\n".join(filter(str.strip, texts))
        if text:
            found[name] = Extra(place, "markdown", text)
    return found


def _note_of_added(name: str) -> str:
    return f"{name} asks for nothing, but words were written into it; they stand behind it"


def _counting(
    cells: Sequence[Cell], names: Sequence[str], source: Sequence[Cell]
) -> dict[str, int]:
    """Which of the cells with one name counts: the last that says something, if of its type.

    So neither what is left of a cell that was split nor an old version kept as raw text counts.
    """
    kinds = {cell.grade_id: cell.kind for cell in source}
    best: dict[str, tuple[bool, bool, int]] = {}
    for index, (name, cell) in enumerate(zip(names, cells, strict=True)):
        written = bool(cell.source.strip())
        rank = (written and cell.kind == kinds.get(name), written, index)
        best[name] = max(best.get(name, rank), rank)
    return {name: index for name, (*_, index) in best.items()}


def _noted(names: list[str], one: str, many: str) -> list[str]:
    """A note for each cell; one for all of them when they are more than three."""
    if len(names) > 3:
        return [many.format(len(names), ", ".join(names))]
    return [one.format(name) for name in names]


def _notes_about_answers(placed: _Placed, missing: list[str]) -> list[str]:
    return [
        *_noted(
            list(dict.fromkeys(name for name in placed.twice if name not in placed.outdone)),
            "{} appears more than once; the last one counts",
            "{} answer cells appear more than once; the last of each counts: {}",
        ),
        *_noted(
            list(dict.fromkeys(placed.outdone)),
            "{} appears more than once; the last one of its cell type counts",
            "{} answer cells appear more than once; the last of each cell type counts: {}",
        ),
        *_noted(
            placed.retyped,
            "{} has another cell type; its text was taken as the answer",
            "{} answer cells have another cell type; their texts were taken as the answers: {}",
        ),
        *_noted(
            missing,
            "{} is missing from the notebook",
            "{} answer cells are missing from the notebook: {}",
        ),
    ]


def _notes_about_given(
    cells: Sequence[Cell], texts: Mapping[str, str], versions: Versions
) -> list[str]:
    """Notes about given code and tests that the student deleted or changed.

    Of a cell that some version lacked, or had with this text, nobody knows that.
    """
    deleted: list[str] = []
    changed: list[str] = []
    for cell in cells:
        name = cell.grade_id
        if not name or cell.answer or cell.kind != "code":
            continue
        if name not in texts:
            if not versions.lacking(name):
                deleted.append(name)
        elif not cell.hidden and texts[name] != cell.lines and not versions.ever(name, texts[name]):
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


def to_steps(cells: Sequence[Cell], description: Description) -> list[Step]:
    """The code cells of an assembled notebook, as they are run.

    Parameters
    ----------
    cells : from :func:`assemble`.
    description : of the assignment that the notebook belongs to.
    """
    names = description.names
    return [
        Step(
            index=index,
            role="student" if cell.answer else "test" if cell.role == "test" else "given",
            source=cell.source,
            name=cell.grade_id,
            question=cell.question,
            hidden=cell.hidden,
            names=names.get(cell.question, ()) if cell.role == "test" else (),
            in_place=description.in_place if cell.role == "test" else (),
        )
        for index, cell in enumerate(cells)
        if cell.kind == "code"
    ]
