"""HTML of a page as the Markdown that JupyterLab, VS Code and Colab read alike.

They differ in details, so some things are written in the one way that works in all of them: a
paragraph on one line, a formula within a quotation on one line (some programs cut formulas out
before they look for quotation marks), no `|` in a formula within a table, and `<img>` for pictures.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from bs4 import Comment, Tag
from bs4.element import NavigableString

from replearn_book.takealong.pictures import image_of_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bs4.element import PageElement

_INLINE = {
    *("a", "abbr", "b", "br", "cite", "code", "del", "em", "i", "img", "kbd", "mark", "q", "s"),
    *("samp", "small", "span", "strong", "sub", "sup", "u", "var"),
}
_WITHOUT_CONTENT = {"nav", "iframe", "input", "select", "video", "audio", "canvas", "form"}
_MARKS = {"em": "*", "i": "*", "cite": "*", "var": "*", "strong": "**", "b": "**"}
_AS_THEY_ARE = ("sub", "sup", "kbd", "mark", "small", "u", "s", "del")
_DRAWING = re.compile(r'<img\b[^>]*\bdata-drawing="(\d+)"[^>]*/?>')


def _classes(element: PageElement | None) -> set[str]:
    if not isinstance(element, Tag):
        return set()
    return {name for name in element.get_attribute_list("class") if name}


def _indented(text: str, by: str) -> str:
    return "\n".join(f"{by}{line}".rstrip() for line in text.split("\n"))


class Writer:
    """Writes elements of a page as Markdown.

    Parameters
    ----------
    drawings : an `<img>` for each element that has its index as `data-drawing`.
    images : the file of each picture by its name among the book's pictures.
    """

    def __init__(self, drawings: Sequence[str], images: Mapping[str, Path]) -> None:
        self._drawings, self._images = drawings, images

    def html(self, text: str) -> str:
        """HTML with the drawings put back."""
        return _DRAWING.sub(lambda found: self._drawings[int(found[1])], text).strip()

    def blocks_of(self, parent: Tag) -> Iterator[list[PageElement]]:
        """The children of an element, each block alone and inline ones together.

        A proof comes with the statement that it follows.
        """
        together: list[PageElement] = []
        for child in parent.children:
            if isinstance(child, Comment) or (isinstance(child, Tag) and not _is_shown(child)):
                continue
            empty = isinstance(child, NavigableString) and not child.strip()
            inline = isinstance(child, NavigableString) or _is_inline(child)
            proved = bool(together) and _is_statement(together[0])
            if empty and (proved or not together):
                continue
            if proved and _is_proof(child) and len(together) == 1:
                together.append(child)
                continue
            if together and (proved or not inline):
                yield together
                together = []
            if inline or _is_statement(child):
                together.append(child)
            else:
                yield [child]
        if together:
            yield together

    def text(self, block: Sequence[PageElement], *, nested: bool = False) -> str:
        """One block of :meth:`blocks_of` as Markdown; nested, if it stands within another."""
        first = block[0]
        if not isinstance(first, Tag) or _is_inline(first):
            return _paragraph("".join(map(self._inline, block)))
        if _is_statement(first):
            parts = (self._boxed(tag) for tag in block if isinstance(tag, Tag))
            return _quoted("\n\n".join(parts))
        return self._block(first, nested)

    def inside(self, parent: Tag, *, nested: bool) -> str:
        """All blocks of an element."""
        texts = (self.text(block, nested=nested) for block in self.blocks_of(parent))
        return "\n\n".join(text for text in texts if text)

    def _block(self, tag: Tag, nested: bool) -> str:
        classes = _classes(tag)
        if "math" in classes:
            return _display(tag, nested)
        if "admonition" in classes:
            return self._admonition(tag, classes)
        if language := next((name for name in classes if name.startswith("highlight-")), None):
            return _fenced(tag, language.removeprefix("highlight-"))
        if re.fullmatch("h[1-6]", tag.name):
            return f"{'#' * int(tag.name[1])} {self._line(tag)}"
        match tag.name:
            case "p":
                return _paragraph(self._line(tag))
            case "ol" | "ul":
                return self._list(tag)
            case "dl":
                return self._definitions(tag)
            case "pre":
                return _fenced(tag, "")
            case "blockquote":
                return _quoted(self.inside(tag, nested=True))
            case "table":
                return self._table(tag)
            case "figure":
                return self._figure(tag, nested)
            case "details":
                return self._folded(tag, tag.find("summary"))
            case "hr":
                return "---"
            case _:
                return self.inside(tag, nested=nested)

    def _boxed(self, tag: Tag) -> str:
        """A statement, an exercise, a proof or a note: its title in bold, then its text."""
        title = tag.find("p", class_="admonition-title", recursive=False)
        if not isinstance(title, Tag):
            return self.inside(tag, nested=True)
        said = self._line(title)
        title.extract()
        text = self.inside(tag, nested=True)
        if not said:
            return text
        stop = "" if said.endswith((".", "?", "!", ":")) else "."
        return f"**{said}{stop}**\n\n{text}"

    def _admonition(self, tag: Tag, classes: set[str]) -> str:
        if classes & {"dropdown", "toggle"}:
            return self._folded(tag, tag.find("p", class_="admonition-title"))
        return _quoted(self._boxed(tag))

    def _folded(self, tag: Tag, title: object) -> str:
        """What opens at a click. HTML, so that the title can't hold Markdown but formulas."""
        said = "More"
        if isinstance(title, Tag):
            said = " ".join(_as_html(title).split())
            title.extract()
        text = self.inside(tag, nested=True)
        return f"<details>\n<summary>{said}</summary>\n\n{text}\n\n</details>"

    def _list(self, tag: Tag) -> str:
        start = int(str(tag.get("start", "1")))
        items = []
        for number, item in enumerate(tag.find_all("li", recursive=False), start):
            mark = f"{number}. " if tag.name == "ol" else "- "
            text = _indented(self.inside(item, nested=True), " " * len(mark))
            items.append(mark + text.lstrip())
        loose = any("\n\n" in item for item in items)
        return ("\n\n" if loose else "\n").join(items)

    def _definitions(self, tag: Tag) -> str:
        lines = []
        for part in tag.find_all(["dt", "dd"], recursive=False):
            if part.name == "dt":
                lines.append(f"- **{self._line(part)}**")
            else:
                lines.append(_indented(self.inside(part, nested=True), "  "))
        return "\n\n".join(lines)

    def _table(self, tag: Tag) -> str:
        rows = [
            [self._table_cell(cell) for cell in row.find_all(["th", "td"])]
            for row in tag.find_all("tr")
        ]
        if not rows:
            return ""
        columns = max(map(len, rows))
        lines = [f"| {' | '.join(row + [''] * (columns - len(row)))} |" for row in rows]
        lines.insert(1, f"|{' --- |' * columns}")
        text = "\n".join(lines)
        caption = tag.find("caption")
        return f"{self._line(caption)}\n\n{text}" if isinstance(caption, Tag) else text

    def _table_cell(self, cell: Tag) -> str:
        text = self.inside(cell, nested=True) if cell.find("p") else self._line(cell)

        def no_bar(found: re.Match[str]) -> str:
            return found[0].replace(r"\|", r"\Vert ").replace("|", r"\vert ")

        text = re.sub(r"\$[^$]*\$", no_bar, text)
        return re.sub(r"(?<!\\)\|", r"\\|", text).replace("\n\n", "<br>").replace("\n", " ")

    def _figure(self, tag: Tag, nested: bool) -> str:
        caption = tag.find("figcaption")
        said = ""
        if isinstance(caption, Tag):
            said = self.inside(caption.extract(), nested=nested)
        return "\n\n".join(filter(None, [self.inside(tag, nested=nested), said]))

    def _line(self, tag: Tag) -> str:
        """The content of an element on one line."""
        return " ".join("".join(map(self._inline, tag.children)).split())

    def _inline(self, node: PageElement) -> str:
        if isinstance(node, Comment):
            return ""
        if isinstance(node, NavigableString):
            return _escaped(str(node))
        assert isinstance(node, Tag)
        if "math" in _classes(node):
            return _formula(node)
        if node.name == "img":
            return self._picture(node)
        if node.name == "br":
            return "<br>"
        if node.name in ("code", "samp"):
            return _code(node.get_text())
        text = "".join(map(self._inline, node.children))
        if node.name == "a":
            if "tested-by" in _classes(node.parent):  # the theme sets the test's name as code
                return _code(node.get_text())
            return _link(text, str(node.get("href", "")))
        if node.name in _AS_THEY_ARE:
            return f"<{node.name}>{text}</{node.name}>"
        if node.name == "q":
            return f"“{text}”"
        return _marked(text, node) if node.name in _MARKS else text

    def _picture(self, tag: Tag) -> str:
        if (index := tag.get("data-drawing")) is not None:
            return self._drawings[int(str(index))]
        address = str(tag.get("src", ""))
        if re.match(r"[a-z]+:", address):
            return str(tag)
        path = self._images.get(PurePosixPath(unquote(address)).name)
        if path is None:
            raise ValueError(f"the picture {address!r} is none of the book's")
        return image_of_file(path, str(tag.get("alt", "")), str(tag.get("width", "")))


