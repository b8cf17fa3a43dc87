"""The reference of the library: a page a module, and from every name a way there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from replearn_book.library import all_public, public_names, submodules, top_modules
from replearn_book.library_pages import (
    escape,
    escaped,
    link_without_drawings,
    page_lines,
    summary,
)

PAGES = "book/api"


def listed(root: Path) -> list[str]:
    """The pages of modules in the table of contents."""
    parts = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    chapters = [chapter for part in parts for chapter in part["chapters"]]
    (index,) = [chapter for chapter in chapters if chapter["file"] == f"{PAGES}/index"]
    return [section["file"] for section in index["sections"]]


def test_every_module_has_its_page_and_every_page_its_module(root):
    want = [f"{PAGES}/{module}" for module in top_modules()]
    assert listed(root) == want, "the pages of _toc.yml are not the library's modules"
    for page, module in zip(want, top_modules(), strict=True):
        text = (root / f"{page}.rst").read_text(encoding="utf-8")
        assert text == f"{module}\n{'=' * len(module)}\n\n.. library-module:: {module}\n"
    there = {path.stem for path in (root / PAGES).iterdir()}
    assert there == {*top_modules(), "index"}


def test_what_is_public_is_found_in_the_modules():
    names = {public.path: public for public in all_public()}
    fista = names["replearn.sparse.fista"]
    assert (fista.kind, fista.home) == ("function", "replearn.sparse.proximal_gradient")
    assert names["replearn.plotting.PALETTE"].home == "replearn.plotting.style"
    assert names["replearn.plotting.PALETTE"].kind == "data"
    assert names["replearn.data.WrongContent"].kind == "exception"
    assert names["replearn.plotting.maps.code_map"].module == "replearn.plotting.maps"
    assert not any("kernels" in path or "._" in path for path in names)
    assert submodules("replearn.pca") == []


@pytest.mark.parametrize("module", top_modules())
def test_a_page_names_everything_once(module):
    text = "\n".join(page_lines(module))
    for public in public_names(module):
        written = re.escape(public.path if public.kind != "data" else public.name)
        assert len(re.findall(rf"^\.\. [\w:]+:: {written}$", text, flags=re.MULTILINE)) == 1
        assert summary(public), f"{public.path}: says nothing of itself"


@pytest.mark.parametrize(
    ("prose", "page"),
    [
        ("the norm ||x - D h||^2", r"the norm \|\|x - D h\|\|^2"),
        ("its mean_ and ``mean_``", r"its mean\_ and ``mean_``"),
        ("h* and *all* of X*", r"h\* and *all* of X\*"),
        ("see :func:`fista` or `it`_", "see :func:`fista` or `it`_"),
        (r"already \| so", r"already \| so"),
        ("**X** : (n,)", "**X** : (n,)"),
        ("an_inner_name", "an_inner_name"),
    ],
)
def test_prose_of_a_docstring_is_no_markup(prose, page):
    assert escape(prose) == page


def test_equations_and_examples_stay_as_they_are():
    lines = ["With h_::", "", "    ||h_|| *", "", "after_ it", "", ">>> a_ | b", "c_", "", "d_"]
    want = [
        r"With h\_::",
        "",
        "    ||h_|| *",
        "",
        r"after\_ it",
        "",
        ">>> a_ | b",
        "c_",
        "",
        r"d\_",
    ]
    assert list(escaped(lines)) == want
    assert list(escaped(["S. Boyd", "1. first"])) == [r"\S. Boyd", "1. first"]


def test_drawings_stay_as_they_are_where_code_gets_links():
    drawing = '<svg viewBox="0 0 1 1"><clipPath id="a"/>\n</svg>'
    page = f"<p>{drawing}</p><p>{drawing.replace('a', 'b')}</p>"
    linked = link_without_drawings(
        "x", page, [], {}, {}, [], builder_name="html", disable_link_titles=False
    )
    assert linked == page


# What follows looks at the built book.


def test_every_public_name_has_an_anchor(html):
    missing = []
    for module in top_modules():
        page = (html / PAGES / f"{module}.html").read_text(encoding="utf-8")
        ids = set(re.findall(r'id="([^"]+)"', page))
        missing += [public.path for public in public_names(module) if public.path not in ids]
    assert missing == []


def used(chapter: Path) -> set[str]:
    """Full names of what the shown code cells of a chapter import from the library's modules."""
    cells = re.findall(r"^```\{code-cell\}.*?\n(.*?)^```", chapter.read_text(encoding="utf-8"),
                       flags=re.MULTILINE | re.DOTALL)  # fmt: skip
    shown = [cell for cell in cells if "remove-cell" not in cell.partition("\n")[0]]
    code = "\n".join(re.sub(r"^(:.*|[%!].*)$", "", cell, flags=re.MULTILINE) for cell in shown)
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("replearn."):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_public_name_in_a_chapters_code_leads_to_its_entry(html, root):
    entries = {f"{p.home}.{p.name}": p.path for p in all_public()}
    entries |= {p.path: p.path for p in all_public()}
    missing, count = [], 0
    for chapter in sorted((root / "lectures").glob("*.md")):
        page = (html / "lectures" / f"{chapter.stem}.html").read_text(encoding="utf-8")
        links = re.findall(r'<a [^>]*class="sphinx-codeautolink-a"[^>]*>', page)
        there = {link.partition("#")[2].partition('"')[0] for link in links}
        wanted = {entries[name] for name in used(chapter) if name in entries}
        count += len(wanted)
        missing += [f"{chapter.stem}: {name}" for name in sorted(wanted - there)]
    assert count > 50
    assert missing == []


def test_the_index_names_every_function(html):
    index = (html / "genindex.html").read_text(encoding="utf-8")
    for public in all_public():
        assert f'book/api/{top(public.path)}.html#{public.path}"' in index, public.path


def top(path: str) -> str:
    return ".".join(path.split(".")[:2])


@pytest.mark.browser
@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("sparse_codes", "sparse_codes"),
        ("PatchWhitener", "PatchWhitener"),
        ("threshold", "soft_threshold"),  # a part of a name: Sphinx's report 11253
    ],
)
def test_the_search_finds_a_name(browser, site, words, name):
    page = browser.new_page()
    page.goto(f"{site}/search.html?q={words}", wait_until="load")
    page.wait_for_selector(f'#search-results li a[href*="/api/replearn."][href$="{name}"]')
    links = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any(
        re.search(rf"/book/api/replearn\.\w+\.html#replearn\.[\w.]*\b{name}$", link)
        for link in links
    ), links
    page.close()
