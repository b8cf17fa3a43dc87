"""The executed notebook, exported as nbgrader's formgrader does, has nothing active of a student's.

A page is parsed, and every element that could act is compared with the same page of a student who
wrote nothing.
"""

from __future__ import annotations

import base64
import io
import json
import re
import struct
import time
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.image import imsave
from nbconvert.exporters import HTMLExporter
from nbgrader.server_extensions.formgrader.handlers import template_path
from traitlets.config import Config

from autograder.assignments.source import Assignment
from autograder.reports import executed_notebook as module
from autograder.reports import pictures
from autograder.reports.executed_notebook import plain, safe_markdown, to_notebook
from gradekit.notebook import Cell, Extra, Submission, assemble

ACTIVE = {"script", "iframe", "object", "embed", "applet", "base", "meta", "link", "style", "form"}
ACTIVE |= {"svg", "math", "img", "button", "textarea", "template", "frame", "video", "audio"}
ADDRESSES = {"href", "src", "action", "formaction", "data", "srcdoc", "xlink:href", "srcset"}


def picture(kind: str = "png") -> str:
    file = io.BytesIO()
    imsave(file, [[0.0, 1.0], [1.0, 0.0]], format=kind)
    return base64.b64encode(file.getvalue()).decode()


class Page(HTMLParser):
    """Counts what could act in a page; keeps the ids, the addresses and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.active: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.images: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ACTIVE and not (tag == "img" and dict(attrs).get("src", "").startswith(PIXELS)):
            self.active[tag] += 1
        for name, value in attrs:
            text = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name == "style":
                self.active[name] += 1
            elif name in ADDRESSES and not text.startswith(("http://", "https://", "#", *PIXELS)):
                self.active[f"{name}={text}"] += 1
            elif name == "id":
                self.ids[value or ""] += not (value or "").startswith("cell-id=")
            elif name == "class" and "mermaid" in text:
                self.active["mermaid"] += 1
            if tag == "img" and name == "src":
                self.images.append(text)

    def handle_data(self, data: str) -> None:
        self.text += data

    def unknown_decl(self, data: str) -> None:
        self.active["declaration"] += 1

    handle_comment = handle_pi = unknown_decl


PIXELS = ("data:image/png;base64,", "data:image/jpeg;base64,")


@pytest.fixture(scope="module")
def exporter() -> HTMLExporter:
    config = Config()  # as in nbgrader's FormgradeExtension.build_extra_config
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [template_path]
    return HTMLExporter(config=config)


def steps_of(assignment: Assignment, answers: dict[str, str], *extras: Extra) -> list[Cell]:
    return assemble(assignment.cells, Submission("s", assignment.name, answers, extras))


def export(exporter: HTMLExporter, content: dict[str, Any]) -> Page:
    names = ("assignment_id", "notebook_id", "base_url", "student", "last_name", "first_name")
    resources: dict[str, Any] = dict.fromkeys(names, "")
    resources |= {"submission_id": "s", "index": 0, "total": 1, "notebook_path": "n"}
    text = json.dumps(content)
    notebook = nbformat.reads(text, as_version=nbformat.current_nbformat)
    nbformat.validate(notebook)
    html, _ = exporter.from_notebook_node(notebook, resources=resources)
    html.encode()
    return Page(html)


@pytest.fixture(scope="module")
def bare(exporter: HTMLExporter, assignment: Assignment) -> Page:
    return export(exporter, to_notebook(steps_of(assignment, {}), {}))


def page_of_text(exporter: HTMLExporter, assignment: Assignment, text: str) -> Page:
    """A page with a text as manual answer, as code, and as a markdown cell of the student's own."""
    extra = Extra(1, "markdown", text)
    steps = steps_of(assignment, {"q1_mean": text, "q3_reason": text}, extra)
    return export(exporter, to_notebook(steps, {}))


def added(page: Page, bare: Page) -> Counter[str]:
    return page.active - bare.active


