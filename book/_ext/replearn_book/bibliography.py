"""Sources: labels of author and year in the text and in the bibliography, and the way back.

A label is what the text says, "Rifai et al., 2011b", with a letter behind the year where several
sources would have the same one. The bibliography is a list of terms, each followed by its entry
and by links to the places that cite it.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import pybtex.plugin
from docutils import nodes
from pybtex.richtext import Text
from pybtex.style.formatting.unsrt import Style as UnsortedStyle
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle
from pybtex.style.template import field as field_of
from pybtex.style.template import first_of, optional
from sphinx.addnodes import pending_xref
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode
from sphinxcontrib.bibtex.directives import BibliographyKey
from sphinxcontrib.bibtex.domain import get_docnames
from sphinxcontrib.bibtex.nodes import bibliography as bibliography_node
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle, PersonStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle
from sphinxcontrib.bibtex.style.referencing.basic_author_year import (
    BasicAuthorYearParentheticalReferenceStyle,
    BasicAuthorYearTextualReferenceStyle,
)
from sphinxcontrib.bibtex.style.template import join, join2, node, post_text, pre_text, reference
from sphinxcontrib.bibtex.transforms import node_text_transform

if TYPE_CHECKING:
    from pybtex.database import Entry
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinxcontrib.bibtex.domain import BibtexDomain, Citation
    from sphinxcontrib.bibtex.roles import CitationRef

NAME = "author_year_letter"  # of both styles, in _config.yml and on the page
_SEPARATOR = ", "  # between the authors and the year


def labels_of(entries: Iterable[Entry]) -> Iterator[str]:
    """Label of each entry, "Authors, year", with a, b, c where it would not be the only one."""
    names = PersonStyle().author_or_editor_or_title(full=False)
    year = first_of[optional[field_of("year")], "n.d."]
    plain = [_SEPARATOR.join(_plain(part, entry) for part in (names, year)) for entry in entries]
    total, seen = Counter(plain), Counter[str]()
    for label in plain:
        yield label + (chr(ord("a") + seen[label]) if total[label] > 1 else "")
        seen[label] += 1


@dataclass
class _Named:
    """What the template of the names looks for in a style."""

    person: PersonStyle


def _plain(template: Any, entry: Entry) -> str:
    """What a template makes of an entry, without marks; a space is a space that may break."""
    text = template.format_data({"entry": entry, "style": _Named(PersonStyle())})
    return str(Text(text).render_as("text"))


class LabelStyle(BaseLabelStyle):  # type: ignore[misc]
    """Labels of the bibliography."""

    def format_labels(self, sorted_entries: Iterable[Entry]) -> Iterator[str]:
        """One label for each entry, in the order of the bibliography."""
        return labels_of(sorted_entries)


class SortingStyle(BaseSortingStyle):  # type: ignore[misc]
    """By the names of all authors, by year and by title, as a reader spells them."""

    def sorting_key(self, entry: Entry) -> tuple[str, ...]:
        """Names, year and title without accents and capitals."""
        names = PersonStyle().author_or_editor_or_title(full=True)
        parts = (names, optional[field_of("year")], field_of("title"))
        spelled = [unicodedata.normalize("NFKD", _plain(part, entry)) for part in parts]
        return tuple(
            "".join(c for c in text if not unicodedata.combining(c)).casefold() for text in spelled
        )


class FormattingStyle(UnsortedStyle):  # type: ignore[misc]
    """Entries by author, year and title, with these labels."""

    default_sorting_style = SortingStyle
    default_label_style = LabelStyle


@node  # type: ignore[untyped-decorator]
def year_with_letter(children: list[Any], data: dict[str, Any]) -> Text:
    """The year as the entry's label has it."""
    return Text(data["formatted_entry"].label.rpartition(_SEPARATOR)[2])


class _InBrackets(BasicAuthorYearParentheticalReferenceStyle):
    """(Rifai et al., 2011b)."""

    def inner(self, role_name: str) -> Any:
        return join2(sep1=self.pre_text_sep, sep2=self.post_text_sep)[
            pre_text,
            reference[
                join(sep=self.author_year_sep)[
                    self.person.author_or_editor_or_title(full="s" in role_name),
                    year_with_letter,
                ]
            ],
            post_text,
        ]


class _InSentence(BasicAuthorYearTextualReferenceStyle):
    """Rifai et al. (2011b)."""

    def inner(self, role_name: str) -> Any:
        return join(sep=self.text_reference_sep)[
            self.person.author_or_editor_or_title(full="s" in role_name),
            join[
                self.bracket.left,
                join2(sep1=self.pre_text_sep, sep2=self.post_text_sep)[
                    pre_text, reference[year_with_letter], post_text
                ],
                self.bracket.right,
            ],
        ]


def _round() -> BracketStyle:
    # A comma stands within each reference, so something stronger must stand between two.
    return BracketStyle(left="(", right=")", sep="; ")


