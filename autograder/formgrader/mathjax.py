"""MathJax inside Formgrader's pages, so that they need no network.

Formgrader can serve no file of ours, so the script stands in the page itself: 2.3 MB with its font.
``templates/formgrade/mathjax.html.j2`` says how it is used.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def scripts(names: str) -> str:
    """MathJax's scripts as the text of a script in a page; a filter of the page's template.

    Parameters
    ----------
    names
        Their files in the package sphinx-mathjax-offline, separated by spaces.

    Raises
    ------
    ModuleNotFoundError
        If sphinx-mathjax-offline is not installed.
    """
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("sphinx-mathjax-offline is not installed: run `make env`")
    folder = Path(spec.origin).parent / "static" / "mathjax"
    text = ";\n".join((folder / name).read_text(encoding="utf-8") for name in names.split())
    # What a browser could take for the end of the script, or for a comment in it.
    return re.sub(r"<(?=/script|!--)", r"<\\", text, flags=re.IGNORECASE) + ";"
