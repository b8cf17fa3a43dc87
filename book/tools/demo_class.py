"""Grade the demo class where this machine can grade, and say where everything of the course is.

The last step of `make course`: without a sandbox it leaves out the class, says why, and ends well.
One assignment shows it all; `make grade` grades every one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from autograder.__main__ import main as autograder
from autograder.errors import CourseError
from autograder.execution.probe import require_sandbox

BUILT = Path("_build")  # the make file runs everything in the repository's root
ASSIGNMENT = "ps1_pca"
STEPS = ("demo", "grade", "feedback", "export")


def main() -> int:
    """Exit status of the step that failed; 0 also when this machine can't grade."""
    try:
        require_sandbox()
    except CourseError as error:
        left_out = f"the demo class with its grades and feedback, because {error}"
    else:
        left_out = ""
        for step in STEPS:
            if status := autograder([step, "--assignments", ASSIGNMENT]):
                return status
    lines = {"book": "html/index.html", "release": "course/release"}
    if not left_out:
        lines |= {"grades": "course/grades.csv", "feedback": "course/feedback/index.html"}
    print()
    for name, place in lines.items():
        print(f"{name + ':':10} {(BUILT / place).resolve()}")
    if left_out:
        print(f"left out:  {left_out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
