"""Claims and tests on the pages: "Tested by ..." under a claim, and the page of all tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.addnodes import pending_xref
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx_proof.nodes import proof_node

from replearn_book.claims import UNTESTED, Claims, ClaimTest
from replearn_book.search import UNSEARCHED

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)


def anchor(test: ClaimTest) -> str:
    """Reference target of a test on the page of all tests."""
    return f"claim-{test.name}".lower().replace("_", "-")


def _read_sources(app: Sphinx) -> None:
    claims = Claims.of(Path(app.srcdir))
    app.env.replearn_claims = claims  # type: ignore[attr-defined]
    for problem in claims.problems():
        logger.warning(problem, type="replearn", subtype="claims")


def _link_tests(app: Sphinx, document: nodes.document) -> None:
    claims: Claims = app.env.replearn_claims  # type: ignore[attr-defined]
    for node in document.findall(nodes.Admonition):
        if not isinstance(node, nodes.Element) or node.get("realtype", "proof") in UNTESTED:
            continue
        tests = claims.tests_of(node["label"])
        if not tests:
            continue  # already warned about
        line = nodes.paragraph(classes=["tested-by"])
        line += nodes.Text("Tested by ")
        for index, test in enumerate(tests):
            if index:
                line += nodes.Text(", ")
            link = pending_xref(
                "",
                nodes.literal(text=test.name),
                refdomain="std",
                reftype="ref",
                reftarget=anchor(test),
                refdoc=app.env.docname,
                refexplicit=True,
                refwarn=True,
            )
            line += link
        node += line


def _set_off_proofs(app: Sphinx, document: nodes.document) -> None:
    # sphinx-proof writes "Proof. " into the first sentence, where it can't be told from the text.
    for proof in document.findall(proof_node):
        first = next((text for text in proof.findall(nodes.Text)), None)
        if first is not None and first.startswith("Proof. "):
            rest = nodes.Text(first.removeprefix("Proof."))
            first.parent.replace(first, [nodes.emphasis(text="Proof."), rest])


class ClaimsDirective(SphinxDirective):
    """The page of all claims: each with its title, a link to it and the source of its test."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        claims: Claims = self.env.replearn_claims  # type: ignore[attr-defined]
        root = Path(self.env.srcdir)
        lines: list[str] = []
        for statement in claims.statements:
            self.env.note_dependency(str(statement.path))
            tests = claims.tests_of(statement.label)
            if not tests:
                continue
            title = f" ({statement.title})" if statement.title else ""
            page = statement.path.relative_to(root).with_suffix("").as_posix()
            lines += [f"## {statement.kind.title()}{title}", ""]
            lines += [f"{{prf:ref}}`{statement.label}` in {{doc}}`/{page}`.", ""]
            for test in tests:
                self.env.note_dependency(str(test.path))
                where = test.path.relative_to(root).as_posix()
                lines += [f"({anchor(test)})=", "", f"`{where}`", ""]
                lines += ["~~~~~{code-block} python", f":class: {UNSEARCHED}", ""]
                lines += [*test.source.splitlines(), "~~~~~", ""]
        if not lines:
            lines = ["No page of this book makes a claim yet."]
        container = nodes.Element()
        container.document = self.state.document
        self.state.nested_parse(StringList(lines), 0, container, match_titles=True)
        return list(container.children)


def setup(app: Sphinx) -> None:
    """Register the directive and the links."""
    app.add_directive("claims", ClaimsDirective)
    app.connect("builder-inited", _read_sources)
    app.connect("doctree-read", _link_tests)
    app.connect("doctree-read", _set_off_proofs)