def _is_shown(tag: Tag) -> bool:
    return tag.name not in _WITHOUT_CONTENT


def _is_inline(node: PageElement) -> bool:
    return isinstance(node, Tag) and node.name in _INLINE


def _is_statement(node: PageElement) -> bool:
    """A theorem and the like, but no proof."""
    return {"proof", "admonition"} < _classes(node)


def _is_proof(node: PageElement) -> bool:
    return _classes(node) == {"proof", "admonition"}


def _quoted(text: str) -> str:
    return _indented(text, "> ")


def _paragraph(text: str) -> str:
    """Text on one line, whose beginning makes no heading, list or rule."""
    line = " ".join(text.split())
    return re.sub(r"^(#{1,6} |>|[-+=] |[-=]{3,}$|\d+(?=[.)] ))", _first_escaped, line)


def _first_escaped(found: re.Match[str]) -> str:
    start = found[0]
    return f"{start[:-1]}&#{ord(start[-1])};" if start[-1].isdigit() else f"\\{start}"


def _escaped(text: str) -> str:
    """Text in which nothing is taken for Markdown."""
    text = text.replace("\u00a0", " ").replace("&", "&amp;").replace("<", "&lt;")
    text = re.sub(r"([\\`*~])", r"\\\1", text)
    text = re.sub(r"(?<!\w)_|_(?!\w)", r"\\_", text)
    return text.replace("$", r"\$").replace("](", "]&#40;").replace("]:", "]&#58;")


