"""Read a formula as MathJax will, far enough to say what it could not set.

The names that MathJax knows are read from its own bundle, so that a new version brings its list.
Groups, environments, `\\left` and `\\right`, arguments and scripts are followed by a small parser;
what a formula means is none of its business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

BUNDLE = "tex-chtml.js"
FEWEST = 700  # names in the bundle; fewer means that it is written in another way by now


def mathjax_folder() -> Path:
    """Where the package with MathJax's files keeps them."""
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("sphinx-mathjax-offline is not installed: run `make env`")
    return Path(spec.origin).parent / "static" / "mathjax"


@dataclass(frozen=True)
class Names:
    """The control sequences (without their backslash) and environments that can be set."""

    macros: frozenset[str]
    environments: frozenset[str]


_STRING = r'"(?:[^"\\]|\\.)*"'
_MAP = re.compile(
    r'new [\w.]+\.(CommandMap|CharacterMap|DelimiterMap|EnvironmentMap)\("[\w-]+",[^{}"()]*(?={)'
)
_PIECE = re.compile(rf"{_STRING}|[{{}}\[\]()]|[\w$]+(?=:)|.", re.DOTALL)
_AUTOLOAD = re.compile(r"autoload:\(0,[\w.]+\)\((\{.*?\})\)", re.DOTALL)


def _keys(script: str, start: int) -> list[str]:
    """The keys of the object literal that begins at `start`."""
    keys, depth, key_may_follow = [], 0, False
    for match in _PIECE.finditer(script, start):
        piece = match.group()
        if depth == 1 and key_may_follow and piece not in "{}[]()":
            quoted = piece.startswith('"')
            keys.append(re.sub(r"\\(.)", r"\1", piece[1:-1]) if quoted else piece)
        key_may_follow = depth <= 1 and piece in "{,"
        depth += (piece in "{[(") - (piece in "}])")
        if depth == 0:
            break
    return keys


def names_of(script: str) -> Names:
    """What MathJax's bundle defines, with what it loads when a formula asks for it.

    Raises
    ------
    ValueError
        If hardly any names are found.
    """
    macros: set[str] = set()
    environments: set[str] = set()
    for match in _MAP.finditer(script):
        found = _keys(script, match.end())
        if match.group(1) == "EnvironmentMap":
            environments.update(found)
        elif match.group(1) == "DelimiterMap":
            macros.update(key[1:] for key in found if key.startswith("\\"))
        else:
            macros.update(found)
    if loaded := _AUTOLOAD.search(script):
        later = {text[1:-1] for text in re.findall(_STRING, loaded.group(1))}
        macros |= later
        environments |= later
    if len(macros) < FEWEST or not environments:
        raise ValueError(f"{BUNDLE} has only {len(macros)} names of TeX: was MathJax changed?")
    return Names(frozenset(macros), frozenset(environments))


