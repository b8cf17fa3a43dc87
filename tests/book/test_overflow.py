"""Nothing is cut: on a desktop all fits, on a phone what scrolls says so and takes the keyboard."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 812}
CHAPTER = "lectures/04_sparse_coding.html"

# What scrolls sideways within an article, what is wider than its place without scrolling, and the
# start of each one's TeX or text. Code may be wider: its lines are as long as they are written.
WIDE = """() => {
    const article = document.querySelector("article.bd-article");
    if (!article) return [];
    const unfolded = (box) => box.getClientRects().length > 0 && !box.closest(".toggle-hidden");
    const parts = [...article.querySelectorAll(
        "mjx-container, table, figure, .replearn-table, .output, .pst-scrollable-table-container")];
    const said = (box) => {
        const math = box.querySelector("mjx-assistive-mml");
        const label = box.closest("[id^=equation]")?.id ?? box.closest("[id]")?.id ?? "";
        return label + ": " + (math ?? box).textContent.replace(/\\s+/g, " ").trim().slice(0, 60);
    };
    const right = article.getBoundingClientRect().right;
    return parts.filter(unfolded).flatMap((box) => {
        const style = getComputedStyle(box);
        const inline = box.tagName === "MJX-CONTAINER" && !box.hasAttribute("display");
        const scrolls = style.display !== "inline" && box.scrollWidth > box.clientWidth + 1
            && /auto|scroll|hidden/.test(style.overflowX);
        const within = box.parentElement.closest("mjx-container, .output, .replearn-table, "
            + ".pst-scrollable-table-container");
        const sticksOut = !within && box.getBoundingClientRect().right > right + 1;
        if (!scrolls && !sticksOut) return [];
        return [{ said: said(box), inline, scrolls,
                  cue: getComputedStyle(box).maskImage !== "none",
                  reached: box.tabIndex === 0 && Boolean(box.getAttribute("aria-label")) }];
    });
}"""


def wide_parts(visit, site, pages, size) -> dict[str, list[dict]]:
    """What does not fit, by page."""
    shown = visit(viewport=size)
    found = {}
    for path in pages:
        page = shown.open(f"{site}/{path.as_posix()}")
        page.wait_for_function("() => document.documentElement.dataset.fitted")
        found[path.as_posix()] = page.evaluate(WIDE)
    return {name: parts for name, parts in found.items() if parts}


def test_on_a_desktop_no_formula_table_or_figure_is_cut(visit, site, pages):
    wide = wide_parts(visit, site, pages, DESKTOP)
    assert {name: [part["said"] for part in parts] for name, parts in wide.items()} == {}


def test_on_a_phone_what_scrolls_shows_it_and_no_inline_formula_is_cut(visit, site, pages):
    wide = wide_parts(visit, site, pages, PHONE)
    bad = {
        name: [
            part["said"]
            for part in parts
            if part["inline"] or not (part["scrolls"] and part["cue"] and part["reached"])
        ]
        for name, parts in wide.items()
    }
    assert {name: parts for name, parts in bad.items() if parts} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_cue_follows_what_is_cut(visit, site, scheme):
    shown = visit(viewport={"width": 320, "height": 812}, color_scheme=scheme)
    page = shown.open(f"{site}/{CHAPTER}")
    page.wait_for_function("() => document.documentElement.dataset.fitted")
    handle = page.query_selector('mjx-container[display="true"][data-cut="right"]')
    assert "to left" in handle.evaluate("box => getComputedStyle(box).maskImage")
    handle.evaluate("box => { box.scrollLeft = box.scrollWidth; }")
    page.wait_for_function("box => box.dataset.cut === 'left'", arg=handle)
    assert "to right" in handle.evaluate("box => getComputedStyle(box).maskImage")
    page.set_viewport_size({"width": 1600, "height": 900})
    page.wait_for_function("box => box.dataset.cut === undefined", arg=handle)
    assert handle.get_attribute("tabindex") is None
