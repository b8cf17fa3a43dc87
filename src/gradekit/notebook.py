"""A released notebook: what `release` writes into it for ``check``, and how it is read back.

The notebook's metadata names what each question asks for and holds the authors' own code cells, so
that a test that was changed or deleted by mistake is judged as the grader judges it: by the
original. Nothing in it is more than the released notebook shows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from gradekit.runner import Limits, Role, Step

KEY = "replearn"
"""Of the notebook's metadata."""
MAX_BYTES = 20_000_000  # as the grader
LIMITS = Limits(call=30, cell=60, total=300)  # the grader's own, where an assignment names no other

Kind = Literal["given", "solution", "test", "manual"]
_KINDS = ("given", "solution", "test", "manual")
_DEFINED = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_LOST = (
    "this notebook does not carry the assignment's own data any more, so what the questions ask "
    "for was read from your cells, and tests were run as they stand here; a fresh copy of the "
    "notebook has it"
)


class NotebookError(Exception):
    """The file can't be checked: one sentence that says why."""


@dataclass(frozen=True)
class Part:
    """One of the authors' cells; of solutions and hidden tests without the source."""

    name: str
    kind: Kind
    code: bool = True
    points: int = 0
    source: str = ""

    @property
    def question(self) -> str:
        return self.name.split("_", 1)[0]

    @property
    def hidden(self) -> bool:
        return self.kind == "test" and self.name.endswith("_hidden")


@dataclass(frozen=True)
class Handout:
    """What the authors say."""

    parts: tuple[Part, ...]
    names: Mapping[str, tuple[str, ...]]
    hide: tuple[str, ...] = ()
    limits: Limits = LIMITS


@dataclass(frozen=True)
class Homework:
    """A student's notebook, ready for the judge."""

    handout: Handout
    steps: tuple[Step, ...]
    notes: tuple[str, ...]

    @property
    def visible(self) -> list[Part]:
        tests = (part for part in self.handout.parts if part.kind == "test" and part.code)
        return [part for part in tests if not part.hidden]

    @property
    def hidden_points(self) -> int:
        return sum(part.points for part in self.handout.parts if part.hidden)

    @property
    def manual_points(self) -> int:
        return sum(part.points for part in self.handout.parts if part.kind == "manual")


def describe(
    cells: Sequence[Mapping[str, Any]],
    *,
    assignment: str,
    names: Mapping[str, Sequence[str]],
    hide: Sequence[str],
    limits: Limits,
) -> dict[str, Any]:
    """The metadata for a released notebook with these cells (nbformat 4 JSON)."""
    texts = [_text(cell, index) for index, cell in enumerate(cells)]
    return {
        "assignment": assignment,
        "names": {question: list(found) for question, found in names.items()},
        "hide": list(hide),
        "seconds": {"call": limits.call, "cell": limits.cell, "total": limits.total},
        "cells": [
            {
                "name": part.name,
                "kind": part.kind,
                "code": part.code,
                "points": part.points,
                "source": part.source,
            }
            for part in _parts(cells, texts, released=True)
        ],
    }


def read(path: Path) -> Homework:
    """Read a student's notebook; NotebookError says in one sentence what is wrong with it."""
    notebook = _parse(_content(path), path.name)
    cells = notebook["cells"]
    texts = [_text(cell, index) for index, cell in enumerate(cells)]
    handout = _handout(notebook)
    notes: list[str] = []
    if handout is None:
        notes.append(_LOST)
        parts = _parts(cells, texts, released=False)
        handout = Handout(parts, _guess_names(parts, cells, texts))
    steps = _steps(handout, cells, texts, notes)
    homework = Homework(handout, tuple(steps), tuple(notes))
    if not homework.visible:
        raise NotebookError(
            f"{path.name} has no visible tests in it; is it the notebook of an assignment?"
        )
    return homework


