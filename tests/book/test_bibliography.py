"""The bibliography: labels, the list on its page and the links back, on a small book."""

from __future__ import annotations

import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pybtex.database import BibliographyData, parse_file, parse_string
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from book.experiments.registry import ALL
from replearn_book.bibliography import SortingStyle, labels_of

SOURCES = """
@article{zeta2011, author = {Zeta, A. and Iota, B. and Theta, C.}, title = {Last}, journal = {J},
  year = {2011}}
@article{alpha2001, author = {Alpha, Anna}, title = {First}, journal = {J}, year = {2001},
  doi = {10.1000/1}, checked = {a shelf}}
@article{zeta2011more, author = {Zeta, A. and Eta, B. and Iota, D.}, title = {Another},
  journal = {J}, year = {2011}}
@article{pair1999, author = {de Beta, Bo and Gamma, G{\\"u}nther}, title = {Pair}, journal = {J},
  year = {1999}}
@article{crowd1998, author = {Delta, D. and Epsilon, E. and others}, title = {Crowd},
  journal = {J}, year = {1998}}
@misc{nobody, title = {Leaflet}}
@misc{lab2010, author = {{Öko lab}}, title = {Tutorial}, year = {2010}}
@article{uncited, author = {Unread, U.}, title = {Never}, journal = {J}, year = {2000}}
"""
FIRST = """\
# First page

{cite:t}`zeta2011` said it {cite:p}`alpha2001,zeta2011more`, as did {cite:t}`alpha2001`.
Also {cite:p}`pair1999`, {cite:p}`crowd1998`, {cite:p}`lab2010` and {cite:p}`nobody`.
"""
SECOND = """\
# Second page

{cite:t}`alpha2001` said it again.
"""
BIBLIOGRAPHY = """\
# Sources

```{bibliography}
:style: author_year_letter
```
"""


class Reader(HTMLParser):
    """Ids, links and roles of a page, and its text between tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.roles: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name == "href" and tag == "a":
                self.links.append(value or "")
            if name == "role":
                self.roles.append(value or "")


@pytest.fixture
def site(tmp_path):
    """A small book; build() returns what was warned of, page() the text of one."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "sources.bib").write_text(SOURCES)
    # The front page is written anew in each build, so it cites nothing.
    (source / "index.md").write_text("# A book\n\n```{toctree}\nfirst\nsecond\nbibliography\n```\n")
    (source / "first.md").write_text(FIRST)
    (source / "second.md").write_text(SECOND)
    (source / "bibliography.md").write_text(BIBLIOGRAPHY)

    def build() -> str:
        with docutils_namespace(), (tmp_path / "warnings").open("w+") as warnings:
            Sphinx(
                str(source), None, str(tmp_path / "html"), str(tmp_path / "doctrees"), "html",
                confoverrides={
                    "extensions": ["myst_parser", "replearn_book.bibliography"],
                    "bibtex_bibfiles": ["sources.bib"],
                    "bibtex_reference_style": "author_year_letter",
                },
                status=None, warning=warnings,
            ).build()  # fmt: skip
            warnings.seek(0)
            return warnings.read()

    def page(name: str) -> str:
        return (tmp_path / "html" / f"{name}.html").read_text()

    build.source, build.page = source, page
    return build


def shown(html: str) -> str:
    """The text of the page's body without its tags."""
    text = re.sub(r"<[^>]+>", "", html[html.index('role="main">') + len('role="main">') :])
    return " ".join(text.split())


def terms(html: str) -> list[str]:
    return [shown('role="main">' + found) for found in re.findall(r"<dt[^>]*>.*?</dt>", html)]


def entry(html: str, label: str) -> str:
    """What stands under a label."""
    found = re.search(rf"<dt[^>]*>{re.escape(label)}</dt>\s*<dd>(.*?)</dd>", html, re.DOTALL)
    assert found, f"{label} is not in the bibliography"
    return found.group(1)


def test_labels_are_authors_and_year_and_letters_tell_equal_ones_apart():
    entries = parse_string(SOURCES, "bibtex").entries
    assert list(labels_of(entries.values())) == [
        "Zeta et al., 2011a",
        "Alpha, 2001",
        "Zeta et al., 2011b",
        "de Beta and Gamma, 1999",
        "Delta et al., 1998",
        "Leaflet, n.d.",
        "Öko lab, 2010",
        "Unread, 2000",
    ]


def test_sources_sort_without_accents_and_capitals_and_by_all_names():
    names = (
        "Ostrich, A. and Bee, B.",
        "Öko, Z.",
        "de Beta, B.",
        "Ostrich, A. and Ant, C.",
        "Delta",
    )
    made = "".join(
        f"@misc{{k{number}, author = {{{name}}}, title = {{T}}, year = {{2000}}}}\n"
        for number, name in enumerate(names)
    )
    ordered = SortingStyle().sort(parse_string(made, "bibtex").entries.values())
    assert [entry.key for entry in ordered] == ["k2", "k4", "k1", "k3", "k0"]


