"""Configuration for stock nbgrader; `release` of the autograder copies it into the course folder.

There nbgrader's own commands (`nbgrader autograde ps1_pca --course-dir _build/course`) and
JupyterLab's Formgrader find it. Beware of `nbgrader autograde`: it runs students' code as you, with
the hidden tests in the same process, and one submission can change other students' marks.
"""

from pathlib import Path

from traitlets.config import get_config

c = get_config()

_course = Path(__file__).resolve().parent
c.CourseDirectory.root = str(_course)
c.CourseDirectory.db_url = f"sqlite:///{_course / 'gradebook.db'}"
c.Execute.timeout = 60
