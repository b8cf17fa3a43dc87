"""The reference of the library: a page a module, made from the docstrings.

``library-module:: replearn.sparse`` stands for all that a module offers, ``library-modules::`` for
the list of the pages. The pages are autodoc's, which numpydoc reads the docstrings for; names in
the chapters' code lead to them (sphinx-codeautolink).

Docstrings are written to be read in a terminal too, so what would be markup on a page, such as the
bars of a norm or the underscore that ends ``mean_``, is not escaped there but here.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

import sphinx_codeautolink.extension as codeautolink
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.domains.python import PythonDomain
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles
from sphinx_codeautolink.extension.block import CodeBlockAnalyser, link_html

from replearn_book.library import Public, all_public, public_names, top_modules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sphinx.application import Sphinx
    from sphinx.config import Config

_AUTO = {"function": "autofunction", "class": "autoclass", "exception": "autoexception"}
_LONGEST_VALUE = 60  # characters of a constant's value that a page shows


def page_lines(module: str) -> list[str]:
    """The page of a module in reStructuredText: its docstring, a table, and each public name."""
    names = public_names(module)
    lines = [f".. automodule:: {module}", "", f".. currentmodule:: {module}", "", *_table(names)]
    homes = list(dict.fromkeys(public.home for public in sorted(names, key=lambda p: p.home)))
    for home in homes:
        here = [public for public in names if public.home == home]
        if home != module:
            title = home.removeprefix(f"{module}.")
            lines += [title, "-" * len(title), "", f".. automodule:: {home}", ""]
        for public in here:
            lines += [f".. currentmodule:: {public.module}", "", *_entry(public), ""]
    return lines


def _table(names: Iterable[Public]) -> list[str]:
    """One line for each name, in the order of the alphabet."""
    lines = [".. list-table::", "   :widths: auto", "   :class: replearn-names", ""]
    for public in sorted(names, key=lambda p: (p.module, p.name.lower())):
        short = public.path.removeprefix(f"{_module_of_table(names)}.")
        role = {"function": "func", "exception": "exc"}.get(public.kind, public.kind)
        lines += [f"   * - :py:{role}:`{short} <{public.path}>`", f"     - {summary(public)}"]
    return [*lines, ""]


def _module_of_table(names: Iterable[Public]) -> str:
    return min((public.module for public in names), key=len)


def summary(public: Public) -> str:
    """The first sentence of a docstring, or of the comment above a constant."""
    text = _comment(public) if public.kind == "data" else inspect.getdoc(public.value) or ""
    first = " ".join(text.split("\n\n")[0].split()).removesuffix("::").strip()
    # A role would be looked up in the module that the table is in, not in the docstring's own.
    return escape(re.sub(r":[\w:]+:`~?([^`]+)`", r"``\1``", first))


def _comment(public: Public) -> str:
    """The comment ``#:`` above a constant."""
    found = ModuleAnalyzer.for_module(public.home).find_attr_docs()
    return "\n".join(found.get(("", public.name), []))


def _entry(public: Public) -> list[str]:
    """What documents one name."""
    if public.kind != "data":
        options = ["   :members:", "   :special-members: __call__"]
        members = options if public.kind == "class" else []
        return [f".. {_AUTO[public.kind]}:: {public.path}", *members]
    value = repr(public.value)
    shown = [f"   :value: {value}"] if len(value) <= _LONGEST_VALUE else []
    written = f"{public.home}.{public.name}"
    canonical = [f"   :canonical: {written}"] if written != public.path else []
    comment = [f"   {escape(line)}" for line in _comment(public).splitlines()]
    return [f".. py:data:: {public.name}", *canonical, *shown, "", *comment]


