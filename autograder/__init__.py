"""Autograder of the course: release, grade, feedback, export (``python -m autograder --help``).

At the edges everything is nbgrader (source format, course folder, gradebook, formgrader); the
engine that runs a submission is our own and sits behind
:class:`autograder.execution.engine.Engine`.
"""
