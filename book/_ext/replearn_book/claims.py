"""Find the book's claims and their tests by reading the sources.

A claim is a `{prf:...}` directive of a kind that asserts something. Its test is a function in
`tests/claims/test_*.py` decorated with `@pytest.mark.claim("label")`.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.front_matter import front_matter_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from markdown_it.token import Token

# Kinds that state how things are named or done, or merely illustrate, have nothing to test.
UNTESTED = frozenset(
    {"algorithm", "assumption", "axiom", "conjecture", "definition", "example", "notation"}
    | {"remark", "proof"}
)
COVERAGE_TEST = "test_coverage_of_claims.py"


@dataclass(frozen=True)
class Statement:
    """One claim of a chapter."""

    label: str  # empty when the author gave none
    kind: str
    title: str
    path: Path
    line: int
    proved: bool

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class ClaimTest:
    """One test function of tests/claims."""

    name: str
    labels: tuple[str, ...]
    source: str
    path: Path
    line: int

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True)
class _Event:
    """A heading, a claim or a proof, in the order of the page."""

    kind: str
    level: int = 0
    label: str = ""
    title: str = ""
    line: int = 0


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").use(front_matter_plugin).use(colon_fence_plugin)


def _split_options(content: str) -> tuple[dict[str, str], str]:
    """Options of a directive (`:key: value` lines or a YAML block) and its body."""
    lines = content.splitlines()
    while lines and not lines[0].strip():
        lines.pop(0)
    if lines and lines[0].strip() == "---":
        end = next((i for i, text in enumerate(lines[1:], 1) if text.strip() == "---"), len(lines))
        options = yaml.safe_load("\n".join(lines[1:end])) or {}
        return {k: str(v) for k, v in options.items()}, "\n".join(lines[end + 1 :])
    options = {}
    while lines and (match := re.match(r"^\s*:([\w-]+):\s*(.*)$", lines[0])):
        options[match[1]] = match[2].strip()
        lines.pop(0)
    return options, "\n".join(lines)


def _events(text: str, first_line: int = 1) -> Iterator[_Event]:
    tokens: list[Token] = _parser().parse(text)
    for token in tokens:
        line = first_line + (token.map[0] if token.map else 0)
        if token.type == "heading_open":
            yield _Event("heading", level=int(token.tag[1]), line=line)
        if token.type not in ("fence", "colon_fence"):
            continue
        match = re.match(r"^\{([\w:+.-]+)\}\s*(.*)$", token.info.strip())
        if match is None:
            continue
        name, argument = match[1], match[2].strip()
        options, body = _split_options(token.content)
        if name.startswith("prf:"):
            yield _Event(name[4:], label=options.get("label", ""), title=argument, line=line)
        elif not name.startswith(("code", "eval-rst", "math")):
            # Admonitions, dropdowns and grids may hold claims; lines inside are counted roughly.
            yield from _events(body, line + 1)


def scan_page(path: Path) -> list[Statement]:
    """The claims of one page, in order.

    A claim counts as proved when a `{prf:proof}` follows before the next claim and before a
    heading that ends the claim's section.
    """
    events = list(_events(path.read_text(encoding="utf-8")))
    statements = []
    level = 0
    for index, event in enumerate(events):
        if event.kind == "heading":
            level = event.level
            continue
        if event.kind in UNTESTED:
            continue
        proved = False
        for later in events[index + 1 :]:
            if later.kind == "proof":
                proved = True
                break
            if later.kind == "heading" and later.level > level:
                continue
            if later.kind == "heading" or later.kind not in UNTESTED:
                break
        statements.append(Statement(event.label, event.kind, event.title, path, event.line, proved))
    return statements


def _first_line(function: ast.FunctionDef) -> int:
    return min([function.lineno, *(call.lineno for call in function.decorator_list)])


def _asserts(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Assert) for node in ast.walk(function))


def _with_properties(test: ast.FunctionDef, module: ast.Module) -> list[ast.FunctionDef]:
    """The test, after those functions of its file that it calls and that assert something."""
    called = {
        node.func.id
        for node in ast.walk(test)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    properties = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name in called and _asserts(node)
    ]
    return [*properties, test]


def scan_tests(folder: Path) -> list[ClaimTest]:
    """The test functions of `folder`, in the order of files and lines."""
    found = []
    for path in sorted(folder.glob("test_*.py")):
        if path.name == COVERAGE_TEST:
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        module = ast.parse(text, filename=str(path))
        for node in ast.walk(module):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test"):
                continue
            labels = tuple(
                call.args[0].value
                for call in node.decorator_list
                if isinstance(call, ast.Call)
                and ast.unparse(call.func) in ("pytest.mark.claim", "mark.claim", "claim")
                and call.args
                and isinstance(call.args[0], ast.Constant)
                and isinstance(call.args[0].value, str)
            )
            parts = _with_properties(node, module)
            source = "\n\n\n".join(
                "\n".join(lines[_first_line(part) - 1 : part.end_lineno]) for part in parts
            )
            found.append(ClaimTest(node.name, labels, source, path, _first_line(node)))
    return found


@dataclass(frozen=True)
class Claims:
    """All claims of a tree and all their tests."""

    statements: list[Statement]
    tests: list[ClaimTest]

    @classmethod
    def of(cls, root: Path) -> Claims:
        """Read `root`/lectures and `root`/tests/claims."""
        pages = sorted((root / "lectures").glob("*.md"))
        statements = [statement for page in pages for statement in scan_page(page)]
        return cls(statements, scan_tests(root / "tests" / "claims"))

    def tests_of(self, label: str) -> list[ClaimTest]:
        return [test for test in self.tests if label in test.labels]

    def problems(self) -> list[str]:
        """One sentence for each claim or test that breaks the book's rules."""
        out = []
        seen: dict[str, Statement] = {}
        for claim in self.statements:
            what = f"{claim.where}: {claim.kind} {claim.label or claim.title}"
            if not claim.label:
                out.append(f"{what} has no :label:")
                continue
            if claim.label in seen:
                out.append(f"{what} has the label of {seen[claim.label].where}")
            seen[claim.label] = claim
            if not claim.proved:
                out.append(f"{what} is not followed by a {{prf:proof}}")
            if not self.tests_of(claim.label):
                out.append(f"{what} has no test marked @pytest.mark.claim({claim.label!r})")
        for test in self.tests:
            what = f"{test.where}: {test.name}"
            if len(test.labels) != 1:
                out.append(f"{what} must name one label with @pytest.mark.claim, not {test.labels}")
            out.extend(
                f"{what} tests {label!r}, which no page states"
                for label in test.labels
                if label not in seen
            )
        return out
