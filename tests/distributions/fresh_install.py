"""Install the students' zip files into fresh environments and run an assignment there.

It downloads packages and takes minutes, so it is no part of the suite::

    python -m tests.distributions.fresh_install [--python python3.12 ...] [--only gradekit]

Versions are those of requirements.txt. Exit status 0 if every environment works.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.assignments.demo import fill_in
from autograder.assignments.release import release
from autograder.assignments.source import Assignment, load_assignment
from autograder.assignments.student_zip import KIT, LIBRARY, StudentZip, pack
from autograder.course import Course

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "autograder" / "fixtures" / "ps0_tiny"
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
    parser.add_argument("--only", choices=[wanted.name for wanted in CASES])
    options = parser.parse_args()
    failures = 0
    for wanted, home in CASES.items():
        if options.only in (None, wanted.name):
            for python in options.python:
                with tempfile.TemporaryDirectory() as folder:
                    works = _try(Path(folder), wanted, load_assignment(home), python)
                print(f"{wanted.file} with {python}: {'works' if works else 'FAILED'}", flush=True)
                failures += not works
    return 1 if failures else 0


def _try(folder: Path, wanted: StudentZip, assignment: Assignment, python: str) -> bool:
    course = Course(folder)
    release(course, assignment)
    (path,) = pack(course, [assignment])
    assert path.name == wanted.file
    notebook = folder / f"{assignment.name}.ipynb"
    released = json.loads(course.notebook("release", assignment.name).read_text(encoding="utf-8"))
    notebook.write_text(fill_in(released, assignment.answers), encoding="utf-8")
    environment = folder / "environment"
    programs = environment / ("Scripts" if sys.platform == "win32" else "bin")
    steps: tuple[tuple[str | Path, ...], ...] = (
        (python, "-m", "venv", environment),
        (programs / "pip", "install", "-q", "-c", ROOT / "requirements.txt", path),
        (programs / "pip", "check"),
        (programs / "python", "-c", IMPORTS[wanted]),
        (programs / "python", "-m", "gradekit", "check", notebook),
        (programs / "gradekit", "check", notebook),
    )
    return all(_run(step, folder) for step in steps)


def _run(step: tuple[str | Path, ...], folder: Path) -> bool:
    # The sources must not be found where the zip was not installed.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(step, cwd=folder, capture_output=True, text=True, env=environment)
    if done.returncode:
        print(f"{' '.join(map(str, step))} ended with {done.returncode}", file=sys.stderr)
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