def test_text_and_bibliography_say_the_same_label(site):
    assert site() == ""
    text = shown(site.page("first"))
    assert "Zeta et al. (2011b) said it (Alpha, 2001; Zeta et al., 2011a), as did Alpha" in text
    assert "Also (de Beta and Gamma, 1999), (Delta et al., 1998), (Öko lab, 2010)" in text
    labels = terms(site.page("bibliography"))
    assert labels == [
        "Alpha, 2001",
        "de Beta and Gamma, 1999",
        "Delta et al., 1998",
        "Leaflet, n.d.",
        "Öko lab, 2010",
        "Zeta et al., 2011a",
        "Zeta et al., 2011b",
    ]
    assert "Another" in entry(site.page("bibliography"), "Zeta et al., 2011a")


def test_a_citation_links_to_its_entry(site):
    site()
    bibliography = Reader(site.page("bibliography"))
    targets = [link for link in Reader(site.page("first")).links if "bibliography.html#" in link]
    assert len(targets) == 8
    assert {target.partition("#")[2] for target in targets} <= set(bibliography.ids)


def test_each_entry_links_back_to_every_place(site):
    site()
    found = entry(site.page("bibliography"), "Alpha, 2001")
    assert shown('role="main">' + found).endswith("Cited in First page, 2; Second page.")
    links = [link for link in Reader(found).links if "doi.org" not in link]
    assert [link.partition("#")[0] for link in links] == ["first.html"] * 2 + ["second.html"]
    assert len(set(links)) == 3
    for link in links:
        page, _, place = link.partition("#")
        html = site.page(page.removesuffix(".html"))
        # The id stands on the citation itself.
        around = re.search(rf'<span id="{place}">(.*?)</span></span>', html, re.DOTALL)
        assert around, f"{page} has no {place}"
        assert "Alpha" in around.group(1)


def test_the_list_is_plain_html(site):
    site()
    html = site.page("bibliography")
    assert '<dl class="bibliography" ' in html
    body = html[html.index('<dl class="bibliography') : html.index("</dl>")]
    assert Reader(body).roles == []
    assert len(Reader(html).ids) == len(set(Reader(html).ids))
    assert "a shelf" not in html  # what an entry was checked with is for the authors


def test_pages_without_a_change_follow_one_elsewhere(site):
    site()
    assert "Second page" in site.page("bibliography")
    (site.source / "second.md").write_text("# Second page\n\nNobody said it.\n")
    site()
    assert "Second page" not in entry(site.page("bibliography"), "Alpha, 2001")
    # The letters of a page that was not touched change with the sources that the book cites.
    (site.source / "second.md").write_text("# Second page\n\nSee {cite:t}`zeta2011more`.\n")
    swapped = SOURCES.replace("Zeta, A. and Iota", "Zeta, A. and Beta")
    (site.source / "sources.bib").write_text(swapped)
    site()
    assert "Zeta et al. (2011a) said it" in shown(site.page("first"))
    assert "See Zeta et al. (2011b)" in shown(site.page("second"))


def test_an_unknown_key_is_warned_of(site):
    (site.source / "second.md").write_text("# Second page\n\n{cite:t}`alpha2002` did not.\n")
    assert 'could not find bibtex key "alpha2002"' in site()


@pytest.fixture(scope="module")
def sources(root) -> BibliographyData:
    """The book's own sources."""
    return parse_file(str(root / "book" / "references.bib"))


def cited_keys(root: Path) -> set[str]:
    """Keys that a page cites, in its text or through the registry of published figures."""
    pages = [
        *root.glob("lectures/*.md"),
        *root.glob("book/**/*.md"),
        *root.glob("solutions/**/*.md"),
    ]
    roles = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
    found = {figure.source for experiment in ALL.values() for figure in experiment.published}
    for page in pages:
        for targets in roles.findall(page.read_text(encoding="utf-8")):
            found.update(re.sub(r"\{[^{}]*\}", "", target).strip() for target in targets.split(","))
    return found


def test_each_source_says_what_it_was_checked_with(sources):
    silent = [key for key, entry in sources.entries.items() if not entry.fields.get("checked")]
    assert silent == [], "say under checked what the entry was compared with, or no"
    unchecked = [key for key, entry in sources.entries.items() if entry.fields["checked"] == "no"]
    if unchecked:
        warnings.warn(f"{len(unchecked)} sources not checked: {', '.join(unchecked)}", stacklevel=1)


def test_each_source_is_cited_or_says_that_it_waits_for_its_page(sources, root):
    cited = cited_keys(root)
    waiting = {key for key, entry in sources.entries.items() if entry.fields.get("cited") == "no"}
    assert sorted(set(sources.entries) - cited - waiting) == [], "no page cites these"
    done = sorted(waiting & cited)
    if done:
        warnings.warn(f"cited by now, so 'cited = {{no}}' can go: {', '.join(done)}", stacklevel=1)


def test_no_source_stands_there_twice(sources):
    titles = [re.sub(r"[^a-z0-9]", "", e.fields["title"].lower()) for e in sources.entries.values()]
    assert sorted(title for title in set(titles) if titles.count(title) > 1) == []
