"""The engine: what a result says, and what becomes of failures of the infrastructure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from socket import socketpair

import pytest

from autograder.assignments.demo import make_class
from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import EngineError
from autograder.execution import control_groups
from autograder.execution.engine import SandboxEngine
from autograder.execution.sandbox import fork_server
from autograder.grading import grade_class
from autograder.reports.export import export
from autograder.results import Result
from gradekit.notebook import Extra, Submission, beside, reading
from gradekit.notebook.reading import MAX_CHARACTERS
from gradekit.protocol import framing
from tests.autograder.tinycourse import NAME, ScriptedEngine


def answer(assignment: Assignment, *extras: Extra, **answers: str) -> Submission:
    return Submission("s", NAME, {**assignment.answers, **answers}, extras)


def by_name(result: Result) -> dict[str, str]:
    return {test.grade_id: test.message for test in result.tests}


@pytest.fixture(scope="module")
def engine() -> Iterator[SandboxEngine]:
    with closing(SandboxEngine()) as engine:
        yield engine


def test_values_of_hidden_tests_do_not_leave(engine: SandboxEngine, assignment: Assignment) -> None:
    """Neither in an exception of the student's, nor in its name, nor in an AssertionError."""
    spies = answer(
        assignment,
        q1_mean="def mean(values):\n    raise ValueError(values)",
        q2_spread="def spread(values):\n    raise AssertionError(values)",
    )
    messages = by_name(engine.grade(spies, assignment))
    assert "1.0" in messages["q1_small_visible"]
    assert messages["q1_other_hidden"] == "ValueError was raised while this hidden test ran."
    assert messages["q2_other_hidden"] == "AssertionError was raised while this hidden test ran."
    named = "def mean(values):\n    raise type('E' + str(int(sum(values))), (Exception,), {})"
    messages = by_name(engine.grade(answer(assignment, q1_mean=named), assignment))
    assert messages["q1_small_visible"] == "E9"
    assert messages["q1_other_hidden"] == "An exception was raised while this hidden test ran."


