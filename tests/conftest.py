"""What all tests share: the root, its tools as modules, and a count of what was skipped."""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

# A shell that starts a command in the background has it, and its children, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
# The book's extension is no installed package; Sphinx finds it through _config.yml, tests here.
sys.path.insert(0, str(ROOT / "book" / "_ext"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes start first, so that no worker sits alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def skips_by_reason(reports: Sequence[pytest.TestReport]) -> list[str]:
    """One line that counts the skipped tests, and one for each reason, the most frequent first."""
    reasons: Counter[str] = Counter()
    for report in reports:
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[text.removeprefix("Skipped: ")] += 1
    total = sum(reasons.values())
    lines = [f"{count:5}  {reason}" for reason, count in reasons.most_common()]
    return [f"skipped: {total} {'test' if total == 1 else 'tests'}", *lines]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """At the very end, after the coverage and the slowest tests: what was skipped, and why."""
    terminalreporter.section("skipped")
    for line in skips_by_reason(terminalreporter.stats.get("skipped", [])):
        terminalreporter.line(line)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def tool():
    """Load a script of book/tools as a module, by its name."""

    def load(name: str) -> ModuleType:
        path = ROOT / "book" / "tools" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"book_tools_{name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return load
