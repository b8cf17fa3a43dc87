"""The attack corpus: one class of hostile submissions between honest neighbours, graded once.

A file in ``attacks/`` is a submission. Its docstring says what it tries, and it has

EXPECT      points of the questions that do not get all their points
ANSWERS     text by grade_id; the other answers are right (``right/plain.py``)
EXTRAS      cells of the student's own: (grade_id of the cell they follow, kind, source)
hand_in     in place of ANSWERS: writes into the submission's folder, given the right notebook
pack        in place of both: adds entries to the zip file that the class is collected from
STUDENT     the student's name, in place of one made of the file's
NOBODY      that this name can't be a student's: its folder is named, and is no row
STATUS      a part of the status in the CSV
SEEN        a part of the outputs, which shows that the attack has run to its end

In the texts ``{{RIGHT}}`` stands for the right answer, ``{{SCAN}}`` for ``_scan.py``,
``{{COURSE}}``, ``{{SOLUTIONS}}`` and ``{{CANARY}}`` for folders and ``{{PORT}}`` for a port that
listens. An attack that finds or reaches what it must not prints or raises FOUND, a word that no
attack's text holds in one piece.
"""

from __future__ import annotations

import contextlib
import copy
import csv
import ctypes
import hashlib
import importlib.util
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest

from autograder.assignments.demo import fill_in
from autograder.assignments.source import load_assignment
from autograder.assignments.variants import load_variants
from gradekit.text import no_formula
from tests.ordinary_user import as_ordinary_user, give

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FIXTURE, NAME = HERE / "fixture", "ps0_security"
FILES = sorted(path for path in (HERE / "attacks").glob("[a-z]*.py"))
FAMILIES = ("forge", "read", "break", "escape", "spoil")
POINTS = {f"q{number}": 3 for number in range(1, 7)}
WAITING = "awaiting manual grading"
HALF = {"q4": 0, "q5": 0, "q6": 0}
CANARY = re.compile(r"CANARY-[A-Z]+-|86028121|27644437|FOUND")
SCRIPT = re.compile(r"<script|<iframe|<img|<svg|<object|<embed|href=.?javascript:", re.I)
CACHES = re.compile(r"\.(cache|config)(/matplotlib|$)|torchinductor_\w+$")
# Graded a second time, backwards and by one worker. All end on their own: no deadline is near.
AGAIN = (
    "break_cyclic_values",
    "break_deep_nesting",
    "break_malformed_frames",
    "break_os_exit",
    "break_type_names",
    "forge_eq_object",
    "forge_hard_coded",
    "forge_nan",
    "forge_predicted_inputs",
    "forge_reference_to_given",
    "forge_two_replies",
    "read_hidden_by_crash",
    "read_hidden_in_cell_error",
    "read_hidden_stashed",
    "spoil_noise",
    "spoil_renamed_ids",
)


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"attack_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ATTACKS = {path.stem: load(path) for path in FILES}


@dataclass
class Class:
    """A course folder, who attacks in it under which name, and what was there before."""

    course: Path
    names: dict[str, str]  # student by attack
    honest: dict[str, bool]  # whether all is right, by student
    before: dict[Path, Any] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)  # processes
    reached: list[str] = field(default_factory=list)
    places: tuple[Path, ...] = ()
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    said: str = ""  # by `grade`

    @property
    def students(self) -> set[str]:
        """Everyone who has a row."""
        named = {
            student
            for stem, student in self.names.items()
            if not getattr(ATTACKS[stem], "NOBODY", False)
        }
        return {*named, *self.honest}

    def result(self, student: str) -> dict[str, Any]:
        path = self.course / "results" / NAME / f"{student}.json"
        return dict(json.loads(path.read_text(encoding="utf-8"))["result"])

    def page(self, student: str) -> str:
        return (self.course / "feedback" / student / NAME / f"{NAME}.html").read_text("utf-8")

    def cells(self, student: str) -> list[dict[str, Any]]:
        path = self.course / "autograded" / student / NAME / f"{NAME}.ipynb"
        if not path.is_file():
            return []  # what can't be read is not run
        return list(json.loads(path.read_text(encoding="utf-8"))["cells"])

    def outputs(self, student: str) -> str:
        cells = self.cells(student)
        return json.dumps([cell.get("outputs", []) for cell in cells], ensure_ascii=False)


