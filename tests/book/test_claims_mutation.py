"""The mutants of claims: how they are written, and what counts as killed."""

from __future__ import annotations

import pytest

from tests.claims.mutation import Mutant, MutantError, all_mutants, read_mutants, run_all

SOURCE = """
import pytest


@pytest.mark.claim("prop-two")
def test_two():
    assert 1 + 1 == 2
"""
TESTS = {"prop-two": "test_two"}


def entry(**keys: str) -> str:
    return "[[mutant]]\n" + "\n".join(f"{key} = '{value}'" for key, value in keys.items())


def test_a_mutant_is_the_changed_test_file():
    text = entry(claim="prop-two", says="It is 3.", replace="== 2", by="== 3")
    (mutant,) = read_mutants("01_tiny", text, SOURCE, TESTS)
    assert mutant.source == SOURCE.replace("== 2", "== 3")
    assert mutant.test == "test_two"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"says": "s", "replace": "2", "by": "3"}, "claim is missing"),
        ({"claim": "prop-two", "replace": "2", "by": "3"}, "says is missing"),
        ({"claim": "prop-one", "says": "s", "replace": "2", "by": "3"}, "no test of chapter"),
        ({"claim": "prop-two", "says": "s"}, "wants either replace and by"),
        ({"claim": "prop-two", "says": "s", "replace": "2", "by": "2"}, "two different texts"),
        ({"claim": "prop-two", "says": "s", "replace": "1", "by": "3"}, "occurs 2 times"),
        ({"claim": "prop-two", "says": "s", "replace": "7", "by": "3"}, "occurs 0 times"),
        ({"claim": "prop-two", "says": "s", "replace": "2", "by": "3", "b": "c"}, "unknown key b"),
    ],
)
def test_a_mutant_that_cannot_be_made_is_named(keys, message):
    with pytest.raises(MutantError, match=r"mutants/01_tiny\.toml, mutant 1 .*" + message):
        read_mutants("01_tiny", entry(**keys), SOURCE, TESTS)


def test_only_a_failed_assertion_kills():
    wanted = {
        "1 + 1 == 3": (True, "AssertionError"),
        "1 + 1 > 1": (False, "survived"),
        "one == 2": (False, "NameError"),
        "1 + == 2": (False, "SyntaxError"),
    }
    mutants = [
        Mutant("prop-two", by, "01_tiny", "test_two", SOURCE.replace("1 + 1 == 2", by))
        for by in wanted
    ]
    outcomes = {outcome.mutant.says: outcome for outcome in run_all(mutants)}
    assert outcomes.keys() == wanted.keys()
    for by, (killed, detail) in wanted.items():
        assert outcomes[by].killed == killed, by
        assert detail in outcomes[by].detail


def test_every_claim_has_a_mutant(root):
    from replearn_book.claims import Claims

    broken = {mutant.claim for mutant in all_mutants()}
    claims = Claims.of(root).statements
    assert claims
    missing = [claim.label for claim in claims if claim.label not in broken]
    assert missing == []
