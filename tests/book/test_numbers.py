"""Numbers of chapters, statements, exercises, equations and figures, and links to each of them."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from replearn_book.captions import _KINDS, label_of, with_number
from replearn_book.chapters import Chapter, chapter_of
from tests.chromium import Visit

FIGURE, TABLE = _KINDS
SVG = '<svg viewBox="0 0 72 72" role="img" aria-label="Nothing is to be seen here"></svg>'


# --- The parts


@pytest.mark.parametrize(
    ("page", "chapter"),
    [
        ("lectures/03_pca", Chapter(3)),
        ("10_variational", Chapter(10)),
        ("lectures/05b_removing_noise", Chapter(5, "b")),
        ("book/assignments/ps1_pca", None),
        ("book/decisions/index", None),
    ],
)
def test_a_file_name_says_the_chapter(page, chapter):
    assert chapter_of(page) == chapter


def test_the_pages_of_a_chapter_come_before_the_next_chapter():
    assert Chapter(5) < Chapter(5, "b") < Chapter(6)


def test_the_number_stands_before_the_caption():
    caption = '<figcaption class="small">It falls.</figcaption>'
    html = f'<figure class="replearn-figure">{SVG}{caption}</figure>'
    shown = with_number(FIGURE, html, ["fig-fall", "figure-2"], "7.2", "<a></a>")
    assert '<figure class="replearn-figure" id="fig-fall"><span id="figure-2"></span>' in shown
    number = '<span class="caption-number">Figure 7.2.</span>'
    assert f'<figcaption class="small">{number} It falls.<a></a></figcaption></figure>' in shown


def test_other_classes_and_figures_within_a_figure_are_no_matter():
    part = f"<figure>{SVG}</figure>"
    html = f'<figure class="wide replearn-figure" style="margin:0">{part}{part}</figure>\n'
    shown = with_number(FIGURE, html, ["figure-1"], "7.1", "")
    assert shown.startswith('<figure class="wide replearn-figure" style="margin:0" id="figure-1">')
    number = '<span class="caption-number">Figure 7.1.</span>'
    assert shown.endswith(f"{part}<figcaption>{number}</figcaption></figure>\n")
    assert FIGURE.start.search('<figure class="replearn-figure-part">') is None


def test_a_figure_without_a_caption_gets_one():
    html = f'<figure class="replearn-figure">{SVG}</figure>'
    shown = with_number(FIGURE, html, ["figure-1"], "7.1", "")
    number = '<span class="caption-number">Figure 7.1.</span>'
    assert shown.endswith(f"{SVG}<figcaption>{number}</figcaption></figure>")


@pytest.mark.parametrize("caption", ["", "<caption>Measured</caption>"])
def test_a_table_has_its_number_in_its_caption(caption):
    html = f'<div class="replearn-table"><table>{caption}<tbody></tbody></table></div>'
    shown = with_number(TABLE, html, ["table-1"], "7.1", "")
    assert shown.startswith('<div class="replearn-table" id="table-1">')
    assert shown.count("<caption>") == 1
    assert '<table><caption><span class="caption-number">Table 7.1.</span>' in shown


def test_a_label_is_read_as_it_was_written():
    assert label_of('<figure data-label="a&amp;b">') == "a&b"
    assert label_of("<figure>") == ""


# --- A tiny book: chapter 3, and chapter 5 on two pages


def shows(html: str) -> str:
    code = f"from IPython.display import HTML\nHTML({html!r})"
    return f"\n```{{code-cell}} ipython3\n{code}\n```\n"


def figure(label: str = "", caption: str = "") -> str:
    said = f"<figcaption>{caption}</figcaption>" if caption else ""
    name = f' data-label="{label}"' if label else ""
    return shows(f'<figure class="replearn-figure"{name}>{SVG}{said}</figure>')


def statement(kind: str, label: str) -> str:
    proof = "\n```{prf:proof}\nBy definition.\n```\n"
    return f"\n```{{prf:{kind}}} Counting\n:label: {label}\n\nOne is one.\n```\n{proof}"


def exercise(label: str) -> str:
    solution = f"\n```{{solution}} {label}\n:label: sol-{label}\n\nTwo.\n```\n"
    return f"\n```{{exercise}}\n:label: {label}\n\nAdd one and one.\n```\n{solution}"


def equation(label: str) -> str:
    return f"\n$$\n1 + 1 = 2\n$$ ({label})\n"


def claim_tests(*names: str) -> str:
    tests = [
        f'@pytest.mark.claim("{kind}-{name}")\ndef test_{kind}_{name}():\n    assert 1 + 1 == 2\n'
        for name in names
        for kind in ("thm", "prop")
    ]
    return "\n\n".join(["import pytest\n", *tests])


def page(name: str) -> str:
    """A page with two of everything; what is not a theorem counts with the theorems."""
    parts = [f"(sec-{name})=\n## First\n"]
    parts += [statement("theorem", f"thm-{name}"), equation(f"eq-{name}-1"), figure()]
    table = '<div class="replearn-table"><table><tbody></tbody></table></div>'
    parts += ["## Second\n", statement("proposition", f"prop-{name}"), shows(table)]
    parts += [figure(f"fig-{name}", "It falls."), equation(f"eq-{name}-2")]
    parts += [exercise(f"ex-{name}-1"), exercise(f"ex-{name}-2"), "\n### Deeper\n\nWords.\n"]
    return "\n".join(parts)


REFERENCES = """
- {numref}`fig-noise`, {prf:ref}`prop-noise`, {ref}`ex-noise-2`, {eq}`eq-noise-2`.
- {numref}`sec-noise`, {chapter}`03_pca`. {Chapter}`/lectures/05b_noise`.
"""
NAMES = ("03_pca", "05_dictionary", "05b_noise")
TEXTS = (page("pca") + REFERENCES, page("dictionary"), page("noise"))


def numbers_of(html: str) -> list[str]:
    """The numbers of headings, captions, titles and equations, in the order of the page."""
    article = html[html.index("<article") : html.index("</article>")]
    pattern = r'class="(?:section|caption)-number">([^<]*)</span>|class="eqno">([^<]*)<'
    return [(a or b).strip() for a, b in re.findall(pattern, article)]


class _Links(HTMLParser):
    """Ids of a page and its permalinks with the names that they have."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.links: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids[values["id"]] += 1
        if values.get("class") == "headerlink":
            self.links[values["href"].removeprefix("#")] = values.get("title", "")


