"""What axe-core finds on the pages, in both themes, on a desktop and on a phone: nothing."""

from __future__ import annotations

from importlib.resources import files

import pytest

from replearn_book.accessible import called_by_their_text, named_folds, signature_lines

pytestmark = pytest.mark.long

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 812}
# One page of each kind is looked at in all four ways, the others in two that differ in both.
KINDS = {
    "404.html",
    "book/api/replearn.sparse.html",
    "book/assignments/ps2_ista.html",
    "book/bibliography.html",
    "book/comparison.html",
    "book/decisions/004-numba-kernels.html",
    "book/index.html",
    "genindex.html",
    "lectures/04_sparse_coding.html",
    "search.html",
}
# Within formulas and highlighted code each symbol is an element: they take most of the time, and
# are all made by the same two programs. They are looked at on these pages; on the others code and
# formulas in a line are their text alone, and displayed formulas are left out.
WHOLE = {"book/assignments/ps2_ista.html", "book/notation.html"}
FLATTEN = """() => {
    document.querySelectorAll("mjx-container[display]").forEach((node) => node.remove());
    for (const node of document.querySelectorAll("mjx-container, div.highlight pre > span"))
        node.replaceWith(node.textContent);
}"""
RUN = """async () => {
    const options = { resultTypes: ["violations"],
                      rules: { "label-content-name-mismatch": { enabled: true } } };
    const { violations } = await axe.run(document, options);
    const said = (node) => node.html.slice(0, 200) + " | " + node.failureSummary.slice(0, 300);
    return violations.map((v) => [v.id, v.nodes.length, said(v.nodes[0])]);
}"""
REPEATED = """() => {
    const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
    return ids.filter((id, at) => ids.indexOf(id) !== at);
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(visit, site, pages, axe, size, scheme):
    shown = visit(viewport=size, color_scheme=scheme)
    everywhere = (size, scheme) in [(DESKTOP, "light"), (PHONE, "dark")]
    found = {}
    assert {page.as_posix() for page in pages} >= KINDS | WHOLE
    for path in pages:
        name = path.as_posix()
        if name in KINDS or everywhere:
            page = shown.open(f"{site}/{name}")
            page.wait_for_function("() => document.documentElement.dataset.fitted")
            if name not in WHOLE:
                page.evaluate(FLATTEN)
            page.evaluate(axe)
            if violations := page.evaluate(RUN):
                found[name] = violations
    assert found == {}


@pytest.mark.browser
def test_ids_are_unique_on_every_page(visit, site, pages):
    shown = visit()
    repeated = {
        p.as_posix(): shown.open(f"{site}/{p.as_posix()}").evaluate(REPEATED) for p in pages
    }
    assert {name: ids for name, ids in repeated.items() if ids} == {}


@pytest.mark.browser
def test_the_tab_key_stops_at_no_formula_and_a_screen_reader_reads_them(visit, site):
    page = visit().open(f"{site}/lectures/04_sparse_coding.html")
    page.wait_for_function("() => document.documentElement.dataset.fitted")
    inline = "mjx-container:not([display])"
    assert page.locator(inline).count() > 500
    assert page.locator(f"{inline}[tabindex='0']").count() == 0
    assert page.locator(f"{inline} mjx-assistive-mml math").count() == page.locator(inline).count()


def test_what_unfolds_a_part_of_the_navigation_has_its_name():
    plain = '<li><a href="x">Rows &amp; more</a><details><summary><i></i></summary></details></li>'
    assert '</a><details><summary aria-label="Pages of Rows &amp; more"><i>' in named_folds(plain)


def test_a_signature_of_several_lines_is_no_list_of_definitions():
    lines = "f(\n<dl>\n<dd><em>a</em>,</dd>\n<dd><em>b</em>,</dd>\n</dl>\n)"
    assert signature_lines(lines).count('<span class="sig-line">') == 2
    assert "<d" not in signature_lines(lines)
    terms = "<dl>\n<dt>a</dt><dd>b</dd>\n</dl>"
    assert signature_lines(terms) == terms


def test_a_fold_of_code_is_called_by_what_is_read_on_it():
    fold = '<summary aria-label="Toggle hidden content">\n<p>Show code cell source</p></summary>'
    assert called_by_their_text(fold) == "<summary>\n<p>Show code cell source</p></summary>"
