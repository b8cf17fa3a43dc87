"""On paper: light from either theme, code and solutions open, nothing to click."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.browser

CHAPTER = "lectures/04_sparse_coding.html"
STATE = """() => {
    const visible = { opacityProperty: true, visibilityProperty: true };
    const shown = (node) => node.checkVisibility(visible)
        && node.getBoundingClientRect().height > 0;
    const all = (selector) => [...document.querySelectorAll(selector)];
    const count = (selector) => all(selector).filter(shown).length;
    return {
        theme: document.documentElement.dataset.theme,
        ground: getComputedStyle(document.body).backgroundColor,
        ink: getComputedStyle(document.querySelector("article p")).color,
        code: count("details.hide pre"),
        solutions: count(".admonition.solution .admonition-title ~ * p"),
        around: count(".bd-sidebar-primary, .bd-sidebar-secondary, .bd-header, .bd-header-article,"
                      + " .prev-next-footer, .bd-footer, .toggle-button"),
    };
}"""


def brightness(colour: str) -> float:
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_is_light_and_shows_what_is_folded(visit, site, scheme):
    page = visit(color_scheme=scheme).open(f"{site}/{CHAPTER}")
    screen = page.evaluate(STATE)
    assert screen["theme"] == scheme
    assert screen["code"] == screen["solutions"] == 0
    assert screen["around"] > 3

    page.emulate_media(media="print", color_scheme=scheme)
    page.wait_for_function("() => document.documentElement.dataset.theme === 'light'")
    page.wait_for_timeout(500)  # the theme fades solutions in
    paper = page.evaluate(STATE)
    assert brightness(paper["ground"]) > 240
    assert brightness(paper["ink"]) < 100
    folded = page.locator(".bd-article details.hide").count()
    assert paper["code"] >= folded > 3
    assert paper["solutions"] > 3
    assert paper["around"] == 0

    page.emulate_media(media="screen", color_scheme=scheme)
    page.wait_for_function(f"() => document.documentElement.dataset.theme === '{scheme}'")
    assert page.evaluate(STATE)["code"] == 0


def test_a_pdf_is_made_of_the_light_page_with_everything_open(visit, site):
    page = visit(color_scheme="dark").open(f"{site}/{CHAPTER}")
    page.evaluate(
        f"() => addEventListener('beforeprint', () => {{ window.printed = ({STATE})(); }})"
    )
    pdf = page.pdf(print_background=True)
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 10
    assert page.evaluate("() => window.printed.theme") == "light"
    assert page.locator(".bd-article details.hide:not([open])").count() > 3
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"


def test_captions_have_the_weight_of_text(visit, site):
    page = visit().open(f"{site}/{CHAPTER}")
    weights = page.eval_on_selector_all(
        "figcaption, figcaption *", "all => all.map(c => getComputedStyle(c).fontWeight)"
    )
    assert weights
    assert min(map(int, weights)) >= 400