def links_of(html: str) -> _Links:
    parser = _Links()
    parser.feed(html)
    parser.close()
    return parser


@pytest.fixture(scope="module")
def book(tiny_book_in, build, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("numbers")
    tests = claim_tests("pca", "dictionary", "noise")
    made = tiny_book_in(folder, *TEXTS, names=NAMES, claim_tests=tests)
    result = build(made)
    assert result.returncode == 0, result.stdout[-6000:]
    return made


def built(book: Path, name: str) -> str:
    return (book / "_build" / "html" / f"{name}.html").read_text(encoding="utf-8")


@pytest.mark.long
def test_everything_counts_within_its_chapter(book):
    assert numbers_of(built(book, "lectures/03_pca")) == [
        *("3", "3.1", "Theorem 3.1", "(3.1)", "Figure 3.1."),
        *("3.2", "Proposition 3.2", "Table 3.1.", "Figure 3.2.", "(3.2)"),
        *("Exercise 3.1", "Exercise 3.2"),
    ]
    text = re.sub(r"<[^>]*>", "", built(book, "lectures/03_pca"))
    assert "Solution to Exercise 3.2" in text


@pytest.mark.long
def test_the_second_page_of_a_chapter_counts_on(book):
    first = numbers_of(built(book, "lectures/05_dictionary"))
    second = numbers_of(built(book, "lectures/05b_noise"))
    assert second == [
        *("5b", "5.3", "Theorem 5.3", "(5.3)", "Figure 5.3."),
        *("5.4", "Proposition 5.4", "Table 5.2.", "Figure 5.4.", "(5.4)"),
        *("Exercise 5.3", "Exercise 5.4"),
    ]
    assert set(first).isdisjoint(second)


@pytest.mark.long
def test_the_chapters_show_their_numbers_everywhere(book):
    html = built(book, "lectures/05_dictionary")
    assert "<title>5 A tiny chapter" in html
    sidebar = html[html.index("bd-links") : html.index("<article")]
    assert re.findall(r">\s*(\w+) A tiny chapter", sidebar) == ["3", "5", "5b"]
    following = html[html.index('class="right-next"') :]
    assert '<span class="section-number">5b </span>A tiny chapter' in following
    contents = html[html.index("page-toc") :]
    assert re.findall(
        r'<a class="reference internal nav-link" href="#[^"]+">([^<]*)</a>', contents
    ) == ["5.1 First", "5.2 Second", "Deeper"]


@pytest.mark.long
def test_references_show_the_numbers(book):
    html = built(book, "lectures/03_pca")
    text = re.sub(r"<[^>]*>", "", html[html.index("</article>") - 3000 : html.index("</article>")])
    said = "Figure 5.4, Proposition 5.4, Exercise 5.4, (5.4). Section 5.3, chapter 3. Chapter 5b."
    assert said in " ".join(text.split())
    assert 'href="05b_noise.html#fig-noise"' in html
    claims = re.sub(r"<[^>]*>", "", built(book, "book/claims"))
    assert "Proposition 5.4 in A tiny chapter" in claims


@pytest.mark.long
def test_every_thing_with_a_number_has_a_link_to_itself(book):
    for name in NAMES:
        html = built(book, f"lectures/{name}")
        found = links_of(html)
        assert [name for name, count in found.ids.items() if count > 1] == []
        assert found.links.keys() - found.ids.keys() == set()
        titles = set(found.links.values())
        numbered = {text.rstrip(".") for text in numbers_of(html) if text[0].isalpha()}
        assert {f"Link to {text}" for text in numbered} <= titles
        assert {target.split("-")[0] for target in found.links} >= {"equation", "first"}


@pytest.mark.long
def test_a_chapter_that_is_added_renumbers_nothing(book, build, tmp_path, header):
    more = tmp_path / "more"
    shutil.copytree(book, more)
    (more / "lectures" / "01_tensors.md").write_text(header + page("tensors"))
    tests = claim_tests("tensors", "pca", "dictionary", "noise")
    (more / "tests" / "claims" / "test_tiny.py").write_text(tests)
    toc = yaml.safe_load((more / "_toc.yml").read_text())
    toc["parts"][0]["chapters"].insert(0, {"file": "lectures/01_tensors"})
    (more / "_toc.yml").write_text(yaml.safe_dump(toc))
    result = build(more)
    assert result.returncode == 0, result.stdout[-6000:]
    assert numbers_of(built(more, "lectures/01_tensors"))[:2] == ["1", "1.1"]
    for name in NAMES:
        before, after = (built(where, f"lectures/{name}") for where in (book, more))
        assert numbers_of(before) == numbers_of(after)
        assert links_of(before).links == links_of(after).links


@pytest.mark.long
def test_what_has_no_number_or_two_is_refused(tiny_book, build):
    twice = figure("fig-twice")
    texts = [twice + "\n{numref}`fig-nowhere`\n", twice, "\n{chapter}`index`\n", figure("Fig 1")]
    result = build(tiny_book(*texts, names=("04_d", "03_c", "pca", "05_e")))
    assert result.returncode != 0
    said = result.stdout.replace("\n", " ")
    for sentence in (
        "no figure, table, section or exercise has the label 'fig-nowhere'",
        "the label 'fig-twice' is used twice: here and on the page lectures/0",
        "label: got 'Fig 1', want lower-case letters, digits and hyphens",
        "{chapter}: got 'index', want the page of a chapter, as 07_denoising",
        "lectures/03_c stands behind lectures/04_d in _toc.yml: chapters go by their numbers",
        "lectures/pca stands in a numbered part of _toc.yml: its file name must begin with the "
        "chapter's number",
    ):
        assert sentence in said


# --- The book itself


def test_no_number_occurs_twice_in_the_book(html, pages):
    lectures = sorted(page for page in pages if page.parts[0] == "lectures")
    assert lectures
    everything: Counter[str] = Counter()
    for path in lectures:
        chapter = chapter_of(path.with_suffix("").as_posix())
        numbers = numbers_of((html / path).read_text(encoding="utf-8"))
        assert numbers[0] == str(chapter)
        everything.update(numbers)
        for number in numbers[1:]:
            assert re.search(r"[\d.]*\d", number)[0].startswith(f"{chapter.number}."), path
    assert [number for number, count in everything.items() if count > 1] == []


def test_numbers_go_up_by_one(html, pages):
    counters: dict[tuple[str, str], int] = {}
    for path in sorted(page for page in pages if page.parts[0] == "lectures"):
        for text in numbers_of((html / path).read_text(encoding="utf-8"))[1:]:
            kind, chapter, number = re.fullmatch(r"(\w+ |\(?)(\d+)\.(\d+)[.)]?", text).groups()
            own = ("Exercise ", "Figure ", "Table ", "(", "")
            counter = (kind if kind in own else "statements", chapter)
            counters[counter] = counters.get(counter, 0) + 1
            assert int(number) == counters[counter], (path, text)
    assert {kind for kind, _ in counters} >= {"statements", "Exercise ", "Figure ", "(", ""}


def test_every_id_occurs_once_on_its_page_and_every_link_leads_to_one(html, pages):
    for path in pages:
        found = links_of((html / path).read_text(encoding="utf-8"))
        assert [name for name, count in found.ids.items() if count > 1] == [], path
        assert found.links.keys() - found.ids.keys() == set(), path


def test_no_page_shows_a_number_that_is_missing(html, pages):
    for path in pages:
        text = re.sub(r"<[^>]*>", "", (html / path).read_text(encoding="utf-8"))
        names = "Theorem|Proposition|Lemma|Observation|Exercise|Figure|Table|Section"
        assert re.findall(rf"\b(?:{names}) (?:None|%s|\d+)\b(?!\.\d)", text) == [], path


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["div.theorem", "div.exercise", "figure", "div.math", "h2"])
def test_a_link_is_seen_under_the_mouse_and_under_the_keyboard(browser, site, kind):
    shown = Visit(browser, viewport={"width": 1300, "height": 900})
    page = shown.open(f"{site}/lectures/03_pca.html")
    box = page.locator(f".bd-article {kind}").filter(has=page.locator("a.headerlink")).first
    link = box.locator("a.headerlink").first

    def opacity() -> str:
        page.wait_for_timeout(400)  # the theme may fade it in
        return link.evaluate("node => getComputedStyle(node).opacity")

    assert opacity() == "0"
    assert link.evaluate("node => getComputedStyle(node).visibility") == "visible"
    box.hover(position={"x": 5, "y": 5})
    assert opacity() == "1"
    page.mouse.move(0, 0)
    assert opacity() == "0"
    link.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert opacity() == "1"
    assert link.get_attribute("title").startswith("Link to ")
    shown.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_captions_are_set_as_the_text_is(browser, site, scheme):
    shown = Visit(browser, color_scheme=scheme)
    page = shown.open(f"{site}/lectures/03_pca.html")
    style = "node => [getComputedStyle(node).color, getComputedStyle(node).fontWeight]"
    text = page.locator(".bd-article section > p").first.evaluate(style)
    assert text[1] == "400"
    for caption in page.locator("figcaption, .replearn-table caption").all():
        assert caption.evaluate(style) == text
    shown.context.close()
