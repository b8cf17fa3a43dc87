"""Install the students' zip files into fresh environments and run what they are for there.

With each zip file an assignment; and of the built book the notebooks that its pages offer, whose
first cell installs the library. It downloads packages and takes minutes, with all chapters half an
hour, so it is no part of the suite::

    python -m tests.distributions.fresh_install [--python python3.12 ...] [--only gradekit]
    python -m tests.distributions.fresh_install --only chapters --chapters 03_pca

Versions are those of requirements.txt. Exit status 0 if every environment works.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.assignments.demo import fill_in
from autograder.assignments.release import release
from autograder.assignments.source import Assignment, load_assignment
from autograder.assignments.student_zip import KIT, LIBRARY, StudentZip, pack
from autograder.course import Course

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "autograder" / "fixtures" / "ps0_tiny"
BOOK = ROOT / "_build" / "html"
CHAPTERS = "chapters"
CASES = {LIBRARY: ROOT / "solutions" / "ps1_pca", KIT: TINY}

IMPORTS = {
    LIBRARY: "import replearn; print(replearn.__version__, replearn.sparse.ista.__name__)",
    KIT: "import gradekit.checks; from importlib.util import find_spec; "
    "raise SystemExit(find_spec('torch') is not None or find_spec('replearn') is not None)",
}


def main() -> int:
    """Try every Python with every zip file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--python", nargs="+", default=[sys.executable], metavar="PROGRAM")
    parser.add_argument("--only", choices=[*(w.name for w in CASES), CHAPTERS])
    parser.add_argument("--chapters", nargs="+", default=[], metavar="NAME")
    options = parser.parse_args()
    failures = 0
    for wanted, home in CASES.items():
        if options.only in (None, wanted.name):
            for python in options.python:
                with tempfile.TemporaryDirectory() as folder:
                    works = _try(Path(folder), wanted, load_assignment(home), python)
                print(f"{wanted.file} with {python}: {'works' if works else 'FAILED'}", flush=True)
                failures += not works
    if options.only in (None, CHAPTERS):
        offered = sorted((BOOK / "_sources" / "lectures").glob("*.ipynb"))
        notebooks = [
            path for path in offered if not options.chapters or path.stem in options.chapters
        ]
        if not notebooks:
            print("error: the book has no notebooks; build it with `make book`", file=sys.stderr)
            return 2
        for python in options.python:
            with tempfile.TemporaryDirectory() as folder:
                for name, works in _try_chapters(Path(folder), notebooks, python):
                    print(f"{name} with {python}: {'works' if works else 'FAILED'}", flush=True)
                    failures += not works
    return 1 if failures else 0


def _try_chapters(
    folder: Path, notebooks: Sequence[Path], python: str
) -> Iterator[tuple[str, bool]]:
    """Run notebooks, one after the other, where at first only Jupyter is installed."""
    programs = _environment(folder, python)
    install = (programs / "pip", "install", "-q", "nbconvert", "ipykernel")
    yield "Jupyter", _run(install, folder)
    shutil.copy(BOOK / "_downloads" / LIBRARY.file, folder)
    for notebook in notebooks:
        shutil.copy(notebook, folder)
        step = (programs / "jupyter", "nbconvert", "--to", "html", "--execute", notebook.name)
        yield notebook.name, _run(step, folder)


def _environment(folder: Path, python: str) -> Path:
    """Make a new environment; the folder of its programs."""
    environment = folder / "environment"
    if not _run((python, "-m", "venv", environment), folder):
        raise SystemExit(f"{python} makes no environment")
    return environment / ("Scripts" if sys.platform == "win32" else "bin")


def _try(folder: Path, wanted: StudentZip, assignment: Assignment, python: str) -> bool:
    course = Course(folder)
    release(course, assignment)
    (path,) = pack(course, [assignment])
    assert path.name == wanted.file
    notebook = folder / f"{assignment.name}.ipynb"
    released = json.loads(course.notebook("release", assignment.name).read_text(encoding="utf-8"))
    notebook.write_text(fill_in(released, assignment.answers), encoding="utf-8")
    programs = _environment(folder, python)
    steps: tuple[tuple[str | Path, ...], ...] = (
        (programs / "pip", "install", "-q", path),
        (programs / "pip", "check"),
        (programs / "python", "-c", IMPORTS[wanted]),
        (programs / "python", "-m", "gradekit", "check", notebook),
        (programs / "gradekit", "check", notebook),
    )
    return all(_run(step, folder) for step in steps)


def _run(step: tuple[str | Path, ...], folder: Path) -> bool:
    # The sources must not be found where the zip was not installed, nor data of this machine.
    left_out = ("PYTHONPATH", "REPLEARN_DATA")
    environment = {name: text for name, text in os.environ.items() if name not in left_out}
    environment |= {
        "PIP_CONSTRAINT": str(ROOT / "requirements.txt"),
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    done = subprocess.run(step, cwd=folder, capture_output=True, text=True, env=environment)
    if done.returncode:
        print(f"{' '.join(map(str, step))} ended with {done.returncode}", file=sys.stderr)
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