def mathjax_names() -> Names:
    """The names of the installed MathJax."""
    return names_of((mathjax_folder() / BUNDLE).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Problem:
    """What MathJax would stumble over, and how many lines into the formula."""

    text: str
    line: int


_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|%[^\n]*|\s+|.", re.DOTALL)
_VERBATIM = frozenset({"text", "textrm", "textbf", "textit", "mbox", "hbox", "label", "tag", "ref"})
_ARGUMENTS = {
    **dict.fromkeys(("frac", "dfrac", "tfrac", "cfrac", "binom", "dbinom", "tbinom"), 2),
    **dict.fromkeys(("overset", "underset", "stackrel"), 2),
    **dict.fromkeys(("sqrt", "mathbb", "mathbf", "mathcal", "mathrm", "mathsf", "mathit"), 1),
    **dict.fromkeys(("hat", "widehat", "bar", "overline", "tilde", "widetilde", "vec", "dot"), 1),
    **dict.fromkeys(("operatorname", "underbrace", "overbrace", "boldsymbol", "substack"), 1),
}


class _Stop(Exception):
    """The first thing that is wrong; what follows may be wrong because of it."""


class _Parser:
    """Goes through one formula and stops at the first problem."""

    def __init__(self, tex: str, names: Names) -> None:
        pairs = [(match.group(), match.start()) for match in _TOKEN.finditer(tex)]
        self._tokens = [pair for pair in pairs if not pair[0].isspace() and pair[0][0] != "%"]
        self._tex, self._names, self._at = tex, names, 0

    def problem(self) -> Problem | None:
        """What is wrong with the formula first."""
        try:
            closing = self._items()
            if closing is not None:
                self._stop(f"`{closing}` without what it closes")
        except _Stop as stop:
            place = self._tokens[min(self._at, len(self._tokens)) - 1][1] if self._tokens else 0
            return Problem(str(stop), self._tex.count("\n", 0, place))
        return None

    def _stop(self, text: str) -> None:
        raise _Stop(text)

    def _next(self) -> str | None:
        """The next token; None at the end."""
        if self._at == len(self._tokens):
            return None
        self._at += 1
        return self._tokens[self._at - 1][0]

    def _peek(self) -> str | None:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else None

    def _items(self, *, in_left: bool = False) -> str | None:
        """Read up to what closes this group, and say what that was; None at the end."""
        scripts: set[str] = set()
        while (token := self._next()) is not None:
            if token in ("}", r"\right", r"\end"):
                return token
            if in_left and token in ("&", r"\\"):
                self._stop(rf"`{token}` between \left and \right")
            if token in ("^", "_"):
                if token in scripts:
                    self._stop(f"two `{token}` at one symbol; braces say which is meant")
                scripts.add(token)
                self._argument(token)
            elif token != "'":
                scripts = set()
                self._item(token)
        return None

    def _item(self, token: str) -> None:
        """One symbol, group, macro with its arguments or environment."""
        if token == "{":
            self._group()
        elif token == "$":
            self._stop("a `$` within a formula")
        elif token == r"\left":
            self._delimiter(token)
            if (closing := self._items(in_left=True)) != r"\right":
                self._stop(rf"`\left` without `\right`, before {_shown(closing)}")
            self._delimiter(r"\right")
        elif token == r"\begin":
            self._environment()
        elif token[0] == "\\":
            self._macro(token[1:])

    def _group(self) -> None:
        if (closing := self._items()) != "}":
            self._stop(f"`{{` is not closed before {_shown(closing)}")

    def _delimiter(self, of: str) -> None:
        if self._next() in (None, "{", "}"):
            self._stop(f"`{of}` without a delimiter")

    def _environment(self) -> None:
        name = self._name(r"\begin")
        if name not in self._names.environments:
            self._stop(rf"MathJax knows no environment `\begin{{{name}}}`")
        if (closing := self._items()) != r"\end":
            self._stop(rf"`\begin{{{name}}}` is not ended before {_shown(closing)}")
        if (ended := self._name(r"\end")) != name:
            self._stop(rf"`\begin{{{name}}}` is ended by `\end{{{ended}}}`")

    def _name(self, of: str) -> str:
        """The name in braces after `of`."""
        token, name = self._next(), ""
        while token == "{" and (part := self._next()) not in ("}", None):
            name += str(part)
        if not name:
            self._stop(f"`{of}` without a name in braces")
        return name

    def _macro(self, name: str) -> None:
        if name not in self._names.macros:
            self._stop(rf"MathJax knows no `\{name}`")
        if self._peek() == "*":
            self._next()
        if name in _VERBATIM:
            self._verbatim(name)
            return
        if name in _ARGUMENTS and self._peek() == "[":
            while self._next() not in ("]", None):
                pass
        for _ in range(_ARGUMENTS.get(name, 0)):
            self._argument(f"\\{name}")

    def _argument(self, of: str) -> None:
        token = self._next()
        if token in (None, "}", "&", "^", "_", r"\\", r"\right", r"\end"):
            self._stop(f"`{of}` without its argument, before {_shown(token)}")
        self._item(str(token))

    def _verbatim(self, name: str) -> None:
        """Text in braces, which has other rules; only the braces are counted."""
        if self._next() != "{":
            self._stop(rf"`\{name}` without its argument in braces")
        depth = 1
        while depth:
            token = self._next()
            if token is None:
                self._stop(rf"`\{name}{{` is not closed before the end")
            depth += (token == "{") - (token == "}")


def _shown(token: str | None) -> str:
    return "the end" if token is None else f"`{token}`"


def problem_of(tex: str, names: Names) -> Problem | None:
    r"""What MathJax could not set in a formula; None where nothing is found.

    >>> names = Names(frozenset({"frac"}), frozenset())
    >>> problem_of(r"\frac{1}{2}", names) is None
    True
    >>> problem_of(r"\frac{1}{", names).text
    '`{` is not closed before the end'
    """
    return _Parser(tex, names).problem()
