"""The one way from a notebook's bytes to the cells that are run.

``reading`` makes cells of JSON, ``cells`` says what each is for, ``description`` what the
assignment asks for, ``submission`` takes a student's texts and puts the notebook together,
``recognition`` finds answers whose metadata are lost, ``order`` what stands in the authors' order,
``versions`` knows what students were given earlier, ``prose`` finds words for people in code,
``regular`` reads files that strangers made, ``beside`` those beside the notebook that go with it,
``file`` a notebook of the student's own.
The grader and the local check share all of it but ``file``, so they say the same.
"""

from gradekit.notebook.beside import with_files
from gradekit.notebook.cells import (
    Cell,
    Kind,
    Role,
    grade_id_of,
    lines_of,
    nbgrader_metadata,
    question_of,
    role_of,
)
from gradekit.notebook.description import KEY, Description, TimeLimits, find_description
from gradekit.notebook.reading import Notebook, NotebookError, parse
from gradekit.notebook.regular import read_file
from gradekit.notebook.submission import (
    Extra,
    Step,
    Submission,
    assemble,
    file_name_notes,
    shown_names,
    take,
    to_steps,
)
from gradekit.notebook.versions import Versions

__all__ = [
    "KEY",
    "Cell",
    "Description",
    "Extra",
    "Kind",
    "Notebook",
    "NotebookError",
    "Role",
    "Step",
    "Submission",
    "TimeLimits",
    "Versions",
    "assemble",
    "file_name_notes",
    "find_description",
    "grade_id_of",
    "lines_of",
    "nbgrader_metadata",
    "parse",
    "question_of",
    "read_file",
    "role_of",
    "shown_names",
    "take",
    "to_steps",
    "with_files",
]
