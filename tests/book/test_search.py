"""The search puts first what a student wants who types this."""

from __future__ import annotations

import json
import re

import pytest
from docutils import nodes

from replearn_book.search import searched

FIRST = {
    "PCA": "lectures/03_pca",
    "ISTA": "lectures/04_sparse_coding",
    "soft thresholding": "lectures/04_sparse_coding",
    "FISTA": "lectures/04_sparse_coding",
    "LISTA": "lectures/04_sparse_coding",
    "duality gap": "lectures/04_sparse_coding",
    "OMP": "lectures/04_sparse_coding",
    "dictionary learning": "lectures/05_dictionary_learning",
    "discourse atoms": "lectures/05b_removing_noise",
    "Gabor": "lectures/05_dictionary_learning",
    "tied weights": "lectures/06_autoencoders",
    "k-sparse": "lectures/06_autoencoders",
    "denoising autoencoder": "lectures/07_denoising",
    "Tweedie": "lectures/07_denoising",
    "contractive": "lectures/08_contractive",
    "contrastive divergence": "lectures/09_pretraining",
    "RBM": "lectures/09_pretraining",
    "pretraining": "lectures/09_pretraining",
    "notation": "book/notation",
    "hand in": "book/assignments/ps1_pca",  # the section of this name
    "install": "book/how_to_use",
    "problem set 2": "book/assignments/ps2_ista",
    "LinearAutoencoder": "book/api/replearn.linear_autoencoder",
    "replearn.sparse": "book/api/replearn.sparse",
}


@pytest.fixture(scope="module")
def index(html) -> dict:
    text = (html / "searchindex.js").read_text(encoding="utf-8")
    return json.loads(re.fullmatch(r"Search\.setIndex\((.*)\)", text, re.DOTALL).group(1))


def found(visit, site, query: str) -> list[str]:
    """The pages that are found, the first one first."""
    shown = visit()
    page = shown.open(f"{site}/search.html?q={query}")
    page.wait_for_selector("#search-results li a")
    links = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert shown.errors == []
    assert shown.others(site) == []
    return [re.sub(r"\.html.*", "", link.removeprefix(f"{site}/")) for link in links]


@pytest.mark.browser
def test_the_page_that_is_wanted_comes_first(visit, site):
    first = {query: found(visit, site, query)[0] for query in FIRST}
    assert first == FIRST


@pytest.mark.browser
def test_the_reference_comes_after_the_chapters(visit, site):
    pages = found(visit, site, "sparse")
    chapters = [i for i, page in enumerate(pages) if page.startswith("lectures/")]
    reference = [i for i, page in enumerate(pages) if page.startswith("book/api/")]
    assert chapters
    assert reference
    assert max(chapters) < min(reference)


@pytest.mark.browser
def test_what_stands_under_a_result_is_text_of_the_page(visit, site):
    page = visit().open(f"{site}/search.html?q=whitening")
    page.wait_for_selector("#search-results li p.context")
    under = page.eval_on_selector_all("#search-results p.context", "a => a.map(p => p.textContent)")
    assert under
    for text in under:
        assert "Back to top" not in text
        assert "Contents" not in text


def test_the_sources_of_tests_are_not_found(index, html):
    claims = index["docnames"].index("book/claims")
    # Of every test's source, and in no sentence of the page.
    assert "assert" in (html / "book/claims.html").read_text(encoding="utf-8")
    for word in ("assert", "def", "pytest"):
        where = index["terms"].get(word, [])
        assert claims not in (where if isinstance(where, list) else [where])


def test_tex_is_not_found(index):
    assert not {"mathbb", "lvert", "frac"} & index["terms"].keys()


def test_words_and_phrases_are_counted(index):
    chapter = index["docnames"].index("lectures/04_sparse_coding")
    assert dict(map(tuple, index["counts"]["soft threshold"]))[chapter] > 5
    page = index["docnames"].index("lectures/07_denoising")
    counts = dict(map(tuple, index["counts"]["nois"]))
    assert counts[page] > 50
    assert counts[page] >= sorted(counts.values())[-2]


def test_only_what_is_marked_is_left_out():
    document = nodes.document(None, None)
    kept, dropped = nodes.paragraph(text="kept"), nodes.literal_block(text="dropped")
    dropped["classes"] = ["no-search"]
    document += [kept, dropped]
    assert searched(document).astext() == "kept"
    assert "dropped" in document.astext()
