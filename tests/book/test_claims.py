"""The scan for claims and tests: what counts, and what it says when something is missing."""

from __future__ import annotations

import pytest

from replearn_book.claims import Claims

PROOF = "```{prf:proof}\nClear.\n```\n"


def claim(label: str | None = "thm-a", kind: str = "theorem", fence: str = "```") -> str:
    option = f":label: {label}\n" if label else ""
    return f"{fence}{{prf:{kind}}} A title\n{option}\nIt is so.\n{fence}\n\n"


def mark(label: str, name: str = "test_a") -> str:
    return f"@pytest.mark.claim({label!r})\ndef {name}():\n    assert True\n\n\n"


@pytest.fixture
def problems(tmp_path):
    def of(page: str, tests: str = "") -> list[str]:
        for folder in ("lectures", "tests/claims"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "lectures" / "01_x.md").write_text(f"# Title\n\n{page}")
        (tmp_path / "tests" / "claims" / "test_x.py").write_text(tests)
        return Claims.of(tmp_path).problems()

    return of


@pytest.mark.parametrize("fence", ["```", "````", ":::", "::::", "~~~"])
@pytest.mark.parametrize("kind", ["theorem", "proposition", "lemma", "corollary", "property"])
def test_a_proved_and_tested_claim_is_fine(problems, fence, kind):
    assert problems(claim(kind=kind, fence=fence) + PROOF, mark("thm-a")) == []
    assert len(problems(claim(kind=kind, fence=fence) + PROOF)) == 1


def test_options_as_yaml_are_read(problems):
    page = "```{prf:lemma}\n---\nlabel: lem-yaml\n---\nIt is so.\n```\n\n" + PROOF
    assert problems(page, mark("lem-yaml")) == []


@pytest.mark.parametrize("kind", ["definition", "algorithm", "example", "remark"])
def test_what_asserts_nothing_needs_no_test(problems, kind):
    assert problems(claim(None, kind)) == []


def test_a_claim_in_another_directive_is_found(problems):
    (problem,) = problems(f"::::{{admonition}} Main result\n{claim()}{PROOF}::::\n")
    assert "has no test" in problem


def test_a_claim_in_a_listing_is_none(problems):
    assert problems(f"````markdown\n{claim()}````\n") == []


def test_a_claim_needs_a_label(problems):
    (problem,) = problems(claim(None) + PROOF)
    assert problem.endswith("has no :label:")
    assert "01_x.md:3" in problem


def test_a_label_is_used_once(problems):
    found = problems((claim() + PROOF) * 2, mark("thm-a"))
    assert len(found) == 1
    assert "has the label of" in found[0]


@pytest.mark.parametrize(
    "between",
    [claim("thm-b"), "## Next section\n\n", "# Next\n\n"],
    ids=["another claim", "heading", "title"],
)
def test_a_proof_follows_its_claim(problems, between):
    tests = mark("thm-a") + mark("thm-b", "test_b")
    found = problems("## Section\n\n" + claim() + between + PROOF, tests)
    assert any("thm-a is not followed by a {prf:proof}" in text for text in found)


@pytest.mark.parametrize(
    "between",
    ["Some words.\n\n", "### Part\n\n", claim(None, "remark")],
    ids=["text", "sub", "remark"],
)
def test_words_may_stand_before_the_proof(problems, between):
    assert problems("## Section\n\n" + claim() + between + PROOF, mark("thm-a")) == []


def test_the_mark_may_have_a_short_name(problems):
    tests = "claim = pytest.mark.claim\n\n\n" + mark("thm-a").replace("pytest.mark.", "")
    assert problems(claim() + PROOF, tests) == []


def test_a_test_names_one_claim_that_exists(problems):
    page = claim() + PROOF
    (unmarked,) = problems(page, mark("thm-a") + "def test_b():\n    assert True\n")
    assert "must name one label" in unmarked
    (unknown,) = problems(page, mark("thm-a") + mark("thm-zzz", "test_b"))
    assert "tests 'thm-zzz', which no page states" in unknown
