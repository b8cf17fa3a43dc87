"""The book, built once for all tests, served on this machine and opened in a browser."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.chromium import Visit, chromium

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture(scope="session")
def build(root):
    """Build a book as `make book` does; output and errors as one text."""

    def run(book: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(root / "book" / "tools" / "build.py"), "--root", str(book)]
        result = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        result.stdout = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)  # colours
        return result

    return run


@pytest.fixture(scope="session")
def html(root, build) -> Path:
    """The folder of the built book. Building takes a lock, so two workers build it once."""
    result = build(root)
    assert result.returncode == 0, result.stdout[-6000:]
    return root / "_build" / "html"


@pytest.fixture(scope="session")
def pages(html) -> list[Path]:
    """All pages that a reader can open, relative to the book's folder."""
    found = [path.relative_to(html) for path in html.rglob("*.html")]
    # The index.html of the folder only forwards to the front page; _static holds theme parts.
    parts = ("_static", "reports", "index.html")
    return sorted(page for page in found if page.parts[0] not in parts)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at what the browser reports."""


@pytest.fixture(scope="session")
def site(html):
    """Address of the served book."""
    handler = partial(_Quiet, directory=str(html))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium of the system."""
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser):
    """Open pages; what was opened is closed after the test."""
    visits = []

    def make(**options) -> Visit:
        visits.append(Visit(browser, **options))
        return visits[-1]

    yield make
    for made in visits:
        made.context.close()


HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
    format_version: 0.13
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A tiny chapter

"""


@pytest.fixture(scope="session")
def header() -> str:
    """The first lines of a chapter."""
    return HEADER


@pytest.fixture(scope="session")
def tiny_book_in(root):
    """Make a book of the given chapters with the real configuration; returns its folder."""

    def make(
        folder: Path, *chapters: str, claim_tests: str = "", names: Sequence[str] = ()
    ) -> Path:
        book = folder / "a book"  # the space is part of the test
        for name in ("lectures", "tests/claims", "book"):
            (book / name).mkdir(parents=True)
        config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
        config["sphinx"]["local_extensions"] = {"replearn_book": str(root / "book" / "_ext")}
        (book / "_config.yml").write_text(yaml.safe_dump(config))
        shutil.copytree(root / "book" / "_static", book / "book" / "_static")
        (book / "book" / "references.bib").write_text("")
        (book / "book" / "index.md").write_text("# A tiny book\n")
        for name in ("claims.md", "comparison.md"):
            shutil.copy(root / "book" / name, book / "book")
        names = names or [f"{number:02d}_tiny" for number in range(1, len(chapters) + 1)]
        for name, text in zip(names, chapters, strict=True):
            (book / "lectures" / f"{name}.md").write_text(HEADER + text)
        numbered = [{"file": f"lectures/{name}"} for name in names]
        others = [{"file": name} for name in ("book/comparison", "book/claims")]
        parts = [{"numbered": 2, "chapters": numbered}, {"chapters": others}]
        toc = {"format": "jb-book", "root": "book/index", "parts": parts}
        (book / "_toc.yml").write_text(yaml.safe_dump(toc))
        (book / "tests" / "claims" / "test_tiny.py").write_text(claim_tests)
        return book

    return make


@pytest.fixture
def tiny_book(tiny_book_in, tmp_path):
    """The same in a folder of this test's own."""
    return partial(tiny_book_in, tmp_path)
