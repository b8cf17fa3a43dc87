"""What can go wrong that is not a student's doing."""


class CourseError(Exception):
    """One clear sentence; the command line prints it as ``error: ...`` and exits with status 2."""


class EngineError(Exception):
    """The infrastructure failed (no process, engine stopped): says nothing about the submission."""
