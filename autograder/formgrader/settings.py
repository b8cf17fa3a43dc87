"""A course's settings for nbgrader: ours in one file, the instructor's in another.

nbgrader and Formgrader read ``nbgrader_config.py``, which is the instructor's: it is written once,
when there is none, and from then on only read. It loads ``nbgrader_generated.py``, which is ours
and written at each release. As the settings may be any Python, they are read as nbgrader does it:
traitlets runs them.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from traitlets.config import Application, Config

from autograder.errors import CourseError
from autograder.results import write_atomically
from gradekit.text import one_line

USER = "nbgrader_config.py"
GENERATED = "nbgrader_generated.py"
_LOAD = f'load_subconfig("{GENERATED}")'

_USER_TEXT = f'''"""Your settings for nbgrader and Formgrader; the grader only reads them."""

{_LOAD}  # what the autograder needs: leave it here, first

# Your own settings follow, such as:
# c.NbGraderAPI.timezone = "Europe/Berlin"
'''

_GENERATED_TEXT = f'''"""Written by `python -m autograder release`: do not edit.

Your own settings go into {USER}, which loads this file.
"""

from importlib.util import find_spec
from pathlib import Path

c.Autograder.loaded = True

# Where the grader keeps things. It refuses a course whose settings say otherwise.
_course = Path(__file__).resolve().parent
c.CourseDirectory.root = str(_course)
c.CourseDirectory.db_url = f"sqlite:///{{_course / 'gradebook.db'}}"
c.CourseDirectory.directory_structure = "{{nbgrader_step}}/{{student_id}}/{{assignment_id}}"
c.CourseDirectory.source_directory = "source"
c.CourseDirectory.release_directory = "release"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "autograded"
c.CourseDirectory.feedback_directory = "feedback"

# What nbgrader does with less care. The instructor's guide says how to have it back.
_off = "autograder.formgrader.switched_off"
c.Autograde.exporter_class = f"{{_off}}.NoAutograde"
c.GenerateAssignment.exporter_class = f"{{_off}}.NoGenerateAssignment"
c.GenerateFeedback.exporter_class = f"{{_off}}.NoGenerateFeedback"
c.ExchangeFactory.release_feedback = f"{{_off}}.NoReleaseFeedback"
c.Execute.timeout = 60

# Formgrader would show settings, passwords among them, and fetch MathJax from the network.
c.FormgradeExtension.debug = False
c.HTMLExporter.exclude_anchor_links = True
_ours, _theirs = find_spec("autograder"), find_spec("nbgrader")
if _ours and _theirs:
    c.HTMLExporter.filters = {{"mathjax": "autograder.formgrader.mathjax.scripts"}}
    c.HTMLExporter.extra_template_basedirs = [
        str(Path(_ours.origin).parent / "formgrader" / "templates"),
        str(Path(_theirs.origin).parent / "server_extensions" / "formgrader" / "templates"),
    ]
'''

# Texts of nbgrader_config.py that earlier versions wrote, and wrote over at each release.
_EARLIER = {"91dd7f315d31919a330458753e48ce6d0fbf7bfae6c1535f4ac3461ec4dc59d5"}

# What of nbgrader's CourseDirectory the grader shares with Formgrader.
_LAYOUT = {
    "directory_structure": "{nbgrader_step}/{student_id}/{assignment_id}",
    **{
        f"{step}_directory": step
        for step in ("source", "release", "submitted", "autograded", "feedback")
    },
}
_SHOWN_CHARS = 200


def write_settings(course: Path) -> str:
    """Write our settings, and the instructor's where there are none or only ours of before.

    Returns
    -------
    str
        What the instructor has to do, as a sentence; empty: nothing.

    Raises
    ------
    CourseError
        If the instructor's settings can't be read, or name another gradebook or folder.
    """
    write_atomically(course / GENERATED, _GENERATED_TEXT)
    user = course / USER
    if not user.is_symlink() and (not user.exists() or _digest(user) in _EARLIER):
        write_atomically(user, _USER_TEXT)
    config = _read(course)
    _require_our_layout(course, config)
    if config["Autograder"].get("loaded"):
        return ""
    return (
        f"{user} is yours and was left as it is; please add the line {_LOAD} at its top, "
        "or Formgrader works without the grader's settings"
    )


def require_our_layout(course: Path) -> None:
    """CourseError when nbgrader and Formgrader would work on another gradebook or folder than we.

    Parameters
    ----------
    course
        The course folder; one without settings passes.
    """
    _require_our_layout(course, _read(course))


def _require_our_layout(course: Path, config: Config) -> None:
    # Names of old versions of nbgrader, which it takes for the others, stand under NbGrader.
    set_by = {**config.get("CourseDirectory", {}), **config.get("NbGrader", {})}
    gradebook = course.resolve() / "gradebook.db"
    root = set_by.get("course_directory", set_by.get("root", "."))
    wanted = {**_LAYOUT, "db_url": f"sqlite:///{gradebook}", "root": str(course.resolve())}
    found = {name: str(set_by.get(name, value)) for name, value in wanted.items()}
    found["root"] = str((course.resolve() / str(root)).resolve())
    if _sqlite_file(found["db_url"], course) == gradebook:
        found["db_url"] = wanted["db_url"]
    for name, value in wanted.items():
        if found[name] != value:
            raise CourseError(
                f"{course / USER} sets c.CourseDirectory.{name} to {_shown(found[name])}, wanted "
                f"{value}: Formgrader would work on one course and the grader on another, so take "
                "that setting out"
            )


def _sqlite_file(url: str, course: Path) -> Path | None:
    """The file that an address of SQLite's names, None for another database."""
    scheme, _, rest = url.partition(":///")
    if scheme not in ("sqlite", "sqlite+pysqlite"):
        return None
    return (course.resolve() / rest.partition("?")[0]).resolve()


def _shown(value: str) -> str:
    """A setting without a password that an address holds."""
    return one_line(re.sub(r"//.*@", "//...@", value), _SHOWN_CHARS)


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


class _Reader(Application):
    """Reads settings as nbgrader does, but says so when that fails."""

    name = "nbgrader"
    raise_config_file_errors = True


def _read(course: Path) -> Config:
    # Older settings ask traitlets for the application that is running, so one has to be.
    running = Application.initialized()
    reader = _Reader() if running else _Reader.instance()
    try:
        reader.load_config_file(USER, path=str(course.resolve()))
    except (Exception, SystemExit) as error:
        what = one_line(f"{type(error).__name__}: {error}", _SHOWN_CHARS)
        raise CourseError(
            f"{course / USER} can't be read: {what}; mend it, nbgrader would ignore all of it"
        ) from error
    finally:
        if not running:
            _Reader.clear_instance()
    return Config(reader.config)