@dataclass
class ReferenceStyle(AuthorYearReferenceStyle):
    """References in the text, with the letter of the label behind the year."""

    bracket_textual: BracketStyle = field(default_factory=_round)
    bracket_parenthetical: BracketStyle = field(default_factory=_round)

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[no-untyped-call]
        own = (
            _InBrackets(bracket=self.bracket_parenthetical, person=self.person),
            _InSentence(bracket=self.bracket_textual, person=self.person),
        )
        self.role_style.update({role: style for style in own for role in style.role_names()})


def _domain(env: BuildEnvironment) -> BibtexDomain:
    return cast("BibtexDomain", env.get_domain("cite"))


class Anchors(SphinxPostTransform):
    """Keep the id of each citation, which resolving it loses: it is what links back point to."""

    default_priority = 4  # before references are resolved, at 10

    def run(self, **kwargs: Any) -> None:
        for xref in list(self.document.findall(pending_xref)):
            if xref.get("refdomain") == "cite" and xref["ids"]:
                anchor = nodes.inline(ids=xref["ids"])
                xref["ids"] = []
                xref.replace_self(anchor)
                anchor += xref


class Bibliography(SphinxPostTransform):
    """Put a list of terms and definitions where a page asks for the bibliography."""

    default_priority = 4  # before sphinxcontrib-bibtex's own, at 5, which is left nothing to do

    def run(self, **kwargs: Any) -> None:
        domain = _domain(self.env)
        for place in list(self.document.findall(bibliography_node)):
            key = BibliographyKey(docname=place["docname"], id_=place["ids"][0])
            cited = [citation for citation in domain.citations if citation.bibliography_key == key]
            places = nodes.definition_list(classes=["bibliography"])
            places += [self._item(citation) for citation in cited]
            place.replace_self(places if cited else [])

    def _item(self, citation: Citation) -> nodes.definition_list_item:
        entry = citation.formatted_entry
        text = _domain(self.env).backend.paragraph(entry)
        node_text_transform(text)
        return nodes.definition_list_item(
            "",
            nodes.term("", entry.label, ids=[citation.citation_id]),
            nodes.definition("", text, *self._cited_in(citation.key)),
        )

    def _cited_in(self, key: str) -> list[nodes.Node]:
        """A paragraph with a link to every place that cites the source, by page."""
        docnames = get_docnames(self.env)  # type: ignore[no-untyped-call]
        order = {docname: index for index, docname in enumerate(docnames)}
        refs = [
            ref
            for ref in _domain(self.env).citation_refs
            if key in {target.key for target in ref.targets}
        ]
        refs.sort(key=lambda ref: order[ref.docname])  # stable: within a page as they were read
        if not refs:
            return []
        line = nodes.paragraph("", "Cited in ", classes=["cited-in"])
        for index, (docname, found) in enumerate(groupby(refs, lambda ref: ref.docname)):
            line += nodes.Text("; " if index else "")
            line += self._links(docname, list(found))
        line += nodes.Text(".")
        return [line]

    def _links(self, docname: str, refs: list[CitationRef]) -> list[nodes.Node]:
        """The page's title as a link to the first place, numbers for those after it."""
        title = self.env.titles[docname].astext()
        links: list[nodes.Node] = [self._link(refs[0], title)]
        for number, ref in enumerate(refs[1:], 2):
            links += [nodes.Text(", "), self._link(ref, str(number), f"{title}, place {number}")]
        return links

    def _link(self, ref: CitationRef, text: str, title: str | None = None) -> nodes.reference:
        return make_refnode(
            self.app.builder,
            self.env.docname,
            ref.docname,
            ref.citation_ref_id,
            nodes.Text(text),
            title,
        )


def _outdated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Pages to write anew: the bibliography, and those that cite a source by another label now."""
    domain = _domain(env)
    labels = {citation.key: citation.formatted_entry.label for citation in domain.citations}
    before = getattr(env, "replearn_labels", {})
    env.replearn_labels = labels  # type: ignore[attr-defined]
    places = {
        (ref.docname, ref.citation_ref_id, target.key)
        for ref in domain.citation_refs
        for target in ref.targets
    }
    unchanged = places == getattr(env, "replearn_citations", None) and labels == before
    env.replearn_citations = places  # type: ignore[attr-defined]
    if unchanged:
        return []
    changed = {key for key, label in labels.items() if before.get(key, label) != label}
    pages = {docname for docname, _, key in places if key in changed}
    return sorted(pages | {key.docname for key in domain.bibliographies})


def setup(app: Sphinx) -> None:
    """Register the styles, the list and what it needs."""
    app.setup_extension("sphinxcontrib.bibtex")
    pybtex.plugin.register_plugin("pybtex.style.formatting", NAME, FormattingStyle)
    register_plugin("sphinxcontrib.bibtex.style.referencing", NAME, ReferenceStyle)
    app.add_post_transform(Anchors)
    app.add_post_transform(Bibliography)
    app.connect("env-updated", _outdated, priority=900)  # after the labels were made