MARKDOWN = {
    "script": "<script>alert(1)</script>",
    "script block": "text\n\n<script>\nalert(1)\n</script>\n\ntext",
    "mixed case": "<ScRiPt SRC=//evil.example/x.js></sCrIpT>",
    "unclosed": "<script src=//evil.example/x.js",
    "unclosed img": '<img src="x` `<script>alert(1)</script>"` `>',
    "svg": "<svg onload=alert(1)>",
    "svg slash": "<svg/onload=alert(1)//",
    "img": "<img src=x onerror=alert(1)>",
    "image slash": "<IMG/SRC=x/OnErRoR=alert(1)>",
    "iframe": '<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"></iframe>',
    "object": "<object data=javascript:alert(1)></object><embed src=javascript:alert(1)>",
    "form": "<form action=javascript:alert(1)><button formaction=javascript:alert(1)>go",
    "style": "<style>@import 'https://evil.example/x.css';</style>",
    "meta": '<meta http-equiv="refresh" content="0;url=javascript:alert(1)">',
    "base": "<base href=https://evil.example/>",
    "comment": "<!-- > <img src=x onerror=alert(1)> -->",
    "comment end": "<!--><script>alert(1)</script>-->",
    "cdata": "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "declaration": "<!DOCTYPE html [<!ENTITY x 'y'>]>",
    "instruction": "<?xml version='1.0'?><?php echo 1 ?>",
    "closing": "</div></div></textarea></script></style><img src=x onerror=alert(1)>",
    "control character": "<\x00script>alert(1)</script><\x08img src=x onerror=alert(1)>",
    "invisible": "<\u200bscript>alert(1)</script\u202e>",
    "broken line": "<\nscript>alert(1)<\n/script>\n\n> <\n> img src=x onerror=alert(1)>",
    "escaped": r"\<script>alert(1)\</script> <\img src=x onerror=alert(1)>",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img src=x onerror=alert(1)&#62;",
    "double entities": "&amp;lt;img src=x onerror=alert(1)&amp;gt;",
    "heading": "# <img src=x onerror=alert(1)>\n\n## &lt;svg onload=alert(1)&gt;",
    "link": "[a](javascript:alert(1))",
    "link spaced": "[a]( javascript:alert(1) ) [a](\njavascript:alert(1))",
    "link case": "[a](JaVaScRiPt:alert(1))",
    "link entity": "[a](java&#115;cript:alert(1)) [a](javascript&colon;alert(1))",
    "link twice": "[a](java&amp;#115;cript:alert(1)) [a](javascript&amp;colon;alert(1))",
    "link percent": "[a](%6Aavascript:alert(1)) [a](java%0Ascript:alert(1))",
    "link control": "[a](\x01javascript:alert(1)) [a](java\tscript:alert(1))",
    "link angle": "[a](<javascript:alert(1)>) [a](< javascript:alert(1)>)",
    "link data": "[a](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "link vbscript": "[a](vbscript:msgbox(1)) [a](file:///etc/passwd) [a](blob:x)",
    "link files": "[a](files/javascript:alert(1)) [a](/files/javascript:alert(1))",
    "link title": "[a](https://e.example 'x\" onmouseover=\"alert(1)')",
    "link quote": '[a](https://e.example/"onmouseover="alert(1)) https://e.example/"onclick="x',
    "nested": "[![a](javascript:alert(1))](javascript:alert(2))",
    "reference": "[a][b]\n\n[b]: javascript:alert(1)",
    "reference lines": "[a]\n\n[a]:\n   javascript:alert(1)\n   'title'",
    "reference nested": "> [a]\n>\n> [a]: <javascript:alert(1)>\n\n- [c]\n\n  [c]: vbscript:x",
    "reference title": "[a]: https://e.example '\"><img src=x onerror=alert(1)>'\n\n[a]",
    "image": '![x](x"onerror="alert(1)) ![x](https://evil.example/pixel.png)',
    "image title": "![x](x 'y\" onerror=\"alert(1)')",
    "image alt": '![x" onerror="alert(1)](https://e.example/x.png)',
    "image reference": "![x][y]\n\n[y]: https://evil.example/pixel.png '\" onerror=\"alert(1)'",
    "image svg": "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+)",
    "image not one": "![x](data:image/png;base64,PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+)",
    "attachment missing": "![x](attachment:secret.png) [x](attachment:y) ![y][z]\n\n"
    "[z]: attachment:q",
    "autolink": "<javascript:alert(1)> <data:text/html,x> <x@evil.example>",
    "bare address": 'https://evil.example/<img/src=x/onerror=alert(1)> https://e.example/"x',
    "mathematics": "$<img src=x onerror=alert(1)>$ $$<svg/onload=alert(1)>$$",
    "environment": "\\begin{a}<img src=x onerror=alert(1)>\\end{a} \\\\[<script>x</script>\\\\]",
    "TeX link": r"$\href{javascript:alert(1)}{x}$ $$\require{html}\style{x}{y}$$ \href{x}{y}",
    "code": "`<img src=x onerror=alert(1)>` ``` <script>alert(1)</script> ```",
    "fence": "```\n</pre><script>alert(1)</script>\n```",
    "fence language": '```x"onmouseover="alert(1)\n</code><img src=x onerror=alert(1)>\n```',
    "mermaid": "```mermaid\n<img src=x onerror=alert(1)>\n&lt;img src=x onerror=alert(1)&gt;\n```",
    "mermaid nested": "> - ~~~ \u00a0MERMAID\n>   &lt;img src=x onerror=alert(1)&gt;\n>   ~~~\n"
    '\n1. ```mermaid\n   click A "javascript:alert(1)"\n   ```',
    "table": "|a|b|\n|-|-|\n|<script>alert(1)</script>|[x](javascript:alert(1))|",
    "definitions": "a\n: <script>alert(1)</script>\n: # q1_mean\n",
    "template": "{{ cell.__class__ }} {% raw %} <% x %> ${x}",
    "magic": "%%html\n<script>alert(1)</script>",
    "field's id": "# q3_reason\n\nq3_reason-comment\n===\n\n- ## q1_small_visible\n\n"
    "> statusmessage\n> ---\n\n1. # q3&#95;reason\n\n#q3_**reason**\n\n   # notebook #",
}


@pytest.mark.parametrize("payload", MARKDOWN)
def test_no_text_becomes_active(
    payload: str, exporter: HTMLExporter, assignment: Assignment, bare: Page
) -> None:
    page = page_of_text(exporter, assignment, MARKDOWN[payload])
    assert added(page, bare) == Counter()
    assert all(page.ids[name] == count for name, count in bare.ids.items())
    assert len(page.text) > len(bare.text)


_PIECES = st.sampled_from(
    [
        *("<", ">", "!", "/", "?", "[", "]", "(", ")", ":", '"', "'", "`", "```", "~~~", "$", "$$"),
        *("script", "img src=x onerror=alert(1)", "svg onload=x", "javascript:alert(1)", "\\", "&"),
        *("&lt;", "&gt;", "&#60;", "&quot;", "\n", "\n\n", " ", "    ", "> ", "- ", "# ", "|", "*"),
        *("mermaid", "https://e.example/", "attachment:x", "files/", "data:text/html,x", "===\n"),
        *("\\begin{a}", "\\end{a}", "\x00", "\u200b", "\r", "q3_reason", "src=", "href=", "=", "_"),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_no_mixture_becomes_active(
    exporter: HTMLExporter, assignment: Assignment, bare: Page, text: str
) -> None:
    steps = steps_of(assignment, {"q3_reason": text})
    page = export(exporter, to_notebook(steps, {}))
    assert added(page, bare) == Counter()
    assert all(page.ids[name] == count for name, count in bare.ids.items())


HONEST = """For a < b and $x<y$ and $$\\sum_{i<n} x_i$$ the mean is **not** smaller.

| n | error |
|---|-------|
| 1 | a<3   |

```python
if a<b:
    # compare
    print(f(x)[0])
```

1. see [the book](https://book.example/page.html?x=1&y=2#part)
2. [here](#above)

![proof](data:image/png;base64,PICTURE)
"""


def test_honest_markdown_stays_readable(exporter: HTMLExporter, assignment: Assignment) -> None:
    text = HONEST.replace("PICTURE", picture())
    steps = steps_of(assignment, {"q3_reason": text})
    content = to_notebook(steps, {})
    html, _ = exporter.from_notebook_node(
        nbformat.from_dict(content),
        resources={"submission_id": "s", "index": 0, "total": 1},
    )
    for wanted in (
        "For a &lt; b and $x&lt; y$",
        "$$\\sum_{i&lt; n} x_i$$",
        "<strong>not</strong>",
        "<td>a&lt; 3",
        '<a href="https://book.example/page.html?x=1&amp;y=2#part">the book</a>',
        '<a href="#above">here</a>',
        f'<img alt="proof" src="data:image/png;base64,{picture()}"/>',
    ):
        shown = wanted.replace("a&lt; 3", "a&lt;3").replace("\\sum", "\\sum")
        assert shown in html
    words = Page(html).text
    assert "print(f(x)[0])" in words
    assert "# \u00a0compare" in words


def test_the_authors_own_cells_are_untouched(assignment: Assignment) -> None:
    content = to_notebook(steps_of(assignment, {}), {})
    shown = [cell["source"] for cell in content["cells"]]
    for cell, source in zip(assignment.cells, shown, strict=True):
        if cell.role in ("given", "test"):
            assert source == cell.source


def shown_outputs(assignment: Assignment, *outputs: Any) -> list[dict[str, Any]]:
    steps = steps_of(assignment, {"q1_mean": "1"})
    index = next(i for i, s in enumerate(steps) if s.grade_id == "q1_mean")
    content = to_notebook(steps, {index: list(outputs)})
    nbformat.validate(nbformat.from_dict(content))
    return list(content["cells"][index]["outputs"])


def display(**data: Any) -> dict[str, Any]:
    named = {key.replace("__", "/"): value for key, value in data.items()}
    return {"output_type": "display_data", "data": named, "metadata": {"isolated": True}}


XSS = "<img src=x onerror=alert(1)>"
OUTPUTS: dict[str, Any] = {
    "html": display(text__html=XSS),
    "html and text": display(text__html=XSS, text__plain=XSS),
    "svg": {"output_type": "display_data", "data": {"image/svg+xml": "<svg onload=alert(1)>"}},
    "javascript": display(application__javascript="alert(1)"),
    "widget": {
        "output_type": "display_data",
        "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "</script>" + XSS}},
    },
    "latex": display(text__latex=r"$\href{javascript:alert(1)}{x}$" + XSS),
    "markdown": display(text__markdown="[x](javascript:alert(1))" + XSS),
    "pdf": display(application__pdf="JVBERi0="),
    "false png": display(image__png='x" onerror="alert(1)'),
    "false jpeg": display(image__jpeg="PHN2Zy8+"),
    "png as list": display(image__png=[XSS], text__plain=[XSS, XSS]),
    "file names": {
        "output_type": "display_data",
        "data": {"image/png": picture()},
        "metadata": {
            "filenames": {"image/png": 'x" onerror="alert(1)'},
            "image/png": {"width": "1 onload=alert(1)", "alt": '"><script>'},
        },
    },
    "kind": display(**{"text/x<script>": XSS}),
    "result": {"output_type": "execute_result", "data": {"text/html": XSS}, "execution_count": XSS},
    "stream": {"output_type": "stream", "name": XSS, "text": XSS},
    "stream list": {"output_type": "stream", "name": "stderr", "text": [XSS, 7, None]},
    "error": {"output_type": "error", "ename": XSS, "evalue": XSS, "traceback": [XSS, 7]},
    "error of other types": {"output_type": "error", "ename": 7, "evalue": None, "traceback": XSS},
    "terminal codes": {
        "output_type": "error",
        "ename": "E",
        "evalue": "",
        "traceback": ["\x1b[31mred\x1b[0m \x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07 \x9b1m"],
    },
    "comm": {"output_type": "comm_msg", "data": {"x": XSS}},
    "no kind": {},
    "number": 7,
    "nested": [[XSS]],
    "surrogate": {"output_type": "stream", "name": "stdout", "text": "\ud800\x00\u202eabc"},
    "data list": {"output_type": "display_data", "data": [XSS]},
    "keys": {"output_type": "display_data", "data": {7: XSS, None: XSS}},
}


@pytest.mark.parametrize("payload", OUTPUTS)
def test_no_output_becomes_active(
    payload: str, exporter: HTMLExporter, assignment: Assignment, bare: Page
) -> None:
    steps = steps_of(assignment, {})
    everywhere = {index: [OUTPUTS[payload]] for index in range(len(steps))}
    page = export(exporter, to_notebook(steps, everywhere))
    assert added(page, bare) == Counter()
    assert "\x1b" not in page.text
    assert len(page.text) > len(bare.text) or page.images


def test_text_and_pixels_are_kept(assignment: Assignment) -> None:
    stream = {"output_type": "stream", "name": "stderr", "text": "a\r50%\rb\nc\r\n"}
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[1mT\nU"]}
    both = display(text__html="<b>", text__plain="frame", image__png=picture() + "\n")
    photo = display(image__jpeg=picture("jpeg"))
    maths = display(text__latex="$x$")
    shown = shown_outputs(assignment, stream, error, both, photo, maths, display(text__html="<b>"))
    assert [output.get("text") for output in (shown[0], shown[5])] == [
        "b\nc\n",
        "[an output of text/html is not shown]\n",
    ]
    assert shown[1]["traceback"] == ["T", "U"]
    assert shown[2]["data"] == {"text/plain": "frame", "image/png": picture()}
    assert shown[3]["data"] == {"image/jpeg": picture("jpeg")}
    assert shown[4]["data"] == {"text/plain": "$x$"}


def test_outputs_are_capped(assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> None:
    long = {"output_type": "stream", "name": "stdout", "text": "x" * 300_000}
    (cut,) = shown_outputs(assignment, long)
    assert len(cut["text"]) == 100_000
    many = shown_outputs(assignment, *[{"output_type": "stream", "text": "x"}] * 300)
    assert len(many) == 201
    assert many[-1]["text"] == "[more than 200 outputs is not shown]\n"
    monkeypatch.setattr(module, "_NOTEBOOK_CHARS", 250_000)
    assert [o["text"][:6] for o in shown_outputs(assignment, long, long, long)] == [
        "xxxxxx",
        "xxxxxx",
        "[more ",
    ]


def test_a_picture_that_would_fill_the_memory_is_dropped(assignment: Assignment) -> None:
    small = bytearray(base64.b64decode(picture()))
    small[16:24] = struct.pack(">II", 50_000, 50_000)
    (shown,) = shown_outputs(assignment, display(image__png=base64.b64encode(small).decode()))
    assert shown["text"] == "[an output of image/png is not shown]\n"


def test_terminal_codes_are_taken_out() -> None:
    assert plain("\x1b[1;31mred\x1b[0m\x1b]0;title\x07 \x1bM\x9b2Jend") == "red end"
    assert plain(None) == ""


HOSTILE = {
    "brackets": "[" * 50_000,
    "links": "[a](" * 12_500,
    "images": "![a](data:image/png;base64," * 2_000,
    "stars": "*a **b " * 7_000,
    "quotes": ">" * 50_000,
    "quoted lines": "> " * 200 + "\n" + "> a\n" * 10_000,
    "lists": "\n".join(" " * i + "- a" for i in range(300)),
    "dollars": "$" * 50_001,
    "ticks": "".join("`" * (i % 300) + " " for i in range(350)),
    "environments": "\\begin{a}" * 5_500,
    "table": "|" * 25_000 + "\n" + "|-" * 12_500 + "|",
    "definitions": "[a]: https://x.example\n" * 2_000,
    "escapes": "\\" * 50_000,
    "entities": "&" * 50_000,
    "hashes": "# " * 25_000,
    "underlines": "a\n===\n" * 8_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_rendered_in_bounded_time(
    kind: str, exporter: HTMLExporter, assignment: Assignment
) -> None:
    started = time.perf_counter()
    steps = steps_of(assignment, {"q3_reason": HOSTILE[kind]})
    content = to_notebook(steps, {})
    made = time.perf_counter() - started
    export(exporter, content)
    assert made < 1
    # Loose: a busy machine. It takes seconds at most, and an unlimited text takes hours.
    assert time.perf_counter() - started < 30


def test_the_texts_of_all_cells_are_capped_too(assignment: Assignment) -> None:
    extras = [Extra(1, "markdown", "x" * 30_000)] * 10
    content = to_notebook(steps_of(assignment, {"q3_reason": "because"}, *extras), {})
    assert "because" in [cell["source"] for cell in content["cells"]]
    shown = [cell["source"] for cell in content["cells"] if cell["source"][:2] in ("xx", "(M")]
    assert [len(text) for text in shown[:5]] == [20_000] * 5
    assert shown[4].endswith("x…")
    assert all(text.startswith("(More text than is shown here") for text in shown[5:])
    assert len(shown) == 10


def test_images_become_attachments() -> None:
    text = f'see ![a"b](data:image/png;base64,{picture()}) <b> and ![x](attachment:gone.png)'
    source, attachments = safe_markdown(text)
    assert source == "see  ![a b](attachment:image-1)  < b> and ! [x] (attachment:gone.png)"
    assert attachments == {"image-1": {"image/png": picture()}}


def test_addresses_in_text_are_broken() -> None:
    text = r"see <https://a.example/x> $\href{JavaScript:alert(1)}{x}$ data:text/html,x data: 7"
    wanted = r"see  https://a.example/x  $\text{JavaScript :alert(1)}{x}$ data :text/html,x data: 7"
    assert safe_markdown(text) == (wanted, {})


def test_the_notebook_is_plain_json(assignment: Assignment, tmp_path: Path) -> None:
    steps = steps_of(assignment, {"q1_mean": "a\u202eb", "q3_reason": "c\u2066d"})
    text = json.dumps(to_notebook(steps, {0: [object()], 1: [OUTPUTS["surrogate"]]}))
    (tmp_path / "n.ipynb").write_text(text, encoding="utf-8")
    cells = nbformat.read(tmp_path / "n.ipynb", as_version=4).cells
    sources = [cell.source for cell in cells]
    assert "a\ufffdb" in sources
    assert "c\ufffdd" in sources


def test_a_picture_beside_the_notebook_is_shown_where_the_text_names_it(
    assignment: Assignment,
) -> None:
    text = (
        "![a](plot.png) ![b](./my%20photo.jpg \"title\") <img width=9 src='data/p.png'>"
        " ![c](evil.png) ![d](page.svg) ![e](https://x.example/plot.png)"
    )
    evil = base64.b64encode(b"<script>alert(1)</script>").decode()
    files = {
        "plot.png": picture(),
        "my photo.jpg": picture("jpeg"),
        "data/p.png": picture(),
        "evil.png": evil,
        "page.svg": evil,
        "unnamed.png": picture(),
    }
    made = to_notebook(steps_of(assignment, {"q3_reason": text}), {}, files=files)
    (cell,) = [c for c in made["cells"] if "plot" in c["source"] and c["metadata"]]
    assert cell["attachments"] == {
        "image-1": {"image/png": picture()},
        "image-2": {"image/jpeg": picture("jpeg")},
        "image-3": {"image/png": picture()},
    }
    assert "! [c] (evil.png) ! [d] (page.svg) ! [e](https" in cell["source"]
    closing = made["cells"][-1]
    assert "evil.png" in closing["source"]
    assert "page.svg" in closing["source"]
    assert closing["attachments"] == {"image-1": {"image/png": picture()}}
    assert evil not in json.dumps(made)


def test_a_picture_beside_the_notebook_takes_its_room_each_time(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_FILES_CHARS", 2 * len(picture()))
    text = "![a](plot.png) " * 1_000
    made = to_notebook(steps_of(assignment, {"q3_reason": text}), {}, files={"plot.png": picture()})
    assert json.dumps(made).count(picture()) == 2


def test_names_and_notes_of_the_closing_cell_are_plain_text(
    exporter: HTMLExporter, assignment: Assignment, bare: Page
) -> None:
    name = "<script>alert(1)</script>![x](http://x.example/a.png)[y](javascript:alert(1)).txt"
    files = {name: "", "# plan.html": ""}
    made = to_notebook(steps_of(assignment, {}), {}, files=files, notes=[f"found {name}"])
    page = export(exporter, made)
    assert added(page, bare) == Counter()
    assert "Handed in beside this notebook" in page.text
