r"""MathJax inside Formgrader's pages, so that they need no network.

nbgrader's template asks a server on the internet for MathJax. Formgrader can serve no file of ours,
so the script stands in the page itself: 2.3 MB, with the font, from sphinx-mathjax-offline.

What students wrote is typeset too. So no TeX command may load anything, make a link or set a style:
only packages without such commands are used, and MathJax's own filter takes out what others let in
(``\mmlToken``).
"""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_PARTS = ("tex-svg-full.js", "ui/safe.js")
# Of all packages of TeX commands without action, bbox, html, autoload and require.
_PACKAGES = """
    base ams amscd boldsymbol braket bussproofs cancel cases centernot color colortbl empheq
    extpfeil gensymb mathtools mhchem newcommand noundefined textcomp unicode upgreek verb
"""
_CONFIGURATION = {
    "tex": {
        "packages": _PACKAGES.split(),
        "inlineMath": [["$", "$"], ["\\(", "\\)"]],
        "displayMath": [["$$", "$$"], ["\\[", "\\]"]],
        "processEscapes": True,
        "processEnvironments": True,
        "tags": "ams",
    },
    "options": {
        "enableMenu": False,  # it would fetch more of MathJax
        "safeOptions": {
            "allow": {"URLs": "none", "classes": "none", "cssIDs": "none", "styles": "none"}
        },
    },
}


@cache
def script(_: str = "") -> str:
    """The text of the page's script; a filter of templates, which is given a text.

    Raises
    ------
    ModuleNotFoundError
        If sphinx-mathjax-offline is not installed.
    """
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("sphinx-mathjax-offline is not installed: run `make env`")
    folder = Path(spec.origin).parent / "static" / "mathjax"
    texts = [(folder / name).read_text(encoding="utf-8") for name in _PARTS]
    text = ";\n".join([f"window.MathJax = {json.dumps(_CONFIGURATION)}", *texts])
    # What a browser could take for the end of the script, or for a comment in it.
    return text.replace("</", "<\\/").replace("<!--", "<\\!--")
