"""Number chapters by their file names, and offer the role that says "chapter 7".

`lectures/07_denoising.md` is chapter 7, whichever chapters stand before it, so that a chapter that
is added renumbers nothing that readers cite. A chapter may go on over several pages:
`05b_removing_noise.md` is titled 5b, and its sections, statements, exercises, equations and figures
continue the counters of `05_dictionary_learning.md`.

Sphinx numbers the pages of a numbered toctree by their place in it, and takes the numbers of
figures, statements and equations from those of sections. So the first part of each number is
replaced here, between the two steps: what counts within a chapter stays Sphinx's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.environment.collectors.toctree import TocTreeCollector
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

logger = logging.getLogger(__name__)

Number = tuple[int, ...]

_NAME = re.compile(r"(?:^|/)(\d+)([a-z]?)_[^/]+$")
_TITLE = ""  # the anchor that Sphinx gives the heading of a page


@dataclass(frozen=True, order=True)
class Chapter:
    """The number of a chapter and, from its second page on, the letter of the page."""

    number: int
    letter: str = ""

    def __str__(self) -> str:
        return f"{self.number}{self.letter}"


def chapter_of(page: str) -> Chapter | None:
    """The chapter that a page belongs to by its file name; None for other pages.

    >>> print(chapter_of("lectures/07_denoising"), chapter_of("lectures/05b_removing_noise"))
    7 5b
    >>> chapter_of("book/index") is None
    True
    """
    match = _NAME.search(page)
    return None if match is None else Chapter(int(match[1]), match[2])


def _warn(problem: str) -> None:
    logger.warning(problem, type="replearn", subtype="chapters")


def _chapters(env: BuildEnvironment) -> Iterator[tuple[str, Chapter]]:
    """The pages of numbered toctrees with their chapters, in the order of `_toc.yml`."""
    before: tuple[str, Chapter] | None = None
    for page in env.toc_secnumbers:
        chapter = chapter_of(page)
        if chapter is None:
            _warn(
                f"{page} stands in a numbered part of _toc.yml: its file name must begin with the "
                "chapter's number, as 07_denoising does"
            )
            continue
        if before is not None and chapter <= before[1]:
            _warn(f"{page} stands behind {before[0]} in _toc.yml: chapters go by their numbers")
        before = page, chapter
        yield page, chapter


def _number_sections(env: BuildEnvironment, chapters: dict[str, Chapter]) -> None:
    """Put the chapter's number before those of its sections, which count on over its pages."""
    counted: dict[int, int] = {}
    for page, chapter in chapters.items():
        earlier = counted.get(chapter.number, 0)
        numbers: dict[str, Number] = {}
        for anchor, old in env.toc_secnumbers[page].items():
            sections = [old[1] + earlier, *old[2:]] if old and len(old) > 1 else []
            numbers[anchor] = (chapter.number, *sections) if old else ()
        counted[chapter.number] = max([earlier, *(n[1] for n in numbers.values() if len(n) > 1)])
        env.toc_secnumbers[page] = numbers


def _show(env: BuildEnvironment, page: str, chapter: Chapter) -> None:
    """Have the headings, the sidebars and the links to the next page show the numbers."""
    shown: dict[str, tuple[int | str, ...]] = {**env.toc_secnumbers[page], _TITLE: (str(chapter),)}
    env.toc_secnumbers[page] = shown  # type: ignore[assignment]  # "5b" is only ever printed
    env.titles[page]["secnumber"] = shown[_TITLE]
    for entry in env.tocs[page].findall(nodes.reference):
        if number := shown.get(entry.get("anchorname", _TITLE)):
            entry["secnumber"] = number


def _number(app: Sphinx, env: BuildEnvironment) -> list[str]:
    chapters = dict(_chapters(env))
    _number_sections(env, chapters)
    # They were numbered within the places of the chapters; now within their numbers.
    TocTreeCollector().assign_figure_numbers(env)
    for page, chapter in chapters.items():
        _show(env, page, chapter)
    return list(chapters)


class ChapterRole(SphinxRole):
    """``{chapter}`07_denoising``` is a link that reads "chapter 7", ``{Chapter}`` "Chapter 7"."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        chapter = chapter_of(self.text)
        if chapter is None:
            message = self.inliner.reporter.error(
                f"{{chapter}}: got {self.text!r}, want the page of a chapter, as 07_denoising",
                line=self.lineno,
            )
            return [], [message]
        # Roles are found whatever their case, and the case says how the text begins.
        word = "Chapter" if self.rawtext.lstrip("{:`").startswith("C") else "chapter"
        text = f"{word} {chapter}"
        link = pending_xref(
            self.rawtext,
            nodes.inline(text=text, classes=["doc"]),
            refdomain="std",
            reftype="doc",
            reftarget=self.text,
            refdoc=self.env.docname,
            refexplicit=True,
            refwarn=True,
        )
        return [link], []


def setup(app: Sphinx) -> None:
    """Number the chapters after Sphinx has numbered their pages (priority 500)."""
    app.add_role("chapter", ChapterRole())
    app.connect("env-get-updated", _number, priority=600)
