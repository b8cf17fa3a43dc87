"""Words for people in some code: comments and texts, in which an answer by hand may stand."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings

_MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
_OF_CODE = frozenset({"time", "timeit", "capture", "prun"})  # cell magics around Python
_WORD = re.compile(r"\w+")


def words(text: str) -> int:
    """How many words a text has; the parts of a formula count."""
    return len(_WORD.findall(text))


def prose(source: str) -> tuple[list[str], list[str]]:
    """Comments, and texts in quotes, of some code; all of it is comment where it is no Python.

    Nothing is run.
    """
    magic = _CELL_MAGIC.match(source)
    if magic and magic[1] not in _OF_CODE:
        return source.splitlines()[1:], []
    code = _MAGIC.sub("", source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a "\d" is its author's concern
            tree = ast.parse(code)
        texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return source.splitlines(), []
    comments = [token.string.lstrip("#! ") for token in tokens if token.type == tokenize.COMMENT]
    return comments, [text for text in texts if isinstance(text, str)]


def added_lines(text: str, *known: str) -> str:
    """The lines of a text that stand in none of the others, in whatever place."""
    old = {line.strip() for other in known for line in other.splitlines()}
    return "\n".join(line for line in text.splitlines() if line.strip() and line.strip() not in old)
