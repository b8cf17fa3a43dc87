"""`make course` ends well without a sandbox, and says what it left out; `make grade` does not."""

from __future__ import annotations

import pytest

from autograder.errors import CourseError

REASON = "the sandbox needs Linux, and this is darwin"


@pytest.fixture
def demo_class(tool, monkeypatch):
    """The script, with commands that only note that they were run; a step in ``fails`` fails."""
    script = tool("demo_class")
    script.steps, script.fails = [], {}

    def run(arguments):
        step, *rest = arguments
        assert rest == ["--assignments", "ps1_pca"]
        script.steps.append(step)
        return script.fails.get(arguments[0], 0)

    monkeypatch.setattr(script, "autograder", run)
    monkeypatch.setattr(script, "require_sandbox", lambda: "/usr/bin/bwrap")
    return script


def test_with_a_sandbox_the_class_is_graded(demo_class, capsys):
    assert demo_class.main() == 0
    assert demo_class.steps == ["demo", "grade", "feedback", "export"]
    out = capsys.readouterr().out
    assert [line.split(":")[0] for line in out.split("\n") if line] == [
        "book",
        "release",
        "grades",
        "feedback",
    ]


def test_without_one_it_is_left_out_and_said_why(demo_class, monkeypatch, capsys):
    def refuse():
        raise CourseError(REASON)

    monkeypatch.setattr(demo_class, "require_sandbox", refuse)
    assert demo_class.main() == 0
    assert demo_class.steps == []
    out = capsys.readouterr().out
    assert [line.split(":")[0] for line in out.split("\n") if line] == [
        "book",
        "release",
        "left out",
    ]
    assert out.endswith(f"grades and feedback, because {REASON}\n")


def test_a_step_that_fails_is_no_missing_sandbox(demo_class, capsys):
    demo_class.fails["grade"] = 1
    assert demo_class.main() == 1
    assert demo_class.steps == ["demo", "grade"]
    assert "left out" not in capsys.readouterr().out


def test_a_fault_of_the_trial_is_not_hidden(demo_class, monkeypatch):
    def fail():
        raise ValueError("a bug")

    monkeypatch.setattr(demo_class, "require_sandbox", fail)
    with pytest.raises(ValueError, match="a bug"):
        demo_class.main()
