"""The browser in which tests open pages: the system's Chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Response

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A browser asks for these by itself; that a book has none is no fault of a page.
UNASKED = ("/favicon.ico",)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium of the system; without one the test is skipped, in CI it fails."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        message = f"no Chromium on PATH (looked for {', '.join(names)}): pages are not tested"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


class Visit:
    """A page opened in the browser, and everything that went wrong meanwhile."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        self.page.on("console", self._console)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        where = urlsplit(message.location.get("url", "")).path
        if message.type == "error" and where not in UNASKED:
            self.errors.append(f"console: {message.text} ({where})")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and urlsplit(response.url).path not in UNASKED:
            self.errors.append(f"{response.status}: {response.url}")

    def open(self, url: str) -> Page:
        """The page, when its formulas have been set."""
        self.page.goto(url, wait_until="load")
        self.page.wait_for_function(
            "() => !window.MathJax || !MathJax.startup || MathJax.startup.promise === undefined"
            " || MathJax.startup.promise.then(() => true)"
        )
        return self.page

    def others(self, site: str) -> list[str]:
        """Requests to any other host."""
        local = ("data:", "blob:", "about:", f"{site}/")
        return [url for url in self.requests if not url.startswith(local)]
