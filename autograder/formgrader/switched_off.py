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

_HOW = "the instructor's guide says how to have it back"


class _SwitchedOff(Exporter):
    """An exporter that says why there is none."""

    reason = ""

    def __init__(self, *, parent: Any, **_: Any) -> None:
        parent.log.error(self.reason)
        raise NbGraderException(self.reason)


class NoAutograde(_SwitchedOff):
    """In place of ``nbgrader autograde``."""

    reason = (
        "nbgrader's autograde is switched off in this course, because it runs students' code "
        f"with all that you may do: use `python -m autograder grade`; {_HOW}"
    )


class NoGenerateAssignment(_SwitchedOff):
    """In place of ``nbgrader generate_assignment``."""

    reason = (
        "nbgrader's generate_assignment is switched off in this course, because it looks for no "
        f"leaks: use `python -m autograder release`; {_HOW}"
    )


class NoGenerateFeedback(_SwitchedOff):
    """In place of ``nbgrader generate_feedback``."""

    reason = (
        "nbgrader's generate_feedback is switched off in this course, because it shows hidden "
        f"tests to students: use `python -m autograder feedback`; {_HOW}"
    )


class NoReleaseFeedback(ExchangeReleaseFeedback):
    """In place of ``nbgrader release_feedback``."""

    def start(self) -> NoReturn:
        """Say why nothing is released."""
        self.fail(
            "nbgrader's release_feedback is switched off in this course, because it gives out "
            "nbgrader's own pages: hand out those of `python -m autograder feedback`; " + _HOW
        )
        raise AssertionError("fail raises")