def _formula(tag: Tag) -> str:
    tex = re.sub(r"^\\\(|\\\)$", "", tag.get_text().strip())
    return f"${' '.join(tex.split())}$"


def _display(tag: Tag, nested: bool) -> str:
    number = tag.find(class_="eqno")
    label = ""
    if isinstance(number, Tag):
        label = rf" \tag{{{number.extract().get_text().strip().strip('()')}}}"
    tex = tag.get_text().strip()
    tex = re.sub(r"^\\\[|\\\]$", "", tex).strip()
    lines = [line.strip() for line in re.sub(r"(?<!\\)%.*", "", tex).split("\n")]
    lines = [line for line in lines if line]
    lines[-1] += label
    return f"$${' '.join(lines)}$$" if nested else "\n".join(["$$", *lines, "$$"])


def _fenced(tag: Tag, language: str) -> str:
    """A block of code; Sphinx calls default or none what has no language of its own."""
    text = tag.get_text().strip("\n")
    fence = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    language = {"default": "", "none": "", "ipython3": "python"}.get(language, language)
    return f"{fence}{language}\n{text}\n{fence}"


def _code(text: str) -> str:
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{room}{text}{room}{fence}"


def _link(text: str, address: str) -> str:
    """A link that leads out of the book; within the book the text says where."""
    return f"[{text}]({address})" if re.match(r"https?:|mailto:", address) else text


def _marked(text: str, tag: Tag) -> str:
    """Emphasis; as HTML where Markdown's rule of what stands beside a mark would fail."""
    inner = text.strip()
    if not inner:
        return text
    before, after = tag.previous_sibling, tag.next_sibling
    left = before.get_text()[-1:] if before is not None else ""
    right = after.get_text()[:1] if after is not None else ""
    fails = (left.isalnum() and not inner[0].isalnum()) or (
        right.isalnum() and not inner[-1].isalnum()
    )
    if fails or (tag.name in ("em", "i") and (left.isalnum() or right.isalnum())):
        return text.replace(inner, f"<{tag.name}>{inner}</{tag.name}>", 1)
    mark = _MARKS[tag.name]
    return text.replace(inner, f"{mark}{inner}{mark}", 1)


def _as_html(tag: Tag) -> str:
    """A title on one line in HTML: text, emphasis and formulas."""
    parts = []
    for node in tag.children:
        if isinstance(node, Tag) and "math" in _classes(node):
            parts.append(_formula(node).replace("<", r"\lt "))
        elif isinstance(node, Tag):
            inner = _as_html(node)
            marked = node.name in _MARKS or node.name == "code"
            parts.append(f"<{node.name}>{inner}</{node.name}>" if marked else inner)
        elif isinstance(node, NavigableString):
            text = str(node).replace("&", "&amp;").replace("<", "&lt;")
            parts.append(text.replace("$", "&#36;"))
    return "".join(parts)
