"""What nbgrader must not do in our course folders: each of these says why, and does nothing.

nbgrader makes an exporter before it touches any file, and the setting ``exporter_class`` says
which. So one that can't be made stops a command, or a button of Formgrader, before it has removed
what lay there.
"""

from __future__ import annotations

from typing import Any, NoReturn

from nbconvert.exporters import Exporter
from nbgrader.converters.base import NbGraderException
from nbgrader.exchange.abc import ExchangeReleaseFeedback
from nbgrader.exchange.abc.exchange import ExchangeError


def _because(what: str, reason: str, instead: str) -> str:
    return (  # in lines, as Formgrader's window breaks none
        f"nbgrader's {what} is switched off in this course,\nbecause {reason}.\n"
        f"Use `python -m autograder {instead}`, or see the instructor's guide."
    )


class _SwitchedOff(Exporter):
    """An exporter that says why there is none."""

    why = ""

    def __init__(self, *, parent: Any, **_: Any) -> None:
        parent.log.error(self.why)
        raise NbGraderException(self.why)


class NoAutograde(_SwitchedOff):
    """In place of ``nbgrader autograde``."""

    why = _because("autograde", "it runs students' code with all that you may do", "grade")


class NoGenerateAssignment(_SwitchedOff):
    """In place of ``nbgrader generate_assignment``."""

    why = _because("generate_assignment", "it looks for no leaks", "release")


class NoGenerateFeedback(_SwitchedOff):
    """In place of ``nbgrader generate_feedback``."""

    why = _because("generate_feedback", "its pages show hidden tests to students", "feedback")


class NoReleaseFeedback(ExchangeReleaseFeedback):
    """In place of ``nbgrader release_feedback``."""

    why = _because("release_feedback", "nbgrader's pages show hidden tests", "feedback")

    def start(self) -> NoReturn:
        """Say why nothing is released."""
        self.log.error(self.why)
        raise ExchangeError(self.why)
