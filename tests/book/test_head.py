"""What a page says of itself, its icon, and the page for an address that leads nowhere."""

from __future__ import annotations

import http.server
import re
import threading
from functools import partial
from pathlib import Path

import pytest
from docutils import nodes

from replearn_book.head import LONGEST, SHORTEST, description_of


def test_a_description_is_the_first_paragraph_that_says_something():
    document = nodes.document(None, None)
    formula = nodes.paragraph("", "", nodes.Text("A long sentence with a formula in it: "))
    formula += nodes.math(text="x")
    said = "A sentence that is long enough to be what a search engine shows."
    document += [nodes.paragraph(text="Short."), formula, nodes.paragraph(text=said)]
    assert description_of(document) == said
    document[2] = nodes.paragraph(text=said * 10)
    assert len(description_of(document)) <= LONGEST
    assert description_of(nodes.document(None, None)) == ""


def test_every_page_has_a_description(html, pages):
    found = {}
    for page in pages:
        text = (html / page).read_text(encoding="utf-8")
        found[page.as_posix()] = re.findall(r'<meta name="description" content="([^"]*)"', text)
    assert {name for name, texts in found.items() if len(texts) != 1} == set()
    chapters = {name: texts[0] for name, texts in found.items() if name.startswith("lectures/")}
    assert len(set(chapters.values())) == len(chapters)
    assert min(map(len, chapters.values())) >= SHORTEST


@pytest.mark.browser
def test_the_icon_is_there(visit, site):
    page = visit().open(f"{site}/lectures/03_pca.html")
    icon = page.eval_on_selector("link[rel=icon]", "link => link.href")
    answer = page.request.get(icon)
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/svg+xml"


class _Lost(http.server.SimpleHTTPRequestHandler):
    """A web server with the book below /a/course/, and its 404.html for what is not there."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix("/a/course"))

    def send_error(self, code: int, *_: object) -> None:
        text = Path(self.directory, "404.html").read_bytes()
        self.send_response(code)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def lost(html):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Lost, directory=str(html)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/a/course"
    server.shutdown()
    thread.join()


@pytest.mark.browser
@pytest.mark.parametrize("where", ["nowhere.html", "lectures/no/such.html", "book/api/none"])
def test_a_lost_reader_finds_the_search(visit, lost, where):
    shown = visit()
    page = shown.open(f"{lost}/{where}")
    assert page.locator("h1:visible").inner_text().startswith("There is no such page")
    # The browser asks for files ahead of the script that says where the book begins, in vain.
    assert [error for error in shown.errors if error.startswith("page error")] == []
    sheets = "link[rel=stylesheet]"
    assert page.locator(sheets).count() > 3
    assert page.eval_on_selector_all(sheets, "all => all.every(link => link.sheet !== null)")
    page.locator("article a", has_text="Search").click()
    page.wait_for_url(f"{lost}/search.html")
