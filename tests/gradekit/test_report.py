"""``python -m gradekit check``: reading a notebook, the student's process, what is printed."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradekit import local
from gradekit.__main__ import main
from gradekit.notebook import (
    KEY,
    Description,
    NotebookError,
    TimeLimits,
    assemble,
    nbgrader_metadata,
    parse,
    reading,
    to_steps,
)
from gradekit.notebook.file import read
from gradekit.preload import preload
from gradekit.report import check, run_visible_tests

Cell = dict[str, Any]


def code(source: str, name: str = "", **nbgrader: object) -> Cell:
    metadata = {"nbgrader": {"grade_id": name, **nbgrader}} if name else {}
    return {"cell_type": "code", "metadata": metadata, "source": source}


def graded(source: str, name: str, points: int) -> Cell:
    return code(source, name, grade=True, solution=False, locked=True, points=points)


def solution(source: str, name: str) -> Cell:
    return code(source, name, grade=False, solution=True)


SETUP = code("import math", "setup", locked=True)
STUB = solution("def double(x):\n    raise NotImplementedError()", "q1_double")
RIGHT = solution("def double(x):\n    return 2 * x", "q1_double")
VISIBLE = graded(
    "seven = 7.0\nassert double(math.floor(seven)) == 14, 'twice 7 is 14'", "q1_seven_visible", 2
)
HIDDEN = graded("# Hidden test: runs when graded.", "q1_other_hidden", 3)
WORDS = {
    "cell_type": "markdown",
    "metadata": {"nbgrader": {"grade_id": "q2_why", "grade": True, "solution": True, "points": 4}},
    "source": "Your answer",
}
RELEASED = [SETUP, STUB, VISIBLE, HIDDEN, WORDS]


def write(
    path: Path,
    cells: list[Cell],
    *,
    released: list[Cell] = RELEASED,
    names: tuple[str, ...] = ("double",),
    lost: bool = False,
) -> Path:
    """A student's notebook, made from a release."""
    found = parse(json.dumps({"cells": released}).encode()).cells
    authors = (
        replace(cell, points=nbgrader_metadata(raw).get("points", 0))
        for cell, raw in zip(found, released, strict=True)
    )
    description = Description("ps", tuple(authors), {"q1": names}, (), TimeLimits(1.0, 2.0, 20.0))
    notebook = {
        "cells": cells,
        "metadata": {} if lost else {KEY: description.as_metadata()},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


def command(*arguments: object, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "gradekit", *map(str, arguments)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=60, **more)


def test_a_right_notebook(tmp_path: Path) -> None:
    write(tmp_path / "ps.ipynb", [SETUP, RIGHT, VISIBLE, HIDDEN, WORDS])
    done = command("check", "ps.ipynb", cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "Running 1 visible test of ps.ipynb",
        "",
        "q1  passed  2 of 2  q1_seven_visible",
        "",
        "2 of 2 points on visible tests; 3 points in hidden tests,",
        "  run when graded; 4 points given by a person.",
    ]
    assert done.returncode == 0


def test_a_stub(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(write(tmp_path / "ps.ipynb", RELEASED)) == 1
    out = capsys.readouterr().out
    assert "q1  FAILED  0 of 2  q1_seven_visible\n    Not written yet:" in out
    assert "0 of 2 points on visible tests;" in out
    assert all(len(line) <= 60 for line in out.splitlines())
    assert "\x1b" not in out


def test_what_was_changed_deleted_or_doubled_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the original runs, as in grading."""
    easy = {**VISIBLE, "source": "pass"}
    path = write(tmp_path / "ps.ipynb", [RIGHT, STUB, code("1 / 0"), easy])
    assert check(path) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "Not written yet" in out
    assert "Note: q1_double appears more than once; the last one counts" in out
    assert "Note: setup was deleted; the original was run" in out
    assert "Note: q1_seven_visible was changed; the original was run" in out
    assert "stopped with an error: ZeroDivisionError: division by zero" in out


@pytest.mark.parametrize("cells_too", [False, True])
def test_without_the_assignments_description_nothing_is_claimed(
    cells_too: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [SETUP, RIGHT, VISIBLE, HIDDEN, WORDS]
    if cells_too:
        cells = [{**cell, "metadata": {}} for cell in cells]
    assert check(write(tmp_path / "ps.ipynb", cells, lost=True)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ps.ipynb: the notebook holds nothing of what an assignment")
    assert "copy your answers into a fresh copy of the assignment's notebook" in err
    assert err.count("\n") == 1


def test_cells_without_metadata_are_recognised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [{**cell, "metadata": {}} for cell in (SETUP, RIGHT, VISIBLE, HIDDEN, WORDS)]
    cells[-1]["source"] = "Because."
    assert check(write(tmp_path / "ps.ipynb", cells)) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Note: the cells have lost their metadata; these answers were recognised" in out
    assert "and where they stand: q1_double, q2_why" in out
    assert "2 of 2 points on visible tests; 3 points in hidden tests" in out


def test_another_file_name_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(write(tmp_path / "my work.ipynb", [SETUP, RIGHT, VISIBLE, HIDDEN, WORDS])) == 0
    assert "Note: found my work.ipynb, wanted ps.ipynb" in capsys.readouterr().out


def test_a_test_turned_into_text_still_runs(tmp_path: Path) -> None:
    cells = [SETUP, RIGHT, {**VISIBLE, "cell_type": "markdown"}]
    description, submission = read(write(tmp_path / "ps.ipynb", cells))
    assert [cell.grade_id for cell in description.visible_tests] == ["q1_seven_visible"]
    steps = to_steps(assemble(description.cells, submission), description)
    assert [step.role for step in steps][:3] == ["given", "student", "test"]


def test_torch_on_this_side_costs_a_call_no_time(tmp_path: Path) -> None:
    """Its random state goes with every call, and a call here has a second at most."""
    import torch

    seen = solution("import sys\nloaded = 'torch' in sys.modules\n" + RIGHT["source"], "q1_double")
    asks = {**VISIBLE, "source": "assert double(7) == 14 and loaded, 'torch is not loaded'"}
    path = write(
        tmp_path / "ps.ipynb",
        [SETUP, seen, asks],
        released=[SETUP, STUB, asks],
        names=("double", "loaded"),
    )
    record = run_visible_tests(*read(path))
    assert torch.__name__ in sys.modules
    assert {name: v.message for name, v in record.verdicts.items()} == {"q1_seven_visible": ""}


def test_random_numbers_start_where_the_graders_do() -> None:
    import torch

    torch.manual_seed(7)
    preload(["import math", "raise NotImplementedError"])
    assert torch.initial_seed() == 0


def test_torch_is_loaded_only_where_a_given_cell_loads_it(tmp_path: Path) -> None:
    (tmp_path / "course.py").write_text("def load():\n    import torch", encoding="utf-8")
    program = """if True:
        import sys
        from gradekit.preload import preload
        preload(["import math", "# torch"])
        assert "torch" not in sys.modules
        preload(["import course", "print('not shown')", "course.load()"])
        assert sys.modules["torch"].initial_seed() == 0
    """
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


PART = {"grade_id": "", "role": "given", "kind": "code", "points": 0, "source": ""}


@pytest.mark.parametrize(
    "spoilt",
    [
        {"cells": 3},
        {"names": {"q1": "double"}},
        {"cells": [None]},
        {"seconds": {"call": float("nan"), "cell": 1, "total": 1}},
        {"cells": [{**PART, "points": float("inf")}]},
        {"cells": [{**PART, "role": "judge"}]},
        {"cells": [{**PART, "kind": 1}]},
        {"assignment": None},
        {"seconds": {"call": True, "cell": 1, "total": 1}},
        {"hide": [1]},
    ],
)
def test_spoilt_metadata_counts_as_lost(tmp_path: Path, spoilt: dict[str, Any]) -> None:
    path = write(tmp_path / "ps.ipynb", RELEASED)
    assert read(path)[1].notes == ()
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["metadata"][KEY].update(spoilt)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    with pytest.raises(NotebookError, match=r"ps\.ipynb: the notebook holds nothing of what"):
        read(path)


def test_the_description_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "ps.ipynb", [SETUP, RIGHT, VISIBLE, HIDDEN, WORDS])
    description, _ = read(path)
    notebook = json.loads(path.read_text(encoding="utf-8"))
    data = notebook["metadata"].pop(KEY)
    data["cells"] = [
        {
            "name": cell["grade_id"],
            "kind": cell["role"],
            "code": cell["kind"] == "code",
            "points": cell["points"],
            "source": cell["source"],
        }
        for cell in data["cells"]
    ]
    notebook["metadata"]["replearn"] = data
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert read(path)[0] == description


BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b" \n", "the file is empty"),
    "no JSON": (b"{ not JSON", "not a notebook (it is not valid JSON)"),
    "no text": (b"\xff\xfe\x00", "not a notebook (it is not valid JSON)"),
    "deep": (b"[" * 200_000, "not a notebook (it is not valid JSON)"),
    "a list": (b"[]", "not a notebook of format 4 (it has no list of cells)"),
    "no cells": (b'{"cells": {}}', "not a notebook of format 4 (it has no list of cells)"),
    "odd cells": (b'{"cells": [1]}', "not a notebook of format 4 (it has no list of cells)"),
    "format 3": (b'{"worksheets": []}', "a notebook of format 3 or older, wanted format 4"),
    "odd text": (b'{"cells": [{"source": 3}]}', "cell 1 has no text"),
    "nothing": (b'{"cells": []}', "the notebook holds nothing of what an assignment"),
    "too large": (b" " * (reading.MAX_BYTES + 1), "larger than 20 MB"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_bad_files_get_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    content, sentence = BAD_FILES[kind]
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    assert check(path) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: x.ipynb: {sentence}")
    assert err.count("\n") == 1


def test_what_is_no_file_gets_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(tmp_path / "none.ipynb") == 2
    assert "there is no file" in capsys.readouterr().err
    assert check(tmp_path) == 2
    assert "is a folder; name the notebook in it" in capsys.readouterr().err
    assert check(Path("a\0b")) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_current_folder_that_is_gone(tmp_path: Path) -> None:
    path = write(tmp_path / "ps.ipynb", [SETUP, RIGHT, VISIBLE])
    gone = tmp_path / "gone"
    gone.mkdir()
    line = 'cd "$1" && rmdir "$1" && exec "$0" -m gradekit check "$2"'

    def said(notebook: object) -> tuple[int, str]:
        gone.mkdir(exist_ok=True)
        done = subprocess.run(
            ["sh", "-c", line, sys.executable, str(gone), str(notebook)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stderr

    assert said(path) == (0, "")
    status, error = said("ps.ipynb")
    assert status == 2
    assert error.startswith("error: there is no file ps.ipynb; ")


def test_a_wrong_command_line(tmp_path: Path) -> None:
    for arguments in ([], ["grade"], ["check"], ["check", "a", "b"]):
        done = command(*arguments, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1


def test_without_jupyter_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        local.importlib.util, "find_spec", lambda name: None if name == "IPython" else find(name)
    )
    assert check(write(tmp_path / "ps.ipynb", RELEASED)) == 2
    assert capsys.readouterr().err.startswith("error: Jupyter is not installed for this Python")


def test_the_library_and_the_command_line_need_no_jupyter(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['IPython'] = None; sys.modules['traitlets'] = None\n"
        "import replearn, gradekit.__main__, gradekit.report"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr == ""


def test_a_process_that_cannot_start_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "ps.ipynb", RELEASED)
    monkeypatch.setattr(local.sys, "executable", "/nonexistent/python")
    assert check(path) == 2
    assert "error: no process could be started for your cells (" in capsys.readouterr().err


def test_a_child_that_ends_at_once_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "IPython.py").write_text("raise ImportError('half installed')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    assert check(write(tmp_path / "ps.ipynb", RELEASED)) == 2
    error = capsys.readouterr().err
    assert "started for your cells (ImportError: half installed)" in error


def test_a_given_cell_that_fails_here_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {**SETUP, "source": "import no_such_module"}
    path = write(tmp_path / "ps.ipynb", [RIGHT], released=[broken, STUB, VISIBLE])
    assert check(path) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: the assignment's cell setup raised ModuleNotFoundError")
    spelt = {**SETUP, "source": "import math,\n"}
    path = write(tmp_path / "ps.ipynb", [RIGHT], released=[spelt, STUB, VISIBLE])
    assert check(path) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: the assignment's cell setup is no Python (line 1: ")


def test_files_beside_the_notebook_are_there_and_modules_shadow_nothing(tmp_path: Path) -> None:
    """As in grading, where they come last of all."""
    (tmp_path / "math.txt").write_text("2", encoding="utf-8")
    (tmp_path / "helper.py").write_text("two = 2", encoding="utf-8")
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')", encoding="utf-8")
    reads = solution("def double(x):\n    return int(open('math.txt').read()) * x", "q1_double")
    write(
        tmp_path / "ps.ipynb", [SETUP, reads, VISIBLE, code("import helper, json; json.dumps(1)")]
    )
    (tmp_path / "large.csv").write_bytes(b"0" * 5_000_001)
    (tmp_path / "link.csv").symlink_to("math.txt")
    done = command("check", "ps.ipynb", cwd=tmp_path)
    said = " ".join(done.stdout.split())
    assert "q1 passed" in said
    assert "Error" not in said
    assert "Note: json.py has the name of a module that was there before" in said
    assert "Note: large.csv beside the notebook was left out: larger than 5 MB" in said
    assert "Note: link.csv beside the notebook was left out: link.csv is a link" in said


def test_what_the_code_writes_is_not_left_beside_the_notebook(tmp_path: Path) -> None:
    """Nor anywhere else: in grading the working folder is gone too."""
    (tmp_path / "temporary").mkdir()
    writes = "import os\nopen('made.txt', 'w').close()\nopen('kept.txt', 'a').write('x')"
    (tmp_path / "kept.txt").write_text("mine", encoding="utf-8")
    write(tmp_path / "ps.ipynb", [SETUP, RIGHT, VISIBLE, code(writes)])
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    done = command("check", "ps.ipynb", cwd=tmp_path, env=environment)
    assert "PermissionError" in done.stdout or os.geteuid() == 0
    assert (tmp_path / "kept.txt").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "made.txt").exists()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_strange_letters_do_not_end_the_report(tmp_path: Path) -> None:
    text = "def double(x):\n    raise ValueError('\\u03bb \\x1b[31m red \\n second')"
    write(tmp_path / "ps.ipynb", [SETUP, solution(text, "q1_double"), VISIBLE])
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = command("check", "ps.ipynb", cwd=tmp_path, env=environment)
    assert done.returncode == 1
    assert "ValueError: ? ?[31m red" in done.stdout
    assert "\x1b" not in done.stdout


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="asks /proc who is alive")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_stopping_leaves_nothing_behind(tmp_path: Path, ending: signal.Signals) -> None:
    """Ctrl-C, and also a closed window: neither the student's process nor what that started."""
    endless = f"""
    import os, subprocess, sys
    pids = {str(tmp_path / "pids")!r}
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    with open(pids + "half", "w") as file:
        file.write(" ".join([str(os.getpid()), str(other.pid), os.getcwd()]))
    os.rename(pids + "half", pids)
    while True:
        pass
    """
    write(tmp_path / "ps.ipynb", [SETUP, code(textwrap.dedent(endless)), RIGHT, VISIBLE])
    path = tmp_path / "ps.ipynb"
    text = path.read_text(encoding="utf-8")
    for short, long in (('"cell": 2.0', '"cell": 60'), ('"total": 20.0', '"total": 60')):
        assert short in text  # a busy machine must not end it before we do
        text = text.replace(short, long)
    path.write_text(text, encoding="utf-8")
    line = [sys.executable, "-m", "gradekit", "check", "ps.ipynb"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(line, cwd=tmp_path, text=True, **pipes) as process:
        deadline = time.monotonic() + 30
        while not (tmp_path / "pids").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        *numbers, folder = (tmp_path / "pids").read_text().split()
        pids = [int(number) for number in numbers]
        assert all(map(alive, pids))
        process.send_signal(ending)
        _, error = process.communicate(timeout=20)
    if ending == signal.SIGINT:
        assert (process.returncode, error) == (130, "stopped\n")
    deadline = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, pids))
    assert not Path(folder).exists()


def test_a_stranger_on_the_port_is_not_taken_for_the_child() -> None:
    """Only who knows the token is listened to."""
    import socket

    from gradekit.protocol import framing

    def knows(said: bytes) -> bool:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            framing.send(theirs, said, deadline=None)
            child = local._Child.__new__(local._Child)
            child._token = "right"
            return child._knows_token(ours)

    assert knows(b"right")
    assert not knows(b"wrong")
    assert not knows(b"right and more")


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe breaks another way there")
def test_a_reader_that_has_enough_ends_the_report_quietly(tmp_path: Path) -> None:
    path = write(tmp_path / "ps.ipynb", [SETUP, RIGHT, VISIBLE])
    line = [sys.executable, "-m", "gradekit", "check", str(path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(timeout=60) != 0
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "status"), [(["check", "nowhere.ipynb"], 2), (["check"], 2), (["--help"], 0)]
)
def test_the_command_in_this_process(
    arguments: list[str], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*local.SETTINGS, "MPLBACKEND"):  # main() sets them for good
        monkeypatch.setenv(name, os.environ.get(name, ""))
    try:
        found: object = main(arguments)
    except SystemExit as stop:  # how argparse ends
        found = stop.code
    assert found == status