def test_what_a_hidden_test_gives_never_reaches_a_visible_message(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    """The hidden test of question 1 stands before the visible ones of question 2."""
    stash = answer(
        assignment,
        q1_mean="seen = []\ndef mean(values):\n    seen.append(values)\n    return 0.0",
        q2_spread="def spread(values):\n    raise ValueError(seen)",
    )
    result = engine.grade(stash, assignment)
    assert "[1.0, 2.0, 6.0]" in by_name(result)["q2_small_visible"]
    assert "1234.5" not in json.dumps([asdict(test) for test in result.tests])
    assert "1234.5" not in json.dumps(result.notes)


def test_the_run_ends_with_the_deadline_of_the_whole_notebook(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    slow = answer(assignment, q1_mean="import time\ndef mean(values):\n    time.sleep(60)")
    patient = replace(assignment, call_seconds=60.0, cell_seconds=60.0, total_seconds=5.0)
    result = engine.grade(slow, patient)
    assert (result.outcome, result.detail) == ("timed out", "q1_small_visible")
    messages = by_name(result)
    assert messages["q1_small_visible"] == "Stopped: the notebook took longer than 5 seconds."
    assert messages["q2_other_hidden"] == "Not run: the notebook took longer than 5 seconds."


def test_the_largest_cell_that_is_taken_in_is_run(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    """A million characters are two million bytes here, which is more than a text may cross with."""
    extra = Extra(-1, "code", f"# {'é' * (MAX_CHARACTERS - 2)}")
    result = engine.grade(answer(assignment, extra), assignment)
    assert all(test.passed for test in result.tests)


def test_the_largest_work_that_is_taken_in_reaches_the_runner(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """20 MB of a notebook, and as many of files: JSON in ASCII would be over the limit."""
    sent: list[bytes] = []
    monkeypatch.setattr(framing, "send", lambda _, data, **__: sent.append(data))
    monkeypatch.setattr(framing, "receive", lambda *_, **__: sent.pop())
    work = {"steps": "é" * (reading.MAX_BYTES // 2), "files": "A" * (beside.MAX_TOTAL * 4 // 3)}
    here, there = socketpair()
    with here, there:
        fork_server.send(here, {**work, "odd": "\ud800"})
        assert len(sent[0]) < fork_server.ORDER_BYTES
        assert fork_server.receive(there) == {**work, "odd": "\ud800"}


@pytest.mark.parametrize(
    ("body", "outcome", "message"),
    [
        ("os._exit(0)", "stopped", "The process died in q1_small_visible."),
        ("time.sleep(60)", "timed out", "Stopped: q1_small_visible did not end in time"),
        ("raise SystemExit", "complete", "SystemExit"),
        ("os.kill(os.getpid(), 11); time.sleep(60)", "timed out", "Stopped: q1_small_visible did"),
    ],
)
def test_one_crash_costs_one_question(
    engine: SandboxEngine, assignment: Assignment, body: str, outcome: str, message: str
) -> None:
    bad = answer(assignment, q1_mean=f"import os, time\ndef mean(values):\n    {body}")
    result = engine.grade(bad, replace(assignment, call_seconds=3.0))
    messages = by_name(result)
    assert result.outcome == outcome
    assert messages["q1_small_visible"].startswith(message)
    assert messages["q1_other_hidden"] != ""
    assert (messages["q2_small_visible"], messages["q2_other_hidden"]) == ("", "")
    assert sum(test.points for test in result.tests) == 3


def test_a_cell_that_kills_the_process_is_left_out_when_the_others_run_again(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    bad = answer(assignment, Extra(0, "code", "import os; os._exit(0)"))
    result = engine.grade(bad, assignment)
    assert sum(test.points for test in result.tests) == 6
    assert result.outcome == "stopped"
    assert any("the process died" in note for note in result.notes)


def test_nothing_is_said_of_memory_before_the_machine_was_looked_at() -> None:
    """A run whose submissions are all unreadable starts no sandbox."""
    with closing(SandboxEngine()) as engine:
        assert engine.memory_rule == ""
        engine.open()
        assert engine.memory_rule.startswith("memory: at most 2,048 MiB a submission")


@pytest.fixture(params=["a control group counts", "its processes are counted"])
def counting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether there are control groups; on a machine that has none, both times there are not."""
    if request.param == "its processes are counted":
        monkeypatch.setattr(control_groups, "find", lambda: None)
        return False
    return control_groups.find() is not None


def hungry(take: str) -> str:
    return (
        "import mmap, os, time\n"
        "def mean(values):\n"
        "    for _ in range(8):\n"
        "        if os.fork() == 0:\n"
        f"            {take}\n"
        "            time.sleep(60)\n"
        "    time.sleep(60)\n"
    )


def test_too_much_memory_ends_the_process_and_says_so(
    assignment: Assignment, counting: bool
) -> None:
    """Each of the processes stays below the limit; together they don't."""
    greedy = hungry("kept = bytearray(os.urandom(2**20)) * 40")
    with closing(SandboxEngine(memory=200 * 2**20)) as engine:
        result = engine.grade(answer(assignment, q1_mean=greedy), assignment)
        assert engine.peak_memory >= 200 * 2**20  # a control group stops it there
        assert ("control group)" in engine.memory_rule) == counting
    message = by_name(result)["q1_small_visible"]
    assert "it used more than 200 MiB of memory" in message
    assert sum(test.points for test in result.tests) == 3


def test_a_forked_child_that_comes_back_answers_nothing(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    """It would read the next question, and reply to what its parent was asked."""
    forks = (
        "import os\n"
        "def mean(values):\n"
        "    for _ in range(3):\n"
        "        if os.fork() == 0:\n"
        "            raise ValueError('a child')\n"
        "    return sum(values) / len(values)\n"
    )
    result = engine.grade(answer(assignment, q1_mean=forks), assignment)
    assert result.outcome == "complete"
    assert all(test.passed for test in result.tests)


# What no process has mapped at the end, or no process at all: the tricks that were not counted.
NOBODYS = {
    "children that end": (
        "import mmap, os\n"
        "def mean(values):\n"
        "    shared = mmap.mmap(-1, 320 * 2**20)\n"
        "    for at in range(0, len(shared), 2**24):\n"
        "        if os.fork() == 0:\n"
        "            shared[at:at + 2**24] = b'x' * 2**24\n"
        "            os._exit(0)\n"
        "        os.wait()\n"
        "    return sum(values) / len(values)\n"
    ),
    "pages given back": (
        "import mmap, os\n"
        "def mean(values):\n"
        "    shared = mmap.mmap(-1, 320 * 2**20)\n"
        "    for at in range(0, len(shared), 2**20):\n"
        "        shared[at:at + 2**20] = b'x' * 2**20\n"
        "        shared.madvise(mmap.MADV_DONTNEED, at, 2**20)\n"
        "    return sum(values) / len(values)\n"
    ),
    "the device of zeros": (
        "import mmap, os\n"
        "def mean(values):\n"
        "    zero = os.open('/dev/zero', os.O_RDWR)\n"
        "    shared = mmap.mmap(zero, 320 * 2**20)\n"
        "    return sum(values) / len(values)\n"
    ),
    "pages of a pipe": (
        "import ctypes, os\n"
        "def mean(values):\n"
        "    class Part(ctypes.Structure):\n"
        "        _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]\n"
        "    page = ctypes.create_string_buffer(4096)\n"
        "    part = Part(ctypes.addressof(page), 4096)\n"
        "    libc = ctypes.CDLL(None, use_errno=True)\n"
        "    if libc.vmsplice(os.pipe()[1], ctypes.byref(part), ctypes.c_size_t(1), 0) < 0:\n"
        "        raise PermissionError('vmsplice')\n"
        "    return sum(values) / len(values)\n"
    ),
}


@pytest.mark.parametrize("trick", NOBODYS)
def test_memory_that_no_process_maps_is_counted_or_refused(
    assignment: Assignment, counting: bool, trick: str
) -> None:
    with closing(SandboxEngine(memory=200 * 2**20)) as engine:
        result = engine.grade(answer(assignment, q1_mean=NOBODYS[trick]), assignment)
    message = by_name(result)["q1_small_visible"]
    mapped = trick in ("children that end", "pages given back")
    if counting and mapped:
        assert "it used more than 200 MiB of memory" in message
    else:
        assert message.startswith(("PermissionError", "FileNotFoundError"))
    assert sum(test.points for test in result.tests) == 3


def test_an_error_in_a_students_cell_is_told(engine: SandboxEngine, assignment: Assignment) -> None:
    look = Extra(-1, "code", "import os\nprint(os.listdir())")
    broken = answer(assignment, look, q1_mean="def mean(values)\n    pass")
    result = engine.grade(broken, assignment)
    assert any(
        note.startswith("q1_mean stopped with an error: SyntaxError") for note in result.notes
    )
    assert by_name(result)["q1_small_visible"].startswith("NameError: name 'mean' is not defined")
    assert result.notebook is not None
    outputs = [out for cell in result.notebook["cells"] for out in cell.get("outputs", [])]
    assert any(out.get("text") == "[]\n" for out in outputs)  # its working folder is empty
    assert sum(test.points for test in result.tests) == 3


SORTS = "def mean(values):\n    values.sort()\n    return sum(values) / len(values)"


def test_a_right_answer_that_changes_its_argument_fails_by_that(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    """Although no test looks at it: the judge does, in visible and hidden ones."""
    sentence = "mean changed its first argument in place"
    source = "assert mean([3.0, 1.0]) == 2.0, 'wrong'"
    messages = by_name(
        engine.grade(answer(assignment, q1_mean=SORTS), with_test(assignment, source))
    )
    assert messages["q1_small_visible"].startswith(sentence)
    assert messages["q1_other_hidden"].startswith(sentence)
    ordered = with_test(assignment, "assert mean([1.0, 3.0]) == 2.0, 'wrong'")
    assert (
        by_name(engine.grade(answer(assignment, q1_mean=SORTS), ordered))["q1_small_visible"] == ""
    )


def test_where_a_question_asks_for_it_an_argument_is_changed_for_the_test(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    source = "values = [3.0, 1.0]\nmean(values)\nassert values == [3.0, 1.0], 'values was changed'"
    asked = with_test(assignment, source)
    questions = tuple(
        replace(question, in_place=question.names if question.key == "q1" else ())
        for question in asked.questions
    )
    asked = replace(asked, questions=questions)
    messages = by_name(engine.grade(answer(assignment, q1_mean=SORTS), asked))
    assert messages["q1_small_visible"] == "values was changed"
    assert messages["q1_other_hidden"] == ""


def with_test(assignment: Assignment, source: str) -> Assignment:
    """The assignment with another visible test of its first question."""
    cells = tuple(
        replace(cell, source=source) if cell.grade_id == "q1_small_visible" else cell
        for cell in assignment.cells
    )
    return replace(assignment, cells=cells)


def test_answers_graded_together_are_judged_as_alone(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    texts = [
        "def mean(values):\n    return sum(values) / len(values)",
        "def mean(values):\n    return 0.0",
        "import os\ndef mean(values):\n    os._exit(1)",
        "def mean(values):\n    while True: pass",
        SORTS,
        "def mean(values)",
        "def mean(values):\n    return sum(values) / len(values)",
    ]
    submissions = [
        replace(answer(assignment, q1_mean=text), student=f"s{n}", only=("q1",))
        for n, text in enumerate(texts)
    ]
    together = engine.grade_together(submissions, assignment)
    for submission, result in zip(submissions, together, strict=True):
        alone = engine.grade(submission, assignment)
        assert result.student == submission.student
        assert [(t.grade_id, t.passed, t.points) for t in result.tests] == [
            (t.grade_id, t.passed, t.points) for t in alone.tests
        ]
    assert [all(test.passed for test in result.tests) for result in together] == [
        *(True, False, False, False, False, False, True)
    ]


SPOILERS = [
    "import builtins\nbuiltins.sum = lambda values: 0",
    "import math\nmath.fsum = None",
    "import sys\nsys.modules['math'] = None",
    "SCALE[0] = 5.0",
    "import numpy\nnumpy.set_printoptions(precision=1)",
    "import random\nrandom.seed = lambda value: None",
    "get_ipython().input_transformers_cleanup.append(lambda lines: [])",
    "get_ipython().run_cell = None",
    "import threading\nthreading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()",
    "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
]
HONEST = """
import math, random, numpy
random.seed(3)
drawn = random.random()
def mean(values):
    assert (drawn, SCALE, numpy.get_printoptions()["precision"]) == (FIRST, [1.0], 8)
    return sum(values) / math.fsum(1 for _ in values) * SCALE[0]
"""


def test_no_answer_spoils_what_is_graded_after_it(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    made = "import random\nrandom.seed(3)\nFIRST = random.random()\nSCALE = [1.0]\n"
    cells = list(assignment.cells)
    place = next(n for n, cell in enumerate(cells) if cell.role == "given" and cell.kind == "code")
    cells[place] = replace(cells[place], source=f"{made}{cells[place].source}")
    changed = replace(assignment, cells=tuple(cells))
    texts = [text for spoiler in SPOILERS for text in (spoiler, HONEST)]
    submissions = [
        replace(answer(changed, q1_mean=text), student=f"s{n}", only=("q1",))
        for n, text in enumerate(texts)
    ]
    for result in engine.grade_together(submissions, changed)[1::2]:
        assert {test.grade_id: test.message for test in result.tests if not test.passed} == {}


def test_the_seed_depends_on_the_submission_and_the_secret(assignment: Assignment) -> None:
    ann = answer(assignment)
    others = [
        replace(ann, assignment="ps1"),
        answer(assignment, q1_mean="mean = 3"),  # who hands in again
        answer(assignment, Extra(0, "code", "1")),
    ]
    engine = SandboxEngine(secret=b"secret")
    seeds = {engine._seed(submission) for submission in (ann, *others)}
    assert len(seeds) == 4
    assert engine._seed(replace(ann, student="bob")) == engine._seed(ann)
    assert engine._seed(ann) == SandboxEngine(secret=b"secret")._seed(ann)
    assert SandboxEngine(secret=b"other")._seed(ann) not in seeds
    assert SandboxEngine()._seed(ann) == 0
    assert max(seeds) > 2**64


def test_a_given_cell_that_fails_is_no_students_fault(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    cells = tuple(
        replace(cell, source="1 / 0") if cell.source == "import math" else cell
        for cell in assignment.cells
    )
    with pytest.raises(EngineError, match="raised ZeroDivisionError"):
        engine.grade(answer(assignment), replace(assignment, cells=cells))


def test_a_stopped_engine_starts_no_process(assignment: Assignment) -> None:
    engine = SandboxEngine()
    engine.close()
    with pytest.raises(EngineError, match="the grader was stopped"):
        engine.grade(answer(assignment), assignment)


def test_a_runner_that_cannot_start_is_no_verdict(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = SandboxEngine(safe=False)
    monkeypatch.setattr("autograder.execution.fork_servers.sys.executable", "/nonexistent/python")
    with pytest.raises(EngineError, match="could not be started"):
        engine.grade(answer(assignment), assignment)


def test_without_a_sandbox_the_scores_are_the_same_and_it_is_said(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    with closing(SandboxEngine(safe=False)) as unsafe:
        one, other = (e.grade(answer(assignment), assignment) for e in (engine, unsafe))
        assert one.tests == other.tests
        assert other.status().endswith("graded without a sandbox")
        assert "sandbox" not in one.status()
        assert unsafe.version(assignment) != engine.version(assignment)


def test_an_answer_that_was_cut_short_is_compared_with_nothing(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[set[str]] = []
    monkeypatch.setattr(
        "autograder.execution.misconceptions.Catalogue.matches",
        lambda _, __, values: compared.append(set(values)) or {},
    )
    with closing(SandboxEngine(compare=True)) as engine:
        endless = "import time\ndef mean(values):\n    time.sleep(60)"
        wrong = "def spread(values):\n    return 7.0"
        engine.grade(answer(assignment, q1_mean=endless, q2_spread=wrong), assignment)
    assert compared == [{"q2"}]


@pytest.fixture
def demo(course: Course, assignment: Assignment) -> Course:
    make_class(course, assignment)
    return course


def scores(course: Course, assignment: Assignment) -> dict[str, list[str]]:
    export(course, [assignment], course.grades)
    lines = course.grades.read_text(encoding="utf-8").splitlines()[1:]
    return {line.split(",")[0]: line.split(",") for line in lines}


def test_the_infrastructure_is_tried_twice(demo: Course, assignment: Assignment) -> None:
    engine = ScriptedEngine()
    engine.failures = {"student-01": [EngineError("no kernel")]}
    report = grade_class(demo, assignment, engine, workers=2, quiet=True)
    assert engine.graded.count("student-01") == 2
    assert report.results[0].outcome == "complete"


@pytest.mark.parametrize("fault", [EngineError("no kernel"), RuntimeError("a bug")])
def test_a_failed_infrastructure_is_reported_and_never_a_zero(
    demo: Course, assignment: Assignment, fault: Exception
) -> None:
    engine = ScriptedEngine()
    engine.failures = {"student-01": [fault, fault]}
    report = grade_class(demo, assignment, engine, workers=2, quiet=True)
    assert report.results[0].outcome == "not graded"
    row = scores(demo, assignment)["student-01"]
    assert row[2:6] == ["", "", "", ""]
    assert row[7].startswith("not graded: ")
    assert scores(demo, assignment)["student-02"][5] != ""

    again = ScriptedEngine()
    grade_class(demo, assignment, again, workers=2, quiet=True)
    assert again.graded == ["student-01"]  # and only that one
    assert scores(demo, assignment)["student-01"][5] == "6"


def test_a_killed_run_goes_on_where_it_was(demo: Course, assignment: Assignment) -> None:
    class Killed(ScriptedEngine):
        def grade(self, submission: Submission, assignment: Assignment) -> Result:
            if len(self.graded) == 5:
                raise KeyboardInterrupt
            return super().grade(submission, assignment)

    first, second = Killed(), ScriptedEngine()
    with pytest.raises(KeyboardInterrupt):
        grade_class(demo, assignment, first, workers=1, quiet=True)
    grade_class(demo, assignment, second, workers=1, quiet=True)
    done = {path.stem for path in (demo.root / "results" / NAME).glob("*.json")}
    assert len(done) == 20
    assert 0 < len(second.graded) < 20
    assert not set(second.graded) & set(first.graded[:4])
