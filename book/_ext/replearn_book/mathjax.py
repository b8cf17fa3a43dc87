"""MathJax beside the pages, so that they need no network.

The files come from the package sphinx-mathjax-offline (MathJax 3.2.2, 24 MB). Its own extension
copies all of them; the pages load the TeX input, the CommonHTML output and, when a reader asks for
it in MathJax's menu, the accessibility tools: about 4 MB.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from replearn_book.tex import mathjax_folder

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

WANTED = (
    "tex-chtml.js",
    "input/tex/extensions/*.js",
    "output/chtml/fonts/woff-v2/*.woff",
    "a11y/*.js",
    "sre/mathmaps/base.json",
    "sre/mathmaps/en.json",
)


def _copy(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    source = mathjax_folder()
    for pattern in WANTED:
        files = list(source.glob(pattern))
        if not files:
            raise FileNotFoundError(f"MathJax lacks {pattern}: was its package changed?")
        for path in files:
            target = Path(app.outdir) / "_static" / "mathjax" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _no_tab_stops(_: Sphinx, config: Config) -> None:
    """Keep the Tab key for links: MathJax makes each formula a stop, and a chapter has hundreds."""
    options = (config.mathjax3_config or {}).get("options", {})
    menu = {"settings": {"inTabOrder": False}}
    config.mathjax3_config = {
        **(config.mathjax3_config or {}),
        "options": {**options, "menuOptions": menu},
    }


def setup(app: Sphinx) -> None:
    """Configure MathJax, and copy its files at the end of a build."""
    app.connect("config-inited", _no_tab_stops)
    app.connect("build-finished", _copy)
