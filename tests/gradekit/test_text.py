"""Texts of strangers, over all of Unicode: nothing that steers a terminal, a page or a sheet."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradekit.text import no_formula, one_line, visible

ANY = st.text(st.characters(), max_size=40)  # surrogates, controls and unassigned ones included
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
BLANK = (
    " \t\n\r\x0b\x0c\x1c\x85\xa0\u2000\u2007\u200b\u2028\u202f\u2060\u3000\ufeff\u3164\u115f\u2800"
)
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u208c\u2212\u2a75"
INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp", "Cn", "Co", "Cs", "Mn"}


def begins_with_a_sign(cell: str) -> bool:
    """Whether the first character that is drawn is a formula's, in any of its forms."""
    for c in cell:
        if not (unicodedata.category(c) in INVISIBLE or c.isspace() or c in BLANK + "\ufffd"):
            return unicodedata.normalize("NFKC", c).lstrip()[:1] in tuple("=+-@\u2212")
    return False


@given(st.tuples(st.text(BLANK + BIDI, max_size=3), st.text(SIGNS, max_size=2), ANY).map("".join))
def test_no_cell_begins_with_a_formulas_sign(text: str) -> None:
    cell = no_formula(text)
    assert not begins_with_a_sign(cell)
    assert not set(cell) & set("\t\r\n\x00" + BIDI)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", ["", *BLANK, *BIDI, " \u00a0", "\ufe0f", "\u0301"])
def test_each_sign_behind_each_blank_is_guarded(before: str, sign: str) -> None:
    assert no_formula(f"{before}{sign}1").startswith("'")


@pytest.mark.parametrize(
    "name", ["ada", "Åsa Öberg", "o'neil", "a=b", "李雷", "نور", "1-2", " ada"]
)
def test_an_ordinary_name_stays_as_it_is(name: str) -> None:
    assert no_formula(name) == name


@given(ANY | st.text(BIDI + BLANK, max_size=10))
def test_no_bidirectional_or_other_control_is_left(text: str) -> None:
    for shown in (visible(text, 30), one_line(text, 30)):
        assert len(shown) <= 30
        assert not set(shown) & set(BIDI + "\x1b\x00\x7f\x9b\u2028\u2029\u3164\u115f\u2800")
    assert one_line(text, 30).isprintable()
