"""The pages in a browser: nothing is fetched from elsewhere, and everything works and fits."""

from __future__ import annotations

import re
from urllib.parse import unquote, urldefrag, urljoin

import pytest

pytestmark = pytest.mark.browser

CHAPTER = "lectures/03_pca.html"
PHONE = {"width": 375, "height": 812}


def test_every_page_opens_without_errors_and_asks_nobody_else(visit, site, pages):
    assert pages
    shown = visit()
    for page in pages:
        shown.open(f"{site}/{page.as_posix()}")
    assert shown.errors == []
    assert shown.others(site) == []


def test_the_folder_opens_on_the_front_page(visit, site):
    page = visit().open(f"{site}/")
    page.wait_for_url("**/book/index.html")


def test_mathematics_is_rendered(visit, site, pages):
    shown = visit()
    count = {}
    for path in pages:
        page = shown.open(f"{site}/{path.as_posix()}")
        count[path.as_posix()] = page.locator("mjx-container").count()
        assert page.locator("mjx-merror, [data-mjx-error]").count() == 0, path
        # What is left of the text without code and without what MathJax made of formulas.
        text = page.evaluate(
            """() => {
                const copy = document.querySelector("article, main, body").cloneNode(true);
                const gone = "code, pre, script, style, mjx-container, svg";
                copy.querySelectorAll(gone).forEach(node => node.remove());
                return copy.textContent;
            }"""
        )
        raw = re.findall(r".{0,30}(?:\\\(|\\\[|\$\$?[^\s\d]|\\begin\{).{0,30}", text)
        assert raw == [], path
    assert count[CHAPTER] > 20


def test_the_search_button_opens_the_search(visit, site):
    page = visit().open(f"{site}/{CHAPTER}")
    page.locator("button.search-button:visible, button.search-button-field:visible").first.click()
    field = page.locator(
        "#pst-search-dialog input[type=search], .search-button__search-container input[type=search]"
    ).first
    field.fill("eigenvalue")
    field.press("Enter")
    page.wait_for_selector("#search-results li a")
    assert "search.html" in page.url


def ink(page) -> str:
    return page.eval_on_selector("figure.replearn-figure svg", "svg => getComputedStyle(svg).color")


def test_the_theme_switch_changes_page_and_figures(visit, site):
    shown = visit(color_scheme="light")
    page = shown.open(f"{site}/{CHAPTER}")
    seen = {page.evaluate("() => document.documentElement.dataset.theme"): ink(page)}
    for _ in range(3):  # automatic, light, dark
        page.locator("button.theme-switch-button:visible").first.click()
        seen[page.evaluate("() => document.documentElement.dataset.theme")] = ink(page)
    assert set(seen) == {"light", "dark"}
    assert seen["light"] != seen["dark"]
    assert shown.errors == []


def test_a_figure_stands_on_the_ground_of_the_page(visit, site):
    page = visit(color_scheme="dark").open(f"{site}/{CHAPTER}")
    grounds = page.evaluate(
        """() => [...document.querySelectorAll("figure.replearn-figure")].map(figure => {
            const clear = "rgba(0, 0, 0, 0)";
            let node = figure;
            while (getComputedStyle(node).backgroundColor === clear) node = node.parentElement;
            return getComputedStyle(node).backgroundColor;
        })"""
    )
    assert grounds
    for ground in grounds:  # the theme's own panel in the dark is light grey
        assert max(map(int, re.findall(r"\d+", ground)[:3])) < 64, ground


def test_no_page_scrolls_sideways_on_a_phone(visit, site, pages):
    shown = visit(viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True)
    wide = {}
    for path in pages:
        page = shown.open(f"{site}/{path.as_posix()}")
        width = page.evaluate("() => document.documentElement.scrollWidth")
        if width > PHONE["width"]:
            wide[path.as_posix()] = width
    assert wide == {}


def test_every_link_within_the_book_leads_somewhere(visit, site, pages):
    shown = visit()
    links: dict[str, set[str]] = {}
    ids: dict[str, set[str]] = {}
    for path in pages:
        address = f"{site}/{path.as_posix()}"
        page = shown.open(address)
        ids[address] = set(page.eval_on_selector_all("[id]", "all => all.map(node => node.id)"))
        hrefs = page.eval_on_selector_all(
            "a[href]", "all => all.map(node => node.getAttribute('href'))"
        )
        links[address] = {urljoin(address, href) for href in hrefs}
    broken = []
    request = shown.context.request
    status: dict[str, int] = {}
    for source, targets in links.items():
        for link in targets:
            if not link.startswith(f"{site}/"):
                continue
            target, fragment = urldefrag(link)
            target = target.split("?")[0]
            if target not in ids:
                if target not in status:
                    status[target] = request.get(target).status
                if status[target] >= 400:
                    broken.append(f"{source} -> {link}")
            elif fragment and unquote(fragment) not in ids[target]:
                broken.append(f"{source} -> {link}")
    assert sorted(broken) == []


def test_every_image_has_an_alternative_text(visit, site, pages):
    shown = visit()
    for path in pages:
        page = shown.open(f"{site}/{path.as_posix()}")
        images = page.eval_on_selector_all(
            "img", "all => all.filter(i => !i.alt.trim()).map(i => i.outerHTML)"
        )
        assert images == [], path
        short = page.eval_on_selector_all(
            "figure.replearn-figure [role=img]",
            "all => all.map(s => s.getAttribute('aria-label') || '').filter(t => t.length < 20)",
        )
        assert short == [], path
