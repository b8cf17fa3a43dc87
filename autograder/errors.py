"""The one exception for what a user of the command line can get wrong."""


class CourseError(Exception):
    """One clear sentence; the command line prints it as ``error: ...`` and exits with status 2."""