class LibraryModule(SphinxDirective):
    """A module's page below its title."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = self.arguments[0]
        if module not in top_modules():
            raise self.error(f"{module!r} is no module of the library")
        container = nodes.Element()
        container.document = self.state.document
        lines = StringList(page_lines(module), source=f"<{module}>")
        nested_parse_with_titles(self.state, lines, container)
        self._note_where_written(module)
        return list(container.children)

    def _note_where_written(self, module: str) -> None:
        """Let the longer names lead here too, ``replearn.data.words.word_vectors``.

        autodoc does this for classes only.
        """
        domain = self.env.get_domain("py")
        assert isinstance(domain, PythonDomain)
        for public in public_names(module):
            if public.kind == "function" and public.home != public.module:
                long = f"{public.home}.{public.name}"
                domain.note_object(long, "function", public.path, aliased=True)


class LibraryModules(SphinxDirective):
    """The list of the pages: a line for each module."""

    def run(self) -> list[nodes.Node]:
        lines = [".. py:module:: replearn", ""]
        for module in top_modules():
            self.env.note_dependency(inspect.getfile(import_module(module)))
            text = (inspect.getdoc(import_module(module)) or "").split("\n\n")[0]
            lines += [f":py:mod:`{module}`", f"    {escape(' '.join(text.split()))}", ""]
        container = nodes.Element()
        container.document = self.state.document
        self.state.nested_parse(StringList(lines), self.content_offset, container)
        return list(container.children)


# What stays as it is within a line of prose: a literal, a role with its text, bold, emphasis.
_MARKUP = re.compile(
    r"``.+?``|:[\w:-]+:`[^`]+`|`[^`]+`_|\*\*[^*\s](?:[^*]*[^*\s])?\*\*"
    r"|(?<![\w*|])\*[^*\s](?:[^*]*[^*\s])?\*(?![\w*])|\\."
)
_SPECIAL = re.compile(r"[|*`]|(?<=\w)_(?!\w)")


def escape(line: str) -> str:
    """A line of prose in which only what is meant as markup is markup."""
    parts, end = [], 0
    for found in _MARKUP.finditer(line):
        parts += [_SPECIAL.sub(r"\\\g<0>", line[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, _SPECIAL.sub(r"\\\g<0>", line[end:])])


def escaped(lines: list[str]) -> Iterator[str]:
    """The lines of a docstring, with prose escaped and what is literal left alone."""
    literal: int | None = None  # a literal block is what is indented more than so much
    prompt = False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            prompt = False
            yield line
            continue
        if literal is not None and indent > literal:
            yield line
            continue
        literal = None
        prompt = prompt or line.lstrip().startswith(">>>")
        directive = re.match(r"\s*\.\. ([\w-]+)::", line)
        if prompt or directive or re.match(r"\s*:[\w ]+:(?:\s|$)", line):
            if directive and directive[1] in ("math", "code-block", "parsed-literal"):
                literal = indent
            yield line
            continue
        if line.rstrip().endswith("::"):
            literal = indent
        # "S. Boyd" at the start of a line is no item of a list.
        yield re.sub(r"^(\s*)([A-Za-z][.)]\s)", r"\1\\\2", escape(line))


def _escape_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    lines[:] = escaped(lines)


def _skip_foreign(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out methods that another library made for a class."""
    module = getattr(obj, "__module__", None) or ""
    return None if module.split(".")[0] in ("", "replearn") else True


def _tidy_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str
) -> tuple[str, str] | None:
    """A default that is a function, by its name; one that is made anew, as dots."""
    if signature is None:
        return None
    named = re.sub(r"<function (?:[\w.]+\.)?(\w+)[^>]*>", r"\1", signature)
    return named.replace("<factory>", "..."), returns


def _link_types(app: Sphinx, config: Config) -> None:
    """Have the library's own types link to their entries where a docstring names them."""
    config.numpydoc_xref_param_type = True
    config.numpydoc_xref_ignore = "all"  # but these; what is elsewhere has no pages here
    config.numpydoc_xref_aliases_complete = {
        public.name: public.path for public in all_public() if public.kind in ("class", "exception")
    }


class _Analyser(CodeBlockAnalyser):  # type: ignore[misc]
    """Reads the code of a page whose exercises and proofs are sections without a title.

    The original takes a title off its stack at the end of each section, whether it had one or not,
    and leaves the titles of admonitions there.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._depths: list[int] = []

    def visit_section(self, node: nodes.section) -> None:
        self._depths.append(len(self.title_stack))
        super().visit_section(node)

    def depart_section(self, node: nodes.section) -> None:
        del self.title_stack[self._depths.pop() :]


_DRAWING = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_PLACE = re.compile(r'<replearn-drawing number="(\d+)"></replearn-drawing>')


def link_without_drawings(document: str, html: str, *args: Any, **options: Any) -> str:
    """A page with links in its code, and with its drawings as they were.

    The original reads and writes the whole page, of which most is drawings, and writes their names
    in small letters.
    """
    drawings: list[str] = []

    def take_out(found: re.Match[str]) -> str:
        drawings.append(found[0])
        return f'<replearn-drawing number="{len(drawings) - 1}"></replearn-drawing>'

    linked = str(link_html(document, _DRAWING.sub(take_out, html), *args, **options))
    return _PLACE.sub(lambda found: drawings[int(found[1])], linked)


def setup(app: Sphinx) -> None:
    """Register the directives, and what makes docstrings into pages."""
    for extension in ("sphinx.ext.autodoc", "numpydoc", "sphinx_codeautolink"):
        app.setup_extension(extension)
    codeautolink.CodeBlockAnalyser = _Analyser
    codeautolink.link_html = link_without_drawings
    app.add_directive("library-module", LibraryModule)
    app.add_directive("library-modules", LibraryModules)
    app.connect("config-inited", _link_types, priority=900)  # numpydoc adds Python's own types
    app.connect("autodoc-skip-member", _skip_foreign)
    app.connect("autodoc-process-docstring", _escape_docstring, priority=900)  # after numpydoc
    app.connect("autodoc-process-signature", _tidy_signature, priority=900)