def _content(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise NotebookError(f"{path} is a folder; name the notebook in it")
        if not path.exists():
            raise NotebookError(f"there is no file {path}; name your notebook, as ps1_pca.ipynb")
        if not path.is_file():
            raise NotebookError(f"{path} is not a regular file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotebookError(f"{path} can't be read ({reason})") from error
    if len(content) > MAX_BYTES:
        raise NotebookError(
            f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB, which is not taken; clear "
            "the outputs in Jupyter and save it again"
        )
    return content


def _parse(content: bytes, name: str) -> dict[str, Any]:
    if not content.strip():
        raise NotebookError(f"{name} is empty")
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise NotebookError(
            f"{name} is not a notebook (it is not valid JSON); save it again in Jupyter"
        ) from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if isinstance(notebook, dict) and cells is None and "worksheets" in notebook:
        raise NotebookError(
            f"{name} is a notebook of format 3 or older, wanted format 4: open it in Jupyter and "
            "save it again"
        )
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise NotebookError(f"{name} is not a notebook of format 4 (it has no list of cells)")
    return cast(dict[str, Any], notebook)


def _text(cell: Mapping[str, Any], index: int) -> str:
    source = cell.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise NotebookError(f"cell {index + 1} of the notebook has no text")
    return source.encode("utf-8", "replace").decode("utf-8").replace("\x00", "")


def _meta(cell: Mapping[str, Any]) -> dict[str, Any]:
    meta = cell.get("metadata")
    meta = meta.get("nbgrader") if isinstance(meta, dict) else None
    return meta if isinstance(meta, dict) else {}


def _name(cell: Mapping[str, Any]) -> str:
    name = _meta(cell).get("grade_id")
    return name if isinstance(name, str) else ""


def _parts(
    cells: Sequence[Mapping[str, Any]], texts: Sequence[str], *, released: bool
) -> tuple[Part, ...]:
    """The authors' cells as the cells' own metadata tell them; the last of each name.

    Of a fresh release the cells without a name are the authors' too, and known by their text.
    """
    last = {_name(cell): index for index, cell in enumerate(cells)}
    found = []
    for index, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        name, meta, code = _name(cell), _meta(cell), cell.get("cell_type") == "code"
        if (name and last[name] != index) or (not name and not released):
            continue
        points = meta.get("points", 0)
        solution, graded = bool(meta.get("solution")), bool(meta.get("grade"))
        kind: Kind = "given"
        if graded:
            kind = "manual" if solution else "test"
        elif solution:
            kind = "solution"
        code = code or kind in ("solution", "test")  # whatever the student made of it
        part = Part(name, kind, code, points if type(points) is int else 0, text)
        open_source = not name or (code and kind in ("given", "test") and not part.hidden)
        found.append(part if open_source else Part(name, kind, code, part.points))
    return tuple(found)


def _handout(notebook: Mapping[str, Any]) -> Handout | None:
    """What `release` wrote; None when it is not there or was changed beyond use."""
    try:
        data = notebook["metadata"][KEY]
        parts = tuple(
            Part(
                _str(cell["name"]),
                _kind(cell["kind"]),
                bool(cell["code"]),
                int(cell["points"]),
                _str(cell["source"]),
            )
            for cell in data["cells"]
        )
        names = {
            question: tuple(_str(name) for name in _list(found))
            for question, found in data["names"].items()
        }
        seconds = data["seconds"]
        limits = Limits(
            _seconds(seconds["call"]), _seconds(seconds["cell"]), _seconds(seconds["total"])
        )
        return Handout(parts, names, tuple(_str(name) for name in _list(data["hide"])), limits)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        return None


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("wanted text")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("wanted a list")
    return value


def _kind(value: object) -> Kind:
    if value not in _KINDS:
        raise ValueError("no kind of cell")
    return cast(Kind, value)


def _seconds(value: object) -> float:
    if type(value) not in (int, float) or not 0 < cast(float, value) < math.inf:
        raise ValueError("no number of seconds")
    return float(cast(float, value))


def _guess_names(
    parts: Sequence[Part], cells: Sequence[Mapping[str, Any]], texts: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """What the answer cells of each question define."""
    last = {_name(cell): text for cell, text in zip(cells, texts, strict=True)}
    names: dict[str, tuple[str, ...]] = {}
    for part in parts:
        if part.kind == "solution":
            found = _DEFINED.findall(last[part.name])
            names[part.question] = tuple(dict.fromkeys((*names.get(part.question, ()), *found)))
    return names


def _steps(
    handout: Handout,
    cells: Sequence[Mapping[str, Any]],
    texts: Sequence[str],
    notes: list[str],
) -> list[Step]:
    """The code cells as the grader puts them together: the authors' in their order and with their
    text, the student's answers in them, the student's own cells behind the one they followed."""
    parts = handout.parts
    position = {part.name: index for index, part in enumerate(parts) if part.name}
    unnamed = {part.source.strip(): i for i, part in enumerate(parts) if not part.name}
    last = {_name(cell): index for index, cell in enumerate(cells)}
    answers = {p.name for p in parts if p.kind in ("solution", "manual")}
    extras: dict[int, list[str]] = {}
    twice, retyped = [], []
    after = -1
    for index, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        name, code = _name(cell), cell.get("cell_type") == "code"
        if name in position and last[name] == index:
            after = position[name]
            if name in answers and code != parts[after].code:
                retyped.append(name)
        elif name in position and name not in answers:
            continue  # a second copy of a test or of given text
        elif not name and text.strip() in unnamed:
            after = unnamed[text.strip()]
        elif text.strip() and code:
            extras.setdefault(after, []).append(text)
            if name in position:
                twice.append(name)
    deleted = [p.name for p in parts if p.name and p.name not in last and p.code]
    changed = [
        p.name
        for p in parts
        if p.name in last
        and p.code
        and p.name not in answers
        and not p.hidden
        and texts[last[p.name]].strip() != p.source.strip()
    ]
    notes += [f"{name} appears more than once; the last one counts" for name in twice]
    notes += [f"{name} has another cell type; its text was taken" for name in retyped]
    notes += [
        f"{name} is missing from the notebook"
        if name in answers
        else f"{name} was deleted; the original counts"
        for name in deleted
    ]
    notes += [f"{name} was changed; the original was run" for name in changed]

    steps: list[Step] = []

    def add(role: Role, source: str, part: Part | None = None) -> None:
        name = part.name if part else ""
        tested = part is not None and role == "test"
        steps.append(
            Step(
                index=len(steps),
                role=role,
                source=source,
                name=name,
                question=part.question if part else "",
                hidden=bool(part and part.hidden),
                names=handout.names.get(part.question, ()) if part and tested else (),
            )
        )

    for source in extras.get(-1, []):
        add("student", source)
    for index, part in enumerate(parts):
        if part.code and part.name in answers:
            add("student", texts[last[part.name]] if part.name in last else "", part)
        elif part.code:
            add("test" if part.kind == "test" else "given", part.source, part)
        for source in extras.get(index, []):
            add("student", source)
    return steps