@dataclass(frozen=True)
class Ground:
    """Where a grader runs: a course, a home and a folder for temporary files of its own.

    ``ordinary``: whether it grades as an ordinary user, though this process is root.
    """

    course: Path
    home: Path
    temporary: Path
    ordinary: bool = False

    def run(self, command: str, *more: object) -> str:
        arguments = ["--course", self.course, "--solutions", FIXTURE, *more]
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
        }
        line = ["-m", "autograder", command, *map(str, arguments)]
        if self.ordinary and command == "grade":
            line, environment = as_ordinary_user(line, environment)
            for folder in (self.course, self.temporary, self.home):
                give(folder)
        else:
            line = [sys.executable, *line]
        done = subprocess.run(
            line,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
        good = (0, 1) if command == "grade" else (0,)  # 1: "not graded", which each test looks for
        assert done.returncode in good, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout + done.stderr


@contextlib.contextmanager
def ground(root: Path, *, ordinary: bool = False) -> Iterator[Ground]:
    # Not under pytest's own folder: that is closed to the user that the grader becomes, if root.
    temporary = Path(tempfile.mkdtemp(prefix="fort-temporary-"))
    temporary.chmod(0o755)
    (root / "home").mkdir()
    try:
        yield Ground(root / "course", root / "home", temporary, ordinary)
    finally:
        shutil.rmtree(temporary)


class Writer:
    """Writes submissions into a course."""

    def __init__(self, course: Path, words: dict[str, str]) -> None:
        self.course, self.words = course, words
        path = course / "release" / NAME / f"{NAME}.ipynb"
        self.released = json.loads(path.read_text(encoding="utf-8"))
        assignment = load_assignment(FIXTURE / NAME)
        (plain,) = load_variants(assignment, "right")
        self.right = {**plain.answers, "q7_reason": "It is the larger of a number and 0."}

    def filled(self, text: str, right: str = "") -> str:
        text = text.replace("{{SCAN}}", (HERE / "attacks" / "_scan.py").read_text("utf-8"))
        text = text.replace("{{RIGHT}}", right)
        for word, value in self.words.items():
            text = text.replace("{{" + word + "}}", value)
        return text

    def notebook(self, answers: dict[str, str], extras: Any = ()) -> dict[str, Any]:
        made = json.loads(fill_in(copy.deepcopy(self.released), answers))
        for after, kind, source in reversed(list(extras)):
            ids = [c["metadata"].get("nbgrader", {}).get("grade_id") for c in made["cells"]]
            cell = {"cell_type": kind, "metadata": {}, "source": self.filled(source)}
            made["cells"].insert(ids.index(after) + 1, cell)
        return dict(made)

    def folder(self, student: str) -> Path:
        folder = self.course / "submitted" / student / NAME
        folder.mkdir(parents=True)
        return folder

    def honest(self, student: str, answers: dict[str, str]) -> None:
        text = json.dumps(self.notebook(answers, [("q1_centre", "code", "!echo alive")]))
        (self.folder(student) / f"{NAME}.ipynb").write_text(text, encoding="utf-8")

    def attack(self, attack: ModuleType, student: str, archive: zipfile.ZipFile | None) -> None:
        if hasattr(attack, "pack"):
            assert archive is not None
            attack.pack(archive, student, json.dumps(self.notebook(self.right)))
        elif hasattr(attack, "hand_in"):
            attack.hand_in(self.folder(student), self.notebook(self.right))
        else:
            own = {
                name: self.filled(text, self.right.get(name, ""))
                for name, text in attack.ANSWERS.items()
            }
            self.honest_extras(student, {**self.right, **own}, getattr(attack, "EXTRAS", ()))

    def honest_extras(self, student: str, answers: dict[str, str], extras: Any) -> None:
        text = json.dumps(self.notebook(answers, extras))
        (self.folder(student) / f"{NAME}.ipynb").write_text(text, encoding="utf-8")


def state(folder: Path) -> dict[str, tuple[int, str]]:
    """Mode and content of everything under a folder; no link is followed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        content = ""
        if stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        elif stat.S_ISLNK(info.st_mode):
            content = os.readlink(path)
        found[str(path.relative_to(folder))] = (info.st_mode, content)
    return found


def read_rows(course: Path) -> dict[str, dict[str, str]]:
    with open(course / "grades.csv", encoding="utf-8", newline="") as file:
        return {row["student_id"].removeprefix("'"): row for row in csv.DictReader(file)}


ACCOUNTS = ["as root", "as an ordinary user"] if os.geteuid() == 0 else ["as an ordinary user"]


@pytest.fixture(scope="module", params=ACCOUNTS)
def hostile(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Class]:
    """The whole corpus, graded once by two workers."""
    # What the grader leaves running becomes this process's child instead of process 1's.
    subreaper = 36
    assert ctypes.CDLL(None).prctl(subreaper, 1, 0, 0, 0) == 0
    root = tmp_path_factory.mktemp("attacks")
    ordinary = os.geteuid() == 0 and request.param == "as an ordinary user"
    if ordinary:
        root = Path(tempfile.mkdtemp(prefix="fort-course-"))  # pytest's own is closed to others
        root.chmod(0o755)
    canary = Path(tempfile.mkdtemp(prefix="fort-canary-"))
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as abstract:
        tcp.bind(("127.0.0.1", 0))
        port = tcp.getsockname()[1]
        abstract.bind(f"\0fort-{port}")
        for listener in (tcp, abstract):
            listener.listen()
            listener.setblocking(False)
        words = {
            "COURSE": str(root / "course"),
            "SOLUTIONS": str(FIXTURE),
            "CANARY": str(canary),
            "PORT": str(port),
        }
        try:
            with ground(root, ordinary=ordinary) as place:
                for folder in (canary, place.home):
                    folder.chmod(0o755)
                    (folder / "notes.txt").write_text("CANARY-HOME-5d0e77b1\n", encoding="utf-8")
                yield _graded(place, canary, words, (tcp, abstract))
        finally:
            shutil.rmtree(canary)
            if ordinary:
                shutil.rmtree(root)


def _graded(
    place: Ground, canary: Path, words: dict[str, str], listeners: tuple[socket.socket, ...]
) -> Class:
    place.run("release")
    course = place.course
    writer = Writer(course, words)
    neighbour = {
        name: f"{text}\n# CANARY-NEIGHBOUR-2c9f1e60" if name == "q1_centre" else text
        for name, text in writer.right.items()
    }
    half = {name: text for name, text in neighbour.items() if name[:2] in ("q1", "q2", "q3")}
    made = Class(course, {}, {})
    download = course.parent / "download.zip"
    with zipfile.ZipFile(download, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (stem, attack) in enumerate(ATTACKS.items()):
            if number % 5 == 0:
                right = number % 10 == 0
                student = f"{number:03d}-honest-{'right' if right else 'half'}"
                writer.honest(student, neighbour if right else half)
                made.honest[student] = right
            student = getattr(attack, "STUDENT", f"{number:03d}-{stem}")
            made.names[stem] = student
            writer.attack(attack, student, archive)
    made.places = (
        course / "source",
        course / "release",
        course / "submitted",
        FIXTURE,
        HERE / "attacks",
        place.home,
        place.temporary,
        canary,
    )
    made.before = {folder: state(folder) for folder in made.places}
    mine = psutil.Process()
    running = {process.pid for process in mine.children(recursive=True)}
    made.said = place.run(
        "grade", "--from", download, "--assignments", NAME, "--workers", 2, "--quiet"
    )
    made.left = [
        f"{process.pid} {process.name()} {process.cmdline()}"
        for process in mine.children(recursive=True)
        if process.pid not in running and process.status() != psutil.STATUS_ZOMBIE
    ]
    for listener in listeners:
        try:
            listener.accept()
            made.reached.append(str(listener.getsockname()))
        except BlockingIOError:
            continue
    for command in ("feedback", "export"):
        place.run(command)
    made.rows = read_rows(course)
    return made


def shown(student: str) -> str:
    """A student's name as the CSV has it: what can't be seen is replaced, a guard apart."""
    return no_formula(student).removeprefix("'")


def scores(row: dict[str, str]) -> dict[str, str]:
    return {question: row[question] for question in POINTS}


def wanted(expect: dict[str, int]) -> dict[str, str]:
    return {question: str(points) for question, points in {**POINTS, **expect}.items()}


def test_the_corpus_has_every_family() -> None:
    count = {family: sum(stem.startswith(f"{family}_") for stem in ATTACKS) for family in FAMILIES}
    assert sum(count.values()) == len(ATTACKS)
    assert len(ATTACKS) >= 50
    assert min(count.values()) >= 10
    for stem, attack in ATTACKS.items():
        assert attack.__doc__, stem
        assert set(attack.EXPECT) <= set(POINTS), stem


@pytest.mark.parametrize("stem", ATTACKS)
def test_an_attack_gets_exactly_its_points(hostile: Class, stem: str) -> None:
    attack, student = ATTACKS[stem], hostile.names[stem]
    if getattr(attack, "NOBODY", False):
        assert student not in hostile.rows
        assert student in hostile.said
        return
    row = hostile.rows[shown(student)]
    assert scores(row) == wanted(attack.EXPECT), row["status"]
    assert getattr(attack, "STATUS", "") in row["status"]
    assert not row["status"].startswith("not graded")
    assert getattr(attack, "SEEN", "") in hostile.outputs(student)


def test_honest_neighbours_get_exactly_theirs(hostile: Class) -> None:
    for student, right in hostile.honest.items():
        row = hostile.rows[student]
        assert (student, scores(row)) == (student, wanted({} if right else HALF))
        assert (student, row["status"]) == (student, WAITING if right else "graded")
        tests = hostile.result(student)["tests"]
        assert {t["message"] for t in tests if t["passed"]} == {""}
        assert "alive" in hostile.outputs(student)  # a shell command needs a terminal
    for right in (True, False):
        pages = {
            hostile.page(student).replace(student, "")
            for student, is_right in hostile.honest.items()
            if is_right == right
        }
        assert len(pages) == 1


def test_every_student_is_in_the_csv_once(hostile: Class) -> None:
    students = hostile.students
    assert set(hostile.rows) == set(map(shown, students))
    assert len(hostile.rows) == len(students)
    with open(hostile.course / "grades.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(students) + 1
    cells = [unicodedata.normalize("NFKC", cell).lstrip() for row in rows for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@")]
    assert not [cell for row in rows for cell in row if "\u202e" in cell]


def test_nothing_hidden_is_shown_anywhere(hostile: Class) -> None:
    shown = {"grades.csv": (hostile.course / "grades.csv").read_text(encoding="utf-8")}
    for path in (hostile.course / "feedback").rglob("*.html"):
        shown[str(path)] = path.read_text(encoding="utf-8")
    for student in sorted(hostile.students):
        shown[f"result of {student}"] = json.dumps(hostile.result(student), ensure_ascii=False)
        shown[f"outputs of {student}"] = hostile.outputs(student)
        for cell in hostile.cells(student):
            name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            if not name.endswith("_hidden") and student not in hostile.honest:
                shown[f"{student}: {name}"] = cell["source"]
    leaks = {}
    for place, text in shown.items():
        sights = {match.group() for match in CANARY.finditer(text)}
        if sights:
            around = CANARY.search(text).start()  # type: ignore[union-attr]
            leaks[place] = text[max(0, around - 100) : around + 300]
    assert leaks == {}


def test_no_page_runs_a_script_or_shows_a_traceback(hostile: Class) -> None:
    pages = list((hostile.course / "feedback").rglob("*.html"))
    assert len(pages) == len(hostile.rows) + 1
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert not SCRIPT.search(text), path
        assert "Traceback" not in text, path
        assert len(text) < 200_000, path


def test_no_executed_notebook_runs_a_script(hostile: Class) -> None:
    """The instructor opens them in formgrader."""
    for student in sorted(hostile.students):
        for cell in hostile.cells(student):
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                kinds = [kind for kind in data if "javascript" in kind or "widget" in kind]
                assert kinds == [], student
                rich = {kind: data[kind] for kind in ("text/html", "image/svg+xml") if kind in data}
                assert not SCRIPT.search(json.dumps(rich)), student
        assert len(json.dumps(hostile.cells(student))) < 8_000_000, student


def test_nothing_outside_has_changed(hostile: Class) -> None:
    collected = {
        student for stem, student in hostile.names.items() if hasattr(ATTACKS[stem], "pack")
    }
    for place, before in hostile.before.items():
        after = state(place)
        if place.name == "submitted":
            after = {
                path: kept for path, kept in after.items() if path.split("/")[0] not in collected
            }
        # What matplotlib and torch keep for the next time is the grader's own.
        after = {path: kept for path, kept in after.items() if not CACHES.match(path)}
        assert (place, after) == (place, before)


def test_no_file_of_an_attack_is_anywhere(hostile: Class) -> None:
    places = [
        Path(p) for p in ("/", "/tmp", "/var/tmp", "/dev", "/dev/shm", "/run", "/home", "/root")
    ]
    places += [ROOT, ROOT.parent, Path.home(), Path(tempfile.gettempdir()), hostile.course.parent]
    places += [place for place in hostile.places if place.name != "attacks"]
    places += [Path(place) for place in sys.path if place and Path(place).is_dir()]
    found = [
        path
        for place in places
        if os.access(place, os.R_OK | os.X_OK) and place.is_dir()
        for path in place.iterdir()
        if path.name.startswith(("fort-escape", "evil.pth"))
    ]
    assert found == []


def test_no_process_is_left(hostile: Class) -> None:
    assert hostile.left == []


def test_nobody_reached_a_socket_outside(hostile: Class) -> None:
    assert hostile.reached == []


def test_backwards_and_alone_gives_the_same(
    hostile: Class, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("again")
    names = {stem: f"{len(AGAIN) - number:03d}-again" for number, stem in enumerate(AGAIN)}
    with ground(root) as place:
        place.run("release")
        writer = Writer(place.course, {})
        for stem, student in names.items():
            writer.attack(ATTACKS[stem], student, None)
        place.run("grade", "--workers", 1, "--quiet")
        place.run("export")
    course = place.course
    again = Class(course, names, {}, rows=read_rows(course))
    for stem, student in names.items():
        first, second = hostile.names[stem], student
        kept = ("q1", "q2", "q3", "q4", "q5", "q6", "q7", "score", "status")
        assert (stem, [again.rows[second][key] for key in kept]) == (
            stem,
            [hostile.rows[first][key] for key in kept],
        )
        parts = ("outcome", "detail", "tests", "notes", "misconceptions")
        assert (stem, [again.result(second)[part] for part in parts]) == (
            stem,
            [hostile.result(first)[part] for part in parts],
        )
