"""Search that puts the page a student wants first.

Sphinx's index says on which pages a word stands, and its scorer sees no more than that. Here the
index also says how often it and two words in a row stand there, so that the page about a thing
comes before pages that mention it, and `search_scorer.js` weighs titles and kinds of pages. What
has the class `no-search`, such as the sources of tests, is left out.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.search import IndexBuilder

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

UNSEARCHED = "no-search"  # class of what is shown but not found
FEWEST = 3  # times that two words must stand together on a page to count as a phrase of it
SCORER = Path(__file__).with_name("search_scorer.js")


def searched(doctree: nodes.document) -> nodes.document:
    """The page without what has the class `no-search`, and without the TeX of its formulas.

    A formula of one letter stays, for terms such as k-sparse. The page itself stays as it is.
    """
    copy: nodes.document = doctree.deepcopy()
    for node in list(copy.findall(nodes.Element)):
        is_math = isinstance(node, nodes.math | nodes.math_block)
        unwanted = UNSEARCHED in node.get("classes", [])
        if node.parent is not None and (unwanted or (is_math and len(node.astext()) > 1)):
            node.parent.remove(node)
    return copy


class CountingIndex(IndexBuilder):
    """Sphinx's index, with the number of times that a word stands on a page."""

    def __init__(self, env: Any, *options: Any) -> None:
        super().__init__(env, *options)
        # As Sphinx keeps its own tables: a plain incremental build feeds changed pages only.
        self._counts: dict[str, Counter[str]] = env.__dict__.setdefault("replearn_words", {})

    def feed(self, docname: str, filename: str, title: str, doctree: nodes.document) -> None:
        """Take a page into the index."""
        super().feed(docname, filename, title, doctree)
        store = self._word_collector(doctree)
        stem = cache(self.lang.stem)
        words = [stem(word.lower()).lower() for word in (*store.title_words, *store.words)]
        phrases = Counter(f"{first} {second}" for first, second in pairwise(words))
        kept = {text: times for text, times in phrases.items() if times >= FEWEST}
        self._counts[docname] = Counter(words) + Counter(kept)

    def freeze(self) -> dict[str, Any]:
        """The index as JSON.

        `counts` has [page, times] for words, and for two words in a row, that are repeated there.
        """
        frozen = super().freeze()
        known = frozen["terms"].keys() | frozen["titleterms"].keys()
        counts: dict[str, list[list[int]]] = {}
        for number, docname in enumerate(frozen["docnames"]):
            for word, times in self._counts.get(docname, Counter()).items():
                if times > 1 and all(part in known for part in word.split(" ")):
                    counts.setdefault(word, []).append([number, times])
        return {**frozen, "counts": counts}


class SearchableBuilder(StandaloneHTMLBuilder):
    """Sphinx's HTML builder with this index."""

    def prepare_writing(self, docnames: set[str]) -> None:
        """Make the index before pages are written."""
        super().prepare_writing(docnames)
        config = self.config
        language = config.html_search_language or config.language
        options, scorer = config.html_search_options, config.html_search_scorer
        self.indexer = CountingIndex(self.env, language, options, scorer)
        self.load_indexer(docnames)

    def index_page(self, pagename: str, doctree: nodes.document, title: str) -> None:
        """Feed a page to the index."""
        super().index_page(pagename, searched(doctree), title)


def _use_scorer(_: Sphinx, config: Config) -> None:
    config.html_search_scorer = str(SCORER)


def setup(app: Sphinx) -> None:
    """Put the builder in the place of Sphinx's own."""
    app.add_builder(SearchableBuilder, override=True)
    app.connect("config-inited", _use_scorer)
