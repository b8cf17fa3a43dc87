"""MathJax beside the pages, so that they need no network.

The files come from the package sphinx-mathjax-offline (MathJax 3.2.2, 24 MB). Its own extension
copies all of them; the pages load the TeX input, the CommonHTML output and, when a reader asks for
it in MathJax's menu, the accessibility tools: about 4 MB.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

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
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("sphinx-mathjax-offline is not installed: run `make env`")
    source = Path(spec.origin).parent / "static" / "mathjax"
    for pattern in WANTED:
        files = list(source.glob(pattern))
        if not files:
            raise FileNotFoundError(f"MathJax lacks {pattern}: was its package changed?")
        for path in files:
            target = Path(app.outdir) / "_static" / "mathjax" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def setup(app: Sphinx) -> None:
    """Copy MathJax's files at the end of a build."""
    app.connect("build-finished", _copy)
